"""Some files read at one go: what one process does for another.

Everything that can be made of these files alone is made here, because here every
processor works: headers are written down as text, and series get their stacks. What goes
back is short, and what images share goes back once.

Public: `FoundFile`, `Refusal`, `ChunkReader`, `Answers`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from herntrack.dicom.fast_header import PlainImage, PlainReader
from herntrack.dicom.header_parts import HeaderParts, Position, parts_of, shared_text
from herntrack.dicom.header_rules import ScannedImage
from herntrack.dicom.placed_images import PlacedImage, placed
from herntrack.dicom.set_aside import PREAMBLE_LENGTH, SetAside, check_signature
from herntrack.dicom.stacks import BuiltStack, stacks_of_images
from herntrack.model.images import Series


class FoundFile(NamedTuple):
    """A file as the walk saw it: absolute path, bytes, modification time (ns since 1970)."""

    path: str
    size: int
    mtime_ns: int


class Refusal(NamedTuple):
    """Why a file is set aside: a short stable word, and a sentence."""

    code: str
    reason: str


@dataclass(slots=True)
class Answers:
    """What became of some files.

    Parameters
    ----------
    images : list of ScannedImage
        The different images. Files that differ only in their own values share one, whose
        header is that of the first of them.
    outcomes : list of int or Refusal
        For each file the index of its image, or why it is set aside.
    shared : list of str
        What the headers of files with the same image share (see `herntrack.dicom.header_parts`).
    own : list of tuple
        SOP Instance UID, position and number of each file that has an image, of the first frame if
        there are several.
    frames : dict
        By the place of a multi-frame file among these files the headers of all its frames.
    stacks : dict
        By Series Instance UID, as far as these files alone decide them.
    """

    images: list[ScannedImage] = field(default_factory=list)
    outcomes: list[int | Refusal] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    own: list[tuple[str, Position | None, int | None]] = field(default_factory=list)
    frames: dict[int, tuple[HeaderParts, ...]] = field(default_factory=dict)
    stacks: dict[str, list[BuiltStack]] = field(default_factory=dict)


class _Frames(NamedTuple):
    """The frames of one multi-frame file."""

    images: list[ScannedImage]

    def headers(self) -> tuple[HeaderParts, ...]:
        return tuple(parts_of(image.header) for image in self.images)


class ChunkReader:
    """Reads chunk after chunk; the files of one chunk make the next one faster, never different."""

    def __init__(self) -> None:
        self._reader = PlainReader()

    def answers(self, files: Sequence[FoundFile]) -> Answers:
        """Read some files.

        Parameters
        ----------
        files : sequence of FoundFile
            Any regular files.
        """
        reader = self._reader
        reader.forget()
        answers = Answers()
        placed_images: dict[int, list[PlacedImage]] = defaultdict(list)
        beside: list[tuple[Series, list[PlacedImage]]] = []
        for path, size, _ in files:
            plain = _misnamed(path) or reader.read(path, size) or self._thorough(path)
            if not isinstance(plain, PlainImage):
                if isinstance(plain, Refusal):
                    answers.outcomes.append(plain)
                    continue
                answers.frames[len(answers.outcomes)] = plain.headers()
                first, *others = plain.images
                beside.append((first.series, [placed(each.header) for each in others]))
                plain = reader.add(first)
            kind, own = plain
            uid, position, number = own
            header = reader.kinds[kind].header
            placed_images[kind].append(
                PlacedImage(header, (uid, header.frame_number or 0), position or (), number)
            )
            answers.outcomes.append(kind)
            answers.own.append(own)
        answers.images = reader.kinds
        answers.shared = [shared_text(image.header) for image in reader.kinds]
        members: dict[str, list[tuple[Series, list[PlacedImage]]]] = defaultdict(list)
        of_kinds = ((reader.kinds[kind].series, images) for kind, images in placed_images.items())
        for series, images in (*of_kinds, *beside):
            members[series.series_instance_uid].append((series, images))
        answers.stacks = {uid: built for uid, each in members.items() if (built := _stacks(each))}
        return answers

    def _thorough(self, path: str) -> PlainImage | _Frames | Refusal:
        """Read what is not plain, or no DICOM file at all, the thorough way."""
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a path object for each file costs more
                head = file.read(PREAMBLE_LENGTH + 4)
            if head:
                check_signature(head)
        except SetAside as refusal:
            return Refusal(refusal.code, refusal.reason)
        except OSError:
            pass  # the reader below has the words for it
        # Loading pydicom takes as long as some thousand plain files.
        from herntrack.dicom.headers import read_images

        try:
            images = read_images(Path(path))
        except SetAside as refusal:
            return Refusal(refusal.code, refusal.reason)
        if images[0].header.frame_number is None:
            return self._reader.add(images[0])
        return _Frames(images)


def _misnamed(path: str) -> Refusal | None:
    """Refuse a name that is no UTF-8: no catalogue or report could say where the file lies."""
    if path.isascii():
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        return Refusal("file_name", "the file's name is not UTF-8; rename the file and ingest it again")
    return None


def _stacks(members: Sequence[tuple[Series, Sequence[PlacedImage]]]) -> list[BuiltStack]:
    """Return the stacks of a series; none if which images and words belong to it is not decided here."""
    series = members[0][0]
    images = [image for _, each in members for image in each]
    if len({image.key for image in images}) != len(images) or any(each != series for each, _ in members):
        return []
    return stacks_of_images(series, images)
