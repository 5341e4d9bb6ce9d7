"""Which CT kernels are made for bone and which for soft tissue.

Each vendor has names or numbers of its own:

* Siemens numbers sharpness, whatever the letters before (B30f, Br59, Hr60, I70f): from 50 on
  the operating instructions recommend them for spine and extremities, below for tissue;
* Canon and Toshiba number purposes: FC30-39 and FC80-89 for bone and inner ear, FC50-59 for
  lung, the others for soft tissue of body and head;
* Philips has letters: A, B, C from smooth to standard, D and E sharp, L for lung, with or
  without a letter before (YA, YD, UB);
* GE and most others have words.

Public: `kernel_weighting`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from herntrack.model.vocabulary import Weighting

SHARP_NUMBER = 50
"""Siemens kernels numbered from here on are made for bone or lung."""

CANON_SHARP_TENS = frozenset((3, 5, 8))
"""Tens of Canon's numbers that are made for bone, lung and inner ear."""

_SHARP_NAMES = re.compile(r"BONE|EDGE|LUNG|ULTRA|SHARP|OSTEO|INNER")
_SOFT_NAMES = re.compile(r"SOFT|STAND|STND|STD|SMOOTH|DETAIL|TISSUE|BODY|BRAIN|HEAD|ABDO|MEDIAST")
_CANON = re.compile(r"FC ?(\d{2})")
_SIEMENS = re.compile(r"[A-Z]{1,2}(\d{2})(?!\d)")
_PHILIPS = re.compile(r"[A-Z]?([ABCDEL])")
_PHILIPS_SHARP = "DEL"

_LETTER = r"[^\W\d_]"
_BONE_WORD = re.compile(rf"(?<!{_LETTER})(?:bone|knochen\w*|osseu\w*|oseo\w*|hueso|кост\w*|kemik|сүйек\w*)")
_SOFT_WORD = re.compile(
    rf"(?<!{_LETTER})(?:soft|weichteil\w*|мягк\w*|parties? molles?|partes blandas|жұмсақ)"
)


@lru_cache(maxsize=4096)
def kernel_weighting(kernel: str, manufacturer: str, words: str) -> tuple[Weighting, str]:
    """Return what a CT was reconstructed for and why it is believed.

    Parameters
    ----------
    kernel : str
        ConvolutionKernel, its values joined by blanks; may be empty.
    manufacturer : str
        Manufacturer: single letters are kernels of Philips only.
    words : str
        Descriptions in lower case, asked if the kernel is missing or unknown.

    Returns
    -------
    tuple of Weighting and str
        `Weighting.UNKNOWN` if neither says it; and the evidence, for example ``kernel B70f``.
    """
    is_sharp = _is_sharp(kernel.upper().strip(), manufacturer.upper())
    if is_sharp is not None:
        return (Weighting.CT_BONE if is_sharp else Weighting.CT_SOFT), f"kernel {kernel}"
    evidence = f"kernel {kernel}, which is not known" if kernel else "no convolution kernel stated"
    for pattern, weighting in ((_BONE_WORD, Weighting.CT_BONE), (_SOFT_WORD, Weighting.CT_SOFT)):
        found = pattern.search(words)
        if found:
            return weighting, f"{evidence}; described as {found.group()!r}"
    return Weighting.UNKNOWN, evidence


def _is_sharp(kernel: str, manufacturer: str) -> bool | None:
    """Return whether a kernel is made for bone or lung, None if it is not known."""
    if _SHARP_NAMES.search(kernel):
        return True
    if _SOFT_NAMES.search(kernel):
        return False
    canon = _CANON.match(kernel)
    if canon:
        return int(canon[1]) // 10 in CANON_SHARP_TENS
    siemens = _SIEMENS.match(kernel)
    if siemens:
        return int(siemens[1]) >= SHARP_NUMBER
    philips = _PHILIPS.fullmatch(kernel)
    if philips and "PHILIPS" in manufacturer:
        return philips[1] in _PHILIPS_SHARP
    return None
