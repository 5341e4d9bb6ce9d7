"""Commands about images: init, ingest, list."""

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
from herntrack.workflows.listing import Listing, list_rows
from herntrack.workflows.workspace import create_workspace

SHOWN_COLUMNS = {
    Listing.PATIENTS: ("patient_id", "n_visits", "n_studies", "n_lesions"),
    Listing.VISITS: ("patient_id", "visit_date", "day", "timepoint", "modalities", "n_stacks"),
    Listing.SERIES: (
        "patient_id",
        "study_date",
        "modality",
        "series_number",
        "series_description",
        "n_stacks",
        "n_images",
        "series_instance_uid",
    ),
    Listing.STACKS: (
        "patient_id",
        "study_date",
        "modality",
        "plane",
        "weighting",
        "series_description",
        "n_slices",
        "slice_spacing_mm",
        "pixel_spacing_row_mm",
        "problems",
        "stack_uid",
    ),
    Listing.LESIONS: ("patient_id", "level", "side", "type", "n_readings", "outcome", "lesion_uid"),
    Listing.READINGS: (
        "patient_id",
        "visit_date",
        "reader",
        "status",
        "volume_mm3",
        "volume_sigma_mm3",
        "source",
        "superseded_by",
        "reading_uid",
    ),
    Listing.REJECTS: ("root", "relative_path", "code", "reason"),
}
"""Columns of a table on the terminal; --json has them all."""

LISTED_REJECTS = 20
"""Files set aside that an ingest names one by one; the rest is counted."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(ingest)
    app.command("list")(list_command)


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
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders or files to catalogue.")],
    workspace: WorkspaceOption = None,
    patient_id: Annotated[
        str, typer.Option("--patient-id", help="Stands in for a PatientID that the files lack.")
    ] = "",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the workspace.")] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes that read headers; default: all cores.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Catalogue MR and CT images; what cannot be used is set aside with its reason."""
    from herntrack.workflows.ingest import ingest as run

    project = workspace_of(context, workspace)
    with stages() as progress:
        summary = run(project, paths, patient_id=patient_id, is_copied=copy, jobs=jobs, progress=progress)
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
                "catalogue": asdict(summary.counts),
                "set_aside": set_aside,
                "notes": list(summary.notes),
            }
        )
    else:
        counts = summary.counts
        say(f"{summary.n_files} files: {summary.n_read} read, {summary.n_unchanged} unchanged")
        say(
            f"the catalogue holds {counts.patients} patients, {counts.studies} studies,"
            f" {counts.series} series, {counts.stacks} stacks, {counts.instances} images"
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


def list_command(
    context: typer.Context,
    what: Annotated[Listing, typer.Argument(help="What to list.")],
    workspace: WorkspaceOption = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Only this patient.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what the catalogue holds."""
    rows = list_rows(workspace_of(context, workspace), what, patient_id=patient)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, SHOWN_COLUMNS[what])
    else:
        say(f"no {what.value}")
