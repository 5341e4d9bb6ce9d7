from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from herntrack.dicom.archives import is_archive, unpack
from herntrack.errors import DicomError


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_members_come_out_whole_under_names_of_our_own(tmp_path: Path, kind: str) -> None:
    members = {"DICOM/S1/IM1": b"one" * 1000, "DICOM/S1/IM2": b"two", "readme.txt": b""}
    archive = tmp_path / f"export.{kind}"
    (make_zip if kind == "zip" else make_tar)(archive, members)
    found = unpack(archive, tmp_path / "out")
    assert {name: path.read_bytes() for path, name in found.files} == members
    assert {path.parent for path, _ in found.files} == {tmp_path / "out"}
    assert found.refused == ()


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b", "..\\..\\x", "C:/x"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    archive = tmp_path / f"export.{kind}"
    members = {name: b"evil", "good": b"image"}
    make_zip(archive, members) if kind == "zip" else make_tar(archive, members, "w")
    found = unpack(archive, tmp_path / "inner" / "out")
    assert [name for _, name in found.files] == ["good"]
    assert [each.code for each in found.refused] == ["unsafe_path"]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["0000002", archive.name]


def test_links_are_never_made(tmp_path: Path) -> None:
    archive = tmp_path / "export.tar"
    with tarfile.open(archive, "w") as opened:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"link-{kind!r}")
            info.type = kind
            info.linkname = "/etc/passwd"
            opened.addfile(info)
    found = unpack(archive, tmp_path / "out")
    assert found.files == ()
    assert [each.code for each in found.refused] == ["not_a_file"] * 3
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"bomb.{kind}"
    content = {"zeros": bytes(80 * 1024**2)}
    make_zip(archive, content) if kind == "zip" else make_tar(archive, content)
    assert archive.stat().st_size < 400_000
    with pytest.raises(DicomError, match="decompression bomb"):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", {"IM1": b"secret"})
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    archive.write_bytes(content)
    found = unpack(archive, tmp_path / "out")
    assert [(each.name, each.code) for each in found.refused] == [("IM1", "encrypted")]


@pytest.mark.parametrize("name", ["broken.zip", "broken.tar.gz", "broken.tar"])
def test_what_is_no_archive_is_refused_with_the_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no archive" * 100)
    with pytest.raises(DicomError, match="unpack it by hand"):
        unpack(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize("mode", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("name", ["export.tar", "export.tgz"])
def test_the_first_bytes_say_how_a_tar_is_compressed(tmp_path: Path, mode: str, name: str) -> None:
    archive = make_tar(tmp_path / name, {"IM1": b"image" * 500}, f"w:{mode}")
    found = unpack(archive, tmp_path / "out")
    assert [(path.read_bytes(), member) for path, member in found.files] == [(b"image" * 500, "IM1")]


@pytest.mark.parametrize("n_bytes", [0, 10_240, 1 << 40])
def test_a_tar_of_zeros_is_refused_from_its_first_block(tmp_path: Path, n_bytes: int) -> None:
    """A terabyte of them would take an hour to read."""
    archive = tmp_path / "export.tar"
    with archive.open("wb") as file:
        file.truncate(n_bytes)
    with pytest.raises(DicomError, match="holds no file: it begins with zeros"):
        unpack(archive, tmp_path / "out")


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "cut.tar.gz", {"IM1": bytes(range(256)) * 400})
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(DicomError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")


def test_archives_are_known_by_their_names() -> None:
    assert is_archive(Path("EXPORT.ZIP"))
    assert is_archive(Path("a.tar.xz"))
    assert not is_archive(Path("IM0001"))


def test_a_damaged_member_costs_only_itself(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("IM1", b"first image")
        opened.writestr("IM2", b"second image")
    archive.write_bytes(archive.read_bytes().replace(b"first image", b"worst image"))
    found = unpack(archive, tmp_path / "out")
    assert [name for _, name in found.files] == ["IM2"]
    assert [(each.name, each.code) for each in found.refused] == [("IM1", "damaged")]
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_member_compressed_in_an_unknown_way_is_not_called_damaged(tmp_path: Path) -> None:
    """File managers compress large members by Deflate64 (method 9), which nothing here reads."""
    archive = make_zip(tmp_path / "x.zip", {"IM1": b"image" * 100})
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(signature) + offset] = 9
    archive.write_bytes(content)
    (refused,) = unpack(archive, tmp_path / "out").refused
    assert (refused.name, refused.code) == ("IM1", "unknown_compression")
    assert refused.reason.endswith("unpack the archive by hand and ingest the folder")
    assert not list((tmp_path / "out").iterdir())
