"""`GET /api/v1/overview`: how things stand in a department, or in the whole region."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.access.guard import Visit
from api.office import Office
from api.overview import count_licences


class OverviewBody(BaseModel):
    """How many licences there are.

    Attributes:
        licences: All that were ever issued.
        in_force: Those valid now.
        revoked: Those revoked so far.
    """

    licences: int
    in_force: int
    revoked: int


def router(office: Office) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["overview"])

    @routes.get("/api/v1/overview", operation_id="readOverview", summary="总览 How things stand")
    async def overview(visit: Annotated[Visit, Depends(office.guard("readOverview"))]) -> OverviewBody:
        now = office.clock()
        counted = await office.pool.ask(lambda ledger: count_licences(ledger.database, visit.scope, now))
        return OverviewBody(licences=counted.licences, in_force=counted.in_force, revoked=counted.revoked)

    return routes
