"""Signing in and out: `/console/sign-in`, `/console/sign-out`."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.console.posted_form import read_form, require_same_site
from api.console.site import SIGN_IN
from api.console.views.entrance import SignIn
from api.office import Office


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes, console = APIRouter(), office.console

    @routes.get("/console/sign-in")
    async def sign_in() -> Response:
        return console.page(console.nobody(), SignIn(None))

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
