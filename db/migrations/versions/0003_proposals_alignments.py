"""Proposed readings with their base plane and clicks, alignments, volumes beyond the count.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

READING_COLUMNS = (
    "is_proposed",
    "base_plane",
    "base_plane_source",
    "points_lps",
    "background_points_lps",
    "proposed_from",
    "guards",
    "descriptors",
)
VOLUMES = (
    "lower_volume_mm3",
    "upper_volume_mm3",
    "surface_volume_mm3",
    "partial_volume_mm3",
    "partial_volume_error_mm3",
)


def upgrade() -> None:
    with op.batch_alter_table("reading") as batch:
        batch.add_column(sa.Column("is_proposed", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("base_plane", sa.JSON(none_as_null=True), nullable=True))
        batch.add_column(sa.Column("base_plane_source", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("points_lps", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("background_points_lps", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("proposed_from", sa.String(), nullable=True))
        batch.add_column(sa.Column("guards", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("descriptors", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("measurement") as batch:
        for name in VOLUMES:
            batch.add_column(sa.Column(name, sa.Double(), nullable=True))
    op.create_table(
        "alignment",
        sa.Column("alignment_uid", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("visit_date", sa.Date(), nullable=False),
        sa.Column("baseline_date", sa.Date(), nullable=False),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("centre_lps", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("baseline_stack_uid", sa.String(), nullable=False),
        sa.Column("followup_stack_uid", sa.String(), nullable=False),
        sa.Column("grids_sha256", sa.String(), nullable=False),
        sa.Column("matrix_lps", sa.JSON(), nullable=False),
        sa.Column("residual_mm", sa.Double(), nullable=True),
        sa.Column("overlap", sa.Double(), nullable=False),
        sa.Column("agreement", sa.Double(), nullable=False),
        sa.Column("runner_up", sa.Double(), nullable=True),
        sa.Column("runner_up_mm", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("software_version", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("alignment_uid", name=op.f("pk_alignment")),
    )
    op.create_index(op.f("ix_alignment_patient_id"), "alignment", ["patient_id"], unique=False)
    op.create_index(
        op.f("ix_alignment_followup_stack_uid"), "alignment", ["followup_stack_uid"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_alignment_followup_stack_uid"), table_name="alignment")
    op.drop_index(op.f("ix_alignment_patient_id"), table_name="alignment")
    op.drop_table("alignment")
    with op.batch_alter_table("measurement") as batch:
        for name in VOLUMES:
            batch.drop_column(name)
    with op.batch_alter_table("reading") as batch:
        for name in READING_COLUMNS:
            batch.drop_column(name)
