from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from herntrack.workflows.check import check
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.sample import DemoSummary, demo_on, read_truth
from herntrack.workflows.workspace import create_workspace


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    """Return the demonstration on the committed cohort."""
    sample = Path(__file__).resolve().parents[2] / "sample_dicom"
    return demo_on(create_workspace(tmp_path_factory.mktemp("demo")), sample)


def test_every_lesion_comes_out_as_its_truth_says(shown: DemoSummary, sample_dicom: Path) -> None:
    assert shown.disagreements == ()
    assert shown.report.set_aside == ()
    with (shown.workspace.reports_folder / "lesions.csv").open(newline="") as file:
        found = {row["lesion_uid"]: row["outcome"] for row in csv.DictReader(file)}
    wanted = {
        lesion["lesion_uid"]: lesion["expected_outcome"]
        for patient in read_truth(sample_dicom)["patients"]
        for lesion in patient["lesions"]
    }
    assert found == wanted
    assert set(wanted.values()) >= {"resorption", "persistent_reduction", "transient_reduction"}


def test_measured_volumes_are_those_the_simulated_reader_drew(shown: DemoSummary, sample_dicom: Path) -> None:
    with (shown.workspace.reports_folder / "changes.csv").open(newline="") as file:
        rows = {(row["lesion_uid"], row["visit_date"]): row for row in csv.DictReader(file)}
    n_compared = 0
    for patient in read_truth(sample_dicom)["patients"][1:]:
        for visit in patient["visits"]:
            for uid, entry in visit["lesions"].items():
                row = rows[uid, visit["study_date"]]
                assert row["reading_status"] == entry["status"]
                expected = entry["read_volume_mm3"] or 0.0
                assert float(row["volume_mm3"]) == pytest.approx(expected, abs=0.02)
                n_compared += 1
    assert n_compared == 15
    assert len(rows) == 18
    assert not any("proposed" in row["flags"] for row in rows.values() if row["patient_id"] != "S-001")


def test_the_first_patient_is_proposed_from_one_click(shown: DemoSummary, sample_dicom: Path) -> None:
    with (shown.workspace.reports_folder / "changes.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["patient_id"] == "S-001"]
    assert [row["reader"] for row in rows] == ["herntrack"] * 3
    assert all("proposed" in row["flags"].split(";") for row in rows)
    assert [row["reading_status"] for row in rows] == ["present", "present", "absent"]
    # Nobody says that nothing is left, so the last visit is reduced by all of it, not absent.
    assert [row["visit_state"] for row in rows] == ["baseline", rows[1]["visit_state"], "reduced"]
    assert float(rows[2]["volume_mm3"]) == 0.0
    truth = read_truth(sample_dicom)["patients"][0]["visits"]
    for row, visit in zip(rows[:2], truth[:2], strict=True):
        (entry,) = visit["lesions"].values()
        assert float(row["volume_mm3"]) == pytest.approx(entry["true_volume_mm3"], rel=0.25)
    with (shown.workspace.reports_folder / "lesions.csv").open(newline="") as file:
        flags = {row["patient_id"]: row["flags"].split(";") for row in csv.DictReader(file)}
    assert [patient for patient, found in flags.items() if "proposed" in found] == ["S-001"]


def test_other_estimates_stand_beside_each_volume(shown: DemoSummary) -> None:
    with (shown.workspace.reports_folder / "volumes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    outlined = [row for row in rows if int(row["n_voxels"])]
    assert len(outlined) == 17
    for row in outlined:
        count, lower, upper, surface = (
            float(row[name])
            for name in ("volume_mm3", "lower_volume_mm3", "upper_volume_mm3", "surface_volume_mm3")
        )
        assert lower < count < upper
        assert 0.6 * count < surface < 1.2 * count
    by_intensity = [row for row in outlined if row["partial_volume_mm3"]]
    # Where the edge has too little contrast there is no such estimate.
    assert len(by_intensity) >= 15
    for row in by_intensity:
        assert float(row["partial_volume_mm3"]) == pytest.approx(float(row["volume_mm3"]), rel=0.4)
        assert float(row["partial_volume_error_mm3"]) > 0
    page = shown.report.files.report_html.read_text()
    assert page.count("by intensity") == len(by_intensity)


def test_the_page_shows_every_lesion_with_pictures_and_truth(shown: DemoSummary) -> None:
    page = shown.report.files.report_html.read_text()
    assert page.count("data:image/png;base64,") >= 12
    assert page.count("not a medical device") == 1
    assert "True volume" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert len(shown.report.files.patient_pages) == 5


def test_showing_it_again_adds_nothing(shown: DemoSummary, sample_dicom: Path) -> None:
    before = {what: list_rows(shown.workspace, what) for what in Listing}
    again = demo_on(shown.workspace, sample_dicom)
    assert {what: list_rows(again.workspace, what) for what in Listing} == before
    assert check(again.workspace).problems == ()


def test_the_catalogue_of_the_demonstration_can_be_rebuilt(shown: DemoSummary, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shown.workspace.folder, copy)
    from herntrack.workflows.workspace import open_workspace

    workspace = open_workspace(copy)
    before = {what: list_rows(workspace, what) for what in Listing}
    for path in copy.glob("catalogue.sqlite*"):
        path.unlink()
    rebuild(workspace)
    assert {what: list_rows(workspace, what) for what in Listing} == before


def test_an_altered_mask_is_noticed(shown: DemoSummary, tmp_path: Path) -> None:
    from herntrack.workflows.workspace import open_workspace

    copy = tmp_path / "copy"
    shutil.copytree(shown.workspace.folder, copy)
    altered = next((copy / "readings").rglob("*.dcm"))
    content = bytearray(altered.read_bytes())
    content[-1] ^= 1
    altered.write_bytes(content)
    problems = check(open_workspace(copy)).problems
    assert len(problems) == 1
    assert altered.name in problems[0]


def test_the_timeline_of_a_patient_shows_what_was_read(shown: DemoSummary) -> None:
    from herntrack.workflows.listings.timeline import patient_timeline

    timeline = patient_timeline(shown.workspace, "S-001")
    assert [visit.timepoint for visit in timeline.visits] == ["baseline", "1 month", "3 months"]
    assert [str(visit.readings[0].reading.status) for visit in timeline.visits] == [
        "present",
        "present",
        "absent",
    ]
    assert all(visit.unread == () for visit in timeline.visits)
    assert [str(outcome) for _, outcome in timeline.outcomes] == ["resorption"]


def test_the_timeline_is_drawn_to_scale(
    shown: DemoSummary, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from herntrack.cli.app import main

    monkeypatch.setattr(
        "sys.argv", ["herntrack", "-w", str(shown.workspace.folder), "show", "patient", "S-001"]
    )
    with pytest.raises(SystemExit):
        main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "S-001"
    days = [int(word) for word in lines[2].replace("day", "").split()]
    # Nobody has accepted the proposals yet.
    places = [place - 2 for place, mark in enumerate(lines[1]) if mark == "\N{WHITE CIRCLE}"]
    assert places == [round(day / days[-1] * 60) for day in days]
    assert lines[-1] == "L5-S1 left sequestration: resorption"
