"""A reader's word on a proposal: an accepted copy under their name, which then counts.

Public: `accept_reading`, `accept_at_visit`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import AmbiguousChoiceError, ReadingError, RecordNotFoundError
from herntrack.model.records import Reading
from herntrack.model.sentences import sentence
from herntrack.workflows.reading.readings import AddedReading
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.recording import Origin, draft_reading, record_reading
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stacks_as_read import changed_stacks
from herntrack.workflows.workspace import Workspace


def accept_reading(
    workspace: Workspace, reading_uid: str, *, reader: str, origin: Origin | None = None
) -> AddedReading:
    """Record that a reader accepts a proposal as it is.

    Parameters
    ----------
    workspace : Workspace
        The project.
    reading_uid : str
        The proposal. One that another reader has accepted may be accepted too.
    reader : str
        Who accepts.
    origin : Origin, optional
        Clock and identifiers.

    Returns
    -------
    AddedReading
        The accepted copy; it supersedes the proposal.

    Raises
    ------
    RecordNotFoundError
        If there is no such reading.
    ReadingError
        If it is no proposal, a newer one took its place, it was made on other slices than there are
        now, or the reader accepted it before.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        proposal = catalogue.followup.reading(reading_uid)
        _refuse(catalogue, proposal, reader)
        if changed := changed_stacks(workspace, catalogue, [proposal]):
            (change,) = changed.values()
            raise ReadingError(
                sentence("proposal_fewer_slices", n_read=change.n_read, n_now=change.n_now or "none")
            )
        lesion = catalogue.followup.lesion(proposal.lesion_uid)
        each = catalogue.images.stack(proposal.stack_uid or "")
        mask, _ = reading_mask(catalogue, workspace, proposal)
        draft = draft_reading(
            origin,
            lesion,
            each,
            visit_date=proposal.visit_date,
            reader=reader,
            status=proposal.status,
            source=f"accepted: {proposal.source}",
            reason=proposal.reason,
        )
        stored = record_reading(
            catalogue,
            workspace,
            replace(
                draft,
                supersedes=() if proposal.superseded_by else (proposal.reading_uid,),
                base_plane=proposal.base_plane,
                base_plane_source=proposal.base_plane_source,
                points_lps=proposal.points_lps,
                background_points_lps=proposal.background_points_lps,
                proposed_from=proposal.reading_uid,
                guards=proposal.guards,
                descriptors=proposal.descriptors,
            ),
            lesion=lesion,
            each=each,
            mask=mask if mask.any() else None,
            is_semiautomatic=True,
        )
    n_voxels = int(np.count_nonzero(mask))
    return AddedReading(
        reading=stored, n_voxels=n_voxels, volume_mm3=n_voxels * each.stack.geometry.voxel_volume_mm3
    )


def accept_at_visit(
    workspace: Workspace, lesion_uid: str, visit_date: date, *, reader: str, origin: Origin | None = None
) -> AddedReading:
    """Accept the one proposal that stands for a lesion at a visit; see `accept_reading`.

    Raises
    ------
    RecordNotFoundError
        If there is none.
    AmbiguousChoiceError
        If several stand.
    """
    with catalogue_of(workspace) as catalogue:
        catalogue.followup.lesion(lesion_uid)
        found = [
            reading
            for reading in catalogue.followup.readings(lesion_uid, is_current=True)
            if reading.is_proposed and reading.visit_date == visit_date
        ]
    if not found:
        raise RecordNotFoundError(
            f"no proposal stands for lesion {lesion_uid} on {visit_date}; herntrack list readings shows what"
            " was read"
        )
    if len(found) > 1:
        options = "; ".join(f"--reading {each.reading_uid} (by {each.reader})" for each in found)
        raise AmbiguousChoiceError(f"{len(found)} proposals stand for the visit; name one: {options}")
    return accept_reading(workspace, found[0].reading_uid, reader=reader, origin=origin)


def _refuse(catalogue: Catalogue, proposal: Reading, reader: str) -> None:
    """Refuse what is no proposal, or one that may not be accepted any more."""
    uid = proposal.reading_uid
    if not proposal.is_proposed:
        raise ReadingError(f"reading {uid} is no proposal: {proposal.reader} has accepted it already")
    for other in catalogue.followup.readings(proposal.lesion_uid, is_current=True):
        if other.proposed_from == uid and other.reader == reader.strip() and not other.is_proposed:
            raise ReadingError(f"{reader.strip()} has accepted proposal {uid} already: {other.reading_uid}")
    if proposal.superseded_by is None:
        return
    newer = catalogue.followup.reading(proposal.superseded_by)
    if newer.is_proposed:
        raise ReadingError(
            f"proposal {uid} was replaced by {newer.reading_uid} of {newer.reader}; accept that one with:"
            f" herntrack read accept --reading {newer.reading_uid} --reader NAME"
        )
