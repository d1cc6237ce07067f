"""How far a batch has come, as it happens: server-sent events, one at every change, to whoever follows.

data: {"state": "running", "rows": 20000, "done": 4500, "issued": 4500, "failed": 12}
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from api.batches.book import BatchBook
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from api.batches.book import Batch
    from api.office import Office

LOOK: Final = 1.0
"""Seconds between two looks."""
MOST: Final = 16
"""The most streams of one caller."""
_LONGEST: Final = 300
"""Looks of one stream: a browser then asks again, and whether it may is looked at again."""
_STILL_THERE: Final = 15
"""After how many looks without a change a comment is sent, so that nobody on the way thinks the connection dead."""


def event(batch: Batch) -> str:
    """Return an event."""
    now = {"state": batch.state, "rows": batch.total, "done": batch.done}
    return f"data: {json.dumps(now | {'issued': batch.issued, 'failed': batch.failed})}\n\n"


def follow(office: Office, caller: str, key: str) -> AsyncGenerator[str]:
    """Send events until the batch moves no more by itself, for some minutes at most.

    Raises:
        Problem: RATE_LIMITED; the caller follows `MOST` already.
    """
    if office.streams[caller] >= MOST:
        raise Problem(Code.RATE_LIMITED, f"at most {MOST} followed at once", headers={"Retry-After": "5"})
    return _events(office, caller, key)


async def _events(office: Office, caller: str, key: str) -> AsyncGenerator[str]:
    office.streams[caller] += 1
    try:
        last, silent = "", 0
        for _ in range(_LONGEST):
            batch = await office.pool.ask(lambda ledger: BatchBook(ledger).find(key))
            now, silent = event(batch), silent + 1
            if now != last:
                last, silent = now, 0
                yield now
            elif silent >= _STILL_THERE:
                silent = 0
                yield ": \n\n"
            if not batch.state.moves:
                return
            await asyncio.sleep(LOOK)
    finally:
        office.streams[caller] -= 1
