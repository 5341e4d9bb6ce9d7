"""Commands about images: init, ingest."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from herntrack.cli.terminal import (
    EXIT_PARTIAL,
    JsonOption,
    WorkspaceOption,
    print_json,
    print_table,
    say,
    stages,
    warn,
    workspace_of,
)
from herntrack.workflows.workspace import create_workspace

LISTED_REJECTS = 20
"""Files set aside that an ingest names one by one; the rest is counted."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(ingest)


def _named_path(text: str) -> Path:
    """Return a path; an empty one, of a variable that was never set, would mean the current folder."""
    if not text.strip():
        raise typer.BadParameter("a path is empty; name a folder or a file, or . for the current folder")
    return Path(text)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new workspace.")],
) -> None:
    """Make a workspace: settings, an empty catalogue, folders for readings and reports."""
    from herntrack.workflows.session import ensure_catalogue

    workspace = create_workspace(folder)
    ensure_catalogue(workspace)
    say(f"workspace ready in {workspace.folder}")


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", parser=_named_path, help="Folders, files, zip or tar archives, DICOMDIR."
        ),
    ],
    workspace: WorkspaceOption = None,
    patient_id: Annotated[
        str, typer.Option("--patient-id", help="Stands in for a PatientID that the files lack.")
    ] = "",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the workspace.")] = False,
    digest: Annotated[
        bool, typer.Option("--digest", help="Store a digest of every image's pixels, for check --pixels.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes that read headers; default: all cores.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Catalogue MR and CT images; what cannot be used is set aside with its reason."""
    from herntrack.workflows.ingesting.ingest import ingest as run

    project = workspace_of(context, workspace)
    with stages() as progress:
        summary = run(
            project,
            paths,
            patient_id=patient_id,
            is_copied=copy,
            has_digests=digest,
            jobs=jobs,
            progress=progress,
        )
    set_aside = [
        {
            "root": reject.location.root,
            "relative_path": reject.location.relative_path,
            "code": reject.code,
            "reason": reject.reason,
        }
        for reject in summary.set_aside
    ]
    if as_json:
        print_json(
            {
                "n_files": summary.n_files,
                "n_read": summary.n_read,
                "n_unchanged": summary.n_unchanged,
                "n_vanished": summary.n_vanished,
                "n_digested": summary.n_digested,
                "catalogue": asdict(summary.counts),
                "set_aside": set_aside,
                "notes": list(summary.notes),
            }
        )
    else:
        counts = summary.counts
        say(f"{summary.n_files} files: {summary.n_read} read, {summary.n_unchanged} unchanged")
        if digest:
            say(f"{summary.n_digested} images got a digest of their pixels")
        say(
            f"the catalogue holds {counts.patients} patients, {counts.studies} studies,"
            f" {counts.series} series, {counts.stacks} stacks, {counts.instances} images"
            f"{f', {counts.missing} of them missing' if counts.missing else ''}"
        )
        if set_aside:
            totals = Counter(row["code"] for row in set_aside)
            say(f"set aside: {', '.join(f'{count} {code}' for code, count in totals.most_common())}")
            print_table(set_aside[:LISTED_REJECTS], ("relative_path", "code", "reason"))
            if len(set_aside) > LISTED_REJECTS:
                say(f"... and {len(set_aside) - LISTED_REJECTS} more: herntrack list rejects")
    for note in summary.notes:
        warn(note)
    if set_aside:
        raise typer.Exit(EXIT_PARTIAL)
