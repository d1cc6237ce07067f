"""The ledger's file: one SQLite database whose rows are added, and never changed or removed.

Two tables are exempt, since they hold nothing of record: `chain`, the published status chain from its newest
snapshot on, and `receipts`, how far each window has come.
"""

from __future__ import annotations

import getpass
import os
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT: Final = 3
"""The format of the file, as SQLite's `user_version`."""

_RECORD: Final = {
    # Licences.
    "lists": "key_id BLOB PRIMARY KEY, secret BLOB NOT NULL",
    "allocations": "key_id BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key_id, position)",
    "intents": "identifier TEXT PRIMARY KEY, key_id BLOB NOT NULL, status INTEGER NOT NULL, record_tbs BLOB NOT NULL,"
    " face_tbs BLOB NOT NULL, at TEXT NOT NULL, UNIQUE (key_id, status)",
    "relations": "child TEXT NOT NULL REFERENCES intents, parent TEXT NOT NULL, key_id BLOB NOT NULL,"
    " status INTEGER NOT NULL, PRIMARY KEY (child, parent)",
    "completions": "number INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE REFERENCES intents,"
    " record BLOB NOT NULL, face BLOB NOT NULL, at TEXT NOT NULL",
    "files": "identifier TEXT PRIMARY KEY REFERENCES completions (identifier), file BLOB NOT NULL",
    # What was decided about them.
    "decisions": "number INTEGER PRIMARY KEY, identifier TEXT NOT NULL REFERENCES completions (identifier),"
    " state INTEGER NOT NULL, since TEXT NOT NULL, until TEXT, reason_code TEXT NOT NULL, reason TEXT NOT NULL,"
    " legal_basis TEXT NOT NULL, document TEXT NOT NULL, decided_at TEXT NOT NULL",
    "parent_changes": "number INTEGER PRIMARY KEY, child TEXT NOT NULL REFERENCES completions (identifier),"
    " parent TEXT NOT NULL, state INTEGER NOT NULL, at TEXT NOT NULL",
    "tasks_done": "number INTEGER PRIMARY KEY, task INTEGER NOT NULL UNIQUE REFERENCES parent_changes,"
    " at TEXT NOT NULL",
    "seal_decisions": "number INTEGER PRIMARY KEY, code TEXT NOT NULL, state INTEGER NOT NULL, since TEXT NOT NULL,"
    " reason TEXT NOT NULL, document TEXT NOT NULL, decided_at TEXT NOT NULL",
    "seals": "code TEXT NOT NULL, digest BLOB NOT NULL, seal BLOB NOT NULL, at TEXT NOT NULL,"
    " PRIMARY KEY (code, digest)",
    # Who did all this.
    "audit": "number INTEGER PRIMARY KEY, entry BLOB NOT NULL",
    "audit_heads": "number INTEGER PRIMARY KEY REFERENCES audit, head BLOB NOT NULL",
    # What was published of them.
    "region": "only INTEGER PRIMARY KEY CHECK (only = 1), code TEXT NOT NULL",
    "publications": "sequence INTEGER PRIMARY KEY, digest BLOB NOT NULL, issued_at TEXT NOT NULL,"
    " decided INTEGER NOT NULL",
    "leaves": "position INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE REFERENCES completions (identifier),"
    " leaf BLOB NOT NULL, record_digest BLOB NOT NULL, face_digest BLOB NOT NULL",
    "nodes": "level INTEGER NOT NULL, place INTEGER NOT NULL, node BLOB NOT NULL, PRIMARY KEY (level, place)",
    "heads": "number INTEGER PRIMARY KEY, size INTEGER NOT NULL UNIQUE, head BLOB NOT NULL",
    # Who relies on it.
    "windows": "name TEXT PRIMARY KEY, token BLOB NOT NULL UNIQUE, operator INTEGER NOT NULL, at TEXT NOT NULL",
}
_EXEMPT: Final = {
    "chain": "sequence INTEGER NOT NULL, kind TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (sequence, kind)",
    "receipts": "window TEXT NOT NULL REFERENCES windows, region TEXT NOT NULL, sequence INTEGER NOT NULL,"
    " registry INTEGER NOT NULL, at TEXT NOT NULL, received_at TEXT NOT NULL, PRIMARY KEY (window, region)",
}
_KEYED: Final = ("allocations", "nodes")
"""Tables of many small rows, kept in the order of their keys."""
_INDICES: Final = (
    "relations (parent)",
    "relations (key_id, status)",
    "decisions (identifier)",
    "parent_changes (child, parent)",
    "leaves (leaf)",
    "leaves (record_digest)",
)


def _schema() -> Iterator[str]:
    for table, columns in (_RECORD | _EXEMPT).items():
        yield f"CREATE TABLE {table} ({columns})" + (" WITHOUT ROWID" if table in _KEYED else "")
    for table in _RECORD:
        for change in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
    for number, index in enumerate(_INDICES):
        yield f"CREATE INDEX by_{number} ON {index}"
    yield f"PRAGMA user_version = {FORMAT}"


class Database:
    """An open ledger file. Readers never wait; writers, of whichever process, take turns.

    Attributes:
        actor: Who does what is done through it, by an identifier; for the audit log.
    """

    def __init__(self, path: Path, *, create: bool = True, actor: str = "") -> None:
        """Open the file; make it (mode 0600: it holds personal data) where there is none.

        Args:
            path: The file.
            create: False where a missing file is a mistake.
            actor: Who does what is done through it; by default the process's user.

        Raises:
            MalformedError: the file is something else, a ledger of another format, or stays locked.
            OSError: it cannot be opened.
        """
        self.actor = actor or f"user:{getpass.getuser()}"
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            self._check(path)
            # FULL: an intent must survive a power cut before the key is touched.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._make()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise MalformedError(Reason.DATA_MALFORMED, f"{path} cannot be used as a ledger: {error}") from error
        except MalformedError:
            self._db.close()
            raise

    def _check(self, path: Path) -> None:
        """Refuse what is not a ledger of this format, before anything in the file is touched."""
        found = self._format()
        if found != FORMAT and self.row("SELECT COUNT(*) FROM sqlite_master")[0]:
            raise MalformedError(
                Reason.DATA_MALFORMED,
                f"{path} is a ledger of format {found or 1}, and this program writes format {FORMAT}:"
                " keep it with the version that made it, and name a new file here",
            )

    def _make(self) -> None:
        if self._format() == FORMAT:
            return
        with self.transaction():
            if self._format() != FORMAT:
                for statement in _schema():
                    self._db.execute(statement)

    def _format(self) -> int:
        return int(self.row("PRAGMA user_version")[0])

    def __enter__(self) -> Self:
        """Return the open database."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside, or nothing; inside another transaction it is a part of that one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def data_version(self) -> int:
        """Return a number that changes whenever another process or connection has changed the file."""
        return int(self.row("PRAGMA data_version")[0])

    def run(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        """Run one statement and return its cursor."""
        return self._db.execute(statement, arguments)

    def row(self, query: str, *arguments: Any) -> Any:
        """Return the first row of a query; None when there is none."""
        return self._db.execute(query, arguments).fetchone()


def instant(text: str) -> datetime:
    """Read an instant as the ledger keeps it."""
    return datetime.fromisoformat(text).astimezone(UTC)
