"""Reads a folder of DICOM images, a DICOM image's whole series, or a DICOM SEG as napari layers.

Each stack becomes a layer on its own voxel grid; its place in the patient stays in the layer's
metadata, where the writer finds it again. No workspace is needed. What takes longer than a glance is
read beside the window (see `napari_herntrack.files.beside`).

Public: `get_reader`, `read_layers`.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from herntrack._typing import LabelsZYX
from herntrack.errors import GeometryError, HerntrackError, ReadingError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack, Study
from napari_herntrack.files.beside import (
    MOST_PROBLEMS,
    NOTHING_YET,
    FullLayerData,
    add_when_read,
    window,
)
from napari_herntrack.layers import AXIS_LABELS, METADATA_KEY, display_limits, layer_name, stack_metadata

Reader: TypeAlias = Callable[[str | Sequence[str]], list[FullLayerData]]

FEW_FILES, FEW_BYTES = 12, 4_000_000
"""So much is read at once; it takes less than a tenth of a second."""

LOOKED_AT = 20
"""Files of a folder that are looked at before the folder is said to hold no DICOM."""

MAGIC, MAGIC_AT = b"DICM", 128
"""DICOM PS3.10 7.1: the prefix after the preamble."""

NEAR = 1e-3
"""Steps between planes that differ by less are one (part of the step)."""


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return what reads a path; None if it is no DICOM folder, image or segmentation."""
    paths = [Path(path)] if isinstance(path, str) else [Path(each) for each in path]
    if paths and all(any(map(_is_dicom, islice(_files(each), LOOKED_AT))) for each in paths):
        return read_layers if _is_little(paths) else read_beside
    return None


def read_beside(path: str | Sequence[str]) -> list[FullLayerData]:
    """Read folders and files beside napari's window, which gets the layers when they are ready.

    Without a window the layers are returned, as by `read_layers`.
    """
    viewer = window()
    if viewer is None:
        return read_layers(path)
    name = Path(path if isinstance(path, str) else path[0]).name
    add_when_read(viewer, f"herntrack: reading {name}", lambda: read_paths(path))
    return NOTHING_YET


def read_layers(path: str | Sequence[str]) -> list[FullLayerData]:
    """Return the layers of folders and files.

    Parameters
    ----------
    path : str or sequence of str
        Folders, or files: segmentations, and images of one or more series.

    Raises
    ------
    ReadingError
        If nothing there can be shown; the message has the reasons.
    """
    layers, problems = read_paths(path)
    for problem in problems[:MOST_PROBLEMS]:
        warnings.warn(problem, stacklevel=2)
    return layers


def read_paths(path: str | Sequence[str]) -> tuple[list[FullLayerData], list[str]]:
    """Return the layers of folders and files, and why others cannot be shown.

    Raises
    ------
    ReadingError
        If nothing there can be shown; the message has the reasons.
    """
    paths = [path] if isinstance(path, str) else list(path)
    files = [file for each in paths for file in _files(Path(each)) if _is_dicom(file)]
    layers: list[FullLayerData] = []
    problems: list[str] = []
    images: list[Path] = []
    for file in files:
        if _is_segmentation(file):
            layers.append(segmentation_layer(file))
        else:
            images.append(file)
    for make in _stack_makers(images, problems):
        try:
            layers.append(make())
        except HerntrackError as error:
            problems.append(str(error))
    if not layers:
        reasons = "; ".join(problems[:MOST_PROBLEMS])
        raise ReadingError(reasons or "no image or segmentation of these can be shown")
    # Layers on grids of their own have no space in common: only the first is shown.
    for _, attributes, _ in layers[1:]:
        attributes["visible"] = False
    return layers, problems


def segmentation_layer(path: Path) -> FullLayerData:
    """Return a DICOM SEG as a labels layer, on the grid of its planes; a label is a segment's number.

    Raises
    ------
    ReadingError
        If it cannot be read or its planes are no regular grid.
    """
    from herntrack.readings.segmentation_content import read_segmentation

    content = read_segmentation(path)
    frames = [(segment.number, frame) for segment in content.segments for frame in segment.frames]
    planes = [frame.geometry for _, frame in frames if frame.geometry is not None]
    if not planes or len(planes) < len(frames):
        raise ReadingError(f"{path.name}: its planes have no place in the patient")
    grid = _grid_of(planes, path)
    labels: LabelsZYX = np.zeros(grid.shape_zyx, dtype=np.uint8)
    for (number, frame), plane in zip(frames, planes, strict=True):
        index = round(float(grid.lps_to_index(plane.index_to_lps((0, 0, 0)))[0]))
        labels[index][frame.mask] = number
    place = {
        "affine_lps": grid.as_lists(),
        "frame_of_reference_uid": content.frame_of_reference_uid,
        "series_instance_uid": content.series_instance_uid,
        "segments": {str(segment.number): segment.label for segment in content.segments},
    }
    attributes = {
        "name": f"{content.content_label or 'segmentation'} {path.stem}",
        "scale": grid.spacing_zyx,
        "units": ("mm", "mm", "mm"),
        "axis_labels": AXIS_LABELS,
        "metadata": {METADATA_KEY: place},
    }
    return labels, attributes, "labels"


def _grid_of(planes: Sequence[VolumeGeometry], path: Path) -> VolumeGeometry:
    """Return the regular grid that holds all planes."""
    normal = planes[0].normal_lps
    along = np.array([plane.affine_lps[:3, 3] @ normal for plane in planes])
    order = np.unique(np.round(along, 4))
    step = float(np.diff(order).min()) if len(order) > 1 else planes[0].slice_spacing_mm
    places = (order - order[0]) / step
    if np.abs(places - np.rint(places)).max() > max(NEAR, 1e-3 / step) * max(1, len(order)):
        raise ReadingError(
            f"{path.name}: its planes are no regular grid; import it with: herntrack read import"
        )
    affine = np.array(planes[int(along.argmin())].affine_lps)
    affine[:3, 0] = normal * step
    if len(order) > 1:
        # Under a tilted gantry the planes do not lie straight above each other.
        last = planes[int(along.argmax())].affine_lps[:3, 3]
        affine[:3, 0] = (last - affine[:3, 3]) / round(float(places[-1]))
    if len({plane.shape_zyx for plane in planes}) > 1:
        raise ReadingError(f"{path.name}: its planes have different numbers of rows or columns")
    n_slices = round(float(places[-1])) + 1
    try:
        return VolumeGeometry(affine_lps=affine, shape_zyx=(n_slices, *planes[0].shape_zyx[1:]))
    except GeometryError as error:
        raise ReadingError(f"{path.name}: {error}") from error


def _stack_makers(files: Iterable[Path], problems: list[str]) -> list[Callable[[], FullLayerData]]:
    """Return one call for each stack of some images."""
    from herntrack.dicom.header_rules import ScannedImage
    from herntrack.dicom.headers import read_images
    from herntrack.dicom.set_aside import SetAside
    from herntrack.dicom.stacks import build_stacks
    from herntrack.imaging.load import SliceFile, load_volume

    found: dict[str, list[ScannedImage]] = defaultdict(list)
    places: dict[tuple[str, int], Path] = {}
    for file in files:
        try:
            images = read_images(file)
        except (SetAside, HerntrackError) as error:
            problems.append(f"{file.name}: {error}")
            continue
        for image in images:
            key = (image.header.sop_instance_uid, image.header.frame_number or 0)
            if key not in places:
                places[key] = file
                found[image.series.series_instance_uid].append(image)

    def maker(each: CataloguedStack, slices: list[SliceFile]) -> Callable[[], FullLayerData]:
        # What a segmentation saved later refers to.
        sources = [[str(path.absolute()), frame] for path, frame in slices]

        def make() -> FullLayerData:
            values = load_volume(each.stack, slices).values
            attributes = {
                "name": layer_name(each),
                "scale": each.stack.geometry.spacing_zyx,
                "units": ("mm", "mm", "mm"),
                "axis_labels": AXIS_LABELS,
                "colormap": "gray",
                "contrast_limits": display_limits(values, each.series.modality),
                "metadata": {METADATA_KEY: {**stack_metadata(each), "sources": sources}},
            }
            return values, attributes, "image"

        return make

    makers = []
    for group in found.values():
        first = group[0]
        study = Study(
            study_instance_uid=first.study_instance_uid,
            patient_id=first.patient_id,
            study_date=first.study_date,
        )
        for built in build_stacks(first.series, [image.header for image in group]):
            slices = [SliceFile(places[key], key[1]) for key in built.images]
            makers.append(maker(CataloguedStack(stack=built.stack, series=first.series, study=study), slices))
    return makers


def _is_little(paths: Sequence[Path]) -> bool:
    files = list(islice(chain.from_iterable(map(_files, paths)), FEW_FILES + 1))
    return len(files) <= FEW_FILES and sum(file.stat().st_size for file in files) <= FEW_BYTES


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        from herntrack.dicom.scan import walk_files

        return (Path(found.path) for found in walk_files(path))
    return [path] if path.is_file() else []


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    except OSError:
        return False


def _is_segmentation(path: Path) -> bool:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError
    from pydicom.uid import SegmentationStorage

    try:
        dataset = dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True)
    except (InvalidDicomError, OSError, ValueError):
        return False
    return bool(dataset.get("SOPClassUID") == SegmentationStorage)
