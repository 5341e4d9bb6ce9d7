"""The follow-up engine by its commands: align, segment, propose, accept; on simulated patients.

The first test that needs it aligns; the others find that stored, as a person would.
"""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from herntrack.workflows.check import check
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.workspace import open_workspace
from tests.integration.catalogue_rows import rebuilt_rows, rows_of
from tests.integration.command import Herntrack
from tests.integration.following import Study, at, dice, sample_study
from tests.integration.test_sample_cohort import errors_of

GONE, SHRUNK = "S-001", "S-003"


@pytest.fixture(scope="module")
def clicked(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Study:
    """Return two patients clicked once at the baseline and carried forward."""
    study = sample_study(tmp_path_factory.mktemp("following"), sample_dicom, (GONE, SHRUNK))
    for patient in (GONE, SHRUNK):
        entry, stack = baseline_of(study, patient)
        study.run(
            *("segment", "--lesion", study.lesions[patient], "--stack", stack),
            *("--at", at(entry["click_lps_mm"]), "--json"),
        )
        study.run("propose", "--patient", patient)
    return study


@pytest.fixture
def copy(clicked: Study, tmp_path: Path) -> Study:
    """Return a copy to write to."""
    shutil.copytree(clicked.run.folder, tmp_path / "copy")
    return Study(run=Herntrack(tmp_path / "copy"), truth=clicked.truth, lesions=clicked.lesions)


def entry_of(study: Study, patient: str, number: int) -> dict[str, Any]:
    (entry,) = study.truth[patient]["visits"][number]["lesions"].values()
    found: dict[str, Any] = entry
    return found


def baseline_of(study: Study, patient: str) -> tuple[dict[str, Any], str]:
    entry = entry_of(study, patient, 0)
    return entry, study.stack(entry["read_on_series_uid"])


def standing(study: Study, patient: str) -> list[dict[str, Any]]:
    rows = study.run.json("list", "readings", "--patient", patient, "--current")
    return sorted(rows, key=lambda row: str(row["visit_date"]))


def test_alignments_take_the_follow_ups_corners_to_the_baselines(clicked: Study) -> None:
    for patient in (GONE, SHRUNK):
        visits = {visit["study_date"]: visit for visit in clicked.truth[patient]["visits"]}
        level = clicked.truth[patient]["lesions"][0]["level"]
        baseline = entry_of(clicked, patient, 0)["posterior_corners_lps_mm"]
        rows = clicked.run.json("align", "--patient", patient)
        assert [(row["level"], row["verdict"]) for row in rows] == [(None, "good"), (level, "good")] * 2
        for row in rows:
            matrix = np.array(row["matrix_lps"])
            assert matrix.shape == (4, 4)
            (entry,) = visits[row["visit_date"]]["lesions"].values()
            corners = np.array(entry["posterior_corners_lps_mm"])
            moved = corners @ matrix[:3, :3].T + matrix[:3, 3]
            assert np.linalg.norm(moved - baseline, axis=1).max() < 0.5
            # Lying still would not do: the visits are really apart.
            assert np.linalg.norm(corners - baseline, axis=1).min() > 2
            assert 0 < row["residual_mm"] < 1
            assert 0.5 < row["overlap"] <= 1


def test_what_is_aligned_is_not_aligned_again_unless_asked(copy: Study) -> None:
    before = copy.run.json("align", "--patient", GONE)
    assert copy.run.json("align", "--patient", GONE) == before
    day = before[0]["visit_date"]
    again = copy.run.json("align", "--patient", GONE, "--visit", day, "--again")
    old = {row["alignment_uid"] for row in before}
    assert [row["alignment_uid"] in old for row in again] == [False, False]
    assert [row["matrix_lps"] for row in again] == [row["matrix_lps"] for row in before[:2]]
    after = copy.run.json("align", "--patient", GONE)
    assert [row["alignment_uid"] for row in after[2:]] == [row["alignment_uid"] for row in before[2:]]


def test_registration_objects_pass_the_dicom_verifier_and_hold_the_matrix(
    clicked: Study, tmp_path: Path
) -> None:
    rows = clicked.run.json("align", "--patient", GONE, "--out", tmp_path / "reg")
    files = sorted((tmp_path / "reg").iterdir())
    assert [file.name for file in files] == sorted(
        f"registration_{row['visit_date']}_{row['level'] or 'whole'}.dcm" for row in rows
    )
    for row in rows:
        file = tmp_path / "reg" / f"registration_{row['visit_date']}_{row['level'] or 'whole'}.dcm"
        assert errors_of(file) == []
        dataset = pydicom.dcmread(file)
        fixed, moving = dataset.RegistrationSequence
        assert dataset.FrameOfReferenceUID == fixed.FrameOfReferenceUID != moving.FrameOfReferenceUID
        found = moving.MatrixRegistrationSequence[0].MatrixSequence[0].FrameOfReferenceTransformationMatrix
        np.testing.assert_allclose(np.array(found, dtype=float).reshape(4, 4), row["matrix_lps"], atol=1e-9)
        visit = next(
            visit for visit in clicked.truth[GONE]["visits"] if visit["study_date"] == row["visit_date"]
        )
        assert visit["study_instance_uid"] == dataset.StudyInstanceUID
        assert visit["series"]["sagittal_t2"] == dataset.ReferencedSeriesSequence[0].SeriesInstanceUID


def test_a_person_overrules_a_verdict_until_it_is_aligned_again(copy: Study) -> None:
    day = copy.truth[GONE]["visits"][1]["study_date"]
    words = ("align", "--patient", GONE, "--visit", day)
    told = copy.run(*words, "--overrule", "failed", "--reader", "R1", "--reason", "another back", code=3)
    assert "the alignment has failed; R1 calls it failed: another back" in " ".join(told.stderr.split())
    (whole, local) = copy.run.json(*words, code=3)
    assert (whole["verdict"], whole["is_overruled"]) == ("failed", True)
    assert whole["reasons"][0] == "R1 calls it failed: another back"
    assert (local["verdict"], local["is_overruled"]) == ("good", False)
    rows = copy.run.json("propose", "--patient", GONE, "--again", code=3)
    assert [row["did"] for row in rows] == ["refused", "proposed"]
    assert "another back" in rows[0]["reason"]
    assert "herntrack segment" in rows[0]["reason"]
    rebuild(copy.workspace)
    assert copy.run.json(*words, code=3)[0]["is_overruled"]
    assert not copy.run.json(*words, "--again")[0]["is_overruled"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--patient", "nobody"), "no patient 'nobody'"),
        (("--patient", GONE, "--visit", "2020-01-01"), "no follow-up on 2020-01-01; follow-ups: 2024"),
        (("--patient", GONE, "--visit", "2024-04-06", "--overrule", "good"), "give --reader and --reason"),
        (
            (
                *("--patient", GONE, "--visit", "2024-04-06", "--level", "L1-L2", "--overrule", "good"),
                *("--reader", "R", "--reason", "x"),
            ),
            "no alignment of 2024-04-06 at L1-L2; there are:",
        ),
    ],
)
def test_alignments_that_cannot_be_made_are_refused(
    clicked: Study, words: tuple[str, ...], said: str
) -> None:
    assert said in clicked.run("align", *words, code=1).stderr


def test_a_verdict_that_is_none_is_wrong_usage(clicked: Study) -> None:
    words = ("align", "--patient", GONE, "--visit", "2024-04-06", "--overrule", "fine")
    assert "'fine' is no verdict; use one of: good, check, failed" in clicked.run(*words, code=2).stderr


def test_one_click_gives_the_mask_in_a_file_and_stores_nothing(clicked: Study, tmp_path: Path) -> None:
    before = len(clicked.readings(clicked.lesions[SHRUNK]))
    entry, stack = baseline_of(clicked, SHRUNK)
    made = clicked.run.json(
        *("segment", "--lesion", clicked.lesions[SHRUNK], "--stack", stack),
        *("--at", at(entry["click_lps_mm"]), "--out", tmp_path / "new" / "mask.nii.gz"),
    )
    mask = clicked.mask_in(tmp_path / "new" / "mask.nii.gz", stack)
    sample = Path(__file__).resolve().parents[2] / "sample_dicom"
    assert dice(mask, clicked.mask_in(sample / entry["reading_file"], stack)) > 0.75
    assert made["n_voxels"] == np.count_nonzero(mask)
    assert made["volume_mm3"] == pytest.approx(entry["true_volume_mm3"], rel=0.3)
    assert made["reading_uid"] is None
    assert set(made["base_plane"]) == {"corners_lps", "normal_lps"}
    assert "proposed from" in made["base_plane_source"]
    assert "around the click" in made["reason"]
    assert len(clicked.readings(clicked.lesions[SHRUNK])) == before


def test_more_points_refine_and_the_newer_proposal_takes_the_older_ones_place(copy: Study) -> None:
    lesion = copy.lesions[SHRUNK]
    entry, stack = baseline_of(copy, SHRUNK)
    (first,) = [row for row in standing(copy, SHRUNK) if row["visit_date"] == "2024-03-18"]
    beside = np.add(entry["click_lps_mm"], (0.0, 2.0, 0.0))
    words = ("segment", "--lesion", lesion, "--stack", stack, "--at", at(entry["click_lps_mm"]))
    made = copy.run.json(*words, "--background", at(beside))
    second = next(each for each in copy.readings(lesion) if each.reading_uid == made["reading_uid"])
    assert second.supersedes == (first["reading_uid"],)
    assert second.background_points_lps == (tuple(float(f"{value:.3f}") for value in beside),)
    mask = copy.mask_of(made["reading_uid"])
    with_point = copy.mask_of(first["reading_uid"])
    assert np.count_nonzero(mask) < np.count_nonzero(with_point)


@pytest.mark.parametrize(
    ("point", "code", "said"),
    [
        ("1,2", 2, "'1,2' is no point; give X,Y,Z"),
        ("a,b,c", 2, "is no point"),
        ("nan,0,0", 1, "three finite numbers"),
        ("-12.5,500,4", 1, "the point (-12.5, 500.0, 4.0) mm lies outside the stack"),
    ],
)
def test_points_that_are_none_are_refused(clicked: Study, point: str, code: int, said: str) -> None:
    _, stack = baseline_of(clicked, GONE)
    words = ("segment", "--lesion", clicked.lesions[GONE], "--stack", stack, "--at", point)
    assert said in " ".join(clicked.run(*words, code=code).stderr.replace("│", " ").split())


def test_one_point_is_not_both_in_the_fragment_and_beside_it(clicked: Study, tmp_path: Path) -> None:
    entry, stack = baseline_of(clicked, GONE)
    click = np.array(entry["click_lps_mm"])
    words = ("segment", "--lesion", clicked.lesions[GONE], "--stack", stack, "--at", at(click))
    more = ("--out", tmp_path / "mask.nii.gz", "--background")
    for shift, mm in ((0.0, "0.0"), (0.9, "0.9")):
        said = clicked.run(*words, *more, at(np.add(click, (0, 0, shift))), code=1).stderr
        assert f"and one {mm} mm from it not to be, which contradicts itself" in " ".join(said.split())
    assert not (tmp_path / "mask.nii.gz").exists()


def test_unknown_and_foreign_uids_are_refused(clicked: Study) -> None:
    entry, stack = baseline_of(clicked, GONE)
    click = at(entry["click_lps_mm"])
    other = clicked.lesions[SHRUNK]
    segment = "segment", "--at", click
    assert "no lesion 1.2" in clicked.run(*segment, "--lesion", "1.2", "--stack", stack, code=1).stderr
    assert "no stack 1.2" in clicked.run(*segment, "--lesion", other, "--stack", "1.2", code=1).stderr
    refused = clicked.run(*segment, "--lesion", other, "--stack", stack, code=1).stderr
    assert f"is of patient {GONE}" in refused


def test_carried_forward_readings_follow_the_fragment_and_say_when_it_is_gone(clicked: Study) -> None:
    lesion = clicked.lesions[SHRUNK]
    found = {each.visit_date.isoformat(): each for each in clicked.readings(lesion) if each.proposed_from}
    assert len(found) == 2
    for number in (1, 2):
        visit = clicked.truth[SHRUNK]["visits"][number]
        entry = entry_of(clicked, SHRUNK, number)
        reading = found[visit["study_date"]]
        assert (reading.is_proposed, reading.reader, reading.status) == (True, "herntrack", "present")
        assert reading.base_plane_source == "carried from the other visit"
        mask = clicked.mask_of(reading.reading_uid)
        sample = Path(__file__).resolve().parents[2] / "sample_dicom"
        assert dice(mask, clicked.mask_in(sample / entry["reading_file"], reading.stack_uid)) > 0.7
    gone = next(each for each in clicked.readings(clicked.lesions[GONE]) if each.status == "absent")
    assert gone.visit_date.isoformat() == clicked.truth[GONE]["visits"][2]["study_date"]
    assert gone.is_proposed
    assert "No fragment was found" in gone.reason
    assert not clicked.mask_of(gone.reading_uid).any()


def test_proposing_again_changes_nothing_until_the_baseline_is_read_anew(copy: Study) -> None:
    rows = copy.run.json("propose", "--patient", SHRUNK)
    assert [row["did"] for row in rows] == ["unchanged", "unchanged"]
    entry, stack = baseline_of(copy, SHRUNK)
    words = ("segment", "--lesion", copy.lesions[SHRUNK], "--stack", stack)
    copy.run(*words, "--at", at(entry["click_lps_mm"]))
    before = [row["reading_uid"] for row in rows]
    again = copy.run.json("propose", "--patient", SHRUNK)
    assert [row["did"] for row in again] == ["proposed", "proposed"]
    replaced = {each.reading_uid: each.superseded_by for each in copy.readings(copy.lesions[SHRUNK])}
    assert [replaced[uid] for uid in before] == [row["reading_uid"] for row in again]


def test_a_click_at_a_follow_up_uses_the_carried_plane_and_is_kept(copy: Study) -> None:
    visit, entry = copy.truth[SHRUNK]["visits"][1], entry_of(copy, SHRUNK, 1)
    stack = copy.stack(entry["read_on_series_uid"])
    words = ("segment", "--lesion", copy.lesions[SHRUNK], "--stack", stack, "--at", at(entry["click_lps_mm"]))
    made = copy.run.json(*words, "--reader", "R2")
    assert made["base_plane_source"] == "carried from 2024-03-18"
    (first,) = [each for each in copy.readings(copy.lesions[SHRUNK]) if each.visit_date == date(2024, 3, 18)]
    rows = {row["visit_date"]: row for row in copy.run.json("align", "--patient", SHRUNK) if row["level"]}
    matrix = np.linalg.inv(rows[visit["study_date"]]["matrix_lps"])
    corners = np.array(first.base_plane.corners_lps) @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(made["base_plane"]["corners_lps"], corners, atol=1e-6)
    rows = copy.run.json("propose", "--patient", SHRUNK)
    assert [(row["did"], row["reader"]) for row in rows] == [("kept", "R2"), ("unchanged", "herntrack")]
    own = copy.run.json(*words, "--own-plane", "--out", copy.run.folder / "m.nrrd")
    assert "around the click" in own["base_plane_source"]


def test_an_accepted_reading_goes_before_every_proposal(copy: Study) -> None:
    lesion = copy.lesions[GONE]
    baseline, second, last = standing(copy, GONE)
    accepted = copy.run.json("read", "accept", "--reading", last["reading_uid"], "--reader", "R1")
    assert (accepted["status"], accepted["is_proposed"]) == ("absent", False)
    assert accepted["supersedes"] == [last["reading_uid"]]
    assert accepted["proposed_from"] == last["reading_uid"]
    day = baseline["visit_date"]
    taken = copy.run.json("read", "accept", "--lesion", lesion, "--visit", day, "--reader", "R1")
    assert np.array_equal(copy.mask_of(taken["reading_uid"]), copy.mask_of(baseline["reading_uid"]))
    assert taken["points_lps"] == [
        [float(word) for word in at(baseline_of(copy, GONE)[0]["click_lps_mm"]).split(",")]
    ]
    # A later proposal of a visit that was read stands beside the reading and does not count.
    entry, stack = baseline_of(copy, GONE)
    made = copy.run("segment", "--lesion", lesion, "--stack", stack, "--at", at(entry["click_lps_mm"]))
    assert "R1 accepted" in made.stderr
    shown = copy.run("show", "lesion", lesion).stdout
    assert "\N{TILDE OPERATOR} present, proposed by herntrack" in shown
    assert "\N{CHECK MARK} present, R1" in shown
    first = copy.run.json("show", "lesion", lesion)["visits"][0]
    assert [each["is_proposed"] for each in first["readings"]] == [False, True]
    words = ("segment", "--lesion", lesion, "--stack", stack, "--at", at(entry["click_lps_mm"]))
    own = copy.run.json(*words, "--reader", "R1")["reading_uid"]
    (replaced,) = [each for each in copy.readings(lesion) if each.superseded_by == own]
    assert replaced.is_proposed
    assert [row["did"] for row in copy.run.json("propose", "--patient", GONE)] == ["proposed", "read"]
    outcome = copy.run.json("classify")
    assert {row["patient_id"]: row["visit_states"][-1] for row in outcome}[GONE] == "A"
    copy.run("report", "--patient", GONE, "--out", copy.run.folder / "out")
    lines = (copy.run.folder / "out" / "changes.csv").read_text().splitlines()
    told = [line for line in lines if line.startswith(GONE)]
    assert [",R1," in line for line in told] == [True, False, True]
    assert ["proposed" in line for line in told] == [False, True, False]
    assert "unresolved" not in "".join(lines)
    assert second["reading_uid"] not in [row["reading_uid"] for row in standing(copy, GONE)]
    assert check(copy.workspace).problems == ()


def test_what_may_not_be_accepted_is_refused(copy: Study) -> None:
    baseline, *_ = standing(copy, GONE)
    accept = "read", "accept", "--reader"
    words = (*accept, "R1", "--reading", baseline["reading_uid"])
    taken = copy.run.json(*words)
    assert "R1 has accepted proposal" in copy.run(*words, code=1).stderr
    assert "is no proposal" in copy.run(*accept, "R1", "--reading", taken["reading_uid"], code=1).stderr
    # A second reader may accept the same proposal; the first one's word stays.
    copy.run(*accept, "R2", "--reading", baseline["reading_uid"])
    assert [each.reader for each in copy.readings(copy.lesions[GONE]) if not each.is_proposed] == ["R1", "R2"]
    assert "no reading 1.2" in copy.run(*accept, "R1", "--reading", "1.2", code=1).stderr
    nothing = copy.run(*accept, "R1", "--lesion", copy.lesions[GONE], "--visit", "2020-01-01", code=1)
    assert "no proposal stands" in nothing.stderr
    copy.run(*accept, "R1", "--reading", "1.2", "--lesion", "1.3", code=2)
    copy.run(*accept, "R1", code=2)


def test_a_replaced_proposal_names_the_newer_one(copy: Study) -> None:
    old, *_ = standing(copy, GONE)
    entry, stack = baseline_of(copy, GONE)
    words = ("segment", "--lesion", copy.lesions[GONE], "--stack", stack, "--at", at(entry["click_lps_mm"]))
    new = copy.run.json(*words)["reading_uid"]
    refused = copy.run("read", "accept", "--reader", "R1", "--reading", old["reading_uid"], code=1)
    assert f"was replaced by {new}" in refused.stderr


def test_a_rebuilt_catalogue_has_the_same_rows_and_check_is_content(copy: Study) -> None:
    copy.run("classify")
    before = rows_of(copy.workspace.catalogue_path)
    assert len(before["alignment"]) == 8
    assert sum(row["is_proposed"] for row in before["reading"]) == 6
    assert rebuilt_rows(copy.workspace) == before
    assert check(copy.workspace).problems == ()


def test_an_altered_alignment_is_noticed(copy: Study) -> None:
    path = sorted((copy.run.folder / "readings" / "alignments").iterdir())[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"overlap": 0.123}))
    (problem,) = check(copy.workspace).problems
    assert "overlap" in problem
    assert "herntrack rebuild" in problem
    path.unlink()
    assert "in the catalogue only" in check(copy.workspace).problems[0]


def test_patients_that_cannot_be_followed_are_refused(tmp_path: Path, sample_dicom: Path) -> None:
    run = Herntrack(tmp_path)
    run("init", ".")
    (first, *_) = sorted((sample_dicom / "dicom" / "S-002").iterdir())
    run("ingest", first)
    uid = run("lesion", "add", "--patient", "S-002", "--level", "L4-L5").stdout.strip()
    for command in ("align", "propose"):
        refused = run(command, "--patient", "S-002", code=1).stderr
        assert "has no follow-up to align (2024-03-11); ingest the later visits first" in refused
    run("ingest", sample_dicom / "dicom" / "S-002")
    refused = run("propose", "--patient", "S-002", code=1).stderr
    assert f"herntrack segment --lesion {uid}" in refused
    reading = ("--lesion", uid, "--reader", "R1", "--reason", "moved")
    run("read", "unevaluable", "--visit", "2024-03-11", *reading)
    rows = run.json("propose", "--patient", "S-002", code=3)
    assert {row["did"] for row in rows} == {"refused"}
    assert "not_evaluable: there is no outline to carry forward" in rows[0]["reason"]
    assert list_rows(open_workspace(tmp_path), Listing.READINGS)[0]["status"] == "not_evaluable"


def test_a_volume_is_counted_without_images_and_estimated_when_they_are_back(copy: Study) -> None:
    settings = copy.run.folder / "herntrack.toml"
    text = settings.read_text()
    settings.write_text(re.sub(r'(?m)^path = ".*S-003.*"$', 'path = "/nowhere"', text))
    assert settings.read_text() != text
    copy.run("measure")
    before = {each["reading_uid"]: each for each in rows_of(copy.workspace.catalogue_path)["measurement"]}
    lesion = copy.lesions[SHRUNK]
    uids = [each.reading_uid for each in copy.readings(lesion)]
    assert all(before[uid]["volume_mm3"] > 0 for uid in uids)
    assert [before[uid]["partial_volume_mm3"] for uid in uids] == [None] * 3
    settings.write_text(text)
    copy.run("measure")
    after = {each["reading_uid"]: each for each in rows_of(copy.workspace.catalogue_path)["measurement"]}
    assert all(after[uid]["partial_volume_mm3"] > 0 for uid in uids)
    assert [after[uid]["volume_mm3"] for uid in uids] == [before[uid]["volume_mm3"] for uid in uids]


def test_a_baseline_that_two_readers_disagree_on_carries_nothing_until_one_is_primary(copy: Study) -> None:
    baseline, *_ = standing(copy, SHRUNK)
    copy.run("read", "accept", "--reading", baseline["reading_uid"], "--reader", "R1")
    copy.run("read", "accept", "--reading", baseline["reading_uid"], "--reader", "R2")
    rows = copy.run.json("propose", "--patient", SHRUNK, code=3)
    assert [row["did"] for row in rows] == ["refused", "refused"]
    assert "several readers read the baseline of 2024-03-18" in rows[0]["reason"]
    settings = copy.run.folder / "herntrack.toml"
    settings.write_text(settings.read_text().replace('primary = ""', 'primary = "R2"'))
    assert [row["did"] for row in copy.run.json("propose", "--patient", SHRUNK)] == ["proposed", "proposed"]
