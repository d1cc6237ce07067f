"""The pages as a clerk sees them, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browsing import chromium
from tests.verifier.matters.conftest import CARD, Clerk, Town

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[2] / "api/console/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def addresses(town: Town, clerk: Clerk) -> list[str]:
    """Return the address of every page, some of them with much on it."""
    licence = town.province.issue(slug="resident-identity-card")
    clerk.begin()
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle_the_rest()
    slip = clerk.accept()
    clerk.begin()
    clerk.present(licence.record)
    paths = ("/matters", f"/matters/{CARD}", clerk.case, slip, "/statistics", "/matters/nothing")
    return [f"{town.window.url}{path}" for path in paths]


def opened(browser: Browser, address: str, width: int = 1280) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(address)
    for summary in page.query_selector_all("summary"):
        summary.click()
    return page


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in tests/api/console")
def test_the_accessibility_checker_finds_nothing(browser: Browser, addresses: list[str]) -> None:
    for address in addresses:
        page = opened(browser, address)
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
        page.close()
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_no_page_is_wider_than_a_narrow_screen(browser: Browser, addresses: list[str]) -> None:
    for address in addresses:
        page = opened(browser, address, 320)
        width = page.evaluate("document.documentElement.scrollWidth")
        page.close()
        assert width <= 320, address


def test_a_clerk_accepts_a_matter_in_the_browser(town: Town, browser: Browser, tmp_path: Path) -> None:
    licence, scan = tmp_path / "licence.bin", tmp_path / "scan.png"
    licence.write_bytes(town.province.issue(slug="resident-identity-card").record)
    scan.write_bytes(b"a signed page")
    page = opened(browser, f"{town.window.url}/matters/{CARD}")
    page.fill("#applicant-name", "王示例")
    page.fill("#applicant-code", "440000199003070024")
    page.fill("#operator", "clerk-7")
    page.click("text=开始办理")
    page.set_input_files("#file", licence)
    page.click("text=核验并加入")
    page.set_input_files("#consent-scan", scan)
    page.click("text=登记授权")
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
    page.close()
