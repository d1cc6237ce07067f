"""All regions that holders reach from here, asked at once; one that does not answer is named, never passed over."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import httpx2

from api.showing.remote import RemotePortal
from ecert.errors import EcertError, NotFoundError, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api.settings import HolderSettings
    from api.showing.local import LocalPortal
    from api.showing.portal import Portal
    from ecert.licence.codes import Phrase
    from ecert.sm2 import Signer

T = TypeVar("T")
_log = logging.getLogger("ecert.api")


@dataclass(frozen=True, slots=True)
class Gathered(Generic[T]):
    """What the regions answered.

    Attributes:
        found: Those that did, in the order of their portals, with what they say.
        silent: What those are called that did not.
    """

    found: tuple[tuple[Portal, T], ...]
    silent: tuple[Phrase, ...]


class Portals:
    """The portals of one service."""

    def __init__(self, local: LocalPortal, others: tuple[RemotePortal, ...], client: httpx2.AsyncClient) -> None:
        """Ask this region first, and others through `client`."""
        self.local = local
        self._all: tuple[Portal, ...] = (local, *others)
        self._client = client

    def of(self, region: str) -> Portal:
        """Return the portal of a region.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; none leads there.
        """
        for one in self._all:
            if one.region == region:
                return one
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no region of this code is connected")

    async def gather(self, ask: Callable[[Portal], Awaitable[T]], region: str = "") -> Gathered[T]:
        """Ask every region the same; or one alone, which then raises what it has to say.

        Raises:
            EcertError: no portal leads to the region that is named, or its answer.
        """
        if region:
            portal = self.of(region)
            return Gathered(((portal, await ask(portal)),), ())
        answers = await asyncio.gather(*(_answer(ask, one) for one in self._all))
        pairs = tuple(zip(self._all, answers, strict=True))
        found = tuple((portal, answer[0]) for portal, answer in pairs if answer is not None)
        return Gathered(found, tuple(portal.name for portal, answer in pairs if answer is None))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


async def _answer(ask: Callable[[Portal], Awaitable[T]], portal: Portal) -> tuple[T] | None:
    """Return what a portal answers; None where it does not, whatever the reason."""
    try:
        return (await ask(portal),)
    except EcertError as error:
        _log.warning("region %s: %s", portal.region, error)
        return None


def open_portals(local: LocalPortal, settings: HolderSettings | None, signer: Callable[[str], Signer]) -> Portals:
    """Open the portals of a service.

    Raises:
        EcertError: an address is not safe, or a key cannot be used.
    """
    client = httpx2.AsyncClient(trust_env=False, follow_redirects=False)
    others = () if settings is None else settings.portals
    clock = local.place.clock
    return Portals(local, tuple(RemotePortal(one, signer(one.signer), client, clock) for one in others), client)
