"""Commands about lesions and readings."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from herntrack.cli.terminal import JsonOption, WorkspaceOption, print_json, say, warn, workspace_of
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import HerniationType, Level, ReadingStatus, Side

lesion_app = typer.Typer(help="Lesions: one herniation at one level and side.", no_args_is_help=True)
read_app = typer.Typer(help="Readings: what a reader says of a lesion at a visit.", no_args_is_help=True)

LesionOption = Annotated[str, typer.Option("--lesion", help="Tracking UID of the lesion.")]
ReaderOption = Annotated[str, typer.Option("--reader", help="Who read; a pseudonym will do.")]
StackOption = Annotated[str | None, typer.Option("--stack", help="UID of the stack that was read.")]
VisitOption = Annotated[
    datetime, typer.Option("--visit", formats=["%Y-%m-%d"], help="Date of the visit, YYYY-MM-DD.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; one sentence.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(lesion_app, name="lesion")
    app.add_typer(read_app, name="read")


@lesion_app.command("add")
def add(
    context: typer.Context,
    patient: Annotated[
        str, typer.Option("--patient", help="PatientID, as herntrack list patients shows it.")
    ],
    level: Annotated[
        Level, typer.Option("--level", parser=Level.parse, metavar="LEVEL", help="Such as L5-S1.")
    ],
    workspace: WorkspaceOption = None,
    side: Annotated[
        Side | None, typer.Option("--side", parser=Side.parse, metavar="SIDE", help="left, right or central.")
    ] = None,
    herniation_type: Annotated[
        HerniationType | None,
        typer.Option(
            "--type",
            parser=HerniationType.parse,
            metavar="TYPE",
            help="bulge, protrusion, extrusion or sequestration.",
        ),
    ] = None,
    another: Annotated[
        bool, typer.Option("--another", help="It is another one than those at the same level and side.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Record a new lesion and print its tracking UID.

    Refused (exit code 1) where the patient has one at the same level and side already.
    """
    from herntrack.workflows.reading.readings import add_lesion

    added = add_lesion(
        workspace_of(context, workspace),
        patient_id=patient,
        level=level,
        side=side,
        herniation_type=herniation_type,
        is_another=another,
    )
    for note in added.notes:
        warn(note)
    if as_json:
        print_json(_plain(added.lesion))
    else:
        typer.echo(added.lesion.lesion_uid)


@read_app.command("import")
def import_command(
    context: typer.Context,
    mask: Annotated[Path, typer.Argument(metavar="MASK", help="DICOM SEG, NIfTI, NRRD or MHA.")],
    lesion: LesionOption,
    reader: ReaderOption,
    workspace: WorkspaceOption = None,
    stack: StackOption = None,
    series: Annotated[
        str | None, typer.Option("--series", help="Series Instance UID, where it has one stack only.")
    ] = None,
    label: Annotated[
        list[int] | None,
        typer.Option("--label", help="Label or segment that is the lesion; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Record a mask from elsewhere; its geometry is checked against the stack in millimetres."""
    from herntrack.workflows.reading.readings import import_mask

    added = import_mask(
        workspace_of(context, workspace),
        mask,
        lesion_uid=lesion,
        reader=reader,
        stack_uid=stack,
        series_instance_uid=series,
        labels=label or (),
    )
    for note in added.notes:
        warn(note)
    if as_json:
        print_json({**_plain(added.reading), "n_voxels": added.n_voxels, "volume_mm3": added.volume_mm3})
    else:
        say(f"{added.n_voxels} voxels, {added.volume_mm3:.1f} mm3, visit {added.reading.visit_date}")
        typer.echo(added.reading.reading_uid)


@read_app.command("absent")
def absent(
    context: typer.Context,
    lesion: LesionOption,
    visit: VisitOption,
    reader: ReaderOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that the lesion was looked for and none is left."""
    _without_mask(
        context, workspace, lesion, visit, reader, reason, stack, as_json, status=ReadingStatus.ABSENT
    )


@read_app.command("unevaluable")
def unevaluable(
    context: typer.Context,
    lesion: LesionOption,
    visit: VisitOption,
    reader: ReaderOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that the visit's images cannot be judged."""
    _without_mask(
        context, workspace, lesion, visit, reader, reason, stack, as_json, status=ReadingStatus.NOT_EVALUABLE
    )


@read_app.command("accept")
def accept(
    context: typer.Context,
    reader: ReaderOption,
    workspace: WorkspaceOption = None,
    reading: Annotated[str | None, typer.Option("--reading", help="UID of the proposal.")] = None,
    lesion: Annotated[
        str | None, typer.Option("--lesion", help="Tracking UID of the lesion; with --visit.")
    ] = None,
    visit: Annotated[
        datetime | None,
        typer.Option("--visit", formats=["%Y-%m-%d"], help="Date of the visit, YYYY-MM-DD; with --lesion."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a proposal as it is: it then counts as this reader's reading."""
    from herntrack.workflows.reading.accepting import accept_at_visit, accept_reading

    project = workspace_of(context, workspace)
    if reading is not None and lesion is None and visit is None:
        added = accept_reading(project, reading, reader=reader)
    elif reading is None and lesion is not None and visit is not None:
        added = accept_at_visit(project, lesion, visit.date(), reader=reader)
    else:
        raise typer.BadParameter("name the proposal by --reading UID, or by --lesion UID and --visit DATE")
    if as_json:
        print_json({**_plain(added.reading), "n_voxels": added.n_voxels, "volume_mm3": added.volume_mm3})
    else:
        say(f"{added.reading.status}, {added.volume_mm3:.1f} mm3, visit {added.reading.visit_date}")
        typer.echo(added.reading.reading_uid)


@read_app.command("amend")
def amend(
    context: typer.Context,
    reading: Annotated[str, typer.Option("--reading", help="UID of the signed reading.")],
    reader: ReaderOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a signed reading again: a new version takes its place; the signed one stays on record."""
    from herntrack.workflows.reading.sign_off import amend_reading

    amended = amend_reading(workspace_of(context, workspace), reading, reader=reader, reason=reason)
    if as_json:
        print_json(_plain(amended.reading))
    else:
        say(f"visit {amended.reading.visit_date}: open again, to be changed and signed anew")
        typer.echo(amended.reading.reading_uid)


def _without_mask(
    context: typer.Context,
    workspace: Path | None,
    lesion: str,
    visit: datetime,
    reader: str,
    reason: str,
    stack: str | None,
    as_json: bool,
    *,
    status: ReadingStatus,
) -> None:
    from herntrack.workflows.reading.readings import read_without_mask

    added = read_without_mask(
        workspace_of(context, workspace),
        lesion_uid=lesion,
        visit_date=visit.date(),
        reader=reader,
        status=status,
        reason=reason,
        stack_uid=stack,
    )
    if as_json:
        print_json(_plain(added.reading))
    else:
        typer.echo(added.reading.reading_uid)


def _plain(record: Lesion | Reading) -> dict[str, Any]:
    """Return a record with values that JSON has."""

    def plain(value: Any) -> Any:
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        if isinstance(value, BasePlane | Descriptors):
            return value.as_dict()
        return value.isoformat() if hasattr(value, "isoformat") else value

    return {field.name: plain(getattr(record, field.name)) for field in fields(record)}
