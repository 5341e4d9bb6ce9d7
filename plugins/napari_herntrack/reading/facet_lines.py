"""The line between the facets at the reader's desk: theirs, or the baseline's until they draw one.

A carried line is shown and measured on; it is nobody's word, so no record holds it.

Public: `LineShown`, `line_shown`, `draw_line`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from herntrack.errors import DraftError, GeometryError
from herntrack.model.facet_line import FacetLine
from herntrack.model.images import CataloguedStack
from herntrack.model.sentences import sentence
from herntrack.reading_room.edits import MaskEdit
from napari_herntrack.reading.desk import Desk
from napari_herntrack.texts import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """The line that counts at the open visit, if any, and whether it is only carried there."""

    line: FacetLine | None = None
    is_carried: bool = False


def line_shown(desk: Desk) -> LineShown:
    """Return the line of the open reading, else the baseline's carried to it."""
    if desk.visit is None or desk.session is None:
        return LineShown()
    own = desk.session.mask.facet_line
    if own is not None:
        return LineShown(line=own)
    carried = desk.visit.shown.carried_line
    return LineShown(line=carried, is_carried=carried is not None)


def draw_line(desk: Desk, ends_lps: npt.ArrayLike, on: CataloguedStack) -> MaskEdit | None:
    """Keep a line that the reader drew on a stack of the open visit.

    Parameters
    ----------
    desk : Desk
        What is open.
    ends_lps : array_like of float, shape (2, 3)
        The two ends, LPS mm.
    on : CataloguedStack
        What it was drawn on; need not be the stack that is read.

    Raises
    ------
    DraftError
        If nothing may be changed, or it cannot be kept.
    GeometryError
        If it is no line between facets, or of other coordinates than the reading.
    """
    refusal, session = desk.why_not_change(), desk.session
    if refusal or session is None:
        raise DraftError(Told(refusal))
    if on.frame != session.stack.frame:
        raise GeometryError(sentence("line_other_frame"))
    return session.mask.move_facet_line(FacetLine.through(ends_lps))
