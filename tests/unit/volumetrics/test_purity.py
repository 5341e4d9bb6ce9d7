"""The science needs nothing but numpy and scipy."""

from __future__ import annotations

import subprocess
import sys

FORBIDDEN = [
    "pydicom",
    "highdicom",
    "SimpleITK",
    "sqlalchemy",
    "typer",
    "rich",
    "qtpy",
    "napari",
    "matplotlib",
]

SCRIPT = f"""
import importlib, pkgutil, sys
import herntrack.volumetrics
for module in pkgutil.iter_modules(herntrack.volumetrics.__path__, "herntrack.volumetrics."):
    importlib.import_module(module.name)
print(",".join(name for name in {FORBIDDEN!r} if name in sys.modules))
print(sum(name.startswith("herntrack.volumetrics.") for name in sys.modules))
"""


def test_importing_every_module_loads_no_forbidden_package() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    loaded, n_modules = done.stdout.split("\n")[:2]
    assert loaded == ""
    assert int(n_modules) >= 10
