"""Patients joined and parted, days counted from a chosen visit: the same after every rebuild."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from herntrack.errors import CatalogueError, RecordNotFoundError
from herntrack.model.decisions import PatientMerge
from herntrack.model.vocabulary import Level, ReadingStatus
from herntrack.readings.decisions import DecisionStore
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.check import check
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.patients.merged_rows import patients_followed_as
from herntrack.workflows.patients.merges import merge_patients, split_patient
from herntrack.workflows.patients.people import people_of
from herntrack.workflows.patients.visits import choose_baseline
from herntrack.workflows.reading.readings import add_lesion, read_without_mask
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.recording import Origin
from herntrack.workflows.reporting.classify import assess, classify
from herntrack.workflows.reporting.rows import BASELINE_UNREAD, UNREAD, change_rows
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace, create_workspace
from tests.factories import ROOT, make_dataset, make_series, write, write_series
from tests.integration.command import Herntrack


def examination(patient_id: str, day: str, name: str = "Ivanova^Anna", **values: Any) -> list[Dataset]:
    """Return one small study on a date."""
    study = f"{ROOT}.7.{day}{sum(map(ord, patient_id))}"
    return make_series(
        3,
        **{
            "StudyInstanceUID": study,
            "SeriesInstanceUID": f"{study}.1",
            "PatientID": patient_id,
            "PatientName": name,
            "PatientBirthDate": "19700203",
            "PatientSex": "F",
            "StudyDate": day,
            "BodyPartExamined": "LSPINE",
            "StudyDescription": "MR lumbar spine",
            **values,
        },
    )


def tables(workspace: Workspace) -> dict[str, list[Any]]:
    """Return every row of every table, in a fixed order."""
    with sqlite3.connect(workspace.catalogue_path) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}  # noqa: S608


def days(workspace: Workspace, patient_id: str) -> list[tuple[str, int, str]]:
    rows = list_rows(workspace, Listing.VISITS, patient_id=patient_id)
    return [(row["visit_date"], row["day"], row["timepoint"]) for row in rows]


@pytest.fixture
def two_ids(workspace: Workspace, tmp_path: Path) -> Workspace:
    """One person under two PatientIDs, in Latin and in mislabelled Cyrillic letters."""
    write_series(tmp_path / "export" / "a", examination("A", "20240110"))
    # The bytes of one code page under the name of another.
    written = "Иванова^Анна".encode("cp1251").decode("latin-1")
    write_series(
        tmp_path / "export" / "b", examination("B", "20240201", written, SpecificCharacterSet="ISO_IR 100")
    )
    write_series(tmp_path / "export" / "c", examination("A", "20240415"))
    return ingest(workspace, [tmp_path / "export"]).workspace


def assert_rebuild_changes_nothing(workspace: Workspace) -> None:
    classify(workspace)
    before = tables(workspace)
    workspace.catalogue_path.unlink()
    rebuild(workspace)
    assert tables(workspace) == before


def test_one_person_under_two_ids_is_proposed_and_told_without_the_name(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_series(tmp_path / "export" / "a", examination("A", "20240110"))
    write_series(tmp_path / "export" / "b", examination("B", "20240201", "IVANOVA^ANNA PETROVNA"))
    summary = ingest(workspace, [tmp_path / "export"])
    (note,) = [note for note in summary.notes if "herntrack patient proposals" in note]
    assert note.startswith("1 pair(s)")
    assert not any("ivanova" in note.lower() for note in summary.notes)
    (proposal,) = people_of(summary.workspace).proposals
    assert (proposal.patient_id, proposal.other_patient_id, str(proposal.grade)) == ("A", "B", "likely")
    assert len(list_rows(summary.workspace, Listing.PATIENTS)) == 2


def test_mislabelled_cyrillic_is_shown_right_and_its_bytes_are_kept(two_ids: Workspace) -> None:
    with catalogue_of(two_ids) as catalogue:
        (study,) = [each for each in catalogue.images.studies() if each.patient_id == "B"]
    assert study.person.name == "Иванова Анна"
    assert bytes.fromhex(study.person.name_bytes).rstrip() == "Иванова^Анна".encode("cp1251")
    assert study.person.read_as.startswith("cp1251, stated ISO_IR 100: ")
    assert [str(each.grade) for each in people_of(two_ids).proposals] == ["likely"]


def test_merged_patients_share_visits_and_lesions_also_after_a_rebuild(two_ids: Workspace) -> None:
    lesion = add_lesion(two_ids, patient_id="B", level=Level.L5_S1).lesion
    moved = merge_patients(two_ids, "B", "A", decided_by="reader-a", reason="one passport")
    assert (moved.n_studies, moved.n_lesions) == (1, 1)
    assert days(two_ids, "A") == [
        ("2024-01-10", 0, "baseline"),
        ("2024-02-01", 22, "1 month"),
        ("2024-04-15", 96, "3 months"),
    ]
    assert [row["patient_id"] for row in list_rows(two_ids, Listing.PATIENTS)] == ["A"]
    assert [row["patient_id"] for row in list_rows(two_ids, Listing.LESIONS)] == ["A"]
    with catalogue_of(two_ids) as catalogue:
        assert {each.stated_patient_id for each in catalogue.images.studies()} == {"A", "B"}
    # What was said stays as it was said.
    assert people_of(two_ids).proposals == ()
    assert people_of(two_ids).mixtures == ()
    read_without_mask(
        two_ids,
        lesion_uid=lesion.lesion_uid,
        visit_date=date(2024, 4, 15),
        reader="reader-a",
        status=ReadingStatus.NOT_EVALUABLE,
        reason="motion",
    )
    assert_rebuild_changes_nothing(two_ids)
    assert check(two_ids).problems == ()


def test_a_merge_holds_for_images_that_come_later(two_ids: Workspace, tmp_path: Path) -> None:
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    write_series(tmp_path / "export" / "d", examination("B", "20231220"))
    # Another series of a study that is followed as A already: its files say B all the same.
    series = f"{examination('B', '20240201')[0].StudyInstanceUID}.2"
    more = examination("B", "20240201", number=2, SeriesInstanceUID=series, SeriesNumber=2)
    write_series(tmp_path / "export" / "f", more)
    summary = ingest(two_ids, [tmp_path / "export"])
    assert summary.set_aside == ()
    assert [(day, when) for _, day, when in days(two_ids, "A")] == [
        (0, "baseline"),
        (21, "1 month"),
        (43, "1 month"),
        (117, "3 months"),
    ]
    assert_rebuild_changes_nothing(two_ids)


def test_a_split_makes_the_rows_of_before(two_ids: Workspace) -> None:
    add_lesion(two_ids, patient_id="B", level=Level.L5_S1)
    classify(two_ids)
    before = tables(two_ids)
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    with pytest.raises(CatalogueError, match="B is merged into A"):
        merge_patients(two_ids, "B", "A", decided_by="reader-a")
    moved = split_patient(two_ids, "B", decided_by="reader-b", reason="a sister")
    assert (moved.n_studies, moved.n_lesions) == (1, 1)
    assert tables(two_ids) == before
    assert_rebuild_changes_nothing(two_ids)
    with pytest.raises(RecordNotFoundError, match="not merged"):
        split_patient(two_ids, "B", decided_by="reader-b")


def test_chains_of_merges_end_at_the_last_patient(two_ids: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "e", examination("C", "20240601"))
    ingest(two_ids, [tmp_path / "export"])
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    merge_patients(two_ids, "A", "C", decided_by="reader-a")
    assert [row["patient_id"] for row in list_rows(two_ids, Listing.PATIENTS)] == ["C"]
    assert_rebuild_changes_nothing(two_ids)
    split_patient(two_ids, "A", decided_by="reader-a")
    assert [row["n_studies"] for row in list_rows(two_ids, Listing.PATIENTS)] == [3, 1]


@pytest.mark.parametrize(
    "words",
    [
        ("show", "patient", "B"),
        ("lesion", "add", "--level", "L5-S1", "--patient", "B"),
        ("align", "--patient", "B"),
        ("level", "list", "--patient", "B"),
        ("report", "--patient", "B"),
        ("patient", "baseline", "B", "--undo"),
    ],
)
def test_who_is_followed_under_another_id_is_told_which(two_ids: Workspace, words: tuple[str, ...]) -> None:
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    said = Herntrack(two_ids.folder)(*words, code=1).stderr
    assert "B is merged into A; name that one" in said


def test_a_patient_without_an_identifier_can_be_merged(two_ids: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "u", examination("", "20240301"))
    ingest(two_ids, [tmp_path / "export"])
    (unnamed,) = [r["patient_id"] for r in list_rows(two_ids, Listing.PATIENTS) if not r["is_identified"]]
    merge_patients(two_ids, unnamed, "A", decided_by="reader-a")
    assert [day for _, day, _ in days(two_ids, "A")] == [0, 51, 96]
    assert_rebuild_changes_nothing(two_ids)
    split_patient(two_ids, unnamed, decided_by="reader-a")
    assert days(two_ids, unnamed) == [("2024-03-01", 0, "baseline")]


def test_a_patient_whose_identifier_was_given_can_be_merged(two_ids: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "other" / "u", examination("", "20240301"))
    project = ingest(two_ids, [tmp_path / "other"], patient_id="G").workspace
    merge_patients(project, "G", "A", decided_by="reader-a")
    assert [day for _, day, _ in days(project, "A")] == [0, 51, 96]
    assert_rebuild_changes_nothing(project)
    split_patient(project, "G", decided_by="reader-a")
    assert days(project, "G") == [("2024-03-01", 0, "baseline")]


def test_a_decision_that_the_catalogue_missed_is_named_and_applied_by_the_next_ingest(
    two_ids: Workspace, tmp_path: Path
) -> None:
    merge = PatientMerge(
        decision_uid="2.25.5",
        patient_id="B",
        into_patient_id="A",
        decided_by="reader-a",
        decided_at=datetime(2024, 5, 1, tzinfo=UTC),
    )
    DecisionStore(two_ids.readings_folder).add(merge)
    assert [problem for problem in check(two_ids).problems if "patient B was merged" in problem] != []
    assert ingest(two_ids, [tmp_path / "export"]).n_read == 0
    assert len(days(two_ids, "A")) == 3
    assert check(two_ids).problems == ()


def test_rows_of_an_earlier_version_are_not_merged_before_their_files_are_read(two_ids: Workspace) -> None:
    with sqlite3.connect(two_ids.catalogue_path) as connection:
        connection.execute("UPDATE study SET stated_patient_id = ''")
    with pytest.raises(CatalogueError, match="herntrack rebuild, then merge"):
        merge_patients(two_ids, "B", "A", decided_by="reader-a")
    rebuild(two_ids)
    assert merge_patients(two_ids, "B", "A", decided_by="reader-a").n_studies == 1


def test_merges_that_would_close_a_circle_do_not_count() -> None:
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    merges = [
        PatientMerge(
            decision_uid=f"2.25.{number}",
            patient_id=patient_id,
            into_patient_id=into,
            decided_by="reader-a",
            decided_at=moment + timedelta(days=number),
        )
        for number, (patient_id, into) in enumerate([("A", "B"), ("B", "C"), ("C", "A"), ("D", "A")])
    ]
    assert patients_followed_as(merges) == {"A": "C", "B": "C", "D": "C"}


def test_a_merge_against_the_evidence_is_refused_with_what_differs(
    two_ids: Workspace, tmp_path: Path
) -> None:
    other = examination("C", "20240601", "Petrov^Oleg", PatientBirthDate="19900101", PatientSex="M")
    write_series(tmp_path / "export" / "e", other)
    ingest(two_ids, [tmp_path / "export"])
    with pytest.raises(CatalogueError) as refused:
        merge_patients(two_ids, "C", "A", decided_by="reader-a")
    told = str(refused.value)
    assert "2 different birth dates; different sex (F and M); clearly different names" in told
    assert not any(secret in told for secret in ("Petrov", "1990", "1970"))
    before = tables(two_ids)
    with pytest.raises(RecordNotFoundError, match="no patient 'Z'"):
        merge_patients(two_ids, "Z", "A", decided_by="reader-a")
    assert tables(two_ids) == before
    merge_patients(two_ids, "C", "A", decided_by="reader-a", is_forced=True)
    assert len(days(two_ids, "A")) == 3
    # Two PatientIDs that a person joined are no mixture: that was decided.
    assert people_of(two_ids).mixtures == ()


def test_a_split_that_tears_a_lesion_is_refused(two_ids: Workspace) -> None:
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    lesion = add_lesion(two_ids, patient_id="A", level=Level.L5_S1).lesion
    read_without_mask(
        two_ids,
        lesion_uid=lesion.lesion_uid,
        visit_date=date(2024, 2, 1),
        reader="reader-a",
        status=ReadingStatus.NOT_EVALUABLE,
        reason="motion",
    )
    with pytest.raises(CatalogueError, match=f"1 lesion.*{lesion.lesion_uid}"):
        split_patient(two_ids, "B", decided_by="reader-a")
    assert len(days(two_ids, "A")) == 3
    moved = split_patient(two_ids, "B", decided_by="reader-a", is_forced=True)
    assert moved.notes != ()
    assert any(lesion.lesion_uid in problem for problem in check(two_ids).problems)


def test_a_damaged_decision_is_named_and_does_not_stop_anything(two_ids: Workspace, tmp_path: Path) -> None:
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    (path,) = (two_ids.readings_folder / "decisions").iterdir()
    path.write_text("{")
    (problem,) = check(two_ids).problems
    assert problem.startswith(f"decisions/{path.name}: ")
    summary = rebuild(two_ids)
    assert summary.counts.patients == 2
    notes = ingest(two_ids, [tmp_path / "export"]).notes
    assert any(path.name in note for note in notes)


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_visits_do_not_depend_on_the_order_of_arrival(tmp_path: Path, order: tuple[str, ...]) -> None:
    dates = {"a": "20240110", "b": "20240215", "c": "20240420"}
    project = create_workspace(tmp_path / "study")
    for name in order:
        write_series(tmp_path / "export" / name, examination("A", dates[name]))
        project = ingest(project, [tmp_path / "export"]).workspace
    assert days(project, "A") == [
        ("2024-01-10", 0, "baseline"),
        ("2024-02-15", 36, "1 month"),
        ("2024-04-20", 101, "3 months"),
    ]


def test_two_studies_on_one_date_are_one_visit_and_neighbouring_dates_are_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_series(tmp_path / "export" / "a", examination("A", "20240110"))
    second = examination("A", "20240110", StudyInstanceUID=f"{ROOT}.8", SeriesInstanceUID=f"{ROOT}.8.1")
    write_series(tmp_path / "export" / "b", second)
    write_series(tmp_path / "export" / "c", examination("A", "20240111"))
    summary = ingest(workspace, [tmp_path / "export"])
    assert [day for _, day, _ in days(workspace, "A")] == [0, 1]
    assert any("visits on 2024-01-10 and 2024-01-11; they stay two" in note for note in summary.notes)


def test_the_proposed_baseline_is_the_first_lumbar_visit(workspace: Workspace, tmp_path: Path) -> None:
    head = {"BodyPartExamined": "HEAD", "StudyDescription": "MR brain", "SeriesDescription": "T2 AX BRAIN"}
    write_series(tmp_path / "export" / "a", examination("A", "20240101", **head))
    write_series(tmp_path / "export" / "b", examination("A", "20240110"))
    ingest(workspace, [tmp_path / "export"])
    assert days(workspace, "A") == [("2024-01-01", -9, "unscheduled"), ("2024-01-10", 0, "baseline")]


def test_a_confirmed_baseline_counts_from_there_and_forgets_earlier_readings(two_ids: Workspace) -> None:
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    lesion = add_lesion(two_ids, patient_id="A", level=Level.L5_S1).lesion
    for visit in (date(2024, 1, 10), date(2024, 4, 15)):
        read_without_mask(
            two_ids,
            lesion_uid=lesion.lesion_uid,
            visit_date=visit,
            reader="reader-a",
            status=ReadingStatus.NOT_EVALUABLE,
            reason="motion",
        )
    visits = choose_baseline(two_ids, "A", date(2024, 2, 1), decided_by="reader-a")
    assert [(visit.day, visit.timepoint, visit.is_baseline_confirmed) for visit in visits] == [
        (-22, "unscheduled", True),
        (0, "baseline", True),
        (74, "3 months", True),
    ]
    assert_rebuild_changes_nothing(two_ids)
    rows = _change_rows(two_ids)
    # The first visit is before day 0, the second was not read: the third has to stand in, and says so.
    assert [(str(row.visit_date), row.day, row.flags) for row in rows] == [
        ("2024-04-15", 0, (BASELINE_UNREAD,))
    ]
    again = choose_baseline(two_ids, "A", None, decided_by="reader-a")
    assert [(visit.day, visit.is_baseline_confirmed) for visit in again] == [
        (0, False),
        (22, False),
        (96, False),
    ]
    assert [(row.day, row.flags) for row in _change_rows(two_ids)][:2] == [(0, ()), (22, (UNREAD,))]
    with pytest.raises(RecordNotFoundError, match="no visit on 2024-01-11; there are: 2024-01-10"):
        choose_baseline(two_ids, "A", date(2024, 1, 11), decided_by="reader-a")


def test_a_baseline_whose_visit_is_gone_is_proposed_again(two_ids: Workspace) -> None:
    merge_patients(two_ids, "B", "A", decided_by="reader-a")
    choose_baseline(two_ids, "A", date(2024, 2, 1), decided_by="reader-a")
    split_patient(two_ids, "B", decided_by="reader-a")
    rows = list_rows(two_ids, Listing.VISITS, patient_id="A")
    assert [(row["day"], row["is_baseline_confirmed"]) for row in rows] == [(0, False), (96, False)]


def _change_rows(workspace: Workspace) -> list[Any]:
    rules = load_rules()
    with catalogue_of(workspace) as catalogue:
        (assessment,) = assess(catalogue, workspace, rules).assessments
        visits = catalogue.images.visits("A")
    return change_rows(assessment, visits, rules, workspace.settings.windows)


def test_two_people_under_one_id_are_noticed(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "a", examination("A", "20240110"))
    write_series(tmp_path / "export" / "b", examination("A", "20240301", "Petrov^Oleg", PatientSex="M"))
    summary = ingest(workspace, [tmp_path / "export"])
    assert any("1 PatientID(s) may hold two people (A)" in note for note in summary.notes)
    (mixture,) = people_of(workspace).mixtures
    assert mixture.evidence == ("different sex (F and M)", "clearly different names")


def test_files_of_one_study_that_name_others_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    datasets = examination("A", "20240110")
    datasets[2].PatientName = "Ivanova^A"
    write_series(tmp_path / "export", datasets)
    summary = ingest(workspace, [tmp_path / "export"])
    assert any("differ from those of the study's first file in 1 file(s)" in note for note in summary.notes)
    with catalogue_of(workspace) as catalogue:
        (study,) = catalogue.images.studies()
    assert study.person.name == "Ivanova Anna"


def test_the_commands_tell_no_name_unless_asked(two_ids: Workspace) -> None:
    run = Herntrack(two_ids.folder)
    proposals = run.json("patient", "proposals")
    assert [(each["patient_id"], each["other_patient_id"]) for each in proposals["same_person"]] == [
        ("A", "B")
    ]
    assert "names" not in proposals["same_person"][0]
    named = run.json("patient", "proposals", "--names")["same_person"][0]
    assert (named["names"], named["other_names"]) == (["Ivanova Anna"], ["Иванова Анна"])
    assert "Ivanova" not in run("patient", "proposals").stdout
    moved = run.json("patient", "merge", "B", "A", "--by", "reader-a", "--reason", "one passport")
    assert (moved["n_studies"], moved["into_patient_id"]) == (1, "A")
    rows = run.json("patient", "baseline", "A", "2024-02-01", "--by", "reader-a")
    assert [row["day"] for row in rows] == [-22, 0, 74]
    run("patient", "baseline", "A", code=2)
    run("patient", "baseline", "A", "--undo")
    run("patient", "split", "B", "--by", "reader-a")
    said = [(row["kind"], row["said"], row["is_standing"]) for row in run.json("patient", "decisions")]
    assert said == [
        ("patient_merge", "followed as A", False),
        ("baseline_choice", "day 0 is 2024-02-01", False),
        ("baseline_choice", "day 0 is proposed", True),
        ("patient_split", "stands for itself", True),
    ]
    assert "Иванова" in run("list", "patients", "--names").stdout
    assert "Иванова" not in run("list", "patients").stdout
    assert "Ivanova" in run("show", "patient", "A", "--names").stdout
    assert "Ivanova" not in run("show", "patient", "A").stdout
    assert "Ivanova" not in json.dumps(run.json("show", "patient", "A"))


def test_who_and_when_are_in_the_record(two_ids: Workspace) -> None:
    moment = datetime(2024, 5, 1, 12, tzinfo=UTC)
    origin = Origin(now=lambda: moment, uid=lambda: "2.25.77")
    merge_patients(two_ids, "B", "A", decided_by="reader-a", reason="one passport", origin=origin)
    record = json.loads((two_ids.readings_folder / "decisions" / "2.25.77.json").read_text())
    assert record == {
        "schema": 1,
        "record": "decision",
        "kind": "patient_merge",
        "decision_uid": "2.25.77",
        "patient_id": "B",
        "into_patient_id": "A",
        "decided_by": "reader-a",
        "decided_at": "2024-05-01T12:00:00+00:00",
        "reason": "one passport",
    }


def test_files_of_one_study_that_state_two_dates_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "a", examination("A", "20240110"))
    study = {"StudyInstanceUID": examination("A", "20240110")[0].StudyInstanceUID}
    after_midnight = examination("A", "20240111", number=2, SeriesInstanceUID=f"{ROOT}.8.1", **study)
    write_series(tmp_path / "export" / "b", after_midnight)
    summary = ingest(workspace, [tmp_path / "export"])
    assert [day for _, day, _ in days(workspace, "A")] == [0]
    (note,) = (note for note in summary.notes if "date differs" in note)
    assert note.startswith(
        f"the study's date differs from that of the study's first file in {len(after_midnight)}"
    )


def test_a_summary_names_the_first_few_of_a_kind_and_counts_the_rest(
    workspace: Workspace, tmp_path: Path
) -> None:
    for number in range(8):
        blank = {"PatientID": "", "StudyDate": "", "StudyInstanceUID": f"{ROOT}.5.{number}"}
        image = make_dataset(
            SOPInstanceUID=f"{ROOT}.9.{number}", SeriesInstanceUID=f"{ROOT}.6.{number}", **blank
        )
        write(image, tmp_path / "export" / str(number))
    notes = ingest(workspace, [tmp_path / "export"]).notes
    assert sum("has no date" in note for note in notes) == 5
    assert "... and 3 more studies have no date: herntrack list series" in notes
    assert sum("has a derived identifier" in note for note in notes) == 5
    assert "... and 3 more patients have derived identifiers: herntrack list patients" in notes
