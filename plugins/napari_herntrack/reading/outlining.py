"""The engine's outline for clicks in the room; it goes into the draft, not yet into the store.

Public: `ClickOutline`, `outline_clicks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from herntrack._typing import MaskZYX
from herntrack.errors import ReadingError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion
from herntrack.model.sentences import sentence
from herntrack.segmentation.guards import Guard
from herntrack.workflows.levels.base_planes import KnownPlane, known_plane
from herntrack.workflows.reading.segmenting import outlined_from_points, refuse_outside
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from herntrack.imaging.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClickOutline:
    """What clicks gave.

    Parameters
    ----------
    mask : ndarray of bool
        On the stack's grid.
    base_plane : BasePlane or None
        What bounds it.
    base_plane_source : str
        Where that comes from.
    points_lps, background_points_lps : tuple of points
        The clicks it was made from.
    remarks : tuple of str
        What to know of it, sentences.
    """

    mask: MaskZYX
    base_plane: BasePlane | None
    base_plane_source: str
    points_lps: tuple[Point, ...]
    background_points_lps: tuple[Point, ...]
    remarks: tuple[str, ...] = ()


def outline_clicks(
    workspace: Workspace,
    lesion: Lesion,
    each: CataloguedStack,
    *,
    points_lps: tuple[Point, ...],
    background_points_lps: tuple[Point, ...] = (),
    placed: BasePlane | None = None,
    volume: Volume | None = None,
    is_blinded: bool = False,
) -> ClickOutline:
    """Outline a lesion from clicks.

    Parameters
    ----------
    workspace : Workspace
        The project.
    lesion : Lesion
        What is outlined.
    each : CataloguedStack
        On what.
    points_lps, background_points_lps : tuple of points
        In the fragment, and beside it; LPS mm.
    placed : BasePlane, optional
        The plane that the reader placed; else the known one is used, or one is proposed.
    volume : Volume, optional
        The stack's intensities if they are at hand.
    is_blinded : bool
        Let no base plane of another visit guide the outline.

    Raises
    ------
    GeometryError
        If a click lies outside the stack, or in front of a plane that somebody vouches for.
    ReadingError
        If nothing was found there.
    """
    for point in (*points_lps, *background_points_lps):
        refuse_outside(point, each.stack.geometry)
    with catalogue_of(workspace) as catalogue:
        if placed is not None:
            known: KnownPlane | None = KnownPlane(
                plane=placed, source="placed by the reader", is_confirmed=True
            )
        else:
            known = None if is_blinded else known_plane(workspace, catalogue, lesion, each)
        volume = volume or stack_volume(workspace, catalogue.images, each.stack)
    made, source, remarks = outlined_from_points(volume, points_lps, background_points_lps, known)
    if not made.mask.any():
        raise ReadingError(sentence("nothing_outlined"))
    return ClickOutline(
        mask=made.mask,
        base_plane=made.base_plane,
        base_plane_source=source,
        points_lps=points_lps,
        background_points_lps=background_points_lps,
        remarks=(*remarks, *(each.sentence for each in made.guards if each.guard is Guard.TISSUE)),
    )
