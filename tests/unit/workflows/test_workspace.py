from __future__ import annotations

from pathlib import Path

import pytest

from herntrack.errors import WorkspaceError
from herntrack.workflows.workspace import (
    SETTINGS_FILE,
    create_workspace,
    find_workspace,
    open_workspace,
    with_root,
)


def test_a_new_workspace_has_its_parts_and_default_settings(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "study")
    assert {path.name for path in workspace.folder.iterdir()} == {
        SETTINGS_FILE,
        "readings",
        "images",
        "reports",
    }
    assert workspace.settings.rules == "default"
    assert [window.name for window in workspace.settings.windows] == [
        "1 month",
        "3 months",
        "6 months",
        "12 months",
    ]


def test_making_it_again_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path)
    path = workspace.folder / SETTINGS_FILE
    path.write_text(path.read_text().replace('primary = ""', 'primary = "R1"  # our senior reader'))
    again = create_workspace(tmp_path)
    assert again.settings.primary_reader == "R1"
    changed, root = with_root(again, tmp_path / "exports")
    assert "# our senior reader" in path.read_text()
    assert open_workspace(tmp_path) == changed
    assert root.name == "exports"


def test_roots_get_names_of_their_own(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "w")
    workspace, first = with_root(workspace, tmp_path / "a" / "export")
    workspace, second = with_root(workspace, tmp_path / "b" / "export")
    workspace, again = with_root(workspace, tmp_path / "a" / "export")
    assert (first.name, second.name, again.name) == ("export", "export-2", "export")
    assert workspace.locate("export-2", "x/IM1") == tmp_path / "b" / "export" / "x" / "IM1"
    with pytest.raises(WorkspaceError, match="known: export, export-2"):
        workspace.root("usb")


def test_a_root_inside_the_workspace_moves_with_it(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "w")
    with_root(workspace, workspace.folder / "sample")
    (tmp_path / "w").rename(tmp_path / "moved")
    assert open_workspace(tmp_path / "moved").root("sample").path == tmp_path / "moved" / "sample"


def test_it_is_found_from_below_and_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HERNTRACK_WORKSPACE", raising=False)
    workspace = create_workspace(tmp_path / "w")
    below = workspace.folder / "reports"
    monkeypatch.chdir(below)
    assert find_workspace(None) == workspace
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceError, match="herntrack init"):
        find_workspace(None)
    monkeypatch.setenv("HERNTRACK_WORKSPACE", str(workspace.folder))
    assert find_workspace(None) == workspace
    with pytest.raises(WorkspaceError, match="is no workspace"):
        find_workspace(tmp_path)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("[visit]\n", "unknown table or key 'visit'"),
        ("[readers]\nprimary = 3\n", "primary = 3"),
        ('[[visits.windows]]\nname = "x"\nfirst_day = 9\nlast_day = 3\n', "visit window"),
        ('[[roots]]\nname = "x"\n', "root without name or path"),
        ("schema = 2\n", "schema = 2"),
        ("primary = \n", "cannot be read"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(tmp_path: Path, line: str, word: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(line)
    with pytest.raises(WorkspaceError, match=word):
        open_workspace(tmp_path)
