"""What an image's contrast shows, decided from physics before descriptions.

Limits are the usual ones of clinical spin-echo imaging (Westbrook, MRI in Practice, 5th
ed., chapter 2): short TE and short TR weight by T1, long TE and long TR by T2, short TE
and long TR by proton density; an inversion time that nulls fat makes STIR. A spoiled
gradient echo weights by T1 if its flip angle is beyond the Ernst angle, or after an
inversion (MPRAGE); it never weights by T2, at most by T2*, which has no name here. Words
only fill in what physics leaves open. Each answer comes with its evidence.

The window a CT is shown with is no evidence: a reader sets it.

Public: `weighting_of`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import acos, degrees, exp

from herntrack.dicom.kernels import kernel_weighting
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import Modality, Weighting

LONG_TE_MS = 60.0
"""Echo times from here on weight a spin echo by T2 (ms)."""

SHORT_TE_MS = 40.0
"""Echo times up to here do not weight by T2 (ms)."""

LONG_TR_MS = 1500.0
"""Repetition times from here on let T1 recover (ms)."""

SHORT_TR_MS = 1200.0
"""Repetition times up to here weight by T1 (ms)."""

SHORTEST_SPIN_ECHO_TR_MS = 100.0
"""With a shorter repetition time nothing is left for a spin echo (ms)."""

STIR_TI_MS = (80.0, 300.0)
"""Inversion times that null fat between 0.2 T and 3 T (ms)."""

T1_INVERSION_TI_MS = (400.0, 1300.0)
"""Inversion times of T1-weighted inversion recovery with a short echo time (ms)."""

SHORT_GRADIENT_TE_MS = 10.0
"""Echo times up to here keep T2* out of a gradient echo (ms)."""

TISSUE_T1_MS = 1000.0
"""T1 of disc and muscle between 1.5 T and 3 T, for the Ernst angle (ms)."""

FAT_SATURATION_OPTIONS = frozenset(
    ("FS", "SFS", "FATSAT", "FAT SAT", "FAT SATURATION", "SPIR", "SPAIR", "CHESS", "WE", "PROSET")
)
"""ScanOptions that suppress fat; GE's SAT_GEMS and SP are saturation of a region (PS3.3 C.8.3.1)."""

WATER_IMAGES = frozenset(("W", "WATER", "DIXON WATER"))
"""Values of ImageType for the water picture of a Dixon scan."""

FAT_IMAGES = frozenset(("F", "FAT", "DIXON FAT"))
"""Values of ImageType for its fat picture."""

NO_AGENT = frozenset(("", "NO", "NONE", "NON", "NEIN", "N", "0", "WITHOUT", "W/O", "NATIV", "NO CONTRAST"))
"""What ContrastBolusAgent holds where none was given."""

_LETTER = r"[^\W\d_]"
_FAT_WORD = re.compile(
    rf"(?<!{_LETTER})(?:fs|fatsat|fat[ -]?(?:sat|sup)\w*|spair|spir|chess|fettsat\w*|dixon[ -]?w(?:ater)?"
    rf"|water|жир\w*|жп)(?!{_LETTER})"
)
_CONTRAST_WORD = re.compile(
    rf"(?<!{_LETTER})(?:gd|gado\w*|km|ce|post|contrast|контраст\w*|postkm)(?!{_LETTER})"
    rf"|\+ ?c(?!{_LETTER})"
)
_NO_CONTRAST_WORD = re.compile(r"non?[ -]|without|w/o|ohne|nativ|sans|sin |без|pre(?![a-z])|vor ")
_DESCRIBED = (
    (re.compile(r"stir|tirm"), Weighting.STIR),
    # In Cyrillic exports the letter T is often the Cyrillic one.
    (re.compile(rf"(?<!{_LETTER})(?<!\d)[tт]2(?! ?-?\*|\w*star)"), Weighting.T2),
    (re.compile(rf"(?<!{_LETTER})(?<!\d)[tт]1"), Weighting.T1),
    (re.compile(r"(?<![a-z])pd(?:w)?(?![a-z])|proton"), Weighting.PD),
)


def weighting_of(series: Series, header: InstanceHeader) -> tuple[Weighting, str]:
    """Return the weighting of an image and why it is believed.

    Parameters
    ----------
    series : Series
        The series the image belongs to.
    header : InstanceHeader
        Any image of the stack.

    Returns
    -------
    tuple of Weighting and str
        The weighting and its evidence, for example ``TR 3500 ms, TE 102 ms``.
    """
    words = f"{series.series_description} {series.protocol_name}".lower().replace("_", " ")
    if series.modality is Modality.CT:
        return kernel_weighting(header.convolution_kernel, series.manufacturer, words)
    evidence = _stated(header)
    picture = {value.upper().replace("_", " ") for value in header.image_type[2:]}
    sequences = {name.upper() for name in header.scanning_sequence}
    if picture & FAT_IMAGES:
        return Weighting.UNKNOWN, f"{evidence}; the fat picture of a Dixon scan"
    if "EP" in sequences or header.diffusion_b_value:
        return Weighting.UNKNOWN, f"{evidence}; echo-planar or diffusion-weighted"
    is_gradient = "GR" in sequences or 0 < (header.repetition_time or 0.0) < SHORTEST_SPIN_ECHO_TR_MS
    weighting = _gradient_echo(header) if is_gradient else _spin_echo(header, sequences)
    if weighting is Weighting.UNKNOWN:
        weighting, word = _described(words)
        evidence = f"{evidence}; described as {word!r}" if word else evidence
    if is_gradient and weighting not in {Weighting.T1, Weighting.UNKNOWN}:
        return Weighting.UNKNOWN, f"{evidence}, but a gradient echo shows no {weighting}"
    return _refined(weighting, header, evidence, words, is_water=bool(picture & WATER_IMAGES))


def _stated(header: InstanceHeader) -> str:
    times = (
        ("TR", header.repetition_time),
        ("TE", header.echo_time),
        ("TI", header.inversion_time),
    )
    stated = [f"{name} {value:g} ms" for name, value in times if value]
    sequences = sorted({name.upper() for name in header.scanning_sequence})
    if "GR" in sequences and header.flip_angle:
        stated.append(f"flip angle {header.flip_angle:g} degrees")
    if header.diffusion_b_value:
        stated.append(f"b {header.diffusion_b_value:g} s/mm2")
    return ", ".join([*stated, *sequences]) or "no timing stated"


def _spin_echo(header: InstanceHeader, sequences: set[str]) -> Weighting:
    """Return the weighting of a spin echo, unknown between the limits."""
    tr, te, ti = header.repetition_time, header.echo_time, header.inversion_time or 0.0
    if tr is None or te is None:
        return Weighting.UNKNOWN
    if STIR_TI_MS[0] <= ti <= STIR_TI_MS[1] and "IR" in sequences:
        return Weighting.STIR
    if te >= LONG_TE_MS and tr >= LONG_TR_MS:
        return Weighting.T2
    is_inverted = T1_INVERSION_TI_MS[0] <= ti <= T1_INVERSION_TI_MS[1]
    if te > SHORT_TE_MS or (SHORT_TR_MS < tr < LONG_TR_MS and not is_inverted):
        return Weighting.UNKNOWN
    return Weighting.T1 if tr <= SHORT_TR_MS or is_inverted else Weighting.PD


def _gradient_echo(header: InstanceHeader) -> Weighting:
    """Return T1 where a gradient echo is weighted by it, else unknown."""
    tr, te, ti = header.repetition_time, header.echo_time, header.inversion_time or 0.0
    if not tr or te is None or te > SHORT_GRADIENT_TE_MS:
        return Weighting.UNKNOWN
    if T1_INVERSION_TI_MS[0] <= ti <= T1_INVERSION_TI_MS[1]:
        return Weighting.T1
    is_spoiled = any(variant.upper() == "SP" for variant in header.sequence_variant)
    # Ernst, Rev Sci Instrum 1966, 37:93: beyond this angle the signal falls with T1.
    ernst = degrees(acos(exp(-tr / TISSUE_T1_MS)))
    return Weighting.T1 if is_spoiled and (header.flip_angle or 0.0) >= ernst else Weighting.UNKNOWN


def _refined(
    weighting: Weighting, header: InstanceHeader, evidence: str, words: str, *, is_water: bool
) -> tuple[Weighting, str]:
    """Return the weighting with what was done to fat and with contrast medium."""
    if weighting in {Weighting.STIR, Weighting.UNKNOWN}:
        return weighting, evidence
    fat = _fat_saturation(header, words, is_water=is_water)
    said = f"{evidence}, {fat}" if fat else evidence
    if weighting is Weighting.T2:
        return (Weighting.T2_FAT_SATURATED if fat else Weighting.T2), said
    if weighting is not Weighting.T1:
        return weighting, said
    agent = header.contrast_bolus_agent.strip()
    if agent.upper() not in NO_AGENT:
        return Weighting.T1_CONTRAST_ENHANCED, f"{said}, ContrastBolusAgent {agent!r}"
    word = _CONTRAST_WORD.search(words)
    if word and not _NO_CONTRAST_WORD.search(words):
        return Weighting.T1_CONTRAST_ENHANCED, f"{said}; described as {word.group()!r}"
    return weighting, said


def _fat_saturation(header: InstanceHeader, words: str, *, is_water: bool) -> str:
    """Return why fat is taken to be suppressed, empty if nothing says so."""
    options = [option.upper().replace("_", " ") for option in header.scan_options]
    stated = [option for option in options if option in FAT_SATURATION_OPTIONS]
    if stated:
        return f"ScanOptions {stated[0]}"
    if is_water:
        return "the water picture of a Dixon scan"
    word = _FAT_WORD.search(words)
    return f"described as {word.group()!r}" if word else ""


@lru_cache(maxsize=4096)
def _described(words: str) -> tuple[Weighting, str]:
    for pattern, weighting in _DESCRIBED:
        found = pattern.search(words)
        if found:
            return weighting, found.group()
    return Weighting.UNKNOWN, ""
