"""Levels on a catalogued patient: confirmed once, locked, carried, contradicted, imported."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from herntrack.imaging.sitk_bridge import to_sitk
from herntrack.imaging.volume import Volume
from herntrack.model.level_decisions import LevelConfirmation
from herntrack.model.vocabulary import Level
from herntrack.reading_room.level_lock import LevelStatus
from herntrack.readings.alignments import AlignmentStore
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.aligning.align import align_patient
from herntrack.workflows.aligning.said_discs import confirmed_plane
from herntrack.workflows.aligning.standing import stored_alignments
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.levels.at_visits import disc_centres, level_lock
from herntrack.workflows.reading.readings import add_lesion
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace, create_workspace, open_workspace
from tests.conftest import REPOSITORY
from tests.integration.command import Herntrack

PATIENT = "S-001"
FIVE = ["L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"]


def truth() -> dict[str, dict[str, Any]]:
    """Return what is true of the patient's one lesion, at L5-S1, by date."""
    patients = json.loads((REPOSITORY / "sample_dicom" / "truth.json").read_text())["patients"]
    visits = next(patient for patient in patients if patient["patient_id"] == PATIENT)["visits"]
    return {visit["study_date"]: next(iter(visit["lesions"].values())) for visit in visits}


DATES = sorted(truth())


def disc(visit: int) -> np.ndarray:
    """Return the true centre of L5-S1 (LPS mm)."""
    return np.array(truth()[DATES[visit]]["disc_centre_lps_mm"])


def text(point: np.ndarray) -> str:
    return ",".join(f"{value:.2f}" for value in point)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with three visits that are aligned, where no level is known."""
    workspace = create_workspace(tmp_path_factory.mktemp("levels"))
    ingest(workspace, [REPOSITORY / "sample_dicom" / "dicom" / PATIENT])
    assert len(align_patient(open_workspace(workspace.folder), PATIENT).alignments) == 2
    return workspace.folder


@pytest.fixture
def run(aligned: Path, tmp_path: Path) -> Herntrack:
    return Herntrack(Path(shutil.copytree(aligned, tmp_path / "study")))


def workspace_of(run: Herntrack) -> Workspace:
    return open_workspace(run.folder)


def confirm(run: Herntrack, level: str, *words: object, code: int = 0) -> str:
    done = run(
        "level", "confirm", "--patient", PATIENT, "--level", level, "--reader", "R1", *words, code=code
    )
    return " ".join((done.stdout + done.stderr).split())


def by_visit(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["visit_date"], row["level"]): row for row in rows}


def test_a_level_is_confirmed_once_and_carried_to_every_visit(run: Herntrack) -> None:
    rows = run.json(
        "level", "confirm", "--patient", PATIENT, "--level", "L5-S1", "--at", text(disc(0)), "--reader", "R1"
    )
    assert {row["level"]: row["status"] for row in rows if row["level"] in FIVE} == {
        **dict.fromkeys(FIVE, "proposed"),
        "L5-S1": "confirmed",
    }
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    for number in (1, 2):
        row = listed[DATES[number], "L5-S1"]
        assert (row["status"], row["from_visit"], row["by"]) == ("carried", DATES[0], "R1")
        assert np.linalg.norm(np.array(row["centre_lps"]) - disc(number)) < 1.5
        assert listed[DATES[number], "L4-L5"]["status"] == "proposed"
    # The corners are proposed, and follow as well.
    for number in (0, 1, 2):
        row, true = listed[DATES[number], "L5-S1"], truth()[DATES[number]]["posterior_corners_lps_mm"]
        assert row["are_corners_confirmed"] is False
        for corner, place in zip((row["upper_corner_lps"], row["lower_corner_lps"]), true, strict=True):
            assert np.linalg.norm(np.array(corner) - place) < 4.0
    steps = np.diff([listed[DATES[0], level]["centre_lps"] for level in FIVE], axis=0)
    assert ((np.linalg.norm(steps, axis=1) > 28) & (np.linalg.norm(steps, axis=1) < 45)).all()


def test_a_confirmed_level_is_locked(run: Herntrack) -> None:
    confirm(run, "L5-S1", "--at", text(disc(0)))
    said = confirm(run, "L5-S1", "--at", text(np.add(disc(0), (0, 0, 5))), code=1)
    assert f"L5-S1 of {DATES[0]} was confirmed by R1" in said
    assert "5.0 mm from this point; it is locked. If that was wrong: --replace --reason TEXT" in said
    # The same word again is no new one.
    assert "nothing is recorded anew" in confirm(run, "L5-S1", "--at", text(disc(0)))
    confirm(run, "L5-S1", "--at", text(np.add(disc(0), (0, 0, 5))), "--replace", "--reason", "missed it")
    kinds = [row["kind"] for row in run.json("patient", "decisions")]
    assert kinds == ["level_confirmation"] * 2
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    assert np.allclose(listed[DATES[0], "L5-S1"]["centre_lps"], np.add(disc(0), (0, 0, 5)), atol=0.01)


def test_a_later_word_that_contradicts_raises_the_alarm(run: Herntrack) -> None:
    confirm(run, "L5-S1", "--at", text(disc(0)))
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    other = np.array(listed[DATES[1], "L4-L5"]["centre_lps"])
    said = confirm(run, "L5-S1", "--visit", DATES[1], "--at", text(other), code=1)
    assert f"is not confirmed, against the visit on {DATES[0]}" in said
    assert "disc L5-S1 lies on the baseline's L4-L5 (0 mm), 3" in said
    said = confirm(run, "L4-L5", "--visit", DATES[1], "--at", text(disc(1)), code=1)
    assert "disc L4-L5 lies on the baseline's L5-S1" in said
    assert len(run.json("patient", "decisions")) == 1
    # The right word is taken, also from the carried place.
    confirm(run, "L5-S1", "--visit", DATES[1])
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    assert [listed[each, "L5-S1"]["status"] for each in DATES] == ["confirmed", "confirmed", "carried"]


def test_the_order_of_discs_holds_across_visits(run: Herntrack) -> None:
    confirm(run, "L4-L5", "--at", text(np.add(disc(0), (0.0, -6.0, 34.0))))
    high = np.add(disc(1), (0.0, -9.0, 51.0))
    said = confirm(run, "S1-S2", "--visit", DATES[1], "--at", text(high), code=1)
    assert f"is not confirmed, against the visit on {DATES[0]}: the disc named S1-S2 lies 5" in said
    assert "mm above L5-S1 there, which belongs above it (5" in said
    assert "--replace --reason TEXT" in said
    assert len(run.json("patient", "decisions")) == 1
    confirm(run, "L5-S1", "--visit", DATES[1], "--at", text(disc(1)))
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    assert listed[DATES[0], "L4-L5"]["status"] == listed[DATES[1], "L5-S1"]["status"] == "confirmed"


def test_an_impossible_order_that_was_recorded_before_is_listed(run: Herntrack) -> None:
    confirm(run, "L4-L5", "--at", text(np.add(disc(0), (0.0, -6.0, 34.0))))
    workspace = workspace_of(run)
    store = DecisionStore(workspace.readings_folder)
    (first,) = [each for each in store.decisions() if isinstance(each, LevelConfirmation)]
    with catalogue_of(workspace) as catalogue:
        stack = next(
            each.stack
            for each in catalogue.images.stacks(patient_id=PATIENT)
            if str(each.study.study_date) == DATES[1] and each.stack.plane == "sagittal"
        )
    x, y, z = np.add(disc(1), (0.0, -9.0, 51.0)).tolist()
    store.add(
        replace(
            first,
            decision_uid="1.2.826.0.1.3680043.10.1.98",
            level=Level.S1_S2,
            visit_date=date.fromisoformat(DATES[1]),
            stack_uid=stack.stack_uid,
            frame_of_reference_uid=stack.frame_of_reference_uid,
            point_lps=(x, y, z),
        )
    )
    listed = by_visit(run.json("level", "list", "--patient", PATIENT, code=3))
    for key, upper in (((DATES[0], "L4-L5"), "L4-L5"), ((DATES[1], "S1-S2"), "L5-S1")):
        assert listed[key]["status"] == "contradicted"
        assert "the disc named S1-S2 lies" in listed[key]["notes"][0]
        assert f"above {upper} there, which belongs above it" in listed[key]["notes"][0]


def test_words_that_contradict_each_other_are_listed_once_visits_are_aligned(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "study")
    ingest(workspace, [REPOSITORY / "sample_dicom" / "dicom" / PATIENT])
    run = Herntrack(workspace.folder)
    confirm(run, "L5-S1", "--at", text(disc(0)))
    # One vertebra too high at the follow-up; nobody can tell before the two are aligned.
    wrong = np.add(disc(1), (4.0, -12.0, 33.0))
    said = confirm(run, "L5-S1", "--visit", DATES[1], "--at", text(wrong))
    assert f"not compared with the visit on {DATES[0]}" in said
    # Nothing joins the two any more: no alignment that puts one disc onto another is called good.
    rows = run.json("align", "--patient", PATIENT, "--visit", DATES[1], code=3)
    assert {(row["level"], row["verdict"]) for row in rows} == {(None, "failed"), ("L5-S1", "failed")}
    assert all("L5-S1 lies on the baseline's L4-L5" in row["reasons"][-1] for row in rows)
    done = run("level", "list", "--patient", PATIENT, "--json", code=3)
    listed = by_visit(json.loads(done.stdout))
    assert listed[DATES[1], "L5-S1"]["status"] == "contradicted"
    assert f"visit {DATES[1]}: L5-S1 is contradicted" in " ".join(done.stderr.split())
    assert "lies on the baseline's L4-L5" in listed[DATES[1], "L5-S1"]["notes"][0]
    with catalogue_of(workspace) as catalogue:
        lock = level_lock(workspace, catalogue, PATIENT, date.fromisoformat(DATES[1]), Level.L5_S1)
        assert (lock.status, lock.is_locked) == (LevelStatus.CONTRADICTED, False)
        known = disc_centres(workspace, catalogue, PATIENT, date.fromisoformat(DATES[1]))
        assert Level.L5_S1 not in known
    # Who was wrong takes the word back, and says why; nothing is aligned anew.
    words = ("--visit", DATES[1], "--at", text(disc(1)), "--replace", "--reason", "counted from T12")
    confirm(run, "L5-S1", *words)
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    assert [listed[each, "L5-S1"]["status"] for each in DATES[:2]] == ["confirmed", "confirmed"]
    rows = run.json("align", "--patient", PATIENT, "--visit", DATES[1])
    assert {row["verdict"] for row in rows} == {"good"}


def test_an_alignment_one_vertebra_off_has_failed_whoever_overrules_it(run: Herntrack) -> None:
    workspace = workspace_of(run)
    with catalogue_of(workspace) as catalogue:
        whole = next(
            each
            for each in stored_alignments(workspace, catalogue, PATIENT)
            if str(each.visit_date) == DATES[1]
        )
        matrix = whole.matrix.copy()
        matrix[2, 3] += 35.0
        off = replace(
            whole,
            alignment_uid="1.2.826.0.1.3680043.10.1.99",
            matrix_lps=tuple(matrix.ravel().tolist()),
            made_at=whole.made_at + timedelta(seconds=1),
        )
        AlignmentStore(workspace.readings_folder).add(off)
        catalogue.alignments.add([off])
    words = ("align", "--patient", PATIENT, "--visit", DATES[1])
    assert [row["verdict"] for row in run.json(*words)] == ["good"]
    # One level, locked at both visits, is enough to know better.
    confirm(run, "L5-S1", "--at", text(disc(0)))
    said = confirm(run, "L5-S1", "--visit", DATES[1], "--at", text(disc(1)), code=1)
    assert "lies on the baseline's L4-L5" in said
    run(*words, "--overrule", "failed", "--reader", "R1", "--reason", "one vertebra off", code=3)
    said = confirm(run, "L5-S1", "--visit", DATES[1], "--at", text(disc(1)))
    assert f"not compared with the visit on {DATES[0]}" in said
    (row,) = run.json(*words, "--overrule", "good", "--reader", "R2", "--reason", "looks good", code=3)
    assert (row["verdict"], row["is_overruled"]) == ("failed", False)
    assert "L5-S1 lies on the baseline's L4-L5" in row["reasons"][-1]
    assert {row["verdict"] for row in run.json(*words, code=3)} == {"failed"}
    # Aligned anew, from the images, everything fits.
    assert {row["verdict"] for row in run.json(*words, "--again")} == {"good"}
    assert {row["level"] for row in run.json(*words)} == {None, "L5-S1"}


def test_the_plane_of_a_confirmed_level_bounds_an_outline_and_its_disc_is_aligned(run: Herntrack) -> None:
    workspace = workspace_of(run)
    lesion = add_lesion(workspace, patient_id=PATIENT, level=Level.L5_S1).lesion
    # Before a level is confirmed a click works as well, with a plane of its own.
    click = text(np.array(truth()[DATES[0]]["click_lps_mm"]))
    stack = next(
        row["stack_uid"]
        for row in run.json("list", "stacks")
        if row["series_instance_uid"] == truth()[DATES[0]]["read_on_series_uid"]
    )
    words = ("segment", "--lesion", lesion.lesion_uid, "--stack", stack, "--at", click)
    assert "around the click" in run.json(*words)["base_plane_source"]
    assert {row["level"] for row in run.json("align", "--patient", PATIENT)} == {None, "L5-S1"}
    rows = run.json("level", "confirm", "--patient", PATIENT, "--level", "L5-S1", "--at", text(disc(0)),
                    "--corners", "--reader", "R1")  # fmt: skip
    row = by_visit(rows)[DATES[0], "L5-S1"]
    assert row["are_corners_confirmed"] is True
    made = run.json(*words)
    assert made["base_plane_source"] == "that of the confirmed level L5-S1"
    assert "the base plane is that of the confirmed level L5-S1" in made["reason"]
    assert np.allclose(
        made["base_plane"]["corners_lps"], (row["upper_corner_lps"], row["lower_corner_lps"]), atol=0.01
    )
    # In front of a plane that a person vouches for nothing is herniated.
    said = run(*words[:-1], text(disc(0)), code=1).stderr
    assert "in front of the base plane" in " ".join(said.split())
    # The disc is aligned for itself at both follow-ups, and the reading's plane follows it.
    for number in (1, 2):
        rows = [each for each in run.json("align", "--patient", PATIENT) if each["level"] == "L5-S1"]
        matrix = np.linalg.inv(rows[number - 1]["matrix_lps"])
        true = truth()[DATES[number]]["posterior_corners_lps_mm"]
        for corner, place in zip((row["upper_corner_lps"], row["lower_corner_lps"]), true, strict=True):
            assert np.linalg.norm(matrix[:3, :3] @ corner + matrix[:3, 3] - place) < 3.5


def test_names_that_contradict_each_other_at_one_visit_are_refused(run: Herntrack) -> None:
    confirm(run, "L5-S1", "--at", text(disc(0)))
    said = confirm(run, "L4-L5", "--at", text(disc(0)), code=1)
    assert "which is the same disc" in said
    assert "give --at" not in confirm(run, "L2-L3")
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    assert listed[DATES[0], "L2-L3"]["status"] == "confirmed"


def test_only_corners_that_a_person_vouches_for_bind_an_outline(run: Herntrack) -> None:
    workspace = workspace_of(run)
    lesion = add_lesion(workspace, patient_id=PATIENT, level=Level.L5_S1).lesion
    confirm(run, "L5-S1", "--at", text(disc(0)))

    def plane() -> object:
        with catalogue_of(workspace) as catalogue:
            stack = next(
                each
                for each in catalogue.images.stacks(patient_id=PATIENT)
                if str(each.study.study_date) == DATES[0]
            )
            return confirmed_plane(workspace, catalogue, lesion, stack)

    assert plane() is None
    upper, lower = (np.array(corner) for corner in truth()[DATES[0]]["posterior_corners_lps_mm"])
    confirm(run, "L5-S1", "--at", text(disc(0)), "--upper", text(upper), "--lower", text(lower),
            "--replace", "--reason", "with its corners")  # fmt: skip
    found = plane()
    assert found is not None
    assert np.allclose(found.corners_lps, (upper, lower), atol=0.01)


def test_levels_outlive_the_catalogue(run: Herntrack) -> None:
    confirm(run, "L5-S1", "--at", text(disc(0)))
    run(
        "level",
        "note",
        "--patient",
        PATIENT,
        "--anatomy",
        "sacralised-L5",
        "--text",
        "left side",
        "--reader",
        "R1",
    )
    before = run("level", "list", "--patient", PATIENT)
    assert "anatomy: sacralised-L5, left side (R1)" in before.stderr
    workspace = workspace_of(run)
    workspace.catalogue_path.unlink()
    rebuild(workspace)
    after = run("level", "list", "--patient", PATIENT)
    assert (after.stdout, after.stderr) == (before.stdout, before.stderr)
    assert "checked" in run("check").stderr


def test_a_recorded_sixth_vertebra_names_the_lowest_discs(run: Herntrack) -> None:
    run("level", "note", "--patient", PATIENT, "--anatomy", "L6", "--reader", "R1")
    confirm(run, "L6-S1", "--at", text(disc(0)))
    levels = [row["level"] for row in run.json("level", "list", "--patient", PATIENT)
              if row["visit_date"] == DATES[0]]  # fmt: skip
    assert levels[-3:] == ["L4-L5", "L5-L6", "L6-S1"]
    said = confirm(run, "L5-S1", "--visit", DATES[1], "--at", text(disc(1)), code=1)
    assert "the disc named L5-S1 is the one named L6-S1 there" in said
    assert "no L5-S1" in confirm(run, "L5-S1", "--at", text(disc(0)), code=1)


def test_a_visit_is_proposed_from_what_is_carried_to_it(run: Herntrack) -> None:
    said = run("level", "propose", "--patient", PATIENT, code=1)
    assert "no disc of patient S-001 is confirmed or carried" in " ".join(said.stderr.split())
    confirm(run, "L5-S1", "--at", text(disc(0)))
    rows = run.json("level", "propose", "--patient", PATIENT, "--visit", DATES[2])
    found = {row["level"]: row for row in rows}
    assert found["L5-S1"]["status"] == "carried"
    assert found["L3-L4"]["from_visit"] == DATES[2]
    assert found["L3-L4"]["by"] == "herntrack"


def test_a_label_map_is_imported_as_proposals(run: Herntrack, tmp_path: Path) -> None:
    workspace = workspace_of(run)
    with catalogue_of(workspace) as catalogue:
        stack = next(
            each.stack
            for each in catalogue.images.stacks(patient_id=PATIENT)
            if str(each.study.study_date) == DATES[0] and each.stack.plane == "sagittal"
        )
    upper, lower = (np.array(corner) for corner in truth()[DATES[0]]["posterior_corners_lps_mm"])
    labels = painted_disc(stack.geometry, disc(0), upper, lower)
    file = tmp_path / "labels.nii.gz"
    SimpleITK.WriteImage(to_sitk(Volume(values=labels, geometry=stack.geometry)), str(file))
    words = ("level", "import", file, "--stack", stack.stack_uid, "--convention")
    (row,) = [row for row in run.json(*words, "totalspineseg") if row["level"] == "L5-S1"]
    assert (row["status"], row["by"], row["is_clear"]) == ("proposed", "totalspineseg", True)
    assert np.linalg.norm(np.array(row["centre_lps"]) - disc(0)) < 3.0
    said = run(*words, "spineps", code=1).stderr
    assert "no lumbar disc in the numbers of spineps; its labels are: 45, 50, 100" in " ".join(said.split())
    assert "is no convention; use one of: totalspineseg" in " ".join(
        run(*words, "other", code=2).stderr.split()
    )
    # What a tool proposed is confirmed by a person, where it lies.
    confirm(run, "L5-S1")
    listed = by_visit(run.json("level", "list", "--patient", PATIENT))
    assert listed[DATES[0], "L5-S1"]["status"] == "confirmed"
    assert np.allclose(listed[DATES[0], "L5-S1"]["centre_lps"], row["centre_lps"])


def test_a_map_of_another_place_is_refused(run: Herntrack, tmp_path: Path) -> None:
    workspace = workspace_of(run)
    with catalogue_of(workspace) as catalogue:
        stack = next(
            each.stack
            for each in catalogue.images.stacks(patient_id=PATIENT)
            if str(each.study.study_date) == DATES[0] and each.stack.plane == "sagittal"
        )
    upper, lower = (np.array(corner) for corner in truth()[DATES[0]]["posterior_corners_lps_mm"])
    labels = painted_disc(stack.geometry, disc(0), upper, lower)
    image = to_sitk(Volume(values=labels, geometry=stack.geometry))
    image.SetOrigin([value + 300.0 for value in image.GetOrigin()])
    file = tmp_path / "moved.nii.gz"
    SimpleITK.WriteImage(image, str(file))
    said = run("level", "import", file, "--stack", stack.stack_uid, "--convention", "totalspineseg", code=1)
    assert "outside of the stack, limit 15 mm" in " ".join(said.stderr.split())
    assert run.json("level", "list", "--patient", PATIENT) == []


def test_words_that_say_nothing_are_refused(run: Herntrack) -> None:
    said = confirm(run, "L3-L4", code=1)
    assert f"nothing proposes L3-L4 at the visit on {DATES[0]}" in said
    assert f"--level L3-L4 --visit {DATES[0]} --at X,Y,Z" in said
    assert "no stack of the visit" in confirm(run, "L3-L4", "--at", "900,0,0", code=1)
    assert "--reason" in confirm(run, "L3-L4", "--at", text(disc(0)), "--replace", code=2)
    assert "--upper and --lower" in confirm(run, "L3-L4", "--upper", "1,2,3", code=2)
    assert "is no level; use one of" in confirm(run, "L7-L8", code=2)
    upper, lower = (np.array(corner) for corner in truth()[DATES[0]]["posterior_corners_lps_mm"])
    words = ("L5-S1", "--at", text(disc(0)))
    far = confirm(
        run, *words, "--upper", text(upper + np.array((900.0, 0.0, 0.0))), "--lower", text(lower), code=1
    )
    assert "mm from the centre of L5-S1" in far
    assert "limit 40 mm" in far
    exchanged = confirm(run, *words, "--upper", text(lower), "--lower", text(upper), code=1)
    assert "does not lie above the lower one" in exchanged
    assert run.json("level", "list", "--patient", PATIENT) == []
    assert "no visit on 2019-01-01" in confirm(run, "L5-S1", "--visit", "2019-01-01", "--at", "0,0,0", code=1)
    assert "no patient 'S-999'" in run("level", "list", "--patient", "S-999", code=1).stderr
    for what in (("confirm", "--level", "L5-S1", "--at", text(disc(0))), ("note", "--anatomy", "L6")):
        assert "--reader NAME" in run("level", *what, "--patient", PATIENT, "--reader", " ", code=1).stderr
    said = run("level", "note", "--patient", PATIENT, "--reader", "R1", code=1).stderr
    assert "give --reader NAME and --text" in said
    assert "no level is known yet" in run("level", "list", "--patient", PATIENT).stderr


def painted_disc(geometry: Any, centre: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return L5 (45), sacrum (50) and the disc between (100) as blocks on a stack's grid."""
    across = (upper - lower) / np.linalg.norm(upper - lower)
    lateral = geometry.affine_lps[:3, 0] / np.linalg.norm(geometry.affine_lps[:3, 0])
    along = np.cross(across, lateral)
    along = along if along[1] > 0 else -along
    half = float(np.linalg.norm(upper - lower)) / 2 + 1.0
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape_zyx), indexing="ij"), axis=-1)
    offset = geometry.index_to_lps(index) - centre
    z, y, x = offset @ across, offset @ along, offset @ lateral
    column = (np.abs(y) < 16) & (np.abs(x) < 20)
    labels = np.zeros(geometry.shape_zyx, dtype=np.int16)
    labels[column & (np.abs(z) <= half)] = 100
    labels[column & (z > half) & (z < half + 25)] = 45
    labels[column & (z < -half) & (z > -half - 25)] = 50
    return labels
