"""Headers of plain files, read without pydicom.

Reading a header is most of the time of an ingest, and pydicom makes an object of every
element. Here the beginning of a file is walked in memory and the few values that matter
are cut out. What the images of a series share is decoded once: equal bytes mean equal
values, so a file costs its own identifier, number and position.

Nothing is decided here that `herntrack.dicom.headers.read_header` would decide otherwise.
Only what can be read in one way is answered: a file with preamble and meta header, in
little endian, with ASCII text and numbers as the standard writes them, that passes every
rule of `herntrack.dicom.header_rules`. For everything else the answer is None, and
pydicom reads the file and finds the words for it.

Public: `PlainReader`, `PlainImage`, `read_plain_header`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from herntrack.dicom import pixel_extent
from herntrack.dicom.element_walk import REFUSED, STOP, Layout
from herntrack.dicom.elements import DELIMITERS, EXPLICIT, IMPLICIT, UNDEFINED, Unusual
from herntrack.dicom.file_meta import (
    HEAD_BYTES,
    MAX_HEAD_BYTES,
    PAGE_BYTES,
    Layouts,
    WalkedFile,
    walked_file,
)
from herntrack.dicom.header_parts import Position
from herntrack.dicom.header_rules import ScannedImage, pixel_bytes, scanned_image
from herntrack.dicom.pixel_extent import ALL_STORED, PIXEL_TAGS
from herntrack.dicom.plain_values import (
    COMPRESSED_SYNTAXES,
    KEYS,
    META_WANTED,
    WANTED,
    PlainValues,
    element_key,
    plain_reals,
    plain_uid,
    plain_whole,
)
from herntrack.dicom.set_aside import SetAside

MAX_KINDS = 4096
"""So many different headers are kept in mind."""

_META = {element_key(tag): vr.encode() for tag, vr in META_WANTED.values()}
_SPECIAL = (
    {element_key(tag): vr.encode() for tag, vr in WANTED.values()}
    | {element_key(tag): STOP for tag in PIXEL_TAGS}
    | dict.fromkeys((*_META, *DELIMITERS), REFUSED)
)
_READING = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_OWN_UID, _OWN_NUMBER, _OWN_POSITION = (
    KEYS[keyword] for keyword in ("SOPInstanceUID", "InstanceNumber", "ImagePositionPatient")
)
_OWN = frozenset((_OWN_UID, _OWN_NUMBER, _OWN_POSITION))
_SHARED = tuple(key for key in KEYS.values() if key not in _OWN)


class PlainImage(NamedTuple):
    """A file's own values; the rest is its kind's.

    Parameters
    ----------
    kind : int
        Index of its kind.
    own : tuple
        SOP Instance UID, position (LPS mm) and number.
    """

    kind: int
    own: tuple[str, Position | None, int | None]


class PlainReader:
    """Reads headers one after another, best in the order of their series.

    What it learns from one file only makes the next one faster: the answer for a file does
    not depend on the files before.
    """

    def __init__(self) -> None:
        self.kinds: list[ScannedImage] = []
        self._kinds: dict[tuple[bytes | None, ...], tuple[int, int] | None] = {}
        self._last: tuple[Mapping[bytes, bytes], Mapping[bytes, bytes], tuple[int, int] | None] | None = None
        self._layouts = Layouts(
            meta=Layout(EXPLICIT, _META, group=b"\x02\x00"),
            explicit=Layout(EXPLICIT, _SPECIAL),
            implicit=Layout(IMPLICIT, _SPECIAL),
        )
        self._head_bytes = HEAD_BYTES
        self._pixels: tuple[bytes, bool, int, int] | None = None

    def read(self, path: str, size: int) -> PlainImage | None:
        """Read one file.

        Parameters
        ----------
        path : str
            A regular file.
        size : int
            Its bytes.

        Returns
        -------
        PlainImage or None
            Its kind is an index of `kinds`. None: pydicom decides.
        """
        try:
            walked, n_stored = self._walked(path, size)
            own = walked.dataset.own
            if not own.keys() >= _OWN:
                own = {**walked.dataset.shared, **own}
            # Its own values first: a file that lacks them says nothing about the others of its kind.
            uid = plain_uid(own[_OWN_UID])
            x, y, z = plain_reals(own[_OWN_POSITION])
            number = plain_whole(own.get(_OWN_NUMBER, b""))
            kind = self._kind(walked)
        except (Unusual, KeyError, OSError, ValueError):
            return None
        if kind is None or n_stored < kind[1]:
            return None
        return PlainImage(kind[0], (uid, (x, y, z), number))

    def add(self, image: ScannedImage) -> PlainImage:
        """Add an image that was read otherwise as a kind of its own."""
        self.kinds.append(image)
        header = image.header
        kind = len(self.kinds) - 1
        own = header.sop_instance_uid, header.image_position_patient, header.instance_number
        return PlainImage(kind, own)

    def forget(self) -> None:
        """Forget the kinds, so that `kinds` is empty again."""
        self.kinds = []
        self._kinds.clear()
        self._last = None

    def _walked(self, path: str, size: int) -> tuple[WalkedFile, int]:
        """Return the wanted values' bytes, and how many bytes of its pixels the file holds.

        More of the file is read if its header is longer than thought.
        """
        n_bytes = self._head_bytes
        descriptor = os.open(path, _READING)
        try:
            data = os.read(descriptor, n_bytes)
            while True:
                is_whole = len(data) < n_bytes
                if is_whole and len(data) != size:
                    raise Unusual("the file is not as long as it was")
                try:
                    walked = walked_file(data, self._layouts, compressed=COMPRESSED_SYNTAXES)
                    end = walked.dataset.end
                except Unusual:
                    if is_whole or n_bytes >= MAX_HEAD_BYTES:
                        raise
                    end = n_bytes + 1
                if end + pixel_extent.HEAD_BYTES <= len(data):
                    break
                if is_whole or end > min(size, MAX_HEAD_BYTES):
                    raise Unusual("the header is cut off, or very long")
                more = max(end + PAGE_BYTES, 2 * n_bytes) - n_bytes
                data, n_bytes = data + os.read(descriptor, more), n_bytes + more
            n_stored = self._stored_bytes(descriptor, data, end, size, is_implicit=walked.is_implicit)
        finally:
            os.close(descriptor)
        self._head_bytes = max(HEAD_BYTES, -(-(end + PAGE_BYTES // 2) // PAGE_BYTES) * PAGE_BYTES)
        return walked, n_stored

    def _kind(self, walked: WalkedFile) -> tuple[int, int] | None:
        """Return which of `kinds` has these values, and the bytes its pixels need at least."""
        meta, dataset, _ = walked
        if meta.own or not dataset.own.keys() <= _OWN:
            return self._kind_of({**meta.shared, **meta.own, **dataset.shared, **dataset.own})
        # Nothing else is its own: the kind follows from what it shares, and that is often the last one's.
        last = self._last
        if last is None or last[0] is not meta.shared or last[1] is not dataset.shared:
            kind = self._kind_of({**meta.shared, **dataset.shared, **dataset.own})
            self._last = last = meta.shared, dataset.shared, kind
        return last[2]

    def _kind_of(self, found: dict[bytes, bytes]) -> tuple[int, int] | None:
        """Return the kind of what has these values."""
        shared = (*map(found.get, _SHARED),)
        try:
            return self._kinds[shared]
        except KeyError:
            pass
        if len(self._kinds) >= MAX_KINDS:
            # The kinds stay, earlier answers refer to them; only the finding is begun anew.
            self._kinds.clear()
        kind = None
        try:
            values = PlainValues(found)
            image = scanned_image(values, ALL_STORED)
            kind = len(self.kinds), pixel_bytes(values, image.header)
            self.kinds.append(image)
        except (SetAside, Unusual, ValueError):
            pass
        self._kinds[shared] = kind
        return kind

    def _stored_bytes(self, descriptor: int, data: bytes, end: int, size: int, *, is_implicit: bool) -> int:
        """Return how many bytes of its pixels a file holds; their element begins at `end`."""
        head = data[end : end + pixel_extent.HEAD_BYTES]
        if self._pixels is None or self._pixels[:2] != (head, is_implicit):
            # Most files of a series have pixels of one size.
            self._pixels = head, is_implicit, *pixel_extent.value_place(head, is_implicit=is_implicit)
        _, _, offset, length = self._pixels
        begin = end + offset
        if length != UNDEFINED:
            return min(length, size - begin)
        tail_begin = max(begin, size - pixel_extent.TAIL_BYTES)
        os.lseek(descriptor, tail_begin, os.SEEK_SET)
        if not pixel_extent.has_end_mark(os.read(descriptor, pixel_extent.TAIL_BYTES)):
            raise Unusual("compressed pixels without an end")
        return size - begin


def read_plain_header(path: str, size: int, reader: PlainReader) -> ScannedImage | None:
    """Return the full record of one file; see `PlainReader.read`."""
    plain = reader.read(path, size)
    if plain is None:
        return None
    image = reader.kinds[plain.kind]
    uid, position, number = plain.own
    header = replace(
        image.header, sop_instance_uid=uid, image_position_patient=position, instance_number=number
    )
    return replace(image, header=header)
