"""The issuing service of one region: everything its routes and pages ask, opened and checked before a port is bound."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from api.access.guard import Guard
from api.access.limits import RateLimits
from api.access.providers import open_holder_provider, open_provider
from api.access.replays import MemoryOnce, RedisOnce
from api.access.tokens import Tokens
from api.audit_watch import AuditWatch
from api.console.site import Console
from api.departments import open_departments
from api.holder.site import HolderSite
from api.key_watch import KeyWatch
from api.pool import LedgerPool
from api.preparing import prepare
from api.registry import CurrentRegistry
from api.showing.desk import HolderDesk
from api.showing.local import LocalPortal
from api.showing.memory import MemoryShowings
from api.showing.place import Place
from api.showing.portals import open_portals
from api.showing.redis_store import RedisShowings
from ecert.cli.files import read_bounded
from ecert.cli.fonts import load_fonts
from ecert.errors import Reason
from ecert.licence.codes import Phrase
from ecert.presentation import LegalBases
from ecert.presentation.legal_basis import MAX_REGISTER

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from datetime import datetime

    from api.access.oidc import IdentityProvider
    from api.departments import Departments
    from api.settings import OfficeSettings
    from api.showing.portals import Portals
    from ecert.ofd.fonts import FontSet
    from ecert.sm2 import Signer, Vault
    from ecert.web.message_signatures import Nonces

T = TypeVar("T")

_DRAWERS: Final = 2


@dataclass(frozen=True, slots=True)
class Office:
    """What the routes and pages of a region ask.

    Attributes:
        settings: What was configured.
        clock: Returns the time.
        pool: The region's ledger.
        registry: The trust registry as it is now.
        departments: Who issues here.
        guard: Stands before every operation.
        limits: Counts requests by caller.
        nonces: What was used once.
        console: Stands before every page.
        audit: Knows whether the audit log is whole.
        keys: Knows whether the signing keys answer.
        tokens: Issues access tokens; None: every request is signed.
        provider: Where operators sign in; None: nowhere.
        place: What showing, consent and use stand on.
        portals: This region and those connected, as holders reach them.
        holder_provider: Where holders sign in; None: nowhere.
        holder: Stands before every page of holders.
        fonts: What pages are set in.
        drawing: Threads that draw: pages and codes are work for a processor, not for the ledger's threads.
        streams: How many batches each caller follows now.
    """

    settings: OfficeSettings
    clock: Callable[[], datetime]
    pool: LedgerPool
    registry: CurrentRegistry
    departments: Departments
    guard: Guard
    limits: RateLimits
    nonces: Nonces
    console: Console
    audit: AuditWatch
    keys: KeyWatch
    tokens: Tokens | None
    provider: IdentityProvider | None
    place: Place
    portals: Portals
    holder_provider: IdentityProvider | None
    holder: HolderSite
    fonts: FontSet
    drawing: Executor
    streams: Counter[str] = field(default_factory=Counter)

    async def draw(self, work: Callable[[], T]) -> T:
        """Return what `work` draws."""
        return await asyncio.get_running_loop().run_in_executor(self.drawing, work)

    async def answers(self) -> dict[str, bool]:
        """Tell of each of what it cannot issue without whether it answers."""
        database, keys = await asyncio.gather(self.pool.answers(), self.keys.answer())
        return {"database": database, "keys": keys}

    async def run(self) -> None:
        """Do what goes on beside requests, until cancelled."""
        await self.audit.run()

    async def close(self) -> None:
        """Let go of everything."""
        await self.limits.close()
        for provider in (self.provider, self.holder_provider):
            if provider is not None:
                await provider.close()
        await self.portals.close()
        if isinstance(self.place.store, RedisShowings):
            await self.place.store.close()
        if isinstance(self.nonces, RedisOnce):
            await self.nonces.close()
        await asyncio.to_thread(self.keys.close)
        await asyncio.to_thread(self.drawing.shutdown)
        await asyncio.to_thread(self.pool.close)


def open_office(
    settings: OfficeSettings, clock: Callable[[], datetime], *, signer: Callable[[str], Signer], vault: Vault | None
) -> Office:
    """Open and check everything.

    Args:
        settings: What was configured.
        clock: Returns the time.
        signer: Opens a key by its URI.
        vault: The key of the ledger; None: that in the file beside it.

    Raises:
        EcertError: something cannot be used.
        OSError: a file is not there.
    """
    provider, holder_provider = open_provider(settings), open_holder_provider(settings)
    registry = CurrentRegistry(Path(settings.published))
    fonts = load_fonts(None if settings.fonts is None else Path(settings.fonts))
    bases = _read_bases(settings.legal_bases)
    departments = open_departments(settings, registry, fonts, clock, signer)
    pool = LedgerPool(settings.ledger, vault)
    try:
        pool.do(lambda ledger: prepare(ledger, settings.region, clock()))
    except BaseException:
        pool.close()
        raise
    nonces = MemoryOnce(clock) if settings.redis is None else RedisOnce(settings.redis, clock)
    limits = RateLimits(settings.redis)
    tokens = None if settings.token_key is None else Tokens(signer(settings.token_key), settings.origin, clock)
    guard = Guard(
        pool, settings.region, origin=settings.origin, nonces=nonces, limits=limits, clock=clock, tokens=tokens
    )
    drawing = ThreadPoolExecutor(_DRAWERS, thread_name_prefix="drawing")
    store = MemoryShowings() if settings.redis is None else RedisShowings(settings.redis)
    place = Place(
        region=settings.region,
        portal_host=settings.portal_host,
        pool=pool,
        departments=departments,
        registry=registry,
        bases=bases,
        store=store,
        fonts=fonts,
        drawing=drawing,
        clock=clock,
    )
    local = LocalPortal(Phrase(settings.name_en, settings.name), place)
    portals = open_portals(local, settings.holders, signer)
    console = Console(settings, pool, guard, departments, clock)
    return Office(
        settings=settings,
        clock=clock,
        pool=pool,
        registry=registry,
        departments=departments,
        guard=guard,
        limits=limits,
        nonces=nonces,
        console=console,
        audit=AuditWatch(pool, registry, clock),
        keys=KeyWatch(settings),
        tokens=tokens,
        provider=provider,
        place=place,
        portals=portals,
        holder_provider=holder_provider,
        holder=HolderSite(settings, HolderDesk(portals, pool, clock), limits),
        fonts=fonts,
        drawing=drawing,
    )


def _read_bases(file: str | None) -> LegalBases:
    """Read the register of legal bases; without one nobody sees anything by law."""
    if file is None:
        return LegalBases(())
    return LegalBases.from_json(read_bounded(Path(file), MAX_REGISTER, Reason.USAGE))
