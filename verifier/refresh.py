"""How one process stays up to date: from its site, and from the publishers when it is this process's turn.

One process of a site asks the publishers and shares what it took; the others take it from the site. Whoever hears
nothing from the site for a while, or something that does not verify, asks the publishers itself. The loops end only
when they are cancelled: any error is counted and waited out, longer each time, and what is held stays in use.

Intervals are those of the event loop's monotonic clock: a clock that jumps stops nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, Reason
from verifier.fetching import LONGEST_WAIT
from verifier.publisher_link import PublisherLink
from verifier.site import LEASE
from verifier.site_link import SiteLink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from verifier.keeper import Keeper
    from verifier.publisher import Publisher
    from verifier.site import Site

REGISTRY_EVERY: Final = 10.0
"""Seconds between two looks at a publisher's registry."""
SEALS_EVERY: Final = 60.0
"""Seconds between two looks at a region's seals, by every process: most answers are that nothing changed."""
PATIENCE: Final = 15.0
"""Seconds of silence after which a process asks the publishers though it is another's turn."""
HEAD_START: Final = 2.0
"""Seconds that the site has at the start to say what it knows, before one that does not lead asks elsewhere."""

_BRIEFLY: Final = 1.0
_ABSENT: Final = 5.0
"""Seconds until a publisher is asked again for a region that it does not have."""
_LONGEST_PAUSE: Final = 30.0

_log = logging.getLogger("verifier")


class Refresher:
    """Keeps a keeper up to date; without publishers it knows what its site knows, and never leads it."""

    def __init__(self, keeper: Keeper, site: Site, publishers: Sequence[Publisher]) -> None:
        """Refresh `keeper` from `site` and `publishers`."""
        self.keeper = keeper
        self.site = SiteLink(keeper, site)
        self.publishers = tuple(publishers)
        self._asked: dict[str, float] = {}
        self._begun = 0.0
        self._followed: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Run every loop until cancelled."""
        self._begun = asyncio.get_running_loop().time() - PATIENCE + HEAD_START
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self.keeper.keep_saved())
            loops.create_task(self._forever("site", self.site.follow, LEASE / 4))
            if self.publishers:
                loops.create_task(self._forever("site", self.site.lead, LEASE / 4))
            for publisher in self.publishers:
                link = PublisherLink(self.keeper, publisher, self.site)
                loops.create_task(self._forever("registry", self._registry_of(link, loops)))

    async def close(self) -> None:
        """Save what is held, hand over the lead and let go of every connection."""
        await self.keeper.save()
        await self.site.close()
        for publisher in self.publishers:
            await publisher.close()

    async def _forever(
        self, part: str, step: Callable[[], Awaitable[None]], longest_pause: float = _LONGEST_PAUSE
    ) -> None:
        pause = 0.0
        # Some libraries lose a cancellation that comes together with an answer; the task itself remembers it.
        while not _cancelled():
            try:
                await step()
                pause = 0.0
                continue
            except EcertError as error:
                self.keeper.note(part, error)
            except Exception:  # noqa: BLE001  (an edge of the process: an error of ours must not end the loop either)
                _log.exception("%s", part)
                self.keeper.note(part, EcertError(Reason.INTERNAL, "see the log"))
            pause = min(max(2 * pause, 0.5), longest_pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (jitter)

    def _my_turn(self, part: str) -> bool:
        """Tell whether to ask the publishers about a part now."""
        last = max(self.site.heard(part), self._asked.get(part, self._begun))
        return self.site.leading or self.site.silent or asyncio.get_running_loop().time() - last > PATIENCE

    def _registry_of(self, link: PublisherLink, loops: asyncio.TaskGroup) -> Callable[[], Awaitable[None]]:
        async def step() -> None:
            if mine := self._my_turn("registry"):
                await link.take_registry()
                self._asked["registry"] = asyncio.get_running_loop().time()
            for region in self.keeper.regions():
                if (link.publisher.name, region) not in self._followed:
                    self._followed.add((link.publisher.name, region))
                    loops.create_task(self._forever(f"status/{region}", self._status_of(link, region)))
                    loops.create_task(self._forever(f"seals/{region}", self._seals_of(link, region)))
            await asyncio.sleep(REGISTRY_EVERY if mine and self.keeper.regions() else _BRIEFLY)

        return step

    def _status_of(self, link: PublisherLink, region: str) -> Callable[[], Awaitable[None]]:
        part = f"status/{region}"

        async def step() -> None:
            if not self._my_turn(part) or region not in self.keeper.regions():
                await asyncio.sleep(_BRIEFLY)
                return
            began = asyncio.get_running_loop().time()
            news = await link.take_status(region, wait=LONGEST_WAIT if self.site.leading or self.site.silent else 0)
            self._asked[part] = now = asyncio.get_running_loop().time()
            if news is None:
                await asyncio.sleep(_ABSENT)
            elif not news and now - began < _BRIEFLY:
                await asyncio.sleep(_BRIEFLY)

        return step

    def _seals_of(self, link: PublisherLink, region: str) -> Callable[[], Awaitable[None]]:
        async def step() -> None:
            await link.take_seals(region)
            await asyncio.sleep(SEALS_EVERY)

        return step


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
