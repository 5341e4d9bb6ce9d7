from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from PIL import Image

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import ReportError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level, Modality, ReadingStatus
from herntrack.reports.key_images import CROP_MARGIN_MM, KeyImage, KeyPanel, render_key_strip
from tests.phantoms import grid
from tests.unit.reports.fabricated import CENTRE_LPS, sagittal_grid


def points_of(geometry: VolumeGeometry) -> FloatArray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape_zyx), indexing="ij"), axis=-1)
    return geometry.index_to_lps(index) - np.asarray(CENTRE_LPS)


def box(geometry: VolumeGeometry, half_mm: tuple[float, float, float]) -> MaskZYX:
    return (np.abs(points_of(geometry)) <= np.asarray(half_mm) + 1e-9).all(axis=-1)


def key_image(geometry: VolumeGeometry, mask: MaskZYX | None, **changes: object) -> KeyImage:
    fields: dict[str, object] = {
        "values": np.where(box(geometry, (5.0, 5.0, 5.0)), 200.0, 50.0),
        "geometry": geometry,
        "modality": Modality.MR,
        "visit_date": date(2024, 1, 15),
        "day": 0,
        "level": Level.L4_L5,
        "status": ReadingStatus.PRESENT if mask is not None else ReadingStatus.ABSENT,
        "mask": mask,
        "centre_lps": CENTRE_LPS,
    }
    return KeyImage(**{**fields, **changes})  # type: ignore[arg-type]


def pixels(panel: KeyPanel) -> FloatArray:
    picture = Image.open(io.BytesIO(panel.png))
    assert picture.mode == "L"
    return np.asarray(picture, dtype=np.float64)


def bright_extent(panel: KeyPanel) -> tuple[int, int]:
    bright = pixels(panel) > 128
    return int(bright.any(axis=1).sum()), int(bright.any(axis=0).sum())


def contour_area_px(panel: KeyPanel) -> float:
    total = 0.0
    for contour in panel.contours:
        x, y = np.asarray(contour).T
        total += abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2.0
    return total


def test_ten_millimetres_are_as_long_in_every_panel_and_direction() -> None:
    square, oblong = sagittal_grid((4.0, 0.5, 0.5)), sagittal_grid((4.0, 0.4, 1.0))
    strip = render_key_strip([key_image(g, box(g, (6, 5, 5))) for g in (square, oblong)])
    assert {(panel.size_px, panel.pixels_per_mm) for panel in strip.panels} == {(360, 6.0)}
    # A cube of 10 mm: 20 x 20 pixels in one stack, 25 x 10 in the other.
    for panel in strip.panels:
        assert bright_extent(panel) == pytest.approx((60, 60), abs=1)


@pytest.mark.parametrize("half_mm", [1.3, 3.0, 8.0])
def test_the_outline_encloses_the_area_of_the_mask(half_mm: float) -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    points = points_of(geometry)
    mask = (points[..., 1] ** 2 + points[..., 2] ** 2 <= half_mm**2) & (np.abs(points[..., 0]) < 2.1)
    (panel,) = render_key_strip([key_image(geometry, mask)]).panels
    area_mm2 = float(mask[panel.slice_number - 1].sum()) * 0.7 * 0.7
    assert contour_area_px(panel) / panel.pixels_per_mm**2 == pytest.approx(area_mm2, rel=0.03)


def test_the_outline_lies_on_what_it_outlines() -> None:
    geometry = sagittal_grid((4.0, 0.5, 0.5))
    (panel,) = render_key_strip([key_image(geometry, box(geometry, (5, 5, 5)))]).panels
    x, y = np.asarray(panel.contours[0]).T
    rows, columns = np.nonzero(pixels(panel) > 128)
    assert (x.min(), x.max()) == pytest.approx((columns.min(), columns.max() + 1), abs=1.5)
    assert (y.min(), y.max()) == pytest.approx((rows.min(), rows.max() + 1), abs=1.5)


def test_the_slice_is_the_one_on_which_the_mask_is_largest() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    mask = np.zeros(geometry.shape_zyx, dtype=bool)
    mask[2:6, 90:95, 90:95] = True
    mask[7, 88:99, 88:99] = True
    (panel,) = render_key_strip([key_image(geometry, mask, centre_lps=None)]).panels
    assert (panel.slice_number, panel.n_slices) == (8, 11)


def test_an_absent_lesion_is_shown_at_the_place_that_was_given() -> None:
    geometry = sagittal_grid((4.0, 0.5, 0.5))
    (panel,) = render_key_strip([key_image(geometry, None)]).panels
    rows, columns = np.nonzero(pixels(panel) > 128)
    assert panel.contours == ()
    assert (rows.mean(), columns.mean()) == pytest.approx((179.5, 179.5), abs=1.5)
    assert panel.slice_number == 6


def flipped(geometry: VolumeGeometry, axis: int) -> VolumeGeometry:
    affine = np.array(geometry.affine_lps)
    affine[:3, 3] += affine[:3, axis] * (geometry.shape_zyx[axis] - 1)
    affine[:3, axis] *= -1
    return VolumeGeometry(affine_lps=affine, shape_zyx=geometry.shape_zyx)


def test_a_stack_stored_the_other_way_round_looks_the_same() -> None:
    geometry = sagittal_grid((4.0, 0.5, 0.5))
    corner = (points_of(geometry)[..., 1] > 2) & (points_of(geometry)[..., 2] > 4)
    images = [key_image(geometry, None, values=np.where(corner, 200.0, 50.0))]
    for axis in (1, 2):
        images.append(key_image(flipped(geometry, axis), None, values=np.flip(images[0].values, axis).copy()))
    panels = render_key_strip(images).panels
    assert {panel.letters for panel in panels} == {("A", "P", "S", "I")}
    np.testing.assert_allclose(pixels(panels[1]), pixels(panels[0]), atol=1)
    np.testing.assert_allclose(pixels(panels[2]), pixels(panels[0]), atol=1)


def test_an_axial_slice_is_seen_from_the_feet() -> None:
    geometry = grid((4.0, 0.7, 0.7), (9, 120, 120), origin_lps=(-40.0, -12.0, -56.0))
    (panel,) = render_key_strip([key_image(geometry, None)]).panels
    assert panel.letters == ("R", "L", "A", "P")


def test_the_middle_is_right_in_a_sheared_stack() -> None:
    geometry = grid((4.0, 0.7, 0.7), (9, 160, 160), origin_lps=(-54.0, -26.0, -56.0), tilt_degrees=20.0)
    (panel,) = render_key_strip([key_image(geometry, box(geometry, (5, 5, 5)))]).panels
    rows, columns = np.nonzero(pixels(panel) > 128)
    assert (rows.mean(), columns.mean()) == pytest.approx((179.5, 179.5), abs=3)


def test_a_lesion_that_would_not_fit_widens_every_panel() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    strip = render_key_strip(
        [key_image(geometry, box(geometry, (5, 5, 5))), key_image(geometry, box(geometry, (5, 5, 35)))]
    )
    assert strip.crop_mm == pytest.approx(2 * (35 + CROP_MARGIN_MM), abs=1.0)
    assert len({panel.size_px for panel in strip.panels}) == 1


def test_ct_has_one_window_whatever_else_is_in_the_picture() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    soft = np.full(geometry.shape_zyx, 40.0)
    with_bone = soft.copy()
    with_bone[:, :20] = 1500.0
    panels = render_key_strip(
        [key_image(geometry, None, values=values, modality=Modality.CT) for values in (soft, with_bone)]
    ).panels
    assert [pixels(panel)[180, 180] for panel in panels] == [128.0, 128.0]


def test_mr_of_another_gain_looks_the_same() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    image = key_image(geometry, None)
    louder = replace(image, values=image.values * 7.0 + 300.0)
    first, second = render_key_strip([image, louder]).panels
    np.testing.assert_allclose(pixels(first), pixels(second), atol=1)


def test_what_lies_outside_the_images_is_black() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7), field_mm=40.0)
    (panel,) = render_key_strip([key_image(geometry, None, values=np.full(geometry.shape_zyx, 90.0))]).panels
    assert pixels(panel)[5, 5] == 0.0


def test_a_flat_picture_has_no_window_and_is_drawn_anyway() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    (panel,) = render_key_strip([key_image(geometry, None, values=np.zeros(geometry.shape_zyx))]).panels
    assert pixels(panel).max() == 0.0


def test_a_present_reading_without_a_mask_is_refused() -> None:
    geometry = sagittal_grid((4.0, 0.7, 0.7))
    empty = np.zeros(geometry.shape_zyx, dtype=bool)
    with pytest.raises(ReportError, match="no mask"):
        key_image(geometry, empty, status=ReadingStatus.PRESENT)


def test_no_mask_and_no_place_is_refused() -> None:
    with pytest.raises(ReportError, match="centre_lps"):
        key_image(sagittal_grid((4.0, 0.7, 0.7)), None, centre_lps=None)


def test_arrays_of_another_shape_are_refused() -> None:
    with pytest.raises(ReportError, match="the grid is"):
        key_image(sagittal_grid((4.0, 0.7, 0.7)), None, values=np.zeros((2, 3, 4)))


def test_an_empty_strip_is_refused() -> None:
    with pytest.raises(ReportError, match="at least one"):
        render_key_strip([])
