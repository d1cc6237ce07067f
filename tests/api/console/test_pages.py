"""Every page in a real browser: whole, quiet, escaped, and not wider than the window."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html

from tests.api.console.samples_oversight import ALL
from tests.api.console.site import PAGES, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.api.console.samples import Sample

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "\"'><hostile-mark onclick=x>{{ 7 * 7 }}</hostile-mark>&amp;" + "长" * 200
SENT_ONCE = ("/seal", "/approve", "/start", "/revoke", "/change", "/batches/new")
named = pytest.mark.parametrize("sample", ALL, ids=[sample.name for sample in ALL])


def opened(browser: Browser, address: str, *, scripts: bool = True) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, java_script_enabled=scripts)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("response", lambda answer: None if answer.ok else complaints.append(f"{answer.status} {answer.url}"))
    page.goto(address, wait_until="load")
    return page, complaints


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def spoilt(value: Any, name: str = "") -> Any:
    """The same view with a hostile text wherever there is one that may come from outside."""
    if isinstance(value, Enum) or name in ("picture", "qr", "sample"):
        return value
    if isinstance(value, str):
        return HOSTILE if value else value
    if isinstance(value, tuple):
        return tuple(spoilt(one) for one in value)
    if isinstance(value, dict):
        return {key: spoilt(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: spoilt(getattr(value, one.name), one.name) for one in fields(value)})
    return value


@named
def test_a_page_is_shown_without_a_complaint_and_fits_every_window(browser: Browser, site: str, sample: Sample) -> None:
    page, complaints = opened(browser, f"{site}/{sample.name}")
    assert page.locator("h1").count() == 1
    for width in (1280, 1920, 820):
        page.set_viewport_size({"width": width, "height": 1000})
        assert not is_too_wide(page), width
    page.close()
    assert not complaints


@named
def test_text_from_outside_is_shown_as_text(browser: Browser, sample: Sample) -> None:
    hostile = replace(sample, frame=replace(sample.frame, csrf_token=HOSTILE), view=spoilt(sample.view))
    with served([hostile]) as address:
        page, _ = opened(browser, f"{address}/{sample.name}")
        assert page.locator("hostile-mark").count() == 0
        assert "hostile-mark onclick=x>{{ 7 * 7 }}" in page.evaluate("document.documentElement.textContent")
        tokens = {one.input_value() for one in page.locator("input[name=csrf_token]").all()}
        assert tokens == ({HOSTILE} if sample.frame.operator else set())
        assert not is_too_wide(page)
        page.close()


@named
def test_every_form_carries_its_token_and_grave_ones_a_key_against_sending_twice(sample: Sample) -> None:
    root = html.fromstring(PAGES.render(sample.frame, sample.view))
    for form in root.iter("form"):
        if form.get("method") == "get":
            continue
        names = [one.get("name") for one in form.iter("input")]
        places = [form.get("action", ""), *(one.get("formaction", "") for one in form.iter("button"))]
        assert names.count("csrf_token") == 1
        if any(place.endswith(SENT_ONCE) for place in places):
            assert "idempotency_key" in names


@named
def test_no_page_carries_a_script_or_a_style_of_its_own(sample: Sample) -> None:
    root = html.fromstring(PAGES.render(sample.frame, sample.view))
    assert not root.xpath("//style | //*[@style] | //script[not(@src)] | //@*[starts-with(name(), 'on')]")
    addresses = [one.get(name, "") for one in root.iter() for name in ("src", "href", "action")]
    assert not [address for address in addresses if "//" in address]
    assert root.get("lang") == "zh-CN"


@named
def test_ids_and_access_keys_are_each_given_once(sample: Sample) -> None:
    root = html.fromstring(PAGES.render(sample.frame, sample.view))
    for name in ("id", "accesskey"):
        given = [one.get(name) for one in root.iter() if one.get(name)]
        assert len(given) == len(set(given))


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in tests/api/console")
@named
def test_the_accessibility_checker_finds_nothing(browser: Browser, site: str, sample: Sample) -> None:
    page, _ = opened(browser, f"{site}/{sample.name}")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    page.close()
    assert [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["any"][:1]) for one in found] == []


def test_body_text_is_large_enough_and_controls_are_easy_to_hit(browser: Browser, site: str) -> None:
    page, _ = opened(browser, f"{site}/04-issue-form")
    size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll("main *")]
            .filter((one) => one.innerText?.trim()).map((one) => parseFloat(getComputedStyle(one).fontSize)))"""
    )
    heights = [
        box["height"] for one in page.query_selector_all("main button, main select") if (box := one.bounding_box())
    ]
    page.close()
    assert 16 <= size <= 18
    assert smallest >= 13
    assert min(heights) >= 40


def test_on_paper_a_licence_is_without_the_frame_around_it(browser: Browser, site: str) -> None:
    page, _ = opened(browser, f"{site}/11-licence-revealed")
    page.emulate_media(media="print")
    seen = {
        name: page.locator(name).first.is_visible() for name in (".top", "main h1", ".page img", ".rail", ".downloads")
    }
    page.close()
    assert seen == {".top": False, "main h1": True, ".page img": True, ".rail": False, ".downloads": False}


def test_without_a_script_nothing_is_offered_that_needs_one(browser: Browser, site: str) -> None:
    page, _ = opened(browser, f"{site}/10-licence", scripts=False)
    assert not page.locator("[data-print]").is_visible()
    assert page.locator(".downloads a").count() == 3
    page.close()
