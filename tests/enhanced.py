"""Makers of small enhanced multi-frame images, for tests that need frames of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from tests.factories import make_dataset

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_MR = "1.2.840.10008.5.1.4.1.1.4.4"

Group = dict[str, dict[str, Any]]
"""Functional groups: the sequence's keyword, and what its item holds."""

SHARED: Group = {
    "PixelMeasuresSequence": {"PixelSpacing": [0.7, 0.6], "SliceThickness": 4, "SpacingBetweenSlices": 4.4},
    "PlaneOrientationSequence": {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
    "MRTimingAndRelatedParametersSequence": {"RepetitionTime": 3500, "FlipAngle": 150},
    "MREchoSequence": {"EffectiveEchoTime": 100.0},
    "MRImageFrameTypeSequence": {"FrameType": ["ORIGINAL", "PRIMARY", "M", "NONE"]},
    "PixelValueTransformationSequence": {"RescaleIntercept": 0, "RescaleSlope": 1, "RescaleType": "US"},
}


def frame(z: float, *, stack: str = "1", position: int | None = None, **groups: dict[str, Any]) -> Group:
    """Return the groups of one axial frame at height `z` (mm)."""
    content: dict[str, Any] = {"StackID": stack, "FrameAcquisitionNumber": 1}
    if position is not None:
        content["InStackPositionNumber"] = position
    own: Group = {
        "PlanePositionSequence": {"ImagePositionPatient": [-10.0, -20.0, z]},
        "FrameContentSequence": content,
    }
    for keyword, values in groups.items():
        own[keyword] = {**own.get(keyword, {}), **values}
    return own


def make_enhanced(frames: Sequence[Group], *, shared: Group | None = None, **values: Any) -> Dataset:
    """Return an enhanced image of 8 x 6 pixels a frame, each frame a ramp that begins at its number."""
    shared_groups = {**SHARED, **(shared or {})}
    top: dict[str, Any] = {
        "SOPClassUID": ENHANCED_MR,
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "NONE"],
        "NumberOfFrames": len(frames),
        "EchoPulseSequence": "SPIN",
        "EchoPlanarPulseSequence": "NO",
        "SpectrallySelectedSuppression": "NONE",
        "PixelPresentation": "MONOCHROME",
        "SharedFunctionalGroupsSequence": Items([_groups(shared_groups)]),
        "PerFrameFunctionalGroupsSequence": Items([_groups(each) for each in frames]),
        "PixelData": np.stack([ramp(number) for number in range(1, len(frames) + 1)]).tobytes(),
    }
    dataset = make_dataset(**{**top, **values})
    for keyword in (
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
        *("RepetitionTime", "EchoTime", "ScanningSequence"),
    ):
        if keyword not in values:
            del dataset[keyword]
    dataset.file_meta.MediaStorageSOPClassUID = UID(dataset.SOPClassUID)
    return dataset


def ramp(number: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Return the stored values of one frame, shape (8, 6)."""
    return (np.arange(48, dtype=np.uint16) + 100 * number).reshape(8, 6)


def _groups(groups: Group) -> Dataset:
    made = Dataset()
    for keyword, values in groups.items():
        item = Dataset()
        for name, value in values.items():
            setattr(item, name, value)
        setattr(made, keyword, Items([item]))
    return made
