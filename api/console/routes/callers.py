"""接入管理: who may call, and the end of it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from api.access.callers import Caller, CallerBook
from api.access.principals import Kind
from api.console.site import ConsoleVisit, shown_roles
from api.console.views.frame import Section
from api.console.views.oversight import CallerList, CallerState, OperatorRow, SystemRow
from api.office import Office


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get(Section.CALLERS.path)
    async def callers(visit: Annotated[ConsoleVisit, Depends(office.console.enter("listCallers"))]) -> Response:
        known = await office.pool.ask(lambda ledger: CallerBook(ledger.database, visit.scope.region).all())
        may_end = visit.may("endCaller")
        view = CallerList(
            tuple(_system(office, one) for one in known if one.principal.kind is Kind.SYSTEM),
            tuple(_operator(office, one) for one in known if one.principal.kind is Kind.OPERATOR),
            may_end,
        )
        return office.console.page(visit.frame(Section.CALLERS), view)

    @routes.post(f"{Section.CALLERS.path}/{{key}}/end")
    async def end(key: str, visit: Annotated[ConsoleVisit, Depends(office.console.enter("endCaller"))]) -> Response:
        now = office.clock()
        await office.pool.ask(
            lambda ledger: CallerBook(ledger.database, visit.scope.region).end(key, now), actor=visit.principal.id
        )
        return RedirectResponse(Section.CALLERS.path, 303)

    return routes


def _state(one: Caller) -> CallerState:
    return CallerState.ACTIVE if one.ended_at is None else CallerState.ENDED


def _system(office: Office, one: Caller) -> SystemRow:
    who, key = one.principal, "" if one.key is None else one.key.key_id.hex()
    return SystemRow(
        who.id,
        who.name,
        office.console.department(one.principal).zh,
        shown_roles(one.principal),
        key,
        one.rate,
        _state(one),
        one.seen_at,
    )


def _operator(office: Office, one: Caller) -> OperatorRow:
    who = one.principal
    return OperatorRow(
        who.id,
        who.name,
        office.console.department(one.principal).zh,
        shown_roles(one.principal),
        _state(one),
        one.seen_at,
    )
