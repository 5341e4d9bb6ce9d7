"""Who may write a workspace: one ingest or rebuild at a time, while anybody reads.

Locks are advisory and end with the process that holds them, however it ends, so none is
ever left behind. Two of them:

- the writers' lock (`workspace_locked`): ingest, rebuild and the upgrade of the tables take
  turns; who lists or reports never asks for it;
- the folder itself (`settings_locked`): held for the moment in which the settings are
  written or a rebuilt catalogue takes the place of the old one, and shared by whoever opens
  the catalogue in that moment.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from herntrack.errors import WorkspaceError
from herntrack.model.sentences import sentence
from herntrack.workflows.progress import Progress, silent

LOCK_FILE = ".herntrack.lock"
"""Always there and always empty: what is locked is the file, not its presence."""

WAITING = "waiting for another ingest or rebuild of this workspace to end"
"""The stage that is told while the lock is awaited."""


@contextmanager
def workspace_locked(folder: Path, *, progress: Progress = silent) -> Iterator[None]:
    """Keep other processes from ingesting or rebuilding until the block ends.

    Parameters
    ----------
    folder : Path
        The workspace's folder.
    progress : callable
        Told the stage `WAITING` if another process holds the lock; then this one waits.

    Raises
    ------
    WorkspaceError
        If the folder cannot be written.
    """
    try:
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise WorkspaceError(
            sentence("workspace_not_written", folder=folder, detail=error.strerror)
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
            progress(WAITING, 0, 1)
            fcntl.flock(handle, fcntl.LOCK_EX)
            progress(WAITING, 1, 1)
        yield
    finally:
        os.close(handle)


@contextmanager
def settings_locked(folder: Path, *, is_shared: bool = False) -> Iterator[None]:
    """Keep the settings and the catalogue's file in place until the block ends.

    Parameters
    ----------
    folder : Path
        The workspace's folder; it is the lock itself, so that a folder without write
        permission can be locked too.
    is_shared : bool
        Only look: others may look at the same time.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
