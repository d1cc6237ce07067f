"""The pages as a clerk sees them, in a real browser."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from PIL import Image

from ecert.presentation import Answer
from tests.browsing import chromium
from tests.verifier.matters.conftest import CARD, CARD_TEXT, COMPANY, PURPOSE, RELOCATION, SCAN, City, Clerk, Town

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[2] / "api/console/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def addresses(city: City) -> list[str]:
    """Return the address of every page, some of them with much on it."""
    service, clerk = city.service, city.clerk
    card = service.issue()
    clerk.begin()
    clerk.scan(service.show(card, purpose=PURPOSE))
    clerk.settle("photo", "deferred")
    clerk.settle("residence", "promised", files=SCAN)
    complete, slip = clerk.case, clerk.accept()
    clerk.begin()
    clerk.scan(service.show(service.issue(2), purpose=PURPOSE))
    clerk.present(card.record)
    clerk.ask()
    busy = clerk.case
    clerk.begin(RELOCATION, **COMPANY)
    paths = ("/sign-in", "/matters", f"/matters/{CARD}", f"/matters/{RELOCATION}", busy, clerk.case, complete, slip)
    return [
        f"{city.window.url}{path}"
        for path in (*paths, f"{slip}/evidence", "/acceptances", "/statistics", "/matters/nothing")
    ]


def opened(
    browser: Browser,
    clerk: Clerk,
    address: str,
    width: int = 1280,
    *,
    script: bool = True,
    unfold: bool = True,
    elder: str = "",
) -> Page:
    """Open a page in a browser in which the clerk is signed in."""
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script)
    for name, value in clerk.http.cookies.items():
        context.add_cookies([{"name": name, "value": value, "url": urljoin(address, "/")}])
    if elder:
        context.add_cookies([{"name": "display", "value": elder, "url": urljoin(address, "/")}])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    for summary in page.query_selector_all("summary") if unfold else ():
        if summary.is_visible():
            summary.click()
    return page


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in tests/api/console")
def test_the_accessibility_checker_finds_nothing(browser: Browser, city: City, addresses: list[str]) -> None:
    for address in addresses:
        page = opened(browser, city.clerk, address)
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
        page.context.close()
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address


@pytest.mark.parametrize(
    "look",
    [(320, "", 44), (1280, "", 44), (320, "30", 60), (1280, "30", 60)],
    ids=["narrow", "desk", "narrow elder", "elder"],
)
def test_no_page_is_wider_than_the_screen_and_every_target_is_large(
    browser: Browser, city: City, addresses: list[str], look: tuple[int, str, int]
) -> None:
    width, elder, height = look
    for address in addresses:
        page = opened(browser, city.clerk, address, width, elder=elder)
        found = page.evaluate("document.documentElement.scrollWidth")
        small = page.evaluate(
            "[...document.querySelectorAll('button, a, summary, select, input:not([type=hidden]):not(.away)')]"
            f".filter((one) => one.offsetHeight > 0 && one.offsetHeight < {height}).map((one) => one.outerHTML)"
        )
        page.context.close()
        assert found <= width, address
        assert small == [], address


def test_a_clerk_accepts_a_matter_in_the_browser(town: Town, browser: Browser, tmp_path: Path) -> None:
    licence, scan = tmp_path / "licence.bin", tmp_path / "scan.png"
    licence.write_bytes(town.province.issue(slug="resident-identity-card").record)
    scan.write_bytes(b"a signed page")
    page = browser.new_context().new_page()
    page.goto(f"{town.window.url}/matters/{CARD}")
    page.fill("#clerk", "clerk-7")
    page.fill("#pin", "258000")
    page.click("button:has-text('登录')")
    assert page.url.endswith(CARD)
    page.fill("#applicant-card", CARD_TEXT)
    page.click("text=开始办理")
    assert "读卡" in page.inner_text("main")
    page.click("summary:has-text('提交文件')")
    page.set_input_files("#file", licence)
    page.click("text=核验文件")
    page.click("summary:has-text('书面授权')")
    page.set_input_files("#consent-scan", scan)
    page.click("text=登记书面授权")
    page.click("li:has-text('近期电子照片') >> summary")
    page.click("button:has-text('容缺受理')")
    page.click("li.needed:has-text('居住或就业情况证明') >> summary")
    page.set_input_files("li.needed input[type=file]", scan)
    page.click("button:has-text('告知承诺')")
    page.click("text=受理并出具凭证")
    assert "免于提交 3 份" in page.inner_text("main")
    assert "容缺受理" in page.inner_text("table")
    page.go_back()
    assert "免于提交 3 份" in page.inner_text("main")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("section.screen").first.is_visible()
    page.emulate_media(media="screen")
    page.click("button:has-text('退出')")
    page.goto(f"{town.window.url}/statistics")
    assert "窗口人员登录" in page.inner_text("main")
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_gun_a_phone_and_no_paper(browser: Browser, city: City, script: bool) -> None:  # noqa: FBT001
    """With JavaScript the page shows the holder's answer by itself; without it, at the press of a button."""
    service = city.service
    page = opened(browser, city.clerk, f"{city.window.url}/matters/{CARD}", script=script, unfold=script)
    if not script:  # with it the field gets what is typed anywhere
        page.wait_for_selector("#scan:focus")
    page.keyboard.type(service.show(service.issue(0, "driving-licence"), purpose=PURPOSE).lower())
    page.keyboard.press("Enter")
    assert "这个码不能确认申请人身份" in page.inner_text("[role=alert]")
    service.issue()
    page.fill("#applicant-card", CARD_TEXT)
    page.click("text=开始办理")
    page.click("text=发送授权请求")
    assert "等待持证人在手机上答复" in page.inner_text("main")
    service.answer(Answer.GRANTED)
    if script:
        page.wait_for_selector(".asks .granted")
    else:
        page.click("text=查询答复")
    assert "证照已取得" in page.inner_text(".asks")
    assert "还缺 2 份材料" in page.inner_text(".summary")
    page.context.close()


def test_what_is_typed_is_not_lost_when_an_answer_comes(browser: Browser, city: City) -> None:
    city.service.issue()
    city.clerk.begin()
    city.clerk.ask()
    page = opened(browser, city.clerk, f"{city.window.url}{city.clerk.case}")
    page.fill("#text", "half a code")
    city.service.answer(Answer.GRANTED)
    page.wait_for_selector("[data-news]:not([hidden])")
    assert page.input_value("#text") == "half a code"
    page.context.close()


def test_consent_is_written_on_the_screen(browser: Browser, city: City) -> None:
    city.clerk.begin()
    city.clerk.present(city.service.issue().record)
    page = opened(browser, city.clerk, f"{city.window.url}{city.clerk.case}")
    page.click("text=登记手写授权")
    assert page.locator("[data-empty]").is_visible()
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 3 / 4, steps=8)
    page.mouse.up()
    page.click("text=登记手写授权")
    page.wait_for_selector("text=已有手写授权")
    page.context.close()
    city.clerk.settle_the_rest()
    package = zipfile.ZipFile(io.BytesIO(city.clerk.http.get(f"{city.clerk.accept()}/case.zip").content))
    with Image.open(io.BytesIO(package.read("consent.png"))) as picture:
        assert picture.size == (800, 420)
        grey = picture.convert("L")
        words, name = grey.crop((0, 0, 800, 200)), grey.crop((0, 200, 800, 420))
        assert len(words.getcolors() or ()) > 1, "what is signed stands in it"
        assert len(name.getcolors() or ()) > 1


def test_the_notice_is_printed_with_all_that_is_missing_and_without_forms(browser: Browser, city: City) -> None:
    city.clerk.begin()
    page = opened(browser, city.clerk, f"{city.window.url}{city.clerk.case}", unfold=False)
    assert not page.locator("p.print").is_visible()
    page.emulate_media(media="print")
    assert "一次性告知单" in page.inner_text("p.print")
    printed = page.inner_text("main")
    assert "居住证、劳动合同或单位证明复印件一份" in printed
    for form in page.locator("form, button, summary").all():
        assert not form.is_visible()
    page.context.close()


def test_without_a_script_handwriting_is_not_offered_and_paper_is(browser: Browser, city: City) -> None:
    city.clerk.begin()
    page = opened(browser, city.clerk, f"{city.window.url}{city.clerk.case}", script=False)
    assert not page.locator("canvas").is_visible()
    assert page.locator("#consent-scan").is_visible()
    page.context.close()
