"""The right to validate a batch: one worker's at a time, lost when it is not renewed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from api.batches.checking import problem_of
from api.batches.states import BatchState
from api.service_schema import batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from api.ledger import SqlLedger
    from ecert.errors import EcertError


class ClaimLostError(Exception):
    """Somebody else is at work on it, or it was cancelled: what was about to be written is not."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to validate one batch, renewed with everything it writes.

    Attributes:
        worker: Who has it.
        clock: Returns the time.
        lease: How long it lasts without being renewed.
    """

    worker: str
    clock: Callable[[], datetime]
    lease: timedelta

    def take(self, ledger: SqlLedger) -> str | None:
        """Take the oldest batch that nobody validates; return its key."""
        now, db = self.clock(), ledger.database
        free = or_(batches.c.worker_until.is_(None), batches.c.worker_until <= now)
        query = select(batches.c.key).where(batches.c.state == BatchState.VALIDATING, free).order_by(batches.c.at)
        if db.row(query.limit(1)) is None:
            return None
        with db.transaction():
            row = db.row(query.limit(1))
            if row is not None:
                mine = {"worker": self.worker, "worker_until": now + self.lease}
                db.run(update(batches).where(batches.c.key == row.key).values(**mine))
        return None if row is None else str(row.key)

    def write(self, ledger: SqlLedger, key: str, **values: Any) -> None:
        """Change the batch, in the transaction under way.

        Raises:
            ClaimLostError: it is not this worker's any more.
        """
        mine = (batches.c.key == key) & (batches.c.worker == self.worker) & (batches.c.state == BatchState.VALIDATING)
        until = {"worker_until": self.clock() + self.lease}
        if ledger.database.run(update(batches).where(mine).values(**until | values)).rowcount != 1:
            raise ClaimLostError(key)

    def put_off(self, ledger: SqlLedger, key: str, error: EcertError, until: datetime) -> None:
        """Leave a batch that cannot be validated now until later, and say why.

        Raises:
            ClaimLostError: as `write`.
        """
        said = json.dumps(problem_of(error), ensure_ascii=False)
        with ledger.database.transaction():
            self.write(ledger, key, problem=said, worker_until=until)
