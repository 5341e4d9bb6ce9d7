r"""What a stack was made for: to be read, to plan the scan, or made of other pictures.

The values of ImageType decide first (DICOM PS3.3 C.7.6.1.1.2 and C.8.16.1), as scanners write
them: ``CT_SOM5 TOP`` for a Siemens topogram, ``REFORMATTED`` for a GE reformat, ``MPR`` with
Siemens and Canon, ``PROJECTION IMAGE`` with Philips. Then what the slices show by their place:
CT cannot scan a sagittal plane, and nobody reads three slices 16 mm apart. Words come last.

``ORIGINAL`` and ``DERIVED`` alone decide little. Filters, distortion correction and lossy
compression turn an image that was scanned into ``DERIVED\PRIMARY``, so that is diagnostic;
``DERIVED\SECONDARY`` was made after the examination and is not, except for axial CT, which
archives and reconstruction consoles label so.

Public: `role_of`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

import numpy as np

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import ImageRole, Modality, Plane

BODY_PLANES = frozenset((Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL))
"""A series with all of them, in pictures of one kind, is there to plan others."""

LOCALIZER_MOST_SLICES = 25
"""A localizer has no more slices in one orientation; a volume that was cut in three has."""

FAR_APART_MM = 10.0
"""MR slices of the spine that are read are never so far apart (mm)."""

FAR_APART_MOST_SLICES = 15
"""With more slices than this even a wide spacing covers a body, as a survey of the trunk does."""

WIDE_FIELD_MM = 400.0
"""A picture this wide and high shows the whole width of a patient (mm)."""

WIDE_FIELD_PIXEL_MM = 1.2
"""And with pixels as coarse as this it is there to plan others (mm)."""

WIDE_FIELD_MOST_SLICES = 5
"""And has no more slices than this."""

TURNED_DEGREES = 5.0
"""CT slices turned further than this out of the axial plane need a tilted gantry (degrees)."""

UPRIGHT_GANTRY_DEGREES = 0.5
"""A gantry that says it is tilted by less is upright (degrees)."""

_SCREENSHOT = re.compile(
    r"SCREEN ?(?:SAVE|SHOT|CAPTURE)|CT SOM\d+ PROT|MULTI FORMAT RASTER|DOSE (?:REPORT|INFO)|\\DISPLAY\\"
)
_LOCALIZER = re.compile(r"LOCALI[SZ]ER|SCOUT|TOPOGRAM|SCANOGRAM|SURVIEW|\\SURVEY\\|CT SOM\d+ (?:TOP|MON)\\")
_DERIVED = re.compile(
    r"\\(?:E?ADC(?: UNSPECIFIED)?|FA|TRACEW?|ISOTROPIC|CALC BVALUE|CALCULATED BVALUE"
    r"|SUB|SUBTRACTION|ADDITION|DIVISION|MULTIPLICATION|MEAN|MEDIAN|STD DEVIATION|PARAMETRIC MAP"
    r"|PROJECTION IMAGE|MIP|MAX IP|MAXIMUM|MIN ?IP|MINIMUM|MNIP|VRT|SSD|VOLUME RENDER(?:ED|ING)?|PJN"
    r"|CURVED MPR|CURVED|CPR|COMPOSED|COMP (?:SP|AN|AD)|PASTED|FUSED|FUSION|CSA RESULT"
    r"|P|R|I|CR|PHASE|PHASE MAP|REAL|IMAGINARY|FIELD MAP|B[01] MAP"
    r"|(?:T1|T2|T2 STAR|R2|R2 STAR|PD|FAT FRACTION) MAP|R2|R2 STAR|FF|FAT FRACTION"
    r"|R?CB[FV]|MTT|TTP|PERFUSION|F|FAT|DIXON FAT)\\"
)
_REFORMATTED = re.compile(
    r"\\(?:(?:CSA |BATCH |THICK |DIRECT )?MPR|MPVR|REFORMATTED|RESAMPLED|(?:CSA )?3D EDITOR)\\"
)
_BY_IMAGE_TYPE = (
    (_SCREENSHOT, ImageRole.SCREENSHOT),
    (_LOCALIZER, ImageRole.LOCALIZER),
    (_DERIVED, ImageRole.DERIVED),
    (_REFORMATTED, ImageRole.REFORMATTED),
)

_LETTER = r"[^\W\d_]"
_DESCRIBED = (
    (r"screen ?(?:save|shot|capture)|dose (?:report|info)|patient protocol|скриншот", ImageRole.SCREENSHOT),
    (
        (
            r"scout\w*|loc|lo[ck]ali[sz]\w*|survey|topogram\w*|scanogram\w*|surview|pilot"
            r"|(?:3|three)[- ]?plane|[üu]bersicht\w*|rep[eé]rage|calibration|asset cal"
            r"|локал\w*|топограм\w*|разметк\w*|обзорн\w*"
        ),
        ImageRole.LOCALIZER,
    ),
    (
        r"[de]?adc|sub|subtra[kc]\w*|mip|minip|3d ?vr|vrt|composed|fused|fusion|t2 ?map|fat fraction",
        ImageRole.DERIVED,
    ),
    (r"mpr|cpr|reformat\w*|мпр", ImageRole.REFORMATTED),
)
_DESCRIPTIONS = tuple(
    (re.compile(rf"(?<!{_LETTER})(?:{words})(?!{_LETTER})"), role) for words, role in _DESCRIBED
)


def role_of(
    series: Series, header: InstanceHeader, geometry: VolumeGeometry, *, planes: Collection[Plane]
) -> tuple[ImageRole, str]:
    r"""Return what a stack was made for and why it is believed.

    Parameters
    ----------
    series : Series
        The series of the stack.
    header : InstanceHeader
        Any image of the stack.
    geometry : VolumeGeometry
        The stack's grid.
    planes : collection of Plane
        Planes of all stacks of the series with the same timing and grid, this one's included.

    Returns
    -------
    tuple of ImageRole and str
        The role and its evidence, for example ``ImageType ORIGINAL\PRIMARY\LOCALIZER``.
    """
    stated = "\\".join(header.image_type)
    typed = _role_of_image_type(header.image_type)
    if header.burned_in_annotation.upper() == "YES" and typed is not ImageRole.SCREENSHOT:
        return ImageRole.SCREENSHOT, "BurnedInAnnotation YES"
    if typed is not None:
        return typed, f"ImageType {stated}"
    description = series.series_description or series.protocol_name
    described, word = _role_of_description(description)
    shown = _ct_shown(header, geometry) if series.modality is Modality.CT else _mr_shown(geometry, planes)
    if shown is not None:
        is_planned = described is ImageRole.LOCALIZER
        return (ImageRole.LOCALIZER, f"{shown[1]}; described as {word!r}") if is_planned else shown
    if described is not None:
        return described, f"described as {word!r}" + (f", ImageType {stated}" if stated else "")
    return _role_of_provenance(series, header, stated)


@lru_cache(maxsize=1024)
def _role_of_image_type(image_type: tuple[str, ...]) -> ImageRole | None:
    """Return the role that the values after ORIGINAL or DERIVED, PRIMARY or SECONDARY tell."""
    words = (
        "\\" + "\\".join(" ".join(value.upper().replace("_", " ").split()) for value in image_type[2:]) + "\\"
    )
    return next((role for pattern, role in _BY_IMAGE_TYPE if pattern.search(words)), None)


@lru_cache(maxsize=4096)
def _role_of_description(description: str) -> tuple[ImageRole | None, str]:
    words = description.lower().replace("_", " ")
    for pattern, role in _DESCRIPTIONS:
        found = pattern.search(words)
        if found:
            return role, found.group()
    return None, ""


def _ct_shown(header: InstanceHeader, geometry: VolumeGeometry) -> tuple[ImageRole, str] | None:
    """Return the role of CT slices that no gantry can have scanned as they lie."""
    if geometry.plane is not Plane.AXIAL:
        return ImageRole.REFORMATTED, f"CT is scanned in axial slices, these are {geometry.plane}"
    turned = float(np.degrees(np.arccos(min(1.0, abs(float(geometry.normal_lps[2]))))))
    tilt = header.gantry_detector_tilt
    if tilt is not None and abs(tilt) < UPRIGHT_GANTRY_DEGREES and turned > TURNED_DEGREES:
        return (
            ImageRole.REFORMATTED,
            f"CT slices turned by {turned:.0f} degrees, but GantryDetectorTilt is {tilt:g}",
        )
    return None


def _mr_shown(geometry: VolumeGeometry, planes: Collection[Plane]) -> tuple[ImageRole, str] | None:
    """Return the role of MR slices that lie as only those of a localizer do."""
    n_slices, n_rows, n_columns = geometry.shape_zyx
    spacing, row_spacing, column_spacing = geometry.spacing_zyx
    apart = f"{n_slices} of them {spacing:.1f} mm apart" if n_slices > 1 else "one of them in this"
    if n_slices <= LOCALIZER_MOST_SLICES and BODY_PLANES.issubset(planes):
        return ImageRole.LOCALIZER, f"axial, coronal and sagittal slices in one series, {apart}"
    if 1 < n_slices <= FAR_APART_MOST_SLICES and spacing >= FAR_APART_MM:
        return ImageRole.LOCALIZER, f"{n_slices} slices {spacing:.1f} mm apart"
    field = min(n_rows * row_spacing, n_columns * column_spacing)
    is_coarse = min(row_spacing, column_spacing) >= WIDE_FIELD_PIXEL_MM
    if n_slices <= WIDE_FIELD_MOST_SLICES and field >= WIDE_FIELD_MM and is_coarse:
        return ImageRole.LOCALIZER, f"{n_slices} slice(s), field {field:.0f} mm, pixels {row_spacing:.1f} mm"
    return None


def _role_of_provenance(series: Series, header: InstanceHeader, stated: str) -> tuple[ImageRole, str]:
    """Return the role where ImageType says no more than where the pixels come from."""
    origin = [value.upper() for value in header.image_type[:2]]
    if not origin:
        return ImageRole.DIAGNOSTIC, "ImageType is not stated, and nothing says otherwise"
    if origin[0] != "DERIVED":
        return ImageRole.DIAGNOSTIC, f"ImageType {stated}"
    is_secondary = origin[1:] == ["SECONDARY"]
    is_axial_ct = series.modality is Modality.CT and "AXIAL" in header.image_type
    if is_secondary and not is_axial_ct:
        return ImageRole.DERIVED, f"ImageType {stated}"
    made = "compressed with loss" if header.lossy_image_compression == "01" else "filtered or copied"
    return ImageRole.DIAGNOSTIC, f"ImageType {stated}: scanned slices that were {made}"
