"""From a patient and a visit to the pair that is shown.

Public: `make_pair`, `ShownMask`, `OpenedPair`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import AlignmentRefusedError, HerntrackError, RecordNotFoundError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.facet_line import FacetLine
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading, Visit
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Plane, ReadingStatus
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from napari_herntrack.viewing.hanging import SHOWN_PLANES, hang, other_stacks
from napari_herntrack.viewing.linking import moved_point
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.views import Half, Pair, View, VisitOnScreen

NOT_ALIGNED = "not aligned: scroll each side alone, or pin the same spot on both"
"""Said where two visits have no alignment that may be used."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownMask:
    """A reading's mask in the view of its stack."""

    view: View
    stack_uid: str
    mask: MaskZYX
    look: MaskLook
    base_plane: BasePlane | None = None
    facet_line: FacetLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedPair:
    """A pair and what was read on it so far."""

    pair: Pair
    lesion: Lesion | None = None
    masks: tuple[ShownMask, ...] = ()

    @property
    def baseline_line(self) -> FacetLine | None:
        """The line between the facets that was drawn at the other visit."""
        return next((each.facet_line for each in self.masks if each.view.half is Half.BASELINE), None)

    @property
    def carried_line(self) -> FacetLine | None:
        """The same line carried to the visit that is read; None if the two are not aligned."""
        line, matrix = self.baseline_line, self.pair.between(Half.BASELINE, Half.CURRENT)
        return None if line is None or matrix is None else line.moved(matrix)


def make_pair(
    workspace: Workspace,
    patient_id: str,
    visit_date: date,
    *,
    lesion_uid: str | None = None,
    beside: date | None = None,
    is_blinded: bool = False,
    reader: str = "",
) -> OpenedPair:
    """Return a visit beside the baseline, or beside another visit, with the readings on them.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        The patient.
    visit_date : date
        The visit that is read.
    lesion_uid : str, optional
        Decides which stacks are shown and where; by default the patient's first lesion.
    beside : date, optional
        The other visit; by default the baseline. The baseline itself is shown alone.
    is_blinded : bool
        Leave dates, days and time points out of the captions, and all that this reader did not say.
    reader : str
        Who reads; asked for where they are blinded.

    Raises
    ------
    RecordNotFoundError
        If the patient has no such visit, or it has no stack that can be shown.
    """
    with catalogue_of(workspace) as catalogue:
        visits = {visit.visit_date: visit for visit in catalogue.images.visits(patient_id)}
        if visit_date not in visits:
            dates = ", ".join(str(each) for each in visits)
            raise RecordNotFoundError(
                f"patient {patient_id} has no visit on {visit_date}; visits: {dates or 'none'}"
            )
        lesions = catalogue.followup.lesions(patient_id)
        lesion = next((each for each in lesions if lesion_uid in {None, each.lesion_uid}), None)
        baseline = next((day for day, visit in visits.items() if visit.day == 0), None)
        other = beside or baseline
        sides = {Half.CURRENT: visits[visit_date]}
        if other is not None and other != visit_date and other in visits:
            sides[Half.BASELINE] = visits[other]
        return _PairMaker(
            workspace,
            catalogue,
            patient_id=patient_id,
            lesion=lesion,
            sides=sides,
            is_blinded=is_blinded,
            reader=reader,
        ).make()


class _PairMaker:
    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        *,
        patient_id: str,
        lesion: Lesion | None,
        sides: dict[Half, Visit],
        is_blinded: bool,
        reader: str,
    ) -> None:
        self._workspace, self._catalogue, self._lesion = workspace, catalogue, lesion
        self._patient_id, self._sides, self._is_blinded = patient_id, sides, is_blinded
        self._stacks = catalogue.images.stacks(patient_id=patient_id)
        readings = [] if lesion is None else catalogue.followup.readings(lesion.lesion_uid, is_current=True)
        if is_blinded:
            readings = [each for each in readings if each.reader == reader and not each.is_proposed]
        self._readings = {half: _best(readings, visit) for half, visit in sides.items()}

    def make(self) -> OpenedPair:
        stacks = {half: self._stacks_at(half, None) for half in self._sides}
        if not stacks[Half.CURRENT]:
            visit_date = self._sides[Half.CURRENT].visit_date
            raise RecordNotFoundError(sentence("no_regular_stack", visit=visit_date))
        matrix, note = self._matrix(stacks)
        masks = {half: self._mask(half, stacks) for half in self._sides}
        focus = self._focus(masks, matrix)
        for half in self._sides:
            # Of angled axial blocks the one at the lesion; the masks' stacks stay.
            stacks[half] = self._stacks_at(half, focus.get(half) or _first_place(stacks[half]))
        shown = {
            half: VisitOnScreen(caption=self._caption(half), stacks=stacks[half]) for half in self._sides
        }
        pair = Pair(
            current=shown[Half.CURRENT],
            baseline=shown.get(Half.BASELINE),
            matrix_lps=matrix,
            link_note=note,
            focus_lps=focus.get(Half.CURRENT),
            baseline_focus_lps=focus.get(Half.BASELINE),
            choices={
                View.of(half, plane): tuple(other_stacks(self._of_visit(half), plane))
                for half in self._sides
                for plane in SHOWN_PLANES
            },
        )
        found = tuple(mask for mask in masks.values() if mask is not None)
        return OpenedPair(pair=pair, lesion=self._lesion, masks=found)

    def _stacks_at(self, half: Half, focus: Point | None) -> dict[Plane, CataloguedStack]:
        reading = self._readings[half]
        preferred = [reading.stack_uid] if reading is not None and reading.stack_uid else []
        return hang(self._of_visit(half), focus_lps=focus, preferred=preferred)

    def _of_visit(self, half: Half) -> list[CataloguedStack]:
        return [e for e in self._stacks if e.study.study_date == self._sides[half].visit_date]

    def _caption(self, half: Half) -> str:
        visit = self._sides[half]
        if self._is_blinded:
            return "this visit" if half is Half.CURRENT else "other visit"
        when = "baseline" if visit.day == 0 else f"day {visit.day}"
        nominal = f"{visit.timepoint}, " if visit.day and visit.timepoint else ""
        return f"{visit.visit_date.isoformat()}   {nominal}{when}"

    def _matrix(self, stacks: dict[Half, dict[Plane, CataloguedStack]]) -> tuple[np.ndarray | None, str]:
        if Half.BASELINE not in stacks or not stacks[Half.BASELINE]:
            return None, ""
        from herntrack.workflows.aligning.motions import motion_between
        from herntrack.workflows.aligning.standing import stored_alignments

        common = next((plane for plane in stacks[Half.CURRENT] if plane in stacks[Half.BASELINE]), None)
        if common is None:
            return None, NOT_ALIGNED
        try:
            motion = motion_between(
                stacks[Half.BASELINE][common],
                stacks[Half.CURRENT][common],
                level=None if self._lesion is None else self._lesion.level,
                alignments=stored_alignments(self._workspace, self._catalogue, self._patient_id),
                stacks={each.stack.stack_uid: each for each in self._stacks},
            )
        except AlignmentRefusedError:
            return None, NOT_ALIGNED
        return motion.matrix_lps, "; ".join(motion.warnings) or "aligned"

    def _mask(self, half: Half, stacks: dict[Half, dict[Plane, CataloguedStack]]) -> ShownMask | None:
        from herntrack.readings.store import ReadingStore

        reading = self._readings[half]
        each = next(
            (e for e in stacks[half].values() if reading and e.stack.stack_uid == reading.stack_uid), None
        )
        if reading is None or each is None or reading.status is not ReadingStatus.PRESENT:
            return None
        try:
            mask = ReadingStore(self._workspace.readings_folder).load_mask(reading, each.stack.geometry, None)
        except HerntrackError:
            # What is wrong with the object is for `herntrack check` to say; the images can be shown.
            return None
        look = MaskLook.PROPOSED if reading.is_proposed else MaskLook.ACCEPTED
        view = View.of(half, each.stack.plane)
        return ShownMask(
            view=view,
            stack_uid=reading.stack_uid or "",
            mask=mask,
            look=look,
            base_plane=reading.base_plane,
            facet_line=reading.facet_line,
        )

    def _focus(
        self, masks: dict[Half, ShownMask | None], matrix: np.ndarray | None
    ) -> dict[Half, Point | None]:
        found = {half: None if mask is None else self._middle(half, mask) for half, mask in masks.items()}
        if matrix is not None:
            here, there = found[Half.CURRENT], found.get(Half.BASELINE)
            if here is None and there is not None:
                found[Half.CURRENT] = _point(moved_point(there, np.linalg.inv(matrix)))
            if there is None and here is not None:
                found[Half.BASELINE] = _point(moved_point(here, matrix))
        return {half: self._disc(half) if place is None else place for half, place in found.items()}

    def _disc(self, half: Half) -> Point | None:
        """Return where the disc of the lesion's level lies at a visit, as far as it is known."""
        from herntrack.workflows.levels.at_visits import disc_centres

        if self._lesion is None:
            return None
        visit_date = self._sides[half].visit_date
        known = disc_centres(self._workspace, self._catalogue, self._patient_id, visit_date).get(
            self._lesion.level
        )
        frames = {each.frame for each in self._stacks_at(half, None).values()}
        if known is None or self._catalogue.images.stack(known.stack_uid).frame not in frames:
            return None
        return known.centre_lps

    def _middle(self, half: Half, shown: ShownMask) -> Point | None:
        indices = np.argwhere(shown.mask)
        reading = self._readings[half]
        each = next(e for e in self._stacks if reading is not None and e.stack.stack_uid == reading.stack_uid)
        if not len(indices):
            return None
        # A slice that holds part of it, at the middle of that part.
        index = int(np.rint(np.median(indices[:, 0])))
        index = int(indices[np.abs(indices[:, 0] - index).argmin(), 0])
        row, column = indices[indices[:, 0] == index][:, 1:].mean(axis=0)
        return _point(each.stack.geometry.index_to_lps((index, row, column)))


def _best(readings: Sequence[Reading], visit: Visit) -> Reading | None:
    """Return the reading of a visit that is shown: an accepted one before any proposal, then the newest."""
    here = [reading for reading in readings if reading.visit_date == visit.visit_date]
    return max(here, key=lambda each: (not each.is_proposed, each.created_at), default=None)


def _first_place(stacks: Mapping[Plane, CataloguedStack]) -> Point | None:
    """Return where a visit without a lesion is looked at first: the middle of its first stack."""
    for each in stacks.values():
        grid = each.stack.geometry
        return _point(grid.index_to_lps((np.array(grid.shape_zyx) - 1) // 2))
    return None


def _point(values: np.ndarray) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z
