"""From a catalogued stack to its files and its volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from herntrack.catalogue.images import ImageRepository
from herntrack.errors import CatalogueError
from herntrack.model.images import Stack
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
    paths = []
    for instance in images.instances_of_stack(stack_uid):
        location = instance.location
        path = workspace.locate(location.root, location.relative_path)
        if not path.is_file():
            raise CatalogueError(
                f"{location.relative_path} is missing under root {location.root!r}"
                f" ({workspace.root(location.root).path}); if the folder was moved:"
                f" herntrack roots move {location.root} NEWPATH"
            )
        paths.append(path)
    return paths


def stack_sop_instance_uids(images: ImageRepository, stack_uid: str) -> list[str]:
    """Return the SOP Instance UIDs of a stack in slice order; frames of one image share it."""
    return [instance.header.sop_instance_uid for instance in images.instances_of_stack(stack_uid)]


def stack_images(images: ImageRepository, stack_uid: str) -> list[tuple[str, int]]:
    """Return SOP Instance UID and frame number of each slice of a stack; 0 for a single-frame image."""
    headers = (instance.header for instance in images.instances_of_stack(stack_uid))
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
                f"{instance.location.relative_path} has no frame {number} any more; ingest the folder again"
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
    from herntrack.imaging.load import SliceFile, load_volume

    paths = stack_paths(workspace, images, stack.stack_uid)
    numbers = (number for _, number in stack_images(images, stack.stack_uid))
    return load_volume(stack, [SliceFile(*each) for each in zip(paths, numbers, strict=True)])
