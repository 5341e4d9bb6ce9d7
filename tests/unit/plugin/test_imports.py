"""What importing the plugin brings with it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[3] / "plugins" / "napari_herntrack"
NOT_OURS = {"sqlalchemy", "alembic", "typer", "rich", "click", "PySide6", "PyQt6", "herntrack.cli"}


def test_importing_the_plugin_starts_neither_qt_nor_napari() -> None:
    program = (
        "import sys, napari_herntrack, napari_herntrack.layers, napari_herntrack.worker;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'qtpy', 'PySide6', 'napari'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{PLUGIN.parent}:{PLUGIN.parents[1]}"},
    )
    assert done.stdout.strip() == "[]"


def test_the_plugin_names_no_database_terminal_or_qt_binding() -> None:
    named = set()
    for path in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                named.add(node.module or "")
    assert "herntrack.workflows.workspace" in named
    assert not {name for name in named if any(name == no or name.startswith(f"{no}.") for no in NOT_OURS)}
