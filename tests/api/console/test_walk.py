"""What people do in the console: issue a licence with the keyboard alone, watch a batch, with and without a script."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest

from api.console.forms import licence_form
from api.console.posted import form_values, posted_application
from api.console.views.batches import BatchState
from api.console.views.frame import Section
from api.console.views.issuing import IssueForm
from ecert.errors import FieldProblem, IssuanceError
from ecert.licence.application import check_application, read_application
from ecert.licence.codes import Phrase
from ecert.licence.types import find_type
from tests.api.console.people import CLERK, frame
from tests.api.console.pictures import application
from tests.api.console.samples import CHOOSE, ISSUED, ONCE, PREVIEW, Sample
from tests.api.console.samples_office import DONE, RUNNING
from tests.api.console.site import page as page_of
from tests.api.console.site import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.api.console.site import Answer

TYPE = find_type("business-licence")
VALUES = form_values(application("business-licence", 1))
with_and_without = pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])


def shown(view: object, here: Section = Section.ISSUE) -> Answer:
    return page_of(Sample("", frame(CLERK, here), view))(b"")  # type: ignore[arg-type]


def problems_of(posted: dict[str, str]) -> tuple[FieldProblem, ...]:
    read = posted_application(TYPE, posted)
    try:
        return check_application(read_application(read.application, read.problems), TYPE)
    except IssuanceError as error:
        return error.problems


class Office:
    """Answers as the routes will: the form again while something is wrong, else the preview, and one sealing."""

    def __init__(self) -> None:
        self.sealed: list[str] = []

    def form(self, body: bytes) -> Answer:
        posted = dict(parse_qsl(body.decode()))
        problems = problems_of(posted) if posted else ()
        if posted and not problems:
            return shown(PREVIEW)
        name = Phrase(TYPE.name_en, TYPE.name)
        return shown(IssueForm(TYPE.code, name, licence_form(TYPE, posted, problems)))

    def seal(self, body: bytes) -> Answer:
        self.sealed.append(dict(parse_qsl(body.decode()))["idempotency_key"])
        return shown(ISSUED)

    def routes(self) -> dict[str, Callable[[bytes], Answer]]:
        return {
            "/console/issue": lambda _: shown(CHOOSE),
            f"/console/issue/{TYPE.code}": self.form,
            f"/console/drafts/{PREVIEW.draft}/seal": self.seal,
        }


@contextmanager
def opened(browser: Browser, address: str, *, scripts: bool) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, java_script_enabled=scripts)
    page.goto(address)
    yield page
    page.close()


def focused(page: Page) -> str:
    """Return what has the focus: the name of a control, or the text of a link or button."""
    text: str = page.locator(":focus").evaluate("(one) => one.name || one.textContent.trim().replace(/\\s+/g, ' ')")
    return text


def walk_to(page: Page, wanted: str) -> None:
    """Press Tab until what is wanted has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.locator(":focus").count() and focused(page).startswith(wanted):
            return
    raise AssertionError(f"Tab never reaches {wanted}")


def enter(page: Page, name: str, value: str) -> None:
    """Walk to a control and type; a date goes in by its parts, as the browser asks for it."""
    walk_to(page, name)
    kind = page.locator(":focus").evaluate("(one) => one.type")
    if kind == "date":
        year, month, day = value.split("-")
        page.keyboard.type(f"{month}{day}{year}")
    elif kind == "select-one":
        page.keyboard.type(value[:3])
    else:
        page.keyboard.insert_text(value)


@with_and_without
def test_a_licence_is_issued_with_the_keyboard_alone(browser: Browser, *, scripts: bool) -> None:
    office = Office()
    with served([], office.routes()) as address, opened(browser, f"{address}/console/issue", scripts=scripts) as page:
        page.keyboard.press("Tab")
        assert focused(page).startswith("跳到正文")
        page.keyboard.press("Enter")
        walk_to(page, "营业执照")
        page.keyboard.press("Enter")
        page.wait_for_selector("form.sheet")
        names = [one.get_attribute("name") or "" for one in page.query_selector_all("form.sheet [name^='/']")]
        wrong = {**VALUES, "/certificateHolderCode": "91440300DEMX00057M"}
        for name in names:
            if name in VALUES:
                enter(page, name, wrong[name])
        walk_to(page, "预览照面")
        page.keyboard.press("Enter")
        page.wait_for_selector(".summary")
        assert page.locator(".field.wrong").count() == 1
        walk_to(page, "持证主体代码")
        page.keyboard.press("Enter")
        page.wait_for_selector("[name='/certificateHolderCode']:focus")
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(VALUES["/certificateHolderCode"])
        page.keyboard.press("Enter")
        page.wait_for_selector("text=将加盖")
        walk_to(page, "确认并签章")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=已签章并登记")
    assert office.sealed == [ONCE]


def test_a_form_sent_twice_in_haste_is_sent_once(browser: Browser) -> None:
    office = Office()
    routes = {**office.routes(), "/console/preview": lambda _: shown(PREVIEW)}
    with served([], routes) as address, opened(browser, f"{address}/console/preview", scripts=True) as page:
        page.dblclick("main form button")
        page.wait_for_selector("text=已签章并登记")
    assert office.sealed == [ONCE]


def test_after_a_refusal_the_summary_has_the_focus_and_shortcuts_lead_to_the_form(browser: Browser, site: str) -> None:
    with opened(browser, f"{site}/05-issue-form-wrong", scripts=True) as page:
        page.wait_for_selector(".summary:focus")
        page.keyboard.press("/")
        assert focused(page) == "/certificateHolderName"
        page.keyboard.press("Escape")
        assert page.locator("[name='/certificateHolderName']:focus").count() == 0
        keys = [one.get_attribute("accesskey") for one in page.query_selector_all("[accesskey]")]
        assert len(keys) == len(set(keys))


def test_what_has_the_focus_is_marked(browser: Browser, site: str) -> None:
    with opened(browser, f"{site}/08-licences", scripts=True) as page:
        for wanted in ("证照查询", "number", "type", "查询"):
            walk_to(page, wanted)
            style = page.locator(":focus").evaluate("(one) => getComputedStyle(one).outlineStyle")
            assert style == "solid"


class Running:
    """A batch whose page and events move on."""

    def __init__(self) -> None:
        self.pages = 0
        self.state = BatchState.RUNNING

    def page(self, _: bytes) -> Answer:
        self.pages += 1
        return shown(RUNNING if self.state is BatchState.RUNNING else DONE, Section.BATCHES)

    def events(self, _: bytes) -> Answer:
        moved = f'{{"state": "{self.state}", "rows": 120000, "done": 90001, "issued": 89964, "failed": 37}}'
        return f"retry: 50\ndata: {moved}\n\n".encode(), "text/event-stream"

    def routes(self) -> dict[str, Callable[[bytes], Answer]]:
        return {"/console/batches/batch-0": self.page, "/console/batches/batch-0/events": self.events}


def test_progress_moves_on_by_itself_and_the_end_makes_another_page(browser: Browser) -> None:
    batch = Running()
    where = "/console/batches/batch-0"
    with served([], batch.routes()) as address, opened(browser, address + where, scripts=True) as page:
        page.wait_for_selector("[data-done]:text('90,001')")
        assert page.locator("progress").evaluate("(one) => one.value") == 90001
        assert not page.locator(".refresh").is_visible()
        batch.state = BatchState.DONE
        page.wait_for_selector("text=下载结果")
    assert batch.pages == 2


def test_without_a_script_the_page_of_a_running_batch_comes_again(browser: Browser) -> None:
    batch = Running()
    where = "/console/batches/batch-0"
    with served([], batch.routes()) as address, opened(browser, address + where, scripts=False) as page:
        assert page.locator(".refresh").is_visible()
        batch.state = BatchState.DONE
        until = time.monotonic() + 15
        while batch.pages < 2 and time.monotonic() < until:
            page.wait_for_timeout(200)
        page.wait_for_selector("text=下载结果")
