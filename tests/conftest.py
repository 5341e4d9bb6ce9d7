"""Small fixtures that every kind of test shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from herntrack.workflows.workspace import Workspace, create_workspace

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "data" / "dicom"


@pytest.fixture(scope="session")
def shared_dicom() -> Path:
    """Return the folder of real imaging data, or skip where it does not lie beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no real imaging data beside the checkout (shared/data/dicom)")
    return SHARED


@pytest.fixture(scope="session")
def sample_dicom() -> Path:
    """Return the committed sample cohort."""
    return REPOSITORY / "sample_dicom"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a new, empty workspace."""
    return create_workspace(tmp_path / "study")
