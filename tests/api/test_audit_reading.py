"""The audit log as it is read over HTTP and in the console: by department, page by page, and whether it is whole."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from api.access.permissions import Scope
from api.access.principals import Role
from api.audit import AuditBook
from api.audit_reading import Wanted, count_entries, read_entries
from api.schema import audit
from api.service_schema import audit_index
from ecert.sm2 import sm3
from tests.api.office import DEPARTMENT, OTHER, Region, serving
from tests.api.province import GUANGDONG
from tests.api.test_service import problem

if TYPE_CHECKING:
    from tests.api.office import Site

PATH = "/api/v1/audit"


def read(site: Site, who: str, query: str = "") -> list[dict[str, Any]]:
    answer = site.call(who, "GET", PATH + (f"?{query}" if query else ""))
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


def department_of(site: Site, number: int) -> str | None:
    with site.region.ledger() as ledger:
        row = ledger.database.row(select(audit_index).where(audit_index.c.number == number))
    assert row is not None
    return row.department  # type: ignore[no-any-return]


def test_an_auditor_sees_what_their_department_did_and_what_was_done_to_what_is_its_own(site: Site) -> None:
    site.region.provinces.issue()
    site.region.add_system("regional-auditor", Role.AUDITOR, department=None)
    ours, theirs = read(site, "auditor"), read(site, "other-auditor")
    assert any(one["action"] == "licence.issue" and DEPARTMENT in one["object"] for one in ours)
    assert not any(DEPARTMENT in one["object"] for one in theirs)
    assert {one["action"] for one in theirs} == {"caller.register"}
    assert all(department_of(site, one["number"]) == OTHER for one in theirs)
    everything = read(site, "regional-auditor", "limit=200")
    assert {one["number"] for one in ours + theirs} < {one["number"] for one in everything}
    assert [one["number"] for one in everything] == sorted((one["number"] for one in everything), reverse=True)
    assert any(department_of(site, one["number"]) is None for one in everything)


def test_pages_follow_each_other_without_a_gap(site: Site) -> None:
    whole = [one["number"] for one in read(site, "auditor", "limit=200")]
    seen: list[int] = []
    cursor = 0
    while True:
        page = site.call("auditor", "GET", f"{PATH}?limit=3&cursor={cursor}").json()
        seen += [one["number"] for one in page["entries"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == whole
    assert len(whole) > 6


def test_entries_are_found_by_who_what_and_when(site: Site) -> None:
    desk = site.console("reviewer")
    desk.post("/console/sign-out")
    who = site.region.operators["reviewer"]
    found = read(site, "auditor", f"who={who}")
    assert [one["action"] for one in found] == ["session.end", "session.begin"]
    assert [one["who"] for one in read(site, "auditor", "action=session.end")] == [who]
    assert read(site, "auditor", f"who={site.region.operators['other-reviewer']}") == []
    later = (site.office.clock() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert read(site, "auditor", f"since={later}") == []
    assert read(site, "auditor", f"until={later}&action=session.end") != []
    for wrong in ("since=yesterday", "since=2026-01-01T00:00:00", "limit=201", "cursor=-1", "action=%27", "who=%20"):
        problem(site.call("auditor", "GET", f"{PATH}?{wrong}"), 422, "request-invalid")


def test_what_is_read_is_what_stands_in_the_chain(site: Site) -> None:
    entries = {one["number"]: one for one in read(site, "auditor", "limit=200")}
    with site.region.ledger() as ledger:
        for row in ledger.database.run(select(audit)):
            if row.number in entries:
                assert entries[row.number]["digest"] == sm3(row.entry).hex()


@pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
def test_every_entry_can_be_found(region: Region) -> None:
    region.provinces.issue()
    with region.ledger() as ledger:
        everything = read_entries(ledger.database, Scope(GUANGDONG, None), Wanted(), before=0, limit=10_000)
        whole = list(AuditBook(ledger.database).entries())
        assert [sm3(one) for one in whole] == [one.digest for one in reversed(everything)]
        counted = [count_entries(ledger.database, Scope(GUANGDONG, code)) for code in (None, DEPARTMENT, OTHER)]
        assert counted[0] == len(whole)
        assert all(counted[1:])
        assert sum(counted[1:]) < counted[0]


def until_walked(site: Site) -> None:
    deadline = time.monotonic() + 30
    while site.office.audit.last.at is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert site.office.audit.last.at is not None


def test_the_page_says_that_the_log_is_whole_and_shows_what_is_signed(region: Region) -> None:
    region.provinces.issue()
    region.provinces.publish()
    with serving(region) as site:
        until_walked(site)
        page = site.console("auditor").get("/console/audit").text
        assert "日志链完整" in page
        assert "制发证照" in page
        assert site.region.provinces.country.keys["status-440000"].public_key.key_id.hex() in page
        filtered = site.console("auditor").get("/console/audit?action=licence.issue&from=2020-01-01&to=2090-01-01").text
        assert filtered.count("licence.issue<") == 1
        assert "没有符合条件的条目" in site.console("auditor").get("/console/audit?to=2020-01-01").text
        assert "region-operator" not in site.console("auditor").get("/console/audit").text
        assert site.console("issuer-clerk").get("/console/audit").status_code == 403


def test_the_page_says_that_an_entry_was_altered(region: Region) -> None:
    region.provinces.issue()
    with region.ledger() as ledger:
        ledger.database.run(text("DROP TRIGGER audit_no_update"))
        row = ledger.database.run(select(audit)).all()[3]
        altered = row.entry.replace(b"caller.register", b"caller.registex")
        ledger.database.run(audit.update().where(audit.c.number == row.number).values(entry=altered))
    with serving(region) as site:
        until_walked(site)
        assert "日志链不完整" in site.console("auditor").get("/console/audit").text
