"""What scanners of three vendors are asked to do, and how each of them writes it down.

Public: `Role`, `Vendor`, `Protocol`, `protocol_for`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

from herntrack.phantoms.planning import StackSize
from herntrack.phantoms.tissues import Contrast


@unique
class Role(StrEnum):
    """What a series is for; the keys of `series` in truth.json."""

    SAGITTAL_T2 = "sagittal_t2"
    AXIAL_T2 = "axial_t2"
    SAGITTAL_T1 = "sagittal_t1"
    CT = "ct"


@unique
class Vendor(StrEnum):
    """Whose header is imitated."""

    SIEMENS = "SIEMENS"
    GE = "GE MEDICAL SYSTEMS"
    PHILIPS = "Philips"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One series as it is acquired and described.

    Parameters
    ----------
    role : Role
        What it is for.
    vendor : Vendor
        Whose header it has.
    contrast : Contrast
        What it shows.
    size : StackSize
        Grid of one stack.
    description : str
        SeriesDescription, up to 64 characters.
    series_number : int
        SeriesNumber.
    noise : float
        Noise (arbitrary units, HU for CT).
    attributes : dict
        DICOM keyword to value: what this vendor and sequence add to every image.
    """

    role: Role
    vendor: Vendor
    contrast: Contrast
    size: StackSize
    description: str
    series_number: int
    noise: float
    attributes: dict[str, object]


SAGITTAL_SIZE = StackSize(
    n_slices=13, n_rows=288, n_columns=208, pixel_mm=0.8, thickness_mm=4.0, spacing_mm=4.4
)
"""Sagittal stacks: 4 mm slices and a gap of 0.4 mm."""

AXIAL_SIZE = StackSize(n_slices=5, n_rows=192, n_columns=192, pixel_mm=0.75, thickness_mm=4.0, spacing_mm=4.4)
"""One axial block."""

CT_SIZE = StackSize(n_slices=64, n_rows=176, n_columns=176, pixel_mm=0.75, thickness_mm=1.0, spacing_mm=1.0)
"""CT of L4 to S1, reconstructed on a small field of view."""

_SIZES = {
    Role.SAGITTAL_T2: SAGITTAL_SIZE,
    Role.SAGITTAL_T1: SAGITTAL_SIZE,
    Role.AXIAL_T2: AXIAL_SIZE,
    Role.CT: CT_SIZE,
}

_NAMES = {
    (Vendor.SIEMENS, Role.SAGITTAL_T2): "t2_tse_sag simulated",
    (Vendor.SIEMENS, Role.AXIAL_T2): "t2_tse_tra_msma simulated",
    (Vendor.SIEMENS, Role.SAGITTAL_T1): "t1_tse_sag simulated",
    (Vendor.SIEMENS, Role.CT): "L-Spine 1.0 Br40 simulated",
    (Vendor.GE, Role.SAGITTAL_T2): "Sag T2 FSE simulated",
    (Vendor.GE, Role.AXIAL_T2): "Ax T2 FSE angled simulated",
    (Vendor.GE, Role.SAGITTAL_T1): "Sag T1 FSE simulated",
    (Vendor.GE, Role.CT): "L-Spine 1.0 STD simulated",
    (Vendor.PHILIPS, Role.SAGITTAL_T2): "T2W_TSE_SAG simulated",
    (Vendor.PHILIPS, Role.AXIAL_T2): "T2W_TSE_TRA simulated",
    (Vendor.PHILIPS, Role.SAGITTAL_T1): "T1W_TSE_SAG simulated",
    (Vendor.PHILIPS, Role.CT): "L-Spine 1.0 B simulated",
}

_NUMBERS = {Role.SAGITTAL_T2: 3, Role.SAGITTAL_T1: 4, Role.AXIAL_T2: 5, Role.CT: 2}

_NOISE = {Contrast.T2: 3.4, Contrast.T1: 3.4, Contrast.CT: 10.0}

_MR_VENDOR: dict[Vendor, dict[str, object]] = {
    Vendor.SIEMENS: {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
        "SequenceVariant": ["SK", "SP", "OSP"],
        "SequenceName": "*tse2d1_17",
        "MagneticFieldStrength": 1.5,
        "ImagingFrequency": 63.68,
        "SoftwareVersions": "simulated E11",
        "PercentPhaseFieldOfView": 100,
        "PixelBandwidth": 190,
        "TransmitCoilName": "Body",
    },
    Vendor.GE: {
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "SequenceVariant": ["SK", "OSP"],
        "MagneticFieldStrength": 1.5,
        "ImagingFrequency": 63.86,
        "SoftwareVersions": ["27", "simulated MR"],
        "PixelBandwidth": 162.8,
        "ReceiveCoilName": "HD CTL 456",
        "SAR": 0.62,
    },
    Vendor.PHILIPS: {
        "ImageType": ["ORIGINAL", "PRIMARY", "M_SE", "M", "SE"],
        "SequenceVariant": "SK",
        "MagneticFieldStrength": 3.0,
        "ImagingFrequency": 127.77,
        "SoftwareVersions": ["5.7.1", "simulated"],
        "PixelBandwidth": 217,
        "HighBit": 11,
        "BitsStored": 12,
        "NumberOfTemporalPositions": 1,
        "TemporalPositionIdentifier": 1,
    },
}

_SCAN_OPTIONS: dict[Vendor, object] = {
    Vendor.SIEMENS: "SAT1",
    Vendor.GE: ["SAT_GEMS", "FC"],
    Vendor.PHILIPS: "OTHER",
}

_TIMING: dict[Contrast, dict[str, object]] = {
    Contrast.T2: {"RepetitionTime": 3500, "EchoTime": 100, "EchoTrainLength": 17, "FlipAngle": 150},
    Contrast.T1: {"RepetitionTime": 550, "EchoTime": 10, "EchoTrainLength": 3, "FlipAngle": 150},
}

_CT_KERNEL = {Vendor.SIEMENS: "Br40f", Vendor.GE: "STANDARD", Vendor.PHILIPS: "B"}


def protocol_for(role: Role, vendor: Vendor) -> Protocol:
    """Return the protocol of a role as a vendor runs and writes it.

    Parameters
    ----------
    role : Role
        What the series is for.
    vendor : Vendor
        Whose header it has.
    """
    contrast = {Role.CT: Contrast.CT, Role.SAGITTAL_T1: Contrast.T1}.get(role, Contrast.T2)
    attributes = _ct_attributes(vendor) if contrast is Contrast.CT else _mr_attributes(vendor, contrast)
    return Protocol(
        role=role,
        vendor=vendor,
        contrast=contrast,
        size=_SIZES[role],
        description=_NAMES[vendor, role],
        series_number=_NUMBERS[role] * (100 if vendor is Vendor.PHILIPS else 1) + (vendor is Vendor.PHILIPS),
        noise=_NOISE[contrast],
        attributes=attributes,
    )


def _mr_attributes(vendor: Vendor, contrast: Contrast) -> dict[str, object]:
    return {
        "ScanningSequence": "SE",
        "ScanOptions": _SCAN_OPTIONS[vendor],
        "MRAcquisitionType": "2D",
        "AngioFlag": "N",
        "NumberOfAverages": 2,
        "ImagedNucleus": "1H",
        "EchoNumbers": 1,
        "NumberOfPhaseEncodingSteps": 260,
        "InPlanePhaseEncodingDirection": "COL",
        "PercentSampling": 90,
        **_TIMING[contrast],
        **_MR_VENDOR[vendor],
    }


def _ct_attributes(vendor: Vendor) -> dict[str, object]:
    image_type = ["ORIGINAL", "PRIMARY", "AXIAL"]
    return {
        "ImageType": [*image_type, "CT_SOM5 SPI"] if vendor is Vendor.SIEMENS else image_type,
        "KVP": 120,
        "XRayTubeCurrent": 210,
        "ExposureTime": 1000,
        "ConvolutionKernel": _CT_KERNEL[vendor],
        "GantryDetectorTilt": 0,
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
        "RescaleType": "HU",
        "AcquisitionNumber": 1,
        "ReconstructionDiameter": CT_SIZE.n_columns * CT_SIZE.pixel_mm,
        "FilterType": "BODY FILTER" if vendor is Vendor.GE else "FLAT",
        "WindowCenter": 50,
        "WindowWidth": 400,
    }
