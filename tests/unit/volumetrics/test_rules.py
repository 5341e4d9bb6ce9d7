"""Rule files: what ships, what is refused and how the refusal reads."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path

import pytest

from herntrack.errors import RuleSetError
from herntrack.volumetrics.rules import load_rules, shipped_rule_sets

DEFAULT_TEXT = (resources.files("herntrack.volumetrics") / "rules" / "default.toml").read_text(
    encoding="utf-8"
)


def write_rules(folder: Path, old: str, new: str) -> Path:
    assert old in DEFAULT_TEXT
    path = folder / "site.toml"
    path.write_text(DEFAULT_TEXT.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_default_thresholds_are_the_published_ones() -> None:
    rules = load_rules()
    values = {field.name: getattr(rules, field.name) for field in fields(rules)}
    del values["sha256"]
    assert values == {
        "name": "default",
        "version": "1.1.0",
        "min_baseline_mm3": 100.0,
        "z": 1.96,
        "min_change_fraction": 0.25,
        "absent_max_mm3": 50.0,
        "resorption_fraction": 0.75,
        "lit50_fraction": 0.5,
        "regain_fraction": 0.5,
        "landmark_day": 70,
        "primary_last_day": 126,
        "boundary_k_same_mm": 1.6,
        "boundary_k_mixed_mm": 2.2,
        "volume_floor_mm3": 20.0,
        "spacing_tolerance": 0.25,
        "field_tolerance": 0.25,
        "tilt_tolerance_degrees": 5.0,
        "draws": 4000,
        "seed": 20240531,
        "adjudicate_below": 0.6,
    }


def test_literature_50_differs_in_the_resorption_fraction_only() -> None:
    default, literature = load_rules("default"), load_rules("literature-50")
    expected = replace(default, name="literature-50", sha256=literature.sha256, resorption_fraction=0.5)
    assert literature == expected
    assert literature.sha256 != default.sha256


def test_two_rule_sets_ship() -> None:
    assert shipped_rule_sets() == ("default", "literature-50")


def test_a_file_is_identified_by_the_hash_of_its_bytes(tmp_path: Path) -> None:
    path = write_rules(tmp_path, 'name = "default"', 'name = "site"')
    rules = load_rules(path)
    assert rules.name == "site"
    assert rules.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_rules(str(path)) == rules


def test_a_whole_number_will_do_where_a_fraction_may_stand(tmp_path: Path) -> None:
    rules = load_rules(write_rules(tmp_path, "min_baseline_mm3 = 100.0", "min_baseline_mm3 = 120"))
    assert rules.min_baseline_mm3 == 120.0
    assert isinstance(rules.min_baseline_mm3, float)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("landmark_day = 70\n", "", "site.toml: the key outcome.landmark_day is missing"),
        ("[visit]\n", "[visit]\nzz = 2.0\n", "site.toml: no rule uses the key visit.zz; the keys are "),
        ('name = "default"', 'name = "default"\ncolour = "red"', "no rule uses the key colour"),
        ("[visit]\n", "[visits]\n", "no rule uses the key visits"),
        ('version = "1.1.0"', 'version = ""', "version is ''; write a text that is not empty"),
        ('version = "1.1.0"', "version = 1", "version is 1; write a text that is not empty"),
        ("z = 1.96", 'z = "1.96"', "site.toml: visit.z is '1.96'; write a number from 0.1 to 10"),
        (
            "landmark_day = 70",
            "landmark_day = 70.0",
            "landmark_day is 70.0; write a whole number from 1 to 3650",
        ),
        ("landmark_day = 70", "landmark_day = true", "outcome.landmark_day is True; write a whole number"),
        ("z = 1.96", "z = nan", "visit.z is nan; the limits are 0.1 to 10"),
        ("z = 1.96", "z = 0", "visit.z is 0; the limits are 0.1 to 10"),
        ("resorption_fraction = 0.75", "resorption_fraction = 75", "is 75; the limits are 0.01 to 1"),
        ("absent_max_mm3 = 50.0", "absent_max_mm3 = 100", "is 100.0; it must be less than min_baseline_mm3"),
        (
            "primary_last_day = 126",
            "primary_last_day = 69",
            "day is 70; it must be no more than primary_last_day",
        ),
        (
            "boundary_k_same_mm = 1.6",
            "boundary_k_same_mm = 2.3",
            "no more than boundary_k_mixed_mm, which is 2.2",
        ),
        ("[visit]", "[visit", "site.toml: this is no TOML text"),
    ],
)
def test_a_faulty_file_is_refused_by_name_key_value_and_limit(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = write_rules(tmp_path, old, new)
    with pytest.raises(RuleSetError) as refusal:
        load_rules(path)
    assert message in str(refusal.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuleSetError, match=r"binary\.toml: this is no TOML text"):
        load_rules(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleSetError, match=r"absent\.toml: the rule file cannot be read \(No such file"):
        load_rules(tmp_path / "absent.toml")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        RuleSetError, match="there is no rule set 'strict'; use one of default, literature-50 or"
    ):
        load_rules("strict")


def test_a_changed_copy_is_checked_too() -> None:
    with pytest.raises(RuleSetError, match="landmark_day is 0; the limits are 1 to 3650"):
        replace(load_rules(), landmark_day=0)


def test_limits_are_inclusive(tmp_path: Path) -> None:
    assert (
        load_rules(write_rules(tmp_path, "primary_last_day = 126", "primary_last_day = 70")).primary_last_day
        == 70
    )
    whole = load_rules(write_rules(tmp_path, "resorption_fraction = 0.75", "resorption_fraction = 1.0"))
    assert whole.resorption_fraction == 1.0
