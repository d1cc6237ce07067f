"""Every page and form of the console asks who is there, and every form for the token of the session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute

from api.access.providers import RETURN_PATH
from api.console.routes import PAGES
from api.console.site import SIGN_IN
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from tests.api.office import Site

OPEN = {SIGN_IN, f"{SIGN_IN}/unified", RETURN_PATH, "/console/sign-out"}
"""Before anybody is signed in; signing out of nothing is nothing."""
ROLES = ("issuer-clerk", "reviewer", "catalogue-manager", "auditor", "region-operator")


def addresses(site: Site) -> list[tuple[str, str]]:
    """Return the method and address of every route of the console, about things that are not there."""
    routes = [route for one in PAGES for route in one.router(site.office).routes if isinstance(route, APIRoute)]
    found = [(method, re.sub(r"{[^}]+}", "nothing", route.path)) for route in routes for method in route.methods or ()]
    return [(method, path) for method, path in found if path not in OPEN]


def test_nobody_sees_a_page_or_sends_a_form(site: Site) -> None:
    asked = addresses(site)
    assert len(asked) > 40
    for method, path in asked:
        for cookie in ({}, {"Cookie": f"{site.office.console.session_cookie.name}={'A' * 43}"}):
            answer = site.client.request(method, path, headers=cookie)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, SIGN_IN), (method, path)
            assert not answer.content


def test_no_form_is_taken_without_the_token_of_its_session(site: Site) -> None:
    other = site.console("auditor").csrf
    for role in ROLES:
        desk = site.console(role)
        for method, path in addresses(site):
            if method != "GET":
                for token in ("", other, sm3(desk.token.encode()).hex()):
                    answer = desk.post(path, {"csrf_token": token})
                    assert answer.status_code == 403, (role, path)
                    assert answer.headers["content-type"].startswith("text/html"), path
                assert desk.post(path, headers={"Origin": "https://elsewhere.example"}).status_code == 403, (role, path)


def test_no_page_breaks_over_what_is_not_there_and_none_can_be_framed(site: Site) -> None:
    for role in ROLES:
        desk = site.console(role)
        for method, path in addresses(site):
            answer = desk.get(path) if method == "GET" else desk.post(path)
            assert answer.status_code < 500, (role, method, path, answer.text[:300])
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
                assert answer.headers["cache-control"] == "no-store", path
