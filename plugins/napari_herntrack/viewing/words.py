"""The words that stand on the pictures, in the reader's language; English until somebody says otherwise.

Public: `ViewWords`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Plane, Weighting


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewWords:
    """Texts with their placeholders in braces.

    Parameters
    ----------
    slice : str
        ``{number}`` and ``{count}``.
    beyond : str
        The place looked at is not in the stack.
    beyond_kept : str
        It is not, and the view stays with the stack because of unsaved work on it.
    series : str
        ``{number}``.
    units : tuple of str
        Millimetres and centimetres.
    window : str
        ``{width}`` and ``{level}``.
    no_stack : str
        ``{plane}``; why a view is empty.
    failed : str
        ``{reason}``; why a stack is not shown. Without it where the reason may not be known.
    only_stack : str
        Why a view shows no other stack.
    carried_line : str
        Stands at a line that nobody drew at this visit.
    said : callable
        Tells a sentence of the engine.
    planes, weightings : mapping
        Names; those that lack are English.
    """

    slice: str = "slice {number} / {count}"
    beyond: str = "(beyond this stack)"
    beyond_kept: str = "(beyond this stack; unsaved work)"
    series: str = "series {number}"
    units: tuple[str, str] = ("mm", "cm")
    window: str = "W {width}  L {level}"
    no_stack: str = "This visit has no regular {plane} stack."
    failed: str = "{reason}"
    only_stack: str = "This visit has no other stack of this plane."
    carried_line: str = "carried from the baseline"
    said: Callable[[str], str] = str
    planes: Mapping[Plane, str] = field(default_factory=dict)
    weightings: Mapping[Weighting, str] = field(default_factory=dict)

    def of_stack(self, each: CataloguedStack) -> tuple[str, str]:
        """Return what is said of a stack: plane and contrast, and its series."""
        stack, number = each.stack, each.series.series_number
        plane = self.planes.get(stack.plane, stack.plane.value)
        weighting = self.weightings.get(stack.weighting, stack.weighting.value)
        return f"{plane} {weighting}", "" if number is None else self.series.format(number=number)

    def of_slice(
        self,
        index: int,
        count: int,
        limits: tuple[float, float] | None,
        *,
        is_beyond: bool,
        is_kept: bool = False,
    ) -> tuple[str, ...]:
        """Return what is said of a slice, in lines: its number, and the display in width and level."""
        lines = [self.beyond_kept if is_kept else self.beyond] if is_beyond else []
        lines.append(self.slice.format(number=index + 1, count=count))
        display = ""
        if limits is not None:
            width, level = limits[1] - limits[0], (limits[0] + limits[1]) / 2
            display = self.window.format(width=f"{width:.0f}", level=f"{level:.0f}")
        return (*lines, display)

    def of_failure(self, reason: str) -> str:
        """Return why a stack is not shown."""
        return self.failed.format(reason=self.said(reason))

    def without_stack(self, plane: Plane) -> str:
        """Return why a view has no stack."""
        return self.no_stack.format(plane=self.planes.get(plane, plane.value))
