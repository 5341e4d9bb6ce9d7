"""Pixels are decoded beside this process, where a decoder may fail as it likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from herntrack.child_process import Helper
from herntrack.dicom.decoding_process import (
    _helper,
    _made_here,
    frame_digests,
    stored_digest,
    values_sha256,
)
from herntrack.dicom.pixels import read_values
from herntrack.errors import DicomError
from tests.factories import make_dataset, write
from tests.lossless_jpeg import compressed, fatal


def test_a_compressed_file_has_the_digest_of_the_plain_one(tmp_path: Path) -> None:
    plain = write(make_dataset(RescaleSlope=2, RescaleIntercept=-3), tmp_path / "plain")
    packed = write(compressed(make_dataset(RescaleSlope=2, RescaleIntercept=-3)), tmp_path / "packed")
    expected = [values_sha256(read_values(plain))]
    assert frame_digests(plain, [0]) == frame_digests(packed, [0]) == expected
    assert stored_digest(plain) == stored_digest(packed)
    assert stored_digest(plain) != expected[0]


def test_digests_are_those_that_earlier_versions_stored() -> None:
    values = np.array([[0.0, -0.0, 1.5], [-1024, 70000, 3]])
    assert values_sha256(values) == "30d84611c8d94919b8e05f0321e3cae7d67c08b4ab9ef3fd31a5380043b4986c"


def test_a_decoder_that_ends_its_process_costs_its_own_file_alone(tmp_path: Path) -> None:
    good = write(compressed(make_dataset()), tmp_path / "good")
    bad = write(fatal(make_dataset()), tmp_path / "bad")
    before = frame_digests(good, [0])
    with pytest.raises(DicomError, match="the decoder failed on these pixels and ended the process") as told:
        frame_digests(bad, [0])
    assert told.value.path == bad
    with pytest.raises(DicomError, match="ended the process"):
        stored_digest(bad)
    assert frame_digests(good, [0]) == before


def test_all_files_share_one_process(tmp_path: Path) -> None:
    good = write(compressed(make_dataset()), tmp_path / "good")
    frame_digests(good, [0])
    process = _helper()._process
    assert process is not None
    frame_digests(good, [0])
    assert _helper()._process is process


def test_uncompressed_files_need_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write(make_dataset(), tmp_path / "plain")
    expected = _made_here(plain, (0,))
    monkeypatch.setattr("herntrack.dicom.decoding_process._helper", None)
    assert frame_digests(plain, [0]) == expected


def test_what_the_process_cannot_decode_comes_back_in_its_words(tmp_path: Path) -> None:
    dataset = compressed(make_dataset())
    dataset.Rows = 4000
    path = write(dataset, tmp_path / "image")
    with pytest.raises(DicomError) as here:
        _made_here(path, (0,))
    with pytest.raises(DicomError) as there:
        frame_digests(path, [0])
    assert str(there.value) == str(here.value)


def test_who_asks_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(module: str) -> subprocess.Popen[bytes]:
        raise OSError(f"no room for {module}")

    monkeypatch.setattr("herntrack.child_process.start", refused)
    helper = Helper(__name__)
    assert not helper.is_there
    with pytest.raises(EOFError, match="no process to ask"):
        helper.ask(b"")


def test_a_helper_that_was_killed_is_not_replaced() -> None:
    helper = Helper("herntrack.dicom.decoding_process")
    helper.kill()
    with pytest.raises(EOFError):
        helper.ask((Path("none"), (0,)))
    assert not helper.is_there


def test_the_command_goes_on_where_a_decoder_would_end_it(tmp_path: Path) -> None:
    """In a process of its own: without the other one, this is the one that would end."""
    uids = {f"{number}": f"1.2.826.0.1.3680043.10.1.9.{number}" for number in range(3)}
    images = {
        name: make_dataset(SOPInstanceUID=uid, InstanceNumber=int(name) + 1) for name, uid in uids.items()
    }
    for name, image in images.items():
        image.ImagePositionPatient = [-10.0, -20.0, 5.0 + 4.4 * int(name)]
        write((fatal if name == "1" else compressed)(image), tmp_path / "export" / name)

    def herntrack(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "herntrack", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    study = tmp_path / "study"
    assert herntrack("init", study).returncode == 0
    done = herntrack("ingest", "--digest", tmp_path / "export", "-w", study)
    assert done.returncode == 0, done.stderr
    assert "2 images got a digest" in done.stderr
    assert done.stderr.count("the decoder failed on these pixels") == 1
    done = herntrack("check", "--pixels", "-w", study)
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if "pixels that cannot be compared" in line]
    assert "export/1: the decoder failed" in said.replace("\n", "")
