"""From signing in to a window's scan, with a real browser: and whoever would get in between stays outside."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from api.showing.consents import PAGE
from api.showing.remote import RemotePortal
from ecert.cli.pixels import read_picture
from tests.api.entrance.test_sign_in import elsewhere
from tests.api.holder.phones import Phone
from tests.api.holder.world import APP
from tests.api.showing.counter import AT_THE_WINDOW, COMPANY, WANG, ask, issue, redeem
from tests.api.showing.counter import Phone as App

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.api.office import Site

CLIENT = Path(__file__).parents[3] / "docs" / "clients" / "holder_app.py"
AXE = Path(__file__).parents[1] / "console" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def phone(page: Page, here: Site) -> Phone:
    """The phone of 王示例, who has signed in."""
    phone = Phone(page, here)
    phone.sign_in()
    return phone


@contextmanager
def quiet(page: Page) -> Iterator[None]:
    """Require that nothing is refused and no script fails meanwhile."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield
    assert not wrong


def test_a_licence_is_shown_scanned_from_the_screen_and_the_page_tells_by_whom(phone: Phone) -> None:
    with quiet(phone.page):
        phone.show()
        scanned = read_picture(phone.page.screenshot())
        assert scanned == phone.code()
        taken = redeem(phone.site, scanned)
        assert taken.status_code == 200, taken.text
        phone.page.wait_for_selector("h1:has-text('已被使用')")
        assert AT_THE_WINDOW["window"] in phone.page.inner_text("main")
        assert redeem(phone.site, scanned).json()["code"] == "code-used"
        phone.open("/uses")
        said = phone.page.inner_text("main")
    assert "每个码只能用一次" in said
    assert "办理社会保障卡申领" in said
    assert said.index("未成功") < said.index("持证主体手机授权")


def test_a_code_is_made_anew_before_it_is_over_and_the_one_before_is_good_no_longer(phone: Phone) -> None:
    first = phone.show()
    with phone.page.expect_response("**/holder/showing/renew"):
        phone.page.evaluate("ends = performance.now() + 6000")
    phone.page.wait_for_selector("[data-count] b:text-matches('5[0-9]|60')")
    second = phone.code()
    assert first != second
    assert redeem(phone.site, first).json()["code"] == "code-unknown"
    assert redeem(phone.site, second).status_code == 200


def test_licences_of_both_regions_are_masked_and_one_item_after_the_other_is_revealed(phone: Phone) -> None:
    listed = phone.page.inner_text("main")
    assert "样例市" in listed
    assert "社会保障卡" in listed
    assert WANG.code not in phone.page.content()
    phone.page.click(".card:has-text('居民身份证')")
    assert WANG.code not in phone.page.content()
    phone.page.click("div:has(> dt:text-is('姓名')) .eye")
    assert "王示例" in phone.page.inner_text(".items")
    assert WANG.code not in phone.page.content()
    phone.page.click("div:has(> dt:text-is('持证主体代码')) .eye")
    assert WANG.code in phone.page.inner_text(".items")
    phone.page.wait_for_load_state("load")
    assert phone.page.evaluate("document.querySelector('.sheetlike img').naturalWidth") > 0
    phone.page.click("text=全部遮住")
    assert WANG.code not in phone.page.content()


def test_a_licence_of_the_other_region_is_shown_to_a_window_there(phone: Phone, shanghai: Site) -> None:
    text = phone.show("社会保障卡")
    assert redeem(phone.site, text).json()["code"] == "code-unknown"
    taken = redeem(shanghai, text, "shanghai-window")
    assert taken.status_code == 200, taken.text
    phone.page.wait_for_selector("h1:has-text('已被使用')")
    phone.open("/uses")
    assert "样例市" in phone.page.inner_text("main")


def test_a_region_that_does_not_answer_is_named_and_the_others_are_there(phone: Phone) -> None:
    remote = phone.site.office.portals.of("310000")
    assert isinstance(remote, RemotePortal)
    object.__setattr__(remote, "settings", remote.settings.model_copy(update={"address": "http://127.0.0.1:9"}))
    phone.open()
    said = phone.page.inner_text("main")
    assert "样例市的服务没有应答" in said
    assert "居民身份证" in said
    assert "社会保障卡" not in said


def test_the_holder_acts_for_an_enterprise_and_sees_its_licences_alone(phone: Phone) -> None:
    phone.page.click("summary")
    phone.page.click(f".identity:has-text('{COMPANY.name}')")
    phone.page.wait_for_selector("h1:has-text('一企一档')")
    said = phone.page.inner_text("main")
    assert "营业执照" in said
    assert "居民身份证" not in said


def test_a_request_is_refused_on_the_phone_and_the_window_gets_nothing(phone: Phone) -> None:
    name = ask(phone.site, WANG).json()["id"]
    phone.open()
    phone.page.click("text=有 1 个授权请求等您答复")
    said = phone.page.inner_text("article")
    for word in ("社会保障卡申领", "SH-SBK-01", "居民身份证", "持证主体代码、姓名", "clerk-7"):
        assert word in said
    phone.page.click("button:has-text('拒绝')")
    phone.page.wait_for_selector(".badge:has-text('已拒绝')")
    refused = phone.site.call("window", "POST", f"/api/v1/consents/{name}/licences", json=AT_THE_WINDOW)
    assert refused.json()["code"] == "consent-refused"
    name = ask(phone.site, WANG).json()["id"]
    phone.open("/consents")
    phone.page.click("button:has-text('同意')")
    pulled = phone.site.call("window", "POST", f"/api/v1/consents/{name}/licences", json=AT_THE_WINDOW)
    assert len(pulled.json()["licences"]) == 1
    phone.page.click("text=收回授权")
    phone.page.wait_for_selector(".badge:has-text('已收回')")


def test_a_request_turns_up_on_the_page_that_is_open(phone: Phone) -> None:
    phone.open("/consents")
    waiting = phone.page.locator("button:has-text('同意')")
    before = waiting.count()
    ask(phone.site, WANG)
    waiting.nth(before).wait_for(timeout=20_000)
    phone.page.click("button:has-text('拒绝')")


def test_what_does_not_fit_on_the_page_of_a_list_is_on_the_next(phone: Phone) -> None:
    for _ in range(PAGE + 1):
        assert ask(phone.site, WANG).status_code == 201
    phone.open("/consents")
    assert phone.page.locator("article").count() == PAGE
    phone.page.click("a:has-text('更早')")
    assert phone.page.locator("article").count() == 1
    assert phone.page.locator("a:has-text('更早')").count() == 0


def test_everything_but_the_countdown_works_without_a_script(browser: Browser, here: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    phone = Phone(context.new_page(), here)
    phone.sign_in()
    first = phone.show()
    phone.page.click("text=换新码")
    second = phone.code()
    assert first != second
    assert redeem(here, second).status_code == 200
    phone.page.reload()
    assert "已被使用" in phone.page.inner_text("main")
    phone.page.click("text=长辈版")
    assert phone.page.get_attribute("html", "class") == "elder size-18"
    context.close()


def test_a_stolen_session_is_worth_nothing_once_its_holder_signed_out_and_its_code_is_taken_down(
    browser: Browser, phone: Phone
) -> None:
    code, (name, value) = phone.show(), phone.cookie
    thief = browser.new_context()
    thief.add_cookies([{"name": name, "value": value, "url": phone.site.office.settings.origin}])
    stolen = thief.new_page()
    stolen.goto(f"{phone.site.office.settings.origin}/holder/licences")
    assert "一人一档" in stolen.inner_text("h1")
    phone.page.click("summary")
    phone.page.click("text=退出登录")
    phone.page.wait_for_url("**/holder/sign-in")
    stolen.reload()
    assert stolen.url.endswith("/holder/sign-in")
    assert redeem(phone.site, code).json()["code"] == "code-unknown"
    phone.page.go_back()
    assert "/holder/sign-in" in phone.page.url
    thief.close()


def test_a_page_of_another_origin_can_neither_send_a_form_nor_frame_nor_see_a_picture(phone: Phone) -> None:
    origin = phone.site.office.settings.origin
    phone.page.click(".card:has-text('居民身份证')")
    picture = f"{phone.page.url}/picture.svg"
    target = f"{origin}/holder/showing/renew"
    form = f'<form id="f" method="post" action="{target}"><input name="csrf_token" value="0"></form>'
    with elsewhere(f"{form}<script>f.submit()</script>") as address:
        phone.page.goto(address)
        phone.page.wait_for_url(target)
        assert "403" in phone.page.inner_text("main")
    with elsewhere(f'<iframe src="{origin}/holder/licences"></iframe><img src="{picture}">') as address:
        phone.page.goto(address)
        phone.page.wait_for_load_state("networkidle")
        assert "一人一档" not in phone.page.frames[1].content()
        assert phone.page.evaluate("document.images[0].naturalWidth") == 0


def test_the_session_of_an_operator_is_none_of_a_holder_and_the_other_way_round(phone: Phone) -> None:
    token = phone.cookie[1]
    site = phone.site
    console = {"Cookie": f"{site.office.console.session_cookie.name}={token}"}
    assert site.client.get("/console/callers", headers=console).status_code == 303
    desk = site.console("region-operator")
    holder = {"Cookie": f"{site.office.holder.session_cookie.name}={desk.token}"}
    assert site.client.get("/holder/licences", headers=holder).status_code == 303


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "</title><script>alert(1)</script>", "{{7*7}}"])
def test_whatever_a_licence_says_is_text_on_the_page(phone: Phone, text: str) -> None:
    application = phone.site.region.application()
    own = application["extendInfo"] | {"businessScope": text, "legalRepresentative": text}
    code = {"certificateNumber": "91440300DEMX00057N", "certificateHolderCode": "91440300DEMX00057N"}
    issue(phone.site, application | code | {"extendInfo": own | {"creditCode": "91440300DEMX00057N"}})
    phone.page.on("dialog", lambda _: pytest.fail("a script of a licence ran"))
    shenzhen = App.of(phone.site, WANG, type(COMPANY)("001", "91440300DEMX00057N", text))
    shenzhen.call("POST", "/identity", {"number": 1})
    name = phone.site.office.holder.session_cookie.name
    phone.page.context.add_cookies([{"name": name, "value": shenzhen.token, "url": phone.site.office.settings.origin}])
    asked = {"matter": text, "item_code": text, "business_no": text, "purpose": text}
    assert ask(phone.site, type(COMPANY)("001", "91440300DEMX00057N", text), use=asked).status_code == 201
    for path in ("/licences", "/consents", "/uses"):
        phone.open(path)
        assert text in phone.page.inner_text("body")
    phone.open()
    phone.page.click(".card")
    assert text in phone.page.inner_text(".items")
    assert phone.page.locator("img[src='x']").count() == 0


def test_the_app_of_the_documentation_signs_a_holder_in_shows_a_licence_and_is_told_by_whom_it_was_taken(
    here: Site,
) -> None:
    command = [sys.executable, "-u", str(CLIENT), here.office.settings.origin, APP]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as app:
        assert app.stdin is not None
        assert app.stdout is not None
        app.stdout.readline()
        app.stdin.write(_come_back(app.stdout.readline().strip()) + "\n")
        app.stdin.flush()
        said = ""
        while not (line := app.stdout.readline()).strip().startswith("HTTPS://"):
            assert line, said
            said += line
        assert "居民身份证" in said
        assert WANG.code not in said
        taken = redeem(here, line.strip())
        assert taken.status_code == 200, taken.text
        told = json.loads(app.stdout.readline())
        assert (told["state"], told["taken"]["window"]) == ("taken", AT_THE_WINDOW["window"])
        assert app.wait(10) == 0


def test_an_apps_code_is_nothing_to_whoever_reads_it_and_other_apps_are_sent_nowhere(here: Site) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 48).digest()).rstrip(b"=").decode()
    code = _app_code(here, challenge)
    bearer = {"Authorization": f"Bearer {code}"}
    assert here.client.get("/api/v1/holder/session", headers=bearer).status_code == 401
    stolen = {"code": code, "verifier": "w" * 48}
    assert here.client.post("/api/v1/holder/session", json=stolen).status_code == 422
    right = {"code": code, "verifier": "v" * 48}
    assert here.client.post("/api/v1/holder/session", json=right).status_code == 422
    query = f"app=evil.app:/signed-in&challenge={challenge}"
    assert here.client.get(f"/holder/sign-in/unified?{query}").status_code == 422
    back = here.client.get("/holder/sign-in/unified?next=https://evil.example")
    assert back.status_code == 303
    assert "evil" not in back.headers["set-cookie"]


def _app_code(here: Site, challenge: str) -> str:
    begun = f"{here.office.settings.origin}/holder/sign-in/unified?app={APP}&challenge={challenge}"
    return parse_qs(urlsplit(_come_back(begun)).query)["code"][0]


def _come_back(address: str) -> str:
    """Sign in as a browser does, and return the address of the app that it is sent to."""
    with httpx2.Client(trust_env=False) as browser:
        chosen = browser.get(f"{browser.get(address).headers['location']}&login_hint=wang")
        back = browser.get(chosen.headers["location"]).headers["location"]
    assert back.startswith(f"{APP}?code=")
    return str(back)


def test_whoever_holds_nothing_at_the_provider_is_told_and_a_sign_in_is_good_in_its_own_browser_alone(
    browser: Browser, page: Page, here: Site
) -> None:
    origin = here.office.settings.origin
    page.goto(f"{origin}/holder/sign-in/unified")
    page.click("button:text-is('样例陌生人')")
    page.wait_for_url("**/holder/signed-in?**")
    assert "登录未成功" in page.inner_text("[role=alert]")
    other = browser.new_context()
    victim = other.new_page()
    victim.goto(f"{origin}/holder/signed-in?code=x&state=y")
    assert "登录未成功" in victim.inner_text("[role=alert]")
    assert other.cookies() == []
    other.close()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in tests/api/console")
@pytest.mark.parametrize("size", [None, 18, 30])
def test_no_page_has_an_axe_violation_or_overflows_and_all_targets_are_large(phone: Phone, size: int | None) -> None:
    name = ask(phone.site, WANG).json()["id"]
    if size:
        phone.page.click("text=长辈版")
    while phone.page.get_attribute("html", "class") != (f"elder size-{size}" if size else None):
        phone.page.click("text=大一号")
    phone.page.click(".card:has-text('居民身份证')")
    licence = urlsplit(phone.page.url).path.removeprefix("/holder")
    taken = redeem(phone.site, phone.show())
    assert (taken.status_code, bool(name)) == (200, True)
    paths = ["/licences", licence, f"{licence}/show", "/showing", "/consents", "/uses", "/nothing", "/sign-in"]
    wrong: list[object] = []
    for width in (390, 320):
        phone.page.set_viewport_size({"width": width, "height": 800})
        for path in paths:
            phone.open(path)
            wrong += _wrong(phone.page, f"{path} {width}", 60 if size else 44)
        phone.show()
        wrong += _wrong(phone.page, f"code {width}", 60 if size else 44)
    assert not wrong, "\n".join(map(str, wrong))


def _wrong(page: Page, where: str, target: int) -> list[object]:
    found: list[object] = []
    page.evaluate(AXE.read_text("utf-8"))
    said = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    found += [(where, one["id"], [node["html"] for node in one["nodes"]]) for one in said]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wide = "[...document.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth)"
        found.append((where, "overflows", page.evaluate(f"{wide}.map((one) => one.outerHTML.slice(0, 80))")))
    small = f"""[...document.querySelectorAll('button, nav a, a.button, .card a, summary, .back a, label.check')]
        .map((one) => [one.innerText, one.getBoundingClientRect()])
        .filter(([_, box]) => box.width > 0 && (box.height < {target} || box.width < {target}))
        .map(([text, box]) => `${{text}} ${{box.width}} × ${{box.height}}`)"""
    found += [(where, one) for one in page.evaluate(small)]
    return found
