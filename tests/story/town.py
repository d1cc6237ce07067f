"""Everything that `scripts/demo --serve` keeps up, and the browsers of those who use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ecert.cli.pixels import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Page

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "scripts" / "demo-data"
PATIENCE: Final = 240.0
"""Seconds that everything may take to come up on a busy machine."""
GUANGDONG: Final = "440000"


@dataclass(frozen=True)
class Town:
    """Where everybody is.

    Attributes:
        folder: What the demonstration left.
        said: Its addresses and accounts.
    """

    folder: Path
    said: Mapping[str, Any]

    @property
    def portal(self) -> str:
        """The service of Guangdong."""
        return str(self.said["regions"][GUANGDONG])

    @property
    def matters(self) -> str:
        """The window in Shanghai that takes matters."""
        return str(self.said["matters"])


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    """Run the demonstration's services; they end with it."""
    with (folder / "serve.log").open("wb") as log:
        command = ["bash", str(ROOT / "scripts" / "demo"), "--serve", "--out", str(folder / "town")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _found(process, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _found(process: subprocess.Popen[bytes], folder: Path) -> Town:
    addresses, deadline = folder / "town" / "serving.json", time.monotonic() + PATIENCE
    while not addresses.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError((folder / "serve.log").read_text("utf-8", "replace")[-4000:])
        time.sleep(0.1)
    return Town(folder / "town", json.loads(addresses.read_text("utf-8")))


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, browser: Browser, town: Town, width: int, height: int = 900) -> None:
        self.town = town
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(60_000)

    def said(self) -> str:
        """What the page says."""
        return self.page.inner_text("main")


class Operator(Person):
    """A clerk or reviewer at the console of Guangdong's service."""

    def __init__(self, browser: Browser, town: Town, name: str) -> None:
        super().__init__(browser, town, 1280)
        self.open("/console")
        self.page.click("text=前往统一身份认证登录")
        self.page.click(f"form button:text-is('{name}') >> nth=-1")
        self.page.wait_for_url("**/console**")

    def open(self, path: str) -> None:
        self.page.goto(self.town.portal + path)

    def issue(self, slug: str) -> str:
        """Issue the first licence of a type's sample data; return the address of its page."""
        row = json.loads((DATA / f"{slug}.json").read_text("utf-8"))[0]
        self.open(f"/console/issue/{row['certificateTypeCode']}")
        for name, value in _fields(row).items():
            field = self.page.locator(f"[name='{name}']")
            if field.count() and isinstance(value, str):
                _fill(field, value)
        if row["certificateExpiringDate"] is None:
            self.page.check("label:has-text('长期有效')")
        self.page.click("text=预览照面")
        self.page.click("text=确认并签章")
        self.page.wait_for_selector("main >> text=已签章")
        return str(self.page.locator("main a[href*='/console/licences/']").first.get_attribute("href"))


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    own = {f"/extendInfo/{name}": value for name, value in row["extendInfo"].items()}
    return {f"/{name}": value for name, value in row.items()} | own


def _fill(field: Any, value: str) -> None:
    if field.evaluate("one => one.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)


class Holder(Person):
    """Somebody with a phone."""

    def __init__(self, browser: Browser, town: Town, name: str) -> None:
        super().__init__(browser, town, 390, 844)
        self.page.goto(f"{town.portal}/holder/sign-in")
        self.page.click("text=统一身份认证登录")
        self.page.click(f"form button:text-is('{name}') >> nth=0")
        self.page.wait_for_url("**/holder/licences")

    def act_for(self, name: str) -> None:
        """Act for an enterprise."""
        self.page.click("details.who summary")
        self.page.click(f"button.identity:has-text('{name}')")
        self.page.wait_for_url("**/holder/licences")

    def show(self, title: str) -> str:
        """Show a licence; return what a scanner reads on the screen."""
        self.page.goto(f"{self.town.portal}/holder/licences")
        self.page.click(f".card:has-text('{title}') >> nth=0")
        self.page.click("button:has-text('出示')")
        self.page.wait_for_url("**/holder/showing")
        return read_picture(self.page.screenshot())


class Clerk(Person):
    """The clerk at the window in Shanghai."""

    def __init__(self, browser: Browser, town: Town) -> None:
        super().__init__(browser, town, 1280)
        self.page.goto(f"{town.matters}/matters")
        self.page.fill("#clerk", town.said["clerk"]["id"])
        self.page.fill("#pin", town.said["clerk"]["pin"])
        self.page.press("#pin", "Enter")
        self.page.wait_for_selector("main >> text=社会保障卡申领")

    def begin(self, matter: str, code: str) -> None:
        """Begin a matter by the code on a phone, as a scanner types it."""
        self.page.goto(f"{self.town.matters}/matters")
        self.page.click(f"a:has-text('{matter}')")
        self.page.fill("#scan", code)
        with self.page.expect_navigation():
            self.page.press("#scan", "Enter")

    def settle(self, material: str, way: str, **fields: str | Path) -> None:
        """Settle a material by one of its ways."""
        row = self.page.locator(f"li:has-text('{material}'):has(details)").last
        row.locator("summary").first.click()
        for label, value in fields.items():
            field = row.locator(f"form:has(button:has-text('{way}')) [name='{label}']")
            if isinstance(value, Path):
                field.set_input_files(value)
            else:
                field.fill(value)
        with self.page.expect_navigation():
            row.locator(f"button:has-text('{way}')").click()

    def scan(self, code: str) -> str:
        """Scan at the scan page, and return what it says once it has a verdict."""
        if self.page.url != f"{self.town.matters}/":
            self.page.goto(f"{self.town.matters}/")
            self.page.wait_for_selector("#tools:not([hidden])")
        self.page.evaluate("for (const one of document.getElementById('results').children) one.dataset.before = ''")
        self.page.fill("#scan", code)
        self.page.press("#scan", "Enter")
        self.page.wait_for_selector("#results > :not([data-before])")
        return self.page.inner_text("#results")
