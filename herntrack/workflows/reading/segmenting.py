"""A proposed reading from one click or more.

The base plane is the known one (`herntrack.workflows.levels.base_planes`), else proposed around the click.
What comes out is stored as a proposal, which a reader has still to accept, or written to a file.

Public: `segment`, `Segmented`, `outlined_from_points`, `checked_clicks`, `refuse_outside`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from herntrack.errors import GeometryError, ReadingError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import ReadingStatus
from herntrack.workflows.levels.base_planes import KnownPlane, known_plane
from herntrack.workflows.recording import (
    AUTOMATIC_READER,
    Origin,
    draft_reading,
    record_reading,
    stack_notes,
    visit_of_stack,
)
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from herntrack.imaging.volume import Volume
    from herntrack.segmentation.one_click import Proposal

PROPOSED_AROUND = "{source} around the click"
"""How a plane is called that the image gave."""


SAME_POINT_MM = 1.0
"""A point in the fragment and one beside it lie at least so far apart (mm): two pixels, or they are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """What a click gave.

    Parameters
    ----------
    reading : Reading
        The proposal; stored unless the mask was asked for as a file.
    n_voxels : int
        Voxels of the mask.
    volume_mm3 : float
        Their volume (mm3).
    reason : str
        What was done, a sentence.
    is_stored : bool
        Whether the proposal is in the store.
    notes : tuple of str
        What else to know, sentences.
    """

    reading: Reading
    n_voxels: int
    volume_mm3: float
    reason: str
    is_stored: bool
    notes: tuple[str, ...] = ()


def segment(
    workspace: Workspace,
    *,
    lesion_uid: str,
    stack_uid: str,
    points_lps: Sequence[Sequence[float]],
    background_points_lps: Sequence[Sequence[float]] = (),
    reader: str = AUTOMATIC_READER,
    out: Path | None = None,
    has_own_plane: bool = False,
    origin: Origin | None = None,
) -> Segmented:
    """Outline a lesion from points in it.

    Parameters
    ----------
    workspace : Workspace
        The project.
    lesion_uid, stack_uid : str
        What is outlined, and on what.
    points_lps, background_points_lps : sequence of (x, y, z)
        Points in the fragment, at least one, and points that are not; LPS mm of the stack.
    reader : str
        Whose proposal it is.
    out : Path, optional
        Write the mask there instead of storing a reading.
    has_own_plane : bool
        Propose the base plane around the click even where one is known.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If there is no such lesion or stack.
    GeometryError
        If a point lies outside the stack or in front of the confirmed level's base plane, or is said to be
        in the fragment and not in it.
    ReadingError
        If the stack is not the lesion's patient's, or cannot be measured on.
    """
    origin = origin or Origin()
    points, background = checked_clicks(points_lps), checked_clicks(background_points_lps)
    if not points:
        raise GeometryError("no point to start from: give at least one point in the fragment (LPS mm)")
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        each = catalogue.images.stack(stack_uid)
        visit_date = visit_of_stack(each, lesion)
        for point in (*points, *background):
            refuse_outside(point, each.stack.geometry)
        known = None if has_own_plane else known_plane(workspace, catalogue, lesion, each)
        volume = stack_volume(workspace, catalogue.images, each.stack)
        notes = _accepted_already(catalogue.followup.readings(lesion_uid, is_current=True), visit_date)
    made, source, remarks = outlined_from_points(volume, points, background, known)
    if not made.mask.any():
        raise ReadingError(f"nothing was outlined at the point: {made.reason} Click in the fragment's middle")
    reading = _drafted(lesion, each, made, reader=reader, source=source, remarks=remarks, origin=origin)
    reading = replace(reading, points_lps=points, background_points_lps=background)
    if out is not None:
        _write(out, made, each.stack.geometry)
    else:
        with catalogue_of(workspace) as catalogue:
            reading = record_reading(
                catalogue,
                workspace,
                reading,
                lesion=lesion,
                each=each,
                mask=made.mask,
                is_semiautomatic=True,
            )
    n_voxels = int(np.count_nonzero(made.mask))
    return Segmented(
        reading=reading,
        n_voxels=n_voxels,
        volume_mm3=n_voxels * each.stack.geometry.voxel_volume_mm3,
        reason=_reason(len(points), len(background), source),
        is_stored=out is None,
        notes=(*stack_notes(each), *notes),
    )


def checked_clicks(points_lps: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    """Return points as triples of floats.

    Raises
    ------
    GeometryError
        If one is no triple of finite numbers.
    """
    found = []
    for point in points_lps:
        if len(point) != 3 or not np.isfinite(point).all():
            raise GeometryError(f"a point is x,y,z in LPS mm, three finite numbers, not {tuple(point)}")
        x, y, z = point
        found.append((float(x), float(y), float(z)))
    return tuple(found)


def refuse_outside(point: Point, geometry: VolumeGeometry) -> None:
    """Refuse a point outside a stack, with where the stack lies.

    Raises
    ------
    GeometryError
        If the point is further than half a voxel from the grid.
    """
    index = geometry.lps_to_index(point)
    shape = np.asarray(geometry.shape_zyx)
    if ((index >= -0.5) & (index <= shape - 0.5)).all():
        return
    corners = geometry.corners_lps()
    ranges = ", ".join(
        f"{axis} {low:.0f} to {high:.0f}"
        for axis, low, high in zip("xyz", corners.min(axis=0), corners.max(axis=0), strict=True)
    )
    told = ", ".join(f"{value:.1f}" for value in point)
    raise GeometryError(
        sentence(
            "click_outside",
            point=told,
            slice=f"{index[0]:.1f}",
            row=f"{index[1]:.1f}",
            column=f"{index[2]:.1f}",
            shape=f"{shape[0]} x {shape[1]} x {shape[2]}",
            ranges=ranges,
        )
    )


def outlined_from_points(
    volume: Volume, points: Sequence[Point], background: Sequence[Point], known: KnownPlane | None
) -> tuple[Proposal, str, tuple[str, ...]]:
    """Return the outline of clicks, where its base plane comes from, and what to know of that.

    A known plane that a click lies in front of is given up for a proposed one, unless it is confirmed.

    Raises
    ------
    GeometryError
        If a point is said to be in the fragment and not in it.
    """
    from herntrack.segmentation.one_click import segment_from_points

    _refuse_contradicting(points, background)
    remarks: tuple[str, ...] = ()
    plane: BasePlane | None = None
    if known is not None:
        plane, remarks = known.plane, known.warnings
        depth = float(known.plane.depth_mm(np.asarray(points)).min())
        if depth <= 0 and not known.is_confirmed:
            plane = None
            remarks = (sentence("plane_given_up", source=known.source, depth=f"{-depth:.1f}"),)
    made = segment_from_points(volume, points, background or None, base_plane=plane)
    if plane is not None and known is not None:
        return made, known.source, remarks
    source = made.evidence.plane_source
    told = "" if source is None else PROPOSED_AROUND.format(source=source.value)
    return made, told, remarks


def _refuse_contradicting(points: Sequence[Point], background: Sequence[Point]) -> None:
    """Refuse points in the fragment and beside it that cannot be told apart."""
    for inside in points:
        for outside in background:
            apart = math.dist(inside, outside)
            if apart < SAME_POINT_MM:
                raise GeometryError(
                    sentence(
                        "clicks_contradict",
                        point=", ".join(f"{value:.1f}" for value in inside),
                        mm=f"{apart:.1f}",
                        limit=f"{SAME_POINT_MM:g}",
                    )
                )


def _drafted(
    lesion: Lesion,
    each: CataloguedStack,
    made: Proposal,
    *,
    reader: str,
    source: str,
    remarks: tuple[str, ...],
    origin: Origin,
) -> Reading:
    draft = draft_reading(
        origin,
        lesion,
        each,
        visit_date=visit_of_stack(each, lesion),
        reader=reader,
        status=ReadingStatus.PRESENT,
        source="points",
    )
    return replace(
        draft,
        is_proposed=True,
        base_plane=made.base_plane,
        base_plane_source=source,
        guards=(*(warning.sentence for warning in made.guards), *remarks),
    )


def _accepted_already(readings: Sequence[Reading], visit_date: object) -> tuple[str, ...]:
    return tuple(
        f"The visit has a reading that {reading.reader} accepted ({reading.status}); it counts, not the"
        " proposal, until the proposal is accepted."
        for reading in readings
        if reading.visit_date == visit_date and not reading.is_proposed
    )


def _reason(n_points: int, n_background: int, source: str) -> str:
    points = "one point" if n_points == 1 else f"{n_points} points"
    beside = f" and {n_background} beside it" if n_background else ""
    plane = f"the base plane is {source}" if source else "no base plane was found"
    return f"Outlined from {points}{beside}; {plane}."


def _write(out: Path, made: Proposal, geometry: VolumeGeometry) -> None:
    from herntrack.imaging.label_files import write_label_file

    out.parent.mkdir(parents=True, exist_ok=True)
    write_label_file(out, made.mask, geometry)
