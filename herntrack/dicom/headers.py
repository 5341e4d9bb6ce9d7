"""From one file to what the catalogue wants to know of it.

`read_header` either returns a `ScannedImage` or raises `SetAside`, whose code and
sentence say why the file is no single-frame MR or CT image that can be placed in the
patient. Pixels are not read here; that a native image is long enough for its pixels is
checked by the file's size. The rules stand in `herntrack.dicom.header_rules`; plain files
are read by `herntrack.dicom.fast_header` without any of this, with the same result.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from herntrack.dicom.header_rules import (
    LARGEST_NUMBER,
    PREAMBLE_LENGTH,
    ScannedImage,
    SetAside,
    check_signature,
    derived_patient_id,
    image_uids,
    scanned_image,
)

__all__ = [
    "ScannedImage",
    "SetAside",
    "derived_patient_id",
    "image_identity",
    "read_header",
    "read_header_dataset",
]

T = TypeVar("T", int, float)


def read_header(path: Path) -> ScannedImage:
    """Read what one file says of itself, without its pixels.

    Parameters
    ----------
    path : Path
        Any file.

    Raises
    ------
    SetAside
        If the file cannot be catalogued; `SetAside.code` is one of ``empty_file``,
        ``unreadable``, ``not_dicom``, ``broken``, ``dicomdir``, ``not_mr_or_ct``,
        ``multi_frame``, ``mosaic``, ``not_an_image``, ``colour``, ``no_position`` and
        ``truncated``.
    """
    with warnings.catch_warnings():
        # A header from a hospital often breaks a value rule; what matters is checked below.
        warnings.simplefilter("ignore")
        dataset = _read_dataset(path)
        try:
            return scanned_image(_DatasetValues(dataset), path.stat().st_size)
        except SetAside:
            raise
        except Exception as error:
            raise SetAside("broken", f"a header element cannot be decoded: {_first_line(error)}") from error


def read_header_dataset(path: Path) -> Dataset:
    """Return a file's dataset without its pixels.

    Raises
    ------
    SetAside
        If the file is no readable DICOM file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read_dataset(path)


def image_identity(dataset: Dataset, notes: list[str]) -> tuple[str, str, str]:
    """Return the study, series and SOP instance UIDs of a dataset; see `image_uids`."""
    return image_uids(_DatasetValues(dataset), notes)


def _read_dataset(path: Path) -> Dataset:
    try:
        if path.stat().st_size == 0:
            raise SetAside("empty_file", "the file has no bytes")
        with path.open("rb") as file:
            has_prefix = check_signature(file.read(PREAMBLE_LENGTH + 4))
            file.seek(0)
            return pydicom.dcmread(file, stop_before_pixels=True, force=not has_prefix)
    except OSError as error:
        raise SetAside("unreadable", f"the file cannot be read: {error.strerror or error}") from error
    except InvalidDicomError as error:
        raise SetAside("not_dicom", "the file is no DICOM file") from error
    except SetAside:
        raise
    except Exception as error:
        raise SetAside("broken", f"the DICOM header cannot be parsed: {_first_line(error)}") from error


class _DatasetValues:
    """The values of a pydicom dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._meta = getattr(dataset, "file_meta", None) or Dataset()

    def has(self, keyword: str) -> bool:
        return keyword in self._dataset

    def text(self, keyword: str) -> str:
        return _text(self._dataset, keyword)

    def texts(self, keyword: str) -> tuple[str, ...]:
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
