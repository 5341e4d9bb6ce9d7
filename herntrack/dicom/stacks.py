"""One series into the volumes it holds.

A series may hold several: angled axial blocks per disc, two echoes, a localizer in three
orientations, the same positions scanned again. Slices are kept apart by what makes them
different pictures (grid, contrast, orientation), then by repetition of a position, then
where the row of slices breaks off and goes on elsewhere. Slice distances come from
ImagePositionPatient projected onto the slice normal (DICOM PS3.3 C.7.6.2.1.1), never
from SliceThickness.

Public: `build_stacks`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from herntrack._typing import FloatArray
from herntrack.dicom.contrast import weighting_of
from herntrack.dicom.uids import derived_uid
from herntrack.model.geometry import VolumeGeometry, orientation_vectors
from herntrack.model.records import InstanceHeader, Series, Stack

SAME_ORIENTATION = 2e-3
"""Largest difference of a direction cosine within one stack (no unit), 0.1 degrees."""

SAME_POSITION_MM = 0.01
"""Slices nearer than this along the normal are at one position (mm); headers are written to 0.01."""

EVEN_STEP_MM = 0.05
"""Smallest deviation of a slice step that is called uneven (mm)."""

EVEN_STEP_FRACTION = 0.01
"""The same as a fraction of the step, whichever is larger: 1 % of spacing is 1 % of volume."""

IN_PLANE_JUMP_MM = 1.0
"""A sideways shift against the stack's own line that begins another block (mm)."""

BLOCK_GAP_FACTOR = 1.5
"""A step longer than this many typical steps is a gap (no unit)."""


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
class _Slice:
    header: InstanceHeader
    position: FloatArray
    """ImagePositionPatient, shape (3,), LPS mm."""
    along: float
    """Distance along the slice normal (mm)."""


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
    built: list[BuiltStack] = []
    for key, alike in sorted(_group_by_picture(headers).items(), key=lambda item: repr(item[0])):
        for orientation_number, turned in enumerate(_group_by_orientation(alike)):
            slices = _ordered_slices(turned)
            for layer_number, (layer, has_repeats) in enumerate(_layers(slices)):
                for block_number, block in enumerate(_blocks(layer)):
                    place = (orientation_number, layer_number, block_number)
                    built.append(_built_stack(series, block, key=(key, *place), has_repeats=has_repeats))
    return built


def _group_by_picture(headers: Iterable[InstanceHeader]) -> dict[tuple[object, ...], list[InstanceHeader]]:
    groups: dict[tuple[object, ...], list[InstanceHeader]] = defaultdict(list)
    for header in headers:
        spacing = header.pixel_spacing or (0.0, 0.0)
        key = (
            header.rows,
            header.columns,
            round(spacing[0], 4),
            round(spacing[1], 4),
            header.image_type,
            header.echo_numbers or 0,
            round(header.echo_time or 0.0, 1),
            round(header.inversion_time or 0.0),
            header.diffusion_b_value if header.diffusion_b_value is not None else -1.0,
            header.temporal_position_identifier or 0,
            header.frame_of_reference_uid,
        )
        groups[key].append(header)
    return groups


def _group_by_orientation(headers: Sequence[InstanceHeader]) -> list[list[InstanceHeader]]:
    groups: list[tuple[FloatArray, list[InstanceHeader]]] = []
    for header in sorted(headers, key=lambda h: (h.image_orientation_patient, *_image_key(h))):
        cosines = np.asarray(header.image_orientation_patient)
        for reference, members in groups:
            if np.abs(reference - cosines).max() <= SAME_ORIENTATION:
                members.append(header)
                break
        else:
            groups.append((cosines, [header]))
    return [members for _, members in groups]


def _ordered_slices(headers: Sequence[InstanceHeader]) -> list[_Slice]:
    """Return the slices sorted along the normal; repeats of a position in order of acquisition."""
    row, column = orientation_vectors(headers[0].image_orientation_patient or ())
    normal = np.cross(row, column)
    slices = []
    for header in headers:
        position = np.asarray(header.image_position_patient, dtype=np.float64)
        slices.append(_Slice(header, position, float(normal @ position)))
    return sorted(
        slices,
        key=lambda s: (
            round(s.along / SAME_POSITION_MM),
            s.header.acquisition_number or 0,
            s.header.instance_number or 0,
            *_image_key(s.header),
        ),
    )


def _layers(slices: Sequence[_Slice]) -> list[tuple[list[_Slice], bool]]:
    """Split repeated positions: the first, second, ... image at each position.

    The second value says whether the repeats are uneven, so that a layer may mix
    acquisitions. A position is the whole point, not only its distance along the normal:
    two blocks side by side may share that distance.
    """
    layers: list[list[_Slice]] = []
    count: dict[tuple[int, ...], int] = defaultdict(int)
    for item in slices:
        place = tuple(int(v) for v in np.round(item.position / SAME_POSITION_MM / 5))
        if count[place] == len(layers):
            layers.append([])
        layers[count[place]].append(item)
        count[place] += 1
    has_uneven_repeats = len(set(count.values())) > 1
    return [(layer, has_uneven_repeats) for layer in layers]


def _blocks(slices: list[_Slice]) -> list[list[_Slice]]:
    """Cut a row of parallel slices where it breaks off and goes on elsewhere."""
    if len(slices) < 3:
        return [slices] if len(slices) < 2 or _is_one_line(slices) else [[item] for item in slices]
    steps = np.diff([item.position for item in slices], axis=0)
    along = np.diff([item.along for item in slices])
    sideways = _sideways_jump(slices[0].header, steps, along)
    cuts = [i + 1 for i in range(len(steps)) if sideways[i] > IN_PLANE_JUMP_MM]
    blocks = _cut(slices, cuts)
    return [part for block in blocks for part in _cut_at_gaps(block)]


def _is_one_line(slices: Sequence[_Slice]) -> bool:
    # Two slices make a stack unless they lie side by side in (nearly) one plane.
    step = slices[1].position - slices[0].position
    along = abs(slices[1].along - slices[0].along)
    return bool(along > SAME_POSITION_MM and np.linalg.norm(step) <= 2 * along)


def _sideways_jump(header: InstanceHeader, steps: FloatArray, along: FloatArray) -> FloatArray:
    """Return how far each step leaves the stack's line sideways (mm), shape (n_steps,).

    A gantry tilt shifts every step sideways in proportion to its length; that common
    slope is not a jump.
    """
    row, column = orientation_vectors(header.image_orientation_patient or ())
    in_plane = np.stack([steps @ row, steps @ column], axis=1)
    moved = np.abs(along) > SAME_POSITION_MM
    slope = np.median(in_plane[moved] / along[moved, None], axis=0) if moved.any() else np.zeros(2)
    return np.asarray(np.linalg.norm(in_plane - slope * along[:, None], axis=1))


def _cut_at_gaps(slices: list[_Slice]) -> list[list[_Slice]]:
    """Cut where a wide gap has no missing image: numbers go on across it, both sides are stacks."""
    if len(slices) < 4:
        return [slices]
    along = np.diff([item.along for item in slices])
    typical = float(np.median(along))
    numbers = [item.header.instance_number for item in slices]
    cuts = []
    for i, step in enumerate(along):
        before, after = numbers[i], numbers[i + 1]
        is_consecutive = before is not None and after is not None and abs(after - before) == 1
        if step > BLOCK_GAP_FACTOR * typical and is_consecutive:
            cuts.append(i + 1)
    blocks = _cut(slices, cuts)
    are_stacks = all(len(block) > 1 and not _uneven_steps(block) for block in blocks)
    return blocks if are_stacks else [slices]


def _cut(slices: list[_Slice], cuts: Sequence[int]) -> list[list[_Slice]]:
    edges = [0, *cuts, len(slices)]
    return [slices[first:last] for first, last in pairwise(edges)]


def _uneven_steps(slices: Sequence[_Slice]) -> list[int]:
    """Return the indices of steps that differ from the typical one."""
    along = np.diff([item.along for item in slices])
    typical = float(np.median(along))
    tolerance = max(EVEN_STEP_MM, EVEN_STEP_FRACTION * typical)
    return [int(i) for i in np.flatnonzero(np.abs(along - typical) > tolerance)]


def _built_stack(
    series: Series, slices: Sequence[_Slice], *, key: tuple[object, ...], has_repeats: bool
) -> BuiltStack:
    first = slices[0].header
    problems = _problems(slices, has_repeats=has_repeats)
    geometry = VolumeGeometry.from_dicom(
        first.image_orientation_patient or (),
        first.image_position_patient or (),
        slice_step_lps=[float(value) for value in _slice_step(slices)],
        pixel_spacing=first.pixel_spacing or (),
        shape_zyx=(len(slices), first.rows, first.columns),
    )
    weighting, evidence = weighting_of(series, first)
    stack = Stack(
        stack_uid=derived_uid("stack", series.series_instance_uid, key),
        series_instance_uid=series.series_instance_uid,
        geometry=geometry,
        plane=geometry.plane,
        weighting=weighting,
        weighting_evidence=evidence,
        frame_of_reference_uid=first.frame_of_reference_uid,
        is_regular=not problems,
        problems=tuple(problems),
    )
    return BuiltStack(stack=stack, images=tuple(_image_key(item.header) for item in slices))


def _image_key(header: InstanceHeader) -> tuple[str, int]:
    return header.sop_instance_uid, header.frame_number or 0


def _slice_step(slices: Sequence[_Slice]) -> FloatArray:
    """Return the vector from slice to slice (LPS mm), shape (3,)."""
    if len(slices) == 1:
        header = slices[0].header
        row, column = orientation_vectors(header.image_orientation_patient or ())
        # One slice has no neighbour; the nominal distance only gives the picture a depth to be shown with.
        nominal = abs(header.spacing_between_slices or header.slice_thickness or 1.0)
        return np.asarray(np.cross(row, column) * nominal)
    positions = np.array([item.position for item in slices])
    uneven = _uneven_steps(slices)
    if not uneven:
        return np.asarray((positions[-1] - positions[0]) / (len(slices) - 1))
    steps = np.diff(positions, axis=0)
    even = [i for i in range(len(steps)) if i not in uneven]
    # Of two unlike steps neither is typical; the stack is irregular, and their mean places it.
    return np.asarray(steps[even].mean(axis=0) if even else steps.mean(axis=0))


def _problems(slices: Sequence[_Slice], *, has_repeats: bool) -> list[str]:
    if len(slices) == 1:
        return ["a single slice: there is no centre-to-centre distance, so no volume"]
    problems = []
    along = np.diff([item.along for item in slices])
    typical = float(np.median(along))
    for i in _uneven_steps(slices):
        span = f"between {slices[i].along:.2f} and {slices[i + 1].along:.2f} mm along the normal"
        n_missing = along[i] / typical - 1
        is_whole = n_missing >= 0.9 and abs(n_missing - round(n_missing)) * typical <= max(
            EVEN_STEP_MM, EVEN_STEP_FRACTION * along[i]
        )
        if is_whole:
            problems.append(f"{round(n_missing)} slice(s) missing {span} (step {typical:.2f} mm)")
        else:
            problems.append(f"uneven step of {along[i]:.2f} mm {span} (typical {typical:.2f} mm)")
    if has_repeats:
        problems.append(
            "some positions were imaged more often than others; which images belong together is open"
        )
    return problems
