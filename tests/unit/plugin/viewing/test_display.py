"""Windows, scale, outlines and strokes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from herntrack.model.vocabulary import Modality, Weighting
from napari_herntrack.viewing.outline import outlines
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scale import Camera, fitted_camera, scale_bar_mm
from napari_herntrack.viewing.strokes import stroke_of
from napari_herntrack.viewing.views import View
from napari_herntrack.viewing.windows import (
    AUTOMATIC,
    Range,
    Window,
    automatic_range,
    dragged,
    presets_of,
)
from tests.unit.plugin.viewing.grids import sagittal


def test_a_few_bright_voxels_do_not_darken_an_mr() -> None:
    values = np.random.default_rng(3).normal(300.0, 50.0, (12, 128, 128)).astype(np.int16)
    values[:, :2, :2] = 30_000
    found = automatic_range(values, Modality.MR)
    assert 150 < found.black < 230
    assert 400 < found.white < 500
    assert automatic_range(values, Modality.CT) == Range(black=-160.0, white=240.0)


def test_a_stack_of_one_value_still_has_a_window() -> None:
    flat = automatic_range(np.full((2, 8, 8), 7, dtype=np.int16), Modality.MR)
    assert flat.white > flat.black


def test_one_window_shows_the_same_tissue_alike_at_both_visits() -> None:
    values = np.random.default_rng(4).normal(300.0, 60.0, (6, 64, 64))
    # The later visit's scanner has another gain and offset.
    here, there = automatic_range(values, Modality.MR), automatic_range(values * 2.5 + 80.0, Modality.MR)
    window = dragged(AUTOMATIC, 60.0, -35.0)
    black, white = here.limits(window)
    np.testing.assert_allclose(there.limits(window), (black * 2.5 + 80.0, white * 2.5 + 80.0), rtol=1e-9)


def test_presets_of_ct_are_in_hounsfield_units() -> None:
    presets = presets_of(Modality.CT, Weighting.CT_SOFT)
    reference = automatic_range(np.zeros((1, 2, 2), np.int16), Modality.CT)
    limits = [reference.limits(window) for window in presets.values()]
    np.testing.assert_allclose(limits, [(-160, 240), (-600, 1400), (-65, 185)])
    assert next(iter(presets_of(Modality.MR, Weighting.T2))) == "automatic"
    assert presets_of(Modality.MR, Weighting.T1) != presets_of(Modality.MR, Weighting.T2)


def test_dragging_right_widens_and_down_brightens() -> None:
    reference = Range(black=100.0, white=500.0)
    assert reference.limits(dragged(AUTOMATIC, 40.0, 0.0)) == pytest.approx((80.0, 520.0))
    assert reference.limits(dragged(AUTOMATIC, 0.0, 40.0)) == pytest.approx((60.0, 460.0))


def test_a_window_cannot_be_dragged_shut() -> None:
    assert dragged(Window(width=0.1), -500.0, 0.0).width > 0.0


def test_a_millimetre_is_as_long_down_as_across() -> None:
    grid = sagittal()  # rows of 2 mm, columns of 1 mm
    camera = Camera(centre_mm=(30.0, 20.0), zoom=3.0)
    size = (640, 440)
    origin, down, across = camera.to_canvas(np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 20.0]]), grid, size)
    assert np.linalg.norm(down - origin) == pytest.approx(60.0)
    assert np.linalg.norm(across - origin) == pytest.approx(60.0)
    np.testing.assert_allclose(camera.to_canvas(np.array([15.0, 20.0]), grid, size), (320, 220))
    places = np.array([[3.2, 7.9], [55.0, 0.1]])
    np.testing.assert_allclose(camera.to_voxels(camera.to_canvas(places, grid, size), grid, size), places)


def test_zooming_keeps_the_place_under_the_mouse() -> None:
    grid, size, mouse = sagittal(), (640, 440), (100.0, 333.0)
    camera = fitted_camera(grid, size)
    place = camera.to_voxels(np.array(mouse), grid, size)
    zoomed = camera.zoomed(2.5, about_px=mouse, size=size)
    assert zoomed.zoom == pytest.approx(2.5 * camera.zoom)
    np.testing.assert_allclose(zoomed.to_canvas(place, grid, size), mouse)
    panned = zoomed.panned(10.0, -4.0)
    np.testing.assert_allclose(panned.to_canvas(place, grid, size), (110.0, 329.0))


def test_a_whole_slice_fits_on_the_canvas() -> None:
    grid = sagittal()
    for size in ((640, 440), (200, 900)):
        corners = np.array([[-0.5, -0.5], [59.5, 49.5]])
        seen = fitted_camera(grid, size).to_canvas(corners, grid, size)
        assert (seen >= 0).all()
        assert (seen <= np.array(size)).all()
        assert ((seen[1] - seen[0]) / size).max() == pytest.approx(0.96)


@pytest.mark.parametrize(
    ("zoom", "millimetres"), [(1.0, 50.0), (0.5, 100.0), (5.0, 10.0), (60.0, 1.0), (24.0, 2.0)]
)
def test_the_scale_bar_has_a_round_length(zoom: float, millimetres: float) -> None:
    assert scale_bar_mm(zoom) == pytest.approx(millimetres)


def test_outlines_run_between_the_voxels_inside_and_outside() -> None:
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[4:8, 10:15] = 1
    mask[0, 0] = 1
    found = outlines(mask)
    assert len(found) == 2
    box = max(found, key=len)
    np.testing.assert_array_equal(box[0], box[-1])
    np.testing.assert_array_equal([box.min(axis=0), box.max(axis=0)], [(3.5, 9.5), (7.5, 14.5)])
    assert outlines(np.zeros((5, 5), dtype=bool)) == ()


class PaintAtom(NamedTuple):
    """What napari hands on for a painted region."""

    slice_key: tuple[slice, ...]
    mask: npt.NDArray[np.bool_] | None
    old_values: npt.NDArray[np.uint8]
    new_value: int


def test_a_stroke_tells_which_voxels_it_touched_and_what_they_were() -> None:
    shape = (3, 5, 6)
    part = np.zeros((1, 2, 3), dtype=bool)
    part[0, 0, 1] = part[0, 1, 2] = True
    masked = PaintAtom((slice(1, 2), slice(2, 4), slice(3, 6)), part, np.array([0, 0], np.uint8), 1)
    whole = PaintAtom((slice(1, 2), slice(0, 1), slice(0, 2)), None, np.array([[[1, 0]]], np.uint8), 1)
    plain = ((np.array([2]), np.array([4]), np.array([5])), np.array([1], np.uint8), 0)
    stroke = stroke_of(View.CURRENT_AXIAL, Hand.BRUSH, [masked, whole, plain], shape)
    assert stroke is not None
    expected = [(1, 2, 4), (1, 3, 5), (1, 0, 0), (1, 0, 1), (2, 4, 5)]
    assert [tuple(map(int, np.unravel_index(each, shape))) for each in stroke.indices] == expected
    assert stroke.old_values.tolist() == [False, False, True, False, True]
    assert stroke.value is False
    assert stroke_of(View.CURRENT_AXIAL, Hand.BRUSH, [], shape) is None
