"""Who may use the pages: clerks who are signed in, from pages of this window.

A form that another site sends is refused by what every browser of today says of it, and the cookie of a session is not
sent along with one in the first place. Whoever is not signed in is shown where to sign in, and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import Request, Response  # noqa: TC002  (FastAPI reads the annotations of what is added to it)
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from ecert.errors import EcertError, NotFoundError
from ecert.web.display import Display
from ecert.wording import Wording, words
from verifier.desk import BusyError
from verifier.matters.pages import DISPLAY, HERE
from verifier.origin import ELSEWHERE, is_ours
from verifier.page import DISPLAY_COOKIE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import TypeAlias

    from fastapi import FastAPI

    from verifier.matters.clerks import Account
    from verifier.matters.office import Office
    from verifier.matters.pages import MatterPages

    Answer: TypeAlias = Callable[[Request, Account], Awaitable[Response]]
    Open: TypeAlias = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("ecert.verifier")
COOKIE: Final = "ecert-clerk"
POLL: Final = "application/json"
"""What a page's script accepts that asks by itself, with no clerk at work."""
MOST_ENTERING: Final = 16
"""The most who are being signed in at once."""

_HOME: Final = "/matters"
_ONWARD: Final = re.compile(r"/(?:matters|cases|acceptances|statistics)(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,3}")
_BUSY: Final = Wording("图片太多，请稍候再试", "Too many pictures wait", "几秒后重试", "Try again in a few seconds")
_UNREADABLE: Final = Wording(
    "表单无法读取",
    "The form cannot be read",
    "请返回后重试；文件过大请缩小",
    "Go back and try again; make a file smaller",
)
_REGISTER: Final = Wording(
    "登记簿暂时无法使用，这一步没有记下",
    "The register cannot be used now: this step was not recorded",
    "请稍候再试；持续出现请联系运维",
    "Try again in a moment; call the operator if it goes on",
)
_MAX_ENTRY: Final = 256


def see(path: str) -> Response:
    """Return the answer that leads to another page."""
    return RedirectResponse(path, 303)


class Door:
    """Lets clerks in."""

    def __init__(self, office: Office, pages: MatterPages) -> None:
        """Let in whom the office knows."""
        self._office = office
        self._pages = pages
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sign-in")
        self._entering = 0

    def add_to(self, app: FastAPI) -> None:
        """Add the pages for signing in and out."""
        for path, method, answer in (
            ("/sign-in", "GET", self._show),
            ("/sign-in", "POST", self._sign_in),
            ("/sign-out", "POST", self._sign_out),
        ):
            app.add_api_route(path, self.open(answer), methods=[method], include_in_schema=False, response_model=None)

    def open(self, answer: Open) -> Open:
        """Answer anybody; every error of ours as a page, and no form of another site."""

        async def opened(request: Request) -> Response:
            DISPLAY.set(Display.read(request.cookies.get(DISPLAY_COOKIE)))
            HERE.set(_onward(request))
            if request.method == "POST" and not is_ours(request):
                return HTMLResponse(self._pages.problem(ELSEWHERE), 403)
            try:
                return await answer(request)
            except (EcertError, HTTPException, DBAPIError, TimeoutError, BusyError) as error:
                said, status = _said(error)
                return HTMLResponse(self._pages.problem(said), status)

        return opened

    def guarded(self, answer: Answer) -> Open:
        """Answer a clerk who is signed in; everybody else is asked to sign in."""

        async def guarded(request: Request) -> Response:
            token, working = request.cookies.get(COOKIE, ""), request.headers.get("accept") != POLL
            clerk = self._office.clerks.find(token, _address(request), self._office.now(), working=working)
            if clerk is None:
                return HTMLResponse(self._pages.sign_in(_onward(request)), 401)
            return await answer(request, clerk)

        return self.open(guarded)

    async def _show(self, _: Request) -> Response:
        return HTMLResponse(self._pages.sign_in(_HOME))

    async def _check(self, name: str, pin: str, address: str, now: datetime) -> Account:
        """Check a PIN in a thread of its own: whoever tries many waits for themselves alone."""
        if self._entering >= MOST_ENTERING:
            raise BusyError
        self._entering += 1
        try:
            check = partial(self._office.clerks.check, name, pin, address, now)
            return await asyncio.get_running_loop().run_in_executor(self._thread, check)
        finally:
            self._entering -= 1

    async def _sign_in(self, request: Request) -> Response:
        async with request.form(max_files=0, max_fields=4) as form:
            name, pin, onward = (str(form.get(entry, ""))[:_MAX_ENTRY] for entry in ("clerk", "pin", "onward"))
        onward = onward if _ONWARD.fullmatch(onward) else _HOME
        now = self._office.now()
        try:
            clerk = await self._check(name.strip(), pin, _address(request), now)
        except EcertError as error:
            return HTMLResponse(self._pages.sign_in(onward, words(error.reason)), 401)
        token = self._office.clerks.begin(clerk, _address(request), now)
        answer, secure = see(onward), request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        self._office.clerks.end(request.cookies.get(COOKIE, ""))
        answer = see("/sign-in")
        answer.delete_cookie(COOKIE)
        return answer


def _said(error: Exception) -> tuple[Wording, int]:
    """Return what the clerk is told of an error, and its status."""
    match error:
        case EcertError():
            return words(error.reason), 404 if isinstance(error, NotFoundError) else 409
        case HTTPException():
            return _UNREADABLE, error.status_code
        case BusyError():
            return _BUSY, 503
        case _:
            _log.warning("the register cannot be used now: %s", type(error).__name__)
            return _REGISTER, 503


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


def _onward(request: Request) -> str:
    """Return where somebody goes on after signing in: to the page asked for, or that whose form was sent."""
    path = request.url.path if request.method == "GET" else "/".join(request.url.path.split("/")[:3])
    return path if _ONWARD.fullmatch(path) else _HOME
