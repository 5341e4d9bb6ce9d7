"""The first tables.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "patient",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("is_identified", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient")),
    )
    op.create_table(
        "reject",
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("relative_path", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("root", "relative_path", name=op.f("pk_reject")),
    )
    op.create_table(
        "lesion",
        sa.Column("lesion_uid", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.patient_id"], name=op.f("fk_lesion_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("lesion_uid", name=op.f("pk_lesion")),
    )
    op.create_index(op.f("ix_lesion_patient_id"), "lesion", ["patient_id"], unique=False)
    op.create_table(
        "study",
        sa.Column("study_instance_uid", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("study_date", sa.Date(), nullable=True),
        sa.Column("study_description", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.patient_id"], name=op.f("fk_study_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("study_instance_uid", name=op.f("pk_study")),
    )
    op.create_index(op.f("ix_study_patient_id"), "study", ["patient_id"], unique=False)
    op.create_table(
        "visit",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("visit_date", sa.Date(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("timepoint", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.patient_id"], name=op.f("fk_visit_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("patient_id", "visit_date", name=op.f("pk_visit")),
    )
    op.create_table(
        "outcome",
        sa.Column("lesion_uid", sa.String(), nullable=False),
        sa.Column("rules_sha256", sa.String(), nullable=False),
        sa.Column("horizon", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("visit_states", sa.String(), nullable=False),
        sa.Column("stability", sa.Double(), nullable=False),
        sa.Column("class_shares", sa.JSON(), nullable=False),
        sa.Column("last_date", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lesion_uid"], ["lesion.lesion_uid"], name=op.f("fk_outcome_lesion_uid_lesion")
        ),
        sa.PrimaryKeyConstraint("lesion_uid", "rules_sha256", "horizon", name=op.f("pk_outcome")),
    )
    op.create_table(
        "reading",
        sa.Column("reading_uid", sa.String(), nullable=False),
        sa.Column("lesion_uid", sa.String(), nullable=False),
        sa.Column("visit_date", sa.Date(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("stack_uid", sa.String(), nullable=True),
        sa.Column("series_instance_uid", sa.String(), nullable=True),
        sa.Column("study_instance_uid", sa.String(), nullable=True),
        sa.Column("modality", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("supersedes", sa.JSON(), nullable=False),
        sa.Column("superseded_by", sa.String(), nullable=True),
        sa.Column("segmentation_file", sa.String(), nullable=True),
        sa.Column("segmentation_sha256", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lesion_uid"], ["lesion.lesion_uid"], name=op.f("fk_reading_lesion_uid_lesion")
        ),
        sa.PrimaryKeyConstraint("reading_uid", name=op.f("pk_reading")),
    )
    op.create_index(op.f("ix_reading_lesion_uid"), "reading", ["lesion_uid"], unique=False)
    op.create_table(
        "series",
        sa.Column("series_instance_uid", sa.String(), nullable=False),
        sa.Column("study_instance_uid", sa.String(), nullable=False),
        sa.Column("modality", sa.String(), nullable=False),
        sa.Column("series_number", sa.Integer(), nullable=True),
        sa.Column("series_description", sa.String(), nullable=False),
        sa.Column("protocol_name", sa.String(), nullable=False),
        sa.Column("body_part_examined", sa.String(), nullable=False),
        sa.Column("manufacturer", sa.String(), nullable=False),
        sa.Column("manufacturer_model_name", sa.String(), nullable=False),
        sa.Column("magnetic_field_strength", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["study.study_instance_uid"],
            name=op.f("fk_series_study_instance_uid_study"),
        ),
        sa.PrimaryKeyConstraint("series_instance_uid", name=op.f("pk_series")),
    )
    op.create_index(op.f("ix_series_study_instance_uid"), "series", ["study_instance_uid"], unique=False)
    op.create_table(
        "measurement",
        sa.Column("reading_uid", sa.String(), nullable=False),
        sa.Column("volume_mm3", sa.Double(), nullable=False),
        sa.Column("volume_sigma_mm3", sa.Double(), nullable=False),
        sa.Column("n_voxels", sa.Integer(), nullable=False),
        sa.Column("n_slices", sa.Integer(), nullable=False),
        sa.Column("n_fragments", sa.Integer(), nullable=False),
        sa.Column("fragment_volumes_mm3", sa.JSON(), nullable=False),
        sa.Column("in_plane_diameter_mm", sa.Double(), nullable=False),
        sa.Column("perpendicular_diameter_mm", sa.Double(), nullable=False),
        sa.Column("extent_across_slices_mm", sa.Double(), nullable=False),
        sa.Column("max_diameter_mm", sa.Double(), nullable=False),
        sa.Column("centroid_lps", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("rules_sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reading_uid"], ["reading.reading_uid"], name=op.f("fk_measurement_reading_uid_reading")
        ),
        sa.PrimaryKeyConstraint("reading_uid", name=op.f("pk_measurement")),
    )
    op.create_table(
        "stack",
        sa.Column("stack_uid", sa.String(), nullable=False),
        sa.Column("series_instance_uid", sa.String(), nullable=False),
        sa.Column("n_slices", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("slice_spacing_mm", sa.Double(), nullable=False),
        sa.Column("pixel_spacing_row_mm", sa.Double(), nullable=False),
        sa.Column("pixel_spacing_col_mm", sa.Double(), nullable=False),
        sa.Column("affine_lps", sa.JSON(), nullable=False),
        sa.Column("plane", sa.String(), nullable=False),
        sa.Column("weighting", sa.String(), nullable=False),
        sa.Column("weighting_evidence", sa.String(), nullable=False),
        sa.Column("frame_of_reference_uid", sa.String(), nullable=False),
        sa.Column("is_regular", sa.Boolean(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_instance_uid"],
            ["series.series_instance_uid"],
            name=op.f("fk_stack_series_instance_uid_series"),
        ),
        sa.PrimaryKeyConstraint("stack_uid", name=op.f("pk_stack")),
    )
    op.create_index(op.f("ix_stack_series_instance_uid"), "stack", ["series_instance_uid"], unique=False)
    op.create_table(
        "instance",
        sa.Column("sop_instance_uid", sa.String(), nullable=False),
        sa.Column("series_instance_uid", sa.String(), nullable=False),
        sa.Column("stack_uid", sa.String(), nullable=True),
        sa.Column("slice_index", sa.Integer(), nullable=True),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("relative_path", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_instance_uid"],
            ["series.series_instance_uid"],
            name=op.f("fk_instance_series_instance_uid_series"),
        ),
        sa.ForeignKeyConstraint(["stack_uid"], ["stack.stack_uid"], name=op.f("fk_instance_stack_uid_stack")),
        sa.PrimaryKeyConstraint("sop_instance_uid", name=op.f("pk_instance")),
    )
    op.create_index("ix_instance_file", "instance", ["root", "relative_path"], unique=True)
    op.create_index(
        op.f("ix_instance_series_instance_uid"), "instance", ["series_instance_uid"], unique=False
    )
    op.create_index(op.f("ix_instance_stack_uid"), "instance", ["stack_uid"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_instance_stack_uid"), table_name="instance")
    op.drop_index(op.f("ix_instance_series_instance_uid"), table_name="instance")
    op.drop_index("ix_instance_file", table_name="instance")
    op.drop_table("instance")
    op.drop_index(op.f("ix_stack_series_instance_uid"), table_name="stack")
    op.drop_table("stack")
    op.drop_table("measurement")
    op.drop_index(op.f("ix_series_study_instance_uid"), table_name="series")
    op.drop_table("series")
    op.drop_index(op.f("ix_reading_lesion_uid"), table_name="reading")
    op.drop_table("reading")
    op.drop_table("outcome")
    op.drop_table("visit")
    op.drop_index(op.f("ix_study_patient_id"), table_name="study")
    op.drop_table("study")
    op.drop_index(op.f("ix_lesion_patient_id"), table_name="lesion")
    op.drop_table("lesion")
    op.drop_table("reject")
    op.drop_table("patient")
