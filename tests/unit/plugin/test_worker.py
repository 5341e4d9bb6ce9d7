"""What is refused comes back as a sentence; the rest goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace, create_workspace
from napari_herntrack.worker import ListedWorkspace, Refusal, list_workspace, read_stacks
from tests.unit.plugin.written_stacks import (
    CT,
    REGULAR,
    WITH_A_HOLE,
    make_workspace,
    row_of,
    stored_values,
)


def test_stacks_of_the_workspace_in_the_environment_are_listed(
    imaged_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(imaged_workspace.folder))
    listed = list_workspace(None)
    assert isinstance(listed, ListedWorkspace)
    assert listed.workspace == imaged_workspace
    assert [row["series_description"] for row in listed.rows] == [REGULAR, WITH_A_HOLE, CT]


def test_a_folder_that_is_no_workspace_is_refused_with_what_to_do(tmp_path: Path) -> None:
    assert list_workspace(tmp_path) == Refusal(
        reason=f"{tmp_path} is no workspace: it has no herntrack.toml; run herntrack init"
    )


def test_a_workspace_without_a_catalogue_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refusal = list_workspace(create_workspace(tmp_path).folder)
    assert isinstance(refusal, Refusal)
    assert "run herntrack rebuild" in refusal.reason


def test_one_refused_stack_does_not_keep_the_next_from_opening(imaged_workspace: Workspace) -> None:
    uids = [row_of(imaged_workspace, name)["stack_uid"] for name in (WITH_A_HOLE, REGULAR)]
    refusal, layer = read_stacks(imaged_workspace, uids)
    assert isinstance(refusal, Refusal)
    assert "1 slice(s) missing" in refusal.reason
    assert not isinstance(layer, Refusal)
    np.testing.assert_array_equal(layer[0], stored_values())


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (tmp_path / "export" / "1" / "IM3").unlink()
    (refusal,) = read_stacks(workspace, [row_of(workspace, REGULAR)["stack_uid"]])
    assert isinstance(refusal, Refusal)
    assert "1/IM3 is missing" in refusal.reason
