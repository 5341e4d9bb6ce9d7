"""The files below a folder, and their headers, several processes at once if there are many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from herntrack.dicom.headers import ScannedImage, SetAside, read_header

PROCESSES_FROM_FILES = 1000
"""Fewer files than this are read sooner by one process than others are started."""

CHUNK = 64
"""Files handed to a process at once."""

Progress = Callable[[int, int], None]
"""Told how many files of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """One file's header, or why there is none: exactly one of `image` and `code` is set."""

    path: Path
    image: ScannedImage | None = None
    code: str = ""
    reason: str = ""


def walk_files(folder: Path, *, skip: Sequence[Path] = ()) -> Iterator[Path]:
    """Yield the regular files below a folder in a fixed order.

    Links to folders are not followed, so a loop of links cannot trap the walk.

    Parameters
    ----------
    folder : Path
        Where to begin.
    skip : sequence of Path
        Folders and files that are left out.
    """
    for current, folders, files in os.walk(folder):
        here = Path(current)
        folders[:] = sorted(name for name in folders if here / name not in skip)
        for name in sorted(files):
            path = here / name
            if path.is_file() and path not in skip:
                yield path


def scan_files(paths: Sequence[Path], *, jobs: int = 1, progress: Progress | None = None) -> list[ScanResult]:
    """Read the headers of files.

    Parameters
    ----------
    paths : sequence of Path
        Any files.
    jobs : int
        Processes to read with, if there are enough files for it to pay.
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    list of ScanResult
        One for each path, in order.
    """
    if jobs <= 1 or len(paths) < PROCESSES_FROM_FILES:
        return list(_with_progress(map(_scan, paths), len(paths), progress))
    # Forked children would inherit the caller's database connection; spawned ones do not.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(_with_progress(pool.map(_scan, paths, chunksize=CHUNK), len(paths), progress))


def _scan(path: Path) -> ScanResult:
    try:
        return ScanResult(path=path, image=read_header(path))
    except SetAside as refusal:
        return ScanResult(path=path, code=refusal.code, reason=refusal.reason)


def _with_progress(
    results: Iterator[ScanResult], total: int, progress: Progress | None
) -> Iterator[ScanResult]:
    for done, result in enumerate(results, start=1):
        yield result
        if progress is not None and (done % CHUNK == 0 or done == total):
            progress(done, total)
