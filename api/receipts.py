"""Receipts of windows, as they come in: held in memory for a moment, and written together."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.database import DATABASE_ERRORS
from api.windows import Receipt, Window, propagation_json
from ecert.sm2 import sm3
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from api.desk import Books, LedgerDesk

MAX_REGIONS: Final = 512
"""The most regions in a receipt."""
_MAX_NUMBER: Final = 1 << 53
_PAUSE: Final = 0.5
"""Seconds between two writings: thousands of windows take the same delta within one."""
_REMEMBERED: Final = 10_000
_TOKEN: Final = re.compile(r"Bearer ([A-Za-z0-9_-]{20,128})", re.IGNORECASE)
_log = logging.getLogger("ecert.publisher")

_Number = Annotated[int, Field(ge=0, lt=_MAX_NUMBER)]
_Region = Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{6}|[0-9A-Z]{18})$")]


class ReceiptBody(BaseModel):
    """What a window reports: the versions that it holds, and when."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"registry": 7, "regions": {"440000": 123}, "at": "2026-11-23T10:00:00+08:00"}},
    )

    registry: _Number
    regions: Annotated[dict[_Region, _Number], Field(max_length=MAX_REGIONS)]
    at: AwareDatetime


class ReceiptDesk:
    """Takes receipts in, and tells operators how far everything has come."""

    def __init__(self, ledgers: LedgerDesk, clock: Callable[[], datetime]) -> None:
        """Keep receipts in the ledgers' windows."""
        self.received = 0
        self._ledgers = ledgers
        self._clock = clock
        self._known: OrderedDict[bytes, Window] = OrderedDict()
        self._pending: dict[str, Receipt] = {}

    async def authenticate(self, authorization: str | None) -> Window:
        """Return the window whose bearer token came with a request.

        Raises:
            Problem: 401; none, or one that is not registered.
        """
        match = _TOKEN.fullmatch(authorization or "")
        window = await self._find(sm3(match[1].encode("ascii"))) if match else None
        if window is None:
            raise Problem(Code.UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
        return window

    async def _find(self, digest: bytes) -> Window | None:
        window = self._known.get(digest) or await self._ledgers.ask(lambda books: books.windows.find(digest))
        if window is not None:
            self._known[digest] = window
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return window

    def take(self, window: Window, body: ReceiptBody) -> None:
        """Take a receipt in; it replaces the window's last one."""
        self.received += 1
        self._pending[window.name] = Receipt(
            window=window.name,
            registry=body.registry,
            regions=body.regions,
            at=body.at.astimezone(UTC),
            received_at=self._clock(),
        )

    async def flush(self) -> None:
        """Write what came in."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            await self._ledgers.ask(lambda books: books.windows.receive(pending.values()))
        except BaseException:
            self._pending = pending | self._pending
            raise

    async def run(self) -> None:
        """Write what comes in until cancelled; a ledger that cannot be written to is tried again."""
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self.flush()
            except DATABASE_ERRORS as error:
                _log.warning("receipts cannot be written yet: %s", error)

    async def close(self) -> None:
        """Write the last ones, if that can be done."""
        with suppress(*DATABASE_ERRORS):
            await self.flush()

    async def summary(self) -> list[dict[str, object]]:
        """Return how far the newest step of every region has come."""
        await self.flush()
        return await self._ledgers.ask(_summary)


def _summary(books: Books) -> list[dict[str, object]]:
    return [propagation_json(one) for one in books.propagation()]
