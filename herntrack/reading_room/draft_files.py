"""Where drafts lie and who has one open.

::

    readings/drafts/<lesion uid>_<digest>.journal    see `herntrack.reading_room.journal`
    readings/drafts/<lesion uid>_<digest>.lock       while a window has it open

The digest stands for reader, visit and stack: a path holds no name, and no date that a blinded reader
may not know. The lock is the system's and ends with
the process that holds it, however it ends; a lock file that is left behind locks nothing.

Public: `DraftKey`, `draft_path`, `draft_locked`, `DraftLock`, `saving_locked`, `list_journals`,
`DRAFTS_FOLDER`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from herntrack.errors import DraftError, DraftInUseError
from herntrack.model.sentences import sentence
from herntrack.readings.store_layout import checked_uid

DRAFTS_FOLDER = "drafts"
"""Folder of unsaved work below the store of readings."""

JOURNAL_SUFFIX = ".journal"
LOCK_SUFFIX = ".lock"

SAVING_FILE = "saving.lock"
"""Locked for the moment of a save; always there and always empty."""

_TRIES = 20
"""A lock file may be taken away while it is opened; so often another one is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftKey:
    """What a draft is of: one reader's reading of one lesion at one visit on one stack."""

    lesion_uid: str
    visit_date: date
    reader: str
    stack_uid: str


def draft_path(readings_folder: Path, key: DraftKey) -> Path:
    """Return where the journal of a draft lies, whether it exists or not."""
    told = "\0".join((key.reader, key.visit_date.isoformat(), key.stack_uid)).encode()
    digest = hashlib.sha256(told).hexdigest()[:16]
    name = f"{checked_uid(key.lesion_uid)}_{digest}{JOURNAL_SUFFIX}"
    return readings_folder / DRAFTS_FOLDER / name


class DraftLock:
    """A draft that this window has open; `release` lets others open it."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle: int | None = handle

    @property
    def is_held(self) -> bool:
        """Whether it was not released yet."""
        return self._handle is not None

    def release(self) -> None:
        """Let others open the draft; does nothing the second time."""
        if self._handle is None:
            return
        # Taken away while it is still locked: who waits for the name finds a new file.
        self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None


def draft_locked(journal: Path, *, now: datetime) -> DraftLock:
    """Open a draft for this window alone.

    Parameters
    ----------
    journal : Path
        As `draft_path` names it; its folder is made.
    now : datetime
        The present moment, which others are told.

    Raises
    ------
    DraftInUseError
        If another window, of this process or another, has it open; the message says which.
    DraftError
        If the folder cannot be written.
    """
    path = journal.with_suffix(LOCK_SUFFIX)
    for _ in range(_TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise DraftError(sentence("drafts_not_writable", detail=error.strerror)) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(handle)
            os.close(handle)
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise DraftError(f"the draft cannot be locked: {error.strerror}") from error
            raise DraftInUseError(sentence("open_elsewhere", holder=holder)) from error
        if _is_same_file(handle, path):
            told = {"process": os.getpid(), "machine": platform.node(), "since": now.isoformat()}
            os.truncate(handle, 0)
            os.pwrite(handle, json.dumps(told).encode(), 0)
            return DraftLock(path, handle)
        os.close(handle)
    raise DraftError(f"the draft cannot be locked: {path.name} is taken away again and again")


def _is_same_file(handle: int, path: Path) -> bool:
    """Whether the name still leads to the file that was locked."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _holder(handle: int) -> str:
    """Return who holds a lock, in words; empty where it does not say."""
    try:
        told = json.loads(os.pread(handle, 4096, 0))
        since = datetime.fromisoformat(told["since"])
        return f" (process {int(told['process'])} on {told['machine']}, since {since:%H:%M} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@contextmanager
def saving_locked(readings_folder: Path) -> Iterator[None]:
    """Keep other windows from saving until the block ends: what is looked at is what is replaced.

    Raises
    ------
    DraftError
        If the folder cannot be written.
    """
    path = readings_folder / DRAFTS_FOLDER / SAVING_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise DraftError(sentence("saving_not_writable", detail=error.strerror)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def list_journals(readings_folder: Path) -> list[Path]:
    """Return the journals of all drafts."""
    return sorted((readings_folder / DRAFTS_FOLDER).glob(f"*{JOURNAL_SUFFIX}"))
