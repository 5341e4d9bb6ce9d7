"""Alignments as plain rows for a table or JSON."""

from __future__ import annotations

from typing import Any

from herntrack.model.records import VisitAlignment


def alignment_row(alignment: VisitAlignment) -> dict[str, Any]:
    """Return one alignment; `matrix_lps` as four rows of four numbers, follow-up to baseline."""
    matrix = alignment.matrix_lps
    return {
        "patient_id": alignment.patient_id,
        "visit_date": alignment.visit_date.isoformat(),
        "baseline_date": alignment.baseline_date.isoformat(),
        "level": None if alignment.level is None else alignment.level.value,
        "matrix_lps": [list(matrix[row : row + 4]) for row in range(0, 16, 4)],
        "residual_mm": alignment.residual_mm,
        "overlap": alignment.overlap,
        "agreement": alignment.agreement,
        "runner_up": alignment.runner_up,
        "runner_up_mm": alignment.runner_up_mm,
        "verdict": alignment.verdict,
        "is_overruled": alignment.is_overruled,
        "reasons": list(alignment.reasons),
        "centre_lps": None if alignment.centre_lps is None else list(alignment.centre_lps),
        "baseline_stack_uid": alignment.baseline_stack_uid,
        "followup_stack_uid": alignment.followup_stack_uid,
        "alignment_uid": alignment.alignment_uid,
        "made_at": alignment.made_at.isoformat(),
        "software_version": alignment.software_version,
    }
