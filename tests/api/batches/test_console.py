"""Batches in the console: a table handed in by a form, looked at, started, fetched."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from tests.api.batches.tables import settled, table, working
from tests.tables.tables import BUSINESS

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Desk, Site

HERE = "/console/batches"


def hand_in(desk: Desk, content: bytes, **changes: str) -> httpx2.Response:
    page = desk.get(f"{HERE}/new").text
    once = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert once
    form = {"type": BUSINESS.code, "idempotency_key": once[1]} | changes
    return desk.post(f"{HERE}/new", form, files={"file": ("企业.csv", content, "text/csv")})


def test_a_table_is_handed_in_looked_at_and_issued(site: Site) -> None:
    desk = site.console("issuer-clerk")
    sent = hand_in(desk, table(4, row_1={"证照有效期截止日期": "昨天"}))
    path = sent.headers["location"]
    key = path.rpartition("/")[2]
    assert "校验中" in desk.get(path).text
    with working(site):
        settled(site, key)
    page = desk.get(path).text
    for words in ("企业.csv", "待制发", "昨天", "CSV · UTF-8", "制发 3 份", "下载错误清单", "住所"):
        assert words in page, words
    assert desk.get(f"{path}/errors.csv").text.count("\r\n") == 2
    assert desk.post(f"{path}/start", {}).status_code == 303
    with working(site):
        settled(site, key)
    page = desk.get(path).text
    assert "已完成" in page
    assert desk.get(f"{path}/result.csv").text.count("已制发") == 3
    assert path in desk.get(HERE).text


def test_progress_comes_to_the_page_as_it_happens(site: Site) -> None:
    desk = site.console("issuer-clerk")
    path = hand_in(desk, table(600)).headers["location"]
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(desk.get(f"{path}/events").text))
    thread.start()
    with working(site):
        thread.join(30)
    assert seen[0].startswith('data: {"state": "validating"')
    assert '"state": "ready", "rows": 600, "done": 600' in seen[0]


def test_a_form_sent_twice_is_one_batch(site: Site) -> None:
    desk = site.console("issuer-clerk")
    form: dict[str, Any] = {"idempotency_key": "the-same-key"}
    first, second = hand_in(desk, table(1), **form), hand_in(desk, table(1), **form)
    assert first.headers["location"] == second.headers["location"]


def test_what_is_no_table_is_said_on_the_form(site: Site) -> None:
    desk = site.console("issuer-clerk")
    page = hand_in(desk, b"")
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    refused = hand_in(desk, b"%PDF-1.7").headers["location"]
    with working(site):
        settled(site, refused.rpartition("/")[2])
    page = desk.get(refused)
    assert "未受理" in page.text
    assert "这不是可以读取的表格" in page.text


def test_an_empty_table_of_a_type_is_its_heading(site: Site) -> None:
    desk = site.console("issuer-clerk")
    assert f"{HERE}/templates/{BUSINESS.code}.csv" in desk.get(f"{HERE}/new").text
    heading = desk.get(f"{HERE}/templates/{BUSINESS.code}.csv").text
    assert heading.startswith("\ufeff证照编号,持证主体")
    assert heading.count("\r\n") == 1


def test_pages_of_anothers_batch_are_not_there(site: Site) -> None:
    path = hand_in(site.console("issuer-clerk"), table(1)).headers["location"]
    other = site.console("other-issuer-clerk")
    for name in ("", "/errors.csv", "/result.csv", "/events"):
        assert other.get(f"{path}{name}").status_code == 404
    assert other.post(f"{path}/cancel", {}).status_code == 404
    assert site.console("reviewer").get(path).status_code == 200
    assert site.console("reviewer").get(f"{HERE}/new").status_code == 403
