"""Which stack is proposed at each visit, and what comes of reading another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from herntrack.errors import AmbiguousChoiceError, RecordNotFoundError
from herntrack.model.vocabulary import Comparability, ImageRole, Modality, Plane, Weighting
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.listings.timeline import lesion_timeline, patient_timeline
from herntrack.workflows.reporting.classify import assess
from herntrack.workflows.reporting.rows import change_rows, flag_texts
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_choice import StackProposal, choose_stack_for_visit, proposed_stacks
from tests.unit.workflows.catalogued import DAY_0, LESION, PATIENT, Study0

RULES = load_rules()


@pytest.fixture
def study(tmp_path: Path) -> Study0:
    return Study0(tmp_path / "study")


def names(proposal: StackProposal) -> list[str]:
    return [each.each.series.series_description for each in proposal.ranked]


def test_the_stack_most_like_that_of_the_baselines_reading_is_proposed(study: Study0) -> None:
    study.lesion()
    read = study.stack(0, "T2 SAG")
    study.stack(0, "T1 SAG", weighting=Weighting.T1)
    for name, changes in {
        "T2 AX": {"plane": Plane.AXIAL},
        "T1 SAG": {"weighting": Weighting.T1},
        "T2 SAG thin": {"step_mm": 3.0},
        "T2 SAG 3T": {"field": 3.0},
        "scout": {"role": ImageRole.LOCALIZER},
        "with a hole": {"is_regular": False, "problems": ("1 slice(s) missing",)},
        "C-spine": {"is_lumbar": False},
    }.items():
        study.stack(91, name, **changes)  # type: ignore[arg-type]
    study.read(0, read)
    baseline, later = proposed_stacks(study.workspace, lesion_uid=LESION)
    assert names(baseline) == ["T2 SAG", "T1 SAG"]
    assert names(later)[:4] == ["T2 SAG 3T", "T2 SAG thin", "T1 SAG", "T2 AX"]
    assert names(later)[4:] == ["C-spine", "scout", "with a hole"]
    assert [each.comparison.grade.value for each in later.ranked[3:]] == [
        "mixed",
        "same",
        "refused",
        "refused",
    ]
    assert later.proposed is later.ranked[0]
    assert later.ranked[1].reasons == ("slice spacing 3.00 against 4.40 mm, more than 25 %",)
    hole = next(each for each in later.ranked if each.each.series.series_description == "with a hole")
    assert hole.reasons == ("the slices form no regular volume", "1 slice(s) missing")


def test_where_nothing_was_read_t2_sagittal_of_the_lumbar_spine_goes_first(study: Study0) -> None:
    study.lesion()
    study.stack(0, "scout", role=ImageRole.LOCALIZER)
    study.stack(0, "T2 SAG thoracic", is_lumbar=False)
    study.stack(0, "T2 SAG derived", role=ImageRole.DERIVED, is_lumbar=True)
    study.stack(0, "T2 AX", plane=Plane.AXIAL, is_lumbar=True)
    study.stack(0, "T1 SAG", weighting=Weighting.T1, is_lumbar=True)
    study.stack(0, "T2 SAG", is_lumbar=True)
    study.stack(30, "T2 SAG later")
    baseline, later = proposed_stacks(study.workspace)
    assert baseline.reference is not None
    assert baseline.reference.reading is None
    assert [
        proposal.proposed and proposal.proposed.each.series.series_description
        for proposal in (baseline, later)
    ] == [
        "T2 SAG",
        "T2 SAG later",
    ]


def test_one_begins_with_the_modality_that_can_be_followed(study: Study0) -> None:
    study.lesion()
    study.stack(0, "MR SAG")
    study.stack(0, "CT", modality=Modality.CT, plane=Plane.AXIAL, weighting=Weighting.CT_SOFT)
    study.stack(91, "CT later", modality=Modality.CT, plane=Plane.AXIAL, weighting=Weighting.CT_SOFT)
    baseline, later = proposed_stacks(study.workspace)
    assert names(baseline)[0] == "CT"
    assert later.proposed is not None
    assert later.proposed.comparison.grade is Comparability.SAME


def test_a_visit_of_another_modality_has_no_proposal(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG"))
    study.stack(91, "CT", modality=Modality.CT, weighting=Weighting.CT_SOFT)
    later = proposed_stacks(study.workspace)[1]
    assert later.proposed is None
    assert later.ranked[0].reasons == ("CT against MR, which are never compared",)


def test_the_block_of_the_same_disc_is_proposed(study: Study0) -> None:
    study.lesion()
    heights = {"low": -30.0, "middle": 0.0, "high": 30.0}
    for day in (0, 91):
        for place, height in heights.items():
            study.stack(day, place, plane=Plane.AXIAL, height_mm=height + day, series="AX")
    study.read(0, "S0-high")
    later = proposed_stacks(study.workspace)[1]
    assert [each.each.stack.stack_uid for each in later.ranked] == ["S91-high", "S91-middle", "S91-low"]


def test_a_stack_whose_files_are_there_goes_before_its_like(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG"))
    study.stack(91, "a", n_missing=2)
    study.stack(91, "b")
    later = proposed_stacks(study.workspace)[1]
    assert names(later) == ["b", "a"]
    assert later.ranked[1].reasons == ("2 image(s) are not where they were",)
    (timeline_visit,) = patient_timeline(study.workspace, PATIENT).visits[1:]
    assert timeline_visit.missing == {"S91-a": 2, "S91-b": 0}


def test_readings_before_the_confirmed_baseline_are_no_reference(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T1 SAG", weighting=Weighting.T1))
    study.stack(30, "T2 SAG")
    study.stack(91, "T2 SAG later")
    study.confirm_baseline(30)
    before, baseline, later = proposed_stacks(study.workspace)
    assert baseline.reference is not None
    assert (baseline.reference.each.stack.stack_uid, baseline.reference.reading) == ("S30-T2 SAG", None)
    assert [each.proposed and each.proposed.comparison.grade for each in (before, baseline, later)] == [
        Comparability.MIXED,
        Comparability.SAME,
        Comparability.SAME,
    ]


def test_of_two_disagreeing_readers_the_last_reading_is_the_reference(study: Study0) -> None:
    study.lesion()
    sagittal, axial = study.stack(0, "SAG"), study.stack(0, "AX", plane=Plane.AXIAL)
    study.read(0, sagittal, reader="R1")
    study.read(0, axial, reader="R2")
    (proposal,) = proposed_stacks(study.workspace)
    assert proposal.reference is not None
    assert proposal.reference.each.stack.stack_uid == axial


def test_a_lesion_without_any_stack_has_visits_without_a_proposal(study: Study0) -> None:
    study.lesion()
    assert proposed_stacks(study.workspace, patient_id=PATIENT) == []
    assert lesion_timeline(study.workspace, LESION).visits == ()


def test_a_reading_without_a_mask_is_on_the_proposed_stack(study: Study0) -> None:
    lesion_uid = study.lesion()
    study.read(0, study.stack(0, "T2 SAG"))
    study.stack(91, "T1 SAG", weighting=Weighting.T1)
    same = study.stack(91, "T2 SAG again")
    with catalogue_of(study.workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        chosen = choose_stack_for_visit(
            catalogue, lesion, DAY_0 + timedelta(days=91), stack_uid=None, must_be_regular=True
        )
        assert chosen.stack.stack_uid == same
        with pytest.raises(RecordNotFoundError, match="no visit on 2024-01-16; visits: 2024-01-15"):
            choose_stack_for_visit(
                catalogue, lesion, DAY_0 + timedelta(days=1), stack_uid=None, must_be_regular=True
            )


def test_of_two_modalities_never_read_none_is_guessed(study: Study0) -> None:
    lesion_uid = study.lesion()
    study.stack(0, "MR")
    study.stack(0, "CT", modality=Modality.CT)
    with (
        catalogue_of(study.workspace) as catalogue,
        pytest.raises(AmbiguousChoiceError, match="--stack S0-CT"),
    ):
        choose_stack_for_visit(
            catalogue, catalogue.followup.lesion(lesion_uid), DAY_0, stack_uid=None, must_be_regular=True
        )


def changes(study: Study0) -> list[tuple[str | None, tuple[str, ...], dict[str, str]]]:
    with catalogue_of(study.workspace) as catalogue:
        (assessment,) = assess(catalogue, study.workspace, RULES).assessments
        visits = catalogue.images.visits(PATIENT)
    texts = flag_texts(assessment)
    return [
        (
            row.visit_state and row.visit_state.value,
            row.flags,
            {flag: texts[row.visit_date, flag] for flag in row.flags if (row.visit_date, flag) in texts},
        )
        for row in change_rows(assessment, visits, RULES, study.workspace.settings.windows)
    ]


def test_the_larger_error_is_told_with_its_reasons(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG"), 900.0)
    study.read(91, study.stack(91, "T1 SAG thin", weighting=Weighting.T1, step_mm=3.0), 450.0, reader="R2")
    assert changes(study)[1] == (
        "no_change",
        (
            "other_reader_or_protocol",
            "other_reader",
            "protocol_mixed",
            "slice_spacing_differs",
            "weighting_differs",
        ),
        {
            "slice_spacing_differs": "slice spacing 3.00 against 4.40 mm, more than 25 %",
            "weighting_differs": "weighting T1 against T2",
        },
    )


def test_the_same_loss_on_the_same_protocol_is_claimed(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG"), 900.0)
    study.read(91, study.stack(91, "T2 SAG", field=3.0), 450.0)
    assert changes(study)[1][:2] == ("reduced", ("field_strength_differs",))


def test_a_reading_on_a_refused_stack_is_kept_and_its_visit_not_evaluable(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG"), 900.0)
    study.read(91, study.stack(91, "scout", role=ImageRole.LOCALIZER), 450.0)
    assert changes(study)[1] == (
        "not_evaluable",
        ("not_diagnostic",),
        {"not_diagnostic": "a localizer is no image to measure on"},
    )


def test_a_person_who_read_a_lesion_settles_that_the_lumbar_spine_is_shown(study: Study0) -> None:
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG"), 900.0)
    study.read(91, study.stack(91, "T2 SAG", is_lumbar=False), 450.0)
    assert changes(study)[1][:2] == ("reduced", ())
