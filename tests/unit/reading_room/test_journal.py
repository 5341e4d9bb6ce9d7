"""A journal keeps every step and comes back up to its last whole record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from herntrack.errors import DraftError, DraftInUseError
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.vocabulary import HerniationType, ReadingStatus
from herntrack.reading_room.draft_contents import beginning_of, beginning_record
from herntrack.reading_room.draft_files import DraftKey, draft_locked, draft_path
from herntrack.reading_room.edits import MaskEdit
from herntrack.reading_room.journal import DraftBeginning, Journal, Judgement, read_draft
from herntrack.reading_room.journal_format import JournalRecord, Kind, edit_of, framed, read_records
from herntrack.reading_room.mask_session import MaskSession
from tests.unit.reading_room.painted import KEY, LINE, MOMENT, PLANE, empty, sagittal

GRID = sagittal()
ABSENT = Judgement(
    status=ReadingStatus.ABSENT,
    reason="nothing is left",
    descriptors=Descriptors(type=HerniationType.EXTRUSION),
)


def beginning() -> DraftBeginning:
    mask = empty(GRID)
    mask[3, 10:20, 10:20] = True
    return DraftBeginning(key=KEY, geometry=GRID, mask=mask, known_uids=("2.25.1",), base_plane=PLANE)


def opened(path: Path) -> tuple[MaskSession, Journal]:
    start = beginning()
    journal = Journal.begun(path, start, clock=lambda: MOMENT)
    return MaskSession(start.mask, GRID, base_plane=start.base_plane, sink=journal), journal


def worked(path: Path) -> MaskSession:
    session, journal = opened(path)
    session.brush(1, [[12, 12], [12, 20]], radius_mm=3.0)
    session.brush(3, [[15, 15]], radius_mm=1.0, value=False)
    session.undo()
    session.undo()
    session.redo()
    session.move_base_plane(None)
    journal.close()
    return session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return draft_path(tmp_path / "readings", KEY)


def test_what_was_done_comes_back_with_its_history(path: Path) -> None:
    session = worked(path)
    draft = read_draft(path)
    assert draft is not None
    assert np.array_equal(draft.session.mask, session.mask)
    assert draft.session.base_plane is None
    assert draft.session.n_voxels == session.n_voxels
    assert (draft.n_kept, draft.last_at, draft.lost) == (3, MOMENT, "")
    assert draft.sentence == "Changes restored: 3, the last of 2024-05-06 07:08 UTC."
    assert draft.is_unsaved
    draft.session.undo()
    assert draft.session.base_plane == PLANE
    draft.session.undo()
    assert np.array_equal(draft.session.mask, beginning().mask)


def test_the_beginning_comes_back_whole(path: Path) -> None:
    opened(path)[1].close()
    draft = read_draft(path)
    assert draft is not None
    assert draft.beginning.key == KEY
    assert draft.beginning.geometry == GRID
    assert draft.beginning.known_uids == ("2.25.1",)
    assert draft.beginning.base_plane == PLANE
    assert draft.judgement == Judgement()
    assert not draft.is_unsaved


def test_the_facet_line_comes_back_with_its_history(path: Path) -> None:
    start = replace(beginning(), facet_line=LINE)
    moved = FacetLine.through(np.add(LINE.ends_lps, (0.0, 1.0, 0.0)))
    journal = Journal.begun(path, start, clock=lambda: MOMENT)
    session = MaskSession(start.mask, GRID, facet_line=LINE, sink=journal)
    session.move_facet_line(moved)
    session.move_facet_line(None)
    session.undo()
    journal.close()
    draft = read_draft(path)
    assert draft is not None
    assert (draft.session.facet_line, draft.is_unsaved) == (moved, True)
    draft.session.undo()
    assert (draft.session.facet_line, draft.is_unsaved) == (LINE, False)
    draft.session.redo()
    draft.session.redo()
    assert draft.session.facet_line is None


def test_a_draft_of_a_version_without_facet_lines_goes_on() -> None:
    record = beginning_record(beginning(), MOMENT)
    values = {name: value for name, value in record.values.items() if name != "facet_line"} | {"schema": 1}
    old = beginning_of(replace(record, values=values))
    assert (old.facet_line, old.base_plane, old.key) == (None, PLANE, KEY)
    with pytest.raises(DraftError, match="schema 3; this version reads up to 2"):
        beginning_of(replace(record, values=values | {"schema": 3}))


def test_a_draft_goes_on_after_it_was_restored(path: Path) -> None:
    worked(path)
    draft = read_draft(path)
    assert draft is not None
    journal = Journal.resumed(path, draft, clock=lambda: MOMENT + timedelta(hours=1))
    draft.session.set_sink(journal)
    draft.session.undo()
    draft.session.brush(0, [[5, 5]], radius_mm=2.0)
    journal.close()
    again = read_draft(path)
    assert again is not None
    assert np.array_equal(again.session.mask, draft.session.mask)
    assert again.session.base_plane == PLANE
    assert again.last_at == MOMENT + timedelta(hours=1)


def test_a_saved_draft_is_not_unsaved_until_something_is_done(path: Path) -> None:
    session, journal = opened(path)
    session.brush(1, [[12, 12]], radius_mm=3.0)
    journal.judged(ABSENT)
    journal.settle()
    before = read_draft(path)
    assert before is not None
    assert before.is_unsaved
    assert before.judgement == ABSENT
    journal.saved("2.25.99")
    journal.settle()
    saved = read_draft(path)
    assert saved is not None
    assert (saved.saved_uid, saved.is_unsaved) == ("2.25.99", False)
    journal.judged(Judgement())
    journal.close()
    after = read_draft(path)
    assert after is not None
    assert after.is_unsaved


@pytest.mark.parametrize("n_cut", [1, 7, 14, 20])
def test_a_record_that_was_cut_off_costs_itself_alone(path: Path, n_cut: int) -> None:
    session, journal = opened(path)
    session.brush(1, [[12, 12]], radius_mm=3.0)
    expected = session.mask.copy()
    journal.settle()
    whole = path.stat().st_size
    session.brush(2, [[12, 12]], radius_mm=3.0)
    journal.close()
    last = path.stat().st_size - whole
    assert n_cut < last
    with path.open("rb+") as file:
        file.truncate(whole + last - n_cut)
    draft = read_draft(path)
    assert draft is not None
    assert np.array_equal(draft.session.mask, expected)
    assert draft.lost == "The stroke that was being made when the program ended is lost."
    Journal.resumed(path, draft, clock=lambda: MOMENT).close()
    assert path.stat().st_size == whole
    assert [each.suffix for each in path.parent.iterdir()] == [".journal"]


@pytest.mark.parametrize("n_left", range(1, 18))
def test_every_beginning_of_a_record_counts_as_cut(n_left: int) -> None:
    record = framed(JournalRecord(kind=Kind.UNDO), 0)
    assert read_records(record).n_unusable == 0
    found = read_records(record[:n_left])
    assert (found.records, found.is_cut, found.n_unusable) == ((), True, n_left)


def test_a_damaged_journal_gives_what_lies_before_and_keeps_the_rest(path: Path) -> None:
    session, journal = opened(path)
    masks, ends = [], []
    for number in range(3):
        session.brush(number, [[12, 12]], radius_mm=3.0)
        journal.settle()
        masks.append(session.mask.copy())
        ends.append(path.stat().st_size)
    journal.close()
    content = bytearray(path.read_bytes())
    content[ends[0] + 30] ^= 0x10
    path.write_bytes(content)
    draft = read_draft(path)
    assert draft is not None
    assert np.array_equal(draft.session.mask, masks[0])
    assert "damaged after that" in draft.sentence
    assert str(ends[2] - ends[0]) in draft.sentence
    Journal.resumed(path, draft, clock=lambda: MOMENT).close()
    assert path.with_suffix(".damaged").read_bytes() == content[ends[0] :]
    again = read_draft(path)
    assert again is not None
    assert again.lost == ""


def test_a_record_out_of_its_place_is_not_believed() -> None:
    first, second = (framed(JournalRecord(kind=Kind.UNDO), number) for number in (0, 1))
    assert len(read_records(first + second).records) == 2
    assert len(read_records(first + first).records) == 1
    assert len(read_records(second).records) == 0


@pytest.mark.parametrize(
    "content", [b"", b"HJ", b"something else altogether", framed(JournalRecord(kind=Kind.UNDO), 0)]
)
def test_a_file_that_begins_otherwise_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DraftError, match="does not begin like a journal"):
        read_draft(path)


def test_no_journal_is_no_draft(path: Path) -> None:
    assert read_draft(path) is None


def test_a_discarded_draft_is_gone(path: Path) -> None:
    session, journal = opened(path)
    journal.discard()
    journal.close()
    assert read_draft(path) is None
    with pytest.raises(DraftError, match="closed"):
        session.brush(0, [[5, 5]], radius_mm=2.0)


def test_no_name_stands_in_a_path(path: Path) -> None:
    assert "Reader" not in path.name
    assert "stack" not in path.name
    other = DraftKey(
        lesion_uid=KEY.lesion_uid, visit_date=KEY.visit_date, reader="Reader Two", stack_uid=KEY.stack_uid
    )
    assert draft_path(path.parent, other).name != path.name


def test_a_draft_is_open_in_one_window(path: Path) -> None:
    lock = draft_locked(path, now=MOMENT)
    with pytest.raises(DraftInUseError, match=rf"process {os.getpid()} on .*, since 07:08 UTC"):
        draft_locked(path, now=MOMENT)
    lock.release()
    lock.release()
    assert list(path.parent.iterdir()) == []
    draft_locked(path, now=MOMENT).release()


def test_a_lock_file_that_was_left_behind_locks_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.with_suffix(".lock").write_text("{}")
    draft_locked(path, now=MOMENT).release()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "readings").write_text("a file in the folder's place")
    path = draft_path(tmp_path / "readings", KEY)
    with pytest.raises(DraftError, match="drafts folder cannot be written"):
        draft_locked(path, now=MOMENT)
    with pytest.raises(DraftError, match="cannot be kept"):
        Journal.begun(path, beginning(), clock=lambda: MOMENT)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from herntrack.errors import DraftError
from tests.unit.reading_room.test_journal import opened

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
session, journal = opened(path)
session.brush(1, [[12, 12]], radius_mm=3.0)
journal.settle()
size = path.stat().st_size
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, hard))
before = session.mask.copy()
for slice_index in (2, 3):
    try:
        session.brush(slice_index, [[12, 12]], radius_mm=5.0)
    except DraftError as error:
        print(error)
    assert np.array_equal(session.mask, before)
    assert path.stat().st_size == size
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
session.brush(2, [[12, 12]], radius_mm=5.0)
journal.close()
np.save(sys.argv[2], session.mask)
"""


def test_a_full_disk_refuses_the_stroke_and_keeps_the_rest(path: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(tmp_path / "mask.npy")],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("File too large; this stroke was taken back. Make space") == 2
    draft = read_draft(path)
    assert draft is not None
    assert draft.lost == ""
    assert np.array_equal(draft.session.mask, np.load(tmp_path / "mask.npy"))


PAINTER = """
import sys
from pathlib import Path
from tests.unit.reading_room.test_journal import opened, strokes

session, journal = opened(Path(sys.argv[1]))
for number, (slice_index, point, value) in enumerate(strokes(int(sys.argv[2]))):
    session.brush(slice_index, [point], radius_mm=3.0, value=value)
    print(number, flush=True)
"""


def strokes(seed: int) -> list[tuple[int, tuple[int, int], bool]]:
    random = np.random.default_rng(seed)
    return [
        (
            int(random.integers(7)),
            (int(random.integers(40)), int(random.integers(50))),
            bool(random.integers(2)),
        )
        for _ in range(5000)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_program_loses_one_stroke_at_most(path: Path, seed: int) -> None:
    told_before_kill = int(np.random.default_rng(seed).integers(5, 60))
    with subprocess.Popen(
        [sys.executable, "-c", PAINTER, str(path), str(seed)],
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.PIPE,
        text=True,
    ) as painter:
        assert painter.stdout is not None
        for line in painter.stdout:
            if int(line) == told_before_kill:
                break
        painter.send_signal(signal.SIGKILL)
        rest = painter.stdout.read().split()
    assert painter.returncode == -signal.SIGKILL
    n_told = (int(rest[-1]) if rest else told_before_kill) + 1
    draft = read_draft(path)
    assert draft is not None
    expected = MaskSession(beginning().mask, GRID)
    n_changed = []
    for slice_index, point, value in strokes(seed)[: n_told + 1]:
        expected.brush(slice_index, [point], radius_mm=3.0, value=value)
        n_changed.append(expected.n_steps)
    # Everything that was told as painted is there; the stroke under way may be.
    assert draft.n_kept in {n_changed[n_told - 1], n_changed[n_told]}
    while expected.n_steps > draft.n_kept:
        expected.undo()
    assert np.array_equal(draft.session.mask, expected.mask)


def test_an_edit_that_was_not_kept_whole_is_refused() -> None:
    record = JournalRecord(kind=Kind.EDIT, values={"tool": "brush", "n_added": 1}, content=b"no deflate")
    with pytest.raises(DraftError, match="cannot be read"):
        edit_of(record)
    with pytest.raises(ValueError, match="flat indices"):
        MaskEdit(tool="brush", added=np.zeros((2, 2)), removed=np.zeros(0))  # type: ignore[arg-type]
