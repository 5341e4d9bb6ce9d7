"""The command that lays follow-ups onto the baseline."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from herntrack.model.vocabulary import Level

if TYPE_CHECKING:
    from herntrack.model.records import VisitAlignment
    from herntrack.workflows.workspace import Workspace

COLUMNS = ("visit_date", "level", "verdict", "residual_mm", "overlap", "agreement", "runner_up", "reasons")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(align)


def align(
    context: typer.Context,
    patient: Annotated[
        str, typer.Option("--patient", help="PatientID, as herntrack list patients shows it.")
    ],
    workspace: WorkspaceOption = None,
    visit: Annotated[
        datetime | None,
        typer.Option("--visit", formats=["%Y-%m-%d"], help="Only this follow-up, YYYY-MM-DD."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Align anew, also where an alignment is stored.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write DICOM Spatial Registration objects to this folder.", file_okay=False
        ),
    ] = None,
    overrule: Annotated[
        str | None,
        typer.Option("--overrule", metavar="good|check|failed", help="Set the verdict; needs --visit."),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(
            "--level", parser=Level.parse, metavar="LEVEL", help="Overrule the refinement at this disc."
        ),
    ] = None,
    reader: Annotated[str, typer.Option("--reader", help="Who overrules.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; one sentence.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Align each follow-up with the baseline, as a whole and at each disc that is known."""
    from herntrack.workflows.aligning.align import align_patient
    from herntrack.workflows.aligning.standing import VERDICTS, overrule_alignment

    project = workspace_of(context, workspace)
    if overrule is not None:
        if visit is None:
            raise typer.BadParameter("--overrule is of one visit: give --visit YYYY-MM-DD")
        if overrule not in VERDICTS:
            raise typer.BadParameter(f"{overrule!r} is no verdict; use one of: {', '.join(VERDICTS)}")
        found = overrule_alignment(
            project, patient, visit.date(), level=level, verdict=overrule, reader=reader, reason=reason
        )
        _end(_show(project, found, out, as_json))
        return
    if level is not None:
        raise typer.BadParameter("--level goes with --overrule; every known disc is aligned")
    dates = None if visit is None else [visit.date()]
    with stages() as progress:
        summary = align_patient(project, patient, visit_dates=dates, is_again=again, progress=progress)
    if not as_json:
        say(f"{summary.n_made} alignments made, {len(summary.alignments)} stand")
    rows = _show(project, list(summary.alignments), out, as_json)
    for case in summary.set_aside:
        warn(f"set aside {case.uid}: {case.reason}")
    _end(rows, is_partial=bool(summary.set_aside))


def _end(rows: list[dict[str, Any]], *, is_partial: bool = False) -> None:
    """Name the alignments that have failed and end with the exit code that says so."""
    failed = [row for row in rows if row["verdict"] == "failed"]
    for row in failed:
        where = row["level"] or "the whole spine"
        warn(f"visit {row['visit_date']}, {where}: the alignment has failed; {'; '.join(row['reasons'])}")
    if is_partial or failed:
        raise typer.Exit(EXIT_PARTIAL)


def _show(
    project: Workspace, found: list[VisitAlignment], out: Path | None, as_json: bool
) -> list[dict[str, Any]]:
    from herntrack.workflows.aligning.rows import alignment_row

    rows = [alignment_row(each) for each in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)
    if out is not None and found:
        from herntrack.workflows.aligning.export import export_alignments

        for path in export_alignments(project, found, out):
            say(f"written: {os.fspath(path)}")
    return rows
