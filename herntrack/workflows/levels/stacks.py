"""On which stack of a visit discs are looked for, and whether a stack shows a point.

Public: `stack_for_levels`, `stack_rank`, `contains`, `point_text`.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from herntrack.catalogue.session import Catalogue
from herntrack.errors import RecordNotFoundError
from herntrack.model.base_plane import Point
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import ImageRole, Plane
from herntrack.volumetrics.comparability import UNMEASURABLE_ROLES
from herntrack.workflows.stack_choice import WEIGHTING_PREFERENCE

LEAST_SLICES = 3
"""A stack of fewer slices has no middle to look for discs in."""


def stack_for_levels(
    catalogue: Catalogue, patient_id: str, visit_date: date, *, point_lps: Point | None = None
) -> CataloguedStack:
    """Return the stack of a visit on which discs are best counted: sagittal, diagnostic, T2 first.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    patient_id : str
        The patient.
    visit_date : date
        The visit.
    point_lps : tuple of float, optional
        A point that has to lie in it (LPS mm).

    Raises
    ------
    RecordNotFoundError
        If the visit has no usable stack, or none that contains the point.
    """
    usable = [
        each
        for each in catalogue.images.stacks(patient_id=patient_id)
        if each.study.study_date == visit_date
        and each.stack.is_regular
        and each.stack.role not in UNMEASURABLE_ROLES
        and each.stack.geometry.shape_zyx[0] >= LEAST_SLICES
    ]
    if not usable:
        raise RecordNotFoundError(
            f"the visit on {visit_date} of patient {patient_id} has no regular stack of {LEAST_SLICES} slices"
            " or more; herntrack list stacks shows what there is"
        )
    shown = [each for each in usable if point_lps is None or contains(each, point_lps)]
    if not shown:
        raise RecordNotFoundError(
            f"no stack of the visit on {visit_date} contains the point {point_text(point_lps)}; points are"
            " LPS millimetres of the scanner, and each visit has its own"
        )
    return min(shown, key=stack_rank)


def contains(each: CataloguedStack, point_lps: npt.ArrayLike) -> bool:
    """Return whether a point lies in a stack, half a voxel outside of its last centres included."""
    geometry = each.stack.geometry
    index = geometry.lps_to_index(point_lps)
    return bool(((index >= -0.5) & (index <= np.array(geometry.shape_zyx) - 0.5)).all())


def point_text(point: Point | None) -> str:
    """Return a point as messages show it."""
    return "" if point is None else "(" + ", ".join(f"{value:.1f}" for value in point) + ")"


def stack_rank(each: CataloguedStack) -> tuple[object, ...]:
    """Return what stacks are ordered by for counting discs, the best first."""
    stack = each.stack
    weighting = stack.weighting
    known = weighting in WEIGHTING_PREFERENCE
    return (
        stack.plane is not Plane.SAGITTAL,
        stack.role is not ImageRole.DIAGNOSTIC,
        stack.is_lumbar is False,
        WEIGHTING_PREFERENCE.index(weighting) if known else len(WEIGHTING_PREFERENCE),
        -stack.geometry.shape_zyx[0],
        stack.stack_uid,
    )
