"""A paragraph on the method that can be put into a manuscript as it is.

Every number in it is one of the report's own: rule set, error model, software, cohort.
"""

from __future__ import annotations

from herntrack.reports import wording
from herntrack.reports.records import CohortReport

_CUBIC = "mm\N{SUPERSCRIPT THREE}"


def manuscript_paragraph(report: CohortReport) -> str:
    """Return the method and what it was applied to, as plain text in the past tense."""
    return " ".join((_material(report), _volumes(report), _decisions(report), _software(report)))


def _material(report: CohortReport) -> str:
    readers = {row.reader for row in report.changes if row.reader and not row.is_proposed}
    modalities = sorted({row.modality.value for row in report.changes if row.modality})
    text = (
        f"{wording.plural(len(report.lesions), 'lumbar disc herniation')} of"
        f" {wording.plural(len(report.patient_ids), 'patient')} were followed on"
        f" {' and '.join(modalities) or 'images'} ({wording.plural(len(report.changes), 'lesion visit')},"
        f" {wording.plural(len(readers), 'reader')})."
    )
    proposed = sum(row.is_proposed for row in report.changes)
    if proposed:
        text += (
            f" {wording.plural(proposed, 'lesion visit')} rested on outlines that software proposed and no"
            " reader had accepted."
        )
    return text


def _volumes(report: CohortReport) -> str:
    rules = report.rules
    return (
        "The volume of a herniation was the number of voxels within its outline behind the base plane times"
        " the volume of a voxel, with the centre-to-centre distance of slices; fragments were summed. The"
        " standard error of a volume V was modelled as \N{GREEK SMALL LETTER SIGMA}(V) ="
        " \N{SQUARE ROOT}(a\N{SUPERSCRIPT TWO} + (k\N{MIDDLE DOT}V^(2/3))\N{SUPERSCRIPT TWO}) with a ="
        f" {rules.volume_floor_mm3:g} {_CUBIC} and k = {rules.boundary_k_same_mm:g} mm for the same reader"
        f" and protocol, {rules.boundary_k_mixed_mm:g} mm otherwise (another reader or protocol, or an"
        " outline that no reader had accepted), in a comparison for both volumes; MR was never compared with"
        " CT. Changes in per cent are given with Fieller's 95 % interval."
    )


def _decisions(report: CohortReport) -> str:
    rules = report.rules
    return (
        "A visit was called reduced or enlarged if the change was at least"
        f" {100 * rules.min_change_fraction:g} % of the baseline volume and at least {rules.z:g} standard"
        " errors, absent if the reader said that no focal displacement remained (residue at most"
        f" {rules.absent_max_mm3:g} {_CUBIC}). The outcome was decided at the last evaluable visit:"
        f" resorption if absent or reduced by {100 * rules.resorption_fraction:g} % or more; otherwise, from"
        f" day {rules.landmark_day} on, persistent reduction if reduced, or unchanged with less than"
        f" {100 * rules.regain_fraction:g} % of an earlier reduction regained, transient reduction if"
        " unchanged with at least as much of it regained, progression if enlarged, else stable. Earlier"
        f" last visits and baselines below {rules.min_baseline_mm3:g} {_CUBIC} were indeterminate; visits"
        " from the day of surgery on were not used. The primary outcome used visits up to day"
        f" {rules.primary_last_day}. Stability is the share of {rules.draws} redraws of all volumes from"
        f" their errors that gave the same outcome; below {rules.adjudicate_below:.2f} adjudication was"
        " asked for. Rates are given with exact (Clopper-Pearson) 95 % intervals."
    )


def _software(report: CohortReport) -> str:
    rules = report.rules
    return (
        f"Analyses were made with herntrack {report.software_version} under rule set {rules.name}"
        f" {rules.version} (SHA-256 {rules.sha256[:12]}\N{HORIZONTAL ELLIPSIS}, seed {rules.seed})."
    )
