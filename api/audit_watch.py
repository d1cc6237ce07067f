"""Walks the audit log again and again while the service runs, so that its page can say whether it is whole."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.audit import AuditBook
from api.database import DATABASE_ERRORS
from ecert.audit import AuditCheck
from ecert.errors import EcertError, UndeterminedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from api.ledger import SqlLedger
    from api.pool import LedgerPool
    from api.registry import CurrentRegistry

EVERY: Final = 3600.0
"""Seconds from the end of one walk to the next."""
_BREATH: Final = 0.05
"""Seconds between two blocks: requests come first."""
_log = logging.getLogger("ecert.api")


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found.

    Attributes:
        whole: Whether nothing was altered or is missing; None where that cannot be told.
        at: When it ended; None before the first has.
    """

    whole: bool | None = None
    at: datetime | None = None


class AuditWatch:
    """Knows how the log was found last.

    Attributes:
        last: That.
    """

    def __init__(self, pool: LedgerPool, registry: CurrentRegistry, clock: Callable[[], datetime]) -> None:
        """Walk the log of a ledger."""
        self._pool, self._registry, self._clock = pool, registry, clock
        self.last = Walked()

    async def run(self) -> None:
        """Walk it until cancelled."""
        while True:
            self.last = Walked(await self._walk(), self._clock())
            await asyncio.sleep(EVERY)

    async def _walk(self) -> bool | None:
        try:
            registry = await asyncio.to_thread(self._registry.get)
            heads = await self._pool.ask(lambda ledger: AuditBook(ledger.database).heads(registry))
            check = AuditCheck(heads)
            more = True
            while more:
                more = await self._pool.ask(lambda ledger: _go_on(ledger, check))
                await asyncio.sleep(_BREATH)
            check.finish()
        except (UndeterminedError, *DATABASE_ERRORS) as error:
            _log.warning("the audit log cannot be walked: %s", error)
            return None
        except EcertError as error:
            _log.error("the audit log is broken: %s", error)
            return False
        return True


def _go_on(ledger: SqlLedger, check: AuditCheck) -> bool:
    block = AuditBook(ledger.database).block(check.number)
    for _, data in block:
        check.take(data)
    return bool(block)
