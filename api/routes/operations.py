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
        """Say whether what is published may be relied on, and, of an issuing service, whether its database answers."""
        health, office = await services.health.look(), services.office
        database = {} if office is None else {"database": await office.pool.answers()}
        well = health.ready and all(database.values())
        return JSONResponse(health.report() | {"ready": well} | database, 200 if well else 503)

    @routes.get("/metrics")
    async def metrics() -> Response:
        await services.health.look()
        return Response(services.metrics.render(), media_type=CONTENT_TYPE)

    return routes
