"""Key images: one slice of each visit, cut and scaled so that two visits can be compared.

What makes two pictures comparable is done here and nowhere else:

* the same number of pixels for a millimetre in both directions and in every panel, whatever
  the pixel spacing, so a lesion that looks half as long is half as long;
* the same crop in millimetres, centred on the lesion, or on the place the caller gives where
  none is left;
* the same display window rule: percentiles of the same physical neighbourhood for MR, whose
  intensities have no unit, and one fixed window in Hounsfield units for CT;
* the same way up: anterior or the patient's right at the left edge, head or anterior at the
  top, with the letters of the true directions at all four edges.

The contour runs at sub-pixel precision around the area that the mask has on the slice.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from skimage import measure

from herntrack._typing import FloatArray, MaskZYX, VolumeZYX
from herntrack.errors import ReportError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level, Modality, Plane, ReadingStatus
from herntrack.reports.key_view import SliceView, is_inside, slice_view

CROP_MM = 60.0
"""Side of a key image (mm): a lumbar canal with the two adjacent discs."""

CROP_MARGIN_MM = 8.0
"""Smallest distance from a contour to the edge (mm); a larger lesion widens all panels."""

PIXELS_PER_MM = 6.0
"""Pixels for a millimetre of a key image."""

SCALE_BAR_MM = 10.0
"""Length of the scale bar (mm)."""

WINDOW_PERCENTILES = (1.0, 99.5)
"""Percentiles of the neighbourhood that become black and white on MR."""

WINDOW_RADIUS_MM = 60.0
"""Half side of the box around the centre that the percentiles are taken from (mm)."""

LEAST_WINDOW_FRACTION = 0.01
"""A window narrower than this part of the neighbourhood's range gives way to the whole range."""

CT_WINDOW_HU = (-160.0, 240.0)
"""Black and white on CT (HU): width 400, level 40, the usual soft-tissue window."""

CONTOUR_SMOOTHING_PIXELS = 0.8
"""Gaussian that rounds the voxel staircase, in source pixels; the area stays (see `_contours`)."""

CONTOUR_TOLERANCE_PX = 0.15
"""A vertex closer than this to the line between its neighbours is left out (output pixels)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyImage:
    """What a key image is made of.

    Parameters
    ----------
    values : ndarray, shape (n_slices, n_rows, n_cols)
        Intensities, Hounsfield units for CT.
    geometry : VolumeGeometry
        Grid of `values`.
    modality : Modality
        Chooses the display window.
    visit_date : date
        Of the images.
    day : int
        Days since baseline.
    level : Level
        Of the lesion.
    status : ReadingStatus
        What the reader said.
    mask : ndarray of bool, optional
        The reading's mask on the same grid; needed if `status` is present.
    centre_lps : tuple of float, optional
        Middle of the crop, LPS mm in the frame of this visit. Default: the mask's centroid.
        Needed without a mask.
    volume_mm3, volume_sigma_mm3 : float or None
        For the caption.
    timepoint : str
        For the caption.
    is_proposed : bool
        Whether no reader has accepted the reading yet: the outline is dashed, and said to be proposed.

    Raises
    ------
    ReportError
        If the shapes differ, a present reading has no mask, or there is no place to show.
    """

    values: VolumeZYX
    geometry: VolumeGeometry
    modality: Modality
    visit_date: date
    day: int
    level: Level
    status: ReadingStatus
    mask: MaskZYX | None = None
    centre_lps: tuple[float, float, float] | None = None
    volume_mm3: float | None = None
    volume_sigma_mm3: float | None = None
    timepoint: str = ""
    is_proposed: bool = False

    def __post_init__(self) -> None:
        shapes = [self.values.shape] + ([] if self.mask is None else [self.mask.shape])
        if any(shape != self.geometry.shape_zyx for shape in shapes):
            raise ReportError(
                f"a key image's arrays have shapes {shapes}; the grid is {self.geometry.shape_zyx}"
            )
        has_mask = self.mask is not None and bool(self.mask.any())
        if self.status is ReadingStatus.PRESENT and not has_mask:
            raise ReportError("the reading says present, but its key image has no mask with a voxel in it")
        if not has_mask and self.centre_lps is None:
            raise ReportError("a key image without a mask needs centre_lps, the place to show")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPanel:
    """One rendered key image.

    Parameters
    ----------
    png : bytes
        8-bit grey PNG, `size_px` pixels on each side, nothing drawn on it.
    size_px : int
        Side (pixels).
    pixels_per_mm : float
        The same in both directions and in every panel of a strip.
    contours : tuple of tuple of (float, float)
        Closed outlines as ``(x, y)`` in pixels from the top left corner.
    letters : tuple of str
        Patient directions at the left, right, top and bottom edge.
    slice_number, n_slices : int
        Which slice of how many, counted from 1.
    plane : Plane
        Of the stack.
    visit_date, day, timepoint, level, status, volume_mm3, volume_sigma_mm3, is_proposed
        As in `KeyImage`.
    """

    png: bytes
    size_px: int
    pixels_per_mm: float
    contours: tuple[tuple[tuple[float, float], ...], ...]
    letters: tuple[str, str, str, str]
    slice_number: int
    n_slices: int
    plane: Plane
    visit_date: date
    day: int
    timepoint: str
    level: Level
    status: ReadingStatus
    volume_mm3: float | None
    volume_sigma_mm3: float | None
    is_proposed: bool = False

    @property
    def data_uri(self) -> str:
        """Return the picture for an ``href``."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"

    @property
    def svg_path(self) -> str:
        """Return the outlines as the ``d`` of an SVG path."""
        return "".join(
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in contour) + "Z" for contour in self.contours
        )

    @property
    def scale_bar_px(self) -> float:
        """Return the length of the scale bar (pixels)."""
        return SCALE_BAR_MM * self.pixels_per_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStrip:
    """Panels of several visits at one scale; `crop_mm` is the side of each (mm)."""

    panels: tuple[KeyPanel, ...]
    crop_mm: float


def render_key_strip(
    images: Sequence[KeyImage], *, crop_mm: float = CROP_MM, pixels_per_mm: float = PIXELS_PER_MM
) -> KeyStrip:
    """Render visits side by side at one scale and with one crop.

    Parameters
    ----------
    images : sequence of KeyImage
        In the order to be shown, the baseline first.
    crop_mm : float
        Side of every panel (mm); widened for all if a lesion would not fit.
    pixels_per_mm : float
        Output pixels for a millimetre.

    Raises
    ------
    ReportError
        If there is no image.
    """
    if not images:
        raise ReportError("a strip of key images needs at least one image")
    views = [
        slice_view(image.geometry, mask=image.mask, centre_lps=image.centre_lps, pixels_per_mm=pixels_per_mm)
        for image in images
    ]
    needed = [_needed_crop_mm(image, view) for image, view in zip(images, views, strict=True)]
    size_px = math.ceil(max(crop_mm, *needed) * pixels_per_mm)
    panels = tuple(
        _panel(image, view, size_px=size_px, pixels_per_mm=pixels_per_mm)
        for image, view in zip(images, views, strict=True)
    )
    return KeyStrip(panels=panels, crop_mm=size_px / pixels_per_mm)


def _needed_crop_mm(image: KeyImage, view: SliceView) -> float:
    if image.mask is None or not image.mask[view.slice_index].any():
        return 0.0
    offsets = np.abs(np.argwhere(image.mask[view.slice_index]) - view.centre_rc) + 0.5
    reach_mm = (offsets * np.asarray(image.geometry.spacing_zyx[1:])).max()
    return 2.0 * (float(reach_mm) + CROP_MARGIN_MM)


def _panel(image: KeyImage, view: SliceView, *, size_px: int, pixels_per_mm: float) -> KeyPanel:
    plane = np.asarray(image.values[view.slice_index], dtype=np.float64)
    coordinates = view.sample_coordinates(size_px)
    picture = ndimage.map_coordinates(plane, coordinates, order=3, mode="nearest")
    black, white = _window(image, view)
    grey = np.clip((picture - black) / (white - black), 0.0, 1.0) * 255.0
    grey[~is_inside(coordinates, plane.shape)] = 0.0
    contours = () if image.mask is None else _contours(image.mask[view.slice_index], coordinates, view)
    return KeyPanel(
        png=_png(np.round(grey).astype(np.uint8)),
        size_px=size_px,
        pixels_per_mm=pixels_per_mm,
        contours=contours,
        letters=view.letters,
        slice_number=view.slice_index + 1,
        n_slices=image.geometry.shape_zyx[0],
        plane=image.geometry.plane,
        visit_date=image.visit_date,
        day=image.day,
        timepoint=image.timepoint,
        level=image.level,
        status=image.status,
        volume_mm3=image.volume_mm3,
        volume_sigma_mm3=image.volume_sigma_mm3,
        is_proposed=image.is_proposed,
    )


def _window(image: KeyImage, view: SliceView) -> tuple[float, float]:
    if image.modality is Modality.CT:
        return CT_WINDOW_HU
    centre = np.array([view.slice_index, *view.centre_rc])
    reach = WINDOW_RADIUS_MM / np.asarray(image.geometry.spacing_zyx)
    last = np.asarray(image.values.shape) - 1
    low = np.clip(np.floor(centre - reach), 0, last).astype(int)
    high = np.clip(np.ceil(centre + reach), 0, last).astype(int) + 1
    box = image.values[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    black, white = (float(value) for value in np.percentile(box, WINDOW_PERCENTILES))
    darkest, brightest = float(box.min()), float(box.max())
    if white - black <= LEAST_WINDOW_FRACTION * (brightest - darkest):
        # Nearly everything has one value: between two percentiles there would be only ringing.
        black, white = darkest, max(brightest, darkest + 1.0)
    return black, white


def _contours(
    mask_rc: npt.NDArray[np.bool_], coordinates: FloatArray, view: SliceView
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return smooth outlines that enclose the area the mask has, in output pixels.

    A blurred mask cut at 0.5 loses corners, so a small residue would look smaller than it
    was measured. The cut is therefore set where the enclosed area equals the mask's.
    """
    soft = ndimage.map_coordinates(
        ndimage.gaussian_filter(mask_rc.astype(np.float64), CONTOUR_SMOOTHING_PIXELS),
        coordinates,
        order=1,
        mode="constant",
    )
    n_wanted = round(float(mask_rc.sum()) / view.source_pixels_per_output_pixel)
    if n_wanted < 1 or not soft.any():
        return ()
    ordered = np.sort(soft, axis=None)[::-1]
    level = float(ordered[min(n_wanted, ordered.size) - 1])
    padded = np.pad(soft, 1)
    outlines = measure.find_contours(padded, max(level, 1e-3))
    # Array index i is the pixel centre at i + 0.5; one pixel of padding comes off.
    return tuple(
        tuple((float(x) - 0.5, float(y) - 0.5) for y, x in outline)
        for outline in (measure.approximate_polygon(line, CONTOUR_TOLERANCE_PX) for line in outlines)
        if len(outline) > 3
    )


def _png(grey: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
