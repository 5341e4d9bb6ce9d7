"""Zone and MSU grade against the line between the facets that a reader drew.

Definitions
-----------
Zones: Wiltse 1997 (Spine 22:1534) and lumbar disc nomenclature 2.0 (Fardon 2014, Spine J 14:2525): central
between the medial edges of the facets; off the midline it is paracentral. Beyond the facet's edge follow
the subarticular zone, up to the pedicle, and the foraminal one. Pedicles stand in other slices and nobody
measures them here, so nothing is suggested beyond the line.

MSU grade: Mysliwiec 2010 (Eur Spine J 19:1087), at the level of the greatest extrusion. Size 1 reaches up
to half of the way from the disc's undisplaced border to the line, 2 further, 3 beyond the line. Location
A in the two central quarters of the line, B in a lateral quarter, C beyond the facet's medial edge.

Assumptions: the base plane stands for the disc's undisplaced border; the line continues beyond its ends as
far back as they lie. The greatest extrusion is the tip, the quarter of the depth that lies furthest back
(`herntrack.reading_room.lesion_shape`): its outermost voxels alone would make a grade of the outline's
noise. AB is said where at least a third of the tip's part between the facets lies in either.

Public: `facet_grades`, `line_refusal`.
"""

from __future__ import annotations

import numpy as np

from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.sentences import Sentence, sentence
from herntrack.model.vocabulary import MsuLocation, Zone
from herntrack.reading_room.lesion_shape import LesionShape
from herntrack.reading_room.suggestion import Suggestion, suggestion

FARTHEST_MM = 10.0
"""A line further above or below the tip is of another place (mm).

MSU is measured in one axial slice; one that is tilted by 30 degrees leads over half of this from the tip to
the facets.
"""

LEAST_BACK_MM = 3.0
"""A line nearer behind the base plane does not cross a canal (mm)."""

MIDLINE_ERROR_MM = 2.0
"""How far to the side the middle of a drawn line may lie (mm): facets are pointed at to a few pixels.

Nearer to the midline than this, or than a voxel, a centre is on neither side.
"""

EITHER_SHARE = 1.0 / 3.0
"""Of the tip between the facets, the share in A and in B from which it is both."""

ON_LINE = ("zone", "msu_size", "msu_location")
"""Descriptors that need the line."""


def line_refusal(shape: LesionShape, line: FacetLine, plane: BasePlane) -> Sentence | None:
    """Return why a line does not serve this lesion; None if it does."""
    upper, lower = (np.asarray(corner) for corner in plane.corners_lps)
    height = float((line.middle_lps - lower) @ (upper - lower)) / shape.disc_mm
    apart = abs(height - float(shape.height[shape.is_tip].mean()))
    if apart > FARTHEST_MM:
        return sentence("quiet_line_elsewhere", mm=f"{apart:.0f}", limit=f"{FARTHEST_MM:.0f}")
    ends = plane.depth_mm(np.asarray(line.ends_lps))
    return sentence("quiet_line_in_front") if float(ends.min()) < LEAST_BACK_MM else None


def facet_grades(
    shape: LesionShape, line: FacetLine, plane: BasePlane
) -> tuple[list[Suggestion], dict[str, Sentence]]:
    """Return zone and MSU grade, and why one is not suggested, by its name.

    Parameters
    ----------
    shape : LesionShape
        Measured from the line's middle along the line.
    line : FacetLine
        A line that `line_refusal` does not refuse.
    plane : BasePlane
        The base plane.
    """
    found, half = [_size(shape, line, plane), _location(shape, line)], line.length_mm / 2
    offset = abs(float(shape.left.mean()))
    central = max(MIDLINE_ERROR_MM, float(shape.step[2]))
    for zone, near, far in ((Zone.CENTRAL, 0.0, central), (Zone.PARACENTRAL, central, half)):
        if offset <= far:
            made = suggestion("zone", zone, "zone", is_on_line=True, offset=offset, inner=near, outer=far)
            return [*found, made], {}
    return found, {"zone": sentence("quiet_beyond_facet", offset=f"{offset:.1f}", half=f"{half:.1f}")}


def _size(shape: LesionShape, line: FacetLine, plane: BasePlane) -> Suggestion:
    """Return the size; a line that is turned to the base plane lies nearer to it at one end."""
    half, turn = line.length_mm / 2, float(line.left_lps @ np.asarray(plane.normal_lps))
    way = float(plane.depth_mm(line.middle_lps)) + turn * np.clip(shape.left, -half, half)
    reach = shape.depth + shape.step[0] / 2
    deepest = int(np.argmax(reach / way))
    depth, share = float(reach[deepest]), float(reach[deepest] / way[deepest])
    size = 1 if share <= 0.5 else 2 if share <= 1.0 else 3
    return suggestion("msu_size", size, "facet_line", is_on_line=True, depth=depth, share=share)


def _location(shape: LesionShape, line: FacetLine) -> Suggestion:
    offsets, half = np.abs(shape.left[shape.is_tip]), line.length_mm / 2
    central = float((offsets <= half / 2).mean())
    beyond = float((offsets > half).mean())
    lateral = 1.0 - central - beyond
    if beyond > max(central, lateral):
        value = MsuLocation.C
    elif min(central, lateral) >= EITHER_SHARE * (central + lateral):
        value = MsuLocation.AB
    else:
        value = MsuLocation.A if central > lateral else MsuLocation.B
    shares = {"central": central, "lateral": lateral, "beyond": beyond}
    return suggestion("msu_location", value, "quarters", is_on_line=True, **shares)
