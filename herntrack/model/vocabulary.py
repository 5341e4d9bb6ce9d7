"""The field's words, each with one meaning.

Names and values follow the lumbar disc nomenclature 2.0 (Fardon 2014, Spine J 14:2525)
and DICOM. Values are what tables, columns and screens show; `parse` turns what a person
typed into a member or says which words there are.
"""

from __future__ import annotations

import re
from enum import StrEnum, unique
from typing import Self

from herntrack.errors import VocabularyError


class Term(StrEnum):
    """A closed list of words."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the member that `text` names, whatever its case, spaces or hyphens.

        Raises
        ------
        VocabularyError
            If no member has that name; the message lists them.
        """
        wanted = _plain(text)
        for member in cls:
            if _plain(member.value) == wanted:
                return member
        words = ", ".join(member.value for member in cls)
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()
        raise VocabularyError(f"{text!r} is no {kind}; use one of: {words}")


def _plain(text: str) -> str:
    for dash in ("-", "/", "_", "\N{EN DASH}", " "):
        text = text.replace(dash, "")
    return text.strip().lower()


@unique
class Modality(Term):
    """How an image was made."""

    MR = "MR"
    CT = "CT"


@unique
class Plane(Term):
    """How slices lie in the body."""

    SAGITTAL = "sagittal"
    AXIAL = "axial"
    CORONAL = "coronal"
    OBLIQUE = "oblique"


@unique
class Weighting(Term):
    """What an image's contrast shows."""

    T1 = "T1"
    T2 = "T2"
    PD = "PD"
    STIR = "STIR"
    T2_FAT_SATURATED = "T2 fat-saturated"
    T1_CONTRAST_ENHANCED = "T1 contrast-enhanced"
    CT_SOFT = "CT soft"
    CT_BONE = "CT bone"
    UNKNOWN = "unknown"


@unique
class ImageRole(Term):
    """What a stack was made for; only diagnostic stacks are proposed for reading."""

    DIAGNOSTIC = "diagnostic"
    LOCALIZER = "localizer"
    REFORMATTED = "reformatted"
    DERIVED = "derived"
    SCREENSHOT = "screenshot"


@unique
class Comparability(Term):
    """How a volume compares with the baseline's, the best first."""

    SAME = "same"
    """Same protocol: the smaller error counts."""
    MIXED = "mixed"
    """Another protocol: the larger error counts."""
    REFUSED = "refused"
    """Not to be compared: the visit is not evaluable."""


@unique
class Level(Term):
    """A disc level, transitional anatomy included."""

    T12_L1 = "T12-L1"
    L1_L2 = "L1-L2"
    L2_L3 = "L2-L3"
    L3_L4 = "L3-L4"
    L4_L5 = "L4-L5"
    L5_S1 = "L5-S1"
    L5_L6 = "L5-L6"
    L6_S1 = "L6-S1"
    S1_S2 = "S1-S2"


@unique
class Side(Term):
    """Where a herniation lies across the canal, from the patient's view."""

    LEFT = "left"
    RIGHT = "right"
    CENTRAL = "central"


@unique
class HerniationType(Term):
    """Shape of displaced disc material (Fardon 2014)."""

    BULGE = "bulge"
    PROTRUSION = "protrusion"
    EXTRUSION = "extrusion"
    SEQUESTRATION = "sequestration"


@unique
class Zone(Term):
    """Where disc material lies from the midline outwards in the axial plane (Fardon 2014).

    Right and left are said by `Side`: a right central herniation is paracentral on the right.
    """

    CENTRAL = "central"
    PARACENTRAL = "paracentral"
    SUBARTICULAR = "subarticular"
    FORAMINAL = "foraminal"
    EXTRAFORAMINAL = "extraforaminal"


@unique
class Migration(Term):
    """Which way displaced material left the level of its disc (Fardon 2014)."""

    NONE = "none"
    UP = "up"
    DOWN = "down"


@unique
class MsuLocation(Term):
    """Quarters of the line between the facets (Mysliwiec 2010, Eur Spine J 19:1087)."""

    A = "A"
    """The two middle quarters."""
    AB = "AB"
    """Both a middle and a lateral quarter."""
    B = "B"
    """A lateral quarter."""
    C = "C"
    """Beyond the facet's inner margin: the foramen."""


@unique
class PfirrmannGrade(Term):
    """Degeneration of the disc on T2 (Pfirrmann 2001, Spine 26:1873)."""

    I = "I"  # noqa: E741
    II = "II"
    III = "III"
    IV = "IV"
    V = "V"


@unique
class ReadingStatus(Term):
    """What a reader says of one lesion at one visit."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_EVALUABLE = "not_evaluable"


@unique
class VisitState(Term):
    """State of one visit against baseline."""

    BASELINE = "baseline"
    ABSENT = "absent"
    REDUCED = "reduced"
    ENLARGED = "enlarged"
    NO_CHANGE = "no_change"
    NOT_EVALUABLE = "not_evaluable"

    @property
    def letter(self) -> str:
        """One letter for a string of states: A, D, I, N, U; B is the baseline."""
        return _STATE_LETTERS[self]


_STATE_LETTERS = {
    VisitState.BASELINE: "B",
    VisitState.ABSENT: "A",
    VisitState.REDUCED: "D",
    VisitState.ENLARGED: "I",
    VisitState.NO_CHANGE: "N",
    VisitState.NOT_EVALUABLE: "U",
}


@unique
class OutcomeClass(Term):
    """What became of a lesion; exclusive and exhaustive."""

    RESORPTION = "resorption"
    PERSISTENT_REDUCTION = "persistent_reduction"
    TRANSIENT_REDUCTION = "transient_reduction"
    STABLE = "stable"
    PROGRESSION = "progression"
    INDETERMINATE = "indeterminate"


@unique
class Horizon(Term):
    """Which visits an outcome uses."""

    PRIMARY = "primary"
    """Visits up to the day the protocol fixed (default day 126)."""
    LATEST = "latest"
    """All visits."""
