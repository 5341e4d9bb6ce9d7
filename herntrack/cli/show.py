"""Commands that draw one thing: show patient, show lesion."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.tree import Tree

from herntrack.cli.show_json import lesion_json, patient_json
from herntrack.cli.tables import endless_console
from herntrack.cli.terminal import JsonOption, WorkspaceOption, escape, out, print_json, say, workspace_of
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion
from herntrack.model.vocabulary import Comparability, ImageRole, ReadingStatus

if TYPE_CHECKING:
    from herntrack.workflows.listings.timeline import LesionVisit, TimelineReading, TimelineVisit
    from herntrack.workflows.stack_choice import RankedStack, Reference, StackProposal

show_app = typer.Typer(help="Show one thing in full.", no_args_is_help=True)

AXIS_WIDTH = 60
"""Characters between the first and the last visit on the time axis."""

GRADE_STYLES = {
    Comparability.SAME: "green",
    Comparability.MIXED: "yellow",
    Comparability.REFUSED: "red",
}
"""Colours of the grades."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(show_app, name="show")


@show_app.command("patient")
def patient(
    context: typer.Context,
    patient_id: Annotated[str, typer.Argument(metavar="ID", help="As herntrack list patients shows it.")],
    workspace: WorkspaceOption = None,
    names: Annotated[bool, typer.Option("--names", help="Show who the files say it is.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw a patient's timeline: visits, stacks, proposed stacks, readings."""
    from herntrack.workflows.listings.timeline import patient_timeline
    from herntrack.workflows.patients.people import persons_of

    project = workspace_of(context, workspace)
    timeline = patient_timeline(project, patient_id)
    persons = persons_of(project, patient_id) if names else []
    if as_json:
        print_json(patient_json(timeline) | ({"persons": persons} if names else {}))
        return
    console = out() if sys.stdout.isatty() else endless_console()
    console.print(f"[bold]{escape(timeline.patient_id)}[/bold]", highlight=False)
    for person in persons:
        console.print(escape(", ".join(str(value) for value in person.values() if value)), highlight=False)
    console.print(
        _axis([(visit.day, _is_read(visit.readings)) for visit in timeline.visits]), highlight=False
    )
    tree = Tree("visits", hide_root=True)
    for visit in timeline.visits:
        _grow_visit(tree, visit)
    console.print(tree, highlight=False)
    for lesion, outcome in timeline.outcomes:
        became = str(outcome).replace("_", " ") if outcome else "not classified yet"
        console.print(f"{escape(_lesion(lesion))}: [bold]{became}[/bold]", highlight=False)
    if not timeline.outcomes:
        say(f"no lesion yet; record one with: herntrack lesion add --patient {patient_id} --level L5-S1")


@show_app.command("lesion")
def lesion_command(
    context: typer.Context,
    lesion_uid: Annotated[str, typer.Argument(metavar="UID", help="As herntrack list lesions shows it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a lesion's visits: the stack to measure on, how it compares with the baseline's, readings."""
    from herntrack.workflows.listings.timeline import lesion_timeline

    timeline = lesion_timeline(workspace_of(context, workspace), lesion_uid)
    if as_json:
        print_json(lesion_json(timeline))
        return
    console = out() if sys.stdout.isatty() else endless_console()
    lesion = timeline.lesion
    console.print(
        f"[bold]{escape(_lesion(lesion))}[/bold], patient {escape(lesion.patient_id)}", highlight=False
    )
    console.print(f"[dim]{lesion.lesion_uid}[/dim]", highlight=False)
    console.print(
        _axis([(each.visit.day, _is_read(each.readings)) for each in timeline.visits]), highlight=False
    )
    reference = timeline.visits[0].proposal.reference if timeline.visits else None
    if reference is not None:
        console.print(f"compared with {escape(_reference(reference))}", highlight=False)
    tree = Tree("visits", hide_root=True)
    for visit in timeline.visits:
        _grow_lesion_visit(tree, visit)
    console.print(tree, highlight=False)
    became = str(timeline.outcome).replace("_", " ") if timeline.outcome else "not classified yet"
    console.print(f"outcome: [bold]{became}[/bold]", highlight=False)


def _axis(visits: Sequence[tuple[int, bool]]) -> str:
    """Return days on a line, spaced as they are; filled where something was read.

    A day whose label would run into the one before is labelled in a further line.
    """
    if not visits:
        return "  no visits"
    first = min(0, visits[0][0])
    span = max(visits[-1][0] - first, 1)
    marks = ["\N{BOX DRAWINGS LIGHT HORIZONTAL}"] * (AXIS_WIDTH + 1)
    lines = [""]
    for day, is_read in visits:
        place = round((day - first) / span * AXIS_WIDTH)
        marks[place] = "\N{BLACK CIRCLE}" if is_read else "\N{WHITE CIRCLE}"
        free = next((n for n, line in enumerate(lines) if len(line) < max(place, 1)), len(lines))
        lines += [""] * (free + 1 - len(lines))
        lines[free] = f"{lines[free].ljust(place)}day {day}"
    return "\n".join(f"  {line}" for line in ["".join(marks), *lines])


def _grow_visit(tree: Tree, visit: TimelineVisit) -> None:
    confirmed = ", baseline confirmed" if visit.is_baseline_confirmed and visit.day == 0 else ""
    branch = tree.add(f"[bold]{visit.visit_date}[/bold] {visit.timepoint}, day {visit.day}{confirmed}")
    lines = (_stack_line(each, n_missing=visit.missing.get(each.stack.stack_uid, 0)) for each in visit.stacks)
    for line, same in groupby(lines):
        count = len(list(same))
        branch.add(line if count == 1 else f"[dim]{count} \N{MULTIPLICATION SIGN}[/dim] {line}")
    for proposal in visit.proposals:
        own = [each for each in visit.readings if each.lesion.lesion_uid == proposal.lesion.lesion_uid]
        _grow_lesion(branch, proposal, own)


def _grow_lesion(branch: Tree, proposal: StackProposal, readings: Sequence[TimelineReading]) -> None:
    """Add what was read of a lesion, and the stack to read if it was not read on that one."""
    lesion = escape(_lesion(proposal.lesion))
    is_on_proposed = False
    for each in readings:
        ranked = proposal.ranked_stack(each.reading.stack_uid)
        on = "" if ranked is None else f", on {_ranked_words(ranked)}"
        is_on_proposed |= ranked is not None and ranked is proposal.proposed
        branch.add(f"{_mark(each)} {lesion}: {escape(_reading(each))}{on}")
    if not is_on_proposed:
        mark = "[cyan]\N{RIGHTWARDS ARROW}[/cyan]" if readings else "[yellow]?[/yellow]"
        said = "" if readings else "not read, "
        branch.add(f"{mark} {lesion}: {said}{_proposal_words(proposal)}")


def _grow_lesion_visit(tree: Tree, each: LesionVisit) -> None:
    visit, proposal = each.visit, each.proposal
    branch = tree.add(f"[bold]{visit.visit_date}[/bold] {visit.timepoint}, day {visit.day}")
    for reading in each.readings:
        ranked = proposal.ranked_stack(reading.reading.stack_uid)
        on = "" if ranked is None else f", on {_ranked_words(ranked)}"
        branch.add(f"{_mark(reading)} {escape(_reading(reading))}{on}")
    if not each.readings:
        branch.add("[yellow]?[/yellow] not read")
    if proposal.proposed is None:
        branch.add("[red]no stack to compare[/red]" if proposal.ranked else "[red]no stack[/red]")
    for ranked in proposal.ranked:
        mark = "[dim]or[/dim]"
        if ranked is proposal.proposed:
            mark = "[cyan]\N{RIGHTWARDS ARROW}[/cyan] measure on"
        elif ranked.comparison.grade is Comparability.REFUSED:
            mark = "[red]\N{MULTIPLICATION X}[/red]"
        branch.add(f"{mark} {_ranked_words(ranked)}").add(f"[dim]{ranked.each.stack.stack_uid}[/dim]")


def _proposal_words(proposal: StackProposal) -> str:
    if not proposal.ranked:
        return "[red]no stack[/red]"
    if proposal.proposed is None:
        return f"[red]no stack to compare[/red]: {escape('; '.join(proposal.ranked[0].reasons))}"
    return f"measure on {_ranked_words(proposal.proposed)}"


def _ranked_words(ranked: RankedStack) -> str:
    grade = ranked.comparison.grade
    reasons = f": {'; '.join(ranked.reasons)}" if ranked.reasons else ""
    name = escape(_name(ranked.each))
    return f"{name} [{GRADE_STYLES[grade]}]{grade}[/{GRADE_STYLES[grade]}]{escape(reasons)}"


def _name(each: CataloguedStack) -> str:
    described = each.series.series_description or "no description"
    weighting = str(each.stack.weighting).removeprefix("CT ")
    return f"{each.series.modality} {each.stack.plane} {weighting} ({described})"


def _stack_line(each: CataloguedStack, *, n_missing: int) -> str:
    stack = each.stack
    n_slices = stack.geometry.shape_zyx[0]
    words = f"{_name(each)}, {'1 slice' if n_slices == 1 else f'{n_slices} slices'}"
    if n_slices > 1:
        words += f", {stack.geometry.slice_spacing_mm:.2f} mm"
    marks = [
        *([str(stack.role)] if stack.role is not ImageRole.DIAGNOSTIC else []),
        *(["not lumbar"] if stack.is_lumbar is False else []),
        *([f"irregular: {'; '.join(stack.problems)}"] if not stack.is_regular else []),
        *([f"{n_missing} image(s) missing"] if n_missing else []),
        *stack.notes,
    ]
    text = f"[dim]{escape(words)}[/dim]"
    if not marks:
        return text
    return f"{text} [yellow]\N{WARNING SIGN} {escape('; '.join(marks))}[/yellow]"


def _reference(reference: Reference) -> str:
    each, reading = reference.each, reference.reading
    stack = each.stack
    spacing = stack.geometry.spacing_zyx
    field = each.series.magnetic_field_strength
    details = [
        f"{spacing[0]:.2f} mm slices",
        f"{spacing[1]:.2f} mm pixels",
        *([f"{field:g} T"] if field else []),
    ]
    said = (
        "proposed to begin with, for nothing is read yet"
        if reading is None
        else f"read by {reading.reader} on {reading.visit_date}"
    )
    return f"{_name(each)}, {', '.join(details)}, {said}"


def _is_read(readings: Sequence[TimelineReading]) -> bool:
    return any(not each.reading.is_proposed for each in readings)


def _mark(each: TimelineReading) -> str:
    return (
        "[yellow]\N{TILDE OPERATOR}[/yellow]" if each.reading.is_proposed else "[green]\N{CHECK MARK}[/green]"
    )


def _reading(each: TimelineReading) -> str:
    said, numbers = str(each.reading.status).replace("_", " "), each.measurement
    if numbers is not None and each.reading.status is not ReadingStatus.ABSENT:
        said = f"{numbers.volume_mm3:.0f} \N{PLUS-MINUS SIGN} {numbers.volume_sigma_mm3:.0f} mm3"
    reason = f" ({each.reading.reason})" if each.reading.reason else ""
    by = f"proposed by {each.reading.reader}" if each.reading.is_proposed else each.reading.reader
    return f"{said}{reason}, {by}"


def _lesion(lesion: Lesion) -> str:
    return " ".join(str(word) for word in (lesion.level, lesion.side, lesion.type) if word)
