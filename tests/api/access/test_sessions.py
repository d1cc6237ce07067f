"""Sessions of operators, and what stands between them and whoever would like to act in their name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from starlette.responses import Response

from api.access.callers import CallerBook
from api.access.cookies import Cookie
from api.access.sessions import IDLE, LONGEST, SessionBook
from api.console.site import safe_return
from api.service_schema import sessions
from ecert.sm2 import sm3
from tests.api.province import GUANGDONG

if TYPE_CHECKING:
    from datetime import datetime

    import httpx2

    from tests.api.office import Desk, Region, Site

PAGE = "/console/callers"


def is_signed_in(desk: Desk) -> bool:
    return bool(desk.csrf)


def sent_away(answer: httpx2.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
def test_a_session_ends_when_it_is_not_used_and_at_the_latest_after_a_working_day(region: Region) -> None:
    start, who = region.provinces.now, region.operators["issuer-clerk"]
    with region.ledger() as ledger:
        book = SessionBook(ledger.database, GUANGDONG)

        def lasts(token: str, at: datetime) -> bool:
            return book.find(token, at) is not None

        idle, busy = book.begin(who, start), book.begin(who, start)
        assert lasts(idle, start + IDLE - timedelta(seconds=1))
        assert not lasts(idle, start + 2 * IDLE)
        at = start
        while at < start + LONGEST - timedelta(minutes=20):
            at += timedelta(minutes=20)
            assert lasts(busy, at)
        assert not lasts(busy, start + LONGEST)
        book.begin(who, start + 2 * LONGEST)
        assert len(ledger.database.run(select(sessions)).all()) == 1, "those that are over are gone"


def test_a_session_ends_with_its_operator_and_a_sign_in_ends_the_one_before(region: Region) -> None:
    now, who = region.provinces.now, region.operators["reviewer"]
    with region.ledger() as ledger:
        book = SessionBook(ledger.database, GUANGDONG)
        first = book.begin(who, now)
        second = book.begin(who, now, instead_of=first)
        assert first != second
        assert book.find(first, now) is None
        assert book.find(second, now) is not None
        CallerBook(ledger.database, GUANGDONG).end(who, now)
        assert book.find(second, now) is None


def test_the_ledger_holds_nothing_that_opens_the_console(region: Region) -> None:
    now, who = region.provinces.now, region.operators["reviewer"]
    with region.ledger() as ledger:
        book = SessionBook(ledger.database, GUANGDONG)
        token = book.begin(who, now)
        session = book.find(token, now)
        kept = ledger.database.row(select(sessions))
        assert kept is not None
        assert session is not None
        assert kept.token == sm3(token.encode())
        assert session.csrf not in (token, kept.token.hex())
        assert token not in repr(session)
        for guess in (kept.token.hex(), token[:-1], token + "A", "", "\x00" * 43, token.lower()):
            assert book.find(guess, now) is None


def test_nobody_is_sent_to_sign_in_and_comes_back_to_what_they_asked_for(site: Site) -> None:
    sent = site.client.get(PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/console/sign-in?next=%2Fconsole%2Fcallers")
    assert sent_away(site.client.post(f"{PAGE}/system-1/end"))
    assert sent_away(site.client.get(PAGE, headers={"Cookie": "ecert-session=rubbish"}))
    answer = site.client.get(sent.headers["location"])
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert site.client.get("/console/static/console.css").headers["content-type"].startswith("text/css")
    assert site.client.get("/console/static/../pages.py").status_code == 404


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("/console/licences/abc", "/console/licences/abc"),
        ("/console/licences?cursor=a", "/console/licences?cursor=a"),
        ("/console", "/console"),
        ("https://elsewhere.example/console", "/console"),
        ("//elsewhere.example/console", "/console"),
        ("/consoles", "/console"),
        ("/console/../api/v1/keys", "/console"),
        ("/console/\\elsewhere.example", "/console"),
        ("/console/sign-in", "/console"),
        ("/console\r\nSet-Cookie: a=b", "/console"),
        ("/console/" + "a" * 600, "/console"),
        ("", "/console"),
    ],
)
def test_after_signing_in_nobody_is_led_out_of_the_console(asked: str, where: str) -> None:
    assert safe_return(asked) == where


def test_an_operator_sees_the_sections_and_pages_of_their_roles(site: Site) -> None:
    page = site.console("region-operator").get(PAGE)
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert '<a href="/console/callers" accesskey="9" aria-current="page">' in page.text
    assert "/console/issue" not in page.text
    clerk = site.console("issuer-clerk").get(PAGE)
    assert clerk.status_code == 403
    assert clerk.headers["content-type"].startswith("text/html")
    assert "/console/callers" not in clerk.text
    assert "/console/issue" in clerk.text


def test_what_a_form_does_needs_the_form_whatever_the_role(site: Site) -> None:
    desk, victim = site.console("region-operator"), site.region.operators["other-auditor"]
    address, ended = f"{PAGE}/{victim}/end", {"csrf_token": "0" * 64}
    assert desk.post(address, ended).status_code == 403
    assert desk.post(address, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    plain = site.client.post(address, content=b"csrf_token=x", headers=desk.cookie | {"Content-Type": "text/plain"})
    assert plain.status_code == 415
    twice = f"csrf_token={desk.csrf}&a=1&a=2"
    control = f"csrf_token={desk.csrf}&a=%00"
    garbled = f"csrf_token={desk.csrf}&a=%ff"
    many = f"csrf_token={desk.csrf}&" + "&".join(f"a{number}=" for number in range(600))
    for wrong in (twice, control, garbled, many):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert site.client.post(address, content=wrong, headers=desk.cookie | kind).status_code in (400, 422)
    assert site.console("other-auditor").get("/console/sign-in").status_code == 200
    assert desk.post(address).status_code == 303
    with site.region.ledger() as ledger:
        assert CallerBook(ledger.database, GUANGDONG).find(victim).ended_at is not None


def test_signing_out_ends_the_session_and_needs_the_form_of_the_session(site: Site) -> None:
    desk, other = site.console("issuer-clerk"), site.console("reviewer")
    for wrong in ({"csrf_token": ""}, {"csrf_token": other.csrf}, {"csrf_token": "a" * 64}):
        assert desk.post("/console/sign-out", wrong).status_code == 403
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        refused = desk.post("/console/sign-out", headers=headers)
        assert refused.status_code == 403
        assert refused.headers["content-type"].startswith("text/html")
    assert is_signed_in(desk)
    answer = desk.post("/console/sign-out", headers={"Origin": site.office.settings.origin})
    assert sent_away(answer)
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert not is_signed_in(desk)
    assert is_signed_in(other)
    with site.region.ledger() as ledger:
        assert not ledger.database.run(select(sessions).where(sessions.c.token == sm3(desk.token.encode()))).all()


def test_a_session_opens_the_pages_and_never_the_interface_for_machines(site: Site) -> None:
    desk = site.console("issuer-clerk")
    answer = desk.get("/api/v1/overview")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_an_address_that_is_not_there_is_a_page_for_people_and_a_problem_for_machines(site: Site) -> None:
    page, machine = site.client.get(PAGE + "/nothing"), site.client.get("/api/v1/nothing-is-here")
    assert (page.status_code, machine.status_code) == (404, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert "not-found" in page.text
    assert machine.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://licences.example", "__Host-ecert-session"),
        ("https://licences.example:8443", "__Host-ecert-session-8443"),
        ("http://127.0.0.1:8440", "ecert-session-8440"),
    ],
)
def test_the_cookie_is_bound_to_the_service(origin: str, name: str) -> None:
    answer = Response()
    Cookie("ecert-session", origin).put(answer, "token")
    said = answer.headers["set-cookie"]
    assert said.startswith(f"{name}=token; HttpOnly; Path=/; SameSite=lax")
    assert said.endswith("; Secure") is origin.startswith("https")
    assert "Domain" not in said
