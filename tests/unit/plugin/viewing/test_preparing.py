"""What the room reads in a thread before it is needed."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from napari_herntrack.viewing import preparing


def test_the_standard_is_read_as_highdicom_reads_it_with_turns_for_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = pytest.importorskip("highdicom._standard_utils")
    tables.get_module_attribute_map.cache_clear()
    n_turns = 0

    def counted(found: object) -> object:
        nonlocal n_turns
        n_turns += 1
        return found

    monkeypatch.setattr(preparing, "_unchanged", counted)
    preparing.load_standard()
    assert tables.get_module_attribute_map.cache_info().currsize == 1
    plain = pkgutil.get_data("highdicom", "_standard/module_attribute_map.json")
    assert plain is not None
    assert tables.get_module_attribute_map() == json.loads(plain)
    assert tables.json is json
    # At each object another thread may have its turn; Python's own reader gives none.
    assert n_turns > 50_000


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists what a process has opened")
def test_the_large_library_is_open_before_python_imports_it() -> None:
    opens = (
        "import sys; from pathlib import Path; from napari_herntrack.viewing import preparing;"
        "print(preparing._open_library('SimpleITK'), 'SimpleITK' in sys.modules,"
        " '_SimpleITK' in Path('/proc/self/maps').read_text());"
        "import SimpleITK; print(SimpleITK.Image(2, 3, SimpleITK.sitkInt16).GetSize())"
    )
    found = subprocess.run([sys.executable, "-c", opens], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["True False True", "(2, 3)"]


def test_a_library_that_is_not_there_is_left_to_python() -> None:
    assert not preparing._open_library("herntrack")
    assert not preparing._open_library("no_such_package")
