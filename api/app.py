"""The HTTP service: registry and status for windows, receipts from them; for departments, the issuing service."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import OperationalError

from api.batches.parts import MAX_FILE
from api.console.routes import add_console
from api.holder import site as phone
from api.holder.app import add_phone_pages
from api.interface import Interface
from api.routes import holder, holder_sessions, operations, published, receipts
from api.routes.office import add_office
from ecert.web import problems
from ecert.web.metrics import NO_TELEMETRY, Rim
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fastapi import FastAPI, Request, Response
    from starlette.types import ASGIApp

    from api.office import Office
    from api.services import Services

_log = logging.getLogger("ecert.web")

MAX_BODY: Final = 64 * 1024
"""The longest request body in bytes."""
MAX_BODIES: Final = {
    "/api/v1/licences": 1024 * 1024,
    "/api/v1/licences/": 1024 * 1024,
    "/console/licences/": 1024 * 1024,
    "/console/issue/": 1024 * 1024,
    "/api/v1/types/": 768 * 1024,
    "/console/catalogue/": 2 * 1024 * 1024,
    "/api/v1/batches": MAX_FILE,
    "/console/batches/new": MAX_FILE + MAX_BODY,
}
"""The same where more is needed: an application may have a portrait, a type has a definition and a layout, a batch is
a table of a million rows."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer that does not set them itself."""


def create_app(services: Services) -> ASGIApp:
    """Return the application over `services`, which begin with it and end with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(services.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await services.close()

    app = Interface(
        title="电子证照 Electronic licences",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )
    office = services.office
    answer = problems.respond if office is None else _answer(office)
    problems.install(app, answer)
    app.add_exception_handler(OperationalError, _wait(answer))
    app.router.routes[:0] = published.routes(services)
    app.include_router(receipts.router(services))
    app.include_router(operations.router(services))
    if office is not None:
        add_office(app, office)
        add_console(app, office)
        add_phone_pages(app, office)
        app.include_router(holder_sessions.router(office))
        app.include_router(holder.router(office))
    return Rim(app, services.metrics, body_limit=MAX_BODY, headers=HEADERS, body_limits=MAX_BODIES)


def _answer(office: Office) -> Callable[[Request, Problem], Response]:
    """Return what makes a page of a problem, where a person asked for a page."""

    def answer(request: Request, problem: Problem) -> Response:
        pages = office.holder if phone.is_below(request.url.path) else office.console
        return pages.answer(request, problem)

    return answer


def _wait(answer: Callable[[Request, Problem], Response]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what tells a caller to come back when the database is not there, or writers have queued too long."""

    async def wait(request: Request, error: Exception) -> Response:
        _log.error("%s on %s", type(error).__name__, request.url.path)
        return answer(request, Problem(Code.BUSY, headers={"Retry-After": "5"}))

    return wait
