"""Everything the service works with: what the publisher answers with, and the issuing service where there is one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from api.desk import LedgerDesk
from api.heads import Heads
from api.health import HealthDesk
from api.published_files import PublishedFiles
from api.receipts import ReceiptDesk
from ecert.web.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from api.office import Office


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes ask.

    Attributes:
        files: The published folder.
        heads: Who waits for news of a region.
        ledgers: The ledgers of the regions that publish here.
        receipts: What windows report.
        health: How everything fares.
        metrics: The same, in numbers.
        office: The issuing service; None: this process publishes only.
    """

    files: PublishedFiles
    heads: Heads
    ledgers: LedgerDesk
    receipts: ReceiptDesk
    health: HealthDesk
    metrics: Metrics
    office: Office | None = None

    async def run(self) -> None:
        """Do what goes on beside requests, until cancelled."""
        others = () if self.office is None else (self.office.run(),)
        await asyncio.gather(self.receipts.run(), *others)

    async def close(self) -> None:
        """Let go of everything."""
        await self.receipts.close()
        if self.office is not None:
            await self.office.close()
        await asyncio.to_thread(self.ledgers.close)


def open_services(
    published: Path, ledgers: Sequence[str], clock: Callable[[], datetime], office: Office | None = None
) -> Services:
    """Open and check everything, before a port is bound.

    Args:
        published: The published folder.
        ledgers: The ledgers of the regions that publish there; windows are registered in the first.
        clock: Returns the time.
        office: The issuing service, where this process is one; closed with the rest.

    Raises:
        EcertError: the registry does not verify, or a ledger cannot be used.
        OSError: a ledger is not there.
    """
    metrics = Metrics()
    health = HealthDesk(published, clock, metrics)
    files = PublishedFiles(published)
    heads, desk = Heads(files), LedgerDesk(ledgers)
    receipts = ReceiptDesk(desk, clock)
    waiting = Gauge("ecert_waiting", "Requests that wait for news.", registry=metrics.registry)
    waiting.set_function(lambda: heads.waiting)
    received = Gauge("ecert_receipts", "Receipts taken since the start.", registry=metrics.registry)
    received.set_function(lambda: receipts.received)
    if office is not None:
        keys = Gauge("ecert_key_answers", "Whether the signing keys answer, 1 or 0.", registry=metrics.registry)
        keys.set_function(lambda: office.keys.last)
    return Services(files, heads, desk, receipts, health, metrics, office)
