"""Ledgers as a service asks them: in one thread of their own, so that no request waits for a disk."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from api.chain import ChainBook
from api.issued import IssuedBook
from api.ledger import SqlLedger
from api.windows import Propagation, WindowBook
from ecert.errors import EcertError, NotFoundError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Books:
    """The ledgers of a publisher, open; windows and receipts are kept in the first."""

    def __init__(self, locations: Sequence[str]) -> None:
        """Open the ledgers.

        Raises:
            EcertError: one cannot be used.
            OSError: one is not there.
        """
        self.ledgers = [SqlLedger(one, create=False) for one in locations]
        self.windows = WindowBook(self.ledgers[0].database)

    def propagation(self) -> list[Propagation]:
        """Return how far the newest step of each ledger's region has come."""
        found = (self.windows.propagation(ChainBook(ledger.database)) for ledger in self.ledgers)
        return [one for one in found if one is not None]

    def prove(self, region: str, digest: bytes) -> bytes:
        """Return the evidence that a licence was issued in a region, see `IssuedBook.prove`.

        Raises:
            NotFoundError: it was not, or no ledger of that region is here.
        """
        for ledger in self.ledgers:
            if ChainBook(ledger.database).region == region:
                return IssuedBook(ledger.database).prove(digest)
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"no ledger of region {region} is here")

    def close(self) -> None:
        """Close the ledgers."""
        for ledger in self.ledgers:
            ledger.database.close()


class LedgerDesk:
    """Asks the ledgers, one question after the other."""

    def __init__(self, locations: Sequence[str]) -> None:
        """Open the ledgers.

        Raises:
            EcertError: there is none, one cannot be used, or one is not there.
        """
        if not locations:
            raise EcertError(Reason.USAGE, "at least one ledger is needed: --ledger FILE")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        try:
            self._books = self._thread.submit(Books, locations).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def ask(self, question: Callable[[Books], T]) -> T:
        """Return the answer to a question."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._books)

    def close(self) -> None:
        """Close the ledgers after the last question."""
        self._thread.submit(self._books.close).result()
        self._thread.shutdown()
