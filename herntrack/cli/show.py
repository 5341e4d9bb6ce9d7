"""Commands that draw one thing: show patient."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from herntrack.cli.terminal import JsonOption, WorkspaceOption, out, print_json, workspace_of
from herntrack.model.records import CataloguedStack, Lesion
from herntrack.model.vocabulary import ReadingStatus
from herntrack.workflows.timeline import Timeline, TimelineReading, TimelineVisit

show_app = typer.Typer(help="Show one thing in full.", no_args_is_help=True)

AXIS_WIDTH = 60
"""Characters between the first and the last visit on the time axis."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(show_app, name="show")


@show_app.command("patient")
def patient(
    context: typer.Context,
    patient_id: Annotated[str, typer.Argument(metavar="ID", help="As herntrack list patients shows it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a patient's timeline: visits, stacks, readings."""
    from herntrack.workflows.timeline import patient_timeline

    timeline = patient_timeline(workspace_of(context, workspace), patient_id)
    if as_json:
        print_json(_plain(timeline))
        return
    console = out()
    console.print(f"[bold]{escape(timeline.patient_id)}[/bold]")
    console.print(_axis(timeline), highlight=False)
    tree = Tree("visits", hide_root=True)
    for visit in timeline.visits:
        _grow(tree, visit)
    console.print(tree, highlight=False)
    for lesion, outcome in timeline.outcomes:
        console.print(f"{_lesion(lesion)}: [bold]{outcome or 'not classified yet'}[/bold]", highlight=False)


def _axis(timeline: Timeline) -> str:
    """Return the visits on a line, spaced as their days are."""
    days = [visit.day for visit in timeline.visits]
    if not days:
        return "no visits"
    span = max(days[-1], 1)
    marks = ["─"] * (AXIS_WIDTH + 1)
    labels = [" "] * (AXIS_WIDTH + 12)
    for visit in timeline.visits:
        place = round(visit.day / span * AXIS_WIDTH)
        marks[place] = "●" if visit.readings else "○"
        text = f"day {visit.day}"
        labels[place : place + len(text)] = text
    return f"  {''.join(marks)}\n  {''.join(labels).rstrip()}"


def _grow(tree: Tree, visit: TimelineVisit) -> None:
    branch = tree.add(f"[bold]{visit.visit_date}[/bold] {visit.timepoint}, day {visit.day}")
    for each in visit.stacks:
        branch.add(f"[dim]{escape(_stack(each))}[/dim]")
    for reading in visit.readings:
        branch.add(f"[green]✓[/green] {escape(_reading(reading))}")
    for lesion in visit.unread:
        branch.add(f"[yellow]?[/yellow] {escape(_lesion(lesion))}: not read")


def _stack(each: CataloguedStack) -> str:
    stack = each.stack
    slices = f"{stack.geometry.shape_zyx[0]} slices"
    spacing = f", {stack.geometry.slice_spacing_mm:.2f} mm" if stack.geometry.shape_zyx[0] > 1 else ""
    problem = f", {len(stack.problems)} problem(s)" if stack.problems else ""
    name = each.series.series_description or "no description"
    return f"{each.series.modality} {stack.plane} {stack.weighting}: {name}, {slices}{spacing}{problem}"


def _reading(each: TimelineReading) -> str:
    said = str(each.reading.status).replace("_", " ")
    if each.measurement is not None and each.reading.status is not ReadingStatus.ABSENT:
        said = f"{each.measurement.volume_mm3:.0f} ± {each.measurement.volume_sigma_mm3:.0f} mm3"
    reason = f" ({each.reading.reason})" if each.reading.reason else ""
    return f"{_lesion(each.lesion)}: {said}{reason}, {each.reading.reader}"


def _lesion(lesion: Lesion) -> str:
    return " ".join(str(word) for word in (lesion.level, lesion.side, lesion.type) if word)


def _plain(timeline: Timeline) -> dict[str, Any]:
    return {
        "patient_id": timeline.patient_id,
        "visits": [
            {
                "visit_date": visit.visit_date.isoformat(),
                "day": visit.day,
                "timepoint": visit.timepoint,
                "stacks": [each.stack.stack_uid for each in visit.stacks],
                "readings": [each.reading.reading_uid for each in visit.readings],
                "unread_lesions": [lesion.lesion_uid for lesion in visit.unread],
            }
            for visit in timeline.visits
        ],
        "outcomes": {
            lesion.lesion_uid: None if outcome is None else outcome.value
            for lesion, outcome in timeline.outcomes
        },
    }
