"""Images compressed by lossless JPEG, whole and damaged so that their decoder ends its process."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import gdcm
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGLosslessSV1

PRECISION = 6
"""Where the bits of a sample stand in a code stream that begins with its frame header (no unit)."""

NO_PRECISION = 127
"""More bits than any sample has: gdcm reads beyond its memory."""


def compressed(dataset: Dataset) -> Dataset:
    """Return an image with its pixels compressed by lossless JPEG."""
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "image.dcm")
        dataset.save_as(path, enforce_file_format=True)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(path)
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(path)
        assert writer.Write()
        items = pydicom.dcmread(path).PixelData
    # The rest of the header is the caller's: gdcm leaves out what it deems out of place.
    made = deepcopy(dataset)
    made.PixelData = items
    made["PixelData"].is_undefined_length = True
    made.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    return made


def fatal(dataset: Dataset) -> Dataset:
    """Return the same image with a code stream that ends the process which decodes it."""
    made = compressed(dataset)
    (stream,) = generate_frames(made.PixelData, number_of_frames=1)
    damaged = bytearray(stream)
    assert damaged[2:4] == b"\xff\xc3"
    damaged[PRECISION] = NO_PRECISION
    made.PixelData = encapsulate([bytes(damaged)])
    return made
