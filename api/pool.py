"""A ledger as the issuing service asks it: by several threads, each with a connection of its own.

So no request waits for a disk, and questions do not wait for each other. Writers take turns in the database
(`api.database`).
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import select

from api.database import DATABASE_ERRORS
from api.ledger import SqlLedger

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecert.sm2 import Vault

T = TypeVar("T")

THREADS: Final = 4
PATIENCE: Final = 3.0
"""Seconds that a database has to show that it is there."""
SERVICE: Final = "service"
"""Who does what nobody asked for, in the audit log."""


class LedgerPool:
    """Asks one ledger."""

    def __init__(self, location: str, vault: Vault | None, threads: int = THREADS) -> None:
        """Open the ledger once, to know that it can be used.

        Raises:
            EcertError: it cannot be used, or its key is not at hand.
            OSError: the file cannot be opened.
        """
        self._location, self._vault = location, vault
        self._mine = threading.local()
        self._opened: list[SqlLedger] = []
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ledger")
        try:
            self._threads.submit(lambda: self._ledger().at_rest).result()
        except BaseException:
            self.close()
            raise

    async def ask(self, work: Callable[[SqlLedger], T], *, actor: str = SERVICE) -> T:
        """Return what `work` returns, done in a thread by `actor`; an error comes back as it is."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.do, work, actor)

    async def answers(self) -> bool:
        """Tell whether the database answers within `PATIENCE`."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.ask(lambda ledger: ledger.database.number(select(1)))
        except (TimeoutError, *DATABASE_ERRORS):
            return False
        return True

    def do(self, work: Callable[[SqlLedger], T], actor: str = SERVICE) -> T:
        """Do the same in this thread."""
        ledger = self._ledger()
        ledger.database.actor = actor
        return work(ledger)

    def _ledger(self) -> SqlLedger:
        found: SqlLedger | None = getattr(self._mine, "ledger", None)
        if found is None:
            found = self._mine.ledger = SqlLedger(self._location, vault=self._vault)
            self._opened.append(found)
        return found

    def close(self) -> None:
        """Close the ledger after the last question."""
        self._threads.shutdown()
        for ledger in self._opened:
            ledger.database.close()
