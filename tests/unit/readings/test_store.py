"""The append-only store on real files: nothing is overwritten, everything is noticed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from herntrack.errors import GeometryMismatchError, ReadingError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import HerniationType, Level, Modality, ReadingStatus, Side
from herntrack.readings import atomic_files
from herntrack.readings.record_json import NEW_IN_2, NEW_IN_3, reading_from_json, reading_to_json
from herntrack.readings.store import ReadingStore
from tests.phantoms import grid
from tests.unit.imaging.image_files import image

GEOMETRY = grid((4.4, 0.7, 0.5), (4, 8, 9), origin_lps=(-60.0, 31.5, 212.0))
UIDS = [f"2.25.{2000 + index}" for index in range(4)]
MASK = np.zeros(GEOMETRY.shape_zyx, dtype=np.bool_)
MASK[1:3, 2:5, 3:6] = True
NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
LESION = Lesion(
    lesion_uid="2.25.11",
    patient_id="invented",
    level=Level.L4_L5,
    side=Side.LEFT,
    type=HerniationType.EXTRUSION,
    created_at=NOON,
)


def sources(**changes: Any) -> list[Dataset]:
    return [image(np.zeros((8, 9), dtype=np.uint16), GEOMETRY, index, **changes) for index in range(4)]


def reading(uid: str = "2.25.21", **changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "reading_uid": uid,
        "lesion_uid": LESION.lesion_uid,
        "visit_date": date(2024, 3, 4),
        "reader": "Reader One",
        "status": ReadingStatus.PRESENT,
        "reason": "",
        "stack_uid": "2.25.3000",
        "series_instance_uid": "2.25.1000",
        "study_instance_uid": "2.25.900",
        "modality": Modality.CT,
        "created_at": NOON,
        "source": "import NIfTI",
        "source_sha256": "ab" * 32,
    }
    return Reading(**(fields | changes))


def add(store: ReadingStore, each: Reading | None = None, **changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "lesion": LESION,
        "mask": MASK if (each or reading()).status is ReadingStatus.PRESENT else None,
        "source_images": sources(),
        "geometry": GEOMETRY,
    }
    return store.add_reading(each or reading(), **(fields | changes))


@pytest.fixture
def store(tmp_path: Path) -> ReadingStore:
    made = ReadingStore(tmp_path / "readings")
    made.add_lesion(LESION)
    return made


def codes(store: ReadingStore) -> list[tuple[str, str]]:
    return [(problem.code, problem.file) for problem in store.verify()]


def test_a_store_that_was_never_written_is_empty_and_sound(tmp_path: Path) -> None:
    store = ReadingStore(tmp_path / "none")
    assert (store.lesions(), store.readings(), store.verify()) == ([], [], [])
    assert not store.folder.exists()


def test_a_lesion_comes_back(store: ReadingStore) -> None:
    bare = Lesion(
        lesion_uid="2.25.10", patient_id="Жук-7", level=Level.L5_S1, side=None, type=None, created_at=NOON
    )
    store.add_lesion(bare)
    assert store.lesions() == [bare, LESION]


def test_a_reading_comes_back_with_its_object(store: ReadingStore) -> None:
    stored = add(store)
    assert stored.segmentation_file == "2.25.21.dcm"
    assert store.readings() == [stored]
    assert replace(stored, segmentation_file=None, segmentation_sha256=None) == reading()
    assert np.array_equal(store.load_mask(stored, GEOMETRY, UIDS), MASK)
    assert store.verify() == []


def test_paths_hold_identifiers_only(store: ReadingStore) -> None:
    add(store)
    found = sorted(
        path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*.*") if path.is_file()
    )
    assert found == ["2.25.11/2.25.21.dcm", "2.25.11/2.25.21.json", "lesions/2.25.11.json"]


def test_the_record_is_plain_sorted_json(store: ReadingStore) -> None:
    add(store)
    text = (store.folder / "2.25.11" / "2.25.21.json").read_text(encoding="utf-8")
    fields = json.loads(text)
    assert text == json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert fields["schema"] == 3
    assert fields["created_at"] == "2024-03-05T12:00:00+00:00"
    assert "superseded_by" not in fields
    assert set(fields) - {"schema", "record"} == {
        name for name in Reading.__slots__ if name != "superseded_by"
    }


PLANE = BasePlane.from_corners((-55.0, 33.1, 216.0), (-55.2, 34.7, 209.3), GEOMETRY)
PROPOSED = {
    "is_proposed": True,
    "base_plane": PLANE,
    "base_plane_source": "proposed from two corners",
    "points_lps": ((-58.7, 33.3, 213.1), (-57.5, 33.4, 213.9)),
    "background_points_lps": ((-50.1, 36.6, 211.0),),
    "proposed_from": "2.25.20",
    "guards": ("Only slice 3 holds the fragment.",),
    "descriptors": Descriptors(type=HerniationType.EXTRUSION, msu_size=2),
    "facet_line": FacetLine(ends_lps=((-66.1, 44.7, 212.0), (-49.3, 45.2, 212.6))),
}


@pytest.mark.parametrize("descriptors", [PROPOSED["descriptors"], Descriptors(), None])
def test_a_proposal_comes_back_with_its_plane_and_clicks(
    store: ReadingStore, descriptors: Descriptors | None
) -> None:
    stored = add(store, reading(**(PROPOSED | {"descriptors": descriptors})))
    assert store.readings() == [stored]
    # To the bit: a rebuilt catalogue has the same row.
    assert reading_from_json(reading_to_json(stored)).base_plane == PLANE
    assert store.verify() == []


def test_a_record_of_the_first_schema_is_an_accepted_reading_without_clicks(store: ReadingStore) -> None:
    stored = add(store)
    path = store.folder / "2.25.11" / "2.25.21.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    for schema, unsaid in ((2, NEW_IN_3), (1, NEW_IN_2)):
        old = {name: value for name, value in fields.items() if name not in unsaid} | {"schema": schema}
        assert len(fields) - len(old) == len(unsaid)
        path.write_text(json.dumps(old), encoding="utf-8")
        assert store.readings() == [stored]
        fields = old
    assert not store.readings()[0].is_proposed


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("is_proposed", "yes", "is_proposed is neither true nor false"),
        ("base_plane", {"corners_lps": [[0, 0, 0]]}, "a base plane is written as"),
        ("base_plane", {"corners_lps": [[0, 0, 0], [0, 0, 1]], "normal_lps": [0, 1, 0]}, "1.00 mm apart"),
        ("points_lps", [[1.0, 2.0]], "not enough values"),
        ("descriptors", {"size": 3}, "'size' is no descriptor"),
        ("facet_line", {"ends_lps": [[0, 0, 0]]}, "a facet line is written as"),
        ("facet_line", {"ends_lps": [[0, 0, 0], [0, 20, 0]]}, "does not run from side to side"),
    ],
)
def test_a_damaged_proposal_is_refused(name: str, value: Any, said: str) -> None:
    fields = json.loads(reading_to_json(reading(**PROPOSED)))
    with pytest.raises(ReadingError, match=said):
        reading_from_json(json.dumps(fields | {name: value}))


def test_the_same_store_is_written_twice_byte_for_byte(tmp_path: Path) -> None:
    for name in ("a", "b"):
        each = ReadingStore(tmp_path / name)
        each.add_lesion(LESION)
        add(each)
    for path in (tmp_path / "a").rglob("*.json"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_a_moment_in_another_zone_is_kept_as_utc(store: ReadingStore) -> None:
    from datetime import timezone

    local = datetime(2024, 3, 5, 15, 0, tzinfo=timezone(timedelta(hours=3)))
    add(store, reading(created_at=local))
    assert store.readings()[0].created_at.isoformat() == "2024-03-05T12:00:00+00:00"


def test_an_absent_reading_has_an_empty_object(store: ReadingStore) -> None:
    stored = add(store, reading(status=ReadingStatus.ABSENT, reason="none left"))
    assert stored.segmentation_sha256 is not None
    assert not store.load_mask(stored, GEOMETRY, UIDS).any()


def test_an_absent_reading_may_keep_a_residue(store: ReadingStore) -> None:
    residue = np.zeros_like(MASK)
    residue[2, 3, 3:5] = True
    stored = add(store, reading(status=ReadingStatus.ABSENT, reason="thin remnant"), mask=residue)
    assert np.array_equal(store.load_mask(stored, GEOMETRY, UIDS), residue)


def test_a_visit_without_a_usable_stack_has_no_object(store: ReadingStore) -> None:
    each = reading(
        status=ReadingStatus.NOT_EVALUABLE,
        reason="no images",
        stack_uid=None,
        series_instance_uid=None,
        study_instance_uid=None,
    )
    stored = add(store, each, source_images=[], geometry=None)
    assert stored.segmentation_file is None
    assert store.readings() == [stored]
    assert store.verify() == []
    with pytest.raises(ReadingError, match="has no mask"):
        store.load_mask(stored, GEOMETRY, UIDS)


def test_the_mark_of_simulated_images_is_carried_on(store: ReadingStore) -> None:
    stored = add(store, source_images=sources(SyntheticData="YES"))
    assert pydicom.dcmread(store.segmentation_path(stored)).SyntheticData == "YES"


def test_a_later_reading_supersedes_and_both_stay(store: ReadingStore) -> None:
    first = add(store)
    second = add(store, reading("2.25.22", supersedes=("2.25.21",), created_at=NOON + timedelta(hours=1)))
    third = add(store, reading("2.25.20", supersedes=("2.25.22",), created_at=NOON + timedelta(hours=2)))
    assert [each.superseded_by for each in store.readings()] == ["2.25.22", "2.25.20", None]
    assert [each.reading_uid for each in store.readings()] == [
        first.reading_uid,
        second.reading_uid,
        third.reading_uid,
    ]


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, {"mask": None}, "mask is empty"),
        ({}, {"mask": np.zeros_like(MASK)}, "mask is empty"),
        ({"status": ReadingStatus.ABSENT, "reason": " "}, {}, "says absent without a reason"),
        ({"status": ReadingStatus.NOT_EVALUABLE}, {}, "says not_evaluable without a reason"),
        ({"status": ReadingStatus.NOT_EVALUABLE, "reason": "motion"}, {"mask": MASK}, "leave the mask out"),
        ({"status": ReadingStatus.ABSENT, "reason": "gone"}, {"geometry": None}, "names no stack"),
        ({"supersedes": ("2.25.99",)}, {}, "supersedes 2.25.99"),
        ({"lesion_uid": "2.25.12"}, {}, "add the lesion first"),
        ({"created_at": datetime(2024, 3, 5)}, {}, "no time zone"),
        ({"reading_uid": "../../escape"}, {}, "no DICOM UID"),
        ({"reading_uid": "1." * 40 + "1"}, {}, "no DICOM UID"),
    ],
)
def test_what_contradicts_itself_is_refused_and_leaves_nothing(
    changes: dict[str, Any], arguments: dict[str, Any], message: str, store: ReadingStore
) -> None:
    with pytest.raises(ReadingError, match=message):
        add(store, replace(reading(), **changes), **arguments)
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == ["2.25.11.json"]


def test_a_mask_of_another_shape_leaves_nothing(store: ReadingStore) -> None:
    with pytest.raises(GeometryMismatchError):
        add(store, mask=MASK[:2])
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == ["2.25.11.json"]


def test_a_reading_cannot_be_added_twice(store: ReadingStore) -> None:
    add(store)
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    with pytest.raises(ReadingError, match="in the store already"):
        add(store, mask=~MASK)
    assert {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()} == before


def test_a_lesion_cannot_be_added_twice(store: ReadingStore) -> None:
    with pytest.raises(ReadingError, match="nothing is overwritten"):
        store.add_lesion(replace(LESION, level=Level.L5_S1))
    assert store.lesions() == [LESION]


def test_a_lesion_that_is_not_stored_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="add the lesion first"):
        add(ReadingStore(tmp_path / "fresh"))


def test_a_crash_before_the_record_leaves_an_object_that_is_named(
    store: ReadingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled_plug(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Path, "write_text", pulled_plug)
    with pytest.raises(SystemExit):
        add(store)
    assert store.readings() == []
    assert codes(store) == [("object_without_record", "2.25.11/2.25.21.dcm")]


def test_a_full_disk_leaves_nothing_and_the_reading_can_be_recorded_again(
    store: ReadingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full_disk)
        with pytest.raises(
            ReadingError, match=r"cannot be written: No space left on device; nothing was recorded"
        ):
            add(store)
    assert store.verify() == []
    assert add(store).reading_uid == "2.25.21"


def test_a_disk_that_fills_up_in_the_object_leaves_nothing(
    store: ReadingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ReadingError, match="No space left"):
        add(store)
    assert list((store.folder / "2.25.11").iterdir()) == []


def test_a_failed_write_leaves_no_temporary_file(store: ReadingStore) -> None:
    broken = sources()
    del broken[2].ImagePositionPatient
    with pytest.raises(Exception, match="ImagePositionPatient"):
        add(store, source_images=broken)
    assert list((store.folder / "2.25.11").iterdir()) == []


def test_without_links_files_are_written_all_the_same(
    store: ReadingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    stored = add(store)
    assert store.verify() == []
    assert np.array_equal(store.load_mask(stored, GEOMETRY, UIDS), MASK)
    with pytest.raises(FileExistsError), atomic_files.new_file(store.segmentation_path(stored)) as temporary:
        temporary.write_text("other")
    assert store.verify() == []


def test_an_object_that_was_changed_is_noticed(store: ReadingStore) -> None:
    stored = add(store)
    path = store.segmentation_path(stored)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert codes(store) == [("changed_object", "2.25.11/2.25.21.dcm")]
    with pytest.raises(ReadingError, match="was changed since it was written"):
        store.load_mask(stored, GEOMETRY, UIDS)


def test_an_object_that_is_gone_is_noticed(store: ReadingStore) -> None:
    stored = add(store)
    store.segmentation_path(stored).unlink()
    assert codes(store) == [("missing_object", "2.25.11/2.25.21.dcm")]
    with pytest.raises(ReadingError, match="is missing"):
        store.load_mask(stored, GEOMETRY, UIDS)


def test_a_lesion_that_is_gone_is_noticed(store: ReadingStore) -> None:
    add(store)
    (store.folder / "lesions" / "2.25.11.json").unlink()
    assert codes(store) == [("record_without_lesion", "2.25.11/2.25.21.json")]


def test_a_superseded_reading_that_is_gone_is_noticed(store: ReadingStore) -> None:
    first = add(store)
    add(store, reading("2.25.22", supersedes=(first.reading_uid,)))
    for suffix in (".json", ".dcm"):
        (store.folder / "2.25.11" / f"2.25.21{suffix}").unlink()
    assert codes(store) == [("superseded_unknown", "2.25.11/2.25.22.json")]


def test_a_record_that_was_renamed_is_noticed(store: ReadingStore) -> None:
    add(store)
    (store.folder / "2.25.11" / "2.25.21.json").rename(store.folder / "2.25.11" / "2.25.29.json")
    (store.folder / "lesions" / "2.25.11.json").rename(store.folder / "lesions" / "2.25.18.json")
    assert codes(store) == [
        ("object_without_record", "2.25.11/2.25.21.dcm"),
        ("misplaced_record", "2.25.11/2.25.29.json"),
        ("misplaced_record", "lesions/2.25.18.json"),
    ]


def test_a_file_that_a_crash_left_is_noticed_and_not_read(store: ReadingStore) -> None:
    add(store)
    (store.folder / "2.25.11" / f"{atomic_files.TEMPORARY_PREFIX}0.json").write_text("{")
    assert len(store.readings()) == 1
    assert codes(store) == [("unfinished_file", "2.25.11/.unfinished-0.json")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ no json", "no JSON"),
        ("[]", "no schema number"),
        ('{"schema": 1, "record": "lesion"}', "is of a lesion, not of a reading"),
        ('{"schema": 1, "record": "reading"}', "no reading_uid"),
        ('{"schema": 4, "record": "reading"}', "schema 4; this version reads up to 3: update herntrack"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_with_the_reason(
    text: str, message: str, store: ReadingStore
) -> None:
    add(store)
    (store.folder / "2.25.11" / "2.25.21.json").write_text(text)
    with pytest.raises(ReadingError, match=rf"2\.25\.11/2\.25\.21\.json: .*{message}"):
        store.readings()
    (problem,) = store.verify()
    assert (problem.code, problem.file) == ("unreadable_record", "2.25.11/2.25.21.json")
    assert problem.message.endswith("; restore it from a backup")
    assert "2.25.21.json" not in problem.message
    found = store.readable()
    assert ([each.lesion_uid for each in found.lesions], found.readings) == (["2.25.11"], ())
    assert found.problems == (problem,)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "readings").write_text("")
    with pytest.raises(ReadingError, match=r"readings folder cannot be written: Not a directory"):
        ReadingStore(tmp_path / "readings").add_lesion(LESION)


def test_a_moment_without_time_zone_is_unreadable(store: ReadingStore) -> None:
    add(store)
    path = store.folder / "2.25.11" / "2.25.21.json"
    path.write_text(path.read_text().replace("+00:00", ""))
    assert [code for code, _ in codes(store)] == ["unreadable_record"]


def test_a_reading_whose_lesion_cannot_be_read_is_left_out_by_name(store: ReadingStore) -> None:
    add(store)
    (store.folder / "lesions" / "2.25.11.json").write_text("{")
    found = store.readable()
    assert (found.lesions, found.readings) == ((), ())
    assert [(each.code, each.file) for each in found.problems] == [
        ("unreadable_record", "lesions/2.25.11.json"),
        ("record_without_lesion", "2.25.11/2.25.21.json"),
    ]


@pytest.mark.parametrize("field", ["status", "visit_date", "supersedes", "reader"])
def test_a_record_with_a_nonsense_field_is_unreadable(field: str, store: ReadingStore) -> None:
    add(store)
    path = store.folder / "2.25.11" / "2.25.21.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {field: 17}))
    assert [code for code, _ in codes(store)] == ["unreadable_record"]


def test_a_damaged_lesion_is_named(store: ReadingStore) -> None:
    (store.folder / "lesions" / "2.25.11.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ReadingError, match=r"lesions/2\.25\.11\.json"):
        store.lesions()
