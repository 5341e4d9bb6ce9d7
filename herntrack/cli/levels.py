"""Commands about levels: which disc is which, confirmed, proposed, imported."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from herntrack.cli.segment import point
from herntrack.cli.terminal import (
    EXIT_PARTIAL,
    JsonOption,
    WorkspaceOption,
    print_json,
    print_table,
    say,
    warn,
    workspace_of,
)
from herntrack.errors import VocabularyError
from herntrack.model.anatomy import Anatomy
from herntrack.model.vocabulary import Level

if TYPE_CHECKING:
    from herntrack.workflows.levels.at_visits import KnownDisc

level_app = typer.Typer(
    help="Levels: which disc is which, confirmed once by a person and carried to every visit.",
    no_args_is_help=True,
)

CONTRADICTED = "contradicted"
"""Status of a disc that two visits disagree on."""

COLUMNS = (
    "visit_date",
    "level",
    "status",
    "centre_lps",
    "corners",
    "from_visit",
    "by",
    "on",
    "is_clear",
    "notes",
)

PatientOption = Annotated[
    str, typer.Option("--patient", help="PatientID, as herntrack list patients shows it.")
]
LevelOption = Annotated[
    Level, typer.Option("--level", parser=Level.parse, metavar="LEVEL", help="The disc, such as L5-S1.")
]
VisitOption = Annotated[
    datetime | None,
    typer.Option("--visit", formats=["%Y-%m-%d"], help="The visit, YYYY-MM-DD; default: the baseline."),
]
StackOption = Annotated[
    str | None, typer.Option("--stack", help="UID of the stack; default: the visit's best sagittal one.")
]
ReaderOption = Annotated[str, typer.Option("--reader", help="Who says so; default: the account's name.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(level_app, name="level")


@level_app.command("confirm")
def confirm(
    context: typer.Context,
    patient: PatientOption,
    level: LevelOption,
    workspace: WorkspaceOption = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="X,Y,Z",
            help="The disc's centre, LPS mm of the visit; default: where it is proposed or carried.",
        ),
    ] = None,
    stack: StackOption = None,
    visit: VisitOption = None,
    reader: ReaderOption = "",
    corners: Annotated[
        bool, typer.Option("--corners", help="Vouch for the proposed posterior corners too.")
    ] = False,
    upper: Annotated[
        str | None,
        typer.Option("--upper", metavar="X,Y,Z", help="Posterior corner of the body above, LPS mm."),
    ] = None,
    lower: Annotated[
        str | None,
        typer.Option("--lower", metavar="X,Y,Z", help="Posterior corner of the body below, LPS mm."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up what was confirmed before; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; one sentence.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say which disc a level is; the other discs are then proposed.

    Refused (exit code 1) where the level is confirmed already, or another visit contradicts it.
    """
    from herntrack.workflows.levels.confirming import confirm_level

    if (upper is None) is not (lower is None):
        raise typer.BadParameter("give both corners, --upper and --lower, or none")
    if replace and not reason.strip():
        raise typer.BadParameter("--replace says why: --reason TEXT")
    done = confirm_level(
        workspace_of(context, workspace),
        patient,
        level,
        point_lps=None if at is None else point(at),
        corners_lps=None if upper is None or lower is None else (point(upper), point(lower)),
        are_corners_confirmed=corners,
        stack_uid=stack,
        visit_date=None if visit is None else visit.date(),
        reader=reader or getpass.getuser(),
        is_replacing=replace,
        reason=reason,
    )
    if not as_json:
        said = done.confirmation
        say(f"{said.level.value} of {said.visit_date} is confirmed by {said.decided_by}")
    _show(done.discs, done.notes, as_json)


@level_app.command("list")
def list_levels(
    context: typer.Context,
    patient: PatientOption,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List where each disc lies at each visit, and who says so.

    Exit code 3 where what was confirmed at two visits contradicts itself.
    """
    from herntrack.workflows.levels.rows import levels_of_patient

    found = levels_of_patient(workspace_of(context, workspace), patient)
    if not as_json and found.anatomy is not None:
        note = found.anatomy
        say(f"anatomy: {note.anatomy}{f', {note.reason}' if note.reason else ''} ({note.decided_by})")
    _show(found.discs, found.notes, as_json)
    if any(disc.status == CONTRADICTED for disc in found.discs):
        raise typer.Exit(EXIT_PARTIAL)


@level_app.command("propose")
def propose(
    context: typer.Context,
    patient: PatientOption,
    workspace: WorkspaceOption = None,
    stack: StackOption = None,
    visit: VisitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose the discs of a visit from those confirmed there or carried to it."""
    from herntrack.workflows.levels.proposing import propose_levels

    done = propose_levels(
        workspace_of(context, workspace),
        patient,
        visit_date=None if visit is None else visit.date(),
        stack_uid=stack,
    )
    _show(done.discs, done.notes, as_json)


@level_app.command("note")
def note(
    context: typer.Context,
    patient: PatientOption,
    workspace: WorkspaceOption = None,
    anatomy: Annotated[
        Anatomy,
        typer.Option(
            "--anatomy",
            parser=Anatomy.parse,
            metavar="|".join(each.value for each in Anatomy),
            help="What it is.",
        ),
    ] = Anatomy.OTHER,
    text: Annotated[str, typer.Option("--text", help="In words.")] = "",
    reader: ReaderOption = "",
    as_json: JsonOption = False,
) -> None:
    """Record transitional anatomy: it is never assumed."""
    from herntrack.workflows.levels.confirming import note_anatomy

    said = note_anatomy(
        workspace_of(context, workspace),
        patient,
        anatomy=anatomy,
        text=text,
        reader=reader or getpass.getuser(),
    )
    if as_json:
        print_json(
            {
                "patient_id": said.patient_id,
                "anatomy": said.anatomy.value,
                "text": said.reason,
                "by": said.decided_by,
                "on": said.decided_at.isoformat(),
            }
        )
    else:
        say(f"recorded for {said.patient_id}: {said.anatomy}{f', {said.reason}' if said.reason else ''}")


@level_app.command("import")
def import_map(
    context: typer.Context,
    label_map: Annotated[
        Path, typer.Argument(metavar="LABELMAP", help="NIfTI, NRRD or MHA.", dir_okay=False)
    ],
    stack: Annotated[str, typer.Option("--stack", help="UID of the stack it was made from.")],
    convention: Annotated[
        str,
        typer.Option(
            "--convention", metavar="totalspineseg|spineps|totalsegmentator", help="Whose numbers it has."
        ),
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the discs of another tool's label map as proposals."""
    from herntrack.levels.conventions import Convention
    from herntrack.workflows.levels.proposing import import_levels

    try:
        Convention.parse(convention)
    except VocabularyError as error:
        raise typer.BadParameter(str(error)) from error
    done = import_levels(workspace_of(context, workspace), label_map, stack_uid=stack, convention=convention)
    _show(done.discs, done.notes, as_json)


def _show(discs: tuple[KnownDisc, ...], notes: tuple[str, ...], as_json: bool) -> None:
    from herntrack.workflows.levels.rows import level_row

    rows: list[dict[str, Any]] = [level_row(disc) for disc in discs]
    for text in notes:
        warn(text)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(
            [
                {
                    **row,
                    "corners": _corners(row),
                    "centre_lps": _numbers(row["centre_lps"]),
                    "from_visit": "" if row["from_visit"] == row["visit_date"] else row["from_visit"],
                    "on": row["on"][:10],
                }
                for row in rows
            ],
            COLUMNS,
        )
    else:
        say(
            "no level is known yet; point at a disc: herntrack level confirm --level L5-S1 --at X,Y,Z"
            " (LPS mm), or click on it in the reading room (herntrack annotate)"
        )
    for disc in discs:
        if disc.status == CONTRADICTED:
            warn(
                f"visit {disc.visit_date}: {disc.level.value} is contradicted, {disc.notes[0]}. Look at both"
                f" and put one right: herntrack level confirm --level {disc.level.value} --visit DATE"
                " --at X,Y,Z --replace --reason TEXT"
            )


def _corners(row: dict[str, Any]) -> str:
    if row["base_plane"] is None:
        return "not clear"
    return "confirmed" if row["are_corners_confirmed"] else "proposed"


def _numbers(point_lps: list[float]) -> str:
    return ",".join(f"{value:.1f}" for value in point_lps)
