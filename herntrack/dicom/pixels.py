"""Pixels of an image, or of some frames of a multi-frame image, as the numbers the scanner meant.

Stored values are decoded by pydicom with whatever decoder reads the transfer syntax, then the
modality transformation of that very image is applied (DICOM PS3.3 C.11.1): its modality LUT,
else its rescale slope and intercept, which differ from slice to slice in PET and some MR, and from
frame to frame in enhanced images.

Public: `read_dataset`, `decode_values`, `decode_frames`, `read_values`, `rescaled`. What cannot be
decoded, or is shorter than it says, is a `DicomError`; half a picture is never returned.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from herntrack.dicom.frame_decoding import Decode, decoded_frames
from herntrack.dicom.jpeg_twelve_bits import (
    TWELVE_BIT_SYNTAXES,
    TWELVE_BITS,
    decode_twelve_bits,
    sample_precision,
)
from herntrack.dicom.multi_frame import FRAME_NUMBER
from herntrack.errors import DicomError, MissingAttributeError, NotDicomError

DECODER_ADVICE = (
    "install the decoders that herntrack brings (python-gdcm, pylibjpeg, pylibjpeg-openjpeg),"
    " pyjpegls for JPEG-LS, or decompress the export"
)
"""What to do when no decoder is at hand."""


def read_values(path: Path) -> npt.NDArray[Any]:
    """Read the values of one image file.

    Parameters
    ----------
    path : Path
        A single-frame image.

    Returns
    -------
    ndarray, shape (n_rows, n_cols)
        As `decode_values` returns.

    Raises
    ------
    NotDicomError
        If it is no DICOM file.
    DicomError
        If its pixels cannot be decoded.
    """
    return decode_values(read_dataset(path), path=path)


def read_dataset(path: Path) -> Dataset:
    """Read a file with its pixels, still encoded; a preamble and a meta header may be missing.

    Parameters
    ----------
    path : Path
        A DICOM file.

    Raises
    ------
    NotDicomError
        If nothing in it looks like DICOM.
    DicomError
        If the file cannot be read.
    """
    with _without_advice():
        try:
            dataset = pydicom.dcmread(path, force=True)
        except InvalidDicomError as error:
            raise NotDicomError(f"{path}: no DICOM file", path=path) from error
        except (OSError, EOFError) as error:
            raise DicomError(f"{path}: the file cannot be read: {error}", path=path) from error
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise DicomError(
                f"{path}: the file cannot be parsed ({type(error).__name__}); it may be damaged:"
                " copy it again",
                path=path,
            ) from error
        if not len(dataset) and getattr(dataset, "file_meta", None):
            # pydicom drops what it has read where compressed pixels end without their mark.
            raise DicomError(
                f"{path}: the file is truncated: it ends within its compressed pixels or a sequence;"
                " copy it again",
                path=path,
            )
        if "Rows" not in dataset and "SOPClassUID" not in dataset:
            raise NotDicomError(f"{path}: no DICOM image: neither Rows nor SOPClassUID in it", path=path)
    return dataset


def decode_values(dataset: Dataset, *, path: Path) -> npt.NDArray[Any]:
    """Return the values of one single-frame image, its modality transformation applied.

    Parameters
    ----------
    dataset : Dataset
        The image with its pixel data. Not changed.
    path : Path
        Where it came from, for messages.

    Returns
    -------
    ndarray of int16, int32 or float32, shape (n_rows, n_cols)
        The narrowest integers that hold the values if slope and intercept are whole, else
        float32. Hounsfield units for CT, the scanner's own for MR.

    Raises
    ------
    MissingAttributeError
        If an attribute that decoding needs is absent.
    DicomError
        If there are several frames or colours, no decoder fits, or the pixels are cut short.
    """
    with _without_advice():
        n_frames = _frame_count(dataset, path)
        if n_frames != 1:
            raise DicomError(
                f"{path}: {n_frames} frames; here images of one frame are read:"
                " export as single-frame or enhanced MR or CT",
                path=path,
            )
        _check_decodable(dataset, path)
        return _apply_modality(next(_stored_frames(dataset, [0], path)), dataset, path)


def decode_frames(
    dataset: Dataset, headers: Sequence[Dataset], *, path: Path, decode: Decode | None = None
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield the values of some frames of a multi-frame image, each one's modality transformation applied.

    Parameters
    ----------
    dataset : Dataset
        The image with its pixel data. Not changed.
    headers : sequence of Dataset
        Of the wanted frames, as `herntrack.dicom.multi_frame.frame_headers` returns them.
    path : Path
        Where it came from, for messages.
    decode : callable, optional
        Tried on compressed pixels before pydicom's decoders are.

    Yields
    ------
    int
        Which of `headers`.
    ndarray of int16, int32 or float32, shape (n_rows, n_cols)
        As `decode_values` returns. In the order of the frames: each is decoded when its turn comes.

    Raises
    ------
    MissingAttributeError, DicomError
        As `decode_values` does.
    """
    wanted = sorted((int(header[FRAME_NUMBER].value) - 1, place) for place, header in enumerate(headers))
    with _without_advice():
        _check_decodable(dataset, path)
        n_frames = _frame_count(dataset, path)
        if wanted and wanted[-1][0] >= n_frames:
            raise DicomError(f"{path}: frame {wanted[-1][0] + 1} of {n_frames}", path=path)
        stored_frames = _stored_frames(dataset, [index for index, _ in wanted], path, decode)
    for _, place in wanted:
        with _without_advice():
            values = _apply_modality(next(stored_frames), headers[place], path)
        yield place, values


def _frame_count(dataset: Dataset, path: Path) -> int:
    try:
        return int(dataset.get("NumberOfFrames") or 1)
    except (ValueError, TypeError) as error:
        raise DicomError(f"{path}: NumberOfFrames is no number; export the image again", path=path) from error


def _check_decodable(dataset: Dataset, path: Path) -> None:
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "PixelData"):
        if dataset.get(keyword) is None:
            why = _why_no_pixels(dataset) if keyword == "PixelData" else ""
            raise MissingAttributeError(f"{path}: the image has no {keyword}{why}", path=path)
    n_samples = int(dataset.get("SamplesPerPixel") or 1)
    if n_samples != 1:
        raise DicomError(
            f"{path}: {n_samples} samples per pixel; images of one sample are read: export as MR or CT",
            path=path,
        )
    if str(dataset.get("PhotometricInterpretation", "")).startswith("PALETTE"):
        raise DicomError(f"{path}: the pixels are indices into a colour palette, no intensities", path=path)
    high_bit = dataset.get("HighBit")
    if high_bit is not None and int(high_bit) != int(dataset.BitsStored) - 1:
        # Allowed before 1998 only; pydicom ignores HighBit, so the values would be silently wrong.
        raise DicomError(
            f"{path}: HighBit is {high_bit} with BitsStored {dataset.BitsStored}; it must be one less."
            " Export the image again",
            path=path,
        )


def _why_no_pixels(dataset: Dataset) -> str:
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        return "; its pixels are fractions, as of a parametric map: export the MR or CT it was made from"
    return "; the file may be cut short: copy it again"


def _stored_frames(
    dataset: Dataset, indices: Sequence[int], path: Path, decode: Decode | None = None
) -> Iterator[npt.NDArray[Any]]:
    """Yield the stored values of frames, which are counted from 0 and in order."""
    syntax = _transfer_syntax(dataset, path)
    shape = (int(dataset.Rows), int(dataset.Columns))
    streams = _twelve_bit_streams(dataset, syntax, path)
    try:
        if streams:
            yield from (decode_twelve_bits(streams[index], shape) for index in indices)
            return
        source = _with_syntax(dataset, syntax)
        for stored in decoded_frames(source, _decoder(syntax, path), indices, decode):
            if stored.shape != shape:
                raise _broken(path, syntax, f"decoded to {stored.shape}, the header says {shape}")
            yield stored
    except DicomError:
        raise
    except Exception as error:  # every decoder raises its own kinds
        raise _broken(path, syntax, f"{type(error).__name__}: {_first_line(error)}") from error


def _decoder(syntax: UID, path: Path) -> Decoder:
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise DicomError(
            f"{path}: no decoder knows the transfer syntax {syntax.name} ({syntax}); decompress the export",
            path=path,
        ) from error
    if not decoder.is_available:
        raise DicomError(
            f"{path}: no decoder for the transfer syntax {syntax.name} ({syntax}) is installed;"
            f" {DECODER_ADVICE}",
            path=path,
        )
    return decoder


def _twelve_bit_streams(dataset: Dataset, syntax: UID, path: Path) -> list[bytes]:
    """Return the compressed frames if they are lossy JPEG of 12 unsigned bits, else nothing."""
    layout = dataset.BitsAllocated, dataset.PixelRepresentation
    if syntax not in TWELVE_BIT_SYNTAXES or layout != (16, 0):
        return []
    n_frames = _frame_count(dataset, path)
    try:
        streams = list(generate_frames(dataset.PixelData, number_of_frames=n_frames))
    except (ValueError, TypeError, struct.error) as error:
        raise _broken(path, syntax, f"{type(error).__name__}: {_first_line(error)}") from error
    return streams if {sample_precision(stream) for stream in streams} == {TWELVE_BITS} else []


def _apply_modality(stored: npt.NDArray[Any], dataset: Dataset, path: Path) -> npt.NDArray[Any]:
    if dataset.get("ModalityLUTSequence"):
        return _narrowed(np.asarray(apply_modality_lut(stored, dataset)))
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    if slope == 0.0 or not np.isfinite([slope, intercept]).all():
        raise DicomError(
            f"{path}: RescaleSlope {slope} and RescaleIntercept {intercept} make no values", path=path
        )
    return rescaled(stored, slope, intercept)


def rescaled(stored: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    """Return ``stored * slope + intercept`` (DICOM PS3.3 C.11.1.1.2).

    Parameters
    ----------
    stored : ndarray of integers
        Stored values. Not changed; returned itself if it is the answer.
    slope, intercept : float
        Finite, slope not 0.

    Returns
    -------
    ndarray of int16, int32 or float32
        The narrowest integers that hold the values if slope and intercept are whole, else float32.
    """
    if stored.dtype.kind not in "iub" or not (slope.is_integer() and intercept.is_integer()):
        values: npt.NDArray[np.float64] = np.multiply(stored, slope, dtype=np.float64)
        values += intercept
        return values.astype(np.float32)
    factor, offset = int(slope), int(intercept)
    limits = np.iinfo(np.int32)
    largest = max(abs(int(stored.min())), abs(int(stored.max()))) * abs(factor) + abs(offset)
    if max(largest, abs(factor), abs(offset)) > limits.max:
        return _narrowed(stored.astype(np.int64) * factor + offset)
    if (factor, offset) == (1, 0) and stored.dtype.kind in "iu":
        return _narrowed(stored)
    # Nothing on the way leaves int32, which takes half the time of int64.
    whole = stored.astype(np.int32)
    whole *= factor
    whole += offset
    return _narrowed(whole)


def _narrowed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return whole numbers as int16 or int32, wider ones and fractions as float32."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        for kind in (np.int16, np.int32):
            limits = np.iinfo(kind)
            if limits.min <= low and high <= limits.max:
                return values.astype(kind, copy=False)
    return values.astype(np.float32)


def _transfer_syntax(dataset: Dataset, path: Path) -> UID:
    """Return the stated transfer syntax, else how pydicom found the data elements encoded."""
    stated = str((getattr(dataset, "file_meta", None) or Dataset()).get("TransferSyntaxUID") or "")
    if stated:
        return UID(stated)
    is_implicit, is_little = dataset.original_encoding
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise DicomError(
            f"{path}: the pixels are compressed but the file does not say how: no TransferSyntaxUID;"
            " export it again with a meta header",
            path=path,
        )
    if is_little is False:
        return ExplicitVRBigEndian
    return ExplicitVRLittleEndian if is_implicit is False else ImplicitVRLittleEndian


def _with_syntax(dataset: Dataset, syntax: UID) -> Dataset:
    """Return the dataset with a meta header that states `syntax`; a copy where it lacked one."""
    if (getattr(dataset, "file_meta", None) or Dataset()).get("TransferSyntaxUID"):
        return dataset
    stated = Dataset(dataset)
    stated.file_meta = FileMetaDataset()
    stated.file_meta.TransferSyntaxUID = syntax
    return stated


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    value = dataset.get(keyword)
    return default if value is None or value == "" else float(value)


def _broken(path: Path, syntax: UID, detail: str) -> DicomError:
    return DicomError(
        f"{path}: the pixels cannot be decoded (transfer syntax {syntax.name}, {syntax}): {detail}."
        " The file may be cut short or damaged: copy or export it again",
        path=path,
    )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else "no details"


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence warnings on header values that break a rule; what decoding needs is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
