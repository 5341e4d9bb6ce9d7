from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from sqlite3 import connect

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from herntrack.catalogue.engine import open_engine, sqlite_url
from herntrack.catalogue.models import Base
from herntrack.catalogue.schema import (
    HEAD_REVISION,
    create,
    current_revision,
    migrations_folder,
    require_current,
    upgrade,
)
from herntrack.catalogue.session import create_catalogue, open_catalogue
from herntrack.dicom.headers import read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import SchemaVersionError
from herntrack.model.images import Patient
from herntrack.model.records import Lesion, Visit
from herntrack.model.vocabulary import Level
from tests.factories import make_series, write_series

OLD_CATALOGUES = sorted((Path(__file__).parents[2] / "assets").glob("catalogue_*.sql"))
"""Dumps of catalogues as each released revision wrote them."""


def rows_of(file: Path) -> dict[str, list[dict[str, object]]]:
    connection = connect(file)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for table in tables:
        cursor = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own names
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        found[table] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    connection.close()
    return found


def old_catalogue(dump: Path, file: Path) -> Path:
    connection = connect(file)
    connection.executescript(dump.read_text())
    connection.close()
    return file


def test_the_head_revision_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(migrations_folder())).get_current_head() == HEAD_REVISION


@pytest.mark.parametrize("make", [upgrade, create])
def test_migrations_and_models_agree(make: Callable[[Engine], None], tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "c.sqlite"))
    make(engine)
    assert current_revision(engine) == HEAD_REVISION
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_new_tables_are_those_of_the_migrations(tmp_path: Path) -> None:
    found = []
    for name, make in (("upgraded", upgrade), ("created", create)):
        engine = open_engine(sqlite_url(tmp_path / name))
        make(engine)
        tables = inspect(engine)
        found.append(
            {
                table: (
                    sorted(
                        (each["name"], str(each["type"]), each["nullable"])
                        for each in tables.get_columns(table)
                    ),
                    tables.get_pk_constraint(table),
                    sorted(tables.get_foreign_keys(table), key=str),
                    sorted(tables.get_indexes(table), key=str),
                    sorted(tables.get_unique_constraints(table), key=str),
                )
                for table in tables.get_table_names()
            }
        )
        engine.dispose()
    assert found[0] == found[1]
    assert "alembic_version" in found[0]


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "c.sqlite")
    create_catalogue(url)
    with open_catalogue(url) as catalogue:
        catalogue.images.add_images(patients=[Patient(patient_id="T-001")])
    create_catalogue(url)
    with open_catalogue(url) as catalogue:
        assert catalogue.images.patients() == [Patient(patient_id="T-001")]


def test_sqlite_is_opened_with_wal_and_foreign_keys(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "c.sqlite"))
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
    engine.dispose()


def test_a_database_of_another_version_is_refused_with_the_command(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "c.sqlite"))
    with pytest.raises(SchemaVersionError, match="herntrack rebuild"):
        require_current(engine)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert current_revision(engine) == "9999"
    with pytest.raises(SchemaVersionError, match="herntrack db upgrade"):
        require_current(engine)
    engine.dispose()


def test_every_constraint_has_a_name(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "c.sqlite"))
    upgrade(engine)
    inspector = inspect(engine)
    for table in Base.metadata.tables:
        assert inspector.get_pk_constraint(table)["name"] == f"pk_{table}"
        assert all(key["name"] for key in inspector.get_foreign_keys(table))
    engine.dispose()


def test_a_failing_block_leaves_nothing_behind(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "c.sqlite")
    create_catalogue(url)

    def pull_the_plug() -> None:
        with open_catalogue(url) as catalogue:
            catalogue.images.add_images(patients=[Patient(patient_id="T-001")])
            raise RuntimeError("pulled plug")

    with pytest.raises(RuntimeError, match="pulled plug"):
        pull_the_plug()
    with open_catalogue(url) as catalogue:
        assert catalogue.images.patients() == []


def test_moments_come_back_in_utc_and_need_a_zone(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "c.sqlite")
    create_catalogue(url)
    moment = datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    lesion = Lesion(
        lesion_uid="1.2", patient_id="T-001", level=Level.L5_S1, side=None, type=None, created_at=moment
    )
    with open_catalogue(url) as catalogue:
        catalogue.images.add_images(patients=[Patient(patient_id="T-001")])
        catalogue.followup.add_lesion(lesion)
    with open_catalogue(url) as catalogue:
        assert catalogue.followup.lesions() == [lesion]
    visit = Visit(patient_id="T-001", visit_date=date(2024, 1, 1), day=0, timepoint="baseline")
    with open_catalogue(url) as catalogue:
        catalogue.images.replace_visits({"T-001": [visit]})
        assert catalogue.images.visits() == [visit]


@pytest.mark.parametrize("dump", OLD_CATALOGUES, ids=lambda dump: dump.stem)
def test_an_older_catalogue_keeps_every_row(dump: Path, tmp_path: Path) -> None:
    file = old_catalogue(dump, tmp_path / "c.sqlite")
    before = rows_of(file)
    create_catalogue(sqlite_url(file))
    after = rows_of(file)
    # Every file is looked at anew, because newer tables hold more of what it says.
    assert {row.pop("mtime_ns") for row in after["instance"]} == {-1}
    headers = {row["sop_instance_uid"]: json.loads(str(row.pop("header"))) for row in before["instance"]}
    for table in before.keys() - {"alembic_version"}:
        assert len(after[table]) == len(before[table])
        for old, new in zip(before[table], after[table], strict=True):
            old.pop("mtime_ns", None) if table == "instance" else None
            assert new.items() >= old.items()
    with open_catalogue(sqlite_url(file)) as catalogue:
        assert [reading.reason for reading in catalogue.followup.readings()] == ["no displacement left"]
        assert len(catalogue.images.stacks(patient_id="T-001")) == 2
        # A header is kept in two parts since, and says the same.
        for series in catalogue.images.series():
            for instance in catalogue.images.instances_of_series(series.series_instance_uid):
                said = headers.pop(instance.header.sop_instance_uid)
                restored = json.loads(json.dumps(asdict(instance.header)))
                assert {name: restored[name] for name in said} == said
                assert {name for name, value in restored.items() if value} <= said.keys()
    assert headers == {}


def test_a_downgrade_brings_the_older_tables_back(tmp_path: Path) -> None:
    file = old_catalogue(OLD_CATALOGUES[0], tmp_path / "c.sqlite")
    before = rows_of(file)
    engine = open_engine(sqlite_url(file))
    upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.commit()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.commit()
    engine.dispose()
    after = rows_of(file)
    assert {name: len(rows) for name, rows in after.items()} == {n: len(r) for n, r in before.items()}
    assert [row.keys() for row in after["instance"]] == [row.keys() for row in before["instance"]]
    assert [json.loads(str(row["header"])) for row in after["instance"]] == [
        json.loads(str(row["header"])) for row in before["instance"]
    ]


def test_stacks_are_named_as_older_readings_name_them(tmp_path: Path) -> None:
    paths = write_series(tmp_path, make_series(3))
    images = [read_header(path) for path in paths]
    (built,) = build_stacks(images[0].series, [image.header for image in images])
    named = rows_of(old_catalogue(OLD_CATALOGUES[0], tmp_path / "c.sqlite"))["stack"]
    assert built.stack.stack_uid in {row["stack_uid"] for row in named}
