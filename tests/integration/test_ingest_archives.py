"""Exports in one file, media with an index, and images that are copied in."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import tarfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.fileset import FileSet

from herntrack.workflows.ingesting.ingest import IngestSummary, ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.workspace import SCRATCH_FOLDER, Workspace
from tests.factories import make_dataset, make_series, write, write_series
from tests.integration.catalogue_rows import assert_as_rebuilt, rows_of


def codes(summary: IngestSummary) -> Counter[str]:
    return Counter(reject.code for reject in summary.set_aside)


def listed(workspace: Workspace) -> dict[str, str]:
    return {row["relative_path"]: row["code"] for row in list_rows(workspace, Listing.REJECTS)}


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def slices(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in write_series(tmp_path / "slices", make_series(4))]


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("is_inside", [True, False], ids=["in a folder", "as an argument"])
def test_the_images_of_an_archive_are_copied_and_the_rest_is_named(
    workspace: Workspace, tmp_path: Path, slices: list[bytes], make: object, is_inside: bool
) -> None:
    suffix = "zip" if make is make_zip else "tgz"
    members = {f"ST0/IM{number}": content for number, content in enumerate(slices)}
    members |= {"../../evil": slices[0], "readme.txt": b"burned by the hospital", "more.zip": b"PK"}
    archive = make(tmp_path / "usb" / f"export.{suffix}", members)  # type: ignore[operator]
    given = archive.parent if is_inside else archive
    first = ingest(workspace, [given])
    assert (first.counts.instances, first.counts.stacks) == (4, 1)
    shown = f"export.{suffix}" if is_inside else str(archive)
    assert listed(first.workspace) == {
        shown: "archive_copied",
        f"{shown}!../../evil": "unsafe_path",
        f"{shown}!more.zip": "nested_archive",
        f"{shown}!readme.txt": "not_dicom",
    }
    assert codes(first) == {"unsafe_path": 1, "nested_archive": 1, "not_dicom": 1}
    assert any("4 images were copied into images/ from 1 archive" in note for note in first.notes)
    assert not (workspace.folder / SCRATCH_FOLDER).exists()
    before = rows_of(workspace.catalogue_path)
    second = ingest(first.workspace, [given])
    assert rows_of(workspace.catalogue_path) == before
    assert not any("copied" in note for note in second.notes)
    assert codes(second) == codes(first)
    assert_as_rebuilt(second.workspace)


def test_an_unchanged_archive_is_not_unpacked_again_and_a_changed_one_is(
    workspace: Workspace, tmp_path: Path, slices: list[bytes]
) -> None:
    archive = make_zip(tmp_path / "usb" / "x.zip", {"a": slices[0], "notes": b"text"})
    project = ingest(workspace, [archive.parent]).workspace
    copies = sorted(workspace.images_folder.rglob("*.dcm"))
    copies[0].unlink()
    assert ingest(project, [archive.parent]).n_read == 0
    assert not copies[0].exists()
    make_zip(archive, {"a": slices[0], "b": slices[1]})
    os.utime(archive, ns=(1, 1))
    summary = ingest(project, [archive.parent])
    assert (summary.counts.instances, summary.counts.missing) == (2, 0)
    assert listed(project) == {"x.zip": "archive_copied"}
    assert_as_rebuilt(project)
    archive.unlink()
    summary = ingest(project, [archive.parent])
    assert (summary.counts.instances, listed(project)) == (2, {})


def test_unsafe_and_damaged_archives_are_set_aside_whole(
    workspace: Workspace, tmp_path: Path, slices: list[bytes]
) -> None:
    usb = tmp_path / "usb"
    make_zip(usb / "bomb.zip", {"zeros": bytes(80 * 1024**2)})
    cut = make_tar(usb / "cut.tar.gz", {"IM1": slices[0] * 400})
    cut.write_bytes(cut.read_bytes()[:-60])
    (usb / "none.zip").write_bytes(b"no archive")
    write(make_series(1)[0], usb / "IM1")
    summary = ingest(workspace, [usb])
    assert codes(summary) == {"archive_bomb": 1, "archive_damaged": 2}
    assert summary.counts.instances == 1
    assert not (workspace.folder / SCRATCH_FOLDER).exists()
    assert ingest(summary.workspace, [usb]).n_read == 0
    assert_as_rebuilt(summary.workspace)


def test_what_a_killed_run_unpacked_is_removed_by_the_next(workspace: Workspace, tmp_path: Path) -> None:
    left = workspace.folder / SCRATCH_FOLDER
    left.mkdir()
    (left / "0000001").write_bytes(b"half an image")
    write_series(tmp_path / "export", make_series(2))
    ingest(workspace, [tmp_path / "export"])
    assert not left.exists()


def test_a_patient_id_given_with_an_archive_holds_for_that_archive_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    for number, name in enumerate(("one", "two"), start=1):
        series = make_series(2, number=number, PatientID="", StudyInstanceUID=f"1.2.{number}")
        paths = write_series(tmp_path / name, series)
        make_zip(tmp_path / f"{name}.zip", {path.name: path.read_bytes() for path in paths})
    project = ingest(workspace, [tmp_path / "one.zip"]).workspace
    project = ingest(project, [tmp_path / "one.zip"], patient_id="T-001").workspace
    project = ingest(project, [tmp_path / "two.zip"], patient_id="T-002").workspace
    rows = list_rows(project, Listing.SERIES)
    assert [(row["patient_id"], row["n_images"], row["n_missing"]) for row in rows] == [
        ("T-001", 2, 0),
        ("T-002", 2, 0),
    ]
    assert_as_rebuilt(project)


def test_what_is_not_copied_is_listed_and_outlives_the_catalogue(
    workspace: Workspace, tmp_path: Path
) -> None:
    usb = tmp_path / "usb"
    write_series(usb / "a", make_series(3))
    (usb / "notes.txt").write_text("x")
    (usb / "nowhere").symlink_to(usb / "gone")
    other = make_series(1)[0]
    other.PixelData = bytes(len(other.PixelData))
    write(other, usb / "z" / "IM9")
    summary = ingest(workspace, [usb], is_copied=True)
    wanted = {
        f"{usb}/notes.txt": "not_dicom",
        f"{usb}/nowhere": "link",
        f"{usb}/z/IM9": "different_pixels",
    }
    assert (summary.n_files, summary.counts.instances, listed(summary.workspace)) == (6, 3, wanted)
    assert summary.notes[0].startswith("LOOK AT THIS: 1 file(s)")
    shutil.rmtree(usb)
    assert_as_rebuilt(summary.workspace)
    assert listed(summary.workspace) == wanted
    assert json.loads((workspace.images_folder / "set-aside.json").read_text())["schema"] == 1


def test_a_second_copy_of_the_same_folder_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "usb", make_series(3))
    (tmp_path / "usb" / "notes.txt").write_text("x")
    project = ingest(workspace, [tmp_path / "usb"], is_copied=True).workspace
    before = rows_of(workspace.catalogue_path)
    (tmp_path / "usb" / "notes.txt").unlink()
    again = ingest(project, [tmp_path / "usb"], is_copied=True)
    assert (again.n_files, again.set_aside) == (3, ())
    after = rows_of(workspace.catalogue_path)
    assert (after["instance"], after["reject"]) == (before["instance"], [])


def test_an_identifier_that_is_a_path_leads_nowhere(workspace: Workspace, tmp_path: Path) -> None:
    dataset = make_dataset(SeriesInstanceUID="1.2.3")
    path = write(dataset, tmp_path / "usb" / "IM1")
    content = path.read_bytes()
    evil = b"/../../../../e"
    at = content.index(b"1.2.3\x00", 400)
    path.write_bytes(content[: at - 2] + len(evil).to_bytes(2, "little") + evil + content[at + 6 :])
    with pytest.warns(UserWarning, match="Invalid value"):
        assert pydicom.dcmread(path).SeriesInstanceUID == "/../../../../e"
    before = {each for each in tmp_path.rglob("*") if each.is_file()}
    ingest(workspace, [tmp_path / "usb"], is_copied=True)
    new = {each for each in tmp_path.rglob("*") if each.is_file()} - before
    assert all(each.is_relative_to(workspace.folder) for each in new)
    assert len([each for each in new if each.suffix == ".dcm"]) == 1


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """Return a folder like a CD that a hospital hands out."""
    folder = tmp_path / "cd"
    with warnings.catch_warnings():
        # A FileSet leaves its temporary folder to the garbage collector, which then complains.
        warnings.simplefilter("ignore", ResourceWarning)
        file_set = FileSet()
        for dataset in make_series(5, PatientName="Invented^Person", StudyID="1", StudyTime="101010"):
            file_set.add(dataset)
        file_set.write(folder)
        del file_set
        gc.collect()
    (folder / "AUTORUN.INF").write_text("[autorun]\r\nopen=VIEWER\\VIEW.EXE\r\n")
    (folder / "VIEWER").mkdir()
    (folder / "VIEWER" / "VIEW.EXE").write_bytes(b"MZ" + bytes(300))
    (folder / "REPORT.PDF").write_bytes(b"%PDF-1.4\n" + bytes(200))
    (folder / "KEY.JPG").write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))
    return folder


@pytest.mark.parametrize("given", ["", "DICOMDIR"])
def test_a_disc_of_a_hospital_is_read_by_its_folder_or_its_index(
    workspace: Workspace, disc: Path, given: str
) -> None:
    summary = ingest(workspace, [disc / given])
    assert (summary.counts.instances, summary.counts.stacks) == (5, 1)
    assert codes(summary) == {"not_dicom": 4, "dicomdir": 1}
    assert not any("DICOMDIR" in note for note in summary.notes)
    assert summary.workspace.settings.roots[0].path == disc


def test_files_that_the_index_names_and_the_disc_lacks_are_said(workspace: Workspace, disc: Path) -> None:
    images = sorted(path for path in disc.rglob("IM*") if path.is_file())
    assert len(images) == 5
    images[2].unlink()
    images[3].unlink()
    summary = ingest(workspace, [disc / "DICOMDIR"])
    assert summary.counts.instances == 3
    (note,) = [note for note in summary.notes if "DICOMDIR" in note]
    assert note.startswith("2 of 5 files named by")
    assert images[2].relative_to(disc).as_posix() in note


@pytest.mark.parametrize("damage", [b"", b"nothing to see", "cut"])
def test_a_damaged_index_costs_no_image(workspace: Workspace, disc: Path, damage: bytes | str) -> None:
    index = disc / "DICOMDIR"
    index.write_bytes(index.read_bytes()[:300] if isinstance(damage, str) else damage)
    summary = ingest(workspace, [index])
    assert summary.counts.instances == 5
    assert any("cannot be read as an index" in note for note in summary.notes)


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit"])
def test_real_file_sets_are_scanned(workspace: Workspace, tmp_path: Path, name: str) -> None:
    source = get_testdata_file(f"dicomdirtests/{name}", download=False)
    assert source
    shutil.copytree(Path(source).parent, tmp_path / "set")
    if name != "DICOMDIR":
        shutil.copy(tmp_path / "set" / name, tmp_path / "set" / "DICOMDIR")
    summary = ingest(workspace, [tmp_path / "set" / "DICOMDIR"])
    assert summary.counts.instances > 20
    files = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    assert summary.n_files == len(files)
