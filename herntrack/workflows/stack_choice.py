"""Which stack of a visit a reading without a mask was made on."""

from __future__ import annotations

from datetime import date

from herntrack.catalogue.session import Catalogue
from herntrack.errors import AmbiguousChoiceError, RecordNotFoundError
from herntrack.model.records import CataloguedStack, Lesion
from herntrack.model.vocabulary import Plane

PLANE_ORDER = (Plane.SAGITTAL, Plane.AXIAL, Plane.CORONAL, Plane.OBLIQUE)
"""Preferred planes where the lesion was not read before."""


def choose_stack_for_visit(
    catalogue: Catalogue,
    lesion: Lesion,
    visit_date: date,
    *,
    stack_uid: str | None,
    must_be_regular: bool,
) -> CataloguedStack:
    """Return the stack that was named, else the visit's stack most like those read before.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    lesion : Lesion
        The lesion.
    visit_date : date
        The visit.
    stack_uid : str or None
        The person's choice.
    must_be_regular : bool
        Leave out stacks with missing or uneven slices: a lesion cannot be said to be
        absent where part of the level was not imaged.

    Raises
    ------
    RecordNotFoundError
        If the visit has no (usable) stack.
    AmbiguousChoiceError
        If stacks of several modalities fit and nothing says which was read.
    """
    candidates = catalogue.images.stacks(patient_id=lesion.patient_id, study_date=visit_date)
    if not candidates:
        dates = ", ".join(str(visit.visit_date) for visit in catalogue.images.visits(lesion.patient_id))
        raise RecordNotFoundError(
            f"patient {lesion.patient_id} has no visit on {visit_date}; visits: {dates or 'none'}"
        )
    if stack_uid is not None:
        for each in candidates:
            if each.stack.stack_uid == stack_uid:
                return each
        raise RecordNotFoundError(
            f"stack {stack_uid} is not of patient {lesion.patient_id}'s visit on {visit_date}"
        )
    usable = [each for each in candidates if each.stack.is_regular or not must_be_regular]
    if not usable:
        problems = "; ".join(sorted({problem for each in candidates for problem in each.stack.problems}))
        raise RecordNotFoundError(
            f"no stack of the visit on {visit_date} covers a volume ({problems}); record it with:"
            " herntrack read unevaluable"
        )
    read_before = [
        catalogue.images.stack(reading.stack_uid)
        for reading in catalogue.followup.readings(lesion.lesion_uid)
        if reading.stack_uid is not None and _is_catalogued(catalogue, reading.stack_uid)
    ]
    return _most_alike(usable, read_before)


def _is_catalogued(catalogue: Catalogue, stack_uid: str) -> bool:
    try:
        catalogue.images.stack(stack_uid)
    except RecordNotFoundError:
        return False
    return True


def _most_alike(usable: list[CataloguedStack], read_before: list[CataloguedStack]) -> CataloguedStack:
    reference = read_before[0] if read_before else None
    modalities = sorted({str(each.series.modality) for each in usable})
    if reference is None and len(modalities) > 1:
        options = "; ".join(f"--stack {each.stack.stack_uid} ({each.series.modality})" for each in usable)
        raise AmbiguousChoiceError(
            f"the visit has {' and '.join(modalities)} and the lesion was not read before;"
            f" name one: {options}"
        )

    def unlikeness(each: CataloguedStack) -> tuple[bool, bool, bool, int, float, str]:
        spacing = each.stack.geometry.spacing_zyx
        if reference is None:
            volume = spacing[0] * spacing[1] * spacing[2]
            return False, False, False, PLANE_ORDER.index(each.stack.plane), volume, each.stack.stack_uid
        wanted = reference.stack.geometry.spacing_zyx
        distance = sum(abs(a - b) / b for a, b in zip(spacing, wanted, strict=True))
        return (
            each.series.modality is not reference.series.modality,
            each.stack.plane is not reference.stack.plane,
            each.stack.weighting is not reference.stack.weighting,
            0,
            distance,
            each.stack.stack_uid,
        )

    return min(usable, key=unlikeness)
