"""How holders come in: to the provider and back, and then a session for whoever the provider says holds licences.

As operators do (`api.console.entrance`), but nobody is registered: the provider says who somebody is, and for which
organisations they act. For an app the browser goes back to the app, with a code that the app exchanges.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode

from starlette.responses import RedirectResponse, Response

from api.access.cookies import Cookie
from api.access.oidc import SignIn
from api.access.sign_ins import SignInBook
from api.holder import views
from api.holder.site import SIGN_IN, safe_return
from api.showing.sessions import CHALLENGE, Account
from ecert.errors import EcertError, Reason, RejectedError
from ecert.licence.codes import Phrase
from ecert.web.problems import Code, FieldError, Problem

if TYPE_CHECKING:
    from fastapi import Request

    from api.access.oidc import IdentityProvider
    from api.office import Office

TO_PROVIDER: Final = f"{SIGN_IN}/unified"
_FAILED: Final = Phrase("Signing in failed. Try again.", "登录未成功，请重试。")
_log = logging.getLogger("ecert.api")


class Entrance:
    """The door of one region's phone pages."""

    def __init__(self, office: Office) -> None:
        """Let people into an office."""
        self._office, self._site = office, office.holder
        self._cookie = Cookie("ecert-holder-sign-in", office.settings.origin)

    def page(self, request: Request, target: str, problem: Phrase | None = None) -> Response:
        """Return the page to sign in at."""
        address = f"{TO_PROVIDER}?{urlencode({'next': safe_return(target)})}" if self._office.holder_provider else ""
        return self._site.page(self._site.frame(request), views.SignIn(address, problem), 403 if problem else 200)

    async def begin(self, request: Request, target: str, app: str, challenge: str) -> Response:
        """Send a browser to the provider, to come back to a page, or to an app.

        Raises:
            Problem: REQUEST_INVALID; no such app is known, or its challenge is none.
        """
        goal = {"app": app, "challenge": challenge} if app else {"next": safe_return(target)}
        holders = self._office.settings.holders
        if app and (holders is None or app not in holders.apps or not CHALLENGE.fullmatch(challenge)):
            raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/app", "a registered app, with a challenge")])
        provider, sign_in, now = self._provider(), SignIn.begin(), self._office.clock()
        await self._office.limits.take_unknown("holder-sign-in", request)
        answer = RedirectResponse(await provider.address(sign_in), 303)
        await self._office.pool.ask(lambda ledger: SignInBook(ledger.database).begin(sign_in, now))
        self._cookie.put(answer, f"{sign_in.state}.{urlencode(goal)}")
        return answer

    async def finish(self, request: Request, code: str, state: str) -> Response:
        """Let in whoever comes back from the provider in the browser that went there."""
        expected, _, goal = self._cookie.read(request).partition(".")
        asked = {name: values[0] for name, values in parse_qs(goal).items()}
        try:
            if not (state and hmac.compare_digest(state.encode(), expected.encode())):
                raise RejectedError(Reason.SIGN_IN_REFUSED, "the sign-in did not begin in this browser")
            account = await self._redeem(code, state)
        except EcertError as error:
            _log.warning("a holder's sign-in failed: %s", error)
            answer = self.page(request, asked.get("next", ""), _FAILED)
        else:
            answer = await self._admit(request, account, asked)
        self._cookie.drop(answer)
        return answer

    async def _redeem(self, code: str, state: str) -> Account:
        provider, now = self._provider(), self._office.clock()
        sign_in = await self._office.pool.ask(lambda ledger: SignInBook(ledger.database).take(state, now))
        if sign_in is None:
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the sign-in is not under way, or no longer")
        return Account.of_claims((await provider.redeem(code, sign_in)).claims)

    async def _admit(self, request: Request, account: Account, asked: dict[str, str]) -> Response:
        desk = self._site.desk
        if "app" in asked:
            code = await desk.begin(account, challenge=asked["challenge"])
            return RedirectResponse(f"{asked['app']}?{urlencode({'code': code})}", 303)
        token = await desk.begin(account, instead_of=self._site.session_cookie.read(request))
        answer = RedirectResponse(safe_return(asked.get("next", "")), 303)
        self._site.session_cookie.put(answer, token)
        return answer

    def _provider(self) -> IdentityProvider:
        if self._office.holder_provider is None:
            raise Problem(Code.NOT_FOUND)
        return self._office.holder_provider
