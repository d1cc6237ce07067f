"""Waiting for news of a region: one look at its `head.json` for everybody who waits."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from api.published_files import File, PublishedFiles

LONGEST_WAIT: Final = 25
"""The most seconds that an answer is held back."""
MAX_WAITING: Final = 20_000
"""The most requests that wait at the same time."""
_PAUSE: Final = 0.05
"""Seconds between two looks."""


class _Region:
    """Those who wait for one region, and the task that looks for them."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.waiting = 0
        self.looking: asyncio.Task[None] | None = None


class Heads:
    """The hints of all regions."""

    def __init__(self, files: PublishedFiles) -> None:
        """Look into the published folder."""
        self._files = files
        self._regions: dict[str, _Region] = {}
        self.waiting = 0

    async def find(self, region: str, *, after: int = 0, wait: int = 0) -> File | None:
        """Return a region's hint, as soon as it is beyond `after`, or after `wait` seconds; None: there is none.

        Raises:
            Problem: too many wait already.
        """
        path = f"status/{region}/head.json"
        found = await self._files.find(path)
        if found is None or wait == 0 or _sequence(found) > after:
            return found
        if self.waiting >= MAX_WAITING:
            raise Problem(Code.BUSY, headers={"Retry-After": "5"})
        state = self._regions.setdefault(region, _Region())
        self._begin(region, path, state)
        try:
            async with asyncio.timeout(wait):
                while found is not None and _sequence(found) <= after:
                    await state.changed.wait()
                    found = await self._files.find(path)
        except TimeoutError:
            pass
        finally:
            self._end(region, state)
        return found

    def _begin(self, region: str, path: str, state: _Region) -> None:
        self.waiting += 1
        state.waiting += 1
        if state.looking is None:
            state.looking = asyncio.create_task(self._look(path, state), name=f"look at {region}")

    def _end(self, region: str, state: _Region) -> None:
        self.waiting -= 1
        state.waiting -= 1
        if not state.waiting and state.looking is not None:
            state.looking.cancel()
            del self._regions[region]

    async def _look(self, path: str, state: _Region) -> None:
        """Call everybody whenever the file has changed."""
        held = await self._files.find(path)
        while True:
            await asyncio.sleep(_PAUSE)
            found = await self._files.find(path)
            if found is not held:
                held, called = found, state.changed
                state.changed = asyncio.Event()
                called.set()


def _sequence(file: File) -> int:
    """Return how far the hint says that the chain has come; 0 for one that says nothing."""
    try:
        return int(json.loads(file.data)["sequence"])
    except (ValueError, TypeError, KeyError):
        return 0
