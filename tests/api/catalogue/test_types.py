"""Licence types over HTTP: written by their department, published by the region, never changed after that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from sqlalchemy import select

from api.catalogue.book import TypeBook
from api.service_schema import type_history, types
from ecert.audit import AuditEntry
from ecert.licence.types import find_type
from tests.api.catalogue.writing import CODE, MANAGER, OPERATOR, PATH, content, drafted, move, published, save
from tests.api.test_service import problem

if TYPE_CHECKING:
    from tests.api.office import Site

pytestmark = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
BUSINESS = find_type("business-licence").code


def pointers(body: dict[str, Any]) -> list[str]:
    return [one["pointer"] for one in body["errors"]]


def test_everybody_reads_what_is_published(site: Site) -> None:
    found = site.call("other-issuer-clerk", "GET", "/api/v1/types").json()
    assert len(found["types"]) == 8
    assert found["next"] == ""
    one = site.call("other-issuer-clerk", "GET", f"/api/v1/types/{BUSINESS}")
    assert one.headers["ETag"] == '"1-published-1"'
    assert one.json()["definition"]["basicInformation"]["name"] == "营业执照"
    assert one.json()["actions"] == ["disable"]


def test_a_list_is_read_in_pages(site: Site) -> None:
    seen: list[str] = []
    cursor = ""
    while cursor or not seen:
        page = site.call("auditor", "GET", f"/api/v1/types?limit=3&cursor={cursor}").json()
        assert len(page["types"]) <= 3
        seen += [one["code"] for one in page["types"]]
        cursor = page["next"]
    assert len(seen) == 8
    assert seen == sorted(seen)


def test_a_type_goes_from_draft_to_publication_and_every_step_is_of_record(site: Site) -> None:
    published(site)
    with site.region.ledger() as ledger:
        assert TypeBook(ledger.database).published(CODE).definition.name == "样例许可证"
        history = ledger.database.run(select(type_history).where(type_history.c.code == CODE)).all()
        entries = [AuditEntry.decode(data) for data in ledger.database.run(select(ledger_audit())).scalars()]
    assert [row.state for row in history] == ["draft", "review", "published"]
    assert len({row.by for row in history}) == 2
    done = [(entry.action, entry.who) for entry in entries if entry.object == CODE]
    assert done == [(f"type.{what}", row.by) for what, row in zip(("save", "submit", "publish"), history, strict=True)]


def ledger_audit() -> Any:
    from api.schema import audit  # noqa: PLC0415

    return audit.c.entry


def test_what_is_published_never_changes_and_the_next_version_is_a_draft_beside_it(site: Site) -> None:
    etag = published(site)
    again = save(site, content(1), If_Match=etag)
    assert pointers(problem(again, 422, "type-malformed")) == ["/definition/basicInformation/version"]
    second = save(site, content(2, basicInformation__name="新样例许可证"), If_Match=etag)
    assert (second.status_code, second.json()["version"], second.json()["state"]) == (200, 2, "draft")
    with site.region.ledger() as ledger:
        assert TypeBook(ledger.database).published(CODE).definition.name == "样例许可证"
    first = site.call(MANAGER, "GET", f"{PATH}?version=1").json()
    assert first["definition"] == content()["definition"]
    assert [(one["version"], one["state"]) for one in first["versions"]] == [(2, "draft"), (1, "published")]


def test_a_draft_is_its_departments_alone(site: Site) -> None:
    drafted(site)
    for who in ("other-issuer-clerk", "other-catalogue-manager", "other-auditor"):
        hidden = problem(site.call(who, "GET", PATH), 404, "type-unknown")
        absent = problem(site.call(who, "GET", PATH[:-1] + "2"), 404, "type-unknown")
        assert hidden["detail"].replace("001", "002") == absent["detail"].replace("001", "002")
        problem(site.call(who, "GET", f"{PATH}/preview"), 404, "type-unknown")
        problem(site.call(who, "GET", f"{PATH}?version=1"), 404, "type-unknown")
        assert CODE not in site.call(who, "GET", "/api/v1/types").text
    for who in ("issuer-clerk", MANAGER, OPERATOR):
        assert site.call(who, "GET", PATH).json()["state"] == "draft"


def test_nobody_writes_another_departments_types(site: Site) -> None:
    etag = drafted(site)
    theirs = problem(save(site, content(), who="other-catalogue-manager", If_Match=etag), 404, "type-unknown")
    missing = problem(save(site, content(), who="other-catalogue-manager", If_None_Match="*"), 404, "type-unknown")
    assert theirs["detail"] == missing["detail"]
    problem(move(site, "submit", etag, who="other-catalogue-manager"), 404, "type-unknown")
    problem(save(site, content(), who="issuer-clerk", If_Match=etag), 403, "forbidden")
    problem(move(site, "publish", etag, who=MANAGER), 403, "forbidden")


def test_nobody_overwrites_what_they_have_not_seen(site: Site) -> None:
    problem(save(site, content()), 428, "precondition-required")
    first = drafted(site)
    second = save(site, content(basicInformation__name="样例许可证二"), If_Match=first).headers["ETag"]
    assert second != first
    problem(save(site, content(), If_Match=first), 412, "precondition-failed")
    problem(save(site, content(), If_None_Match="*"), 412, "precondition-failed")
    problem(save(site, content()), 428, "precondition-required")
    problem(move(site, "submit", first, who=MANAGER), 412, "precondition-failed")
    problem(site.call(MANAGER, "POST", f"{PATH}/submit", json={}), 428, "precondition-required")


def test_a_version_goes_only_where_the_table_says(site: Site) -> None:
    etag = drafted(site)
    for action in ("publish", "return", "disable"):
        problem(move(site, action, etag, note="不合适"), 409, "type-state-conflict")
    etag = move(site, "submit", etag, who=MANAGER).headers["ETag"]
    problem(save(site, content(), If_Match=etag), 409, "type-state-conflict")
    problem(move(site, "submit", etag, who=MANAGER), 409, "type-state-conflict")
    assert pointers(problem(move(site, "return", etag), 422, "request-invalid")) == ["/note"]
    back = move(site, "return", etag, note="照面项缺少住所")
    assert (back.json()["state"], back.json()["history"][0]["note"]) == ("draft", "照面项缺少住所")


def test_a_disabled_type_is_so_in_all_versions_until_a_new_one_is_published(site: Site) -> None:
    etag = save(site, content(2), If_Match=published(site)).headers["ETag"]
    etag = move(site, "submit", etag, who=MANAGER).headers["ETag"]
    etag = move(site, "publish", etag).headers["ETag"]
    ended = move(site, "disable", etag, note="改革后不再核发")
    assert [one["state"] for one in ended.json()["versions"]] == ["disabled", "disabled"]
    with site.region.ledger() as ledger:
        assert CODE not in [one.definition.code for one in TypeBook(ledger.database).all_published()]
    assert site.call("other-issuer-clerk", "GET", PATH).json()["state"] == "disabled"
    assert save(site, content(3), If_Match=ended.headers["ETag"]).json()["version"] == 3


def test_whatever_is_wrong_is_said_with_its_place_and_nothing_is_kept(site: Site) -> None:
    wrong = content(basicInformation__slug="No Slug")
    wrong["layout"]["items"][1]["style"] = "none"
    body = problem(save(site, wrong, If_None_Match="*"), 422, "type-malformed")
    assert pointers(body) == ["/definition/basicInformation/slug", "/layout/items/1/style"]
    foreign = content(basicInformation__code=f"{CODE[:18]}002")
    foreign["layout"]["type"] = f"{CODE[:18]}002"
    body = problem(save(site, foreign, If_None_Match="*"), 422, "type-malformed")
    assert pointers(body) == ["/definition/basicInformation/code"]
    shared = content() | {"sharing": {"regions": ["310000", "999999"], "budgets": [], "retention_days": 0}}
    body = problem(save(site, shared, If_None_Match="*"), 422, "request-invalid")
    assert pointers(body) == ["/sharing/regions/1", "/sharing/retention_days"]
    slow = content()
    slow["definition"]["typeSpecificInformation"][0]["pattern"] = "(?:a+)+b"
    body = problem(save(site, slow, If_None_Match="*"), 422, "type-malformed")
    assert pointers(body) == ["/definition/typeSpecificInformation/0/pattern"]
    for depth in (100, 960, 5_000):
        deep = '{"definition": {"a": ' + "[" * depth + "]" * depth + '}, "layout": {}}'
        answer = site.call(MANAGER, "PUT", PATH, content=deep.encode(), headers={"If-None-Match": "*"} | _JSON)
        assert answer.status_code in (400, 422)
    half = json.dumps(content()).replace("\\u6837\\u4f8b\\u8bb8", "\\ud800")
    answer = site.call(MANAGER, "PUT", PATH, content=half.encode(), headers={"If-None-Match": "*"} | _JSON)
    assert answer.status_code == 422
    with site.region.ledger() as ledger:
        assert ledger.database.row(select(types).where(types.c.code == CODE)) is None


_JSON = {"Content-Type": "application/json"}


def test_what_no_licence_could_be_issued_of_is_not_taken_into_review(site: Site) -> None:
    unready = content(management__dependsOn=[{"type": f"{CODE[:18]}009"}])
    unready["layout"]["items"][0]["box"] = [10, 12, 8, 4]
    etag = save(site, unready, If_None_Match="*").headers["ETag"]
    body = problem(move(site, "submit", etag, who=MANAGER), 422, "type-malformed")
    assert pointers(body) == ["/definition/management/dependsOn/0/type", "/layout"]
    problem(site.call(MANAGER, "GET", f"{PATH}/preview"), 422, "layout-text-too-long")


def test_sharing_is_kept_with_the_version(site: Site) -> None:
    sharing = {
        "regions": ["310000", "440100"],
        "budgets": [{"matter": None, "registry_max_age": 86400, "status_max_age": 3600}],
        "retention_days": 3650,
    }
    saved = save(site, content() | {"sharing": sharing}, If_None_Match="*")
    assert saved.json()["sharing"] == sharing


def test_a_page_is_drawn_with_the_examples(site: Site) -> None:
    drafted(site)
    answer = site.call(MANAGER, "GET", f"{PATH}/preview")
    assert answer.headers["content-type"] == "image/svg+xml"
    root = etree.fromstring(answer.content)
    assert "经营场所：示例路2号" in root.findtext("{*}desc", "")
    assert not site.call("auditor", "GET", f"/api/v1/types/{BUSINESS}/preview").is_error


def test_a_definition_may_be_longer_than_other_bodies_and_not_too_long(site: Site) -> None:
    long = content()
    long["definition"]["typeSpecificInformation"] = [
        {
            "name": f"item{n}",
            "zh": f"第{n}项" + "长" * 200,
            "en": f"Item {n}",
            "kind": "text",
            "sensitivity": "public",
            "example": "例",
        }
        for n in range(130)
    ]
    long["layout"]["items"] = long["layout"]["items"][:1]
    long["layout"]["shortNames"] = {f"item{n}": f"X{n}" for n in range(130)}
    assert save(site, long, If_None_Match="*").status_code == 201
    problem(save(site, {"definition": {"a": "x" * 800_000}, "layout": {}}, If_None_Match="*"), 413, "too-large")
