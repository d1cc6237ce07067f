"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.access.providers import RETURN_PATH
from api.console.entrance import TO_PROVIDER, Entrance
from api.console.posted_form import read_form, require_same_site
from api.console.site import SIGN_IN, safe_return
from api.office import Office

Next = Annotated[str, Query(alias="next", max_length=1024)]
Text = Annotated[str, Query(max_length=2048)]


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes, console, entrance = APIRouter(), office.console, Entrance(office)

    @routes.get(SIGN_IN)
    async def sign_in(target: Next = "") -> Response:
        return await entrance.page(safe_return(target))

    @routes.get(TO_PROVIDER)
    async def to_provider(request: Request, target: Next = "", account: Text = "") -> Response:
        return await entrance.begin(request, safe_return(target), account)

    @routes.get(RETURN_PATH)
    async def signed_in(request: Request, code: Text = "", state: Text = "") -> Response:
        return await entrance.finish(request, code, state)

    @routes.post("/console/sign-out")
    async def sign_out(request: Request) -> Response:
        answer = RedirectResponse(SIGN_IN, 303)
        session = await console.session(request)
        if session is not None:
            require_same_site(request, office.settings.origin)
            await (await read_form(request, session.csrf)).close()
            now, who = office.clock(), session.caller.principal.id
            await office.pool.ask(lambda ledger: console.sessions(ledger).end(session, now), actor=who)
        console.session_cookie.drop(answer)
        return answer

    return routes
