"""What each tissue of the phantom looks like.

Signals are in the arbitrary units of a 12-bit MR image (T2: TSE, TR 3500, TE 100 ms; T1: TR 550,
TE 10 ms, both at 1.5 T and without fat saturation), CT numbers in Hounsfield units. Only order and
rough ratio are meant to be true: cerebrospinal fluid > fat > marrow > muscle > cortical bone on T2,
fat > marrow > muscle > fluid on T1.

Public: `Tissue`, `Contrast`, `signal_table`, `texture_table`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum, unique
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Field: TypeAlias = npt.NDArray[np.float32]
"""float32, any shape."""


@unique
class Contrast(StrEnum):
    """What is measured."""

    T2 = "T2"
    T1 = "T1"
    CT = "CT"


@unique
class Tissue(IntEnum):
    """Label of a voxel of the scene."""

    AIR = 0
    SKIN = 1
    SUBCUTANEOUS_FAT = 2
    MUSCLE = 3
    FATTY_MUSCLE = 4
    RETROPERITONEAL_FAT = 5
    BOWEL_WALL = 6
    BOWEL_CONTENT = 7
    BOWEL_GAS = 8
    MARROW = 9
    CORTEX = 10
    ENDPLATE = 11
    BASIVERTEBRAL_VEIN = 12
    ANNULUS = 13
    NUCLEUS_BRIGHT = 14
    NUCLEUS_GREY = 15
    NUCLEUS_DARK = 16
    LIGAMENT = 17
    CSF = 18
    CORD = 19
    NERVE = 20
    EPIDURAL_FAT = 21
    FLAVUM = 22
    INTERSPINOUS = 23
    FLOWING_BLOOD = 24
    VESSEL_WALL = 25
    JOINT_FLUID = 26
    EPIDURAL_VEIN = 27
    HERNIATION = 28
    SEQUESTER = 29
    FATTY_MARROW = 30
    FASCIA = 31


_TABLE: dict[Tissue, tuple[float, float, float, float]] = {
    # tissue: T2 signal, T1 signal, HU, texture (relative standard deviation on MR)
    Tissue.AIR: (0, 0, -1000, 0.0),
    Tissue.SKIN: (210, 300, 40, 0.05),
    Tissue.SUBCUTANEOUS_FAT: (560, 800, -105, 0.05),
    Tissue.MUSCLE: (125, 265, 55, 0.16),
    Tissue.FATTY_MUSCLE: (270, 470, 5, 0.18),
    Tissue.RETROPERITONEAL_FAT: (540, 780, -100, 0.08),
    Tissue.BOWEL_WALL: (170, 260, 40, 0.08),
    Tissue.BOWEL_CONTENT: (380, 250, 25, 0.25),
    Tissue.BOWEL_GAS: (12, 12, -700, 0.0),
    Tissue.MARROW: (305, 420, 190, 0.10),
    Tissue.CORTEX: (30, 45, 620, 0.05),
    Tissue.ENDPLATE: (40, 55, 520, 0.05),
    Tissue.BASIVERTEBRAL_VEIN: (430, 230, 70, 0.05),
    Tissue.ANNULUS: (75, 210, 88, 0.10),
    Tissue.NUCLEUS_BRIGHT: (520, 235, 75, 0.07),
    Tissue.NUCLEUS_GREY: (300, 240, 78, 0.10),
    Tissue.NUCLEUS_DARK: (140, 235, 82, 0.12),
    Tissue.LIGAMENT: (35, 70, 70, 0.05),
    Tissue.CSF: (930, 120, 12, 0.03),
    Tissue.CORD: (330, 330, 38, 0.04),
    Tissue.NERVE: (300, 270, 35, 0.05),
    Tissue.EPIDURAL_FAT: (600, 800, -95, 0.05),
    Tissue.FLAVUM: (95, 200, 60, 0.08),
    Tissue.INTERSPINOUS: (260, 430, 10, 0.22),
    Tissue.FLOWING_BLOOD: (25, 60, 45, 0.1),
    Tissue.VESSEL_WALL: (130, 200, 50, 0.05),
    Tissue.JOINT_FLUID: (640, 220, 30, 0.0),
    Tissue.EPIDURAL_VEIN: (420, 260, 45, 0.05),
    Tissue.HERNIATION: (185, 235, 85, 0.10),
    Tissue.SEQUESTER: (260, 245, 82, 0.12),
    Tissue.FATTY_MARROW: (400, 600, 110, 0.08),
    Tissue.FASCIA: (50, 110, 50, 0.05),
}

_COLUMN = {Contrast.T2: 0, Contrast.T1: 1, Contrast.CT: 2}

CT_TEXTURE_SOFT_HU, CT_TEXTURE_BONE_HU = 100.0, 400.0
"""Standard deviation of texture on CT per unit of relative texture, soft tissue and bone (HU)."""


def signal_table(contrast: Contrast) -> Field:
    """Return the mean signal of every tissue, indexed by `Tissue`.

    Parameters
    ----------
    contrast : Contrast
        Sequence or CT.

    Returns
    -------
    ndarray of float32, shape (n_tissues,)
        Arbitrary units for MR, HU for CT.
    """
    column = _COLUMN[contrast]
    return np.array([_TABLE[tissue][column] for tissue in Tissue], dtype=np.float32)


def texture_table(contrast: Contrast) -> Field:
    """Return the standard deviation of each tissue's texture in the units of `signal_table`.

    Parameters
    ----------
    contrast : Contrast
        Sequence or CT.
    """
    relative = np.array([_TABLE[tissue][3] for tissue in Tissue], dtype=np.float32)
    if contrast is Contrast.CT:
        bone = np.array([_TABLE[tissue][2] > 150 for tissue in Tissue])
        scale = np.where(bone, CT_TEXTURE_BONE_HU, CT_TEXTURE_SOFT_HU)
        return np.asarray(scale * relative, dtype=np.float32)
    return np.asarray(relative * signal_table(contrast), dtype=np.float32)
