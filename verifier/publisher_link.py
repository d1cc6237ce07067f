"""Taking from a publisher what is newer than what is held, and sharing it with the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, NotFoundError, Reason
from verifier.fetching import fetch_delta, fetch_head, fetch_registry, fetch_seals, fetch_snapshot

if TYPE_CHECKING:
    from ecert.holdings import Holdings
    from verifier.fetching import Head
    from verifier.keeper import Keeper
    from verifier.publisher import Publisher
    from verifier.site_link import SiteLink

MANY: Final = 32
"""Deltas behind from which a snapshot is the shorter way."""
LONG_CHAIN: Final = 256
"""Deltas after a snapshot from which a newer snapshot is worth fetching."""


class PublisherLink:
    """One keeper's way to one publisher."""

    def __init__(self, keeper: Keeper, publisher: Publisher, site: SiteLink) -> None:
        """Take from `publisher` into `keeper`, and share with `site`."""
        self.keeper = keeper
        self.publisher = publisher
        self.site = site

    async def take_registry(self) -> bool:
        """Bring the registry up to date, and tell whether it changed.

        Raises:
            UnreachableError: the publisher does not answer.
            EcertError: what it has is refused.
        """
        held = self.keeper.holdings
        files = await fetch_registry(self.publisher, held, self.keeper.clock(), self.keeper.wants)

        def step(holdings: Holdings) -> Holdings:
            # Made from the files held then; if those were replaced meanwhile, the next look will tell.
            return holdings.take_registry(files) if holdings.files is held.files else holdings

        changed = files is not held.files and await self.keeper.take("registry", step)
        if changed:
            await self.site.share_registry()
        self.keeper.well("registry")
        return changed

    async def take_status(self, region: str, *, wait: int = 0) -> bool | None:
        """Bring a region's status up to date, waiting so many seconds for news; tell whether there were any.

        Returns:
            None when the publisher has nothing of the region.

        Raises:
            UnreachableError: the publisher does not answer.
            EcertError: what it has is refused, or does not lead on from what is held.
        """
        held = self.keeper.sequence(region)
        head = await fetch_head(self.publisher, region, after=held, wait=wait)
        if head is None:
            return None
        if head.sequence > held:
            await self._catch_up(region, head)
        if head.sequence >= head.snapshot >= self.keeper.base(region) + LONG_CHAIN:
            await self._take_snapshot(region)
        self.keeper.well(f"status/{region}")
        return self.keeper.sequence(region) > held

    async def take_seals(self, region: str) -> None:
        """Bring the status of a region's seals up to date; a publisher without such a list is passed over.

        Raises:
            UnreachableError: the publisher does not answer.
            EcertError: what it has is refused.
        """
        data = await fetch_seals(self.publisher, region)
        if data is None or data == self.keeper.holdings.seal_lists.get(region):
            return
        try:
            await self.keeper.take_seals(region, data)
        except EcertError as error:
            held = self.keeper.holdings.seals.get(region)
            if held is None or error.reason is not Reason.STATUS_ROLLBACK:
                raise  # an older list than is held is no news: publishers are brought up to date one by one

    async def _catch_up(self, region: str, head: Head) -> None:
        if head.snapshot > self.keeper.sequence(region) + MANY or self.keeper.sequence(region) == 0:
            await self._take_snapshot(region)
        while (held := self.keeper.sequence(region)) < head.sequence:
            if not await self._take_delta(region, held + 1):
                await self._take_snapshot(region)
                if self.keeper.sequence(region) <= held:
                    raise NotFoundError(Reason.STATUS_MISSING, f"{self.publisher.name} has nothing that follows {held}")

    async def _take_delta(self, region: str, sequence: int) -> bool:
        """Take the next delta; False when there is none, or none that leads on from what is held."""
        data = await fetch_delta(self.publisher, region, sequence)
        if data is None:
            return False
        try:
            await self.keeper.take_delta(region, sequence, data)
        except EcertError as error:
            if error.reason not in (Reason.STATUS_GAP, Reason.TOO_LARGE):
                raise
            self.keeper.note(f"status/{region}", error)
            return False
        await self.site.share_delta(region, sequence, data)
        return True

    async def _take_snapshot(self, region: str) -> None:
        data = await fetch_snapshot(self.publisher, region)
        await self.keeper.take_snapshot(region, data)
        await self.site.share_snapshot(region)
