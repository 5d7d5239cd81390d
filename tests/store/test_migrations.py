"""The schema's history: it leads to the tables, it upgrades behind a backup, it compiles for PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from aa_tui.backend.service.stores import open_store
from aa_tui.backend.store import migrations, schema
from aa_tui.backend.store.sqlite import APPLICATION_ID, header_version
from aa_tui.backend.support.errors import StoreError, StoreOutdated

_ADD_COLUMN = """
import sqlalchemy as sa
from alembic import op
revision = "0002"
down_revision = "0001"
def upgrade():
    op.add_column("note", sa.Column("colour", sa.String(), server_default="red", nullable=False))
    {more}
"""


def _shape(connection: sqlite3.Connection) -> dict[str, object]:
    shape: dict[str, object] = {}
    for _, name, kind, columns, without_rowid, strict in connection.execute("PRAGMA table_list").fetchall():
        if kind != "table" or name.startswith(("sqlite_", "session_fts", "alembic_")):
            continue
        shape[name] = (columns, without_rowid, strict, connection.execute(f"PRAGMA table_xinfo('{name}')").fetchall())
        for _, index, unique, origin, partial in connection.execute(f"PRAGMA index_list('{name}')").fetchall():
            parts = tuple(connection.execute(f"PRAGMA index_xinfo('{index}')").fetchall())
            shape[index if origin == "c" else f"{name}:{origin}:{parts}"] = (unique, partial, parts)
    return shape


def test_history_leads_to_the_tables(tmp_path: Path) -> None:
    from sqlalchemy import create_engine
    from sqlmodel import SQLModel

    from aa_tui.backend.store import tables

    assert schema.SCHEMA_VERSION == tables.SCHEMA_VERSION
    schema.create_schema(tmp_path / "migrated.db")
    alchemy = create_engine(f"sqlite:///{tmp_path}/tables.db")
    SQLModel.metadata.create_all(alchemy)
    alchemy.dispose()
    with (
        closing(sqlite3.connect(tmp_path / "migrated.db")) as migrated,
        closing(sqlite3.connect(tmp_path / "tables.db")) as wanted,
    ):
        assert _shape(migrated) == _shape(wanted)
        assert (
            migrated.execute("SELECT sql FROM sqlite_master WHERE name='session_fts'").fetchone()[0].count("fts5") == 1
        )
        assert migrated.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def test_every_unique_key_starts_with_the_project() -> None:
    from sqlalchemy import UniqueConstraint
    from sqlmodel import SQLModel

    from aa_tui.backend.store import tables

    assert tables.SCHEMA_VERSION
    for table in SQLModel.metadata.sorted_tables:
        if table.name in {"meta", "project"}:
            continue
        keys = [list(table.primary_key.columns)]
        keys += [list(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
        keys += [list(one.columns) for one in table.indexes]
        for key in keys:
            assert key[0].name == "project_id", (table.name, [column.name for column in key])


def test_postgresql_gets_the_same_history_on_paper() -> None:
    from sqlmodel import SQLModel

    from aa_tui.backend.store import tables

    assert tables.SCHEMA_VERSION
    sql = migrations.upgrade_sql("postgresql")
    for table in SQLModel.metadata.sorted_tables:
        assert f"CREATE TABLE {table.name} (" in sql or f'CREATE TABLE "{table.name}" (' in sql
        for index in table.indexes:
            assert f"INDEX {index.name} ON" in sql
    assert "USING gin (search)" in sql
    assert "fts5" not in sql and "WITHOUT ROWID" not in sql
    assert "BIGSERIAL" not in sql, "ids are made by clients"


@pytest.fixture
def second_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history with one more step, and a program that wants it."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrations.HERE, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "0002_second.py").write_text(_ADD_COLUMN.format(more=""))
    upgrade = schema.upgrade_schema
    monkeypatch.setattr(schema, "upgrade_schema", lambda path: upgrade(path, version=2, scripts=scripts))
    return scripts


def _note(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO note(project_id, id, at_ms, text, created_ms) VALUES (1, 1, 1, 'kept', 1)")


def test_older_store_is_upgraded_behind_a_backup(
    tmp_path: Path, second_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    open_store(str(path)).close()
    _note(path)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    store = open_store(str(path))
    with store.reader() as reader:
        assert reader.fetch("SELECT text, colour FROM note") == [("kept", "red")]
    store.close()
    assert header_version(path) == (APPLICATION_ID, 2)
    (kept,) = tmp_path.glob("store.db.schema-1.*.backup")
    assert header_version(kept) == (APPLICATION_ID, 1)
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    assert schema.upgrade_schema(path) is None, "a second opening has nothing to do"


def test_failing_step_leaves_the_store_as_it_was(
    tmp_path: Path, second_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    open_store(str(path)).close()
    _note(path)
    more = 'op.execute("INSERT INTO nowhere VALUES (1)")'
    (second_step / "versions" / "0002_second.py").write_text(_ADD_COLUMN.format(more=more))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    with pytest.raises(StoreOutdated, match="it is unchanged"):
        open_store(str(path))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 1)
    with open_store(str(path)).reader() as reader:
        assert reader.fetch("SELECT * FROM note")[0][3] == "kept"
        assert all(column[1] != "colour" for column in reader.fetch("PRAGMA table_info(note)"))


def test_no_room_for_the_backup_stops_the_upgrade(
    tmp_path: Path, second_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    open_store(str(path)).close()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StoreError, match="Not enough room"):
        schema.upgrade_schema(path)
    assert header_version(path) == (APPLICATION_ID, 1)


@pytest.mark.parametrize(("readable_from", "opens"), [("1", True), ("7", False)])
def test_newer_store_opens_for_reading_only_where_it_says_so(tmp_path: Path, readable_from: str, opens: bool) -> None:
    path = tmp_path / "store.db"
    open_store(str(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version=7")
        connection.execute("UPDATE meta SET value=? WHERE key='readable_from'", (readable_from,))
    if opens:
        store = open_store(str(path))
        assert store.read_only_reason is not None and "newer version" in store.read_only_reason
        store.close()
    else:
        with pytest.raises(StoreOutdated, match="newer version"):
            open_store(str(path))


def test_two_processes_may_create_the_same_store(tmp_path: Path) -> None:
    code = "import sys; from aa_tui.backend.service.stores import open_store; open_store(sys.argv[1]).close()"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "store.db")], cwd=Path(__file__).resolve().parents[2]
        )
        for _ in range(2)
    ]
    assert [one.wait(30) for one in both] == [0, 0]
    assert {one.name for one in tmp_path.iterdir()} <= {"store.db", "store.db-wal", "store.db-shm"}


def test_current_store_opens_without_sqlalchemy_and_alembic(tmp_path: Path) -> None:
    open_store(str(tmp_path / "store.db")).close()
    code = (
        "import sys; from aa_tui.backend.service.stores import open_store; "
        "from aa_tui.backend.service.projects import open_workspace; open_workspace(open_store(sys.argv[1])); "
        "heavy = {'sqlalchemy', 'sqlmodel', 'alembic', 'typer', 'pydantic', 'pydantic_settings'}; "
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store.db")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        env={"AA_TUI_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr) == (0, "")
