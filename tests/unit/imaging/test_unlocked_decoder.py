"""What is decoded without keeping the interpreter is what pydicom decodes; all else is left to it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000, UID, JPEG2000Lossless, JPEGLSLossless

from herntrack.dicom.code_streams import is_exact
from herntrack.dicom.slice_facts import SliceFacts
from herntrack.imaging.unlocked_decoder import decode_unlocked
from tests import lossless_jpeg
from tests.phantoms import grid
from tests.unit.imaging.image_files import image

GEOMETRY = grid((4.0, 0.7, 0.7), (1, 33, 35))
JPEG_LOSSLESS = UID("1.2.840.10008.1.2.4.70")
END_BYTES = 8


def samples(bits: int, *, is_signed: bool) -> npt.NDArray[Any]:
    low = -(1 << (bits - 1)) if is_signed else 0
    values = np.random.default_rng(bits).integers(low, low + (1 << bits), (33, 35))
    values.flat[:2] = low, low + (1 << bits) - 1
    return values.astype(np.int16 if is_signed else np.uint16)


def compressed(stored: npt.NDArray[Any], bits: int, syntax: UID) -> tuple[bytes, SliceFacts]:
    """Return the items of compressed pixels, and what their header says."""
    dataset = image(stored, GEOMETRY, BitsStored=bits, HighBit=bits - 1)
    if syntax == JPEG_LOSSLESS:
        items = jpeg_lossless(stored)
    else:
        options = {"j2k_cr": [8]} if syntax == JPEG2000 else {}
        dataset.compress(syntax, generate_instance_uid=False, **options)
        items = dataset.PixelData
    return items, facts_of(bits, is_signed=stored.dtype.kind == "i", syntax=syntax, shape=stored.shape)


def facts_of(bits: int, *, is_signed: bool, syntax: UID, shape: tuple[int, ...]) -> SliceFacts:
    return SliceFacts(
        shape=(shape[0], shape[1]),
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        spacing=(0.7, 0.7),
        bits_stored=bits,
        is_signed=is_signed,
        slope=1.0,
        intercept=-1024.0,
        photometric="MONOCHROME2",
        syntax=str(syntax),
    )


def jpeg_lossless(stored: npt.NDArray[Any]) -> bytes:
    """Return one image as compressed by lossless JPEG, as samples of sixteen bits."""
    return bytes(lossless_jpeg.compressed(image(stored, GEOMETRY)).PixelData)


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("bits", range(9, 17))
def test_lossless_jpeg_2000_comes_back_as_it_was(bits: int, is_signed: bool) -> None:
    stored = samples(bits, is_signed=is_signed)
    decoded = decode_unlocked(*compressed(stored, bits, JPEG2000Lossless))
    assert decoded is not None
    assert decoded.dtype == stored.dtype
    assert np.array_equal(decoded, stored)


@pytest.mark.parametrize("bits", range(9, 17))
def test_lossless_jpeg_comes_back_as_it_was(bits: int) -> None:
    stored = samples(bits, is_signed=False)
    decoded = decode_unlocked(*compressed(stored, bits, JPEG_LOSSLESS))
    assert decoded is not None
    assert decoded.dtype == stored.dtype
    assert np.array_equal(decoded, stored)


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_bits_beyond_the_stored_ones_are_removed_as_pydicom_removes_them(bits: int) -> None:
    stored = samples(16, is_signed=False)
    items, facts = compressed(stored, 16, JPEG_LOSSLESS)
    narrow = dataclasses.replace(facts, bits_stored=bits)
    decoded = decode_unlocked(items, narrow)
    assert decoded is not None
    dataset = image(stored, GEOMETRY, BitsStored=bits, HighBit=bits - 1, PixelData=items)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEG_LOSSLESS
    assert np.array_equal(decoded, dataset.pixel_array)
    assert not np.array_equal(decoded, stored)


@pytest.mark.parametrize(
    "changes",
    [
        {"bits_stored": 11},
        {"bits_stored": 13},
        {"is_signed": True},
        {"shape": (35, 33)},
        {"shape": (33, 34)},
        {"syntax": str(JPEGLSLossless)},
        {"syntax": str(JPEG2000)},
        {"syntax": str(JPEG_LOSSLESS)},
    ],
)
def test_a_stream_that_says_otherwise_than_its_header_is_not_exact(changes: dict[str, Any]) -> None:
    items, facts = compressed(samples(12, is_signed=False), 12, JPEG2000Lossless)
    assert is_exact(items, facts)
    assert not is_exact(items, dataclasses.replace(facts, **changes))


def test_what_loses_something_is_not_exact() -> None:
    items, facts = compressed(samples(12, is_signed=False), 12, JPEG2000)
    assert not is_exact(items, dataclasses.replace(facts, syntax=str(JPEG2000Lossless)))


def test_narrow_samples_are_not_exact() -> None:
    assert not is_exact(*compressed(samples(8, is_signed=False), 8, JPEG2000Lossless))


def test_high_throughput_jpeg_2000_is_not_exact() -> None:
    items, facts = compressed(samples(12, is_signed=False), 12, JPEG2000Lossless)
    capabilities = items.index(b"\xff\x51") + 4
    changed = items[:capabilities] + b"\x40\x00" + items[capabilities + 2 :]
    assert is_exact(items, facts)
    assert not is_exact(changed, facts)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEG_LOSSLESS])
def test_a_stream_that_is_cut_anywhere_is_not_exact(syntax: UID) -> None:
    items, facts = compressed(samples(12, is_signed=False), 12, syntax)
    stream = next(generate_frames(items, number_of_frames=1)).rstrip(b"\0")
    for length in (*range(200), *range(200, len(stream), 37), len(stream) - 1):
        if length > 1:
            assert not is_exact(encapsulate([stream[:length]]), facts), length
        assert not is_exact(items[: len(items) - len(stream) + length], facts), length
    assert is_exact(encapsulate([stream]), facts)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEG_LOSSLESS])
def test_damage_never_raises(syntax: UID) -> None:
    items, facts = compressed(samples(12, is_signed=False), 12, syntax)
    rng = np.random.default_rng(5)
    for _ in range(150):
        damaged = bytearray(items)
        for place in rng.integers(0, len(items) - END_BYTES, 3):
            damaged[place] = rng.integers(256)
        decoded = decode_unlocked(bytes(damaged), facts)
        assert decoded is None or (decoded.shape, decoded.dtype) == (facts.shape, np.uint16)


def test_fragments_are_left_to_pydicom() -> None:
    items, facts = compressed(samples(12, is_signed=False), 12, JPEG2000Lossless)
    stream = next(generate_frames(items, number_of_frames=1))
    split = encapsulate([stream], fragments_per_frame=2)
    assert not is_exact(split, facts)
