"""What an image's contrast shows, decided from physics before descriptions.

Limits are the usual ones of clinical spin-echo imaging (Westbrook, MRI in Practice, 5th
ed., chapter 2): short TE and short TR weight by T1, long TE and long TR by T2, short TE
and long TR by proton density; an inversion time that nulls fat makes STIR. Each answer
comes with its evidence.
"""

from __future__ import annotations

import re

from herntrack.model.records import InstanceHeader, Series
from herntrack.model.vocabulary import Modality, Weighting

LONG_TE_MS = 60.0
"""Echo times from here on weight a spin echo by T2 (ms)."""

SHORT_TE_MS = 40.0
"""Echo times up to here do not weight by T2 (ms)."""

LONG_TR_MS = 1500.0
"""Repetition times from here on let T1 recover (ms)."""

SHORT_TR_MS = 1200.0
"""Repetition times up to here weight by T1 (ms)."""

STIR_TI_MS = (80.0, 300.0)
"""Inversion times that null fat between 0.3 T and 3 T (ms)."""

T1_FLAIR_TI_MS = (500.0, 1300.0)
"""Inversion times of T1-weighted inversion recovery with a short echo time (ms)."""

SHARP_KERNEL_NUMBER = 50
"""Siemens kernels numbered from here on (B50, Br59, Hr60) are made for bone or lung."""

SHARP_KERNEL_NAMES = ("BONE", "EDGE", "LUNG", "ULTRA", "FC30", "FC81")
"""Kernels for bone or lung of vendors that name them."""

_DESCRIBED = (
    (re.compile(r"stir|tirm", re.IGNORECASE), Weighting.STIR),
    (re.compile(r"t2.*(fs|fat|spair|spir|dixon_w)", re.IGNORECASE), Weighting.T2_FAT_SATURATED),
    (re.compile(r"(?<![a-z0-9])t2", re.IGNORECASE), Weighting.T2),
    (re.compile(r"(?<![a-z0-9])t1", re.IGNORECASE), Weighting.T1),
    (re.compile(r"(?<![a-z])pd(?![a-z])|proton", re.IGNORECASE), Weighting.PD),
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
    if series.modality is Modality.CT:
        return _ct_weighting(header)
    physical, evidence = _mr_physics(header)
    if physical is not None:
        return physical, evidence
    words = f"{series.series_description} {series.protocol_name}"
    for pattern, weighting in _DESCRIBED:
        found = pattern.search(words)
        if found:
            return weighting, f"{evidence}; described as {found.group()!r}"
    return Weighting.UNKNOWN, evidence


def _ct_weighting(header: InstanceHeader) -> tuple[Weighting, str]:
    kernel = header.convolution_kernel.upper()
    if not kernel:
        return Weighting.CT_SOFT, "no convolution kernel stated"
    number = re.search(r"[A-Z](\d{2})", kernel)
    is_sharp = any(name in kernel for name in SHARP_KERNEL_NAMES) or (
        number is not None and int(number.group(1)) >= SHARP_KERNEL_NUMBER and not kernel.startswith("FC")
    )
    return (Weighting.CT_BONE if is_sharp else Weighting.CT_SOFT), f"kernel {header.convolution_kernel}"


def _mr_physics(header: InstanceHeader) -> tuple[Weighting | None, str]:
    tr, te, ti = header.repetition_time, header.echo_time, header.inversion_time
    sequences = {name.upper() for name in header.scanning_sequence}
    stated = [f"{name} {value:g} ms" for name, value in (("TR", tr), ("TE", te), ("TI", ti)) if value]
    evidence = ", ".join([*stated, *sorted(sequences)]) or "no timing stated"
    if tr is None or te is None or "GR" in sequences or "EP" in sequences:
        return None, evidence
    if ti and STIR_TI_MS[0] <= ti <= STIR_TI_MS[1] and "IR" in sequences:
        return Weighting.STIR, evidence
    if ti and te <= SHORT_TE_MS and T1_FLAIR_TI_MS[0] <= ti <= T1_FLAIR_TI_MS[1]:
        return Weighting.T1, evidence
    return _spin_echo(header, tr=tr, te=te), evidence


def _spin_echo(header: InstanceHeader, *, tr: float, te: float) -> Weighting | None:
    if te >= LONG_TE_MS and tr >= LONG_TR_MS:
        has_fat_saturation = any(option.upper() in {"FS", "FAT_SAT", "SFS"} for option in header.scan_options)
        return Weighting.T2_FAT_SATURATED if has_fat_saturation else Weighting.T2
    if te <= SHORT_TE_MS and tr <= SHORT_TR_MS:
        return Weighting.T1_CONTRAST_ENHANCED if header.contrast_bolus_agent else Weighting.T1
    if te <= SHORT_TE_MS and tr >= LONG_TR_MS:
        return Weighting.PD
    return None
