"""A chunk of a batch: claimed, issued, and gone in the same transaction."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, select, update

from api.audit import AuditBook
from api.batches.book import BatchBook
from api.batches.checking import problem_of, problem_with
from api.batches.rows import open_good, seal_errors
from api.batches.states import BatchState, RowState
from api.catalogue.book import TypeBook
from api.service_schema import batch_chunks, batch_rows, batches, licences
from api.tables import Row, RowErrors
from ecert.errors import IssuanceError, Reason
from ecert.issuance import find_parents, issue_all, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from api.batches.book import Batch
    from api.departments import Issuer
    from api.ledger import SqlLedger
    from ecert.errors import EcertError
    from ecert.issuance import Prepared
    from ecert.licence.application import Application
    from ecert.ports import Completion, Parent

_NOT_OF_A_ROW = (Reason.LEDGER_CONFLICT, Reason.KEY_MISMATCH, Reason.BATCH_STATE)
"""What no other row of the chunk would fare better with."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a batch that one worker issues: those from `first` to `last`, both included, that are good."""

    batch: str
    first: int
    last: int


def take_chunk(ledger: SqlLedger, worker: str, now: datetime, lease: timedelta) -> Chunk | None:
    """Take the first chunk that nobody is at work on; None when there is none."""
    db = ledger.database
    free = or_(batch_chunks.c.worker_until.is_(None), batch_chunks.c.worker_until <= now)
    query = (
        select(batch_chunks.c.batch, batch_chunks.c.first, batch_chunks.c.last)
        .join(batches, batches.c.key == batch_chunks.c.batch)
        .where(free)
        .order_by(batches.c.started_at, batch_chunks.c.batch, batch_chunks.c.first)
        .limit(1)
    )
    if db.row(query) is None:
        return None
    with db.transaction():
        row = db.row(query)
        if row is None:
            return None
        chunk = Chunk(row.batch, row.first, row.last)
        db.run(update(batch_chunks).where(_is(chunk)).values(worker=worker, worker_until=now + lease))
    return chunk


def put_off(ledger: SqlLedger, chunk: Chunk, error: EcertError, until: datetime) -> None:
    """Leave a chunk that cannot be issued now until later, and say in its batch why."""
    said = json.dumps(problem_of(error), ensure_ascii=False)
    with ledger.database.transaction():
        ledger.database.run(update(batches).where(batches.c.key == chunk.batch).values(problem=said))
        ledger.database.run(update(batch_chunks).where(_is(chunk)).values(worker_until=until))


class ChunkIssue:
    """Issues the rows of one chunk."""

    def __init__(
        self, ledger: SqlLedger, batch: Batch, chunk: Chunk, issuer: Issuer, clock: Callable[[], datetime]
    ) -> None:
        """Issue for the department that `batch` is of."""
        self._ledger, self._db = ledger, ledger.database
        self._batch, self._chunk, self._issuer, self._clock = batch, chunk, issuer, clock
        self._files = issuer.files if batch.files else None
        self._lock = BatchBook(ledger).lock(batch.key)
        self._types = TypeBook(ledger.database)
        self._failed: dict[int, IssuanceError] = {}
        self._papers: dict[int, str] = {}

    def run(self) -> None:
        """Issue what can be issued, and note of every other row why not.

        Raises:
            EcertError: nothing can be issued now; nothing was done.
        """
        ready = self._prepare()
        try:
            self._issue(ready, last=True)
        except IssuanceError as error:
            if error.reason in _NOT_OF_A_ROW or not ready:
                raise
            self._one_by_one(ready)

    def _one_by_one(self, ready: dict[int, tuple[Prepared, tuple[Parent, ...]]]) -> None:
        """Find the row that no licence can be made of: it stops no other."""
        for row, one in ready.items():
            try:
                self._issue({row: one}, last=False)
            except IssuanceError as error:
                if error.reason in _NOT_OF_A_ROW:
                    raise
                self._failed[row] = error
        self._issue({}, last=True)

    def _prepare(self) -> dict[int, tuple[Prepared, tuple[Parent, ...]]]:
        rows = batch_rows.c
        mine = (rows.batch == self._batch.key) & rows.row.between(self._chunk.first, self._chunk.last)
        good = (rows.state == RowState.GOOD) & rows.application.is_not(
            None
        )  # of a batch that was cancelled there is none
        query = select(rows.row, rows.application).where(mine, good).order_by(rows.row)
        ready = {}
        for row in self._db.run(query).all():
            asked = open_good(self._lock, row.row, bytes(row.application))
            if asked.paper_serial:
                self._papers[row.row] = asked.paper_serial
            try:
                ready[row.row] = self._prepare_one(asked.application)
            except IssuanceError as error:
                self._failed[row.row] = error
        return ready

    def _prepare_one(self, application: Application) -> tuple[Prepared, tuple[Parent, ...]]:
        parents = find_parents(application, self._ledger, {}) if application.parents else ()
        definition = self._types.published(application.type_code).definition
        ready = prepare(
            application,
            definition,
            self._issuer.key,
            sealed_at=self._clock(),
            entropy=secrets.token_bytes,
            files=self._files,
        )
        return ready, parents

    def _issue(self, ready: dict[int, tuple[Prepared, tuple[Parent, ...]]], *, last: bool) -> None:
        rows = list(ready)

        def note(done: Sequence[Completion]) -> None:
            self._note({row: one.identifier.text for row, one in zip(rows, done, strict=True)}, last=last)

        if not ready:
            with self._db.transaction():
                note(())
            return
        with self._ledger.also(note, batch=self._batch.key):
            issue_all(
                list(ready.values()),
                signer=self._issuer.signer,
                ledger=self._ledger,
                now=self._clock,
                entropy=secrets.token_bytes,
            )

    def _note(self, issued: dict[int, str], *, last: bool) -> None:
        """Write down in the transaction under way which licence each row became, and the paper of each.

        Raises:
            IssuanceError: BATCH_STATE; a row was issued by another process, or the batch was cancelled.
        """
        failed = self._failed if last else {}
        key, count = self._batch.key, batches.c
        going_on = (count.key == key) & (count.state == BatchState.RUNNING)
        counts = {"issued": count.issued + len(issued), "failed": count.failed + len(failed), "problem": ""}
        changed = self._db.run(update(batches).where(going_on).values(**counts)).rowcount
        values = [self._row(row, RowState.ISSUED, identifier=name) for row, name in issued.items()]
        values += [self._row(row, RowState.FAILED, errors=self._explain(row)) for row in failed]
        if changed != 1 or self._db.change(_CHANGE, values) != len(values):
            raise IssuanceError(Reason.BATCH_STATE, "the batch was cancelled, or another process was faster")
        papers = [{"of": name, "paper": self._papers[row]} for row, name in issued.items() if row in self._papers]
        self._db.change(_NOTE_PAPER, papers)
        if last:
            self._close()

    def _row(self, row: int, state: RowState, **content: Any) -> dict[str, Any]:
        key = {"of_batch": self._batch.key, "of_row": row, "state": state}
        return key | {"identifier": None, "errors": None} | content

    def _explain(self, row: int) -> bytes:
        error = self._failed[row]
        problems = error.problems or (problem_with(error),)
        return seal_errors(self._lock, row, RowErrors(None).explain(Row(row, problems), problems))

    def _close(self) -> None:
        """Take the chunk away, and end the batch with the last one."""
        key, now = self._batch.key, self._clock()
        self._db.run(delete(batch_chunks).where(_is(self._chunk)))
        if self._db.row(select(batch_chunks.c.first).where(batch_chunks.c.batch == key).limit(1)) is None:
            ended = {"state": BatchState.DONE, "ended_at": now}
            self._db.run(update(batches).where(batches.c.key == key).values(**ended))
            batch = BatchBook(self._ledger).find(key)
            counts = {"issued": batch.issued, "failed": batch.failed}
            AuditBook(self._db).record("batch.end", key, now, details=counts)


_CHANGE = (
    update(batch_rows)
    .where(
        batch_rows.c.batch == bindparam("of_batch"),
        batch_rows.c.row == bindparam("of_row"),
        batch_rows.c.state == RowState.GOOD,
    )
    .values(state=bindparam("state"), identifier=bindparam("identifier"), errors=bindparam("errors"), application=None)
)
_NOTE_PAPER = update(licences).where(licences.c.identifier == bindparam("of")).values(paper_serial=bindparam("paper"))


def _is(chunk: Chunk) -> Any:
    return (batch_chunks.c.batch == chunk.batch) & (batch_chunks.c.first == chunk.first)
