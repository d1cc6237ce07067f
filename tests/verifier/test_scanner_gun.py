"""A scanner gun at a real browser: keystrokes as they arrive, one by one, with and without JavaScript."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error

from ecert.revocation import State
from tests.browsing import chromium
from tests.verifier.test_service import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.verifier.province import Province
    from tests.verifier.servers import WindowProcess

FOCUSED = "#scan:focus"
"""A page has its focus a little after it was loaded: faster than any clerk, and slower than this test."""


@contextmanager
def browser_at(url: str, *, scripts: bool) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_context(java_script_enabled=scripts, viewport={"width": 1440, "height": 1000}).new_page()
        page.goto(url)
        page.wait_for_selector(FOCUSED)
        yield page


def shoot(page: Page, typed: str, pause: float = 0) -> str:
    """Type what a gun types, with a pause in the middle; return the heading of the verdict."""
    for number, character in enumerate(typed):
        if character.isascii():
            page.keyboard.type(character)
        else:
            page.keyboard.insert_text(character)
        if pause and number == len(typed) // 2:
            time.sleep(pause)
    before = counted(page)  # the page may show a verdict already
    page.keyboard.press("Enter")
    deadline = time.monotonic() + 20
    while counted(page) != before + 1:
        assert time.monotonic() < deadline, "no verdict appeared"
    page.wait_for_selector(FOCUSED)
    return page.inner_text(".verdict h1")


def counted(page: Page) -> int:
    """Return how many scans of the day the page counts; -1 while it is being replaced."""
    try:
        return sum(int(count) for count in page.locator(".counts b").all_inner_texts())
    except Error:
        return -1


def keyboards(text: str) -> list[str]:
    """Return a text as a plain keyboard, CapsLock, Chinese punctuation and full-width mode let it arrive."""
    punctuation = text.translate({ord(":"): "：", ord("."): "。", ord("/"): "、"})
    return [text, text.swapcase(), punctuation, "".join(chr(ord(character) + 0xFEE0) for character in text)]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_whatever_keyboard_the_gun_meets_the_verdict_appears(
    province: Province, window: WindowProcess, *, scripts: bool
) -> None:
    good, bad = province.issue(0), province.issue(1)
    window.reaches(province.decide(bad, State.REVOKED))
    with browser_at(window.url, scripts=scripts) as page:
        for typed in keyboards(text_of(good)):
            assert shoot(page, typed) == "有效 VALID"
        assert shoot(page, text_of(bad), pause=1.5) == "无效 INVALID"
        assert shoot(page, "hello") == "没有读出 NOT READ"
        assert "这不是证照码" in page.inner_text(".sentence")


def test_the_field_has_the_focus_again_whatever_was_clicked(province: Province, window: WindowProcess) -> None:
    licence = province.issue()
    with browser_at(window.url, scripts=True) as page:
        assert shoot(page, text_of(licence)) == "有效 VALID"
        page.click("summary")
        page.click("header")
        assert shoot(page, "rubbish") == "没有读出 NOT READ"
        page.click("summary")
        assert shoot(page, text_of(licence)) == "有效 VALID"


def test_everything_is_large_enough_to_read_and_to_hit(province: Province, window: WindowProcess) -> None:
    with browser_at(window.url, scripts=True) as page:
        shoot(page, text_of(province.issue()))
        page.click("summary")
        smallest = page.evaluate(
            """() => Math.min(...[...document.querySelectorAll("body *")]
                .filter((element) => element.innerText?.trim() && !element.matches("i, .icon"))
                .map((element) => parseFloat(getComputedStyle(element).fontSize)))"""
        )
        assert smallest >= 24, "18 pt are 24 px"
        for control in page.query_selector_all(":is(button, input, summary):visible"):
            box = control.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 60
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_is_loaded_from_elsewhere_and_nothing_breaks_the_policy(
    province: Province, window: WindowProcess
) -> None:
    with browser_at(window.url, scripts=True) as page:
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.reload()
        shoot(page, text_of(province.issue()))
        assert asked
        assert all(url.startswith(window.url) for url in asked)
        assert not complaints
