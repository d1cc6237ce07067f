"""The ledger's database: a file of SQLite, or PostgreSQL; one connection, one writer at a time.

Everything is written inside `transaction`. In SQLite that is BEGIN IMMEDIATE; in PostgreSQL the transaction takes a
lock of the whole ledger first. So writers of whichever process take turns, readers never wait, and what is numbered
becomes visible in the order of its numbers.
"""

from __future__ import annotations

import getpass
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import create_engine, insert, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from api import migrations
from api.migrations import grants
from ecert.errors import EcertError, MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, CursorResult, Executable, Row, Table, Update

_POSTGRESQL: Final = ("postgresql://", "postgresql+psycopg://")
_LOCK: Final = 0x6563657274
"""What writers of a ledger lock in PostgreSQL: `ecert` as a number."""
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
"""FULL: an intent must survive a power cut before the key is touched. What is deleted is written over: a key that was
forgotten is not left in an unused page."""
_PATIENCE: Final = 30
"""Seconds to wait for a writer before this one."""
_TURNS: Final[dict[str, threading.Lock]] = {}
"""File of SQLite → what its writers of this process take turns by: SQLite itself has them sleep, for ever longer, and
look again."""
_TAKE_TURNS: Final = f"SET LOCAL lock_timeout = '{_PATIENCE}s'; SELECT pg_advisory_xact_lock({_LOCK})"


def _require_file(location: str | Path, *, create: bool) -> None:
    """Make the file, for its owner alone, where there is none.

    One that is there is not opened here: closing it again would give up every lock that SQLite holds on it in this
    process, and another process would then take the ledger for one that nobody has open.
    """
    try:
        if create:
            os.close(os.open(location, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
    Path(location).stat()


def is_url(location: str | Path) -> bool:
    """Tell whether a ledger is named by the address of a PostgreSQL database, and not as a file."""
    return str(location).startswith(_POSTGRESQL)


class Database:
    """An open ledger.

    Attributes:
        actor: Who does what is done through it, by an identifier; for the audit log.
    """

    def __init__(self, location: str | Path, *, create: bool = True, actor: str = "", migrate: bool = False) -> None:
        """Open a ledger; a file is made (mode 0600: it holds personal data) where there is none.

        Args:
            location: A file, or `postgresql://user@host/database`.
            create: False where a missing file is a mistake.
            actor: Who does what is done through it; by default the process's user.
            migrate: Bring a PostgreSQL database to this program's schema; a file that is new always is.

        Raises:
            MalformedError: it is something else, of another schema, or stays locked.
            EcertError: USAGE; the database cannot be reached.
            OSError: the file cannot be opened.
        """
        self.actor = actor or f"user:{getpass.getuser()}"
        self._name = str(location if is_url(location) else Path(location).resolve())
        self._depth = 0
        self._connection = self._connect(location, create=create)
        self._turn = _TURNS.setdefault(self._name, threading.Lock()) if self._is_sqlite else None
        try:
            self._prepare(migrate=migrate)
        except DatabaseError as error:
            self.close()
            raise MalformedError(
                Reason.DATA_MALFORMED, f"{self._name} cannot be used as a ledger: {error.orig}"
            ) from error
        except EcertError:
            self.close()
            raise

    def _connect(self, location: str | Path, *, create: bool) -> Connection:
        if is_url(location):
            url = str(location).replace("postgresql://", "postgresql+psycopg://", 1)
            engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
        else:
            _require_file(location, create=create)
            engine = create_engine(
                f"sqlite:///{self._name}",
                poolclass=NullPool,
                isolation_level="AUTOCOMMIT",
                hide_parameters=True,
                connect_args={"timeout": _PATIENCE, "check_same_thread": False},
            )
        try:
            return engine.connect()
        except OperationalError as error:
            raise EcertError(Reason.USAGE, f"the ledger {self._name} cannot be reached: {error.orig}") from error

    def _prepare(self, *, migrate: bool) -> None:
        found = self._revision()
        if found not in (None, *migrations.REVISIONS):
            raise self._foreign(found or "")
        if self._is_sqlite:
            for pragma in _PRAGMAS:
                self._connection.exec_driver_sql(f"PRAGMA {pragma}")
        if found == migrations.NEWEST:
            return
        if not (self._is_sqlite or migrate):
            raise MalformedError(
                Reason.DATA_MALFORMED,
                f"{self._name} has {'an older schema' if found else 'no tables yet'}:"
                f" python -m api migrate --ledger {self._name}",
            )
        self._migrate()

    @property
    def _is_sqlite(self) -> bool:
        return self._connection.dialect.name == "sqlite"

    def _revision(self) -> str | None:
        """Return which schema is there; None when there is nothing."""
        tables = inspect(self._connection).get_table_names()
        if "alembic_version" in tables:
            return str(self._connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
        if tables:
            raise self._foreign("unknown")
        return None

    def _foreign(self, found: str) -> MalformedError:
        return MalformedError(
            Reason.DATA_MALFORMED,
            f"{self._name} is a ledger of schema {found}, and this program writes schema {migrations.NEWEST}:"
            " keep it with the version that made it, and name a new one here",
        )

    def _migrate(self) -> None:
        with self.transaction():
            if self._revision() != migrations.NEWEST:
                migrations.upgrade(self._connection)

    def grant(self, role: str) -> None:
        """Give a role of PostgreSQL what serving takes, see `api.migrations.grants`.

        Raises:
            EcertError: USAGE; there is no such role, or the ledger is no PostgreSQL's.
        """
        if self._is_sqlite:
            raise EcertError(Reason.USAGE, "a file of SQLite has no roles: leave --grant out")
        try:
            with self.transaction():
                grants.grant(self._connection, role)
        except ProgrammingError as error:
            raise EcertError(Reason.USAGE, f"nothing could be granted to the role {role!r}: {error.orig}") from error

    def __enter__(self) -> Self:
        """Return the open database."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it."""
        self._connection.close()
        self._connection.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside, or nothing; inside another transaction it is a part of that one."""
        if self._depth:
            yield
            return
        mine = self._turn is not None and self._turn.acquire(timeout=_PATIENCE)
        try:
            yield from self._write()
        finally:
            if mine and self._turn is not None:
                self._turn.release()

    def _write(self) -> Iterator[None]:
        self._live.exec_driver_sql("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN ISOLATION LEVEL READ COMMITTED")
        self._depth = 1
        try:
            if not self._is_sqlite:
                self._connection.exec_driver_sql(_TAKE_TURNS)
            yield
            self._connection.exec_driver_sql("COMMIT")
        except BaseException:
            if not self._connection.invalidated:
                self._connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            self._depth = 0

    @property
    def _live(self) -> Connection:
        """The connection, made anew if a server had closed it; what a transaction had done by then is lost with it."""
        if self._connection.invalidated and not self._depth:
            self._connection.rollback()
        return self._connection

    def data_version(self) -> object:
        """Return something that changes whenever another process or connection has changed the ledger."""
        query = "PRAGMA data_version" if self._is_sqlite else "SELECT pg_current_snapshot()::text"
        return self._live.exec_driver_sql(query).scalar()

    def run(self, statement: Executable) -> CursorResult[Any]:
        """Run one statement and return its result."""
        return self._live.execute(statement)

    def add(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Add rows to a table, in their order; none is nothing to do."""
        if rows:
            self._live.execute(insert(table), rows)

    def change(self, statement: Update, values: list[dict[str, Any]]) -> int:
        """Run one UPDATE with each of several sets of values; return how many rows it changed."""
        return self._live.execute(statement, values).rowcount if values else 0

    def row(self, query: Executable) -> Row[Any] | None:
        """Return the first row of a query; None when there is none."""
        return self.run(query).first()

    def number(self, query: Executable) -> int:
        """Return the one number that a query gives; 0 when it gives nothing."""
        return int(self.run(query).scalar() or 0)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that can say what to do where a row is there already."""
        return sqlite.insert(table) if self._is_sqlite else postgresql.insert(table)


def migrate(location: str, role: str = "") -> str:
    """Bring a database to this program's schema; return which that is.

    Args:
        location: The database, as the role that owns its tables.
        role: Of PostgreSQL: who logs in to serve, and is given no more than that takes; empty: nobody else does.

    Raises:
        EcertError: as `Database`; USAGE, there is no such role, or the ledger is no PostgreSQL's.
    """
    with Database(location, migrate=True) as database:
        if role:
            database.grant(role)
    return migrations.NEWEST


DATABASE_ERRORS: Final = (SQLAlchemyError, OSError)
"""What a database that fails raises."""
