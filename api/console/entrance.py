"""How operators come in: to the provider and back, and then a session for whoever is registered here.

1. the browser goes to the provider with a state, a nonce and a PKCE challenge; the ledger keeps what they answer to,
   the browser the state, in a cookie
2. it comes back with a code and the same state, in the same browser, within `PATIENCE`, once
3. the provider redeems the code for a token with that nonce (`api.access.oidc`)
4. whoever it names is a registered operator, whose access has not ended
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlencode

from starlette.responses import RedirectResponse, Response

from api.access.callers import Caller, CallerBook
from api.access.cookies import Cookie
from api.access.oidc import SignIn
from api.access.sign_ins import SignInBook
from api.audit import AuditBook
from api.console.site import SIGN_IN, safe_return, shown_roles
from api.console.views import entrance
from ecert.errors import EcertError, Reason, RejectedError
from ecert.licence.codes import Phrase
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from fastapi import Request

    from api.access.oidc import Identity, IdentityProvider
    from api.ledger import SqlLedger
    from api.office import Office

TO_PROVIDER: Final = f"{SIGN_IN}/unified"

_FAILED: Final = Phrase("Signing in failed. Try again.", "登录未成功，请重试。")
_STRANGER: Final = Phrase(
    "You are not registered here: ask your region's operator.", "您尚未登记为工作人员，请联系地区管理员。"
)
_log = logging.getLogger("ecert.api")


class Entrance:
    """The door of one region's console."""

    def __init__(self, office: Office) -> None:
        """Let people into an office."""
        self._office = office
        self._cookie = Cookie("ecert-sign-in", office.settings.origin)

    async def page(self, target: str, problem: Phrase | None = None) -> Response:
        """Return the page to sign in at; in development it has everybody to choose from."""
        office = self._office
        query = {} if target == safe_return("") else {"next": target}
        people = await office.pool.ask(self._people) if office.settings.development else []
        accounts = tuple(self._account(one, query) for one in people)
        view = entrance.SignIn(None if office.provider is None else _address(query), accounts, problem)
        return office.console.page(office.console.nobody(), view, 403 if problem else 200)

    def _people(self, ledger: SqlLedger) -> list[Caller]:
        oidc, known = self._office.settings.oidc, CallerBook(ledger.database, self._office.settings.region).all()
        return [one for one in known if oidc and one.ended_at is None and one.issuer == oidc.issuer]

    def _account(self, one: Caller, query: dict[str, str]) -> entrance.DevelopmentAccount:
        who = one.principal
        department = self._office.console.department(who)
        return entrance.DevelopmentAccount(
            _address({"account": who.id} | query), who.name, department, shown_roles(who)
        )

    async def begin(self, request: Request, target: str, account: str) -> Response:
        """Send a browser to the provider; in development, as a certain account."""
        office, sign_in, now = self._office, SignIn.begin(), self._office.clock()
        provider = self._provider()
        await office.limits.take_unknown("sign-in", request)
        people = await office.pool.ask(self._people) if office.settings.development else []
        hint = next((one.subject for one in people if one.principal.id == account), "")
        answer = RedirectResponse(await provider.address(sign_in, hint), 303)
        await office.pool.ask(lambda ledger: SignInBook(ledger.database).begin(sign_in, now))
        self._cookie.put(answer, f"{sign_in.state}.{quote(target, safe='')}")
        return answer

    async def finish(self, request: Request, code: str, state: str) -> Response:
        """Let in whoever comes back from the provider, if they are registered."""
        expected, _, target = self._cookie.read(request).partition(".")
        target = safe_return(unquote(target))
        try:
            if not (state and hmac.compare_digest(state.encode(), expected.encode())):
                raise RejectedError(Reason.SIGN_IN_REFUSED, "the sign-in did not begin in this browser")
            who = await self._redeem(code, state)
        except EcertError as error:
            _log.warning("a sign-in failed: %s", error)
            answer = await self.page(target, _FAILED)
        else:
            answer = await self._admit(request, who, target)
        self._cookie.drop(answer)
        return answer

    async def _redeem(self, code: str, state: str) -> Identity:
        provider, now = self._provider(), self._office.clock()
        sign_in = await self._office.pool.ask(lambda ledger: SignInBook(ledger.database).take(state, now))
        if sign_in is None:
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the sign-in is not under way, or no longer")
        return await provider.redeem(code, sign_in)

    async def _admit(self, request: Request, who: Identity, target: str) -> Response:
        caller = await self._office.pool.ask(lambda ledger: self._find(ledger, who))
        if caller is None:
            return await self.page(target, _STRANGER)
        console, now, name = self._office.console, self._office.clock(), caller.principal.id
        before = console.session_cookie.read(request)
        token = await self._office.pool.ask(
            lambda ledger: console.sessions(ledger).begin(name, now, instead_of=before), actor=name
        )
        answer = RedirectResponse(target, 303)
        console.session_cookie.put(answer, token)
        return answer

    def _find(self, ledger: SqlLedger, who: Identity) -> Caller | None:
        """Return the operator that somebody is; a stranger is noted in the log, without their name."""
        found = CallerBook(ledger.database, self._office.settings.region).by_identity(who.issuer, who.subject)
        if found is None:
            with ledger.database.transaction():
                book = AuditBook(ledger.database)
                book.record("session.refuse", who.issuer, self._office.clock(), outcome=Reason.CALLER_UNKNOWN.value)
        return found

    def _provider(self) -> IdentityProvider:
        if self._office.provider is None:
            raise Problem(Code.NOT_FOUND)
        return self._office.provider


def _address(query: dict[str, str]) -> str:
    return f"{TO_PROVIDER}?{urlencode(query)}" if query else TO_PROVIDER
