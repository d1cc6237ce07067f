"""The catalogue's pages: a type is written, mended, submitted and published in a browser."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING

from api.catalogue.book import TypeBook
from ecert.licence.types import find_type
from tests.api.catalogue.writing import CODE, MANAGER, OPERATOR, content

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Desk, Site

LIST = "/console/catalogue"
PAGE = f"{LIST}/{CODE}"
NOTHING = '{"regions": [], "budgets": [], "retention_days": null}'


def texts(version: int = 1, **changes: str) -> dict[str, str]:
    body = content(version)
    written = {"definition": json.dumps(body["definition"]), "layout": json.dumps(body["layout"]), "sharing": NOTHING}
    return written | changes


def etag(page: httpx2.Response) -> str:
    found = re.search(r'name="etag" value="([^"]*)"', page.text)
    assert found, page.text
    return unescape(found[1])


def act(desk: Desk, action: str, note: str = "") -> httpx2.Response:
    """Press a button of the type's page, and follow."""
    done = desk.post(f"{PAGE}/{action}", {"etag": etag(desk.get(PAGE)), "note": note})
    return desk.get(done.headers["location"]) if done.status_code == 303 else done


def test_the_list_shows_every_type_and_each_has_its_page(site: Site) -> None:
    desk = site.console("issuer-clerk")
    page = desk.get(LIST)
    assert page.text.count('<th scope="row">') == 8
    assert "新建类型" not in page.text
    permit = find_type("food-business-licence")
    one = desk.get(f"{LIST}/{permit.code}")
    assert "依《" in one.text
    assert "GB/T 36902" in one.text
    assert "<textarea" not in one.text
    assert desk.get(f"{LIST}/{permit.code}/sample.svg?version=1").text.startswith("<svg")
    assert desk.get(f"{LIST}?state=draft").text.count('<th scope="row">') == 0


def test_a_type_is_written_submitted_returned_mended_and_published(site: Site) -> None:
    manager, operator = site.console(MANAGER), site.console(OPERATOR)
    assert "新建类型" in manager.get(LIST).text
    sent = manager.post(f"{LIST}/new", texts(definition=texts()["definition"].replace("\n", "\r\n")))
    assert sent.headers["location"] == PAGE
    assert "<textarea" in manager.get(PAGE).text
    assert "<textarea" not in site.console("issuer-clerk").get(PAGE).text
    assert "审核" in act(manager, "submit").text
    returned = act(operator, "return", "照面项缺少住所")
    assert "照面项缺少住所" in returned.text
    assert "照面项缺少住所" in manager.get(PAGE).text
    mended = texts(sharing='{"regions": ["310000"], "budgets": [], "retention_days": 3650}')
    assert manager.post(PAGE, mended | {"etag": etag(manager.get(PAGE))}).status_code == 303
    act(manager, "submit")
    page = act(operator, "publish")
    assert "上海市" in page.text
    assert "失效后 3650 天" in page.text
    with site.region.ledger() as ledger:
        assert TypeBook(ledger.database).published(CODE)
    revised = act(manager, "revise")
    assert "v2" in revised.text
    assert "<textarea" in revised.text
    ended = operator.post(f"{PAGE}/disable", {"etag": etag(operator.get(f"{PAGE}?version=1")), "note": "不再核发"})
    assert ended.status_code == 303
    assert "不再核发" in operator.get(f"{PAGE}?version=1").text


def test_what_is_wrong_is_shown_at_its_text_and_nothing_is_kept(site: Site) -> None:
    desk = site.console(MANAGER)
    wrong = texts(layout='{"type": 1', sharing='{"regions": ["99"], "budgets": [], "retention_days": null}')
    page = desk.post(f"{LIST}/new", wrong | {"definition": texts()["definition"].replace("sample-permit", "No")})
    assert page.status_code == 422
    for part in ("definition", "layout", "sharing"):
        assert f'id="{part}-problem"' in page.text
    assert "/basicInformation/slug" in page.text
    foreign = texts()["definition"].replace(CODE[:18], find_type("business-licence").code[:18])
    layout = texts()["layout"].replace(CODE[:18], find_type("business-licence").code[:18])
    theirs = desk.post(f"{LIST}/new", texts(definition=foreign, layout=layout))
    assert "以本部门统一社会信用代码开头的代码" in theirs.text
    assert desk.get(LIST).text.count('<th scope="row">') == 8


def test_a_draft_says_what_it_lacks_before_it_is_submitted(site: Site) -> None:
    desk = site.console(MANAGER)
    body = content(management__dependsOn=[{"type": f"{CODE[:18]}009"}])
    desk.post(f"{LIST}/new", texts(definition=json.dumps(body["definition"])))
    page = desk.get(PAGE)
    assert "本目录中已发布的证照类型" in page.text
    refused = act(desk, "submit")
    assert refused.status_code == 422
    assert "本目录中已发布的证照类型" in refused.text


def test_two_who_write_at_once_do_not_overwrite_each_other(site: Site) -> None:
    desk = site.console(MANAGER)
    desk.post(f"{LIST}/new", texts())
    first = etag(desk.get(PAGE))
    assert desk.post(PAGE, texts() | {"etag": first}).status_code == 303
    assert desk.post(PAGE, texts() | {"etag": first}).status_code == 412
    assert desk.post(f"{LIST}/new", texts()).status_code == 412


def test_a_draft_of_another_department_is_not_there(site: Site) -> None:
    site.console(MANAGER).post(f"{LIST}/new", texts())
    stranger = site.console("other-catalogue-manager")
    assert stranger.get(PAGE).status_code == 404
    assert stranger.get(f"{PAGE}/sample.svg").status_code == 404
    for action in ("submit", "revise"):
        assert stranger.post(f"{PAGE}/{action}", {"etag": '"1-draft-9"'}).status_code == 404
    assert stranger.post(PAGE, texts() | {"etag": '"1-draft-9"'}).status_code == 404
    assert stranger.post(f"{PAGE}/publish", {"etag": '"1-draft-9"'}).status_code == 403


def test_a_new_type_begins_as_one_that_could_be_submitted_as_it_is(site: Site) -> None:
    desk = site.console(MANAGER)
    for code in (CODE, f"{CODE[:18]}002"):
        page = desk.get(f"{LIST}/new")
        written = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
        sent = desk.post(f"{LIST}/new", {name: unescape(text) for name, text in written})
        assert sent.headers["location"] == f"{LIST}/{code}"
        page = desk.get(f"{LIST}/{code}")
        assert desk.post(f"{LIST}/{code}/submit", {"etag": etag(page)}).status_code == 303
