"""What a ledger's database is opened as, and what it says when it cannot be."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from api import columns, migrations, schema, service_schema
from api.database import DATABASE_ERRORS, Database, migrate
from api.ledger import SqlLedger
from ecert.errors import EcertError, MalformedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Server

KEY = b"k" * 8


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    server: Server = request.getfixturevalue("postgresql")
    return server.new("database")


def engine_url(location: str) -> str:
    address = location.replace("postgresql://", "postgresql+psycopg://")
    return address if address != location else f"sqlite:///{location}"


def test_the_migrations_lead_to_the_schema_that_the_program_works_with(location: str) -> None:
    Database(location).close()
    engine = create_engine(engine_url(location))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), columns.METADATA) == []
    engine.dispose()


def test_a_ledger_of_the_first_schema_is_brought_to_the_newest(location: str) -> None:
    engine = create_engine(engine_url(location))
    with engine.begin() as connection:
        migrations.upgrade(connection, migrations.REVISIONS[0])
    migrate(location)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), columns.METADATA) == []
    engine.dispose()


def test_every_table_of_record_refuses_change_and_removal(location: str) -> None:
    exempt = {schema.chain, schema.receipts, *service_schema.TABLES} - {*service_schema.OF_RECORD}
    with SqlLedger(location) as ledger:
        ledger.allocate(KEY)
        for statement in ("DELETE FROM allocations", "UPDATE allocations SET position = 7"):
            with pytest.raises(SQLAlchemyError, match=r"append-only|permission denied for table allocations"):
                ledger.database.run(text(statement))
    engine = create_engine(engine_url(location))
    query = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    if engine.dialect.name == "postgresql":
        query = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    with engine.connect() as connection:
        guarded = set(connection.execute(text(query)).scalars())
    engine.dispose()
    assert guarded == {table.name for table in columns.METADATA.sorted_tables if table not in exempt}


def test_who_serves_a_ledger_in_postgresql_cannot_change_what_is_on_record(postgresql: Server) -> None:
    address = postgresql.new("granted")
    with SqlLedger(address) as ledger:
        ledger.allocate(KEY)
    refused = [
        *("UPDATE audit SET number = 7", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE audit CASCADE"),
        *("ALTER TABLE audit DISABLE TRIGGER ALL", "CREATE TABLE mine ()", "DELETE FROM uses"),
        *("UPDATE alembic_version SET version_num = '1'", "UPDATE completions SET number = 1"),
    ]
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        query = "SELECT has_table_privilege('audit', 'UPDATE'), has_table_privilege('audit', 'DELETE')"
        assert connection.execute(query).fetchone() == (False, False)
    owned = postgresql.address("granted")
    with (
        psycopg.connect(owned, autocommit=True) as connection,
        pytest.raises(psycopg.DatabaseError, match="append-only"),
    ):
        connection.execute("DELETE FROM allocations")


def test_a_role_that_is_not_there_and_a_file_are_granted_nothing(postgresql: Server, tmp_path: Path) -> None:
    postgresql.new("ungranted")
    with pytest.raises(EcertError, match="nobody-serves"):
        migrate(postgresql.address("ungranted"), "nobody-serves")
    with pytest.raises(EcertError, match="no roles"):
        migrate(str(tmp_path / "ledger.db"), "serving")


def test_a_ledger_of_a_newer_program_is_refused_and_left_as_it_is(location: str) -> None:
    with SqlLedger(location.replace("serving@", "postgres@")) as ledger:
        ledger.database.run(text("UPDATE alembic_version SET version_num = '9999'"))
    for _ in range(2):
        with pytest.raises(MalformedError, match=r"schema 9999.*keep it with the version that made it"):
            SqlLedger(location)
    with pytest.raises(MalformedError, match="schema 9999"):
        migrate(location)


def test_a_database_without_tables_says_what_to_do(postgresql: Server) -> None:
    postgresql.copy("template1", "empty")
    address = postgresql.address("empty")
    with pytest.raises(MalformedError, match=r"no tables yet: python -m api migrate --ledger postgresql://"):
        SqlLedger(address)
    migrate(address)
    migrate(address)
    with SqlLedger(address) as ledger:
        assert ledger.allocated(KEY) == 0


def test_a_server_that_is_not_there_is_said(postgresql: Server) -> None:
    with pytest.raises(EcertError, match="cannot be reached"):
        SqlLedger(postgresql.address("nowhere"))


def test_a_connection_that_the_server_closed_is_made_anew_and_half_a_transaction_is_not(postgresql: Server) -> None:
    address = postgresql.new("closed")

    def cut() -> None:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'closed' AND pid <> "
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"{others} pg_backend_pid()")

    def cut_between() -> None:
        with ledger.database.transaction():
            ledger.allocate(KEY)
            cut()
            ledger.allocate(KEY)

    with SqlLedger(address) as ledger:
        cut()
        with pytest.raises(DATABASE_ERRORS):
            ledger.allocate(KEY)
        ledger.allocate(KEY)
        with pytest.raises(DATABASE_ERRORS):
            cut_between()
        assert ledger.allocated(KEY) == 1
        ledger.allocate(KEY)
        assert ledger.allocated(KEY) == 2


def test_a_ledger_opened_twice_in_a_process_is_still_in_use_for_others(tmp_path: Path) -> None:
    """SQLite's locks belong to the process: opening and closing the file beside SQLite would give them all up."""
    file = tmp_path / "ledger.db"
    taking_over = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0.1).execute('PRAGMA journal_mode=DELETE')"
    with Database(file) as first, Database(file, create=False) as second:
        assert first.number(select(func.count()).select_from(schema.intents)) == 0
        assert second.number(select(func.count()).select_from(schema.intents)) == 0
        done = subprocess.run([sys.executable, "-c", taking_over, file], capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr
