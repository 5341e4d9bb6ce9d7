"""From one file to what the catalogue wants to know of it.

`read_images` either returns a `ScannedImage` for each frame or raises `SetAside`, whose code and
sentence say why the file is no MR or CT image that can be placed in the patient. Pixels are not read here;
that the file holds all of them is seen from where they begin and where it ends. The rules stand in
`herntrack.dicom.header_rules`; plain files are read by `herntrack.dicom.fast_header` without any
of this, with the same result.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from herntrack.dicom.character_sets import stated_sets, text_values
from herntrack.dicom.header_rules import (
    LARGEST_NUMBER,
    ScannedImage,
    check_pixels,
    derived_patient_id,
    image_uids,
    pixel_bytes,
    scanned_image,
)
from herntrack.dicom.multi_frame import frame_headers, is_multi_frame, sop_class_of
from herntrack.dicom.pixel_extent import ALL_STORED, PIXEL_TAGS, StoredPixels, stored_pixels
from herntrack.dicom.set_aside import PREAMBLE_LENGTH, SetAside, check_signature

__all__ = [
    "ScannedImage",
    "SetAside",
    "derived_patient_id",
    "image_identity",
    "read_header",
    "read_header_dataset",
    "read_images",
]

CHARACTER_SET_VRS = frozenset(("LO", "PN", "SH"))
"""Texts whose bytes are decoded by `herntrack.dicom.character_sets` (PS3.5 6.1.2.3)."""

T = TypeVar("T", int, float)
R = TypeVar("R")


def read_images(path: Path) -> list[ScannedImage]:
    """Read what one file says of its frames, without its pixels.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    list of ScannedImage
        One for each frame of an enhanced multi-frame image, in their order; one for any other
        image, whose frame number is None.

    Raises
    ------
    SetAside
        If the file cannot be catalogued; `SetAside.code` is one of ``empty_file``,
        ``unreadable``, ``not_dicom``, ``broken``, ``dicomdir``, ``not_mr_or_ct``,
        ``multi_frame``, ``mosaic``, ``not_an_image``, ``colour``, ``no_position``,
        ``no_pixels`` and ``truncated``.
    """
    return _read(path, _images)


def read_header(path: Path) -> ScannedImage:
    """Read what one single-frame image says of itself, without its pixels.

    Raises
    ------
    SetAside
        As `read_images` does, and for every multi-frame image.
    """
    return _read(path, lambda dataset, pixels: scanned_image(_DatasetValues(dataset), pixels))


def _read(path: Path, make: Callable[[Dataset, StoredPixels | None], R]) -> R:
    with warnings.catch_warnings():
        # A header from a hospital often breaks a value rule; what matters is checked below.
        warnings.simplefilter("ignore")
        dataset, pixels = _read_dataset(path)
        try:
            return make(dataset, pixels)
        except SetAside:
            raise
        except Exception as error:
            raise SetAside("broken", f"a header element cannot be decoded: {_first_line(error)}") from error


def _images(dataset: Dataset, pixels: StoredPixels | None) -> list[ScannedImage]:
    if not is_multi_frame(dataset):
        return [scanned_image(_DatasetValues(dataset), pixels)]
    frames = []
    for number, header in enumerate(frame_headers(dataset), start=1):
        try:
            frames.append(scanned_image(_DatasetValues(header), ALL_STORED))
        except SetAside as refusal:
            raise SetAside(refusal.code, f"frame {number}: {refusal.reason}") from refusal
    values, first = _DatasetValues(dataset), frames[0]
    n_frames = len(frames)
    check_pixels(pixels, n_frames * pixel_bytes(values, first.header), whose=f"its {n_frames} frames")
    # Only the headers differ: identifiers that had to be derived are those of the first frame.
    uid, class_uid = first.header.sop_instance_uid, sop_class_of(dataset)
    headers = (
        replace(frame.header, sop_instance_uid=uid, sop_class_uid=class_uid, frame_number=number)
        for number, frame in enumerate(frames, start=1)
    )
    return [replace(first, header=header) for header in headers]


def read_header_dataset(path: Path) -> Dataset:
    """Return a file's dataset without its pixels.

    Raises
    ------
    SetAside
        If the file is no readable DICOM file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read_dataset(path)[0]


def image_identity(dataset: Dataset, notes: list[str]) -> tuple[str, str, str]:
    """Return the study, series and SOP instance UIDs of a dataset; see `image_uids`."""
    return image_uids(_DatasetValues(dataset), notes)


def _read_dataset(path: Path) -> tuple[Dataset, StoredPixels | None]:
    """Return a file's dataset without its pixels, and what the file holds of these."""
    try:
        if path.stat().st_size == 0:
            raise SetAside("empty_file", "the file has no bytes")
        with path.open("rb") as file:
            has_prefix = check_signature(file.read(PREAMBLE_LENGTH + 4))
            file.seek(0)
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=not has_prefix)
            return dataset, _pixels_in(file, dataset)
    except OSError as error:
        raise SetAside("unreadable", f"the file cannot be read: {error.strerror or error}") from error
    except InvalidDicomError as error:
        raise SetAside("not_dicom", "the file is no DICOM file") from error
    except SetAside:
        raise
    except RecursionError as error:
        raise SetAside(
            "broken",
            "sequences in the header lie within sequences, hundreds deep, and cannot be read so far down;"
            " export the image again, or without its private and referenced sequences",
        ) from error
    except Exception as error:
        raise SetAside("broken", f"the DICOM header cannot be parsed: {_first_line(error)}") from error


def _pixels_in(file: BinaryIO, dataset: Dataset) -> StoredPixels | None:
    """Return what a file holds of its pixels; its position is where pydicom ended the header."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if syntax == pydicom.uid.DeflatedExplicitVRLittleEndian:
        # The place within the inflated bytes is not told.
        file.seek(0)
        inflated = pydicom.dcmread(file)
        values = [inflated.get_item(tag).value for tag in PIXEL_TAGS if tag in inflated]
        return StoredPixels(max(map(len, values))) if values else None
    element = next((each for each in dataset.values() if isinstance(each, RawDataElement)), None)
    if element is None:
        return None
    return stored_pixels(
        file, position, size, is_implicit=element.is_implicit_VR, is_little=element.is_little_endian
    )


class _DatasetValues:
    """The values of a pydicom dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._meta = getattr(dataset, "file_meta", None) or Dataset()

    def has(self, keyword: str) -> bool:
        return keyword in self._dataset

    def text(self, keyword: str) -> str:
        raw = self._text_bytes(keyword)
        if raw is not None:
            return next(iter(text_values(raw, self.character_set())), "")
        return _text(self._dataset, keyword)

    def texts(self, keyword: str) -> tuple[str, ...]:
        raw = self._text_bytes(keyword)
        if raw is not None:
            return text_values(raw, self.character_set())
        value = _value(self._dataset, keyword)
        if value is None or value == "":
            return ()
        items = value if isinstance(value, MultiValue | list | tuple) else [value]
        return tuple(str(item).strip() for item in items)

    def integer(self, keyword: str) -> int | None:
        return _number(self._dataset, keyword, int)

    def real(self, keyword: str) -> float | None:
        return _number(self._dataset, keyword, float)

    def reals(self, keyword: str, length: int) -> tuple[float, ...] | None:
        value = _value(self._dataset, keyword)
        if not isinstance(value, MultiValue | list | tuple) or len(value) != length:
            return None
        try:
            numbers = tuple(float(item) for item in value)
        except (ValueError, TypeError):
            return None
        finite = all(abs(number) < float("inf") for number in numbers)
        return numbers if finite else None

    def name_bytes(self, keyword: str) -> bytes:
        raw = self._text_bytes(keyword)
        # A dataset that was made, not read, has no bytes: those it would be written with.
        return _text(self._dataset, keyword).encode() if raw is None else raw

    def character_set(self) -> str:
        value = _value(self._dataset, "SpecificCharacterSet")
        items = value if isinstance(value, MultiValue | list | tuple) else [value]
        return stated_sets(["" if item is None else str(item) for item in items])

    def unsigned(self, keyword: str) -> int:
        return int(self._dataset[keyword].value)

    def meta_text(self, keyword: str) -> str:
        return _text(self._meta, keyword)

    def transfer_syntax(self) -> str:
        return self.meta_text("TransferSyntaxUID") or str(self._guessed_syntax())

    def is_native(self, syntax: str) -> bool:
        uid = pydicom.uid.UID(syntax)
        return not (uid.is_private or uid.is_compressed)

    def class_name(self, uid: str) -> str:
        return str(pydicom.uid.UID(uid).name)

    def _text_bytes(self, keyword: str) -> bytes | None:
        """Return a text as the file has it, None if it is no text or was decoded already."""
        tag = tag_for_keyword(keyword)
        element = None if tag is None else self._dataset.get_item(tag)
        if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
            return None
        vr = element.VR or pydicom.datadict.dictionary_VR(element.tag)
        return element.value if vr in CHARACTER_SET_VRS else None

    def _guessed_syntax(self) -> pydicom.uid.UID:
        """Return the encoding that pydicom found where the file has no meta header."""
        is_implicit, is_little = self._dataset.original_encoding
        if is_little is False:
            return pydicom.uid.ExplicitVRBigEndian
        return pydicom.uid.ImplicitVRLittleEndian if is_implicit else pydicom.uid.ExplicitVRLittleEndian


def _value(dataset: Dataset, keyword: str) -> Any:
    """Return an element's value, None where it is absent, empty or not decodable."""
    try:
        return dataset.get(keyword)
    except (ValueError, TypeError, NotImplementedError, OverflowError, KeyError):
        return None


def _text(dataset: Dataset, keyword: str) -> str:
    value = _value(dataset, keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return "" if value is None else str(value).replace("\x00", "").strip()


def _number(dataset: Dataset, keyword: str, kind: Callable[[Any], T]) -> T | None:
    value = _value(dataset, keyword)
    if isinstance(value, MultiValue | list | tuple):
        value = value[0] if len(value) else None
    if value is None or value == "":
        return None
    try:
        number = kind(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if abs(float(number)) <= LARGEST_NUMBER else None


def _first_line(error: Exception) -> str:
    # Only the kind and the first line: a decoder's message can quote a value of the header.
    text = str(error).splitlines()
    return f"{type(error).__name__}" + (f": {text[0][:120]}" if text else "")
