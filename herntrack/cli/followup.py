"""Commands that turn readings into numbers, outcomes and reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

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


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(measure)
    app.command()(classify)
    app.command()(report)


def measure(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Measure the readings whose numbers are missing or stale."""
    from herntrack.workflows.listings.listing import Listing, list_rows
    from herntrack.workflows.reporting.measure import measure as run

    project = workspace_of(context, workspace)
    with stages() as progress:
        summary = run(project, progress=progress)
    rows = [row for row in list_rows(project, Listing.READINGS) if row["superseded_by"] is None]
    if as_json:
        print_json(rows)
    else:
        say(f"{summary.n_measured} readings measured, {summary.n_up_to_date} were up to date")
        if rows:
            print_table(
                rows, ("patient_id", "visit_date", "reader", "status", "volume_mm3", "volume_sigma_mm3")
            )
    for note in summary.notes:
        warn(note)
    _tell_set_aside([(case.uid, case.reason) for case in summary.set_aside])


def classify(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    rules: Annotated[
        str | None,
        typer.Option("--rules", help="A shipped rule set or a rule file."),
    ] = None,
    volumes: Annotated[
        Path | None,
        typer.Option("--volumes", help="Decide a CSV of volumes measured anywhere; needs no workspace."),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", metavar="OLD NEW", help="List what two rule sets decide differently."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Decide what became of each lesion."""
    if volumes is not None:
        _classify_table(volumes, rules, as_json)
    elif diff is not None:
        _compare(context, workspace, diff, as_json)
    else:
        _classify_workspace(context, workspace, rules, as_json)


def _classify_table(volumes: Path, rules: str | None, as_json: bool) -> None:
    from herntrack.volumetrics.rules import load_rules
    from herntrack.workflows.reporting.volume_table import classify_volume_table

    decided, set_aside = classify_volume_table(volumes, load_rules(rules or "default"))
    rows = [row.as_dict() for row in decided]
    _print_outcomes(rows, as_json)
    _tell_set_aside([(lesion.lesion_uid, lesion.message) for lesion in set_aside])


def _classify_workspace(
    context: typer.Context, workspace: Path | None, rules: str | None, as_json: bool
) -> None:
    from herntrack.model.vocabulary import Horizon
    from herntrack.workflows.reporting.classify import classify as run
    from herntrack.workflows.reporting.measure import measure as run_measure
    from herntrack.workflows.set_aside import first_of_each

    project = workspace_of(context, workspace)
    with stages() as progress:
        measured = run_measure(project, progress=progress)
        summary = run(project, rules_source=rules, progress=progress)
    rows: list[dict[str, Any]] = []
    for each in summary.assessments:
        decision, stability = each.decisions[Horizon.LATEST], each.stabilities[Horizon.LATEST]
        rows.append(
            {
                "lesion_uid": each.lesion.lesion_uid,
                "patient_id": each.lesion.patient_id,
                "level": str(each.lesion.level),
                "visit_states": decision.visit_states,
                "outcome": str(decision.outcome),
                "outcome_reason": decision.reason,
                "flags": [str(flag) for flag in decision.flags],
                "outcome_stability": stability.decided_share,
                "primary_outcome": str(each.decisions[Horizon.PRIMARY].outcome),
                "rules": f"{summary.rules.name} {summary.rules.version}",
                "rules_sha256": summary.rules.sha256,
            }
        )
    _print_outcomes(rows, as_json)
    for note in measured.notes:
        warn(note)
    cases = first_of_each((*measured.set_aside, *summary.set_aside))
    _tell_set_aside([(case.uid, case.reason) for case in cases])


def _compare(context: typer.Context, workspace: Path | None, diff: tuple[str, str], as_json: bool) -> None:
    from herntrack.workflows.reporting.classify import compare_rules

    rows = [
        {
            "lesion_uid": each.lesion.lesion_uid,
            "patient_id": each.lesion.patient_id,
            "level": str(each.lesion.level),
            "horizon": str(each.horizon),
            "old": str(each.old),
            "new": str(each.new),
        }
        for each in compare_rules(workspace_of(context, workspace), diff[0], diff[1])
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, tuple(rows[0]))
    else:
        say(f"{diff[0]} and {diff[1]} decide every lesion alike")


def _print_outcomes(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif rows:
        shown = ("patient_id", "level", "lesion_uid", "visit_states", "outcome", "flags", "outcome_stability")
        print_table(rows, tuple(column for column in shown if column in rows[0]))
    else:
        say("no lesion to decide")


def report(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the report; default: reports/ of the workspace.")
    ] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Only this patient.")] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the report.")] = "",
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", help="CSV of known volumes (lesion_uid, visit_date, volume_mm3) to show beside."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write changes.csv, lesions.csv, report.html and a page for each patient."""
    from herntrack.workflows.reporting.report import read_truths
    from herntrack.workflows.reporting.report import report as run

    with stages() as progress:
        summary = run(
            workspace_of(context, workspace),
            out_dir=out,
            patient_id=patient,
            title=title,
            truths=None if truth is None else read_truths(truth),
            progress=progress,
        )
    files = summary.files
    if as_json:
        print_json(
            {
                "report_html": os.fspath(files.report_html),
                "patient_pages": [os.fspath(path) for path in files.patient_pages],
                "tables": [os.fspath(path) for path in files.tables],
                "dictionaries": [os.fspath(path) for path in files.dictionaries],
                "figures": [os.fspath(path) for path in files.figures],
                "n_lesions": summary.n_lesions,
            }
        )
    else:
        say(f"{summary.n_lesions} lesions reported")
        typer.echo(os.fspath(files.report_html))
    for note in summary.notes:
        warn(note)
    _tell_set_aside([(case.uid, case.reason) for case in summary.set_aside])


def _tell_set_aside(cases: list[tuple[str, str]]) -> None:
    for uid, reason in cases:
        warn(f"set aside {uid}: {reason}")
    if cases:
        raise typer.Exit(EXIT_PARTIAL)
