from __future__ import annotations

import warnings
from pathlib import Path

from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from herntrack.workflows.ingesting.copies import DUPLICATE, compare_copies
from tests.factories import make_dataset, write


def test_padding_behind_the_pixels_is_compared_without_a_warning(tmp_path: Path) -> None:
    plain = make_dataset()
    padded = make_dataset(PixelData=plain.PixelData + bytes(32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code, detail = compare_copies(write(plain, tmp_path / "one"), write(padded, tmp_path / "other"))
    assert (code, detail) == (DUPLICATE, "same SOP Instance UID and same pixels")


def test_a_copy_that_cannot_be_decoded_is_said_in_words(tmp_path: Path) -> None:
    broken = make_dataset(PixelData=encapsulate([b"\xff\x4f\xff\x51 no code stream"]))
    broken.file_meta.TransferSyntaxUID = JPEG2000Lossless
    broken["PixelData"].is_undefined_length = True
    code, detail = compare_copies(write(make_dataset(), tmp_path / "one"), write(broken, tmp_path / "other"))
    assert (code, detail) == (
        DUPLICATE,
        "same SOP Instance UID; the pixels could not be compared, one of the two cannot be decoded",
    )
