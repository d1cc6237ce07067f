"""Taking from the site what others of it took, sharing with it, and putting right what it lost or was told wrongly."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError
from ecert.sm2 import sm3
from ecert.trust.metadata import export_files, read_export
from verifier.site import LEASE, PoisonedError, SilentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ecert.trust.metadata import RegistryFiles
    from verifier.keeper import Keeper
    from verifier.site import Site

LOOK_AGAIN: Final = 5.0
"""Seconds after which the site is read though nobody called, and mended by its leader."""
LOOK_CLOSELY: Final = 60.0
"""Seconds after which the leader reads again even what the site calls unchanged."""
WAIT: Final = 1.0
"""The longest wait for a call, in seconds."""

_log = logging.getLogger("verifier")


class SiteLink:
    """One keeper's way to its site.

    Attributes:
        leading: Whether it is this process that asks the publishers for the site.
        silent: Whether the site failed, and has not been read to the end since.
    """

    def __init__(self, keeper: Keeper, site: Site) -> None:
        """Take from `site` into `keeper`, and share with it."""
        self.keeper = keeper
        self.site = site
        self.leading = False
        self.silent = False
        self._heard: dict[str, float] = {}
        self._seen = -1
        self._look_again = 0.0
        self._look_closely = 0.0
        self._digest = ""
        self._own: tuple[RegistryFiles, str] = ({}, "")

    def heard(self, part: str) -> float:
        """Return when the site last said something good of a part, by the loop's clock."""
        return self._heard.get(part, -math.inf)

    def _hear(self, part: str) -> None:
        self._heard[part] = asyncio.get_running_loop().time()

    async def lead(self) -> None:
        """Take or renew the lead, if it is to be had; call it four times in a lease.

        Raises:
            EcertError: the site cannot be reached.
        """
        try:
            self.leading = await self.site.leads()
        except EcertError:
            self.silent = True
            raise
        await asyncio.sleep(LEASE / 4)

    async def close(self) -> None:
        """Hand over the lead, and let go of connections."""
        try:
            await self.site.resign()
        except EcertError as error:
            _log.info("%s", error)
        await self.site.close()

    # Sharing

    async def share_registry(self) -> None:
        """Share the registry held."""
        await self._share(self._put_registry)

    async def share_snapshot(self, region: str) -> None:
        """Share the snapshot held."""
        await self._share(lambda: self._put_snapshot(region))

    async def share_delta(self, region: str, sequence: int, data: bytes) -> None:
        """Share a delta that was taken."""
        await self._share(lambda: self._put_delta(region, sequence, data))

    async def _share(self, put: Callable[[], Awaitable[None]]) -> None:
        """Share something; a site that fails is not waited for twice, and mended when it is back."""
        if not self.silent:
            try:
                await put()
            except EcertError as error:
                self.silent = isinstance(error, SilentError)
                self.keeper.note("site", error)

    async def _put_snapshot(self, region: str) -> None:
        chain = self.keeper.holdings.chains[region]
        await self.site.put_snapshot(region, chain.base, chain.snapshot)

    async def _put_delta(self, region: str, sequence: int, data: bytes) -> None:
        if not await self.site.put_delta(region, sequence, data):
            self._look_again = 0.0

    async def _put_registry(self) -> None:
        files, digest = self.keeper.holdings.files, await self._own_digest()
        await self.site.put_registry(digest, await asyncio.to_thread(export_files, files))
        self._digest = digest

    async def _own_digest(self) -> str:
        """Return the digest of the registry held, as an export."""
        files = self.keeper.holdings.files
        if self._own[0] is not files:
            self._own = (files, await asyncio.to_thread(lambda: sm3(export_files(files)).hex()))
        return self._own[1]

    # Taking

    async def follow(self) -> None:
        """Wait for news, and take them.

        Raises:
            EcertError: the site cannot be reached.
        """
        try:
            seen = await self.site.wait(self._seen, WAIT)
            now = asyncio.get_running_loop().time()
            if seen != self._seen or now >= self._look_again or self.silent:
                await self._take(now)
        except EcertError:
            self.silent = True
            raise
        self._seen = seen
        self.silent = False
        self.keeper.well("site")

    async def _take(self, now: float) -> None:
        thoroughly = now >= self._look_again
        await self._take_registry(now)
        for region in self.keeper.regions():
            await self._take_status(region)
            if self.leading and thoroughly:
                await self._mend(region)
        if thoroughly:
            self._look_again = now + LOOK_AGAIN

    async def _take_registry(self, now: float) -> None:
        closely = self.leading and now >= self._look_closely
        digest, export = await self.site.registry("" if closely else self._digest)
        if closely:
            self._look_closely = now + LOOK_CLOSELY
        content = digest if export is None else sm3(export).hex()
        if export is not None and content != await self._own_digest():
            await self._take_export(export)
        self._digest = digest
        if self.leading and self.keeper.holdings.registry and {digest, content} != {await self._own_digest()}:
            await self._put_registry()

    async def _take_export(self, export: bytes) -> None:
        try:
            if await self.keeper.take("registry", lambda holdings: holdings.take_export(read_export(export))):
                self._hear("registry")
        except EcertError as error:
            self.keeper.note("registry", error)
            self._heard.pop("registry", None)

    async def _take_status(self, region: str) -> None:
        try:
            found = await self.site.deltas(region, held := self.keeper.sequence(region))
            if held == 0 or (found and found[0][0] != held + 1):
                await self._take_snapshot(region)
                found = await self.site.deltas(region, self.keeper.sequence(region))
            while found:
                for sequence, data in found:
                    await self.keeper.take_delta(region, sequence, data)
                self._hear(f"status/{region}")
                found = await self.site.deltas(region, self.keeper.sequence(region))
        except SilentError:
            raise
        except EcertError as error:
            self.keeper.note(f"status/{region}", error)
            self._heard.pop(f"status/{region}", None)
            if self.leading:
                await self._restore(region)

    async def _take_snapshot(self, region: str) -> None:
        data = await self.site.snapshot(region)
        if data is not None:
            await self.keeper.take_snapshot(region, data)

    # Mending

    async def _mend(self, region: str) -> None:
        """Give the site what it lacks: it was down, flushed, or came back with old data."""
        held, chain = self.keeper.sequence(region), self.keeper.holdings.chains.get(region)
        try:
            reach = await self.site.reach(region)
        except PoisonedError:
            reach = -1
        if chain is None or reach == held:
            return
        if not chain.base <= reach < held or not await self._put_deltas(region, reach):
            await self._restore(region)

    async def _restore(self, region: str) -> None:
        """Replace all that the site has of a region by what is held here."""
        await self.site.discard(region)
        chain = self.keeper.holdings.chains.get(region)
        if chain is not None:
            await self.site.put_snapshot(region, chain.base, chain.snapshot)
            await self._put_deltas(region, chain.base)

    async def _put_deltas(self, region: str, after: int) -> bool:
        """Share the deltas held after one that the site has; tell whether it took them."""
        chain = self.keeper.holdings.chains[region]
        for sequence, data in enumerate(chain.deltas[after - chain.base :], after + 1):
            if not await self.site.put_delta(region, sequence, data):
                return False
        return True
