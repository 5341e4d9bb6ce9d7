"""The manifest is one that napari takes, under the name napari looks for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

npe2 = pytest.importorskip("npe2", reason="npe2 comes with the extra herntrack[gui]")

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = ROOT / "plugins" / "napari_herntrack" / "napari.yaml"


def test_manifest_is_valid_by_npe2s_own_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(MANIFEST)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Manifest for 'herntrack' valid" in done.stdout


def test_manifest_has_the_name_of_the_distribution_and_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    manifest = npe2.PluginManifest.from_file(str(MANIFEST))
    assert manifest.name == project["name"]
    assert project["entry-points"]["napari.manifest"] == {manifest.name: "napari_herntrack:napari.yaml"}


def test_everything_contributed_names_a_command_of_the_manifest() -> None:
    contributions = npe2.PluginManifest.from_file(str(MANIFEST)).contributions
    commands = {command.id for command in contributions.commands}
    named = [widget.command for widget in contributions.widgets]
    named += [item.command for items in contributions.menus.values() for item in items]
    for group in (contributions.readers, contributions.writers, contributions.sample_data):
        named += [each.command for each in group]
    assert {"herntrack.reading_room", "herntrack.stacks", "herntrack.read"} <= commands
    assert set(named) == commands
    assert {each.command for each in contributions.keybindings} == {"herntrack.reading_room"}


def test_menus_are_ones_that_napari_opens_to_plugins() -> None:
    menus = pytest.importorskip("napari._app_model.constants._menus", reason="needs herntrack[gui]")
    contributed = npe2.PluginManifest.from_file(str(MANIFEST)).contributions.menus
    assert contributed
    assert all(menus.is_menu_contributable(menu) for menu in contributed)
