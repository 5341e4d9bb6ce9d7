"""Whether a store is still as it was written.

Public: `find_problems`, which reads every record and every object to the end, `object_problem`, which
looks at one object, and `readable_records`, which reads the records alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from herntrack.errors import ReadingError
from herntrack.model.records import Lesion, Reading
from herntrack.readings.alignments import AlignmentStore
from herntrack.readings.decisions import DecisionStore
from herntrack.readings.record_json import lesion_from_json, reading_from_json
from herntrack.readings.store_layout import StoreLayout, is_unfinished, sha256_of

Record = TypeVar("Record", Lesion, Reading)

UNREADABLE = "unreadable_record"
"""Code of a record that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreProblem:
    """Something in the store that is not as it was written.

    Parameters
    ----------
    code : str
        ``unreadable_record``, ``misplaced_record``, ``missing_object``, ``changed_object``,
        ``object_without_record``, ``record_without_lesion``, ``superseded_unknown`` or
        ``unfinished_file``.
    file : str
        Path below the store, with forward slashes.
    message : str
        What is wrong and what to do.
    """

    code: str
    file: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadableRecords:
    """What a store's records say, those that can be read; why each of the others is left out.

    A reading whose lesion has no record is left out too. `problems` names damaged decisions and
    alignments besides, which their own stores leave out.
    """

    lesions: tuple[Lesion, ...]
    readings: tuple[Reading, ...]
    problems: tuple[StoreProblem, ...]


def readable_records(layout: StoreLayout) -> ReadableRecords:
    """Return the lesions and readings of a store whose records can be read, the oldest first.

    Parameters
    ----------
    layout : StoreLayout
        A store; one that does not exist has no records.
    """
    problems: list[StoreProblem] = []
    lesions = [each for _, each in _readable(layout, layout.lesion_files(), lesion_from_json, problems)]
    known = {lesion.lesion_uid for lesion in lesions}
    readings = []
    for path, reading in _readable(layout, layout.reading_files(), reading_from_json, problems):
        if reading.lesion_uid in known:
            readings.append(reading)
        else:
            problems.append(_without_lesion(layout, path, reading))
    problems += [each for each in _other_problems(layout) if each.code == UNREADABLE]
    return ReadableRecords(
        lesions=tuple(sorted(lesions, key=lambda lesion: (lesion.created_at, lesion.lesion_uid))),
        readings=with_successors(readings),
        problems=tuple(problems),
    )


def with_successors(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return readings, the oldest first, each with the reading that superseded it."""
    found = sorted(readings, key=lambda reading: (reading.created_at, reading.reading_uid))
    superseded_by = {old: reading.reading_uid for reading in found for old in reading.supersedes}
    return tuple(replace(each, superseded_by=superseded_by.get(each.reading_uid)) for each in found)


def find_problems(layout: StoreLayout) -> list[StoreProblem]:
    """Return everything that is not as it was written, in the order of the files.

    Parameters
    ----------
    layout : StoreLayout
        A store; one that does not exist has no problems.
    """
    problems: list[StoreProblem] = []
    lesions = _readable(layout, layout.lesion_files(), lesion_from_json, problems)
    readings = _readable(layout, layout.reading_files(), reading_from_json, problems)
    for path, lesion in lesions:
        if path != layout.lesion_path(lesion.lesion_uid):
            problems.append(_misplaced(layout, path, lesion.lesion_uid))
    for path, reading in readings:
        problems += _reading_problems(layout, path, reading, lesions, readings)
    for path in layout.reading_files(".dcm"):
        if not path.with_suffix(".json").exists():
            problems.append(
                StoreProblem(
                    code="object_without_record",
                    file=layout.relative(path),
                    message="a segmentation object without its record: writing was interrupted, or the record"
                    " was deleted; restore it from a backup, or record the reading again",
                )
            )
    problems += _other_problems(layout)
    for path in sorted(layout.folder.glob("*/.*")):
        if is_unfinished(path):
            problems.append(
                StoreProblem(
                    code="unfinished_file",
                    file=layout.relative(path),
                    message="left behind when writing was interrupted; nothing reads it, it may be deleted",
                )
            )
    return sorted(problems, key=lambda problem: (problem.file, problem.code))


def object_problem(layout: StoreLayout, reading: Reading) -> StoreProblem | None:
    """Return what is wrong with the segmentation object of a reading.

    Parameters
    ----------
    layout : StoreLayout
        The store.
    reading : Reading
        A reading that has an object.
    """
    path = layout.object_path(reading)
    if not path.is_file():
        code, what = "missing_object", "is missing"
    elif sha256_of(path) != reading.segmentation_sha256:
        code, what = "changed_object", "was changed since it was written"
    else:
        return None
    return StoreProblem(
        code=code,
        file=layout.relative(path),
        message=f"the segmentation object of reading {reading.reading_uid} {what}; restore it from a backup",
    )


def _reading_problems(
    layout: StoreLayout,
    path: Path,
    reading: Reading,
    lesions: Iterable[tuple[Path, Lesion]],
    readings: Iterable[tuple[Path, Reading]],
) -> list[StoreProblem]:
    if path != layout.record_path(reading):
        return [_misplaced(layout, path, reading.reading_uid)]
    problems = []
    if reading.lesion_uid not in {lesion.lesion_uid for _, lesion in lesions}:
        problems.append(_without_lesion(layout, path, reading))
    known = {other.reading_uid for _, other in readings}
    problems += [
        StoreProblem(
            code="superseded_unknown",
            file=layout.relative(path),
            message=f"it supersedes {uid}, which is not in the store; restore it from a backup",
        )
        for uid in reading.supersedes
        if uid not in known
    ]
    found = object_problem(layout, reading) if reading.segmentation_file is not None else None
    return problems + ([found] if found else [])


def _readable(
    layout: StoreLayout, paths: Iterable[Path], parse: Callable[[str], Record], problems: list[StoreProblem]
) -> list[tuple[Path, Record]]:
    found = []
    for path in paths:
        try:
            found.append((path, read_record(path, parse)))
        except ReadingError as error:
            problems.append(
                StoreProblem(
                    code=UNREADABLE,
                    file=layout.relative(path),
                    message=f"{error}; restore it from a backup",
                )
            )
    return found


def _other_problems(layout: StoreLayout) -> list[StoreProblem]:
    """Return what is wrong with decisions and alignments."""
    return [
        StoreProblem(code=code, file=file, message=message)
        for store in (DecisionStore(layout.folder), AlignmentStore(layout.folder))
        for code, file, message in store.problems()
    ]


def _without_lesion(layout: StoreLayout, path: Path, reading: Reading) -> StoreProblem:
    return StoreProblem(
        code="record_without_lesion",
        file=layout.relative(path),
        message=f"its lesion {reading.lesion_uid} has no record that can be read; restore it from a backup",
    )


def read_record(path: Path, parse: Callable[[str], Record]) -> Record:
    """Return the record in a file.

    Parameters
    ----------
    path : Path
        JSON, UTF-8.
    parse : callable
        `lesion_from_json` or `reading_from_json`.

    Raises
    ------
    ReadingError
        If it cannot be read or is no such record; the message does not name the file.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadingError(f"it cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ReadingError(f"it is no text in UTF-8 ({error.reason})") from error


def _misplaced(layout: StoreLayout, path: Path, uid: str) -> StoreProblem:
    return StoreProblem(
        code="misplaced_record",
        file=layout.relative(path),
        message=f"the record of {uid} does not lie where the store keeps it; it was moved or renamed",
    )
