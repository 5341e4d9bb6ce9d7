"""Digests of pixels, decoded where a decoder that fails ends nothing but itself.

The libraries that decode JPEG and JPEG-LS end the whole process at one to five in a hundred damaged
streams. So files with compressed pixels are decoded in a process of ours beside this one, the same for all
of them; where it ends over a file, another takes its place and the file is told. Other files are
read here.

Public: `frame_digests`, `stored_digest`, `values_sha256`; `serve` is the other end.
"""

from __future__ import annotations

import atexit
import hashlib
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from herntrack.child_process import Helper, received, send, serving
from herntrack.dicom.multi_frame import frame_headers
from herntrack.dicom.pixels import decode_frames, decode_values, read_dataset
from herntrack.dicom.set_aside import SetAside
from herntrack.errors import DicomError

SAFE_SYNTAXES = frozenset(
    (
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
    )
)
"""Read by Python code alone, which answers whatever is in a file with an error."""

STORED: tuple[int, ...] = ()
"""Asked for in place of frame numbers: all stored values at once."""

_asking = Lock()


def values_sha256(values: npt.NDArray[Any]) -> str:
    r"""Return the digest of one image's values.

    The canonical form: the values as IEEE 754 binary64, little-endian, row by row, minus zero as zero;
    before them the ASCII text ``rows columns\\n``. SHA-256 of these bytes.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_cols)
        Decoded values of any numeric type that float64 holds exactly (integers up to 32 bits,
        float32, float64). Of more dimensions, all stand in the text.
    """
    canonical = values.astype("<f8") + 0.0
    digest = hashlib.sha256(f"{' '.join(map(str, values.shape))}\n".encode("ascii"))
    digest.update(np.ascontiguousarray(canonical).data)
    return digest.hexdigest()


def frame_digests(path: Path, frames: Sequence[int]) -> list[str]:
    """Return the digest of the values of each of some frames of a file.

    Parameters
    ----------
    path : Path
        A DICOM image.
    frames : sequence of int
        Counted from 1; ``[0]`` for a single-frame image.

    Raises
    ------
    DicomError
        If it cannot be decoded, or its decoder ends the process that it works in.
    OSError
        If it cannot be opened.
    """
    return _digests(path, tuple(frames))


def stored_digest(path: Path) -> str:
    """Return the digest of all stored values of a file, the same however they are compressed.

    Raises
    ------
    DicomError, OSError
        As `frame_digests`.
    """
    return _digests(path, STORED)[0]


def serve() -> None:
    """Answer what comes over standard input until it ends."""
    # A decoder prints what it thinks of a file, and the system that it ended.
    asked, answers = serving(is_silent=True)
    while True:
        try:
            path, frames = received(asked)
        except EOFError:
            return
        try:
            send(answers, _made_here(path, frames))
        except DicomError as error:
            send(answers, str(error))
        except OSError as error:
            send(answers, f"{path}: {error.strerror}")


def _digests(path: Path, frames: tuple[int, ...]) -> list[str]:
    if _is_safe(path):
        return _made_here(path, frames)
    with _asking:
        helper = _helper()
        if not helper.is_there:
            return _made_here(path, frames)
        try:
            answer: list[str] | str = helper.ask((path, frames))
        except EOFError as error:
            raise DicomError(
                f"{path}: the decoder failed on these pixels and ended the process that it worked in; the"
                " file is damaged: copy it again",
                path=path,
            ) from error
    if isinstance(answer, str):
        raise DicomError(answer, path=path)
    return answer


def _is_safe(path: Path) -> bool:
    """Return whether a file says that its pixels are not compressed, or in a way that is safe to read."""
    try:
        return read_file_meta_info(path).get("TransferSyntaxUID") in SAFE_SYNTAXES
    except (InvalidDicomError, EOFError, ValueError, KeyError, AttributeError, NotImplementedError):
        return False


def _made_here(path: Path, frames: tuple[int, ...]) -> list[str]:
    dataset = read_dataset(path)
    if frames == STORED:
        return [values_sha256(_stored_values(dataset, path))]
    if frames == (0,):
        return [values_sha256(decode_values(dataset, path=path))]
    try:
        headers = frame_headers(dataset)
    except SetAside as error:
        raise DicomError(f"{path}: {error.reason}", path=path) from error
    if max(frames) > len(headers):
        raise DicomError(f"{path}: there is no frame {max(frames)} any more", path=path)
    wanted = [headers[number - 1] for number in frames]
    return [values_sha256(values) for _, values in decode_frames(dataset, wanted, path=path)]


def _stored_values(dataset: Dataset, path: Path) -> npt.NDArray[Any]:
    try:
        with warnings.catch_warnings():
            # Padding behind the pixels is none of them.
            warnings.simplefilter("ignore")
            return np.asarray(dataset.pixel_array)
    except Exception as error:  # every decoder raises its own kinds
        raise DicomError(
            f"{path}: the pixels cannot be decoded: {type(error).__name__}", path=path
        ) from error


@cache
def _helper() -> Helper:
    """Return the process, started when it is first needed; it ends with this one."""
    helper = Helper(__name__)
    atexit.register(helper.close)
    return helper
