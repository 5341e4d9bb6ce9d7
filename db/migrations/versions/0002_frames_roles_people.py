"""Frames of multi-frame images, roles of stacks, people behind patients, confirmed baselines.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STUDY_TEXTS = (
    "stated_patient_id",
    "person_name",
    "person_name_bytes",
    "person_character_set",
    "person_read_as",
    "person_sex",
)


def upgrade() -> None:
    with op.batch_alter_table("study") as batch:
        for name in STUDY_TEXTS:
            batch.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("person_birth_date", sa.Date(), nullable=True))
    with op.batch_alter_table("stack") as batch:
        batch.add_column(sa.Column("role", sa.String(), nullable=False, server_default="diagnostic"))
        batch.add_column(sa.Column("role_evidence", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("is_lumbar", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("lumbar_evidence", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("visit") as batch:
        batch.add_column(
            sa.Column("is_baseline_confirmed", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.drop_index("ix_instance_file", table_name="instance")
    with op.batch_alter_table("instance") as batch:
        batch.add_column(sa.Column("frame_number", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("is_missing", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("pixel_sha256", sa.String(), nullable=True))
        batch.drop_constraint("pk_instance", type_="primary")
        batch.create_primary_key("pk_instance", ["sop_instance_uid", "frame_number"])
    op.create_index("ix_instance_file", "instance", ["root", "relative_path", "frame_number"], unique=True)
    # What the files say is read anew: a changed time makes the next ingest look at each of them.
    op.execute("UPDATE instance SET mtime_ns = -1")


def downgrade() -> None:
    op.drop_index("ix_instance_file", table_name="instance")
    with op.batch_alter_table("instance") as batch:
        batch.drop_constraint("pk_instance", type_="primary")
        batch.create_primary_key("pk_instance", ["sop_instance_uid"])
        for name in ("frame_number", "is_missing", "pixel_sha256"):
            batch.drop_column(name)
    op.create_index("ix_instance_file", "instance", ["root", "relative_path"], unique=True)
    with op.batch_alter_table("visit") as batch:
        batch.drop_column("is_baseline_confirmed")
    with op.batch_alter_table("stack") as batch:
        for name in ("role", "role_evidence", "is_lumbar", "lumbar_evidence"):
            batch.drop_column(name)
    with op.batch_alter_table("study") as batch:
        for name in (*STUDY_TEXTS, "person_birth_date"):
            batch.drop_column(name)
