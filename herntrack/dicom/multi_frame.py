"""Enhanced multi-frame images as if each frame were a file of its own.

Enhanced and legacy-converted enhanced MR and CT objects keep what differs between frames in
functional groups: each frame's own, else the ones all frames share (DICOM PS3.3 C.7.6.16).
`frame_headers` writes them out: one header for each frame with the attributes of the classic
single-frame object, so that the rules for files hold for frames too. What classic objects keep
in series apart but one enhanced object may hold together (stacks, kernels, phase and magnitude)
is told apart by words after the image type.

Public: `is_multi_frame`, `frame_headers`, `sop_class_of`, `FRAME_NUMBER`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue

from herntrack.dicom.header_rules import MULTI_FRAME_STORAGE
from herntrack.dicom.set_aside import SetAside

FRAME_NUMBER = "ReferencedFrameNumber"
"""Keyword under which a frame's header says which frame it is, counted from 1."""

CLASSIC_CLASS = {
    "1.2.840.10008.5.1.4.1.1.2.1": "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.2": "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4.1": "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.3": "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.4": "1.2.840.10008.5.1.4.1.1.4",
}
"""The single-frame SOP class a frame is read as."""

_MEASURES, _CONTENT = "PixelMeasuresSequence", "FrameContentSequence"
_TIMING, _VALUES = "MRTimingAndRelatedParametersSequence", "PixelValueTransformationSequence"
CLASSIC_ATTRIBUTES = {
    "ImagePositionPatient": ("PlanePositionSequence", "ImagePositionPatient"),
    "ImageOrientationPatient": ("PlaneOrientationSequence", "ImageOrientationPatient"),
    "PixelSpacing": (_MEASURES, "PixelSpacing"),
    "SliceThickness": (_MEASURES, "SliceThickness"),
    "SpacingBetweenSlices": (_MEASURES, "SpacingBetweenSlices"),
    "RepetitionTime": (_TIMING, "RepetitionTime"),
    "FlipAngle": (_TIMING, "FlipAngle"),
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "InversionTime": ("MRModifierSequence", "InversionTimes"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "AcquisitionNumber": (_CONTENT, "FrameAcquisitionNumber"),
    "TemporalPositionIdentifier": (_CONTENT, "TemporalPositionIndex"),
    "ConvolutionKernel": ("CTReconstructionSequence", "ConvolutionKernel"),
    "GantryDetectorTilt": ("CTAcquisitionDetailsSequence", "GantryDetectorTilt"),
    "RescaleSlope": (_VALUES, "RescaleSlope"),
    "RescaleIntercept": (_VALUES, "RescaleIntercept"),
}
"""Classic attributes and their functional group (PS3.3 C.7.6.16.2, C.8.13, C.8.15)."""

FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence")
CONVERTED = ("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence")
"""Where a legacy-converted image keeps the attributes that have no functional group."""

NOT_OF_FRAMES = ("NumberOfFrames", "ImagePositionPatient", "TemporalPositionIdentifier")
"""What no single value for all frames can say."""

KEPT_SEQUENCES = (0x00283000,)
"""ModalityLUTSequence: it says something of every frame's values."""

LAST_GROUP = 0x5000
"""Beyond lie curves, functional groups, overlays and pixels."""

SEQUENCES = {"SPIN": ("SE",), "GRADIENT": ("GR",), "BOTH": ("SE", "GR")}
"""ScanningSequence for EchoPulseSequence (PS3.3 C.8.13.4.1.1)."""

TOLD_APART = {
    "STACK ": (_CONTENT, "StackID"),
    "KERNEL ": ("CTReconstructionSequence", "ConvolutionKernel"),
    "": ("MRMetaboliteMapSequence", "MetaboliteMapDescription"),
}
"""What one enhanced image may hold several of, by how its word in the image type begins.

Water and fat count only where one image has both: some scanners say water of every frame.
"""

DIMENSIONS = "DimensionIndexSequence"
PLACES = (0x00209056, 0x00209057, 0x00200032)
"""Dimensions that are places: StackID, InStackPositionNumber, ImagePositionPatient."""

SIEMENS_FRAME, SIEMENS_IMAGE_TYPE = 0x002111FE, 0x00211175
"""Private attributes of Siemens: a frame's details, and among them its classic image type."""


def sop_class_of(dataset: Dataset) -> str:
    """Return the SOP class a dataset or its meta header states, empty if none does."""
    meta = getattr(dataset, "file_meta", None) or Dataset()
    return _text(dataset, "SOPClassUID") or _text(meta, "MediaStorageSOPClassUID")


def is_multi_frame(dataset: Dataset) -> bool:
    """Return whether a dataset is an enhanced or legacy-converted enhanced MR or CT image."""
    return sop_class_of(dataset) in MULTI_FRAME_STORAGE


def frame_headers(dataset: Dataset) -> list[Dataset]:
    """Return one classic header for each frame, in the order of the frames.

    Parameters
    ----------
    dataset : Dataset
        An image for which `is_multi_frame` holds; its pixels are not needed and it is not changed.

    Returns
    -------
    list of Dataset
        Without functional groups, private elements and pixels. SOPClassUID is that of the classic
        image, `FRAME_NUMBER` says which frame it is. InstanceNumber counts frames as the stack's
        positions do, so that a position that was left out leaves a gap.

    Raises
    ------
    SetAside
        If the frames cannot be told apart, are mosaics, or show colours.
    """
    with warnings.catch_warnings():
        # Values are passed on as the file has them, also where they break a value rule.
        warnings.simplefilter("ignore")
        groups = _functional_groups(dataset)
        _refuse_other_frames(dataset, groups)
        whole = _whole_header(dataset)
        words, numbers = _telling_words(groups), _instance_numbers(dataset, groups)
        return [
            _frame_header(whole, group, number=number, index=index, words=words[index])
            for index, (group, number) in enumerate(zip(groups, numbers, strict=True))
        ]


class _Groups:
    """The functional groups of one frame: its own, then those all frames share."""

    def __init__(self, own: Dataset, shared: Dataset) -> None:
        self._both = (own, shared)

    def items(self, sequence: str | int) -> Iterator[Dataset]:
        """Yield a group's item from each place where it stands, the frame's own first."""
        for groups in self._both:
            items = _value(groups, sequence)
            if items:
                yield items[0]

    def find(self, sequence: str | int, keyword: str | int) -> DataElement | None:
        """Return an attribute that has a value, the frame's own first."""
        for item in self.items(sequence):
            if _value(item, keyword) not in (None, "", []):
                return item[keyword]
        return None

    def texts(self, sequence: str | int, keyword: str | int) -> list[str]:
        """Return all values of an attribute as text."""
        element = self.find(sequence, keyword)
        return [] if element is None else _texts(element.value)

    def text(self, sequence: str | int, keyword: str | int) -> str:
        """Return an attribute's first value as text, empty if there is none."""
        return next(iter(self.texts(sequence, keyword)), "")

    def frame_type(self, keyword: str) -> list[str]:
        """Return the values of an attribute of the frame's type, which MR and CT keep in different groups."""
        return self.texts(FRAME_TYPES[0], keyword) or self.texts(FRAME_TYPES[1], keyword)


def _functional_groups(dataset: Dataset) -> list[_Groups]:
    per_frame = _value(dataset, "PerFrameFunctionalGroupsSequence")
    if not per_frame:
        raise SetAside("multi_frame", "a multi-frame image without functional groups for each frame")
    stated = _text(dataset, "NumberOfFrames") or "no number of"
    if stated != str(len(per_frame)):
        raise SetAside(
            "multi_frame",
            f"a multi-frame image of {stated} frames with functional groups for {len(per_frame)};"
            " which frame lies where is open",
        )
    shared = _value(dataset, "SharedFunctionalGroupsSequence") or [Dataset()]
    return [_Groups(own, shared[0]) for own in per_frame]


def _refuse_other_frames(dataset: Dataset, groups: Sequence[_Groups]) -> None:
    if _text(dataset, "PhotometricInterpretation").startswith("PALETTE"):
        raise SetAside("colour", "a multi-frame image in palette colours, no intensities")
    shown, types = _text(dataset, "PixelPresentation"), _texts(_value(dataset, "ImageType"))
    for number, group in enumerate(groups, start=1):
        if {"COLOR", "TRUE_COLOR"} & {shown, *group.frame_type("PixelPresentation")}:
            # Some of the values stand for colours there (PS3.3 C.8.16.2.1.2), not for intensities.
            raise SetAside("colour", f"a multi-frame image that is shown in colours (frame {number})")
        own_types = [*group.frame_type("FrameType"), *group.texts(SIEMENS_FRAME, SIEMENS_IMAGE_TYPE)]
        if "MOSAIC" in (*types, *own_types):
            raise SetAside(
                "mosaic", "a Siemens mosaic: many slices tiled in each frame, without their positions"
            )


def _whole_header(dataset: Dataset) -> Dataset:
    """Return what the frames share, each element still as the file has it."""
    header = _like(dataset)
    header.file_meta = getattr(dataset, "file_meta", None) or FileMetaDataset()
    _take_elements(header, dataset)
    for keyword in NOT_OF_FRAMES:
        if keyword in header:
            del header[keyword]
    header.SOPClassUID = CLASSIC_CLASS[sop_class_of(dataset)]
    if "SequenceName" not in header and _text(dataset, "PulseSequenceName"):
        header.SequenceName = _text(dataset, "PulseSequenceName")
    agents = _value(dataset, "ContrastBolusAgentSequence")
    if agents and not _text(header, "ContrastBolusAgent"):
        header.ContrastBolusAgent = _text(agents[0], "CodeMeaning") or "stated by a code"
    return header


def _take_elements(header: Dataset, source: Dataset) -> None:
    """Copy the elements that a header's rules can ask for: public, below the pixels, no sequences."""
    for tag in source.keys():  # noqa: SIM118 - to go through a dataset itself decodes its elements
        element = source.get_item(tag)
        is_plain = element.VR not in {"SQ", "UN"} and not tag.is_private and tag.group < LAST_GROUP
        if is_plain or tag in KEPT_SEQUENCES:
            # An element that was decoded is an object: each header gets its own, to be changed alone.
            header[tag] = copy(element)


def _like(dataset: Dataset) -> Dataset:
    """Return an empty dataset that decodes elements as this one does."""
    empty = Dataset()
    is_implicit, is_little = dataset.original_encoding
    empty.set_original_encoding(is_implicit, is_little, dataset.original_character_set)
    return empty


def _frame_header(
    whole: Dataset, group: _Groups, *, number: int, index: int, words: Sequence[str]
) -> Dataset:
    header = _like(whole)
    _take_elements(header, whole)
    header.file_meta = whole.file_meta
    header.InstanceNumber = number
    for converted in reversed([item for keyword in CONVERTED for item in group.items(keyword)]):
        _take_elements(header, converted)
    for keyword, place in CLASSIC_ATTRIBUTES.items():
        element = group.find(*place)
        if element is not None:
            header.add_new(keyword, element.VR, element.value)
    _set_acquisition(header, group)
    frame_type = group.frame_type("FrameType") or _texts(_value(header, "ImageType"))
    header.add_new("ImageType", "LO", [*frame_type, *_contrast_words(group), *words])
    header.add_new(FRAME_NUMBER, "IS", index + 1)
    return header


def _set_acquisition(header: Dataset, group: _Groups) -> None:
    """Say in classic terms how a frame was acquired, as far as the file does not (PS3.3 C.8.3.1.1)."""
    if not _text(header, "ScanningSequence"):
        sequences = list(SEQUENCES.get(_text(header, "EchoPulseSequence"), ()))
        if _text(header, "EchoPlanarPulseSequence") == "YES":
            sequences.append("EP")
        if group.text("MRModifierSequence", "InversionRecovery") == "YES":
            sequences.append("IR")
        if sequences:
            header.ScanningSequence = sequences
    if not _text(header, "ScanOptions") and "FAT" in _text(header, "SpectrallySelectedSuppression"):
        header.ScanOptions = "FS"
    if not _text(header, "BodyPartExamined"):
        regions = next(iter(group.items("FrameAnatomySequence")), Dataset()).get("AnatomicRegionSequence")
        # As text: the meaning of a code has small letters, which a code string has not.
        header.add_new("BodyPartExamined", "LO", _text(regions[0], "CodeMeaning") if regions else "")
    if group.text("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered") == "NO":
        header.ContrastBolusAgent = ""


def _contrast_words(group: _Groups) -> list[str]:
    """Return what tells a frame's contrast from others of its series, beyond its type and timing."""
    component = group.frame_type("ComplexImageComponent")
    direction = group.texts("MRDiffusionSequence", "DiffusionDirectionality")
    return [word for word in (*component, *direction) if word in {"PHASE", "REAL", "IMAGINARY", "ISOTROPIC"}]


def _telling_words(groups: Sequence[_Groups]) -> list[list[str]]:
    """Return for each frame the words for what differs between the frames of this file."""
    words: list[list[str]] = [[] for _ in groups]
    for name, place in TOLD_APART.items():
        values = [group.text(*place).upper() for group in groups]
        # One frame for each value is no volume; then the places themselves tell frames apart.
        if 1 < len(set(values)) < len(values):
            for own, value in zip(words, values, strict=True):
                own.append(f"{name}{value}")
    return words


def _instance_numbers(dataset: Dataset, groups: Sequence[_Groups]) -> list[int]:
    """Return a number for each frame: its place in its stack, the stacks and contrasts one after another."""
    pointers = [_value(item, "DimensionIndexPointer") for item in _value(dataset, DIMENSIONS) or ()]
    places, kinds = [], []
    for index, group in enumerate(groups):
        element = group.find(_CONTENT, "DimensionIndexValues")
        values = [] if element is None else list(np.atleast_1d(element.value))
        is_described = len(values) == len(pointers)
        others = [v for p, v in zip(pointers, values, strict=False) if is_described and p not in PLACES]
        kinds.append((group.text(_CONTENT, "StackID"), tuple(int(value) for value in others)))
        place = group.text(_CONTENT, "InStackPositionNumber")
        places.append(int(place) if place.isdecimal() else index + 1)
    order = {kind: rank for rank, kind in enumerate(sorted(set(kinds)))}
    return [order[kind] * max(places) + place for kind, place in zip(kinds, places, strict=True)]


def _value(dataset: Dataset, key: str | int) -> Any:
    """Return an element's value, None where it is absent, empty or not decodable."""
    try:
        return dataset[key].value if key in dataset else None
    except (ValueError, TypeError, NotImplementedError, OverflowError, KeyError):
        return None


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    items = value if isinstance(value, MultiValue | list | tuple) else [value]
    return [str(item).replace("\x00", "").strip() for item in items]


def _text(dataset: Dataset, keyword: str) -> str:
    return next(iter(_texts(_value(dataset, keyword))), "")
