"""How a draft's journal is written: records one after the other, each with its checksum.

::

    record   = "HJ" | length of the body (uint32) | BLAKE2b-64 of sequence number and body | body
    body     = kind (1 byte) | length of the text (uint32) | text (JSON) | bytes

Numbers are little-endian. The sequence number (0, 1, ...) is not written, only summed: a record
that is missing, doubled or in another's place does not fit its sum. A journal is read up to the
last record that is whole.

Public: `Kind`, `JournalRecord`, `framed`, `read_records`, `Records`, `edit_record`, `edit_of`,
`packed_mask`, `unpacked_mask`.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Any, Final

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.errors import DraftError, HerntrackError
from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.reading_room.edits import FlatIndices, LineMove, MaskEdit, PlaneMove, Tool

MAGIC: Final = b"HJ"
_FRAME: Final = struct.Struct("<2sI8s")
_BODY: Final = struct.Struct("<BI")

LONGEST_BODY: Final = 1 << 28
"""A longer record is no record (bytes): a whole stack as a change is some 10 MB."""


@unique
class Kind(IntEnum):
    """What a record says."""

    BEGIN = 1
    EDIT = 2
    UNDO = 3
    REDO = 4
    JUDGEMENT = 5
    SAVED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """One record: its kind, its values in JSON's types, and bytes."""

    kind: Kind
    values: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What a journal holds.

    Parameters
    ----------
    records : tuple of JournalRecord
        Up to the last whole one.
    n_bytes : int
        Length of what is whole.
    n_unusable : int
        Bytes after it.
    is_cut : bool
        Whether these begin like a record that was not written to its end, as a crash leaves it;
        else the journal is damaged there.
    """

    records: tuple[JournalRecord, ...]
    n_bytes: int
    n_unusable: int = 0
    is_cut: bool = False


def framed(record: JournalRecord, sequence: int) -> bytes:
    """Return a record as it is written.

    Raises
    ------
    DraftError
        If it is too long to be read again.
    """
    text = json.dumps(dict(record.values), sort_keys=True, ensure_ascii=False).encode()
    body = _BODY.pack(record.kind, len(text)) + text + record.content
    if len(body) > LONGEST_BODY:
        raise DraftError(
            f"a change of {len(body)} bytes is too long for the journal ({LONGEST_BODY} at most)"
        )
    return _FRAME.pack(MAGIC, len(body), _checksum(sequence, body)) + body


def read_records(content: bytes) -> Records:
    """Return the records of a journal, up to the last whole one."""
    records: list[JournalRecord] = []
    at = 0
    while at < len(content):
        rest = len(content) - at
        if rest < _FRAME.size:
            is_cut = MAGIC.startswith(content[at : at + 2]) if rest == 1 else content[at : at + 2] == MAGIC
            return Records(records=tuple(records), n_bytes=at, n_unusable=rest, is_cut=is_cut)
        magic, length, checksum = _FRAME.unpack_from(content, at)
        body = content[at + _FRAME.size : at + _FRAME.size + length]
        is_whole = len(body) == length
        record = None
        if magic == MAGIC and is_whole and checksum == _checksum(len(records), body):
            record = _record(body)
        if record is None:
            is_cut = magic == MAGIC and not is_whole and length <= LONGEST_BODY
            return Records(records=tuple(records), n_bytes=at, n_unusable=rest, is_cut=is_cut)
        records.append(record)
        at += _FRAME.size + length
    return Records(records=tuple(records), n_bytes=at)


def edit_record(edit: MaskEdit) -> JournalRecord:
    """Return the record of a change."""
    values: dict[str, Any] = {"tool": edit.tool.value, "n_added": len(edit.added)}
    if edit.plane is not None:
        values["plane"] = {
            "before": edit.plane.before and edit.plane.before.as_dict(),
            "after": edit.plane.after and edit.plane.after.as_dict(),
        }
    if edit.line is not None:
        values["line"] = {
            "before": edit.line.before and edit.line.before.as_dict(),
            "after": edit.line.after and edit.line.after.as_dict(),
        }
    # Neighbours in a row differ by one: differences shrink to a few bytes.
    content = zlib.compress(np.diff(edit.changed, prepend=0).astype("<i8").tobytes(), 1)
    return JournalRecord(kind=Kind.EDIT, values=values, content=content)


def edit_of(record: JournalRecord) -> MaskEdit:
    """Return the change that `edit_record` wrote.

    Raises
    ------
    DraftError
        If it holds no change.
    """
    try:
        changed: FlatIndices = np.cumsum(np.frombuffer(zlib.decompress(record.content), dtype="<i8"))
        n_added = int(record.values["n_added"])
        move, drawn = record.values.get("plane"), record.values.get("line")
        plane = move and PlaneMove(before=_plane(move["before"]), after=_plane(move["after"]))
        line = drawn and LineMove(before=_line(drawn["before"]), after=_line(drawn["after"]))
        return MaskEdit(
            tool=Tool.parse(record.values["tool"]),
            added=changed[:n_added],
            removed=changed[n_added:],
            plane=plane or None,
            line=line or None,
        )
    except (KeyError, TypeError, ValueError, zlib.error, HerntrackError) as error:
        raise DraftError(f"the journal holds a change that cannot be read: {error}") from error


def packed_mask(mask: MaskZYX) -> bytes:
    """Return a mask as compressed bits."""
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def unpacked_mask(content: bytes, shape_zyx: tuple[int, int, int]) -> MaskZYX:
    """Return the mask that `packed_mask` wrote.

    Raises
    ------
    DraftError
        If it has another number of voxels.
    """
    n_voxels = int(np.prod(shape_zyx))
    try:
        bits = np.frombuffer(zlib.decompress(content), dtype=np.uint8)
        return np.unpackbits(bits, count=n_voxels).astype(np.bool_).reshape(shape_zyx)
    except (ValueError, zlib.error) as error:
        raise DraftError(f"the journal's mask is not of the shape {shape_zyx}: {error}") from error


def _plane(values: Mapping[str, Any] | None) -> BasePlane | None:
    return None if values is None else BasePlane.from_dict(values)


def _line(values: Mapping[str, Any] | None) -> FacetLine | None:
    return None if values is None else FacetLine.from_dict(values)


def _record(body: bytes) -> JournalRecord | None:
    try:
        number, length = _BODY.unpack_from(body)
        values = json.loads(body[_BODY.size : _BODY.size + length].decode())
        return JournalRecord(kind=Kind(number), values=values, content=body[_BODY.size + length :])
    except (struct.error, ValueError):
        return None


def _checksum(sequence: int, body: bytes) -> bytes:
    return hashlib.blake2b(struct.pack("<Q", sequence) + body, digest_size=8).digest()
