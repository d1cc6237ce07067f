"""The console as routes use it: who is at work, what stands around their page, and how errors look to a person.

A route depends on `office.console.enter(operation)`:

1. the browser's session says who it is; nobody is sent to sign in
2. what it posts comes from a page of this service and carries the session's token, whatever the operation
3. `Guard.admit` counts the request, and says whose things they may touch
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import Request  # noqa: TC002  (the framework reads annotations)
from starlette.datastructures import UploadFile  # noqa: TC002
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.access.cookies import Cookie
from api.access.guard import require_text
from api.access.permissions import PERMISSIONS, scope_of
from api.access.sessions import Session, SessionBook
from api.console.pages import HEADERS, Pages, View
from api.console.posted_form import files_of, read_form, require_same_site, values_of
from api.console.views.frame import HOME, Frame, Link, Notice, Operator, Role, Section
from api.console.views.oversight import ProblemPage
from api.lifecycle.proposals import ProposalBook
from ecert.licence.codes import Phrase
from ecert.web import problems
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime

    from api.access.guard import Guard
    from api.access.permissions import Scope
    from api.access.principals import Principal
    from api.departments import Departments
    from api.ledger import SqlLedger
    from api.pool import LedgerPool
    from api.settings import OfficeSettings

SIGN_IN: Final = f"{HOME}/sign-in"
SECTIONS: Final[Mapping[Section, str]] = {
    Section.DASHBOARD: "readOverview",
    Section.ISSUE: "issueLicence",
    Section.LICENCES: "findLicences",
    Section.BATCHES: "listBatches",
    Section.PROPOSALS: "listProposals",
    Section.CATALOGUE: "listTypes",
    Section.SEALS: "listSeals",
    Section.AUDIT: "readAudit",
    Section.CALLERS: "listCallers",
}
"""The operation that each section begins with: whoever may not call it does not see the section."""
_MAX_RETURN: Final = 512
_VISIT: Final = "console_frame"


@dataclass(frozen=True, slots=True)
class ConsoleVisit:
    """An operator at work on one operation.

    Attributes:
        principal: Who it is.
        scope: Whose things they may touch.
        csrf: The token that forms carry; frames have it already.
        form: What was posted, by the names of controls; empty for a page that is only looked at.
        files: The files posted; closed when the answer is made.
    """

    principal: Principal
    scope: Scope
    csrf: str = field(repr=False)
    _frame: Frame = field(repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, UploadFile] = field(default_factory=dict, repr=False)

    def frame(self, here: Section, notice: Notice | None = None) -> Frame:
        """Return what stands around a page of a section."""
        return replace(self._frame, here=here, notice=notice)

    def may(self, operation: str) -> bool:
        """Tell whether the operator may call another operation, for a page to offer it."""
        return scope_of(self.principal, operation) is not None


class Console:
    """The console of one region's service."""

    def __init__(
        self,
        settings: OfficeSettings,
        pool: LedgerPool,
        guard: Guard,
        departments: Departments,
        clock: Callable[[], datetime],
    ) -> None:
        """Let in whoever `guard` admits."""
        self._settings, self._pool, self._guard = settings, pool, guard
        self._departments, self._clock = departments, clock
        self._pages = Pages(settings.name, settings.name_en)
        self.session_cookie = Cookie("ecert-session", settings.origin)

    def enter(self, operation: str) -> Callable[[Request], AsyncIterator[ConsoleVisit]]:
        """Return what lets an operator into a page, to be depended on.

        Raises:
            KeyError: the table of permissions does not have the operation.
        """
        PERMISSIONS[operation]

        async def entered(request: Request) -> AsyncIterator[ConsoleVisit]:
            require_text(request)
            session, frame = await self._recognise(request)
            if request.method in ("GET", "HEAD"):
                visit = await self._guard.admit(session.caller, operation)
                yield ConsoleVisit(visit.principal, visit.scope, session.csrf, frame)
                return
            require_same_site(request, self._settings.origin)
            posted = await read_form(request, session.csrf)
            try:
                visit = await self._guard.admit(session.caller, operation)
                values, files = values_of(posted), files_of(posted)
                yield ConsoleVisit(visit.principal, visit.scope, session.csrf, frame, values, files)
            finally:
                await posted.close()

        return entered

    async def session(self, request: Request) -> Session | None:
        """Return who sent a request; None when nobody is signed in."""
        token = self.session_cookie.read(request)
        now = self._clock()
        return await self._pool.ask(lambda ledger: self.sessions(ledger).find(token, now)) if token else None

    def sessions(self, ledger: SqlLedger) -> SessionBook:
        """Return the sessions that a ledger keeps."""
        return SessionBook(ledger.database, self._settings.region)

    async def _recognise(self, request: Request) -> tuple[Session, Frame]:
        session = await self.session(request)
        if session is None:
            raise Problem(Code.UNAUTHENTICATED)
        who = session.caller.principal
        waiting = await self._pool.ask(lambda ledger: _waiting(ledger, who))
        sections = tuple(section for section, operation in SECTIONS.items() if scope_of(who, operation))
        frame = Frame(self._operator(who), session.csrf, sections, None, waiting, self._settings.development)
        request.scope["state"][_VISIT] = frame
        return session, frame

    def _operator(self, who: Principal) -> Operator:
        return Operator(who.name, self.department(who), shown_roles(who))

    def department(self, who: Principal) -> Phrase:
        """Return what somebody's department is called; the region, for those of the region itself."""
        region = Phrase(self._settings.name_en, self._settings.name)
        return self._departments.name(who.department) if who.department else region

    def nobody(self) -> Frame:
        """Return what stands around a page while nobody is signed in."""
        return Frame(None, "", development=self._settings.development)

    def page(self, frame: Frame, view: View, status: int = 200) -> HTMLResponse:
        """Return the page of a view."""
        return HTMLResponse(self._pages.render(frame, view), status, headers=dict(HEADERS))

    def answer(self, request: Request, problem: Problem) -> Response:
        """Return a problem as whoever asked can read it: below the console a page, else `application/problem+json`."""
        if not is_below(request.url.path):
            return problems.respond(request, problem)
        if problem.code is Code.UNAUTHENTICATED:
            return RedirectResponse(_to_sign_in(request), 303, headers={"cache-control": "no-store"})
        frame = request.scope["state"].get(_VISIT) or self.nobody()
        answer = self.page(frame, _problem_page(request, problem), problem.status_code)
        answer.headers.update(problem.headers or {})
        return answer


def shown_roles(who: Principal) -> tuple[Role, ...]:
    """Return somebody's roles as people read them."""
    held = {role.value for role in who.roles}
    return tuple(role for role in Role if role.value in held)


def is_below(path: str) -> bool:
    """Tell whether a path is the console's."""
    return path == HOME or path.startswith(f"{HOME}/")


def safe_return(path: str) -> str:
    """Return where to go after signing in: a path of the console, never another site; the dashboard for all else."""
    plain = path.partition("?")[0]
    strange = len(path) > _MAX_RETURN or "\\" in path or "/." in path or not (path.isascii() and path.isprintable())
    return path if is_below(plain) and not strange and not plain.startswith(SIGN_IN) else HOME


def _to_sign_in(request: Request) -> str:
    """Return the address to sign in at, and to come back from to what was only looked at."""
    if request.method != "GET" or request.url.path == HOME:
        return SIGN_IN
    return f"{SIGN_IN}?next={quote(request.scope['path'], safe='')}"


def _waiting(ledger: SqlLedger, who: Principal) -> int:
    """Return how many proposals wait for somebody: others' ones, of what they may approve."""
    scope = scope_of(who, "approveProposal")
    return 0 if scope is None else ProposalBook(ledger).waiting_for(scope, who.id)


def _problem_page(request: Request, problem: Problem) -> ProblemPage:
    said = problem.words
    return ProblemPage(
        problem.status_code,
        problem.code.value,
        Phrase(said.en, said.zh),
        Phrase(said.remedy_en, said.remedy_zh),
        problems.trace_id(request),
        tuple((one.pointer, one.detail) for one in problem.errors),
        back=None if request.method == "GET" else Link(request.url.path, Phrase("Back", "返回")),
    )
