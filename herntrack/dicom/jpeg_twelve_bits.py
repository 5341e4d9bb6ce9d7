"""Lossy JPEG of twelve bits, which pydicom's decoders refuse.

JPEG Extended holds 8 or 12 bits a sample, and so do the retired progressive processes that old
archives have. pydicom hands 12 bits to no decoder; GDCM reads them right if it is told that 12 bits
are stored, with the same values as libjpeg-turbo, bit for bit.

Public: `TWELVE_BIT_SYNTAXES`, `sample_precision`, `decode_twelve_bits`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
TWELVE_BIT_SYNTAXES = {JPEG_EXTENDED, "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55"}
"""JPEG Extended, spectral selection and full progression (processes 2 and 4, 6 and 8, 10 and 12)."""

TWELVE_BITS = 12
"""The larger of the two precisions (bits)."""

_FRAME_HEADERS = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Markers that begin a frame header: SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81 table B.1)."""


def sample_precision(stream: bytes) -> int | None:
    """Return the bits of a sample that a JPEG stream says it has, None if it says none.

    Parameters
    ----------
    stream : bytes
        One compressed frame.
    """
    position = 2
    while position + 4 < len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker in _FRAME_HEADERS:
            return stream[position + 4]
        if marker == 0xFF:
            position += 1  # fill bytes may stand before a marker
            continue
        position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    return None


def decode_twelve_bits(stream: bytes, shape: tuple[int, int]) -> npt.NDArray[np.uint16]:
    """Return the samples of one frame of 12 bits.

    Parameters
    ----------
    stream : bytes
        One compressed frame, for which `sample_precision` is 12.
    shape : tuple of int
        ``(n_rows, n_cols)``.

    Returns
    -------
    ndarray of uint16, shape `shape`

    Raises
    ------
    ValueError
        If GDCM cannot decode it or finds another size.
    """
    import gdcm

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((shape[1], shape[0], 1))
    image.SetDataElement(element)
    monochrome = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(monochrome))
    # How the scans go on stands in the stream itself; the decoder is the same for all three.
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(JPEG_EXTENDED)))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, TWELVE_BITS, TWELVE_BITS - 1, 0))
    buffer = image.GetBuffer()
    if buffer is None:
        raise ValueError("the stream cannot be decoded")
    # GDCM returns bytes as text; what is no UTF-8 comes as surrogates.
    samples = np.frombuffer(buffer.encode("utf-8", "surrogateescape"), dtype="<u2")
    if samples.size != shape[0] * shape[1]:
        raise ValueError(f"the stream has {samples.size} samples, not {shape[0]} rows of {shape[1]}")
    return samples.reshape(shape).astype(np.uint16)
