"""The follow-up engine on real lumbar anatomy with implanted herniations of known volume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.command import Herntrack
from tests.integration.following import Study, at, dice


@pytest.fixture(scope="module")
def folder(shared_dicom: Path) -> Path:
    """Return the folder of the implanted herniations."""
    found = shared_dicom / "lumbar_mr_implanted"
    if not found.is_dir():
        pytest.skip("no implanted herniations beside the checkout (shared/data/dicom/lumbar_mr_implanted)")
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Study:
    """Return the two patients, each with its lesion, unread."""
    run = Herntrack(tmp_path_factory.mktemp("implanted"))
    run("init", ".")
    run("ingest", folder / "dicom")
    truth = {each["patient_id"]: each for each in json.loads((folder / "truth.json").read_text())}
    lesions = {
        patient: run("lesion", "add", "--patient", patient, "--level", level_of(each)).stdout.strip()
        for patient, each in truth.items()
    }
    return Study(run=run, truth=truth, lesions=lesions)


def level_of(patient: dict[str, Any]) -> str:
    (level,) = patient["visits"][0]["volume_mm3"]
    return str(level)


@pytest.mark.parametrize("patient", ["E-101", "E-102"])
def test_every_visit_is_aligned_on_the_right_vertebra(real: Study, patient: str) -> None:
    # At the last visit of E-102 the narrow sagittal stacks find no hold; the axial ones do.
    truth = real.truth[patient]
    rows = [row for row in real.run.json("align", "--patient", patient) if row["level"] is None]
    assert [row["verdict"] for row in rows] == ["good", "good"]
    clicks = [np.array(visit["click_lps_mm"][level_of(truth)]) for visit in truth["visits"]]
    for row, click in zip(rows, clicks[1:], strict=True):
        matrix = np.array(row["matrix_lps"])
        # Clicks are made in fragments that change: the same place within millimetres, not the next disc.
        assert np.linalg.norm(matrix[:3, :3] @ click + matrix[:3, 3] - clicks[0]) < 3
        assert np.linalg.norm(click - clicks[0]) > 8


def test_one_click_and_none_later_find_the_fragment(real: Study, folder: Path, tmp_path: Path) -> None:
    truth, lesion = real.truth["E-101"], real.lesions["E-101"]
    level = level_of(truth)
    first = truth["visits"][0]
    stack = real.stack(first["series"]["SAG"]["uid"])
    words = "segment", "--lesion", lesion, "--stack", stack, "--at", at(first["click_lps_mm"][level])
    real.run(*words, "--out", tmp_path / "mask.nii.gz")
    mask = real.mask_in(tmp_path / "mask.nii.gz", stack)
    assert dice(mask, real.mask_in(folder / first["series"]["SAG"]["mask"][level], stack)) > 0.7
    made = real.run.json(*words)
    assert np.array_equal(real.mask_of(made["reading_uid"]), mask)
    rows = real.run.json("propose", "--patient", "E-101")
    assert [row["did"] for row in rows] == ["proposed", "proposed"]
    for row, visit in zip(rows, truth["visits"][1:], strict=True):
        series = visit["series"]["SAG"]
        assert row["stack_uid"] == real.stack(series["uid"])
        true_mask = real.mask_in(folder / series["mask"][level], row["stack_uid"])
        found = real.mask_of(row["reading_uid"])
        assert dice(found, true_mask) > 0.8
        assert row["volume_mm3"] < made["volume_mm3"]


def test_a_visit_whose_best_stack_misses_the_place_is_carried_to_another(real: Study, folder: Path) -> None:
    # At the last visit of E-102 the sagittal stack shows a third of the fragment's place; nothing is left.
    truth = real.truth["E-102"]
    first, second, last = truth["visits"]
    series = first["series"]["SAG"]
    mask = folder / series["mask"][level_of(truth)]
    words = ("--lesion", real.lesions["E-102"], "--reader", "R1", "--series", series["uid"])
    real.run("read", "import", mask, *words)
    smaller, gone = real.run.json("propose", "--patient", "E-102")
    assert smaller["stack_uid"] == real.stack(second["series"]["SAG"]["uid"])
    true_mask = real.mask_in(folder / second["series"]["SAG"]["mask"][level_of(truth)], smaller["stack_uid"])
    assert dice(real.mask_of(smaller["reading_uid"]), true_mask) > 0.7
    assert (gone["did"], gone["status"], gone["volume_mm3"]) == ("proposed", "absent", 0.0)
    assert gone["stack_uid"] == real.stack(last["series"]["AX"]["uid"])
    assert any("does not show the fragment's place" in guard for guard in gone["guards"])


@pytest.mark.parametrize("plane", ["SAG", "AX"])
def test_from_one_click_the_rest_is_found_and_what_is_gone_is_absent(
    folder: Path, tmp_path: Path, plane: str
) -> None:
    # At the last visit of E-102 nerve roots with the fragment's level lie at its old place.
    run = Herntrack(tmp_path)
    run("init", ".")
    run("ingest", folder / "dicom" / "E-102")
    (truth,) = (
        each for each in json.loads((folder / "truth.json").read_text()) if each["patient_id"] == "E-102"
    )
    level = level_of(truth)
    first, second, _ = truth["visits"]
    lesion = run("lesion", "add", "--patient", "E-102", "--level", level).stdout.strip()
    study = Study(run=run, truth={"E-102": truth}, lesions={"E-102": lesion})
    stack = study.stack(first["series"][plane]["uid"])
    run("segment", "--lesion", lesion, "--stack", stack, "--at", at(first["click_lps_mm"][level]))
    smaller, gone = run.json("propose", "--patient", "E-102")
    series = second["series"][plane]
    assert smaller["stack_uid"] == study.stack(series["uid"])
    true_mask = study.mask_in(folder / series["mask"][level], smaller["stack_uid"])
    assert dice(study.mask_of(smaller["reading_uid"]), true_mask) > 0.8
    assert (gone["did"], gone["status"], gone["volume_mm3"]) == ("proposed", "absent", 0.0)
    assert "nerve root or ligament" in gone["reason"]
    assert "with the old place" in gone["reason"]
