"""The table volumes.csv: the primary volume of each visit beside other estimates of the same mask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from herntrack.reports.columns import Column, Kind, Table

MASK = "mask and grid"
IMAGE = "mask and intensities at its edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """One reading that stands for a visit, with every estimate of its volume; see `VOLUMES`."""

    patient_id: str
    lesion_uid: str
    visit_date: date
    reading_uid: str
    is_proposed: bool
    n_voxels: int
    volume_mm3: float
    volume_sigma_mm3: float
    lower_volume_mm3: float | None
    upper_volume_mm3: float | None
    surface_volume_mm3: float | None
    partial_volume_mm3: float | None
    partial_volume_error_mm3: float | None


def _text(name: str, meaning: str, source: str, allowed: str = "") -> Column:
    return Column(name=name, kind=Kind.TEXT, meaning=meaning, source=source, allowed=allowed)


def _mm3(name: str, meaning: str, source: str) -> Column:
    allowed = ">= 0; empty is not estimated"
    return Column(name=name, kind=Kind.DECIMAL, unit="mm3", meaning=meaning, source=source, allowed=allowed)


VOLUMES: Table[VolumeRow] = Table(
    name="volumes",
    record=VolumeRow,
    columns=(
        _text("patient_id", "Patient, as in changes.csv", "DICOM (0010,0020)"),
        _text("lesion_uid", "Tracking UID of the lesion", "herntrack", "DICOM UID"),
        Column(
            name="visit_date",
            kind=Kind.DATE,
            meaning="Date of the visit's images",
            source="DICOM (0008,0020)",
            allowed="YYYY-MM-DD",
        ),
        _text("reading_uid", "Reading that stands for the visit", "reading", "DICOM UID"),
        _text("is_proposed", "Whether no reader has accepted it yet", "reading", "True | False"),
        Column(
            name="n_voxels",
            kind=Kind.INTEGER,
            unit="1",
            meaning="Voxels of the mask",
            source=MASK,
            allowed=">= 0",
        ),
        _mm3("volume_mm3", "Primary volume: voxels times the volume of one", MASK),
        _mm3(
            "volume_sigma_mm3",
            "Standard error of volume_mm3, as in changes.csv",
            "error model of the rule set",
        ),
        _mm3("lower_volume_mm3", "The count without half of the voxels at the in-plane edge", MASK),
        _mm3("upper_volume_mm3", "The count with half of the voxels just outside the in-plane edge", MASK),
        _mm3("surface_volume_mm3", "Volume inside a surface through the smoothed mask", MASK),
        _mm3(
            "partial_volume_mm3",
            "Partial-volume estimate: voxels at the edge count with the share their intensity says;"
            " empty where the edge has too little contrast or the images could not be read",
            IMAGE,
        ),
        _mm3(
            "partial_volume_error_mm3",
            "Standard error of partial_volume_mm3 from levels and noise; tissue that looks like the fragment"
            " beside it is not in it (on computed fragments the estimate is 17 % too large)",
            IMAGE,
        ),
    ),
)
"""One row for each lesion and visit that was measured."""
