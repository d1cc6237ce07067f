"""`/console`: how things stand."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.access.permissions import Scope
from api.catalogue.book import TypeBook
from api.console.site import ConsoleVisit
from api.console.views.entrance import Dashboard
from api.console.views.frame import HOME, Section
from api.console.views.licences import LicenceState
from api.ledger import SqlLedger
from api.office import Office
from api.overview import SOON_DAYS, count_licences, look
from ecert.licence.codes import Phrase
from ecert.licence.validity import china_day


def router(office: Office) -> APIRouter:
    """Return the page."""
    routes, console = APIRouter(), office.console

    @routes.get(HOME)
    async def dashboard(visit: Annotated[ConsoleVisit, Depends(console.enter("readOverview"))]) -> Response:
        view = await office.pool.ask(lambda ledger: _look(ledger, visit.scope, office))
        return console.page(visit.frame(Section.DASHBOARD), view)

    return routes


def _look(ledger: SqlLedger, scope: Scope, office: Office) -> Dashboard:
    now = office.clock()
    counts, found = count_licences(ledger.database, scope, now), look(ledger.database, scope, now)
    names = TypeBook(ledger.database).names()
    return Dashboard(
        today=china_day(now),
        issued_today=found.per_day[-1][1],
        in_force=counts.in_force,
        expiring_soon=found.expiring_soon,
        soon_days=SOON_DAYS,
        revoked=counts.revoked,
        waiting=found.waiting,
        batches_running=found.batches_running,
        per_day=found.per_day,
        by_type=tuple((names.get(code, Phrase("", code)), count) for code, count in found.by_type),
        by_state=tuple((LicenceState[standing.name], count) for standing, count in found.by_standing),
    )
