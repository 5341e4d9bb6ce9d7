"""What a report needs, as plain values.

A workflow fills a `CohortReport` from the catalogue; nothing here reads a file or asks a
database. A report that contradicts itself is refused when it is made, not when somebody
has already quoted it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from herntrack.errors import ReportError
from herntrack.model.images import Reject
from herntrack.model.timepoints import DEFAULT_WINDOWS, VisitWindow
from herntrack.model.vocabulary import Horizon
from herntrack.reports.key_images import KeyStrip
from herntrack.reports.tables import ChangeRow, LesionRow, OutcomeRow
from herntrack.reports.volumes import VolumeRow
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.sensitivity import SensitivityRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Files or cases that were not used, and why.

    `where` is shown in the report, so it holds no patient's name: a root, a UID, not a path.
    """

    code: str
    reason: str
    where: str = ""
    count: int = 1

    @classmethod
    def from_rejects(cls, rejects: Iterable[Reject]) -> tuple[SetAside, ...]:
        """Return rejected files counted by code, reason and root.

        Folders of an export are often named after the patient; so a path stays in the
        catalogue (``herntrack list rejects``) and only its root is shown.
        """
        counts = Counter((r.code, r.reason, r.location.root) for r in rejects)
        return tuple(
            cls(code=code, reason=reason, where=root, count=count)
            for (code, reason, root), count in sorted(counts.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was catalogued, as far as the report is about all of it.

    Parameters
    ----------
    n_files : int
        Images and files set aside together.
    n_images, n_series, n_patients : int
        Readable images, their series and patients.
    """

    n_files: int
    n_images: int
    n_series: int
    n_patients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionDetail:
    """What a lesion's card shows beside its rows.

    Parameters
    ----------
    lesion_uid : str
        The lesion.
    key_strips : tuple of KeyStrip
        Rendered key images, one strip for each plane shown.
    visit_notes : mapping of date to str
        A reader's reason (absent, not evaluable) or another remark about a visit.
    flag_texts : mapping of (date, str) to str
        Words for a flag of a visit where they are more than its name, such as numbers.
    truth_mm3 : mapping of date to float
        True volumes (mm3) where they are known, as in the sample cohort.
    is_same_reader_and_protocol : bool
        Which surface error the smallest claimable loss is stated for.
    """

    lesion_uid: str
    key_strips: tuple[KeyStrip, ...] = ()
    visit_notes: Mapping[date, str] = field(default_factory=dict)
    flag_texts: Mapping[tuple[date, str], str] = field(default_factory=dict)
    truth_mm3: Mapping[date, float] = field(default_factory=dict)
    is_same_reader_and_protocol: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortReport:
    """Everything that a report shows.

    Parameters
    ----------
    title : str
        Of the cohort or the study.
    created_at : datetime
        When the report was made; printed as given.
    software_version : str
        Of herntrack.
    rules : RuleSet
        The rule set that decided the outcomes.
    changes : tuple of ChangeRow
        One row for each lesion and visit, the baseline included.
    lesions : tuple of LesionRow
        One row for each lesion.
    outcomes : tuple of OutcomeRow
        One row for each lesion and horizon; a horizon that occurs holds every lesion.
    details : tuple of LesionDetail
        Pictures, notes and truths; a lesion without one has none.
    volumes : tuple of VolumeRow
        Other estimates beside each primary volume.
    windows : tuple of VisitWindow
        Nominal time points.
    sensitivity : tuple of SensitivityRow
        In the order to be shown; all for `sensitivity_horizon`.
    set_aside : tuple of SetAside
        What was not used.
    warnings : tuple of str
        Sentences that a reader must see first (derived patient identifiers, unread visits).
    error_model_note : str
        Where k comes from, for example the site's calibration.
    sample_note : str
        For a sample cohort: what it is. Empty for patients.
    intake : Intake or None
        What was catalogued; None for a report on a part of it.
    sensitivity_horizon : Horizon
        Whose outcomes the sensitivity table counts.

    Raises
    ------
    ReportError
        If a lesion, a lesion's visit or a lesion's outcome occurs twice, or a row names a
        lesion that `lesions` does not have, or a horizon lacks a lesion.
    """

    title: str
    created_at: datetime
    software_version: str
    rules: RuleSet
    changes: tuple[ChangeRow, ...]
    lesions: tuple[LesionRow, ...]
    outcomes: tuple[OutcomeRow, ...]
    details: tuple[LesionDetail, ...] = ()
    volumes: tuple[VolumeRow, ...] = ()
    windows: tuple[VisitWindow, ...] = DEFAULT_WINDOWS
    sensitivity: tuple[SensitivityRow, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    warnings: tuple[str, ...] = ()
    error_model_note: str = ""
    sample_note: str = ""
    intake: Intake | None = None
    sensitivity_horizon: Horizon = Horizon.LATEST

    def __post_init__(self) -> None:
        lesion_uids = [row.lesion_uid for row in self.lesions]
        _refuse_repeats("lesion", lesion_uids)
        _refuse_repeats("visit of a lesion", [(row.lesion_uid, row.visit_date) for row in self.changes])
        _refuse_repeats("outcome of a lesion", [(row.lesion_uid, row.horizon) for row in self.outcomes])
        _refuse_repeats("detail of a lesion", [row.lesion_uid for row in self.details])
        named = {row.lesion_uid for rows in (self.changes, self.outcomes, self.details) for row in rows}
        unknown = sorted(named - set(lesion_uids))
        if unknown:
            raise ReportError(f"rows name lesion {unknown[0]}, which the table of lesions does not have")
        for horizon in self.horizons:
            missing = set(lesion_uids) - {row.lesion_uid for row in self.outcomes if row.horizon is horizon}
            if missing:
                raise ReportError(
                    f"lesion {min(missing)} has no {horizon.value} outcome ({len(missing)} lesions lack one);"
                    " every lesion has exactly one, indeterminate if nothing else"
                )

    @property
    def horizons(self) -> tuple[Horizon, ...]:
        """Return the horizons that outcomes were given for."""
        present = {row.horizon for row in self.outcomes}
        return tuple(horizon for horizon in Horizon if horizon in present)

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Return the patients in the order of their first lesion."""
        return tuple(dict.fromkeys(row.patient_id for row in self.lesions))


def _refuse_repeats(what: str, keys: Iterable[Hashable]) -> None:
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise ReportError(f"{what} {repeated[0]} occurs more than once; a report counts each once")


def lesion_anchor(lesion_uid: str) -> str:
    """Return the HTML id of a lesion's card, the same in every report."""
    return f"lesion-{hashlib.sha256(lesion_uid.encode()).hexdigest()[:12]}"


def patient_page_name(patient_id: str) -> str:
    """Return the file name of a patient's page.

    A digest: a PatientID may hold a slash, or a name that should not reach a folder listing.
    """
    return f"patient-{hashlib.sha256(patient_id.encode()).hexdigest()[:12]}.html"
