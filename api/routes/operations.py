"""What operators and their machines look at."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from api.services import Services
from ecert.web.metrics import CONTENT_TYPE


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def ready() -> JSONResponse:
        """Say whether what is published may be relied on; of an issuing service, whether database and keys answer."""
        health, office = await services.health.look(), services.office
        answers = {} if office is None else await office.answers()
        well = health.ready and all(answers.values())
        return JSONResponse(health.report() | {"ready": well} | answers, 200 if well else 503)

    @routes.get("/metrics")
    async def metrics() -> Response:
        await services.health.look()
        if services.office is not None:
            await services.office.keys.answer()
        return Response(services.metrics.render(), media_type=CONTENT_TYPE)

    return routes
