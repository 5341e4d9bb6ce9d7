"""Commands about trust: check, rebuild, db upgrade."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from herntrack.cli.terminal import (
    EXIT_PARTIAL,
    EXIT_REFUSED,
    JsonOption,
    WorkspaceOption,
    print_json,
    say,
    stages,
    warn,
    workspace_of,
)

db_app = typer.Typer(help="The catalogue's tables.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(check)
    app.command()(rebuild)
    app.add_typer(db_app, name="db")


def check(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Compare the pixels with the digests of ingest --digest, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check that images, readings and catalogue agree and that nothing was altered."""
    from herntrack.workflows.check import check as run

    with stages() as progress:
        summary = run(workspace_of(context, workspace), has_pixels=pixels, progress=progress)
    if as_json:
        print_json({**asdict(summary), "problems": list(summary.problems), "notes": list(summary.notes)})
    else:
        say(f"{summary.n_images} images and {summary.n_readings} readings checked")
    for sentence in (*summary.problems, *summary.notes):
        warn(sentence)
    if summary.problems:
        raise typer.Exit(EXIT_REFUSED)


def rebuild(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes that read headers.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the catalogue anew from images and readings."""
    from herntrack.workflows.rebuild import rebuild as run

    with stages() as progress:
        summary = run(workspace_of(context, workspace), jobs=jobs, progress=progress)
    if as_json:
        print_json(
            {
                "catalogue": asdict(summary.counts),
                "n_lesions": summary.n_lesions,
                "n_readings": summary.n_readings,
                "n_set_aside": len(summary.set_aside),
                "cases_set_aside": [asdict(case) for case in summary.cases_set_aside],
                "notes": list(summary.notes),
            }
        )
    else:
        counts = summary.counts
        say(
            f"rebuilt: {counts.patients} patients, {counts.studies} studies, {counts.series} series,"
            f" {counts.stacks} stacks, {counts.instances} images, {summary.n_lesions} lesions,"
            f" {summary.n_readings} readings"
        )
    for note in summary.notes:
        warn(note)
    if summary.set_aside:
        warn(f"{len(summary.set_aside)} file(s) set aside: herntrack list rejects")
    for case in summary.cases_set_aside:
        warn(f"set aside {case.uid}: {case.reason}")
    if summary.set_aside or summary.cases_set_aside:
        raise typer.Exit(EXIT_PARTIAL)


@db_app.command("upgrade")
def upgrade(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Bring the catalogue's tables to this version."""
    from herntrack.workflows.session import ensure_catalogue
    from herntrack.workflows.workspace_lock import workspace_locked

    project = workspace_of(context, workspace)
    with stages() as progress, workspace_locked(project.folder, progress=progress):
        ensure_catalogue(project)
    say(f"the catalogue of {project.folder} is up to date")
