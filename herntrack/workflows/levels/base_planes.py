"""Which base plane a new outline is bounded by, and where it comes from.

In this order: that of the confirmed level; that of a reading of the lesion that a reader accepted at
this visit; that of its readings at other visits, accepted ones first, carried by a stored alignment that
holds; else none, and the outline proposes its own around the click.

Public: `KnownPlane`, `known_plane`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import AlignmentRefusedError
from herntrack.model.base_plane import BasePlane
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading
from herntrack.workflows.aligning.motions import motion_between
from herntrack.workflows.aligning.said_discs import confirmed_plane
from herntrack.workflows.aligning.standing import stored_alignments
from herntrack.workflows.workspace import Workspace

CARRIED = "carried"
"""How the source of a plane begins that came from another visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlane:
    """A base plane in a stack's coordinates.

    Parameters
    ----------
    plane : BasePlane
        The plane.
    source : str
        Where it comes from; continues "the base plane is".
    is_confirmed : bool
        Whether a person vouches for it: a click in front of it is then refused, not worked around.
    warnings : tuple of str
        What to know of how it got here, sentences.
    """

    plane: BasePlane
    source: str
    is_confirmed: bool = False
    warnings: tuple[str, ...] = ()


def known_plane(
    workspace: Workspace, catalogue: Catalogue, lesion: Lesion, each: CataloguedStack
) -> KnownPlane | None:
    """Return the base plane that is known for a lesion on a stack; None if none is.

    Parameters
    ----------
    workspace, catalogue : Workspace, Catalogue
        The project, open.
    lesion : Lesion
        The lesion.
    each : CataloguedStack
        What is to be outlined on.
    """
    plane = confirmed_plane(workspace, catalogue, lesion, each)
    if plane is not None:
        return KnownPlane(
            plane=plane, source=f"that of the confirmed level {lesion.level.value}", is_confirmed=True
        )
    readings = sorted(
        (
            reading
            for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
            if reading.base_plane is not None and not _is_secondhand(reading, each)
        ),
        key=lambda reading: (
            reading.visit_date != each.study.study_date,
            reading.is_proposed,
            reading.visit_date,
        ),
    )
    for reading in readings:
        found = _carried(workspace, catalogue, lesion, each, reading)
        if found is not None:
            return found
    return None


def _is_secondhand(reading: Reading, each: CataloguedStack) -> bool:
    """Return whether a proposal's plane may not guide another outline.

    One of this visit is what a new click replaces; one that was carried says nothing that the plane it
    came from does not, and would bring that back after it was replaced.
    """
    is_here = reading.visit_date == each.study.study_date
    return reading.is_proposed and (is_here or reading.base_plane_source.startswith(CARRIED))


def _carried(
    workspace: Workspace, catalogue: Catalogue, lesion: Lesion, each: CataloguedStack, reading: Reading
) -> KnownPlane | None:
    stacks = {other.stack.stack_uid: other for other in catalogue.images.stacks(patient_id=lesion.patient_id)}
    read_on = stacks.get(reading.stack_uid or "")
    if read_on is None or reading.base_plane is None:
        return None
    try:
        motion = motion_between(
            each,
            read_on,
            level=lesion.level,
            alignments=stored_alignments(workspace, catalogue, lesion.patient_id),
            stacks=stacks,
        )
    except AlignmentRefusedError:
        # Without an alignment that holds the outline proposes a plane of its own.
        return None
    is_here = reading.visit_date == each.study.study_date
    source = f"that which {reading.reader} accepted" if is_here else f"{CARRIED} from {reading.visit_date}"
    return KnownPlane(
        plane=reading.base_plane.moved(np.asarray(motion.matrix_lps)),
        source=source,
        warnings=motion.warnings,
    )
