"""Which stacks a visit is shown with.

The sagittal and the axial view each get the stack a lesion is best read on: diagnostic and lumbar
first, then fluid-bright contrast, then the finer grid. Of angled axial blocks it is the one whose
slices hold the place that is looked at.

Public: `hang`, `other_stacks`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import ImageRole, Plane, Weighting
from herntrack.workflows.stack_choice import WEIGHTING_PREFERENCE

SHOWN_PLANES = (Plane.SAGITTAL, Plane.AXIAL)
"""Planes that have a view."""


def hang(
    stacks: Sequence[CataloguedStack],
    *,
    focus_lps: npt.ArrayLike | None = None,
    preferred: Sequence[str] = (),
    weighting: Weighting | None = None,
) -> dict[Plane, CataloguedStack]:
    """Return the stack of each plane of one visit.

    Parameters
    ----------
    stacks : sequence of CataloguedStack
        Of the visit.
    focus_lps : array_like of float, shape (3,), optional
        The place looked at, LPS mm of the visit.
    preferred : sequence of str
        Stacks that go before all others, such as the one a reading was made on.
    weighting : Weighting, optional
        Goes before the usual preference, so that both visits show the same contrast.
    """
    found = {}
    for plane in SHOWN_PLANES:
        ranked = other_stacks(stacks, plane, focus_lps=focus_lps, preferred=preferred, weighting=weighting)
        if ranked:
            found[plane] = ranked[0]
    return found


def other_stacks(
    stacks: Sequence[CataloguedStack],
    plane: Plane,
    *,
    focus_lps: npt.ArrayLike | None = None,
    preferred: Sequence[str] = (),
    weighting: Weighting | None = None,
) -> list[CataloguedStack]:
    """Return every regular stack of a plane that a view can show, the best first."""
    order = [weighting, *WEIGHTING_PREFERENCE] if weighting is not None else list(WEIGHTING_PREFERENCE)

    def rank(each: CataloguedStack) -> tuple[object, ...]:
        stack = each.stack
        spacing = stack.geometry.spacing_zyx
        uid = stack.stack_uid
        return (
            preferred.index(uid) if uid in preferred else len(preferred),
            stack.role is not ImageRole.DIAGNOSTIC,
            stack.is_lumbar is False,
            order.index(stack.weighting) if stack.weighting in order else len(order),
            0.0 if focus_lps is None else round(outside_mm(focus_lps, stack.geometry), 1),
            round(spacing[0] * spacing[1] * spacing[2], 3),
            uid,
        )

    return sorted((each for each in stacks if each.stack.plane is plane and each.stack.is_regular), key=rank)


def outside_mm(point_lps: npt.ArrayLike, geometry: VolumeGeometry) -> float:
    """Return how far a point lies outside a stack's grid (mm); 0 inside."""
    index = geometry.lps_to_index(np.asarray(point_lps, dtype=np.float64))
    nearest = np.clip(index, -0.5, np.array(geometry.shape_zyx) - 0.5)
    step = geometry.affine_lps[:3, :3] @ (index - nearest)
    return float(np.linalg.norm(step))
