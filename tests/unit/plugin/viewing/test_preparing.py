"""What the room reads in a thread before it is needed."""

from __future__ import annotations

import json
import pkgutil

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
