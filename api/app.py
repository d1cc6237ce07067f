"""The HTTP service: registry and status for windows, receipts from them; for departments, the issuing service."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from api.batches.parts import MAX_FILE
from api.console.routes import add_console
from api.interface import Interface
from api.routes import operations, published, receipts
from api.routes.office import add_office
from ecert.web import problems
from ecert.web.metrics import Rim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from api.services import Services

MAX_BODY: Final = 64 * 1024
"""The longest request body in bytes."""
MAX_BODIES: Final = {
    "/api/v1/licences": 1024 * 1024,
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
    )
    office = services.office
    problems.install(app, problems.respond if office is None else office.console.answer)
    app.router.routes[:0] = published.routes(services)
    app.include_router(receipts.router(services))
    app.include_router(operations.router(services))
    if office is not None:
        add_office(app, office)
        add_console(app, office)
    return Rim(app, services.metrics, body_limit=MAX_BODY, headers=HEADERS, body_limits=MAX_BODIES)
