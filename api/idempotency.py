"""A request that comes again is answered as the first time: what it did is not done twice.

The caller names each operation by an `Idempotency-Key`. The first request with a key takes it; its answer is kept in
the transaction of what it does, encrypted, since answers may be personal. A request that was never finished, because
the process died, gives its key back after `GIVEN_UP`: then nothing was done either.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from api.service_schema import idempotency
from ecert.sm2 import Place, sm3
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.ledger import SqlLedger

KEPT: Final = timedelta(days=7)
"""How long answers are kept."""
GIVEN_UP: Final = timedelta(minutes=5)
_KEY: Final = re.compile(r"[!-~]{8,64}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: an HTTP status, and the body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that must not be done twice.

    Attributes:
        caller: Who asks, by identifier: other people's keys are not there for them.
        key: The `Idempotency-Key`, 8 to 64 visible ASCII characters.
        fingerprint: SM3 over method, path and body, 32 bytes.
        owner: Tells this attempt from another one with the same key.
    """

    caller: str
    key: str
    fingerprint: bytes
    owner: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of(cls, caller: str, key: str | None, method: str, path: str, body: bytes) -> Attempt:
        """Make it of a request.

        Raises:
            Problem: IDEMPOTENCY_KEY_MISSING; there is no key, or it has another form.
        """
        if key is None or not _KEY.fullmatch(key):
            raise Problem(Code.IDEMPOTENCY_KEY_MISSING, "8 to 64 visible ASCII characters")
        return cls(caller, key, sm3(f"{method} {path}\n".encode() + body))

    def begin(self, ledger: SqlLedger, now: datetime) -> Answer | None:
        """Take the key.

        Returns:
            The answer, when this was done before.

        Raises:
            Problem: IDEMPOTENCY_KEY_RUNNING or IDEMPOTENCY_KEY_REUSED.
        """
        mine = (idempotency.c.caller == self.caller) & (idempotency.c.key == self.key)
        with ledger.database.transaction():
            ledger.database.run(delete(idempotency).where(idempotency.c.at < now - KEPT))
            row = ledger.database.row(select(idempotency).where(mine))
            if row is not None and row.status is None and row.at < now - GIVEN_UP:
                ledger.database.run(delete(idempotency).where(mine))
                row = None
            if row is None:
                ledger.database.add(
                    idempotency,
                    [asdict(self) | {"at": now}],
                )
                return None
        if row.fingerprint != self.fingerprint:
            raise Problem(Code.IDEMPOTENCY_KEY_REUSED)
        if row.status is None:
            raise Problem(Code.IDEMPOTENCY_KEY_RUNNING, headers={"Retry-After": "1"})
        return Answer(row.status, ledger.at_rest.vault.decrypt(row.answer, self._place))

    def finish(self, ledger: SqlLedger, answer: Answer) -> None:
        """Keep the answer: in the transaction of what was done.

        Raises:
            Problem: IDEMPOTENCY_KEY_RUNNING; this took so long that it was given up, and another attempt has the key.
        """
        sealed = ledger.at_rest.vault.encrypt(answer.body, self._place)
        kept = update(idempotency).where(self._own).values(status=answer.status, answer=sealed)
        if ledger.database.run(kept).rowcount != 1:
            raise Problem(Code.IDEMPOTENCY_KEY_RUNNING, headers={"Retry-After": "1"})

    def abandon(self, ledger: SqlLedger) -> None:
        """Give the key back: nothing was done."""
        ledger.database.run(delete(idempotency).where(self._own, idempotency.c.status.is_(None)))

    def once(self, ledger: SqlLedger, now: datetime, work: Callable[[], Answer]) -> Answer:
        """Do something, unless it was done before; `work` keeps its answer by `finish`.

        Raises:
            Problem: as `begin`; the key is given back when `work` fails, since nothing was done then.
        """
        known = self.begin(ledger, now)
        if known is not None:
            return known
        try:
            return work()
        except BaseException:
            self.abandon(ledger)
            raise

    @property
    def _own(self) -> ColumnElement[bool]:
        mine = (idempotency.c.caller == self.caller) & (idempotency.c.key == self.key)
        return mine & (idempotency.c.owner == self.owner)

    @property
    def _place(self) -> Place:
        return Place("idempotency", f"{self.caller}/{self.key}", "answer")
