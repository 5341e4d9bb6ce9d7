from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer

from herntrack.cli.app import app
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.workspace import Workspace
from tests.conftest import REPOSITORY


def commands(group: click.Group, prefix: str = "herntrack") -> list[str]:
    found = []
    for name, command in group.commands.items():
        found += (
            commands(command, f"{prefix} {name}") if hasattr(command, "commands") else [f"{prefix} {name}"]
        )
    return found


def test_every_command_is_documented() -> None:
    text = (REPOSITORY / "docs" / "commands.md").read_text()
    group = typer.main.get_command(app)
    found = commands(group)  # type: ignore[arg-type]
    assert len(found) >= 14
    assert [name for name in found if f"`{name}" not in text] == []


def test_the_example_of_the_readme_runs_and_prints_what_it_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    ).stdout
    (promised,) = re.findall(r"print\(.*#\s*(.*)", code)
    assert printed.strip() == promised.strip()


@pytest.mark.parametrize(
    "path", sorted(p.relative_to(REPOSITORY) for p in (REPOSITORY / "docs").rglob("*.md"))
)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = (REPOSITORY / path).read_text()
    targets = [t for t in re.findall(r"\]\(([^)#]+)", text) if "://" not in t]
    assert [t for t in targets if not ((REPOSITORY / path).parent / t).exists()] == []


def test_the_counts_of_the_ingest_page_are_those_of_the_real_data(
    workspace: Workspace, shared_dicom: Path
) -> None:
    text = (REPOSITORY / "docs" / "ingest.md").read_text()
    summary = ingest(workspace, [shared_dicom], jobs=1)
    counts = summary.counts
    assert f"All {summary.n_files} files" in text
    assert (
        f"| catalogued | {counts.instances} ({counts.patients} patients, {counts.studies} studies,"
        f" {counts.series} series, {counts.stacks} stacks) |"
    ) in text
    for code in {reject.code for reject in summary.set_aside}:
        number = sum(reject.code == code for reject in summary.set_aside)
        assert re.search(rf"`{code}`[^|]*\| {number} \|", text), (code, number)
