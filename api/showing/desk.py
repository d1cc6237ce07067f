"""What a holder who signed in does: for whom they act, and the one code that their phone shows at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from api.showing.bodies import KeyBody
from api.showing.local import HOLDER
from api.showing.sessions import Account, HolderSession, HolderSessionBook, Shown
from ecert.errors import EcertError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from api.pool import LedgerPool
    from api.showing.bodies import LookBody, ShowBody
    from api.showing.portals import Portals


@dataclass(frozen=True, slots=True)
class HolderDesk:
    """Holders' sessions, and what they show in them.

    Attributes:
        portals: The regions they reach.
        pool: The ledger that keeps the sessions.
        clock: Returns the time.
    """

    portals: Portals
    pool: LedgerPool
    clock: Callable[[], datetime]

    async def find(self, token: str) -> HolderSession | None:
        """Return the session of a token, while it lasts."""
        now = self.clock()
        return await self.pool.ask(lambda ledger: HolderSessionBook(ledger).find(token, now)) if token else None

    async def begin(self, account: Account, *, instead_of: str = "", challenge: str | None = None) -> str:
        """Begin a session, see `HolderSessionBook.begin`; that of the token that the browser held before ends."""
        before, now = await self.find(instead_of), self.clock()
        if before is not None:
            await self.sign_out(before)
        return await self.pool.ask(
            lambda ledger: HolderSessionBook(ledger).begin(account, now, challenge=challenge), actor=HOLDER
        )

    async def exchange(self, code: str, verifier: str) -> HolderSession:
        """Return the session of an app's code.

        Raises:
            RejectedError: SIGN_IN_REFUSED.
        """
        now = self.clock()
        return await self.pool.ask(lambda ledger: HolderSessionBook(ledger).exchange(code, verifier, now))

    async def act_as(self, session: HolderSession, number: int) -> HolderSession:
        """Act for somebody else; what was shown for the one before is taken down.

        Raises:
            RejectedError: USAGE; they act for nobody of this number.
        """
        account = session.account.act_as(number)
        await self.take_down(session)
        return await self._keep(session, account)

    async def show(self, session: HolderSession, region: str, asked: ShowBody) -> Shown:
        """Show licences of one region under a new code; the code before it is good no longer.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; they hold none like that, or no such region is connected.
            UndeterminedError: SOURCE_UNREACHABLE; the region does not answer.
        """
        portal, holder = self.portals.of(region), session.account.holder
        made = await portal.put_up(holder, session.name, asked)
        await self.take_down(session)
        shown = Shown(region, made, asked)
        await self._keep(session, replace(session.account, shown=shown))
        return shown

    async def renew(self, session: HolderSession) -> None:
        """Show the same under a new code; where a window was faster, the phone goes on to say so.

        Raises:
            NotFoundError: as `show`.
            UndeterminedError: as `show`.
        """
        shown = session.account.shown
        if shown is None:
            return
        await self.take_down(session)
        now = await self.look(session)
        if now is None or now.state != "taken":
            await self.show(session, shown.region, shown.asked)

    async def look(self, session: HolderSession) -> LookBody | None:
        """Return how the code that the phone shows stands; None where it shows none.

        Raises:
            UndeterminedError: SOURCE_UNREACHABLE; the region does not answer.
        """
        shown = session.account.shown
        if shown is None:
            return None
        return await self.portals.of(shown.region).look(session.account.holder, KeyBody(key=shown.showing.key))

    async def take_down(self, session: HolderSession) -> None:
        """Take down what the phone shows; a region that does not answer lets the code end by itself."""
        shown = session.account.shown
        if shown is None:
            return
        with suppress(EcertError):
            await self.portals.of(shown.region).drop(session.account.holder, KeyBody(key=shown.showing.key))

    async def stop(self, session: HolderSession) -> None:
        """Take down what the phone shows, and show nothing."""
        await self.take_down(session)
        await self._keep(session, replace(session.account, shown=None))

    async def sign_out(self, session: HolderSession) -> None:
        """End a session, and with it what it shows."""
        await self.take_down(session)
        now = self.clock()
        await self.pool.ask(lambda ledger: HolderSessionBook(ledger).end(session, now), actor=HOLDER)

    async def _keep(self, session: HolderSession, account: Account) -> HolderSession:
        await self.pool.ask(lambda ledger: HolderSessionBook(ledger).keep(session, account), actor=HOLDER)
        return replace(session, account=account)
