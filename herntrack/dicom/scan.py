"""The files below a folder, and their headers, several processes at once if there are many.

Public: `walk_files`, `found_file`, `scan_files`, `scan_in_parts` and what they return.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from herntrack.dicom.header_parts import HeaderParts
from herntrack.dicom.header_rules import ScannedImage
from herntrack.dicom.reading_process import HeaderReaders
from herntrack.dicom.scan_chunk import Answers, FoundFile, Refusal
from herntrack.dicom.stacks import BuiltStack

PROCESSES_FROM_FILES = 1000
"""Fewer files than this are read sooner by one process than others are started."""

CHUNK = 250
"""Most files handed to a process at once: a few series."""

Progress = Callable[[int, int], None]
"""Told how many files of how many are done."""


class Scanned(NamedTuple):
    """A file that can be catalogued.

    Parameters
    ----------
    image : ScannedImage
        What it shares with other files; the header may be that of another of them.
    sop_instance_uid : str
        The file's own.
    parts : HeaderParts
        The file's own header.
    frames : tuple of HeaderParts
        Headers of all frames of a multi-frame file, in their order; empty for a single-frame one.
    """

    image: ScannedImage
    sop_instance_uid: str
    parts: HeaderParts
    frames: tuple[HeaderParts, ...] = ()


ScanResult = Scanned | Refusal
"""What became of one file."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What became of some files.

    Parameters
    ----------
    results : list of ScanResult
        One for each file, in order.
    stacks : dict
        By Series Instance UID the stacks of series, as far as these files alone decide them.
    """

    results: list[ScanResult]
    stacks: dict[str, list[BuiltStack]]


def walk_files(
    folder: Path, *, skip: Collection[Path] = (), odd: list[tuple[FoundFile, Refusal]] | None = None
) -> Iterator[FoundFile]:
    """Yield the regular files below a folder in a fixed order.

    Links to folders are not followed, so a loop of links cannot trap the walk; links to files
    are. Nothing is opened: what is neither file nor folder may block whoever reads it.

    Parameters
    ----------
    folder : Path
        Where to begin.
    skip : collection of Path
        Folders and files that are left out.
    odd : list of (FoundFile, Refusal), optional
        Receives what is no regular file: links that lead to none, pipes, sockets and devices,
        folders and files that the file system refuses; each with the reason.
    """
    left_out = frozenset(map(str, skip))
    refused = [] if odd is None else odd
    waiting = [str(folder)]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                found = sorted(entries, key=_name)
        except FileNotFoundError:
            # Gone since it was listed.
            continue
        except OSError as error:
            refused.append(_odd(current, *_refused(error)))
            continue
        folders = []
        for entry in found:
            path = entry.path
            if path in left_out:
                continue
            try:
                if entry.is_file():
                    status = entry.stat()
                    yield FoundFile(path, status.st_size, status.st_mtime_ns)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                else:
                    refused.append(_odd(path, *_oddity(entry)))
            except FileNotFoundError:
                continue
            except OSError as error:
                is_loop = error.errno == errno.ELOOP
                words = ("link", "a link that leads back to itself") if is_loop else _refused(error)
                refused.append(_odd(path, *words))
        waiting.extend(reversed(folders))


def _refused(error: OSError) -> tuple[str, str]:
    return "unreadable", f"the file system refuses it: {error.strerror}; nothing below it was looked at"


def _oddity(entry: os.DirEntry[str]) -> tuple[str, str]:
    if not entry.is_symlink():
        return "special_file", "a pipe, a socket or a device, which is never opened"
    try:
        if entry.is_dir():
            return "link", "a link to a folder, which is not followed; ingest the folder that it leads to"
        entry.stat()
    except OSError:
        return "link", "a link that leads nowhere"
    return "special_file", "a link to a pipe, a socket or a device, which is never opened"


def _odd(path: str, code: str, reason: str) -> tuple[FoundFile, Refusal]:
    try:
        mtime_ns = os.lstat(path).st_mtime_ns
    except OSError:
        mtime_ns = 0
    return FoundFile(path, 0, mtime_ns), Refusal(code, reason)


def found_file(path: Path) -> FoundFile:
    """Return one file with its size and time."""
    status = path.stat()
    return FoundFile(str(path), status.st_size, status.st_mtime_ns)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def scan_files(
    files: Sequence[FoundFile],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[ScanResult]:
    """Read the headers of files.

    Parameters
    ----------
    files : sequence of FoundFile
        Any files; those of a series one after another are read fastest.
    jobs : int
        Processes to read with, this one among them, if there are enough files for it to pay.
    progress : callable, optional
        Called with (done, total).
    """
    with HeaderReaders(jobs - 1) as readers:
        scans = scan_in_parts(files, readers=readers, progress=progress)
        return [result for scan in scans for result in scan.results]


def scan_in_parts(
    files: Sequence[FoundFile], *, readers: HeaderReaders, progress: Progress | None = None
) -> Iterator[Scan]:
    """Read the headers of files and yield them part after part, in the order of the files.

    Parameters
    ----------
    files : sequence of FoundFile
        Any files; those of a series one after another are read fastest.
    readers : HeaderReaders
        Other processes that read too, if there are enough files for it to pay.
    progress : callable, optional
        Called with (done, total).
    """
    chunks = _chunks(files)
    n_done, n_yielded = 0, 0
    early: dict[int, Answers] = {}
    for number, found in readers.answers(chunks, is_alone=len(files) < PROCESSES_FROM_FILES):
        n_done += len(found.outcomes)
        if progress is not None:
            progress(n_done, len(files))
        early[number] = found
        while n_yielded in early:
            answers = early.pop(n_yielded)
            yield Scan(_results(answers), answers.stacks)
            n_yielded += 1


def _chunks(files: Sequence[FoundFile]) -> list[Sequence[FoundFile]]:
    """Cut the files into parts, between folders where there are any: a folder often is a series."""
    chunks = []
    first = 0
    while first < len(files):
        last = min(first + CHUNK, len(files))
        if last < len(files):
            folders = [os.path.dirname(file.path) for file in files[first : last + 1]]  # noqa: PTH120
            cuts = (place for place in range(len(folders) - 1, 0, -1) if folders[place] != folders[place - 1])
            last = first + next(cuts, CHUNK)
        chunks.append(files[first:last])
        first = last
    return chunks


def _results(answers: Answers) -> list[ScanResult]:
    """Return what became of each file of a part."""
    own = iter(answers.own)
    results: list[ScanResult] = []
    for outcome in answers.outcomes:
        if isinstance(outcome, int):
            uid, position, number = next(own)
            parts = HeaderParts(position, number, answers.shared[outcome])
            results.append(Scanned(answers.images[outcome], uid, parts))
        else:
            results.append(outcome)
    for place, frames in answers.frames.items():
        scanned = results[place]
        if isinstance(scanned, Scanned):
            results[place] = scanned._replace(frames=frames)
    return results
