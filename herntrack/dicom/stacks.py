"""One series into the volumes it holds.

A series may hold several: angled axial blocks per disc, two echoes, a localizer in three
orientations, the same positions scanned again. Slices are kept apart by what makes them
different pictures (grid, contrast, orientation), then by repetition of a position, then
where the row of slices breaks off and goes on elsewhere. Slice distances come from
ImagePositionPatient projected onto the slice normal (DICOM PS3.3 C.7.6.2.1.1), never
from SliceThickness. What is wrong with a stack, and what may still be measured on it, is
decided in `herntrack.dicom.regularity`.

A wide gap between parallel slices on one line is either a lack of slices or the way to the
next block. It is a lack if the image numbers leave room for the slices, or if it is a whole
number of steps with at most `MOST_HIDDEN` slices missing, because an export may number its
images anew. It is the way to the next block if the numbers go on across it and it is no
whole number of steps, or is wider; if the numbers of each side are a run of their own that the
other's adjoins, but not here, because the slices were counted against the order of the blocks;
or if each side has an AcquisitionNumber of its own.

Public: `build_stacks`, `stacks_of_images`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from herntrack._typing import FloatArray
from herntrack.dicom.contrast import weighting_of
from herntrack.dicom.placed_images import PlacedImage, group_by_orientation, group_by_picture, placed
from herntrack.dicom.region import lumbar_of
from herntrack.dicom.regularity import (
    repeat_problem,
    step_problems,
    tilt_problem,
    uneven_steps,
)
from herntrack.dicom.roles import role_of
from herntrack.dicom.slice_rows import SAME_POSITION_MM, PlacedSlice, blocks_of, displaced_problems, distances
from herntrack.dicom.uids import derived_uid
from herntrack.model.geometry import VolumeGeometry, slice_normal
from herntrack.model.images import InstanceHeader, Series, Stack
from herntrack.model.vocabulary import Modality, Plane

CLEAR_STEP_MM = 0.2
"""Slices further apart than this are certainly at different positions (mm)."""

ALIKE_STEPS_MM = 0.021
"""Steps of a row differ by no more in each direction where positions were rounded to 0.01 (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltStack:
    """A stack and its images in slice order, increasing along the slice normal.

    `images` has the SOP Instance UID and the frame number of each, 0 for a single-frame image.
    """

    stack: Stack
    images: tuple[tuple[str, int], ...]

    @property
    def sop_instance_uids(self) -> tuple[str, ...]:
        """SOP Instance UIDs in slice order; frames of one image share it."""
        return tuple(uid for uid, _ in self.images)


@dataclass(frozen=True, slots=True)
class _Row:
    """Slices that form one stack, before anything is said of it."""

    key: tuple[object, ...]
    slices: list[PlacedSlice]
    geometry: VolumeGeometry
    plane: Plane
    repeats: str
    """What is wrong with the repetition of positions, if anything."""
    is_even: bool
    """One straight row of even steps, seen at a glance; False: to be looked at closer."""


def build_stacks(series: Series, headers: Iterable[InstanceHeader]) -> list[BuiltStack]:
    """Split one series into its stacks.

    Parameters
    ----------
    series : Series
        The series.
    headers : iterable of InstanceHeader
        Its images, in any order, each placed in the patient and each SOP instance once.

    Returns
    -------
    list of BuiltStack
        Every image is in exactly one of them. The result depends on the set of images
        only, not on their order.
    """
    return stacks_of_images(series, map(placed, headers))


def stacks_of_images(series: Series, images: Iterable[PlacedImage]) -> list[BuiltStack]:
    """Split one series into its stacks, its images given as `PlacedImage`; see `build_stacks`.

    Parameters
    ----------
    series : Series
        The series.
    images : iterable of PlacedImage
        Its images, in any order.

    Returns
    -------
    list of BuiltStack
        Every image is in exactly one of them. The result depends on the set of images
        only, not on their order.
    """
    rows: list[_Row] = []
    for key, alike in sorted(group_by_picture(images).items(), key=lambda item: repr(item[0])):
        for orientation_number, turned in enumerate(group_by_orientation(alike)):
            slices = _ordered_slices(turned)
            is_even = _is_even_row(slices)
            layers, repeats = ([slices], "") if is_even else _layers(slices)
            for layer_number, layer in enumerate(layers):
                for block_number, block in enumerate([layer] if is_even else blocks_of(layer)):
                    place = (orientation_number, layer_number, block_number)
                    geometry = _geometry(block, is_even=is_even)
                    rows.append(_Row((key, *place), block, geometry, geometry.plane, repeats, is_even))
    planes: dict[tuple[object, ...], set[Plane]] = defaultdict(set)
    for row in rows:
        planes[_sequence_of(row.slices[0].header)].add(row.plane)
    return [_built_stack(series, row, planes[_sequence_of(row.slices[0].header)]) for row in rows]


def _ordered_slices(images: Sequence[PlacedImage]) -> list[PlacedSlice]:
    """Return the slices sorted along the normal; repeats of a position in order of acquisition."""
    normal = slice_normal(images[0].header.image_orientation_patient or ())
    positions = np.array([image.position for image in images], dtype=np.float64)
    along = (positions @ normal).tolist()
    slices = list(map(PlacedSlice, images, positions, along))
    return sorted(
        slices,
        key=lambda s: (
            round(s.along / SAME_POSITION_MM),
            s.header.acquisition_number or 0,
            s.image.number or 0,
            s.image.key,
        ),
    )


def _is_even_row(slices: Sequence[PlacedSlice]) -> bool:
    """Return whether the slices plainly are one stack, as most series are.

    `_layers` and `blocks_of` would leave such a row as it is and `step_problems` find nothing: they
    tolerate more.
    """
    if len(slices) < 3 or slices[1].along - slices[0].along < CLEAR_STEP_MM:
        return False
    positions = np.array([item.position for item in slices])
    steps = positions[1:] - positions[:-1]
    return bool(np.abs(steps - steps[0]).max() <= ALIKE_STEPS_MM)


def _layers(slices: Sequence[PlacedSlice]) -> tuple[list[list[PlacedSlice]], str]:
    """Split repeated positions: the first, second, ... image at each position.

    The second value says what is wrong if positions repeat unequally often, so that a layer
    may mix acquisitions. A position is the whole point, not only its distance along the
    normal: two blocks side by side may share that distance.
    """
    rounded = np.round(np.array([item.position for item in slices]) / SAME_POSITION_MM / 5)
    places = [tuple(place) for place in rounded.astype(np.int64).tolist()]
    count: dict[tuple[int, ...], int] = defaultdict(int)
    layers: list[list[PlacedSlice]] = []
    for place, item in zip(places, slices, strict=True):
        if count[place] == len(layers):
            layers.append([])
        layers[count[place]].append(item)
        count[place] += 1
    if len(set(count.values())) < 2:
        return layers, ""
    acquisitions = _acquisitions(slices, places)
    if len(acquisitions) == len(layers):
        return acquisitions, ""
    along = {place: item.along for place, item in zip(places, slices, strict=True)}
    return layers, repeat_problem((along[place], number) for place, number in count.items())


def _acquisitions(
    slices: Sequence[PlacedSlice], places: Sequence[tuple[int, ...]]
) -> list[list[PlacedSlice]]:
    """Return the slices by AcquisitionNumber; nothing if one of them repeats a position."""
    groups: dict[int, dict[tuple[int, ...], PlacedSlice]] = defaultdict(dict)
    for place, item in zip(places, slices, strict=True):
        number = item.header.acquisition_number
        if number is None or place in groups[number]:
            return []
        groups[number][place] = item
    return [list(groups[number].values()) for number in sorted(groups)]


def _sequence_of(header: InstanceHeader) -> tuple[object, ...]:
    """Return what the orientations of one localizer have in common."""
    return header.echo_time, header.repetition_time, header.rows, header.columns, header.pixel_spacing


def _geometry(slices: Sequence[PlacedSlice], *, is_even: bool) -> VolumeGeometry:
    first = slices[0].header
    return VolumeGeometry.from_dicom(
        first.image_orientation_patient or (),
        slices[0].image.position,
        slice_step_lps=[float(value) for value in _slice_step(slices, is_even=is_even)],
        pixel_spacing=first.pixel_spacing or (),
        shape_zyx=(len(slices), first.rows, first.columns),
    )


def _built_stack(series: Series, row: _Row, planes: set[Plane]) -> BuiltStack:
    """Say of a row of slices what it is; `planes` are those of the series' rows that look alike."""
    first, geometry = row.slices[0].header, row.geometry
    weighting, weighting_evidence = weighting_of(series, first)
    role, role_evidence = role_of(series, first, geometry, planes=planes)
    is_lumbar, lumbar_evidence = lumbar_of(series, first, geometry)
    steps = [] if row.is_even else step_problems(distances(row.slices)) + displaced_problems(row.slices)
    irregular = steps + ([row.repeats] if row.repeats else [])
    is_tiltable = series.modality is Modality.CT and len(row.slices) > 1
    contradiction = tilt_problem(geometry, first.gantry_detector_tilt) if is_tiltable else ""
    stack = Stack(
        stack_uid=derived_uid("stack", series.series_instance_uid, row.key),
        series_instance_uid=series.series_instance_uid,
        geometry=geometry,
        plane=row.plane,
        weighting=weighting,
        weighting_evidence=weighting_evidence,
        frame_of_reference_uid=first.frame_of_reference_uid,
        # A contradicted tilt is said, but the positions make a volume.
        is_regular=not irregular,
        problems=tuple(irregular + ([contradiction] if contradiction else [])),
        role=role,
        role_evidence=role_evidence,
        is_lumbar=is_lumbar,
        lumbar_evidence=lumbar_evidence,
    )
    return BuiltStack(stack=stack, images=tuple(item.image.key for item in row.slices))


def _slice_step(slices: Sequence[PlacedSlice], *, is_even: bool) -> FloatArray:
    """Return the vector from slice to slice (LPS mm), shape (3,)."""
    if len(slices) == 1:
        header = slices[0].header
        # One slice has no neighbour; the nominal distance only gives the picture a depth to be shown with.
        nominal = abs(header.spacing_between_slices or header.slice_thickness or 1.0)
        return np.asarray(slice_normal(header.image_orientation_patient or ()) * nominal)
    uneven = [] if is_even else uneven_steps(distances(slices))
    if not uneven:
        return np.asarray((slices[-1].position - slices[0].position) / (len(slices) - 1))
    positions = np.array([item.position for item in slices])
    steps = np.diff(positions, axis=0)
    even = [i for i in range(len(steps)) if i not in uneven]
    # Of two unlike steps neither is typical; the stack is irregular, and their mean places it.
    return np.asarray(steps[even].mean(axis=0) if even else steps.mean(axis=0))
