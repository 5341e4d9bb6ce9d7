"""Label maps in files, checked against nibabel where the format is NIfTI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

from herntrack.errors import GeometryError, GeometryMismatchError, ReadingError
from herntrack.imaging.label_files import read_label_file, write_label_file
from herntrack.imaging.nifti_header import placements_ras
from tests.phantoms import grid, rotation

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
OBLIQUE = grid(
    (4.4, 0.7, 0.5), (3, 4, 5), turn=rotation(25.0, (0.3, 1.0, 0.5)), origin_lps=(-60.0, 31.5, 212.0)
)
MASK = np.arange(60).reshape(3, 4, 5) % 7 == 0


def save_nifti(
    path: Path, values: npt.NDArray[Any], affine_ras: npt.NDArray[np.float64] | None = None
) -> Any:
    image = nibabel.Nifti1Image(values, np.eye(4) if affine_ras is None else affine_ras)
    nibabel.save(image, path)
    return image


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_mask_comes_back_from_every_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"mask{suffix}"
    write_label_file(path, MASK, OBLIQUE)
    back = read_label_file(path)
    assert np.array_equal(back.labels, MASK.astype(np.uint8))
    # NIfTI keeps float32: 6e-8 of 212 mm, and as much again in each direction.
    assert back.geometry.corner_distance_mm(OBLIQUE) < 1e-3


def test_a_written_nifti_is_where_nibabel_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "mask.nii.gz"
    write_label_file(path, MASK, OBLIQUE)
    image = nibabel.load(path)
    values = np.asarray(image.dataobj)
    column_row_slice = np.argwhere(values)
    points_lps = nibabel.affines.apply_affine(RAS_TO_LPS @ image.affine, column_row_slice)
    expected = OBLIQUE.index_to_lps(np.argwhere(MASK))
    assert values.sum() == MASK.sum()
    order, wanted = np.lexsort(points_lps.round(2).T), np.lexsort(expected.round(2).T)
    assert np.allclose(points_lps[order], expected[wanted], atol=1e-3)


def test_a_nifti_of_nibabel_is_read_where_nibabel_put_it(tmp_path: Path) -> None:
    affine_ras = RAS_TO_LPS @ OBLIQUE.affine_lps
    labels = np.arange(60, dtype=np.uint8).reshape(3, 4, 5) % 5
    save_nifti(tmp_path / "labels.nii", labels, affine_ras)
    back = read_label_file(tmp_path / "labels.nii")
    # nibabel's first axis is the fastest, which is our last.
    assert np.array_equal(back.labels, labels.T)
    assert np.allclose(back.geometry.index_to_lps([4, 3, 2]), OBLIQUE.index_to_lps([2, 3, 4]), atol=1e-3)


def test_whole_numbers_stored_as_float_are_labels(tmp_path: Path) -> None:
    save_nifti(tmp_path / "labels.nii", np.array([[[0.0, 1.0, 2.0]]], dtype=np.float32))
    labels = read_label_file(tmp_path / "labels.nii").labels
    assert labels.dtype == np.int32
    assert labels.ravel().tolist() == [0, 1, 2]


def test_fractions_are_no_labels(tmp_path: Path) -> None:
    save_nifti(tmp_path / "soft.nii", np.array([[[0.0, 0.5, 1.0, 0.25]]], dtype=np.float32))
    with pytest.raises(ReadingError, match=r"2 voxels are fractions, for one 0\.\d+"):
        read_label_file(tmp_path / "soft.nii")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e12])
def test_values_that_no_label_can_have_are_refused(value: float, tmp_path: Path) -> None:
    image = SimpleITK.GetImageFromArray(np.array([[[0.0, value]]]))
    SimpleITK.WriteImage(image, str(tmp_path / "odd.mha"))
    with pytest.raises(ReadingError, match="no labels"):
        read_label_file(tmp_path / "odd.mha")


def test_four_dimensions_are_refused(tmp_path: Path) -> None:
    save_nifti(tmp_path / "series.nii", np.zeros((3, 4, 5, 2), dtype=np.uint8))
    with pytest.raises(GeometryError, match=r"series\.nii: an image of 4 dimensions"):
        read_label_file(tmp_path / "series.nii")


def test_two_placements_that_disagree_are_refused_with_the_distance(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), dtype=np.uint8), np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 7.5
    image.set_sform(np.eye(4), code=1)
    image.set_qform(shifted, code=1)
    nibabel.save(image, tmp_path / "two.nii")
    with pytest.raises(GeometryError, match=r"qform and sform, differ by up to 7\.50 mm"):
        read_label_file(tmp_path / "two.nii")


@pytest.mark.parametrize("degrees", [0.0, 37.0, 90.0, 179.9, 180.0])
@pytest.mark.parametrize("handedness", [1.0, -1.0])
def test_two_placements_from_one_affine_agree(degrees: float, handedness: float, tmp_path: Path) -> None:
    # Near a half turn the quaternion loses most; a flipped axis is told by its sign in pixdim.
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees, (0.2, -0.4, 1.0)) @ np.diag([0.5, 0.7, handedness * 4.4])
    affine[:3, 3] = (-120.0, 80.0, -400.0)
    image = nibabel.Nifti1Image(np.zeros((200, 180, 12), dtype=np.uint8), affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    nibabel.save(image, tmp_path / "one.nii")
    found = read_label_file(tmp_path / "one.nii").geometry.index_to_lps([11, 179, 199])
    expected = (RAS_TO_LPS @ affine @ [199, 179, 11, 1])[:3]
    assert np.allclose(found, expected, atol=1e-3)


def test_a_big_endian_nifti_with_two_placements_that_disagree_is_refused(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), dtype=np.uint8), np.eye(4), header)
    image.set_sform(np.eye(4), code=1)
    image.set_qform(np.diag([1.0, 1.0, 3.0, 1.0]), code=1)
    nibabel.save(image, tmp_path / "two.nii")
    assert (tmp_path / "two.nii").read_bytes()[:4] == (348).to_bytes(4, "big")
    with pytest.raises(GeometryError, match=r"differ by up to 8\.00 mm"):
        read_label_file(tmp_path / "two.nii")


def test_a_nifti_2_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(np.zeros((3, 4, 5), dtype=np.uint8), np.eye(4)), tmp_path / "two.nii")
    with pytest.raises(ReadingError, match="write it as NIfTI-1"):
        read_label_file(tmp_path / "two.nii")


@pytest.mark.parametrize("content", [b"", b"x" * 400])
def test_bytes_without_a_nifti_header_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(ReadingError, match="NIfTI header"):
        placements_ras(tmp_path / "a.nii")


def test_a_cut_gzip_file_is_an_error_of_ours(tmp_path: Path) -> None:
    save_nifti(tmp_path / "whole.nii.gz", np.arange(999, dtype=np.int16).reshape(3, 3, 111))
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "whole.nii.gz").read_bytes()[:60])
    with pytest.raises(ReadingError, match="cannot be read"):
        placements_ras(tmp_path / "cut.nii.gz")


def test_a_sheared_nifti_is_refused(tmp_path: Path) -> None:
    sheared = np.eye(4)
    sheared[0, 2] = 0.4
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), dtype=np.uint8), None)
    image.set_sform(sheared, code=1)
    image.set_qform(None, code=0)
    nibabel.save(image, tmp_path / "sheared.nii")
    with pytest.raises(GeometryError, match="sheared"):
        read_label_file(tmp_path / "sheared.nii")


def test_a_sheared_grid_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="tilted"):
        write_label_file(tmp_path / "a.nii", MASK, grid((4.0, 1.0, 1.0), (3, 4, 5), tilt_degrees=12.0))
    assert list(tmp_path.iterdir()) == []


def test_several_layers_in_one_file_are_refused(tmp_path: Path) -> None:
    image = SimpleITK.Image([4, 5, 6], SimpleITK.sitkVectorUInt8, 2)
    SimpleITK.WriteImage(image, str(tmp_path / "layers.nrrd"))
    with pytest.raises(GeometryError, match="2 values per voxel"):
        read_label_file(tmp_path / "layers.nrrd")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\nnonsense")
    with pytest.raises(ReadingError, match=r"broken\.nrrd: the file cannot be read"):
        read_label_file(tmp_path / "broken.nrrd")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"absent\.nii"):
        read_label_file(tmp_path / "absent.nii")


def test_an_unknown_format_is_refused_with_those_known(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"\.nii\.gz, \.nrrd"):
        read_label_file(tmp_path / "mask.png")
    with pytest.raises(ReadingError, match=r"must end in"):
        write_label_file(tmp_path / "mask.png", MASK, OBLIQUE)


def test_a_mask_of_another_shape_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(GeometryMismatchError):
        write_label_file(tmp_path / "a.nii", MASK[:2], OBLIQUE)


def test_a_folder_that_is_missing_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="cannot be written"):
        write_label_file(tmp_path / "nowhere" / "a.nii", MASK, OBLIQUE)


@pytest.mark.parametrize("name", ["mask.nii", "mask.nii.gz"])
@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_a_cut_nifti_is_refused_instead_of_filled_with_zeros(tmp_path: Path, name: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 2, (40, 40, 10)).astype(np.uint8)
    path = tmp_path / name
    nibabel.save(nibabel.Nifti1Image(noise, np.eye(4)), path)
    assert read_label_file(path).labels.sum() == noise.sum()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ReadingError, match="cut"):
        read_label_file(path)
