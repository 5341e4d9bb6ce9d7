"""Alignments as DICOM objects for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from herntrack.catalogue.session import Catalogue
from herntrack.dicom.uids import derived_uid
from herntrack.errors import ReportError
from herntrack.model.records import VisitAlignment
from herntrack.readings.registration_object import RegisteredStack, write_registration
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_headers
from herntrack.workflows.workspace import Workspace


def export_alignments(workspace: Workspace, alignments: Sequence[VisitAlignment], folder: Path) -> list[Path]:
    """Write each alignment as a Spatial Registration object and return the files.

    Parameters
    ----------
    workspace : Workspace
        The project.
    alignments : sequence of VisitAlignment
        Of one patient.
    folder : Path
        Made if need be. Files are named by visit and level; existing ones are replaced.

    Raises
    ------
    ReportError
        If the folder cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with catalogue_of(workspace) as catalogue:
            for each in alignments:
                path = folder / _name(each, {found.name for found in written})
                write_registration(
                    path,
                    each,
                    baseline=_side(workspace, catalogue, each.baseline_stack_uid),
                    followup=_side(workspace, catalogue, each.followup_stack_uid),
                    created_at=each.made_at,
                )
                written.append(path)
    except OSError as error:
        raise ReportError(f"{folder} cannot be written: {error.strerror or error}") from error
    return written


def _side(workspace: Workspace, catalogue: Catalogue, stack_uid: str) -> RegisteredStack:
    frame = catalogue.images.stack(stack_uid).stack.frame_of_reference_uid
    return RegisteredStack(
        frame_of_reference_uid=frame or derived_uid("frame of stack", stack_uid),
        headers=stack_headers(workspace, catalogue.images, stack_uid),
    )


def _name(alignment: VisitAlignment, taken: set[str]) -> str:
    where = "whole" if alignment.level is None else alignment.level.value
    stem = f"registration_{alignment.visit_date}_{where}"
    name = f"{stem}.dcm"
    # Stacks without a common frame of reference are aligned each for itself.
    for number in range(2, len(taken) + 2):
        if name not in taken:
            break
        name = f"{stem}_{number}.dcm"
    return name
