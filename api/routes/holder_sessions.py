"""`/api/v1/holder/session`: a holder's session for apps, as a bearer token."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from api.access.guard import require_text
from api.office import Office
from api.routes.bodies import json_body
from api.showing.bodies import Said, Told
from api.showing.desk import HolderDesk
from api.showing.sessions import REQUESTS_A_MINUTE, HolderSession
from ecert.web.problems import Code, Problem, read_json

PATH = "/api/v1/holder"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ecert holders"'}


class ExchangeBody(Said):
    """An app's code, and the verifier whose challenge it sent."""

    code: Annotated[str, Field(max_length=128)]
    verifier: Annotated[str, Field(min_length=43, max_length=128)]


class TokenTold(Told):
    """What an app sends with every request of a holder."""

    token: str
    until: datetime


class HolderTold(Told):
    """Somebody whom the holder may act for; a person's name is masked."""

    number: int
    code_type: str
    name: str


class SessionTold(Told):
    """Who signed in; `acting` is the number of whom they act for."""

    holders: list[HolderTold]
    acting: int
    until: datetime


class ActBody(Said):
    """For whom to act."""

    number: Annotated[int, Field(ge=0, le=1000)]


def entering(office: Office, desk: HolderDesk) -> Callable[[Request], Awaitable[HolderSession]]:
    """Return what lets a holder's app into a route, to be depended on."""

    async def enter(request: Request) -> HolderSession:
        require_text(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        session = await desk.find(token.strip()) if scheme.lower() == "bearer" else None
        if session is None:
            raise Problem(Code.UNAUTHENTICATED, headers=_CHALLENGE)
        await office.limits.take(f"holder-{session.name[:16]}", REQUESTS_A_MINUTE)
        return session

    return enter


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["holder"])
    desk = HolderDesk(office.portals, office.pool, office.clock)
    enter = entering(office, desk)

    @routes.post(
        f"{PATH}/session",
        operation_id="exchangeSession",
        summary="以登录码换会话 Exchange a code for a session",
        openapi_extra=json_body(ExchangeBody),
    )
    async def exchange(request: Request) -> TokenTold:
        """Return the token of whoever signed in for an app."""
        await office.limits.take_unknown("holder-exchange", request)
        body = read_json(ExchangeBody, await request.body())
        session = await desk.exchange(body.code, body.verifier)
        return TokenTold(token=session.token, until=session.until)

    @routes.get(f"{PATH}/session", operation_id="readSession", summary="会话 The session")
    async def read(session: Annotated[HolderSession, Depends(enter)]) -> SessionTold:
        """Return who signed in."""
        return _session(session)

    @routes.delete(f"{PATH}/session", status_code=204, operation_id="endSession", summary="退出 Sign out")
    async def end(session: Annotated[HolderSession, Depends(enter)]) -> None:
        """End the session, and take down what it shows."""
        await desk.sign_out(session)

    @routes.post(
        f"{PATH}/identity",
        operation_id="actAs",
        summary="切换身份 Act for somebody else",
        openapi_extra=json_body(ActBody),
    )
    async def act(request: Request, session: Annotated[HolderSession, Depends(enter)]) -> SessionTold:
        """Act for a person or an organisation of the session."""
        body = read_json(ActBody, await request.body())
        return _session(await desk.act_as(session, body.number))

    return routes


def _session(session: HolderSession) -> SessionTold:
    account = session.account
    holders = [
        HolderTold(number=number, code_type=one.code_type, name=one.shown_name)
        for number, one in enumerate(account.all)
    ]
    return SessionTold(holders=holders, acting=account.acting, until=session.until)
