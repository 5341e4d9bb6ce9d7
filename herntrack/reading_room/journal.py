"""The journal of a draft: what a reader did since the last save, kept stroke by stroke.

A record is handed to the system before the stroke counts, so the end of the program, however it
comes, costs at most the stroke that was being made. It is on the disk before the next stroke is
taken: a cut of power costs no more either. The wait for the disk runs beside the painting.

Where the journal cannot be written (a full disk), it is brought back to its last whole record and
the stroke is refused.

Public: `DraftBeginning`, `Judgement`, `Journal`, `read_draft`, `RecoveredDraft`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from herntrack.errors import DraftError
from herntrack.model.sentences import Sentence, sentence
from herntrack.reading_room.draft_contents import (
    DraftBeginning,
    Judgement,
    beginning_of,
    beginning_record,
    judgement_record,
    replayed,
)
from herntrack.reading_room.edits import MaskEdit
from herntrack.reading_room.journal_format import (
    JournalRecord,
    Kind,
    Records,
    edit_record,
    framed,
    read_records,
)
from herntrack.reading_room.mask_session import MaskSession
from herntrack.readings.atomic_files import new_file

__all__ = ["DraftBeginning", "Journal", "Judgement", "RecoveredDraft", "read_draft"]

DAMAGED_SUFFIX = ".damaged"
"""What of a damaged journal cannot be used is kept beside it under this suffix."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecoveredDraft:
    """What a journal holds.

    Parameters
    ----------
    beginning : DraftBeginning
        What the draft started from.
    session : MaskSession
        The mask as it was left, with its history; keeps nothing until it gets a sink.
    judgement : Judgement
        What was said last besides the mask.
    saved_uid : str or None
        The reading that was saved last from it.
    n_kept : int
        Changes since the beginning, those taken back included.
    last_at : datetime or None
        When the last kept record was made, UTC.
    is_judgement_saved : bool
        Whether the judgement is that of the reading saved last, or of the beginning.
    records : Records
        How much of the file is usable.
    """

    beginning: DraftBeginning
    session: MaskSession
    judgement: Judgement
    saved_uid: str | None
    n_kept: int
    last_at: datetime | None
    is_judgement_saved: bool
    records: Records

    @property
    def is_unsaved(self) -> bool:
        """Whether anything was done since the last save."""
        return self.session.is_dirty or not self.is_judgement_saved

    @property
    def lost(self) -> str:
        """What was lost, as a sentence; empty if nothing was."""
        if not self.records.n_unusable:
            return ""
        return str(self.sentence).split(". ", 1)[1]

    @property
    def sentence(self) -> Sentence:
        """What was restored and what was lost."""
        at = f"{self.last_at:%Y-%m-%d %H:%M} UTC" if self.last_at else "?"
        if not self.records.n_unusable:
            return sentence("restored", n=self.n_kept, at=at)
        if self.records.is_cut:
            return sentence("restored_stroke_lost", n=self.n_kept, at=at)
        n_bytes = self.records.n_unusable
        return sentence("restored_damaged", n=self.n_kept, at=at, n_bytes=n_bytes, suffix=DAMAGED_SUFFIX)


class Journal:
    """Keeps what a reader does; the sink of a `MaskSession`.

    Parameters
    ----------
    path : Path
        An existing journal.
    clock : callable
        Returns the present moment, UTC.
    n_bytes, n_records : int
        Its whole part; what is behind it is cut off.

    Raises
    ------
    DraftError
        If it cannot be opened.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime], n_bytes: int, n_records: int) -> None:
        self._path = path
        self._clock = clock
        self._end = n_bytes
        self._n_records = n_records
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            os.ftruncate(self._handle, n_bytes)
        except OSError as error:
            raise DraftError(f"the draft's journal cannot be opened: {error.strerror}") from error
        self._syncing: Future[None] | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._is_open = True

    @classmethod
    def begun(cls, path: Path, beginning: DraftBeginning, *, clock: Callable[[], datetime]) -> Journal:
        """Begin a draft; a journal that was there is replaced.

        Raises
        ------
        DraftError
            If it cannot be written; then the old one is still there.
        """
        content = framed(beginning_record(beginning, clock()), 0)
        fresh = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            with new_file(fresh) as temporary:
                temporary.write_bytes(content)
            fresh.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise _not_kept(error, "the reading was not opened for painting") from error
        return cls(path, clock=clock, n_bytes=len(content), n_records=1)

    @classmethod
    def resumed(cls, path: Path, draft: RecoveredDraft, *, clock: Callable[[], datetime]) -> Journal:
        """Go on with a draft that `read_draft` returned; what is damaged in it is kept beside it."""
        records = draft.records
        if records.n_unusable and not records.is_cut:
            _keep_damaged(path, records)
        return cls(path, clock=clock, n_bytes=records.n_bytes, n_records=len(records.records))

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def edited(self, edit: MaskEdit) -> None:
        """Keep a change."""
        self._append(edit_record(edit))

    def undone(self) -> None:
        """Keep that the last change was taken back."""
        self._append(JournalRecord(kind=Kind.UNDO))

    def redone(self) -> None:
        """Keep that it was made again."""
        self._append(JournalRecord(kind=Kind.REDO))

    def judged(self, judgement: Judgement) -> None:
        """Keep what was said besides the mask."""
        self._append(judgement_record(judgement))

    def saved(self, reading_uid: str) -> None:
        """Keep that the present state is a reading."""
        self._append(JournalRecord(kind=Kind.SAVED, values={"reading_uid": reading_uid}))

    def settle(self) -> None:
        """Wait until everything is on the disk.

        Raises
        ------
        DraftError
            If the disk refused it.
        """
        waiting, self._syncing = self._syncing, None
        if waiting is None:
            return
        try:
            waiting.result()
        except OSError as error:
            raise _not_kept(error, "the last stroke may not be on the disk") from error

    def close(self) -> None:
        """Wait for the disk and let go of the file; does nothing the second time."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self.settle()
        finally:
            self._worker.shutdown()
            os.close(self._handle)

    def discard(self) -> None:
        """Close the journal and delete it: the work in it was saved, or is not wanted."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _append(self, record: JournalRecord) -> None:
        if not self._is_open:
            raise DraftError("the draft is closed; open the reading again to change it")
        self.settle()
        stamped = JournalRecord(
            kind=record.kind,
            values={**record.values, "at": self._clock().isoformat()},
            content=record.content,
        )
        content = framed(stamped, self._n_records)
        try:
            _write_all(self._handle, content, self._end)
        except OSError as error:
            os.ftruncate(self._handle, self._end)
            raise _not_kept(error, "this stroke was taken back") from error
        self._end += len(content)
        self._n_records += 1
        self._syncing = self._worker.submit(os.fsync, self._handle)


def read_draft(path: Path) -> RecoveredDraft | None:
    """Return what a journal holds, up to its last whole record; None if there is no journal.

    Raises
    ------
    DraftError
        If it cannot be read, or not even its beginning is whole.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DraftError(f"the draft's journal cannot be read: {error.strerror}") from error
    records = read_records(content)
    if not records.records or records.records[0].kind is not Kind.BEGIN:
        raise DraftError(
            f"{path.name} does not begin like a journal, so nothing of it can be restored; move it out of"
            f" the folder {path.parent.name} to begin anew"
        )
    beginning = beginning_of(records.records[0])
    found = replayed(beginning, records.records[1:])
    return RecoveredDraft(
        beginning=beginning,
        session=found.session,
        judgement=found.judgement,
        saved_uid=found.saved_uid,
        n_kept=found.n_changes,
        last_at=_moment(records.records[-1]),
        is_judgement_saved=found.is_judgement_saved,
        records=records,
    )


def _moment(record: JournalRecord) -> datetime | None:
    try:
        return datetime.fromisoformat(record.values["at"])
    except (KeyError, TypeError, ValueError):
        return None


def _write_all(handle: int, content: bytes, offset: int) -> None:
    # A nearly full disk takes a part first and refuses the rest.
    rest = memoryview(content)
    while rest:
        written = os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], offset + written


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _keep_damaged(path: Path, records: Records) -> None:
    number, kept = 1, path.with_suffix(DAMAGED_SUFFIX)
    while kept.exists():
        number += 1
        kept = path.with_suffix(f".{number}{DAMAGED_SUFFIX}")
    try:
        with new_file(kept) as temporary:
            temporary.write_bytes(path.read_bytes()[records.n_bytes :])
    except OSError as error:
        raise _not_kept(error, "the damaged journal was left as it is") from error


def _not_kept(error: OSError, what: str) -> DraftError:
    reason = error.strerror or str(error)
    return DraftError(sentence("draft_not_kept", detail=reason, what=what))
