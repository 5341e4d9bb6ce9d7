"""An ingest writes while it reads; the rows are those of reading everything first."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from herntrack.catalogue.images import ImageRepository
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.workspace import Workspace, create_workspace
from tests.factories import ROOT, make_dataset, make_series, write, write_series
from tests.integration.catalogue_rows import assert_as_rebuilt, rows_of

CHUNK, AT_ONCE = "herntrack.dicom.scan.CHUNK", "herntrack.workflows.ingesting.image_merge.ROWS_AT_ONCE"


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images were handed to the catalogue each time."""
    counted: list[int] = []
    add = ImageRepository.add_images

    def counting(self: ImageRepository, **records: Any) -> None:
        counted.append(len(records["images"]))
        add(self, **records)

    monkeypatch.setattr(ImageRepository, "add_images", counting)
    return counted


def in_parts(monkeypatch: pytest.MonkeyPatch, *, files: int, rows: int) -> None:
    monkeypatch.setattr(CHUNK, files)
    monkeypatch.setattr(AT_ONCE, rows)


def rows_at_once(export: Path, scratch: Path) -> dict[str, list[dict[str, Any]]]:
    return rows_of(ingest(create_workspace(scratch / "at once"), [export]).workspace.catalogue_path)


def test_series_after_series_is_written_while_the_next_are_read(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: list[int]
) -> None:
    for number in range(1, 5):
        write_series(tmp_path / "export" / str(number), make_series(6, number=number))
    whole = rows_at_once(tmp_path / "export", tmp_path)
    assert writes == [24]
    in_parts(monkeypatch, files=6, rows=10)
    made = ingest(workspace, [tmp_path / "export"]).workspace
    assert writes[1:] == [12, 12]
    assert rows_of(made.catalogue_path) == whole


def test_a_series_that_comes_back_gets_its_stacks_from_all_its_images(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: list[int]
) -> None:
    slices = make_series(12)
    write_series(tmp_path / "export" / "a", slices[::2])
    write_series(tmp_path / "export" / "b", make_series(6, number=2))
    write_series(tmp_path / "export" / "c", slices[1::2])
    write_series(tmp_path / "export" / "d", make_series(6, number=3))
    whole = rows_at_once(tmp_path / "export", tmp_path)
    in_parts(monkeypatch, files=6, rows=1)
    made = ingest(workspace, [tmp_path / "export"]).workspace
    assert writes == [24, 6, 18]
    assert rows_of(made.catalogue_path) == whole
    assert sorted(row["n_slices"] for row in whole["stack"]) == [6, 6, 12]


def test_whose_a_study_is_may_be_said_by_its_last_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = make_series(6, PatientID="") + make_series(1, number=2, PatientID="T-007")
    write_series(tmp_path / "export", datasets)
    in_parts(monkeypatch, files=1, rows=1)
    summary = ingest(workspace, [tmp_path / "export"])
    (patient,) = rows_of(summary.workspace.catalogue_path)["patient"]
    assert (patient["patient_id"], summary.set_aside) == ("T-007", ())


@pytest.mark.parametrize("seed", range(12))
def test_in_however_many_parts_files_come_the_rows_are_the_same(
    seed: int, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)  # noqa: S311 - fixed trees
    export = tmp_path / "export"
    for index in range(30):
        number, study = chance.randrange(6), chance.choice("12")
        dataset = make_dataset(
            # Half of the trees leave no doubt whose a study is, so that they are written early.
            PatientID="T-001" if seed % 2 else chance.choice(["T-001", "T-002", ""]),
            StudyInstanceUID=f"{ROOT}.{study}",
            SeriesInstanceUID=f"{ROOT}.2.{study}.{index // 10 if chance.random() < 0.8 else 9}",
            SeriesDescription=chance.choice(["one", "two"]),
            SOPInstanceUID=f"{ROOT}.9.{study}.{number}.{index % 10}",
            InstanceNumber=number + 1,
            ImagePositionPatient=[-10.0, -20.0, 4.0 * number],
            EchoTime=chance.choice([100, 20]),
        )
        write(dataset, export / chance.choice(["a", "b", "a/b", "a-b"]) / f"IM{index:02}")
    whole = rows_at_once(export, tmp_path)
    in_parts(monkeypatch, files=chance.choice([1, 3, 7]), rows=chance.choice([1, 4]))
    made = ingest(workspace, [export]).workspace
    assert rows_of(made.catalogue_path) == whole
    assert_as_rebuilt(made)
