"""The phone pages as routes use them: who is signed in, what stands around their page, how errors look to a person.

1. the session's cookie says who it is; nobody is sent to sign in
2. what is posted comes from a page of this service, and carries the session's token
3. a session does not ask too often
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.access.cookies import Cookie
from api.access.guard import require_text
from api.console.posted_form import read_form, require_same_site, values_of
from api.holder import views
from api.holder.pages import HEADERS, Pages, View
from api.holder.views import HOME, Frame, Identity
from api.showing.sessions import REQUESTS_A_MINUTE
from ecert.licence.codes import Phrase
from ecert.web import problems
from ecert.web.display import Display
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from api.access.limits import RateLimits
    from api.settings import OfficeSettings
    from api.showing.desk import HolderDesk
    from api.showing.holders import Holder
    from api.showing.sessions import HolderSession

SIGN_IN: Final = f"{HOME}/sign-in"
_START: Final = f"{HOME}/licences"
_MAX_RETURN: Final = 512


@dataclass(frozen=True, slots=True)
class HolderVisit:
    """A holder at one page.

    Attributes:
        session: Who signed in.
        form: What was posted, by the names of controls.
    """

    session: HolderSession
    frame: Frame
    form: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def holder(self) -> Holder:
        """Whose licences it is about."""
        return self.session.account.holder


class HolderSite:
    """The phone pages of one region's service."""

    def __init__(self, settings: OfficeSettings, desk: HolderDesk, limits: RateLimits) -> None:
        """Let in whoever has a session of `desk`."""
        self._settings, self.desk, self._limits = settings, desk, limits
        self._pages = Pages(settings.name, settings.name_en)
        self.session_cookie = Cookie("ecert-holder", settings.origin)
        self._display_cookie = Cookie("ecert-elder", settings.origin)

    async def visit(self, request: Request, here: str = "") -> HolderVisit:
        """Return who is at a page that is looked at.

        Raises:
            Problem: UNAUTHENTICATED or RATE_LIMITED.
        """
        require_text(request)
        session = await self.desk.find(self.session_cookie.read(request))
        if session is None:
            raise Problem(Code.UNAUTHENTICATED)
        await self._limits.take(f"holder-{session.name[:16]}", REQUESTS_A_MINUTE)
        return HolderVisit(session, self.frame(request, session, here))

    async def posted(self, request: Request, here: str = "") -> HolderVisit:
        """Return who posts a form, and what.

        Raises:
            Problem: UNAUTHENTICATED, RATE_LIMITED; FORBIDDEN, the form is another site's or session's.
        """
        visit = await self.visit(request, here)
        require_same_site(request, self._settings.origin)
        posted = await read_form(request, visit.session.csrf)
        try:
            return HolderVisit(visit.session, visit.frame, values_of(posted))
        finally:
            await posted.close()

    def frame(self, request: Request, session: HolderSession | None = None, here: str = "") -> Frame:
        """Return what stands around a page."""
        everybody = () if session is None else session.account.all
        return Frame(
            csrf_token="" if session is None else session.csrf,
            identities=tuple(
                Identity(number, one.shown_name, one.is_organisation) for number, one in enumerate(everybody)
            ),
            acting=0 if session is None else session.account.acting,
            display=Display.read(self._display_cookie.read(request)),
            path=request.url.path if request.method == "GET" else _START,
            here=here,
            development=self._settings.development,
        )

    def page(self, frame: Frame, view: View, status: int = 200) -> HTMLResponse:
        """Return the page of a view."""
        return HTMLResponse(self._pages.render(frame, view), status, headers=dict(HEADERS))

    def show_as(self, request: Request, display: Display, target: str) -> Response:
        """Show the pages in large type of this size, or in usual type, and come back.

        Raises:
            Problem: FORBIDDEN; another site asks.
        """
        require_same_site(request, self._settings.origin)
        answer = RedirectResponse(safe_return(target), 303)
        if display.elder:
            self._display_cookie.put(answer, display.name)
        else:
            self._display_cookie.drop(answer)
        return answer

    def answer(self, request: Request, problem: Problem) -> Response:
        """Return a problem below the phone pages as a page; nobody is sent to sign in."""
        if problem.code is Code.UNAUTHENTICATED:
            target = request.scope["path"] if request.method == "GET" else ""
            address = f"{SIGN_IN}?next={quote(target, safe='')}" if target not in ("", _START, HOME) else SIGN_IN
            return RedirectResponse(address, 303, headers={"cache-control": "no-store"})
        said = problem.words
        view = views.Refusal(
            problem.status_code,
            Phrase(said.en, said.zh),
            Phrase(said.remedy_en, said.remedy_zh),
            problem.code.value,
            problems.trace_id(request),
        )
        answer = self.page(self.frame(request), view, problem.status_code)
        answer.headers.update(problem.headers or {})
        return answer


def is_below(path: str) -> bool:
    """Tell whether a path is one of the phone pages."""
    return path == HOME or path.startswith(f"{HOME}/")


def safe_return(path: str) -> str:
    """Return where to go after signing in: a phone page, never another site; the licences for all else."""
    strange = len(path) > _MAX_RETURN or any(one in path for one in ("\\", "/.", "?", "#", "//"))
    plain = path.isascii() and path.isprintable() and is_below(path) and not path.startswith(SIGN_IN)
    return path if plain and not strange and path != HOME else _START
