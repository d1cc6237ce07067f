"""The window's HTTP service: `POST /api/v1/verify`, one page, and what operators look at."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from ecert.web import problems
from ecert.web.metrics import CONTENT_TYPE, NO_TELEMETRY, Rim
from ecert.web.problems import Code, Problem
from verifier.answers import answer, answer_many
from verifier.desk import BusyError
from verifier.hot import HotPath
from verifier.questions import MAX_BATCH_BODY, MAX_BODY, VERIFY, VERIFY_BATCH, BatchRequest, VerifyRequest
from verifier.scan_routes import FRAMES, MAX_FRAME, add_scanning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

    from verifier.desk import Desk
    from verifier.matters.office import Office
    from verifier.services import Services

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STATIC: Final = Path(__file__).parent / "static"


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

    app = FastAPI(
        title="ecert verifier", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY
    )
    problems.install(app)
    _add_interface(app, services)
    add_scanning(app, services)
    _add_operations(app, services)
    if services.office is not None:
        _add_matters(app, services.office, services.desk)
    app.mount("/static", StaticFiles(directory=_STATIC))
    limits = {VERIFY_BATCH: MAX_BATCH_BODY, FRAMES: MAX_FRAME}
    return Rim(app, services.metrics, body_limit=MAX_BODY, headers=HEADERS, body_limits=limits)


def _add_interface(app: FastAPI, services: Services) -> None:
    app.add_middleware(HotPath, desk=services.desk)

    @app.post(VERIFY, operation_id="verify", summary="核验一张证照 Verify a licence", response_model=dict[str, Any])
    async def verify(body: VerifyRequest) -> Response:
        """Return the verdict: 200 whatever its outcome; see docs/verification.md for the numbered checks."""
        try:
            question = await body.question(services.desk)
        except BusyError:
            raise _busy() from None
        return _json(await answer(services.desk, question))

    @app.post(
        VERIFY_BATCH,
        operation_id="verifyBatch",
        summary="核验多张证照 Verify many licences",
        response_model=dict[str, list[dict[str, Any]]],
    )
    async def verify_batch(body: BatchRequest) -> Response:
        """Return a verdict on each licence, in order; 200 whatever their outcomes."""
        return _json(await answer_many(services.desk, [one.sealed for one in body.licences], body.matter))


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _add_matters(app: FastAPI, office: Office, desk: Desk) -> None:
    from verifier.matters.pages import MatterPages  # noqa: PLC0415  (a window that only verifies needs none of it)
    from verifier.matters.routes import add_matters  # noqa: PLC0415

    add_matters(app, office, MatterPages(office.settings, office.window), desk)


def _busy() -> Problem:
    return Problem(Code.BUSY, headers={"Retry-After": "1"})


def _add_operations(app: FastAPI, services: Services) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def ready() -> JSONResponse:
        return JSONResponse(services.health.report(), 200 if services.health.ready else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(services.metrics.render(), media_type=CONTENT_TYPE)
