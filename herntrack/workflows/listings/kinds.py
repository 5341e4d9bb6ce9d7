"""What can be listed; the command line knows these words before anything heavy is loaded."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

Row = dict[str, Any]
"""One line of a listing; values are JSON's types."""


class Listing(StrEnum):
    """What can be listed."""

    PATIENTS = "patients"
    VISITS = "visits"
    SERIES = "series"
    STACKS = "stacks"
    LESIONS = "lesions"
    READINGS = "readings"
    PROPOSALS = "proposals"
    REJECTS = "rejects"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


KEYS: dict[Listing, tuple[str, ...]] = {
    Listing.PATIENTS: _words("patient_id is_identified n_visits n_studies n_lesions"),
    Listing.VISITS: _words(
        "patient_id visit_date day timepoint is_baseline_confirmed modalities n_stacks n_irregular"
    ),
    Listing.SERIES: _words(
        "series_instance_uid study_instance_uid patient_id study_date modality series_number"
        " series_description manufacturer magnetic_field_strength n_stacks n_irregular n_images n_frames"
        " n_missing"
    ),
    Listing.STACKS: _words(
        "stack_uid series_instance_uid study_instance_uid patient_id study_date modality plane weighting"
        " weighting_evidence series_number series_description n_slices rows columns slice_spacing_mm"
        " pixel_spacing_row_mm pixel_spacing_col_mm affine_lps tilt_degrees magnetic_field_strength role"
        " role_evidence is_lumbar lumbar_evidence n_frames n_missing frame_of_reference_uid is_regular"
        " problems notes"
    ),
    Listing.LESIONS: _words("lesion_uid patient_id level side type created_at n_readings outcome"),
    Listing.READINGS: _words(
        "reading_uid lesion_uid patient_id level side visit_date reader status reason modality stack_uid"
        " series_instance_uid source created_at superseded_by is_proposed proposed_from guards volume_mm3"
        " volume_sigma_mm3"
    ),
    Listing.PROPOSALS: _words(
        "patient_id lesion_uid level side visit_date day grade reasons modality plane weighting"
        " series_description stack_uid reference_stack_uid is_reference_read n_stacks"
    ),
    Listing.REJECTS: _words("root relative_path size code reason"),
}
"""Keys of a row of each listing in their order: the columns of its CSV, also where it has no row."""
