"""Windows in this process, each with its own way to a site and to publishers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ecert.holdings import Holdings
from tests.verifier.province import REGION, Province, now
from verifier.keeper import Keeper
from verifier.publisher import open_publisher
from verifier.refresh import Refresher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from datetime import datetime

    from verifier.site import Site


class Window:
    """A process of a site, in this one: its keeper, and what refreshes it."""

    def __init__(self, province: Province, site: Site, *urls: str, clock: Callable[[], datetime] = now) -> None:
        self.keeper = Keeper(Holdings(province.root), clock)
        self.refresher = Refresher(self.keeper, site, [open_publisher(url) for url in urls])

    @property
    def sequence(self) -> int:
        return self.keeper.sequence(REGION)

    async def reaches(self, sequence: int, seconds: float = 10) -> float:
        """Wait until the window has come so far; return how long that took."""
        return await until(lambda: self.sequence >= sequence, seconds)


async def until(done: Callable[[], bool], seconds: float = 10) -> float:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@asynccontextmanager
async def running(*windows: Window) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(window.refresher.run()) for window in windows]
    try:
        yield
        assert not any(task.done() for task in tasks), "a refresher ended"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for window in windows:
            await window.refresher.close()


def run(body: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(90):
            await body

    asyncio.run(bounded())
