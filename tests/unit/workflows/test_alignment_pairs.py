"""Which stacks of two visits are laid onto each other."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack, Series, Stack, Study
from herntrack.model.vocabulary import ImageRole, Modality, Plane, Weighting
from herntrack.workflows.aligning.pairs import StackPair, grids_digest, pairs_to_align

SAGITTAL = np.diag([4.4, 0.8, 0.8, 1.0])[[0, 2, 1, 3]]
AXIAL = np.diag([4.4, 0.8, 0.8, 1.0])[[2, 1, 0, 3]]


def stack(uid: str, *, day: int = 0, n: int = 9, modality: Modality = Modality.MR, **changes: Any) -> Any:
    plane = changes.get("plane", Plane.SAGITTAL)
    affine = SAGITTAL if plane is Plane.SAGITTAL else AXIAL
    fields: dict[str, Any] = {
        "stack_uid": uid,
        "series_instance_uid": f"{uid}.1",
        "geometry": VolumeGeometry(affine_lps=affine, shape_zyx=(n, 64, 64)),
        "plane": Plane.SAGITTAL,
        "weighting": Weighting.T2,
        "weighting_evidence": "",
        "frame_of_reference_uid": f"frame {day}",
        "is_regular": True,
        "problems": (),
    }
    return CataloguedStack(
        stack=Stack(**(fields | changes)),
        series=Series(series_instance_uid=f"{uid}.1", study_instance_uid=f"{day}", modality=modality),
        study=Study(study_instance_uid=f"{day}", patient_id="A", study_date=date(2024, 1, 1 + day)),
    )


def chosen(baseline: list[Any], followup: list[Any], *needed: Any) -> list[list[tuple[str, str]]]:
    pairs, _ = pairs_to_align(baseline, followup, needed)
    return [
        [(pair.baseline.stack.stack_uid, pair.followup.stack.stack_uid) for pair in candidates]
        for candidates in pairs
    ]


def test_sagittal_goes_before_axial_and_like_with_like() -> None:
    before = [stack("1"), stack("2", weighting=Weighting.T1), stack("3", plane=Plane.AXIAL)]
    after = [
        stack("4", day=9, plane=Plane.AXIAL),
        stack("5", day=9, weighting=Weighting.T1),
    ]
    assert chosen(before, after) == [[("2", "5"), ("3", "4")]]


def test_t1_is_laid_onto_t2_where_there_is_nothing_else() -> None:
    assert chosen([stack("1")], [stack("5", day=9, weighting=Weighting.T1)]) == [[("1", "5")]]


def test_localizers_irregular_and_thin_stacks_join_nothing() -> None:
    after = [
        stack("4", day=9, role=ImageRole.LOCALIZER),
        stack("5", day=9, is_regular=False),
        stack("6", day=9, n=2),
        stack("7", day=9, plane=Plane.AXIAL),
    ]
    pairs, missing = pairs_to_align([stack("1")], after, [("frame 0", "frame 9")])
    assert (pairs, missing) == ([], [("frame 0", "frame 9")])


def test_every_frame_of_reference_that_is_needed_is_joined() -> None:
    before = [stack("1"), stack("2", plane=Plane.AXIAL, frame_of_reference_uid="other")]
    after = [stack("3", day=9), stack("4", day=9, plane=Plane.AXIAL, frame_of_reference_uid="new")]
    assert chosen(before, after) == [[("1", "3")]]
    needed = [("frame 0", "frame 9"), ("other", "new"), (None, "new")]
    assert sorted(chosen(before, after, *needed)) == [[("1", "3")], [("2", "4")]]


def test_a_stack_without_a_frame_of_reference_has_one_of_its_own() -> None:
    before = [stack("1", frame_of_reference_uid=""), stack("2", frame_of_reference_uid="")]
    after = [stack("3", day=9)]
    assert chosen(before, after) == [[("1", "3")]]
    assert chosen(before, after, ("stack 2", "frame 9")) == [[("2", "3")]]


def test_a_changed_grid_is_another_grid() -> None:
    one = StackPair(baseline=stack("1"), followup=stack("3", day=9))
    other = StackPair(baseline=stack("1"), followup=stack("3", day=9, n=10))
    assert grids_digest(one) == grids_digest(StackPair(baseline=stack("1"), followup=stack("3", day=9)))
    assert grids_digest(one) != grids_digest(other)
