"""The thresholds of an outcome, read from a versioned TOML file.

Rules are data: an outcome stores the name, version and SHA-256 of the file it was decided
by, so an old cohort can be decided again, exactly, or under new rules. Two files ship with
herntrack: ``default`` and ``literature-50``, which differs in one value only.

A file holds every key, no other key, and no value out of its range: a rule set that is
completed by silent defaults cannot be cited.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from herntrack.errors import RuleSetError

DEFAULT_RULES = "default"
"""Name of the rule set used when none is asked for."""

_ROUNDING = 1e-9
# Relative. Half of 715.0 mm3 regained is half, whatever binary fractions make of its last digit.

_SUFFIX = ".toml"


class _Key(NamedTuple):
    """Where a parameter stands in the file, and what it may be."""

    section: str
    is_whole: bool
    low: float
    high: float


_KEYS: dict[str, _Key] = {
    "min_baseline_mm3": _Key("baseline", False, 1.0, 100_000.0),
    "z": _Key("visit", False, 0.1, 10.0),
    "min_change_fraction": _Key("visit", False, 0.0, 1.0),
    "absent_max_mm3": _Key("visit", False, 0.0, 100_000.0),
    "resorption_fraction": _Key("outcome", False, 0.01, 1.0),
    "lit50_fraction": _Key("outcome", False, 0.01, 1.0),
    "regain_fraction": _Key("outcome", False, 0.01, 1.0),
    "landmark_day": _Key("outcome", True, 1, 3_650),
    "primary_last_day": _Key("outcome", True, 1, 3_650),
    "boundary_k_same_mm": _Key("error_model", False, 0.01, 20.0),
    "boundary_k_mixed_mm": _Key("error_model", False, 0.01, 20.0),
    "volume_floor_mm3": _Key("error_model", False, 0.01, 10_000.0),
    "spacing_tolerance": _Key("protocol", False, 0.0, 1.0),
    "field_tolerance": _Key("protocol", False, 0.0, 1.0),
    "tilt_tolerance_degrees": _Key("protocol", False, 0.0, 90.0),
    "draws": _Key("stability", True, 100, 1_000_000),
    "seed": _Key("stability", True, 0, 2**63 - 1),
    "adjudicate_below": _Key("stability", False, 0.0, 1.0),
}
"""Every parameter but name and version: its section, kind and inclusive limits."""

_LATER_KEYS = {"field_tolerance": 0.25, "tilt_tolerance_degrees": 5.0}
"""Keys of ``[protocol]`` that rule files written for version 1.0 lack, with the value they stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All thresholds that decide an outcome.

    Parameters
    ----------
    name, version : str
        As written in the file.
    sha256 : str
        Hash of the file's bytes, lower-case hexadecimal. `dataclasses.replace` keeps it, so
        a changed copy serves a comparison and is never stored with an outcome.
    min_baseline_mm3 : float
        Limit of detection of a baseline (mm3).
    z : float
        Smallest change in units of its standard error.
    min_change_fraction : float
        Smallest change as a fraction of the baseline volume.
    absent_max_mm3 : float
        Largest residue of an absent reading (mm3).
    resorption_fraction, lit50_fraction : float
        Loss that counts as resorption; loss that earns the flag ``lit50``.
    regain_fraction : float
        Regained share of a loss from which the reduction was transient.
    landmark_day, primary_last_day : int
        First day on which persistence can be said; last day of the primary outcome.
    boundary_k_same_mm, boundary_k_mixed_mm, volume_floor_mm3 : float
        Error model, see `herntrack.volumetrics.error_model`.
    spacing_tolerance, field_tolerance : float
        Largest relative difference of spacings, and of field strengths, within one protocol.
    tilt_tolerance_degrees : float
        Largest difference of gantry tilts within one protocol (degrees).
    draws, seed : int
        Redraws of the stability index and the seed of their random numbers.
    adjudicate_below : float
        Share of the top class under which a person should decide.

    Raises
    ------
    RuleSetError
        If a value has the wrong type or lies outside its limits, or two contradict each other.
    """

    name: str
    version: str
    sha256: str
    min_baseline_mm3: float
    z: float
    min_change_fraction: float
    absent_max_mm3: float
    resorption_fraction: float
    lit50_fraction: float
    regain_fraction: float
    landmark_day: int
    primary_last_day: int
    boundary_k_same_mm: float
    boundary_k_mixed_mm: float
    volume_floor_mm3: float
    spacing_tolerance: float
    field_tolerance: float
    tilt_tolerance_degrees: float
    draws: int
    seed: int
    adjudicate_below: float

    def __post_init__(self) -> None:
        for name in ("name", "version"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise RuleSetError(f"{name} is {text!r}; write a text that is not empty")
        for name, key in _KEYS.items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), key))
        _check_order(self, "absent_max_mm3", "min_baseline_mm3", is_strict=True)
        _check_order(self, "landmark_day", "primary_last_day", is_strict=False)
        _check_order(self, "boundary_k_same_mm", "boundary_k_mixed_mm", is_strict=False)


def least(threshold: float) -> float:
    """Return the smallest computed value that counts as having reached a threshold."""
    return threshold - _ROUNDING * max(1.0, abs(threshold))


def most(threshold: float) -> float:
    """Return the largest computed value that counts as not having passed a threshold."""
    return threshold + _ROUNDING * max(1.0, abs(threshold))


def load_rules(name_or_path: str | Path = DEFAULT_RULES) -> RuleSet:
    """Read a rule set that ships with herntrack, by name, or any other, by path.

    Parameters
    ----------
    name_or_path : str or Path
        A name from `shipped_rule_sets`; or a path: a `Path`, or a text that ends in
        ``.toml`` or names a folder.

    Raises
    ------
    RuleSetError
        If there is no such file or it does not hold exactly the keys of a rule set; the
        message names the file, the key, the value and the limit.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(_SUFFIX) or "/" in text or "\\" in text:
        path = Path(name_or_path)
        try:
            return _rules_from_bytes(path.read_bytes(), source=path.name)
        except OSError as error:
            raise RuleSetError(f"{path}: the rule file cannot be read ({error.strerror})") from error
    if text not in shipped_rule_sets():
        raise RuleSetError(
            f"there is no rule set {text!r}; use one of {', '.join(shipped_rule_sets())}"
            " or the path of a .toml file"
        )
    shipped = resources.files(__package__) / "rules" / f"{text}{_SUFFIX}"
    return _rules_from_bytes(shipped.read_bytes(), source=f"{text}{_SUFFIX}")


def shipped_rule_sets() -> tuple[str, ...]:
    """Return the names of the rule sets that come with herntrack, in alphabetical order."""
    folder = resources.files(__package__) / "rules"
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names))


def _rules_from_bytes(content: bytes, *, source: str) -> RuleSet:
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleSetError(f"{source}: this is no TOML text ({error})") from error
    try:
        return RuleSet(**_flattened(document), sha256=hashlib.sha256(content).hexdigest())
    except RuleSetError as error:
        raise RuleSetError(f"{source}: {error}") from error


def _flattened(document: dict[str, Any]) -> dict[str, Any]:
    """Return the values of all keys; refuse a key that is missing or that no rule uses."""
    expected = {("", "name"), ("", "version")} | {(key.section, name) for name, key in _KEYS.items()}
    sections = {section for section, _ in expected}
    found: dict[tuple[str, str], Any] = {}
    for name, value in document.items():
        if isinstance(value, dict) and name in sections:
            found.update({(name, inner): inner_value for inner, inner_value in value.items()})
        else:
            found["", name] = value
    unknown = sorted(_dotted(key) for key in found.keys() - expected)
    if unknown:
        raise RuleSetError(f"no rule uses the key {unknown[0]}; the keys are {_listed(expected)}")
    found = {("protocol", name): value for name, value in _LATER_KEYS.items()} | found
    missing = sorted(_dotted(key) for key in expected - found.keys())
    if missing:
        raise RuleSetError(f"the key {missing[0]} is missing; a rule file holds every key, copy default.toml")
    return {name: value for (_, name), value in found.items()}


def _dotted(key: tuple[str, str]) -> str:
    return ".".join(part for part in key if part)


def _listed(keys: set[tuple[str, str]]) -> str:
    return ", ".join(sorted(_dotted(key) for key in keys))


def _checked(name: str, value: object, key: _Key) -> float | int:
    """Return the value of a parameter in its own type."""
    kind = "a whole number" if key.is_whole else "a number"
    # bool is an int to Python, and `landmark_day = true` is no day.
    if isinstance(value, bool) or not isinstance(value, int if key.is_whole else (int, float)):
        raise RuleSetError(
            f"{key.section}.{name} is {value!r}; write {kind} from {key.low:g} to {key.high:g}"
        )
    if not math.isfinite(value) or not key.low <= value <= key.high:
        raise RuleSetError(f"{key.section}.{name} is {value}; the limits are {key.low:g} to {key.high:g}")
    return value if key.is_whole else float(value)


def _check_order(rules: RuleSet, small: str, large: str, *, is_strict: bool) -> None:
    low, high = getattr(rules, small), getattr(rules, large)
    if low > high or (is_strict and low == high):
        limit = "less than" if is_strict else "no more than"
        raise RuleSetError(
            f"{_KEYS[small].section}.{small} is {low}; it must be {limit} {large}, which is {high}"
        )
