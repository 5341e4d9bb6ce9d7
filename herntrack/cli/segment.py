"""Commands that propose readings: from clicks, and from the baseline."""

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

N_COORDINATES = 3
"""Numbers of a point."""

Click = tuple[float, float, float]
"""A point, LPS mm."""

COLUMNS = ("level", "visit_date", "did", "status", "volume_mm3", "reason", "guards")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(segment)
    app.command()(propose)


def point(text: str) -> Click:
    """Return the point that a text such as ``-12.5,30,4`` names.

    Raises
    ------
    typer.BadParameter
        If it is no three numbers.
    """
    parts = text.replace(";", ",").split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != N_COORDINATES:
        raise typer.BadParameter(f"{text!r} is no point; give X,Y,Z in LPS millimetres, such as -12.5,30,4")
    return numbers[0], numbers[1], numbers[2]


def segment(
    context: typer.Context,
    lesion: Annotated[str, typer.Option("--lesion", help="Tracking UID of the lesion.")],
    stack: Annotated[str, typer.Option("--stack", help="UID of the stack that was clicked on.")],
    at: Annotated[
        list[str],
        typer.Option("--at", metavar="X,Y,Z", help="A point in the fragment, LPS mm; more refine it."),
    ],
    workspace: WorkspaceOption = None,
    background: Annotated[
        list[str] | None,
        typer.Option("--background", metavar="X,Y,Z", help="A point that is not fragment, LPS mm."),
    ] = None,
    reader: Annotated[
        str | None, typer.Option("--reader", help="Whose proposal it is; default: herntrack.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the mask to this NIfTI, NRRD or MHA file instead of storing it."),
    ] = None,
    own_plane: Annotated[
        bool,
        typer.Option("--own-plane", help="Propose the base plane around the click even where one is known."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Outline a fragment from one point or more; stored as a proposal until a reader accepts it."""
    from herntrack.workflows.reading.segmenting import segment as run
    from herntrack.workflows.recording import AUTOMATIC_READER

    points, beside = [point(each) for each in at], [point(each) for each in background or ()]
    made = run(
        workspace_of(context, workspace),
        lesion_uid=lesion,
        stack_uid=stack,
        points_lps=points,
        background_points_lps=beside,
        reader=AUTOMATIC_READER if reader is None else reader,
        out=out,
        has_own_plane=own_plane,
    )
    for note in made.notes:
        warn(note)
    reading = made.reading
    if as_json:
        plane = reading.base_plane
        print_json(
            {
                "reading_uid": reading.reading_uid if made.is_stored else None,
                "lesion_uid": reading.lesion_uid,
                "visit_date": reading.visit_date.isoformat(),
                "stack_uid": reading.stack_uid,
                "reader": reading.reader,
                "n_voxels": made.n_voxels,
                "volume_mm3": made.volume_mm3,
                "reason": made.reason,
                "guards": list(reading.guards),
                "base_plane": None if plane is None else plane.as_dict(),
                "base_plane_source": reading.base_plane_source,
                "out": None if out is None else os.fspath(out),
            }
        )
        return
    say(f"{made.n_voxels} voxels, {made.volume_mm3:.1f} mm3, visit {reading.visit_date}. {made.reason}")
    for guard in reading.guards:
        warn(guard)
    if out is None:
        say("proposed; accept it with: herntrack read accept --reading UID --reader NAME")
    typer.echo(reading.reading_uid if out is None else os.fspath(out))


def propose(
    context: typer.Context,
    patient: Annotated[
        str, typer.Option("--patient", help="PatientID, as herntrack list patients shows it.")
    ],
    workspace: WorkspaceOption = None,
    lesion: Annotated[str | None, typer.Option("--lesion", help="Only this lesion.")] = None,
    reader: Annotated[
        str | None, typer.Option("--reader", help="Whose proposals they are; default: herntrack.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also where a proposal stands that is up to date or was clicked.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Carry each lesion's baseline outline to all follow-ups that nobody has read; aligns them first."""
    from herntrack.workflows.reading.proposals import propose_patient
    from herntrack.workflows.recording import AUTOMATIC_READER

    with stages() as progress:
        found = propose_patient(
            workspace_of(context, workspace),
            patient,
            lesion_uid=lesion,
            reader=AUTOMATIC_READER if reader is None else reader,
            is_again=again,
            progress=progress,
        )
    rows: list[dict[str, Any]] = [each.as_row() for each in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)
        say("proposals count until a reader accepts or replaces them: herntrack read accept")
    else:
        say("no lesion has a follow-up to propose for")
    refused = [row for row in rows if row["did"] == "refused"]
    for row in refused:
        warn(f"visit {row['visit_date']}, {row['level']}: {row['reason']}")
    if refused:
        raise typer.Exit(EXIT_PARTIAL)
