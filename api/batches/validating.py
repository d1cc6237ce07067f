"""Validation of a batch: every row read and checked, what it asks for or its problems kept, as far as it has come.

A row is checked as it will be when it is issued: against its type, what it depends on, what its department may issue,
and the page it is to stand on. Rows are kept in steps, each in one transaction with how far they go; whoever goes on
after a process was killed reads the file again and passes over what was kept.
"""

from __future__ import annotations

import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete

from api.audit import AuditBook
from api.batches.book import Batch, BatchBook
from api.batches.checking import Checker, problem_of
from api.batches.parts import PartsFile
from api.batches.rows import GoodRow, seal_errors, seal_good
from api.batches.states import BatchState, RowState
from api.service_schema import batch_parts, batch_rows
from api.tables import open_table
from ecert.errors import EcertError, IssuanceError, MalformedError, Reason

if TYPE_CHECKING:
    from api.batches.claims import Claim
    from api.ledger import SqlLedger
    from api.tables import Row, Table

STEP: Final = 500
"""How many rows are kept in one transaction."""


class Validation:
    """Validates one batch that was claimed."""

    def __init__(self, ledger: SqlLedger, batch: Batch, checker: Checker, claim: Claim) -> None:
        """Go on where `batch` stands."""
        self._ledger, self._db = ledger, ledger.database
        self._batch, self._checker, self._claim = batch, checker, claim
        self._lock = BatchBook(ledger).lock(batch.key)
        self._checked, self._good = batch.checked, batch.good
        self._due = claim.clock() + claim.lease / 3

    def run(self) -> None:
        """Validate to the end.

        Raises:
            ClaimLostError: somebody else does, or it was cancelled.
            EcertError: it cannot be validated now.
        """
        try:
            self._read()
        except (MalformedError, IssuanceError) as error:
            self._end(error, forget=True)
            return
        nothing = EcertError(Reason.BATCH_NOTHING_GOOD, f"{self._checked} rows") if not self._good else None
        self._end(nothing, forget=False)

    def _read(self) -> None:
        parts = PartsFile(self._db, self._batch.key, self._lock, self._batch.size, self._stay)
        with io.BufferedReader(parts) as file:
            table = open_table(file)
            self._note(table)
            self._checker.require_columns(table)
            rows = islice(table.rows, self._checked, None)
            while step := list(islice(rows, STEP)):
                self._keep(step)

    def _stay(self) -> None:
        """Renew the claim while nothing is written: rows that were kept before are passed over for minutes."""
        now = self._claim.clock()
        if now >= self._due:
            self._due = now + self._claim.lease / 3
            with self._db.transaction():
                self._claim.write(self._ledger, self._batch.key)

    def _note(self, table: Table) -> None:
        """Write down what the file turned out to be."""
        form = {"form": table.form.value, "encoding": table.encoding and table.encoding.value, "sheet": table.sheet}
        said = {name: value for name, value in form.items() if value}
        with self._db.transaction():
            what = {"form": _json(said), "columns": _json(table.columns), "problem": ""}
            self._claim.write(self._ledger, self._batch.key, **what)

    def _keep(self, step: list[Row]) -> None:
        kept = [self._row(row) for row in step]
        self._checked += len(kept)
        self._good += sum(one["state"] == RowState.GOOD for one in kept)
        counts = {"checked": self._checked, "good": self._good, "failed": self._checked - self._good}
        with self._db.transaction():
            self._claim.write(self._ledger, self._batch.key, **counts)
            self._db.add(batch_rows, kept)

    def _row(self, row: Row) -> dict[str, Any]:
        outcome, explained = self._checker.check(row)
        if isinstance(outcome, GoodRow):
            return self._kept(row, RowState.GOOD, application=seal_good(self._lock, row.number, outcome))
        return self._kept(row, RowState.WRONG, errors=seal_errors(self._lock, row.number, explained))

    def _kept(self, row: Row, state: RowState, **content: bytes) -> dict[str, Any]:
        key = {"batch": self._batch.key, "row": row.number, "state": state}
        return key | {"application": None, "errors": None} | content

    def _end(self, error: EcertError | None, *, forget: bool) -> None:
        """End it: ready to be issued, or refused; of a file that is none, no row is kept."""
        key, now = self._batch.key, self._claim.clock()
        if error is None:
            how: dict[str, Any] = {"state": BatchState.READY, "rows": self._checked}
        else:
            how = {"state": BatchState.REFUSED, "problem": _json(problem_of(error)), "ended_at": now}
            how |= dict.fromkeys(("checked", "good", "failed"), 0) if forget else {"rows": self._checked}
        with self._db.transaction():
            self._claim.write(self._ledger, key, **how | {"worker": None, "worker_until": None})
            self._db.run(delete(batch_parts).where(batch_parts.c.batch == key))
            if forget:
                self._db.run(delete(batch_rows).where(batch_rows.c.batch == key))
            outcome = "ok" if error is None else error.reason.value
            counts = {"rows": self._checked, "good": self._good}
            AuditBook(self._db).record("batch.validate", key, now, outcome=outcome, details=counts)


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
