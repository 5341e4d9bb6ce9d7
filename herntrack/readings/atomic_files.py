"""Files that are there whole or not at all, and are never overwritten."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".unfinished-"
"""Begins the names of files that a crash left behind; nothing reads them."""


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file name beside `path`; the file becomes `path` if the block succeeds.

    The content is on the disk before the name is, and the name before the block's caller goes
    on: a power cut leaves the whole file or none.

    Parameters
    ----------
    path : Path
        The final name, in an existing folder.

    Raises
    ------
    FileExistsError
        If `path` exists by the end of the block; it stays as it is.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        _give_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _give_name(temporary: Path, path: Path) -> None:
    try:
        # A link fails if the name is taken; a rename would silently replace the file.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # Some network and memory-card file systems have no links: the gap between look and rename is theirs.
        if path.exists():
            raise FileExistsError(f"{path} exists") from None
        temporary.rename(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
