"""Receipts of propagation: how far this window has come, told to its publishers, who can then see who lags behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import EcertError
from ecert.report import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verifier.keeper import Keeper
    from verifier.publisher import Publisher

PATH: Final = "api/v1/receipts"
PAUSE: Final = 1.0
"""The least seconds between two receipts; what happens meanwhile is in the next one."""


class Receipts:
    """Sends a receipt to every publisher after something new was taken. A failure is counted, and nobody waits."""

    def __init__(self, keeper: Keeper, publishers: Sequence[Publisher], token: str) -> None:
        """Report of `keeper` with the window's bearer `token`."""
        self.sent = 0
        self.failed = 0
        self._keeper = keeper
        self._publishers = tuple(publishers)
        self._token = token
        self._changed = keeper.changes()
        self._changed.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._keeper.holdings.registry is not None:
                content = self._content()
                await asyncio.gather(*(self._send(publisher, content) for publisher in self._publishers))
            await asyncio.sleep(PAUSE)

    def _content(self) -> dict[str, Any]:
        holdings = self._keeper.holdings
        return {
            "registry": holdings.registry.version if holdings.registry else 0,
            "regions": {region: status.sequence for region, status in holdings.status.regions.items()},
            "at": timestamp(self._keeper.clock()),
        }

    async def _send(self, publisher: Publisher, content: dict[str, Any]) -> None:
        try:
            await publisher.post(PATH, content, self._token)
            self.sent += 1
        except EcertError as error:
            self.failed += 1
            self._keeper.note("receipts", error)
        else:
            self._keeper.well("receipts")
