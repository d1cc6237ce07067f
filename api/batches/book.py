"""The batches of one ledger: handed in, found, started, cancelled."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select, true, update

from api.audit import AuditBook
from api.batches.rows import batch_name
from api.batches.states import BatchState, RowState
from api.lifecycle.proposals import ProposalState
from api.scoping import within
from api.service_schema import batch_chunks, batch_parts, batch_rows, batches, proposals
from ecert.errors import IssuanceError, NotFoundError, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from api.access.permissions import Scope
    from api.at_rest import Lock
    from api.batches.parts import Intake
    from api.ledger import SqlLedger
    from ecert.web.digests import Digests

MOST = 100
"""The most batches on one page of a list."""
CHUNK = 500
"""How many rows are issued in one transaction, at most."""
CHUNK_WITH_FILES = 100
"""The same, where each has a file: a transaction is held in memory."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands.

    Attributes:
        key: Names it in addresses.
        department: USCC of who issues it.
        type_code: What its licences are; None: each row says so.
        name: Of the file.
        size: Of the file in bytes.
        digest: SM3 of the file.
        files: Whether its licences get OFD files.
        state: Where it stands.
        rows: How many rows the file has; 0 while that is not known.
        checked: How many have been validated.
        good: How many of them can be issued.
        failed: How many cannot.
        issued: How many have been.
        form: What the file turned out to be: form, encoding, sheet.
        columns: Its heading.
        problem: Why it was refused, or what it waits for; empty where nothing is wrong.
        operator: Who handed it in.
        at: When.
        started_at: When issuing began.
        ended_at: When it ended, one way or another.
        proposal: The proposal that waits for a second person; None where none does.
    """

    key: str
    department: str
    type_code: str | None
    name: str
    size: int
    digest: bytes
    files: bool
    state: BatchState
    rows: int
    checked: int
    good: int
    failed: int
    issued: int
    form: dict[str, str]
    columns: tuple[str, ...]
    problem: dict[str, Any]
    operator: str
    at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    proposal: str | None

    @property
    def total(self) -> int:
        """How many rows `done` will come to; 0 while that is not known."""
        return self.good if self.started_at is not None else self.rows

    @property
    def done(self) -> int:
        """How many rows whatever goes on now, or went on last, is through with."""
        return self.issued if self.started_at is not None else self.checked


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody hands in along with a file.

    Attributes:
        department: USCC.
        type_code: What its licences are; None: each row says so.
        name: Of the file.
        files: Whether licences get OFD files.
    """

    department: str
    type_code: str | None
    name: str
    files: bool


_OPEN = (
    select(proposals.c.key)
    .where(proposals.c.batch == batches.c.key, proposals.c.state == ProposalState.OPEN)
    .order_by(proposals.c.at.desc())
    .limit(1)
    .scalar_subquery()
    .label("proposal")
)
_PLAIN = (*(batches.c[one.name] for one in fields(Batch) if one.name != "proposal"), _OPEN)


class BatchBook:
    """The batches of one ledger; whoever looks sees no further than a scope."""

    def __init__(self, ledger: SqlLedger, scope: Scope | None = None) -> None:
        """Look no further than `scope`; None: the service itself looks."""
        self._ledger, self._db = ledger, ledger.database
        self._audit = AuditBook(ledger.database)
        self._within = true() if scope is None else within(scope, batches.c.department)

    def hand_in(
        self, key: str, secret: bytes, order: Order, intake: Intake, digests: Digests, *, now: datetime
    ) -> Batch:
        """Keep a file, to be validated.

        Args:
            key: Of the batch.
            secret: The key that `intake` encrypted with, encrypted.
            order: What else was said.
            intake: The file.
            digests: Of the file.
            now: The time.
        """
        row = {
            "key": key,
            "department": order.department,
            "type_code": order.type_code,
            "name": order.name,
            "size": digests.length,
            "digest": digests.values["sm3"],
            "secret": secret,
            "files": order.files,
            "state": BatchState.VALIDATING,
            **dict.fromkeys(("rows", "checked", "good", "failed", "issued"), 0),
            **dict.fromkeys(("form", "columns", "problem"), ""),
            "operator": self._db.actor,
            "at": now,
        }
        with self._db.transaction():
            self._db.add(batches, [row])
            for number, part in enumerate(intake.parts()):
                self._db.add(batch_parts, [{"batch": key, "number": number, "data": part}])
            self._audit.record("batch.create", key, now, details={"bytes": digests.length})
        return self.find(key)

    def find(self, key: str) -> Batch:
        """Return a batch.

        Raises:
            NotFoundError: BATCH_UNKNOWN; there is none, or it is another department's.
        """
        row = self._db.row(select(*_PLAIN).where(batches.c.key == key, self._within))
        if row is None:
            raise NotFoundError(Reason.BATCH_UNKNOWN, "no batch of yours has this key")
        return _batch(row)

    def lock(self, key: str) -> Lock:
        """Return what the rows and parts of a batch are encrypted with."""
        secret = self._db.run(select(batches.c.secret).where(batches.c.key == key)).scalar_one()
        return self._ledger.at_rest.unlock(batch_name(key), bytes(secret))

    def list(self, after: str, limit: int) -> tuple[list[Batch], str]:
        """Return batches, the newest first, and where the next page begins; "" after the last.

        Args:
            after: As returned before; "" for the first page.
            limit: The most batches, at most `MOST`.

        Raises:
            NotFoundError: BATCH_UNKNOWN; `after` is none of these.
        """
        query = select(*_PLAIN).where(self._within)
        if after:
            last = self.find(after)
            earlier = and_(batches.c.at == last.at, batches.c.key < last.key)
            query = query.where(or_(batches.c.at < last.at, earlier))
        limit = min(limit, MOST)
        rows = self._db.run(query.order_by(batches.c.at.desc(), batches.c.key.desc()).limit(limit + 1)).all()
        return [_batch(row) for row in rows[:limit]], rows[limit - 1].key if len(rows) > limit else ""

    def start(self, key: str, now: datetime) -> Batch:
        """Begin to issue what is good of a batch that is ready, as the ledger's actor.

        Raises:
            IssuanceError: BATCH_STATE; it is not.
        """
        with self._db.transaction():
            self._move(key, (BatchState.READY,), BatchState.RUNNING, started_at=now)
            batch = self.find(key)
            mine = (batch_rows.c.batch == key) & (batch_rows.c.state == RowState.GOOD)
            ends = select(func.min(batch_rows.c.row).label("first"), func.max(batch_rows.c.row).label("last"))
            good, size = self._db.run(ends.where(mine)).one(), CHUNK_WITH_FILES if batch.files else CHUNK
            starts = range(good.first, good.last + 1, size)
            self._db.add(batch_chunks, [{"batch": key, "first": one, "last": one + size - 1} for one in starts])
            self._audit.record("batch.start", key, now, details={"licences": batch.good})
        return batch

    def hand_out(self, key: str, file: str, now: datetime) -> None:
        """Write to the audit log that one of a batch's files is handed out.

        Raises:
            NotFoundError: BATCH_UNKNOWN.
        """
        self.find(key)
        with self._db.transaction():
            self._audit.record("batch.read", key, now, details={"file": file})

    def cancel(self, key: str, now: datetime) -> Batch:
        """End a batch: what was issued stays issued, nothing more is, and its applications are forgotten.

        Raises:
            IssuanceError: BATCH_STATE; it has ended.
        """
        with self._db.transaction():
            going_on = [state for state in BatchState if not state.ended]
            self._move(key, going_on, BatchState.CANCELLED, ended_at=now, worker=None)
            for table in (batch_chunks, batch_parts):
                self._db.run(delete(table).where(table.c.batch == key))
            self._db.run(update(batch_rows).where(batch_rows.c.batch == key).values(application=None))
            self._audit.record("batch.cancel", key, now)
        return self.find(key)

    def _move(self, key: str, before: Sequence[BatchState], after: BatchState, **values: Any) -> None:
        """Take a batch from one of the states `before` to `after`."""
        mine = (batches.c.key == key) & batches.c.state.in_(before) & self._within
        if self._db.run(update(batches).where(mine).values(state=after, **values)).rowcount != 1:
            raise IssuanceError(Reason.BATCH_STATE, f"the batch is {self.find(key).state}")


def new_key() -> str:
    """Return the key of a new batch."""
    return secrets.token_urlsafe(16)


def _batch(row: Row[Any]) -> Batch:
    raw = dict(row._mapping)  # noqa: SLF001  (a public name with an underscore, as in namedtuple)
    waits = row.state == BatchState.READY and row.proposal is not None
    return Batch(
        **raw
        | {
            "state": BatchState.WAITING if waits else BatchState(row.state),
            "digest": bytes(row.digest),
            "form": json.loads(row.form or "{}"),
            "columns": tuple(json.loads(row.columns or "[]")),
            "problem": json.loads(row.problem or "{}"),
        }
    )
