from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel's content, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.parametrize(
    "name",
    [
        "herntrack/catalogue/_migrations/env.py",
        "herntrack/catalogue/_migrations/versions/0001_first_tables.py",
        "herntrack/volumetrics/rules/default.toml",
        "herntrack/volumetrics/rules/literature-50.toml",
        "herntrack/reports/templates/report.html.j2",
        "napari_herntrack/napari.yaml",
        "napari_herntrack/texts/kk.toml",
    ],
)
def test_the_wheel_carries_its_data(installed: Path, name: str) -> None:
    assert (installed / name).is_file()


def test_the_wheel_carries_no_sample_and_no_tests(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if "dist-info" not in path.name} == {
        "herntrack",
        "napari_herntrack",
    }


def test_an_installed_copy_makes_and_upgrades_a_catalogue(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "herntrack", *words],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stderr

    run("init", "study")
    assert "up to date" in run("db", "upgrade", "-w", "study")
    where = subprocess.run(
        [sys.executable, "-c", "import herntrack; print(herntrack.__file__)"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(installed) in where


def test_the_manifest_is_an_entry_point(installed: Path) -> None:
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    text = entry_points.read_text()
    assert "herntrack = napari_herntrack:napari.yaml" in text
    assert "herntrack = herntrack.cli.app:main" in text
