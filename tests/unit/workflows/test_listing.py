"""What a listing shows of roles, frames and missing files, and which rows a filter keeps."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from herntrack.model.vocabulary import (
    Comparability,
    ImageRole,
    Level,
    Modality,
    Plane,
    ReadingStatus,
    Weighting,
)
from herntrack.workflows.listings.filters import (
    ListingFilters,
    filter_rows,
    filters_of,
    unknown_filters,
)
from herntrack.workflows.listings.listing import Listing, list_rows
from tests.unit.workflows.catalogued import Study0


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study0:
    study = Study0(tmp_path_factory.mktemp("listing") / "study")
    study.lesion()
    read = study.stack(0, "T2 SAG", is_lumbar=True, lumbar_evidence="said so", n_missing=2)
    study.stack(0, "scout", role=ImageRole.LOCALIZER, role_evidence="ImageType LOCALIZER", is_lumbar=False)
    study.stack(0, "T2 AX", plane=Plane.AXIAL, is_regular=False, problems=("1 slice(s) missing", "and more"))
    study.stack(91, "T1 SAG", weighting=Weighting.T1)
    study.read(0, read)
    study.reject("not_dicom")
    study.reject("mosaic")
    return study


def test_a_stack_says_its_role_and_what_is_missing_of_it(study: Study0) -> None:
    rows = {row["series_description"]: row for row in list_rows(study.workspace, Listing.STACKS)}
    sagittal, scout = rows["T2 SAG"], rows["scout"]
    assert (scout["role"], scout["role_evidence"]) == ("localizer", "ImageType LOCALIZER")
    assert (sagittal["is_lumbar"], sagittal["lumbar_evidence"]) == (True, "said so")
    assert (sagittal["n_missing"], sagittal["n_frames"], scout["n_missing"]) == (2, 0, 0)
    series = {row["series_description"]: row for row in list_rows(study.workspace, Listing.SERIES)}
    assert (series["T2 SAG"]["n_images"], series["T2 SAG"]["n_missing"]) == (5, 2)
    assert series["T2 AX"]["n_irregular"] == 1


@pytest.mark.parametrize(
    ("what", "asked", "n_rows"),
    [
        (Listing.STACKS, {}, 4),
        (Listing.STACKS, {"plane": Plane.SAGITTAL}, 3),
        (Listing.STACKS, {"plane": Plane.SAGITTAL, "weighting": Weighting.T1}, 1),
        (Listing.STACKS, {"role": ImageRole.LOCALIZER}, 1),
        (Listing.STACKS, {"lumbar": True}, 1),
        (Listing.STACKS, {"lumbar": False}, 1),
        (Listing.STACKS, {"irregular": True}, 1),
        (Listing.STACKS, {"irregular": False}, 3),
        (Listing.STACKS, {"missing": True}, 1),
        (Listing.STACKS, {"visit": date(2024, 4, 15)}, 1),
        (Listing.STACKS, {"modality": Modality.CT}, 0),
        (Listing.STACKS, {"patient": "P-02"}, 0),
        (Listing.SERIES, {"missing": False}, 3),
        (Listing.VISITS, {"modality": Modality.MR}, 2),
        (Listing.VISITS, {"irregular": True}, 1),
        (Listing.LESIONS, {"level": Level.L5_S1}, 1),
        (Listing.LESIONS, {"level": Level.L4_L5}, 0),
        (Listing.READINGS, {"reader": "R1", "status": ReadingStatus.PRESENT, "current": True}, 1),
        (Listing.READINGS, {"current": False}, 0),
        (Listing.READINGS, {"level": Level.L4_L5}, 0),
        (Listing.PROPOSALS, {"grade": Comparability.MIXED}, 1),
        (Listing.PROPOSALS, {"grade": Comparability.SAME}, 1),
        (Listing.REJECTS, {"code": "mosaic"}, 1),
    ],
)
def test_a_filter_keeps_the_rows_that_fit(
    study: Study0, what: Listing, asked: dict[str, Any], n_rows: int
) -> None:
    assert len(filter_rows(what, list_rows(study.workspace, what), ListingFilters(**asked))) == n_rows


def test_every_filter_belongs_to_a_listing() -> None:
    known = {name for what in Listing for name in filters_of(what)}
    assert known == set(ListingFilters.__dataclass_fields__)


def test_a_filter_that_a_listing_does_not_have_is_named() -> None:
    asked = ListingFilters(plane=Plane.AXIAL, patient="P-01")
    assert unknown_filters(Listing.LESIONS, asked) == ("plane",)
    assert unknown_filters(Listing.REJECTS, asked) == ("patient", "plane")
    assert unknown_filters(Listing.STACKS, asked) == ()


def test_the_rows_of_every_listing_have_the_same_keys(study: Study0, tmp_path: Path) -> None:
    assert list_rows(Study0(tmp_path / "empty").workspace, Listing.STACKS) == []
    for what in Listing:
        assert len({tuple(row) for row in list_rows(study.workspace, what)}) == 1
