"""The audit log of a ledger: every action, written in the transaction of what was done (`ecert.audit`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select

from api.audit_owners import Owners
from api.schema import audit, audit_heads
from api.service_schema import audit_index
from ecert import envelope
from ecert.audit import MAX_HEAD, NOTHING, AuditCheck, AuditEntry, AuditHead, load_head, seal_head
from ecert.errors import Reason, UndeterminedError
from ecert.sm2 import sm3
from ecert.trust import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from api.database import Database
    from ecert.sm2 import Signer
    from ecert.trust import Registry


_BLOCK: Final = 1000
"""Entries that are read at once."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No entry is earlier."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done, see `AuditBook.record`."""

    action: str
    thing: str
    at: datetime
    outcome: str = "ok"
    details: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audited:
    """What a whole log came to: how many entries it has, and up to which of them heads were signed."""

    entries: int
    signed: int
    digest: bytes


class AuditBook:
    """The audit log of one ledger."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`, whose `actor` is who does things."""
        self._db = database

    def record(
        self,
        action: str,
        thing: str,
        at: datetime,
        *,
        outcome: str = "ok",
        details: Mapping[str, str | int] | None = None,
    ) -> None:
        """Write down what was done, in the transaction under way.

        Args:
            action: A stable name, e.g. `licence.issue`.
            thing: The identifier of what it was done to.
            at: When, aware; a clock that went back does not take the log along.
            outcome: `ok`, or the code of why not.
            details: What else matters, nothing personal.

        Raises:
            MalformedError: no such entry can be.
        """
        self.record_all([Deed(action, thing, at, outcome, details or {})])

    def record_all(self, deeds: Iterable[Deed]) -> None:
        """Write down several things in their order, see `record`.

        Raises:
            MalformedError: no such entry can be.
        """
        last, rows, found = self._last(), [], []
        owners = Owners(self._db)
        number, previous = (last[0], sm3(last[1])) if last else (0, NOTHING)
        latest = AuditEntry.decode(last[1]).at if last else _BEGINNING
        for deed in deeds:
            number, latest = number + 1, max(latest, deed.at)
            who, what = self._db.actor, (deed.action, deed.thing, deed.outcome, deed.details)
            entry = AuditEntry(number, previous, latest, who, *what).encode()
            rows.append({"number": number, "entry": entry})
            place = {"number": number, "department": owners.of(who, deed.thing)}
            found.append(place | {"who": who, "action": deed.action, "at": latest})
            previous = sm3(entry)
        self._db.add(audit, rows)
        self._db.add(audit_index, found)

    def _last(self) -> tuple[int, bytes] | None:
        row = self._db.row(select(audit).order_by(audit.c.number.desc()).limit(1))
        return None if row is None else (row.number, row.entry)

    def entries(self, *, after: int = 0) -> Iterator[bytes]:
        """Return the entries numbered higher than `after`, as they were written, oldest first."""
        while block := self.block(after):
            yield from (entry for _, entry in block)
            after = block[-1][0]

    def block(self, after: int) -> list[tuple[int, bytes]]:
        """Return some of the entries numbered higher than `after`, by number, the oldest first; none at the end."""
        query = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(_BLOCK)
        return [(row.number, row.entry) for row in self._db.run(query)]

    def last_heads(self, registry: Registry, count: int) -> list[tuple[AuditHead, bytes]]:
        """Return what was signed of the log last, the newest first, each with the id of the key.

        Raises:
            MalformedError: AUDIT_MALFORMED; something in it cannot be read.
            RejectedError: AUDIT_BROKEN; it was altered.
            UndeterminedError: it was signed by a key that is not a registered status key.
        """
        newest = select(audit_heads.c.head).order_by(audit_heads.c.number.desc()).limit(count)
        kept = self._db.run(newest).scalars()
        return [(_load_head(data, registry), envelope.decode(data, limit=MAX_HEAD).key_id) for data in kept]

    def heads(self, registry: Registry) -> list[AuditHead]:
        """Return what was signed of the log, the oldest first.

        Raises:
            MalformedError: AUDIT_MALFORMED; something in it cannot be read.
            RejectedError: AUDIT_BROKEN; it was altered.
            UndeterminedError: it was signed by a key that is not a registered status key.
        """
        kept = self._db.run(select(audit_heads.c.head).order_by(audit_heads.c.number)).scalars()
        return [_load_head(data, registry) for data in kept]

    def commit(self, log: str, signer: Signer, *, at: datetime) -> None:
        """Sign how far the log has come, unless that was signed already.

        Raises:
            CustodyError: the key failed.
        """
        with self._db.transaction():
            last, signed = self._last(), self._db.number(select(func.max(audit_heads.c.number)))
            if last and last[0] > signed:
                head = seal_head(AuditHead(log, last[0], sm3(last[1]), at), signer)
                self._db.run(insert(audit_heads).values(number=last[0], head=head))

    def verify(self, registry: Registry) -> Audited:
        """Walk the whole log, and hold it against every head that was signed of it.

        Raises:
            MalformedError: AUDIT_MALFORMED; something in it cannot be read.
            RejectedError: AUDIT_BROKEN; it was altered.
            UndeterminedError: a head was signed by a key that is not a registered status key.
        """
        heads = self.heads(registry)
        check = AuditCheck(heads)
        for data in self.entries():
            check.take(data)
        check.finish()
        return Audited(check.number, max((head.number for head in heads), default=0), check.digest)


def _load_head(data: bytes, registry: Registry) -> AuditHead:
    key = registry.find(envelope.decode(data, limit=MAX_HEAD).key_id)
    if key is None or key.member.role is not Role.STATUS:
        raise UndeterminedError(Reason.ISSUER_UNKNOWN, "a head of the log is signed by a key that is not registered")
    return load_head(data, key.public_key)
