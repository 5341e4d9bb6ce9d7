"""Stored values of frames, by the decoder that suits their transfer syntax where several can read it.

Public: `decoded_frames`, `chosen_decoder`, `Decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import Decoder

from herntrack.dicom.code_streams import EXACT_SYNTAXES
from herntrack.dicom.slice_facts import SliceFacts

CHOSEN = {
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
}
"""For JPEG 2000 the one that needs the least work, and that answers damaged streams with an error.

The one pydicom tries first, gdcm, spreads a picture over all cores, but ends the whole process at about one
in a thousand damaged streams.
"""

Decode = Callable[[bytes, SliceFacts], npt.NDArray[Any] | None]
"""Returns the stored values of an image from the items of its compressed pixels and its header, None if
others are to decode them; an array of int16 or uint16, shape (n_rows, n_cols), that nobody else has."""


def chosen_decoder(decoder: Decoder, syntax: str) -> str:
    """Return the name of the decoder to use, empty to try all in pydicom's own order.

    Parameters
    ----------
    decoder : Decoder
        pydicom's for the transfer syntax.
    syntax : str
        The transfer syntax.
    """
    name = CHOSEN.get(syntax, "")
    return name if name in decoder.available_plugins else ""


def decoded_frames(
    dataset: Dataset, decoder: Decoder, indices: Sequence[int], decode: Decode | None = None
) -> Iterator[npt.NDArray[Any]]:
    """Yield the stored values of frames.

    Parameters
    ----------
    dataset : Dataset
        The image with its pixels and its transfer syntax.
    decoder : Decoder
        pydicom's for that syntax.
    indices : sequence of int
        The frames, counted from 0 and in order.
    decode : callable, optional
        Tried before pydicom's decoders are.

    Raises
    ------
    Exception
        Of whatever kind the decoder raises.
    """
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    name = chosen_decoder(decoder, syntax)
    if decode is None or syntax not in EXACT_SYNTAXES or "ExtendedOffsetTable" in dataset:
        for stored, _ in decoder.iter_array(dataset, indices=indices, raw=True, decoding_plugin=name):
            yield np.asarray(stored)
        return
    facts = _facts(dataset, syntax)
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    streams = list(generate_frames(dataset.PixelData, number_of_frames=n_frames))
    for index in indices:
        values = decode(encapsulate([streams[index]]), facts)
        if values is None:
            values, _ = decoder.as_array(dataset, index=index, raw=True, decoding_plugin=name)
        yield values


def _facts(dataset: Dataset, syntax: str) -> SliceFacts:
    """Return what a decoder has to know; where the frames lie and their rescale is not asked for."""
    return SliceFacts(
        shape=(int(dataset.Rows), int(dataset.Columns)),
        orientation=(),
        spacing=(),
        # Samples of another width than 16 bits are left to pydicom, as those of no width are.
        bits_stored=int(dataset.BitsStored) if int(dataset.BitsAllocated) == 16 else 0,
        is_signed=int(dataset.PixelRepresentation) == 1,
        slope=1.0,
        intercept=0.0,
        photometric=str(dataset.get("PhotometricInterpretation", "")),
        syntax=syntax,
    )
