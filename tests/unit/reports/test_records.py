from __future__ import annotations

from dataclasses import replace

import pytest

from herntrack.errors import ReportError
from herntrack.model.images import FileLocation, Reject
from herntrack.model.vocabulary import Horizon
from herntrack.reports.records import CohortReport, SetAside, patient_page_name
from tests.unit.reports.fabricated import fabricated_report


@pytest.fixture(scope="module")
def report() -> CohortReport:
    return fabricated_report(with_images=False)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("lesions", "lesion 2.25"),
        ("changes", "visit of a lesion"),
        ("outcomes", "outcome of a lesion"),
        ("details", "detail"),
    ],
)
def test_what_occurs_twice_is_refused(report: CohortReport, field: str, message: str) -> None:
    rows = getattr(report, field)
    with pytest.raises(ReportError, match=message):
        replace(report, **{field: (*rows, rows[0])})


def test_a_row_of_an_unknown_lesion_is_refused(report: CohortReport) -> None:
    stray = replace(report.changes[0], lesion_uid="2.25.999")
    with pytest.raises(ReportError, match=r"2\.25\.999"):
        replace(report, changes=(*report.changes, stray))


def test_a_horizon_that_lacks_a_lesion_is_refused(report: CohortReport) -> None:
    with pytest.raises(ReportError, match="has no primary outcome"):
        replace(report, outcomes=report.outcomes[1:])


def test_one_horizon_alone_is_enough(report: CohortReport) -> None:
    latest = tuple(row for row in report.outcomes if row.horizon is Horizon.LATEST)
    assert replace(report, outcomes=latest).horizons == (Horizon.LATEST,)


def test_rejects_are_counted_and_their_paths_kept_out() -> None:
    def reject(name: str) -> Reject:
        location = FileLocation(root="exports", relative_path=f"DOE JANE/{name}", size=1, mtime_ns=0)
        return Reject(location=location, code="not_dicom", reason="no preamble")

    (counted,) = SetAside.from_rejects([reject("a"), reject("b")])
    assert (counted.code, counted.count, counted.where) == ("not_dicom", 2, "exports")
    assert "DOE" not in repr(counted)


def test_a_page_name_shows_nothing_of_the_identifier() -> None:
    names = {patient_page_name(text) for text in ("DOE^JANE", "../etc", "P-01")}
    assert len(names) == 3
    assert all(name.removeprefix("patient-").removesuffix(".html").isalnum() for name in names)
    assert not any("DOE" in name for name in names)
