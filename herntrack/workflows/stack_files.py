"""From a catalogued stack to its files and its volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from herntrack.catalogue.images import ImageRepository
from herntrack.errors import CatalogueError
from herntrack.model.images import Instance, Stack
from herntrack.model.sentences import sentence
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from herntrack.imaging.volume import Volume


def stack_paths(workspace: Workspace, images: ImageRepository, stack_uid: str) -> list[Path]:
    """Return the files of a stack in slice order.

    Raises
    ------
    CatalogueError
        If a file is not where the catalogue says; the message names the root.
    """
    return paths_of(workspace, images.instances_of_stack(stack_uid))


def paths_of(workspace: Workspace, instances: Iterable[Instance]) -> list[Path]:
    """Return the files of images; see `stack_paths`."""
    paths = []
    for instance in instances:
        location = instance.location
        path = workspace.locate(location.root, location.relative_path)
        if not path.is_file():
            raise CatalogueError(
                sentence(
                    "file_missing",
                    path=location.relative_path,
                    root=location.root,
                    folder=workspace.root(location.root).path,
                )
            )
        paths.append(path)
    return paths


def stack_sop_instance_uids(images: ImageRepository, stack_uid: str) -> list[str]:
    """Return the SOP Instance UIDs of a stack in slice order; frames of one image share it."""
    return [instance.header.sop_instance_uid for instance in images.instances_of_stack(stack_uid)]


def stack_images(images: ImageRepository, stack_uid: str) -> list[tuple[str, int]]:
    """Return SOP Instance UID and frame number of each slice of a stack; 0 for a single-frame image."""
    return images_of(images.instances_of_stack(stack_uid))


def images_of(instances: Iterable[Instance]) -> list[tuple[str, int]]:
    """Return SOP Instance UID and frame number of images; 0 for a single-frame image."""
    headers = (instance.header for instance in instances)
    return [(header.sop_instance_uid, header.frame_number or 0) for header in headers]


def stack_headers(workspace: Workspace, images: ImageRepository, stack_uid: str) -> list[Dataset]:
    """Return the images of a stack as pydicom datasets without pixels, in slice order.

    A slice that is a frame has a header of its own (`herntrack.dicom.multi_frame`). Identifiers
    that a de-identifier blanked are those the catalogue derived, so that an object made from these
    headers refers to what the catalogue knows.

    Raises
    ------
    CatalogueError
        If a file is not where the catalogue says.
    SetAside
        If a file is no image any more.
    """
    from herntrack.dicom.headers import read_header_dataset
    from herntrack.dicom.multi_frame import frame_headers

    datasets = []
    each = images.stack(stack_uid)
    paths = stack_paths(workspace, images, stack_uid)
    frames: dict[Path, list[Dataset]] = {}
    for path, instance in zip(paths, images.instances_of_stack(stack_uid), strict=True):
        number = instance.header.frame_number
        if number is not None and path not in frames:
            frames[path] = frame_headers(read_header_dataset(path))
        if number is not None and number > len(frames[path]):
            raise CatalogueError(
                sentence("frame_missing", path=instance.location.relative_path, number=number)
            )
        dataset = read_header_dataset(path) if number is None else frames[path][number - 1]
        dataset.SOPInstanceUID = instance.header.sop_instance_uid
        dataset.SOPClassUID = instance.header.sop_class_uid
        dataset.SeriesInstanceUID = each.series.series_instance_uid
        dataset.StudyInstanceUID = each.study.study_instance_uid
        dataset.PatientID = each.study.patient_id
        datasets.append(dataset)
    return datasets


def stack_volume(workspace: Workspace, images: ImageRepository, stack: Stack) -> Volume:
    """Return the intensities of a stack with their place in the patient."""
    return volume_of(workspace, stack, images.instances_of_stack(stack.stack_uid))


def volume_of(workspace: Workspace, stack: Stack, instances: Sequence[Instance]) -> Volume:
    """Return the intensities of a stack whose images are given in slice order."""
    from herntrack.imaging.load import SliceFile, load_volume

    paths = paths_of(workspace, instances)
    numbers = (number for _, number in images_of(instances))
    return load_volume(stack, [SliceFile(*each) for each in zip(paths, numbers, strict=True)])
