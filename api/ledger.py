"""The ledger and the revocation log over one database."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from api import schema
from api.at_rest import FILE, RECORD, AtRest
from api.audit import AuditBook, Deed
from api.database import Database, is_url
from api.indexing import index_row
from api.schema import allocations, completions, decisions, files, intents, lists, relations
from api.service_schema import data_keys, licences
from ecert.errors import CustodyError, IssuanceError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Completion, Decision, Intent, LedgerEntry, LoggedDecision, Parent
from ecert.revocation import State
from ecert.revocation.allocation import spread
from keys.local_vault import open_local_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Row

    from api.at_rest import Lock
    from ecert.sm2 import Vault

_AT_ONCE: Final = 1000
"""Identifiers named in one query."""
_COMPLETED: Final = intents.outerjoin(completions, completions.c.identifier == intents.c.identifier)


class SqlLedger:
    """`LicenceLedger` and `RevocationLog`; use as a context manager.

    Attributes:
        database: For what else is kept in it.
    """

    def __init__(
        self, location: str | Path, *, create: bool = True, actor: str = "", vault: Vault | None = None
    ) -> None:
        """Open it.

        Args:
            location: See `Database`, as for `create` and `actor`.
            create: As there.
            actor: As there.
            vault: The key that licences are encrypted with; None: for a file, that in the file beside it; for a
                database none, and records and files are neither written nor read.
        """
        self.database = Database(location, create=create, actor=actor)
        self._location, self._vault = location, vault
        self._audit = AuditBook(self.database)
        self._also: Callable[[Sequence[Completion]], None] | None = None
        self._batch: str | None = None

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.database.close()

    @cached_property
    def at_rest(self) -> AtRest:
        """What encrypts and opens licences.

        Raises:
            CustodyError: VAULT_KEY_UNUSABLE; its key is not at hand.
        """
        if self._vault is not None:
            return AtRest(self._vault)
        if is_url(self._location):
            raise CustodyError(Reason.VAULT_KEY_UNUSABLE, "name the key that licences are encrypted with: --vault URI")
        path = Path(self._location)
        key = path.with_name(f"{path.name}.key")
        new = not key.exists() and self.database.row(select(data_keys.c.identifier).limit(1)) is None
        return AtRest(open_local_vault(key, create=new))

    @contextmanager
    def also(self, work: Callable[[Sequence[Completion]], None], *, batch: str | None = None) -> Iterator[None]:
        """Do something more within the transactions that complete licences, told which: all of it, or nothing.

        Args:
            work: What to do.
            batch: The key of the batch that these licences are of.
        """
        self._also, self._batch = work, batch
        try:
            yield
        finally:
            self._also = self._batch = None

    def transaction(self) -> AbstractContextManager[None]:
        """See `LicenceLedger`."""
        return self.database.transaction()

    def allocate(self, key_id: bytes) -> StatusRef:
        """See `LicenceLedger`."""
        return self.allocate_many(key_id, 1)[0]

    def allocate_many(self, key_id: bytes, count: int) -> list[StatusRef]:
        """See `LicenceLedger`."""
        with self.database.transaction():
            row = self.database.row(select(lists.c.secret).where(lists.c.key_id == key_id))
            secret = self._begin_lists(key_id) if row is None else row.secret
            first = self.allocated(key_id)
            if first + count > StatusRef.PACKED:
                raise IssuanceError(Reason.LEDGER_CONFLICT, "the status lists of this key are full: rotate the key")
            positions = range(first, first + count)
            self.database.add(allocations, [{"key_id": key_id, "position": position} for position in positions])
        return [spread(position, secret) for position in positions]

    def _begin_lists(self, key_id: bytes) -> bytes:
        secret = secrets.token_bytes(32)
        self.database.add(lists, [{"key_id": key_id, "secret": secret}])
        return secret

    def intend(self, intent: Intent) -> None:
        """See `LicenceLedger`."""
        self.intend_many([intent])

    def intend_many(self, intents: Sequence[Intent]) -> None:
        """See `LicenceLedger`."""
        related = [_relation(one, place, parent) for one in intents for place, parent in enumerate(one.parents)]
        try:
            with self.database.transaction():
                self.database.add(schema.intents, [_intended(one) for one in intents])
                self.database.add(relations, related)
        except IntegrityError as error:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "this licence was intended before") from error

    def complete(
        self, identifier: Identifier, *, record: bytes, face: bytes, at: datetime, file: bytes | None = None
    ) -> None:
        """See `LicenceLedger`."""
        self.complete_many([Completion(identifier, record, face, at, file)])

    def complete_many(self, completions: Sequence[Completion]) -> None:
        """See `LicenceLedger`."""
        locked = [(one, *self.at_rest.lock(one.identifier.text)) for one in completions]
        mine = {"operator": self.database.actor, "batch": self._batch}
        index = [index_row(one, lock, self.at_rest) | mine for one, _, lock in locked]
        keys = [{"identifier": one.identifier.text, "key": key} for one, key, _ in locked]
        try:
            with self.database.transaction():
                self.database.add(schema.completions, [_completed(one, lock) for one, _, lock in locked])
                self.database.add(files, [_filed(one, lock) for one, _, lock in locked if one.file is not None])
                self.database.add(data_keys, keys)
                self.database.add(licences, index)
                self._audit.record_all(map(_issued, completions))
                if self._also is not None:
                    self._also(completions)
        except IntegrityError:
            self._require_open([one.identifier.text for one in completions])
            raise

    def _require_open(self, identifiers: list[str]) -> None:
        """Check that licences were intended, and not completed, each named once."""
        completed: dict[str, bool] = {}
        query = select(intents.c.identifier, completions.c.number).select_from(_COMPLETED)
        for start in range(0, len(identifiers), _AT_ONCE):
            some = intents.c.identifier.in_(identifiers[start : start + _AT_ONCE])
            completed |= {row.identifier: row.number is not None for row in self.database.run(query.where(some))}
        for one in identifiers:
            if one not in completed:
                raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"the ledger has no licence {one}")
            if completed[one]:
                raise IssuanceError(Reason.LEDGER_CONFLICT, f"the licence {one} was completed before")
            completed[one] = True

    def file(self, identifier: Identifier) -> bytes | None:
        """See `LicenceLedger`.

        Raises:
            NotFoundError: LICENCE_ERASED.
        """
        row = self.database.row(select(files.c.file).where(files.c.identifier == identifier.text))
        return None if row is None else self.unlock(identifier).open(FILE, row.file)

    def unlock(self, identifier: Identifier) -> Lock:
        """Return the key of a licence that was issued.

        Raises:
            NotFoundError: LICENCE_ERASED.
            EcertError: it does not open.
        """
        row = self.database.row(select(data_keys.c.key).where(data_keys.c.identifier == identifier.text))
        if row is None:
            raise NotFoundError(
                Reason.LICENCE_ERASED, f"the licence {identifier.text} was erased when its time had come"
            )
        return self.at_rest.unlock(identifier.text, row.key)

    def find(self, identifier: Identifier) -> LedgerEntry:
        """See `LicenceLedger`.

        Raises:
            NotFoundError: as there; or LICENCE_ERASED.
        """
        query = select(intents, completions.c.record, completions.c.face).select_from(_COMPLETED)
        row = self.database.row(query.where(intents.c.identifier == identifier.text))
        if row is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"the ledger has no licence {identifier.text}")
        record = None if row.record is None else self.unlock(identifier).open(RECORD, row.record)
        return LedgerEntry(self._intent(row), record, row.face)

    def issued(self, identifier: Identifier) -> Intent:
        """See `LicenceLedger`."""
        query = select(intents).select_from(_COMPLETED).where(completions.c.number.is_not(None))
        row = self.database.row(query.where(intents.c.identifier == identifier.text))
        if row is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"the licence {identifier.text} was never issued")
        return self._intent(row)

    def open_intents(self) -> Iterator[Intent]:
        """See `LicenceLedger`."""
        unfinished = select(intents).select_from(_COMPLETED).where(completions.c.identifier.is_(None))
        return map(self._intent, self.database.run(unfinished.order_by(intents.c.at)).all())

    def _intent(self, row: Row[Any]) -> Intent:
        mine = select(relations).where(relations.c.child == row.identifier).order_by(relations.c.place)
        parents = self.database.run(mine).all()
        return Intent(
            identifier=parse_identifier(row.identifier),
            key_id=row.key_id,
            status=StatusRef.unpack(row.status),
            record_tbs=row.record_tbs,
            face_tbs=row.face_tbs,
            at=row.at,
            parents=tuple(
                Parent(parse_identifier(one.parent), one.key_id, StatusRef.unpack(one.status)) for one in parents
            ),
        )

    def decide(self, decision: Decision) -> None:
        """See `RevocationLog`."""
        identifier = decision.identifier.text
        with self.database.transaction():
            self.issued(decision.identifier)
            require_next(decision, self.history(decision.identifier))
            self.database.run(insert(decisions).values(**{**asdict(decision), "identifier": identifier}))
            now = {"state": decision.state, "since": decision.since, "until": decision.until}
            self.database.run(update(licences).where(licences.c.identifier == identifier).values(**now))
            details = {"state": State(decision.state).name.lower(), "reason": decision.reason_code}
            self._audit.record("licence.decide", identifier, decision.decided_at, details=details)

    def history(self, identifier: Identifier) -> tuple[Decision, ...]:
        """See `RevocationLog`."""
        about = select(decisions).where(decisions.c.identifier == identifier.text)
        return tuple(map(_decision, self.database.run(about.order_by(decisions.c.number))))

    def decisions(self, key_ids: Iterable[bytes], *, after: int = 0) -> Iterator[LoggedDecision]:
        """See `RevocationLog`."""
        wanted = set(key_ids)
        joined = decisions.join(intents, intents.c.identifier == decisions.c.identifier)
        query = select(decisions, intents.c.key_id, intents.c.status).select_from(joined)
        rows = self.database.run(query.where(decisions.c.number > after).order_by(decisions.c.number)).all()
        for row in rows:
            if row.key_id in wanted:
                yield LoggedDecision(row.number, row.key_id, StatusRef.unpack(row.status), _decision(row))

    def allocated(self, key_id: bytes) -> int:
        """See `RevocationLog`."""
        mine = select(func.max(allocations.c.position) + 1).where(allocations.c.key_id == key_id)
        return self.database.number(mine)


def _intended(intent: Intent) -> dict[str, Any]:
    return {
        "identifier": intent.identifier.text,
        "key_id": intent.key_id,
        "status": intent.status.pack(),
        "record_tbs": intent.record_tbs,
        "face_tbs": intent.face_tbs,
        "at": intent.at,
    }


def _completed(done: Completion, lock: Lock) -> dict[str, Any]:
    record = lock.seal(RECORD, done.record)
    return {"identifier": done.identifier.text, "record": record, "face": done.face, "at": done.at}


def _filed(done: Completion, lock: Lock) -> dict[str, Any]:
    return {"identifier": done.identifier.text, "file": lock.seal(FILE, done.file or b"")}


def _issued(done: Completion) -> Deed:
    return Deed("licence.issue", done.identifier.text, done.at, details={"file": int(done.file is not None)})


def _relation(intent: Intent, place: int, parent: Parent) -> dict[str, Any]:
    return {
        "child": intent.identifier.text,
        "parent": parent.identifier.text,
        "place": place,
        "key_id": parent.key_id,
        "status": parent.status.pack(),
    }


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


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        identifier=parse_identifier(row.identifier),
        state=row.state,
        since=row.since,
        until=row.until,
        reason_code=row.reason_code,
        reason=row.reason,
        legal_basis=row.legal_basis,
        document=row.document,
        decided_at=row.decided_at,
    )
