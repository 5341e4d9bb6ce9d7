"""Commands about who is who, and which visit is day 0."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from herntrack.cli.terminal import (
    JsonOption,
    WorkspaceOption,
    print_json,
    print_table,
    say,
    warn,
    workspace_of,
)

patient_app = typer.Typer(
    help="Patients: who is the same person, and which visit is day 0.", no_args_is_help=True
)

PatientArgument = Annotated[
    str, typer.Argument(metavar="ID", help="PatientID, as herntrack list patients shows it.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who decides; default: the account's name.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; one sentence.")]
NamesOption = Annotated[bool, typer.Option("--names", help="Show the names that the files hold.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Do it although the files speak against it.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(patient_app, name="patient")


@patient_app.command("proposals")
def proposals(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    names: NamesOption = False,
    as_json: JsonOption = False,
) -> None:
    """List PatientIDs that may be one person, and PatientIDs that may hold two."""
    from herntrack.workflows.patients.people import names_of, people_of

    project = workspace_of(context, workspace)
    people = people_of(project)
    shown = names_of(project) if names else {}
    same: list[dict[str, Any]] = []
    for each in people.proposals:
        row: dict[str, Any] = {**asdict(each), "grade": str(each.grade), "evidence": list(each.evidence)}
        if names:
            row["names"] = shown.get(each.patient_id, [])
            row["other_names"] = shown.get(each.other_patient_id, [])
        same.append(row)
    mixed: list[dict[str, Any]] = []
    for mixture in people.mixtures:
        row = {**asdict(mixture), "evidence": list(mixture.evidence)}
        if names:
            row["names"] = shown.get(mixture.patient_id, [])
        mixed.append(row)
    if as_json:
        print_json({"same_person": same, "two_people": mixed})
        return
    if same:
        print_table(same, tuple(same[0]), title="perhaps one person")
        say("settle each with: herntrack patient merge FROM INTO")
    if mixed:
        print_table(mixed, tuple(mixed[0]), title="perhaps two people under one PatientID")
        say("correct PatientID in the export and ingest it again")
    if not same and not mixed:
        say("nobody looks like two patients, and no patient like two people")


@patient_app.command("merge")
def merge(
    context: typer.Context,
    patient_id: Annotated[str, typer.Argument(metavar="FROM", help="PatientID that is given up.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="PatientID that is kept.")],
    workspace: WorkspaceOption = None,
    by: ByOption = "",
    reason: ReasonOption = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Follow the images under one PatientID under another: it is the same person."""
    from herntrack.workflows.patients.merges import merge_patients

    moved = merge_patients(
        workspace_of(context, workspace),
        patient_id,
        into,
        decided_by=by or getpass.getuser(),
        reason=reason,
        is_forced=force,
    )
    for note in moved.notes:
        warn(note)
    if as_json:
        print_json({**asdict(moved), "notes": list(moved.notes)})
    else:
        say(
            f"{patient_id} is followed as {into}: {moved.n_studies} studies and {moved.n_lesions} lesions"
            f" moved; take it back with: herntrack patient split {patient_id}"
        )


@patient_app.command("split")
def split(
    context: typer.Context,
    patient_id: Annotated[str, typer.Argument(metavar="FROM", help="PatientID that was given up.")],
    workspace: WorkspaceOption = None,
    by: ByOption = "",
    reason: ReasonOption = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a merge back: the PatientID stands for itself again."""
    from herntrack.workflows.patients.merges import split_patient

    moved = split_patient(
        workspace_of(context, workspace),
        patient_id,
        decided_by=by or getpass.getuser(),
        reason=reason,
        is_forced=force,
    )
    for note in moved.notes:
        warn(note)
    if as_json:
        print_json({**asdict(moved), "notes": list(moved.notes)})
    else:
        say(
            f"{patient_id} stands for itself: {moved.n_studies} studies and {moved.n_lesions} lesions"
            " moved back"
        )


@patient_app.command("baseline")
def baseline(
    context: typer.Context,
    patient_id: PatientArgument,
    visit: Annotated[
        datetime | None,
        typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="The visit that is day 0, YYYY-MM-DD."),
    ] = None,
    workspace: WorkspaceOption = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the choice back.")] = False,
    by: ByOption = "",
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Confirm which visit is a patient's day 0; readings of earlier visits do not count then."""
    from herntrack.workflows.patients.visits import choose_baseline

    if (visit is None) is not undo:
        raise typer.BadParameter("give the DATE of a visit, or --undo")
    visits = choose_baseline(
        workspace_of(context, workspace),
        patient_id,
        None if visit is None else visit.date(),
        decided_by=by or getpass.getuser(),
        reason=reason,
    )
    rows = [{**asdict(each), "visit_date": each.visit_date.isoformat()} for each in visits]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("patient_id", "visit_date", "day", "timepoint", "is_baseline_confirmed"))
        say("outcomes follow with: herntrack classify")


@patient_app.command("decisions")
def decisions(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List what was decided about patients and baselines, and whether it still counts."""
    from herntrack.workflows.listings.decision_rows import decision_rows

    rows = decision_rows(workspace_of(context, workspace))
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ("decided_at", "decided_by", "kind", "patient_id", "said", "reason", "is_standing"))
    else:
        say("nothing was decided yet; herntrack patient proposals shows what might be")
