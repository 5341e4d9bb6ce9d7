"""Numbers from readings: fills in the measurements that are missing or stale."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import HerntrackError
from herntrack.model.records import Measurement, Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.volumetrics.error_model import sigma_mm3
from herntrack.volumetrics.measure import EMPTY_MEASUREMENT, MaskMeasurement, measure_mask
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.reading_masks import mask_as_read
from herntrack.workflows.session import catalogue_of, refuse_to_write
from herntrack.workflows.set_aside import CaseSetAside
from herntrack.workflows.stack_files import volume_of
from herntrack.workflows.stacks_as_read import StackAsRead, changed_stacks
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from herntrack.segmentation.volume_estimates import VolumeEstimates


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSummary:
    """What a run did; `notes` say which standing readings were made on other slices than there are now."""

    n_measured: int
    n_up_to_date: int
    set_aside: tuple[CaseSetAside, ...]
    notes: tuple[str, ...] = ()


def measure(workspace: Workspace, *, progress: Progress = silent) -> MeasureSummary:
    """Measure every reading whose numbers are missing or were made under other rules.

    Parameters
    ----------
    workspace : Workspace
        The project.
    progress : callable
        Called with (stage, done, total).

    Returns
    -------
    MeasureSummary
        How many were measured, and which could not be.
    """
    rules = load_rules(workspace.rules_source)
    with catalogue_of(workspace) as catalogue:
        known = catalogue.followup.measurements()
        readable = [
            reading
            for reading in catalogue.followup.readings()
            if reading.status is not ReadingStatus.NOT_EVALUABLE
        ]
        stale = [reading for reading in readable if _is_stale(reading, known.get(reading.reading_uid), rules)]
        measured: list[Measurement] = []
        set_aside: list[CaseSetAside] = []
        for done, reading in enumerate(stale, start=1):
            try:
                measured.append(_measurement(catalogue, workspace, reading, rules))
            except HerntrackError as error:
                set_aside.append(CaseSetAside(uid=reading.reading_uid, reason=str(error)))
            progress("measuring", done, len(stale))
        # What cannot be had here either (estimates without images) is as it was: nothing to write.
        new = [each for each in measured if each != known.get(each.reading_uid)]
        if new:
            refuse_to_write(
                workspace, f"the numbers of {len(new)} readings are missing or stale", "herntrack measure"
            )
            catalogue.followup.put_measurements(new)
        standing = [reading for reading in readable if reading.superseded_by is None]
        changed = changed_stacks(workspace, catalogue, standing)
    return MeasureSummary(
        n_measured=len(measured),
        n_up_to_date=len(readable) - len(stale),
        set_aside=tuple(set_aside),
        notes=tuple(change.told for change in changed.values()),
    )


def _is_stale(reading: Reading, known: Measurement | None, rules: RuleSet) -> bool:
    if known is None or known.rules_sha256 != rules.sha256:
        return True
    # Estimated later: older catalogues have no estimates, and images may have been out of reach.
    return reading.status is ReadingStatus.PRESENT and known.lower_volume_mm3 is None


def _measurement(catalogue: Catalogue, workspace: Workspace, reading: Reading, rules: RuleSet) -> Measurement:
    numbers: MaskMeasurement = EMPTY_MEASUREMENT
    beside: VolumeEstimates | None = None
    if reading.segmentation_file is not None:
        found = mask_as_read(catalogue, workspace, reading)
        numbers = measure_mask(found.mask, found.read_on.stack.geometry)
        beside = _beside_the_count(workspace, found.mask, found.read_on) if found.mask.any() else None
    sigma = sigma_mm3(
        numbers.volume_mm3, boundary_k_mm=rules.boundary_k_same_mm, floor_mm3=rules.volume_floor_mm3
    )
    return Measurement(
        reading_uid=reading.reading_uid,
        volume_sigma_mm3=sigma,
        rules_sha256=rules.sha256,
        **{field.name: getattr(numbers, field.name) for field in fields(numbers)},
        lower_volume_mm3=None if beside is None else beside.lower_mm3,
        upper_volume_mm3=None if beside is None else beside.upper_mm3,
        surface_volume_mm3=None if beside is None else beside.surface_mm3,
        partial_volume_mm3=None if beside is None else beside.partial_mm3,
        partial_volume_error_mm3=None if beside is None else beside.partial_error_mm3,
    )


def _beside_the_count(workspace: Workspace, mask: MaskZYX, read_on: StackAsRead) -> VolumeEstimates | None:
    """Return the other estimates of a mask's volume; None where its images cannot be read."""
    from herntrack.segmentation.volume_estimates import estimate_volumes

    try:
        volume = volume_of(workspace, read_on.stack, read_on.instances)
    except HerntrackError:
        # The count needs the mask alone; the estimates follow when the images are there again.
        return None
    return estimate_volumes(mask, volume)
