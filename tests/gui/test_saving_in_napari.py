"""A mask painted with napari's own tools is saved with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.errors import ReadingError
from herntrack.imaging.label_files import read_label_file
from napari_herntrack.layers import METADATA_KEY
from tests.unit.plugin.written_stacks import expected_affine_lps, write_stack


@pytest.mark.parametrize("name", ["mask.dcm", "mask.nii.gz"])
def test_a_new_layer_over_one_image_is_saved_on_its_grid_and_opens_again(
    viewer: Any, tmp_path: Path, name: str
) -> None:
    write_stack(tmp_path / "export", number=1, description="T2 AX L5-S1")
    viewer.open(str(tmp_path / "export"), plugin="herntrack")
    viewer._new_labels()
    layer = viewer.layers[-1]
    assert METADATA_KEY not in layer.metadata
    layer.data[2, 3:9, 4:7] = 1
    painted = layer.data.copy()

    target = tmp_path / name
    assert layer.save(str(target), plugin="herntrack") == [str(target)]
    if name.endswith(".dcm"):
        (opened,) = viewer.open(str(target), plugin="herntrack")
        labels, affine = opened.data, opened.metadata[METADATA_KEY]["affine_lps"]
        assert tuple(opened.scale) == pytest.approx(tuple(layer.scale))
    else:
        written = read_label_file(target)
        labels, affine = written.labels, written.geometry.affine_lps
    np.testing.assert_array_equal(labels, painted)
    np.testing.assert_allclose(affine, expected_affine_lps(), atol=1e-4)


def test_a_layer_that_may_belong_to_two_images_is_not_guessed(viewer: Any, tmp_path: Path) -> None:
    write_stack(tmp_path / "export", number=1, description="T2 AX L5-S1")
    write_stack(tmp_path / "export", number=2, description="T1 AX L5-S1", RepetitionTime=600, EchoTime=10)
    viewer.open(str(tmp_path / "export"), plugin="herntrack")
    viewer._new_labels()
    layer = viewer.layers[-1]
    layer.data[2, 3:9, 4:7] = 1
    with pytest.raises(ReadingError, match=r"may belong to any of these images: .*T1 #2, .*T2 #1"):
        layer.save(str(tmp_path / "mask.dcm"), plugin="herntrack")
    assert not (tmp_path / "mask.dcm").exists()
