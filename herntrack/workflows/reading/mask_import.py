"""Masks that other tools made: which labels of the file, on which stack, checked in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.catalogue.images import ImageRepository
from herntrack.errors import AmbiguousChoiceError, ReadingError, RecordNotFoundError
from herntrack.model.images import CataloguedStack, Stack
from herntrack.volumetrics.visits import MAX_VOLUME_MM3
from herntrack.workflows.stack_files import stack_images, stack_sop_instance_uids

LABEL_FILE_FORMATS = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MHA",
    ".mhd": "MHA",
}
"""Formats of label maps by the end of the file's name; anything else is taken for DICOM SEG."""

LISTED_LABELS = 40
"""Labels that a message names before it only counts them."""


PLAUSIBLE_MM3 = 4000.0
"""A larger mask is taken with a warning (mm3): herniations are 500 to 1430 on average in published cohorts
(standard deviations 300 to 840), and 50 to 4000 is what volumes and their errors are made for."""

MOST_OF_STACK = 0.5
"""A mask that covers more of the stack's voxels than this is not that of a lesion (share)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMask:
    """A mask on a stack's grid and where it came from."""

    mask: MaskZYX
    format_name: str
    notes: tuple[str, ...] = ()


def format_of(file: Path) -> str:
    """Return the format a file's name stands for.

    Raises
    ------
    ReadingError
        If there is no such file.
    """
    if not file.is_file():
        raise ReadingError(f"{file} does not exist; give a DICOM SEG, NIfTI, NRRD or MHA file")
    name = file.name.lower()
    return next((kind for suffix, kind in LABEL_FILE_FORMATS.items() if name.endswith(suffix)), "DICOM SEG")


def read_mask(images: ImageRepository, file: Path, stack: Stack, *, labels: Sequence[int]) -> ImportedMask:
    """Read a mask and place it on a stack.

    Parameters
    ----------
    images : ImageRepository
        An open catalogue.
    file : Path
        DICOM SEG, NIfTI, NRRD or MHA.
    stack : Stack
        The stack it was drawn on.
    labels : sequence of int
        Labels (or segment numbers) that are the lesion; several are united. May be empty
        if the file has only one.

    Raises
    ------
    GeometryMismatchError
        If the grids differ, with the numbers.
    AmbiguousChoiceError
        If the file has several labels and none was named.
    RecordNotFoundError
        If a label that was named is not in the file.
    """
    kind = format_of(file)
    if kind == "DICOM SEG":
        return _read_segmentation(images, file, stack, labels=labels)
    from herntrack.imaging.label_files import read_label_file
    from herntrack.readings.placement import place_labels

    label_volume = read_label_file(file)
    placed = place_labels(label_volume.labels, label_volume.geometry, stack.geometry)
    values, counts = np.unique(label_volume.labels, return_counts=True)
    present = {
        int(value): f"{count} voxels" for value, count in zip(values, counts, strict=True) if value != 0
    }
    chosen = _chosen(present, labels, file)
    return ImportedMask(mask=np.isin(placed, chosen), format_name=kind)


def _read_segmentation(
    images: ImageRepository, file: Path, stack: Stack, *, labels: Sequence[int]
) -> ImportedMask:
    from herntrack.readings.segmentation_object import place_segments, read_segmentation

    content = read_segmentation(file)
    present = {segment.number: segment.label for segment in content.segments}
    lesions = {segment.tracking_uid for segment in content.segments}
    # Fragments of one lesion share its tracking UID; only segments of different things need a choice.
    is_one_lesion = len(lesions) == 1 and None not in lesions
    chosen = sorted(present) if is_one_lesion and not labels else _chosen(present, labels, file)
    mask = place_segments(
        content,
        stack.geometry,
        segment_numbers=chosen,
        sop_instance_uids=stack_images(images, stack.stack_uid),
    )
    return ImportedMask(mask=mask, format_name="DICOM SEG")


def size_notes(mask: MaskZYX, stack: Stack, file: Path) -> tuple[str, ...]:
    """Return what to know of a mask's size.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        Voxels of the lesion on the stack's grid.
    stack : Stack
        The stack.
    file : Path
        Where the mask came from, for the message.

    Raises
    ------
    ReadingError
        If it is larger than any fragment of a disc can be.
    """
    volume_mm3 = int(np.count_nonzero(mask)) * stack.geometry.voxel_volume_mm3
    share = float(mask.mean())
    says = f"{file.name} holds {volume_mm3:.0f} mm3, {100 * share:.1f} % of the stack's voxels"
    if volume_mm3 > MAX_VOLUME_MM3 or share > MOST_OF_STACK:
        raise ReadingError(
            f"{says}: no fragment of a disc is larger than {MAX_VOLUME_MM3:.0f} mm3 or"
            f" {100 * MOST_OF_STACK:.0f} % of what was imaged. Check which label is the lesion (--label N)"
            " and that inside and outside are not exchanged"
        )
    if volume_mm3 > PLAUSIBLE_MM3:
        note = (
            f"{says}: fragments are seldom larger than {PLAUSIBLE_MM3:.0f} mm3. Check that the mask is the"
            " fragment and not the disc, and which label it is"
        )
        return (note,)
    return ()


def _chosen(present: dict[int, str], labels: Sequence[int], file: Path) -> list[int]:
    missing = sorted(set(labels) - set(present))
    if missing:
        raise RecordNotFoundError(f"{file.name} has no label {missing[0]}; it has: {_listed(present)}")
    if labels:
        return sorted(set(labels))
    if len(present) > 1:
        raise AmbiguousChoiceError(
            f"{file.name} has {len(present)} labels; say which is the lesion with --label N"
            f" (again for several): {_listed(present)}"
        )
    if any(number < 0 for number in present):
        raise AmbiguousChoiceError(
            f"{file.name} has the label {_listed(present)} alone; labels count from 1, and a negative one"
            f" mostly marks what is left out. If it is the lesion, say so: --label {min(present)}"
        )
    return sorted(present)


def _listed(present: dict[int, str]) -> str:
    named = [f"{number} ({text})" for number, text in sorted(present.items())]
    more = f" and {len(named) - LISTED_LABELS} more" if len(named) > LISTED_LABELS else ""
    return (", ".join(named[:LISTED_LABELS]) + more) or "none"


def referenced_stack(images: ImageRepository, file: Path) -> CataloguedStack:
    """Return the stack that a DICOM SEG says it was drawn on.

    Raises
    ------
    AmbiguousChoiceError
        If the file does not say, or its images are of several stacks.
    RecordNotFoundError
        If its images are not catalogued.
    """
    if format_of(file) != "DICOM SEG":
        raise AmbiguousChoiceError(
            f"{file.name} does not say which images it was drawn on;"
            " name them with --stack UID or --series UID"
        )
    from herntrack.readings.segmentation_object import read_segmentation

    content = read_segmentation(file)
    referenced = set(content.referenced_sop_instance_uids)
    if not referenced:
        raise AmbiguousChoiceError(f"{file.name} refers to no image; name the stack with --stack UID")
    found = [
        each
        for each in images.stacks()
        if referenced & set(stack_sop_instance_uids(images, each.stack.stack_uid))
    ]
    if not found:
        raise RecordNotFoundError(
            f"the {len(referenced)} images that {file.name} refers to are not in the catalogue;"
            " ingest them first"
        )
    # Several stacks may be frames of one image; then the frames that planes were drawn on decide.
    sources = {source for segment in content.segments for frame in segment.frames for source in frame.sources}
    drawn_on = [each for each in found if sources & set(stack_images(images, each.stack.stack_uid))]
    if len(found) > 1 and len(drawn_on) == 1:
        return drawn_on[0]
    if len(found) > 1:
        options = "; ".join(f"--stack {each.stack.stack_uid}" for each in found)
        raise AmbiguousChoiceError(
            f"{file.name} refers to images of {len(found)} stacks; name one: {options}"
        )
    return found[0]
