"""The ledger and the revocation log in one SQLite file: rows are added, never changed or removed."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from ecert.errors import IssuanceError, MalformedError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Decision, Intent, LedgerEntry
from ecert.revocation import State
from ecert.revocation.allocation import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TABLES: Final = {
    "lists": "key_id BLOB PRIMARY KEY, secret BLOB NOT NULL",
    "allocations": "key_id BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key_id, position)",
    "intents": "identifier TEXT PRIMARY KEY, key_id BLOB NOT NULL, status INTEGER NOT NULL, record_tbs BLOB NOT NULL,"
    " face_tbs BLOB NOT NULL, at TEXT NOT NULL, UNIQUE (key_id, status)",
    "completions": "identifier TEXT PRIMARY KEY REFERENCES intents, record BLOB NOT NULL, face BLOB NOT NULL,"
    " at TEXT NOT NULL",
    "decisions": "number INTEGER PRIMARY KEY, identifier TEXT NOT NULL REFERENCES completions, state INTEGER NOT NULL,"
    " since TEXT NOT NULL, reason TEXT NOT NULL, decided_at TEXT NOT NULL",
}


def _schema() -> Iterator[str]:
    for table, columns in _TABLES.items():
        yield f"CREATE TABLE IF NOT EXISTS {table} ({columns})"
        for change in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} BEFORE {change} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )


class SqliteLedger:
    """`LicenceLedger` and `RevocationLog` over one file; use as a context manager. One writer at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, creating it (mode 0600: it holds personal data) where there is none.

        Raises:
            MalformedError: the file is something else, or stays locked.
            OSError: it cannot be opened.
        """
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        # FULL: an intent must survive a power cut before the key is touched.
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            for statement in _schema():
                self._db.execute(statement)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise MalformedError(Reason.DATA_MALFORMED, f"{path} cannot be used as a ledger: {error}") from error

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def allocate(self, key_id: bytes) -> StatusRef:
        """See `LicenceLedger`."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO lists VALUES (?, ?)", (key_id, secrets.token_bytes(32)))
            (secret,) = self._row("SELECT secret FROM lists WHERE key_id = ?", key_id)
            position = self.allocated(key_id)
            if position >= StatusRef.PACKED:
                raise IssuanceError(Reason.LEDGER_CONFLICT, "every status list of this key is full: rotate the key")
            self._db.execute("INSERT INTO allocations VALUES (?, ?)", (key_id, position))
        return spread(position, secret)

    def intend(self, intent: Intent) -> None:
        """See `LicenceLedger`."""
        row = (
            intent.identifier.text,
            intent.key_id,
            intent.status.pack(),
            intent.record_tbs,
            intent.face_tbs,
            intent.at.isoformat(),
        )
        try:
            self._db.execute("INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "this licence was intended before") from error

    def complete(self, identifier: Identifier, *, record: bytes, face: bytes, at: datetime) -> None:
        """See `LicenceLedger`."""
        if self.find(identifier).record is not None:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "this licence was completed before")
        row = (identifier.text, record, face, at.isoformat())
        self._db.execute("INSERT INTO completions VALUES (?, ?, ?, ?)", row)

    def find(self, identifier: Identifier) -> LedgerEntry:
        """See `LicenceLedger`."""
        row = self._db.execute(
            "SELECT i.*, c.record, c.face FROM intents i LEFT JOIN completions c USING (identifier)"
            " WHERE i.identifier = ?",
            (identifier.text,),
        ).fetchone()
        if row is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"the ledger has no licence {identifier.text}")
        return LedgerEntry(_intent(row), row[6], row[7])

    def open_intents(self) -> Iterator[Intent]:
        """See `LicenceLedger`."""
        rows = self._db.execute(
            "SELECT * FROM intents WHERE identifier NOT IN (SELECT identifier FROM completions) ORDER BY at"
        )
        return map(_intent, rows)

    def decide(self, decision: Decision) -> None:
        """See `RevocationLog`."""
        if self.find(decision.identifier).record is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "the licence was intended, but never issued")
        states = self._db.execute("SELECT state FROM decisions WHERE identifier = ?", (decision.identifier.text,))
        ended = next((State(state) for (state,) in states if State(state).ends), None)
        if ended is not None:
            raise IssuanceError(Reason.LEDGER_CONFLICT, f"the licence is {ended.name.lower()} for good")
        row = (
            decision.identifier.text,
            decision.state,
            decision.since.isoformat(),
            decision.reason,
            decision.decided_at.isoformat(),
        )
        self._db.execute(
            "INSERT INTO decisions (identifier, state, since, reason, decided_at) VALUES (?, ?, ?, ?, ?)", row
        )

    def decisions(self, key_ids: Iterable[bytes]) -> Iterator[tuple[bytes, StatusRef, Decision]]:
        """See `RevocationLog`."""
        wanted = set(key_ids)
        rows = self._db.execute(
            "SELECT i.key_id, i.status, d.identifier, d.state, d.since, d.reason, d.decided_at"
            " FROM decisions d JOIN intents i USING (identifier) ORDER BY d.number"
        )
        for key_id, status, identifier, state, since, reason, decided_at in rows:
            if key_id in wanted:
                decision = Decision(parse_identifier(identifier), state, _instant(since), reason, _instant(decided_at))
                yield key_id, StatusRef.unpack(status), decision

    def allocated(self, key_id: bytes) -> int:
        """See `RevocationLog`."""
        (last,) = self._row("SELECT MAX(position) FROM allocations WHERE key_id = ?", key_id)
        return 0 if last is None else int(last) + 1

    def _row(self, query: str, *arguments: Any) -> Any:
        return self._db.execute(query, arguments).fetchone()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _intent(row: tuple[Any, ...]) -> Intent:
    identifier, key_id, status, record_tbs, face_tbs, at = row[:6]
    return Intent(parse_identifier(identifier), key_id, StatusRef.unpack(status), record_tbs, face_tbs, _instant(at))
