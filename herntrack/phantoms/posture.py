"""The same spine, bent otherwise: every vertebra moves as one piece about the disc below it.

What stays the same between two visits is each bone, not the column: patients lie with more or less
lordosis. Used to test alignment; the sample cohort does not bend.

Public: `bent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from herntrack._typing import Affine4x4, FloatArray
from herntrack.model.vocabulary import Level
from herntrack.phantoms.anatomy import Anatomy, Endplate, Vertebra, with_vertebrae


def bent(anatomy: Anatomy, degrees: Mapping[Level, float]) -> tuple[Anatomy, dict[str, Affine4x4]]:
    """Return a spine bent in its discs, and how each vertebra moved.

    Parameters
    ----------
    anatomy : Anatomy
        The spine as it was.
    degrees : mapping of Level to float
        Angle in the midsagittal plane about the centre of each disc (degrees, positive forwards).
        What lies above turns with it; the sacrum stays.

    Returns
    -------
    tuple
        The bent spine, and by name of vertebra the 4x4 motion in the patient's frame (LPS mm).
    """
    motions: dict[str, Affine4x4] = {}
    total = np.eye(4)
    by_lower = {disc.below.name: disc for disc in anatomy.discs}
    for name in anatomy.vertebrae:
        motions[name] = total
        disc = by_lower.get(name)
        if disc is not None and disc.level is not None and disc.level in degrees:
            centre = (total @ (0.0, *disc.frame.centre_yz, 1.0))[1:3]
            total = _turn(np.radians(degrees[disc.level]), centre) @ total
    moved = {name: _moved(vertebra, motions[name]) for name, vertebra in anatomy.vertebrae.items()}
    return with_vertebrae(anatomy, moved), motions


def _turn(angle: float, centre_yz: FloatArray) -> Affine4x4:
    """Return the turn about x that takes +z towards -y for a positive angle."""
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.eye(4)
    matrix[1:3, 1:3] = [[cosine, -sine], [sine, cosine]]
    matrix[1:3, 3] = centre_yz - matrix[1:3, 1:3] @ centre_yz
    return matrix


def _moved(vertebra: Vertebra, motion: Affine4x4) -> Vertebra:
    tilt = float(np.degrees(np.arctan2(motion[2, 1], motion[1, 1])))

    def plate(each: Endplate) -> Endplate:
        centre = motion[1:3, 1:3] @ each.centre_yz + motion[1:3, 3]
        return Endplate(centre_yz=centre, tilt_degrees=each.tilt_degrees + tilt)

    return replace(vertebra, upper=plate(vertebra.upper), lower=plate(vertebra.lower))
