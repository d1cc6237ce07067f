"""Operators come in with a real browser; whoever would come in with them stays outside."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest
from sqlalchemy import select, update

from api.access.callers import CallerBook
from api.access.sessions import IDLE
from api.audit import AuditBook
from api.service_schema import sessions, sign_ins
from ecert.audit import AuditEntry
from tests.api.office import IDENTITIES
from tests.api.province import GUANGDONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.api.office import Site


def sign_in(page: Page, site: Site, name: str = "region-operator") -> None:
    page.goto(f"{site.office.settings.origin}/console/callers")
    page.click(f"a.account:has(b:text-is('{name}'))")
    page.wait_for_url("**/console/callers")


def give(context: BrowserContext, site: Site, name: str, value: str) -> None:
    context.add_cookies([{"name": name, "value": value, "url": site.office.settings.origin}])


@contextmanager
def elsewhere(content: str) -> Iterator[str]:
    """A page of another origin, on this machine and so of the same site as far as cookies go."""

    class Handler(BaseHTTPRequestHandler):
        body: ClassVar[bytes] = content.encode()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def actions(site: Site) -> list[tuple[str, str, str]]:
    with site.region.ledger() as ledger:
        entries = [AuditEntry.decode(one) for one in AuditBook(ledger.database).entries()]
    return [(one.who, one.action, one.outcome) for one in entries if one.action.startswith("session")]


def test_an_operator_signs_in_comes_to_where_they_wanted_and_signs_out(page: Page, here: Site) -> None:
    who = here.region.operators["region-operator"]
    sign_in(page, here)
    assert "接入管理" in page.inner_text("h1")
    assert "region-operator" in page.inner_text(".who")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"], cookie["expires"]) == (True, "Lax", "/", -1)
    with here.region.ledger() as ledger:
        assert not ledger.database.run(select(sign_ins)).all()
    page.click("text=退出")
    page.wait_for_url("**/console/sign-in")
    assert page.context.cookies() == []
    page.go_back()
    assert page.url.endswith("/console/sign-in?next=%2Fconsole%2Fcallers")
    assert actions(here) == [(who, "session.begin", "ok"), (who, "session.end", "ok")]


def test_without_a_hint_the_provider_asks_and_a_stranger_is_told_that_they_are_one(page: Page, here: Site) -> None:
    page.goto(f"{here.office.settings.origin}/console/sign-in")
    page.click("text=前往统一身份认证登录")
    page.wait_for_url(f"{IDENTITIES}/authorize**")
    page.click("text=样例陌生人")
    page.wait_for_url("**/console/signed-in?**")
    assert "您尚未登记为工作人员" in page.inner_text("[role=alert]")
    assert page.context.cookies() == []
    assert actions(here) == [("service", "session.refuse", "caller-unknown")]


def test_a_sign_in_answers_to_the_browser_that_began_it_alone_and_once(
    browser: Browser, page: Page, here: Site
) -> None:
    origin = here.office.settings.origin
    page.goto(f"{origin}/console/sign-in/unified")
    with page.expect_request(re.compile("/console/signed-in")) as sent:
        page.click("text=样例region-operator")
    page.wait_for_url("**/console")
    answer = sent.value.url
    page.context.clear_cookies()
    page.goto(answer)
    assert "登录未成功" in page.inner_text("[role=alert]")
    other = browser.new_context()
    victim = other.new_page()
    for address in (answer, f"{origin}/console/signed-in?code=x", f"{origin}/console/signed-in?error=access_denied"):
        victim.goto(address)
        assert "登录未成功" in victim.inner_text("[role=alert]")
        assert other.cookies() == []
    other.close()


def test_every_sign_in_makes_a_new_session_and_ends_the_one_before(page: Page, here: Site) -> None:
    sign_in(page, here)
    (first,) = page.context.cookies()
    page.goto(f"{here.office.settings.origin}/console/sign-in")
    page.click("a.account:has(b:text-is('issuer-clerk'))")
    page.wait_for_url("**/console")
    (second,) = page.context.cookies()
    assert first["value"] != second["value"]
    give(page.context, here, first["name"], first["value"])
    page.goto(f"{here.office.settings.origin}/console/callers")
    assert "/console/sign-in" in page.url


def test_a_session_that_was_stolen_is_worth_nothing_once_its_operator_signed_out_or_was_ended(
    browser: Browser, page: Page, here: Site
) -> None:
    sign_in(page, here)
    thief = browser.new_context()
    (cookie,) = page.context.cookies()
    give(thief, here, cookie["name"], cookie["value"])
    stolen = thief.new_page()
    stolen.goto(f"{here.office.settings.origin}/console/callers")
    assert "接入管理" in stolen.inner_text("h1")
    with here.region.ledger() as ledger:
        CallerBook(ledger.database, GUANGDONG).end(here.region.operators["region-operator"], here.office.clock())
    stolen.reload()
    assert "/console/sign-in" in stolen.url
    thief.close()


def test_a_session_that_was_left_alone_is_over_and_its_forms_do_nothing(page: Page, here: Site) -> None:
    sign_in(page, here)
    with here.region.ledger() as ledger:
        before = here.office.clock() - IDLE - timedelta(seconds=1)
        ledger.database.run(update(sessions).values(used_at=before))
    page.click("table button:has-text('停用') >> nth=0")
    page.wait_for_url("**/console/sign-in")
    with here.region.ledger() as ledger:
        assert all(one.ended_at is None for one in CallerBook(ledger.database, GUANGDONG).all())


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_a_page_of_another_origin_cannot_send_a_form(page: Page, here: Site, kind: str) -> None:
    sign_in(page, here)
    victim = here.region.operators["other-auditor"]
    target = f"{here.office.settings.origin}/console/callers/{victim}/end"
    form = f'<form id="f" method="post" enctype="{kind}" action="{target}"><input name="csrf_token" value="0"></form>'
    with elsewhere(f"{form}<script>f.submit()</script>") as address:
        page.goto(address)
        page.wait_for_url(target)
        assert "403" in page.inner_text("main")
    with here.region.ledger() as ledger:
        assert CallerBook(ledger.database, GUANGDONG).find(victim).ended_at is None
    page.goto(f"{here.office.settings.origin}/console/callers")
    page.click(f"form[action$='{victim}/end'] button")
    page.wait_for_url("**/console/callers")
    with here.region.ledger() as ledger:
        assert CallerBook(ledger.database, GUANGDONG).find(victim).ended_at is not None


def test_a_page_of_another_origin_cannot_frame_the_console(page: Page, here: Site) -> None:
    sign_in(page, here)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    with elsewhere(f'<iframe src="{here.office.settings.origin}/console/callers"></iframe>') as address:
        page.goto(address)
        page.wait_for_timeout(500)
        assert "接入管理" not in page.frames[1].content()
    assert any("frame-ancestors" in one for one in refused)
