"""From a catalogued stack to its files and its volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from herntrack.catalogue.images import ImageRepository
from herntrack.errors import CatalogueError
from herntrack.model.records import Stack
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
    """Return the SOP Instance UIDs of a stack in slice order."""
    return [instance.header.sop_instance_uid for instance in images.instances_of_stack(stack_uid)]


def stack_headers(workspace: Workspace, images: ImageRepository, stack_uid: str) -> list[Dataset]:
    """Return the images of a stack as pydicom datasets without pixels, in slice order.

    Identifiers that a de-identifier blanked are those the catalogue derived, so that an
    object made from these headers refers to what the catalogue knows.
    """
    from herntrack.dicom.headers import read_header_dataset

    datasets = []
    each = images.stack(stack_uid)
    paths = stack_paths(workspace, images, stack_uid)
    for path, instance in zip(paths, images.instances_of_stack(stack_uid), strict=True):
        dataset = read_header_dataset(path)
        dataset.SOPInstanceUID = instance.header.sop_instance_uid
        dataset.SOPClassUID = instance.header.sop_class_uid
        dataset.SeriesInstanceUID = each.series.series_instance_uid
        dataset.StudyInstanceUID = each.study.study_instance_uid
        dataset.PatientID = each.study.patient_id
        datasets.append(dataset)
    return datasets


def stack_volume(workspace: Workspace, images: ImageRepository, stack: Stack) -> Volume:
    """Return the intensities of a stack with their place in the patient."""
    from herntrack.imaging.load import load_volume

    return load_volume(stack, stack_paths(workspace, images, stack.stack_uid))
