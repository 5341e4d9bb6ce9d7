"""What the headers of many images say alike, written once.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OWN_FIELDS = ("sop_instance_uid", "frame_number", "image_position_patient", "instance_number")
POSITION = ("position_x_mm", "position_y_mm", "position_z_mm")
KEY_LENGTH = 32
IN_BATCH = 5000

header = sa.table("header", sa.column("header_key", sa.String), sa.column("said", sa.JSON))
instance = sa.table(
    "instance",
    sa.column("sop_instance_uid", sa.String),
    sa.column("frame_number", sa.Integer),
    sa.column("header", sa.JSON),
    sa.column("header_key", sa.String),
    sa.column("instance_number", sa.Integer),
    *(sa.column(name, sa.Double) for name in POSITION),
)


def upgrade() -> None:
    op.create_table(
        "header",
        sa.Column("header_key", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("header_key", name=op.f("pk_header")),
    )
    with op.batch_alter_table("instance") as batch:
        batch.add_column(sa.Column("header_key", sa.String(), nullable=False, server_default=""))
        for name in POSITION:
            batch.add_column(sa.Column(name, sa.Double(), nullable=True))
        batch.add_column(sa.Column("instance_number", sa.Integer(), nullable=True))
    _take_apart(op.get_bind())
    with op.batch_alter_table("instance") as batch:
        batch.drop_column("header")
        batch.alter_column("header_key", server_default=None)
        batch.create_foreign_key(
            op.f("fk_instance_header_key_header"), "header", ["header_key"], ["header_key"]
        )
    op.create_index(op.f("ix_instance_header_key"), "instance", ["header_key"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_instance_header_key"), table_name="instance")
    with op.batch_alter_table("instance") as batch:
        batch.drop_constraint(op.f("fk_instance_header_key_header"), type_="foreignkey")
        batch.add_column(sa.Column("header", sa.JSON(), nullable=False, server_default="{}"))
    _put_together(op.get_bind())
    with op.batch_alter_table("instance") as batch:
        batch.alter_column("header", server_default=None)
        for name in ("header_key", *POSITION, "instance_number"):
            batch.drop_column(name)
    op.drop_table("header")


def _take_apart(connection: sa.Connection) -> None:
    known: set[str] = set()
    for rows in _batches(connection, instance.c.header):
        changes, said = [], {}
        for uid, frame, values in rows:
            shared = {name: value for name, value in values.items() if name not in OWN_FIELDS}
            # Sorted and without spaces, as the catalogue writes it.
            text = json.dumps(shared, separators=(",", ":"), sort_keys=True)
            key = sha256(text.encode()).hexdigest()[:KEY_LENGTH]
            said[key] = shared
            position = values.get("image_position_patient") or (None, None, None)
            number = values.get("instance_number")
            changes.append({"uid": uid, "frame": frame, "key": key, "number": number, **_place(position)})
        new = [{"header_key": key, "said": said[key]} for key in sorted(said.keys() - known)]
        known |= said.keys()
        if new:
            connection.execute(sa.insert(header), new)
        values_of: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in POSITION}
        connection.execute(
            _one_image().values(
                header_key=sa.bindparam("key"), instance_number=sa.bindparam("number"), **values_of
            ),
            changes,
        )


def _put_together(connection: sa.Connection) -> None:
    said = {row.header_key: row.said for row in connection.execute(sa.select(header))}
    columns = (instance.c.header_key, instance.c.instance_number, *(instance.c[name] for name in POSITION))
    for rows in _batches(connection, *columns):
        changes = []
        for uid, frame, key, number, *position in rows:
            own: dict[str, Any] = {
                "sop_instance_uid": uid,
                "image_position_patient": None if None in position else list(position),
            }
            if frame:
                own["frame_number"] = frame
            if number is not None:
                own["instance_number"] = number
            changes.append({"uid": uid, "frame": frame, "whole": own | said[key]})
        connection.execute(_one_image().values(header=sa.bindparam("whole", type_=sa.JSON)), changes)


def _one_image() -> sa.Update:
    return sa.update(instance).where(
        instance.c.sop_instance_uid == sa.bindparam("uid"), instance.c.frame_number == sa.bindparam("frame")
    )


def _place(position: Any) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in zip(POSITION, position, strict=True)}


def _batches(connection: sa.Connection, *columns: Any) -> Any:
    """Return the rows in batches; all are read first, because they are about to change."""
    key = instance.c.sop_instance_uid, instance.c.frame_number
    rows = connection.execute(sa.select(*key, *columns)).all()
    return (rows[start : start + IN_BATCH] for start in range(0, len(rows), IN_BATCH))
