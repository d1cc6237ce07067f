"""The ledger and the revocation log over one SQLite file."""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING, Any, Final, Self

from api.audit import AuditBook
from api.database import Database, instant
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Decision, Intent, LedgerEntry, LoggedDecision, Parent
from ecert.revocation import State
from ecert.revocation.allocation import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

_INTENT: Final = "i.identifier, i.key_id, i.status, i.record_tbs, i.face_tbs, i.at"
_DECISION: Final = (
    "d.identifier, d.state, d.since, d.until, d.reason_code, d.reason, d.legal_basis, d.document, d.decided_at"
)


class SqliteLedger:
    """`LicenceLedger` and `RevocationLog`; use as a context manager.

    Attributes:
        database: The file, for what else is kept in it.
    """

    def __init__(self, path: Path, *, create: bool = True, actor: str = "") -> None:
        """Open the file, see `Database`."""
        self.database = Database(path, create=create, actor=actor)
        self._audit = AuditBook(self.database)

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.database.close()

    def allocate(self, key_id: bytes) -> StatusRef:
        """See `LicenceLedger`."""
        with self.database.transaction():
            self.database.run("INSERT OR IGNORE INTO lists VALUES (?, ?)", key_id, secrets.token_bytes(32))
            (secret,) = self.database.row("SELECT secret FROM lists WHERE key_id = ?", key_id)
            position = self.allocated(key_id)
            if position >= StatusRef.PACKED:
                raise IssuanceError(Reason.LEDGER_CONFLICT, "every status list of this key is full: rotate the key")
            self.database.run("INSERT INTO allocations VALUES (?, ?)", key_id, position)
        return spread(position, secret)

    def intend(self, intent: Intent) -> None:
        """See `LicenceLedger`."""
        row = (intent.key_id, intent.status.pack(), intent.record_tbs, intent.face_tbs, intent.at.isoformat())
        child = intent.identifier.text
        try:
            with self.database.transaction():
                self.database.run("INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?)", child, *row)
                for one in intent.parents:
                    relation = (child, one.identifier.text, one.key_id, one.status.pack())
                    self.database.run("INSERT INTO relations VALUES (?, ?, ?, ?)", *relation)
        except sqlite3.IntegrityError as error:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "this licence was intended before") from error

    def complete(
        self, identifier: Identifier, *, record: bytes, face: bytes, at: datetime, file: bytes | None = None
    ) -> None:
        """See `LicenceLedger`."""
        with self.database.transaction():
            if self.find(identifier).record is not None:
                raise IssuanceError(Reason.LEDGER_CONFLICT, "this licence was completed before")
            self.database.run(
                "INSERT INTO completions (identifier, record, face, at) VALUES (?, ?, ?, ?)",
                *(identifier.text, record, face, at.isoformat()),
            )
            if file is not None:
                self.database.run("INSERT INTO files VALUES (?, ?)", identifier.text, file)
            self._audit.record("licence.issue", identifier.text, at, details={"file": int(file is not None)})

    def file(self, identifier: Identifier) -> bytes | None:
        """See `LicenceLedger`."""
        row = self.database.row("SELECT file FROM files WHERE identifier = ?", identifier.text)
        return None if row is None else bytes(row[0])

    def find(self, identifier: Identifier) -> LedgerEntry:
        """See `LicenceLedger`."""
        row = self.database.row(
            f"SELECT {_INTENT}, c.record, c.face FROM intents i LEFT JOIN completions c USING (identifier)"  # noqa: S608
            " WHERE i.identifier = ?",
            identifier.text,
        )
        if row is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"the ledger has no licence {identifier.text}")
        return LedgerEntry(self._intent(row[:6]), row[6], row[7])

    def open_intents(self) -> Iterator[Intent]:
        """See `LicenceLedger`."""
        rows = self.database.run(
            f"SELECT {_INTENT} FROM intents i"  # noqa: S608
            " WHERE i.identifier NOT IN (SELECT identifier FROM completions) ORDER BY i.at"
        )
        return map(self._intent, rows.fetchall())

    def _intent(self, row: tuple[Any, ...]) -> Intent:
        identifier, key_id, status, record_tbs, face_tbs, at = row
        parents = self.database.run(
            "SELECT parent, key_id, status FROM relations WHERE child = ? ORDER BY rowid", identifier
        )
        return Intent(
            identifier=parse_identifier(identifier),
            key_id=key_id,
            status=StatusRef.unpack(status),
            record_tbs=record_tbs,
            face_tbs=face_tbs,
            at=instant(at),
            parents=tuple(Parent(parse_identifier(name), key, StatusRef.unpack(ref)) for name, key, ref in parents),
        )

    def decide(self, decision: Decision) -> None:
        """See `RevocationLog`."""
        with self.database.transaction():
            if self.find(decision.identifier).record is None:
                raise NotFoundError(Reason.LICENCE_NOT_FOUND, "the licence was intended, but never issued")
            require_next(decision, self.history(decision.identifier))
            self.database.run(
                "INSERT INTO decisions (identifier, state, since, until, reason_code, reason, legal_basis, document,"
                " decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                decision.identifier.text,
                decision.state,
                decision.since.isoformat(),
                decision.until.isoformat() if decision.until else None,
                decision.reason_code,
                decision.reason,
                decision.legal_basis,
                decision.document,
                decision.decided_at.isoformat(),
            )
            details = {"state": State(decision.state).name.lower(), "reason": decision.reason_code}
            self._audit.record("licence.decide", decision.identifier.text, decision.decided_at, details=details)

    def history(self, identifier: Identifier) -> tuple[Decision, ...]:
        """See `RevocationLog`."""
        rows = self.database.run(
            f"SELECT {_DECISION} FROM decisions d WHERE d.identifier = ? ORDER BY d.number",  # noqa: S608
            identifier.text,
        )
        return tuple(map(_decision, rows))

    def decisions(self, key_ids: Iterable[bytes], *, after: int = 0) -> Iterator[LoggedDecision]:
        """See `RevocationLog`."""
        wanted = set(key_ids)
        rows = self.database.run(
            f"SELECT d.number, i.key_id, i.status, {_DECISION}"  # noqa: S608
            " FROM decisions d JOIN intents i USING (identifier) WHERE d.number > ? ORDER BY d.number",
            after,
        )
        for number, key_id, status, *row in rows:
            if key_id in wanted:
                yield LoggedDecision(number, key_id, StatusRef.unpack(status), _decision(tuple(row)))

    def allocated(self, key_id: bytes) -> int:
        """See `RevocationLog`."""
        (last,) = self.database.row("SELECT MAX(position) FROM allocations WHERE key_id = ?", key_id)
        return 0 if last is None else int(last) + 1


def require_next(decision: Decision, history: Iterable[Decision]) -> None:
    """Check that a decision may follow those recorded about the same licence.

    Raises:
        IssuanceError: one of them ended it, or was made later.
    """
    for earlier in history:
        if State(earlier.state).ends:
            raise IssuanceError(
                Reason.LEDGER_CONFLICT, f"the licence is {State(earlier.state).name.lower()} for good: decided before"
            )
        if decision.decided_at < earlier.decided_at:
            raise IssuanceError(
                Reason.LEDGER_CONFLICT,
                f"a decision of {earlier.decided_at:%F %T}Z is recorded, and this one is of"
                f" {decision.decided_at:%F %T}Z: set this machine's clock",
            )


def _decision(row: tuple[Any, ...]) -> Decision:
    identifier, state, since, until, reason_code, reason, legal_basis, document, decided_at = row
    return Decision(
        identifier=parse_identifier(identifier),
        state=state,
        since=instant(since),
        until=None if until is None else instant(until),
        reason_code=reason_code,
        reason=reason,
        legal_basis=legal_basis,
        document=document,
        decided_at=instant(decided_at),
    )
