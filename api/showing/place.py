"""What showing, consent and use of one region's licences stand on: its ledger, its issuers, the store of showings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from datetime import datetime

    from api.departments import Departments
    from api.pool import LedgerPool
    from api.registry import CurrentRegistry
    from ecert.ofd.fonts import FontSet
    from ecert.ports import ShowingStore
    from ecert.presentation import LegalBases

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """One region's service, as far as licences are shown there.

    Attributes:
        region: Its code, 6 digits.
        portal_host: The host in the text of codes.
        pool: The ledger.
        departments: Who issues there.
        registry: The trust registry as it is now.
        bases: The legal bases on which units see licences without asking.
        store: Where showings are kept.
        fonts: What pages are set in.
        drawing: Threads that draw.
        clock: Returns the time.
    """

    region: str
    portal_host: str
    pool: LedgerPool
    departments: Departments
    registry: CurrentRegistry
    bases: LegalBases
    store: ShowingStore
    fonts: FontSet
    drawing: Executor
    clock: Callable[[], datetime]

    def now(self) -> datetime:
        """Return the time in whole seconds, as it is written down."""
        return self.clock().replace(microsecond=0)

    async def draw(self, work: Callable[[], T]) -> T:
        """Return what `work` draws."""
        return await asyncio.get_running_loop().run_in_executor(self.drawing, work)
