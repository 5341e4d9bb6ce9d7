"""The command list: what the catalogue holds, filtered, as a table, JSON or CSV."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

import typer

from herntrack.cli.listing_columns import COLUMNS, NEXT_STEP, counted
from herntrack.cli.tables import Column, print_csv, print_listing
from herntrack.cli.terminal import JsonOption, WorkspaceOption, print_json, say, workspace_of
from herntrack.model.vocabulary import (
    Comparability,
    ImageRole,
    Level,
    Modality,
    OutcomeClass,
    Plane,
    ReadingStatus,
    Weighting,
)
from herntrack.workflows.listings.filters import ListingFilters, filter_rows, filters_of, unknown_filters
from herntrack.workflows.listings.kinds import KEYS, Listing, Row
from herntrack.workflows.workspace import Workspace

OPTION_OF = {
    "lumbar": "--lumbar/--not-lumbar",
    "irregular": "--irregular/--regular",
    "missing": "--missing/--complete",
    "current": "--current/--superseded",
}
"""Options that are not called as their filter."""


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("list")(list_command)


def list_command(
    context: typer.Context,
    what: Annotated[Listing, typer.Argument(help="What to list.")],
    workspace: WorkspaceOption = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Only this patient.")] = None,
    visit: Annotated[
        datetime | None,
        typer.Option("--visit", "--date", formats=["%Y-%m-%d"], help="Only this visit, YYYY-MM-DD."),
    ] = None,
    modality: Annotated[
        Modality | None, typer.Option("--modality", parser=Modality.parse, metavar="MR|CT")
    ] = None,
    plane: Annotated[
        Plane | None,
        typer.Option("--plane", parser=Plane.parse, metavar="PLANE", help="sagittal, axial ..."),
    ] = None,
    weighting: Annotated[
        Weighting | None,
        typer.Option("--weighting", parser=Weighting.parse, metavar="NAME", help="T1, T2, STIR ..."),
    ] = None,
    role: Annotated[
        ImageRole | None,
        typer.Option("--role", parser=ImageRole.parse, metavar="ROLE", help="diagnostic, localizer ..."),
    ] = None,
    lumbar: Annotated[
        bool | None, typer.Option("--lumbar/--not-lumbar", help="The lumbar spine is (not) shown.")
    ] = None,
    irregular: Annotated[
        bool | None, typer.Option("--irregular/--regular", help="Slices are missing or uneven, or not.")
    ] = None,
    missing: Annotated[
        bool | None, typer.Option("--missing/--complete", help="Files of images are gone, or none is.")
    ] = None,
    level: Annotated[
        Level | None, typer.Option("--level", parser=Level.parse, metavar="LEVEL", help="Such as L5-S1.")
    ] = None,
    outcome: Annotated[
        OutcomeClass | None,
        typer.Option("--outcome", parser=OutcomeClass.parse, metavar="CLASS", help="Latest outcome."),
    ] = None,
    reader: Annotated[str | None, typer.Option("--reader", help="Only this reader.")] = None,
    status: Annotated[
        ReadingStatus | None,
        typer.Option("--status", parser=ReadingStatus.parse, metavar="STATUS", help="present, absent ..."),
    ] = None,
    current: Annotated[
        bool | None, typer.Option("--current/--superseded", help="Readings that stand, or do not.")
    ] = None,
    grade: Annotated[
        Comparability | None,
        typer.Option("--grade", parser=Comparability.parse, metavar="GRADE", help="same, mixed or refused."),
    ] = None,
    code: Annotated[str | None, typer.Option("--code", help="Why files were set aside.")] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Every column and every UID whole, however long the lines.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Of patients: show the names that the files hold.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what the catalogue holds."""
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other; give one of them")
    if names and what is not Listing.PATIENTS:
        raise typer.BadParameter("--names goes with: herntrack list patients")
    filters = ListingFilters(
        patient=patient,
        visit=None if visit is None else visit.date(),
        modality=modality,
        plane=plane,
        weighting=weighting,
        role=role,
        lumbar=lumbar,
        irregular=irregular,
        missing=missing,
        level=level,
        outcome=outcome,
        reader=reader,
        status=status,
        current=current,
        grade=grade,
        code=code,
    )
    _refuse_unknown(what, filters)
    project = workspace_of(context, workspace)
    from herntrack.workflows.listings.listing import list_rows

    found, columns = list_rows(project, what), COLUMNS[what]
    if names:
        found, columns = _with_names(project, found), (*columns, Column(key="names", least=12))
    rows = filter_rows(what, found, filters)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(rows, (*KEYS[what], "names") if names else KEYS[what])
    elif rows:
        dropped = print_listing(rows, columns, is_wide=wide)
        _tell_footer(what, rows, n_found=len(found), dropped=dropped)
    else:
        say(_why_empty(what, found, filters))


def _with_names(project: Workspace, rows: list[Row]) -> list[Row]:
    from herntrack.workflows.patients.people import names_of

    names = names_of(project)
    return [{**row, "names": names.get(row["patient_id"], [])} for row in rows]


def _refuse_unknown(what: Listing, filters: ListingFilters) -> None:
    unknown = unknown_filters(what, filters)
    if unknown:
        known = ", ".join(_option(name) for name in filters_of(what))
        raise typer.BadParameter(
            f"a listing of {what.value} has no filter {_option(unknown[0])}; its filters are: {known}"
        )


def _option(name: str) -> str:
    return OPTION_OF.get(name, f"--{name}")


def _tell_footer(what: Listing, rows: list[Row], *, n_found: int, dropped: tuple[str, ...]) -> None:
    text = counted(what, rows)
    say(text if len(rows) == n_found else f"{text} (of {n_found} {what.value})")
    if dropped:
        say(f"no room for {', '.join(dropped)}: --wide, --csv or --json shows all")


def _why_empty(what: Listing, found: list[Row], filters: ListingFilters) -> str:
    if not found:
        return NEXT_STEP[what]
    asked = " ".join(_asked(name, value) for name, value in filters.asked.items())
    hint = ""
    if filters.code is not None:
        codes = Counter(row["code"] for row in found)
        hint = f"; the codes are {', '.join(f'{code} ({n})' for code, n in codes.most_common())}"
    return f"none of {len(found)} {what.value} fits {asked}{hint}"


def _asked(name: str, value: Any) -> str:
    if isinstance(value, bool):
        yes, no = OPTION_OF[name].split("/")
        return yes if value else no
    return f"{_option(name)} {value}"
