"""Whether two stacks may be measured against each other, and with which error.

One comparison serves the whole project: which reading stands for a visit, which stack is
proposed for reading, which error a change is claimed with, and which visit is not
evaluable. Its grades:

* *same*: the smaller error of the rule set counts;
* *mixed*: the larger error counts;
* *refused*: the volumes are not compared; the visit is not evaluable.

Modality, plane and spacings decide as published for the outcome rules: equal modality and
plane, slice and pixel spacing within a tolerance of the reference's. What follows goes
beyond it and applies only where the images say so; a protocol that states no weighting and no
field strength is graded by the published rule alone.

* **Weighting** of another kind is mixed. Disc material ends at bright fluid and bright fat on
  T2, at dark fluid on T1, at suppressed fat with fat saturation: another edge is outlined.
  STIR and fat-saturated T2 show the same edges and are one kind.
* **Field strength** is said, and mixed only where the weighting is not known to be the same.
  Volumes follow the contour and the base plane; with equal contrast and spacing the same edge is
  outlined at 1.5 and at 3 T. With neither contrast nor field known to agree nothing supports that.
* **Gantry tilt** that differs is mixed: the slices cut the disc along other planes.
* **Role**: images computed from others (reformatted, derived) against acquired ones are mixed.
* **Irregular** slices, localizers and screenshots are refused; MR against CT is refused, for CT
  shows less of a herniation.
* **Another part of the body** by the words of the header is said and widens nothing: whoever
  outlined a fragment saw it, and scanners are told the wrong region every day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum, unique

from herntrack.model.vocabulary import Comparability, ImageRole, Modality, Plane, Weighting
from herntrack.volumetrics.rules import RuleSet

_ROUNDING = 1e-9
# Relative: 0.75 mm is no more than 25 % above 0.60 mm, whatever binary fractions say.

_MISFIT_DECIMALS = 3
# Spacings that differ in the fourth digit are one protocol written down twice.

UNMEASURABLE_ROLES = (ImageRole.LOCALIZER, ImageRole.SCREENSHOT)
"""Roles of images that nothing is measured on."""

_SUPPRESSED_FAT = (Weighting.STIR, Weighting.T2_FAT_SATURATED)
_GRADES = tuple(Comparability)


@unique
class Difference(StrEnum):
    """What tells two protocols apart; also the flag of a visit in ``changes.csv``."""

    MODALITY_UNKNOWN = "modality_unknown"
    MODALITY_DIFFERS = "modality_differs"
    IRREGULAR_SLICES = "irregular_slices"
    NOT_DIAGNOSTIC = "not_diagnostic"
    NOT_LUMBAR = "not_lumbar"
    PLANE_DIFFERS = "plane_differs"
    SLICE_SPACING_DIFFERS = "slice_spacing_differs"
    PIXEL_SPACING_DIFFERS = "pixel_spacing_differs"
    WEIGHTING_DIFFERS = "weighting_differs"
    TILT_DIFFERS = "tilt_differs"
    ROLE_DIFFERS = "role_differs"
    FIELD_STRENGTH_DIFFERS = "field_strength_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a stack was imaged, as far as it decides what its volumes can be compared with.

    Parameters
    ----------
    modality : Modality or None
    plane : Plane or None
    slice_spacing_mm : float or None
        Centre-to-centre distance along the normal (mm); None if unknown or for one slice.
    pixel_spacings_mm : tuple of float or None
        Distances between rows and between columns (mm).
    weighting : Weighting or None
        None or `Weighting.UNKNOWN` if nothing says so.
    field_strength_tesla : float or None
        Of the magnet (T).
    tilt_degrees : float
        Angle between the step from slice to slice and the slice normal (degrees).
    is_regular : bool
        False if slices are missing, doubled or unevenly spaced.
    role : ImageRole
        What the stack was made for.
    is_lumbar : bool or None
        Whether the lumbar spine is shown; None where nothing says so.
    """

    modality: Modality | None
    plane: Plane | None
    slice_spacing_mm: float | None
    pixel_spacings_mm: tuple[float, float] | None
    weighting: Weighting | None = None
    field_strength_tesla: float | None = None
    tilt_degrees: float = 0.0
    is_regular: bool = True
    role: ImageRole = ImageRole.DIAGNOSTIC
    is_lumbar: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One difference with its numbers, and the grade that it leads to by itself."""

    difference: Difference
    grade: Comparability
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolComparison:
    """How two protocols compare.

    Parameters
    ----------
    grade : Comparability
        The worst grade of any reason.
    reasons : tuple of Reason
        Worst first. A reason of grade *same* is said and widens nothing.
    """

    grade: Comparability
    reasons: tuple[Reason, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The reasons as sentences without a full stop, with the numbers."""
        return tuple(reason.text for reason in self.reasons)

    @property
    def refusals(self) -> tuple[Difference, ...]:
        """The differences that forbid a comparison; empty unless the grade is *refused*."""
        return tuple(r.difference for r in self.reasons if r.grade is Comparability.REFUSED)


Closeness = tuple[int, bool, bool, bool, bool, float]
"""Sorts protocols by their likeness to a reference, the most alike first."""


def compare_protocols(protocol: Protocol, reference: Protocol, rules: RuleSet) -> ProtocolComparison:
    """Compare a protocol with that of the baseline.

    Parameters
    ----------
    protocol, reference : Protocol
        Tolerances are fractions of the reference's values.
    rules : RuleSet
        Holds the tolerances.
    """
    reasons = [*unfitness(protocol), *(r for r in unfitness(reference) if r not in unfitness(protocol))]
    modality = compare_modalities(protocol.modality, reference.modality)
    if modality is not None:
        reasons.append(modality)
    found = [
        _plane_reason(protocol, reference),
        _slice_spacing_reason(protocol, reference, rules),
        _pixel_spacing_reason(protocol, reference, rules),
        _tilt_reason(protocol, reference, rules),
        _role_reason(protocol, reference),
        _lumbar_reason(protocol, reference),
    ]
    if modality is None:
        found += [_weighting_reason(protocol, reference), _field_reason(protocol, reference, rules)]
    reasons += [reason for reason in found if reason is not None]
    reasons.sort(key=lambda reason: -_GRADES.index(reason.grade))
    return ProtocolComparison(
        grade=reasons[0].grade if reasons else Comparability.SAME, reasons=tuple(reasons)
    )


def compare_modalities(modality: Modality | None, reference: Modality | None) -> Reason | None:
    """Return why two modalities may not be compared; None if they may."""
    if modality is None or reference is None:
        stated = reference if modality is None else modality
        return _refused(Difference.MODALITY_UNKNOWN, f"modality unknown against {stated or 'unknown'}")
    if modality is reference:
        return None
    # CT shows less of a herniation than MR: the difference would look like a loss.
    return _refused(Difference.MODALITY_DIFFERS, f"{modality} against {reference}, which are never compared")


def unfitness(protocol: Protocol) -> tuple[Reason, ...]:
    """Return why nothing measured on a stack may be compared with anything; empty if it may."""
    reasons = []
    if not protocol.is_regular:
        reasons.append(_refused(Difference.IRREGULAR_SLICES, "the slices form no regular volume"))
    if protocol.role in UNMEASURABLE_ROLES:
        reasons.append(_refused(Difference.NOT_DIAGNOSTIC, f"a {protocol.role} is no image to measure on"))
    return tuple(reasons)


def closeness(protocol: Protocol, reference: Protocol, rules: RuleSet) -> Closeness:
    """Return how unlike a reference a protocol is; the least of several is the most comparable.

    Grade, modality, plane, kind of weighting and weighting come in this order; then the sum of
    the absolute logarithms of the ratios of spacings and field strengths, in which half and
    double weigh the same.
    """
    return (
        _GRADES.index(compare_protocols(protocol, reference, rules).grade),
        protocol.modality is not reference.modality,
        protocol.plane is not reference.plane,
        _weighting_reason(protocol, reference) is not None,
        protocol.weighting is not reference.weighting,
        round(_misfit(protocol, reference), _MISFIT_DECIMALS),
    )


def weighting_kind(weighting: Weighting | None) -> Weighting | None:
    """Return the weighting that stands for all that show the same edges; None if unknown."""
    if weighting is None or weighting is Weighting.UNKNOWN:
        return None
    return Weighting.T2_FAT_SATURATED if weighting in _SUPPRESSED_FAT else weighting


def _plane_reason(protocol: Protocol, reference: Protocol) -> Reason | None:
    if protocol.plane is reference.plane and protocol.plane is not None:
        return None
    return _mixed(
        Difference.PLANE_DIFFERS,
        f"plane {protocol.plane or 'unknown'} against {reference.plane or 'unknown'}",
    )


def _slice_spacing_reason(protocol: Protocol, reference: Protocol, rules: RuleSet) -> Reason | None:
    ours, theirs = protocol.slice_spacing_mm, reference.slice_spacing_mm
    if _is_close(ours, theirs, rules.spacing_tolerance):
        return None
    limit = _beyond(rules.spacing_tolerance) if ours is not None and theirs is not None else ""
    return _mixed(
        Difference.SLICE_SPACING_DIFFERS, f"slice spacing {_mm(ours)} against {_mm(theirs)} mm{limit}"
    )


def _pixel_spacing_reason(protocol: Protocol, reference: Protocol, rules: RuleSet) -> Reason | None:
    # Sorted: with rows and columns exchanged, pixels have the same size and shape.
    ours = sorted(protocol.pixel_spacings_mm or ())
    theirs = sorted(reference.pixel_spacings_mm or ())
    if ours and theirs:
        if all(_is_close(a, b, rules.spacing_tolerance) for a, b in zip(ours, theirs, strict=True)):
            return None
        limit = _beyond(rules.spacing_tolerance)
    else:
        limit = ""
    return _mixed(
        Difference.PIXEL_SPACING_DIFFERS, f"pixel spacing {_pixel(ours)} against {_pixel(theirs)} mm{limit}"
    )


def _weighting_reason(protocol: Protocol, reference: Protocol) -> Reason | None:
    ours, theirs = weighting_kind(protocol.weighting), weighting_kind(reference.weighting)
    if ours is None or theirs is None or ours is theirs:
        return None
    text = f"weighting {protocol.weighting} against {reference.weighting}"
    return _mixed(Difference.WEIGHTING_DIFFERS, text)


def _field_reason(protocol: Protocol, reference: Protocol, rules: RuleSet) -> Reason | None:
    ours, theirs = protocol.field_strength_tesla, reference.field_strength_tesla
    if ours is None or theirs is None or _is_close(ours, theirs, rules.field_tolerance):
        return None
    said = f"field strength {ours:g} against {theirs:g} T{_beyond(rules.field_tolerance)}"
    kind = weighting_kind(protocol.weighting)
    if kind is not None and kind is weighting_kind(reference.weighting):
        return _said(Difference.FIELD_STRENGTH_DIFFERS, f"{said}, with the same weighting")
    return _mixed(Difference.FIELD_STRENGTH_DIFFERS, said)


def _tilt_reason(protocol: Protocol, reference: Protocol, rules: RuleSet) -> Reason | None:
    if abs(protocol.tilt_degrees - reference.tilt_degrees) <= rules.tilt_tolerance_degrees:
        return None
    return _mixed(
        Difference.TILT_DIFFERS,
        f"gantry tilt {protocol.tilt_degrees:.1f} against {reference.tilt_degrees:.1f} degrees,"
        f" more than {rules.tilt_tolerance_degrees:g} apart",
    )


def _role_reason(protocol: Protocol, reference: Protocol) -> Reason | None:
    roles = {protocol.role, reference.role}
    if len(roles) == 1 or roles & set(UNMEASURABLE_ROLES):
        return None
    return _mixed(Difference.ROLE_DIFFERS, f"{protocol.role} against {reference.role} images")


def _lumbar_reason(protocol: Protocol, reference: Protocol) -> Reason | None:
    if protocol.is_lumbar is not False and reference.is_lumbar is not False:
        return None
    return _said(Difference.NOT_LUMBAR, "the header names another part of the body")


def _misfit(protocol: Protocol, reference: Protocol) -> float:
    pairs = [
        (protocol.slice_spacing_mm, reference.slice_spacing_mm),
        *zip(
            sorted(protocol.pixel_spacings_mm or (math.inf, math.inf)),
            sorted(reference.pixel_spacings_mm or (math.inf, math.inf)),
            strict=True,
        ),
    ]
    misfit = sum(_log_ratio(ours, theirs) for ours, theirs in pairs)
    if protocol.field_strength_tesla and reference.field_strength_tesla:
        misfit += _log_ratio(protocol.field_strength_tesla, reference.field_strength_tesla)
    return misfit


def _log_ratio(value: float | None, reference: float | None) -> float:
    if value is None or reference is None or not 0 < value < math.inf or not 0 < reference < math.inf:
        return math.inf
    return abs(math.log(value / reference))


def _is_close(value: float | None, reference: float | None, tolerance: float) -> bool:
    if value is None or reference is None:
        return False
    return abs(value - reference) <= (tolerance + _ROUNDING) * reference


def _beyond(tolerance: float) -> str:
    return f", more than {100 * tolerance:g} %"


def _mm(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _pixel(spacings_mm: list[float]) -> str:
    return " x ".join(dict.fromkeys(f"{value:.2f}" for value in spacings_mm)) or "unknown"


def _said(difference: Difference, text: str) -> Reason:
    return Reason(difference=difference, grade=Comparability.SAME, text=text)


def _mixed(difference: Difference, text: str) -> Reason:
    return Reason(difference=difference, grade=Comparability.MIXED, text=text)


def _refused(difference: Difference, text: str) -> Reason:
    return Reason(difference=difference, grade=Comparability.REFUSED, text=text)
