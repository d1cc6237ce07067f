"""Good rows of a batch become licences, each once; bad ones stop nothing; two persons where they are many."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from api.audit import AuditBook
from api.batches.book import BatchBook
from api.batches.issuing import ChunkIssue, take_chunk
from api.batches.states import RowState
from api.schema import completions, files
from api.seals import SealBook
from api.service_schema import batch_chunks, batch_rows, batches, licences
from ecert.errors import IssuanceError, Reason
from ecert.revocation.seal_list import SealEvent, SealState
from tests.api.batches.tables import CLERK, PATH, settled, table, validated, worker, working
from tests.api.batches.test_validation import errors, refused
from tests.api.office import DEPARTMENT, SEAL, Site, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.office import Region

TWICE = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def site(region: Region) -> Iterator[Site]:
    """The service, whose department may issue so many alone that no test needs two persons."""
    department = region.settings().departments[0].model_copy(update={"alone_up_to": 100_000})
    with serving(region, departments=(department,)) as site:
        yield site


def start(site: Site, key: str) -> dict[str, Any]:
    answer = site.post(CLERK, f"{PATH}/{key}/start", {})
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


def issued(site: Site, content: bytes, *, workers: int = 1, **more: Any) -> dict[str, Any]:
    key = validated(site, content, **more)["key"]
    assert start(site, key)["state"] == "running"
    with working(site, workers):
        return settled(site, key)


def result(site: Site, key: str) -> list[list[str]]:
    answer = site.call(CLERK, "GET", f"{PATH}/{key}/result.csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="result-{key}.csv"'
    _, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    return lines


def check_whole(site: Site, key: str, count: int) -> None:
    """Require that every good row is one licence, and nothing else is; and that the audit log is whole."""
    with site.region.ledger() as ledger:
        rows = ledger.database.run(select(batch_rows).where(batch_rows.c.state == RowState.ISSUED)).all()
        mine = select(licences.c.identifier).where(licences.c.batch == key)
        names = set(ledger.database.run(mine).scalars())
        assert len(rows) == len(names) == count
        assert {row.identifier for row in rows} == names
        assert all(row.application is None for row in rows)
        assert ledger.database.number(select(func.count()).select_from(completions)) == count
        assert ledger.database.number(select(func.count()).select_from(batch_chunks)) == 0
        AuditBook(ledger.database).verify(site.region.provinces.registry)


@TWICE
def test_good_rows_are_issued_once_and_told_apart_from_bad_ones(site: Site) -> None:
    body = issued(site, table(1300, row_2={"证照有效期截止日期": "昨天"}), workers=2)
    assert (body["state"], body["issued"], body["failed"], body["good"]) == ("done", 1299, 1, 1299)
    check_whole(site, body["key"], 1299)
    lines = result(site, body["key"])
    assert [int(line[0]) for line in lines] == list(range(2, 1302))
    assert lines[2][1:] == ["有误 wrong", "", ""]
    licence = site.call(CLERK, "GET", f"/api/v1/licences/{lines[0][3]}").json()
    assert (licence["identifier"], licence["department"]) == (lines[0][2], DEPARTMENT)


def test_licences_of_a_batch_have_files_where_they_are_asked_for(site: Site) -> None:
    key = issued(site, table(3), files=True)["key"]
    check_whole(site, key, 3)
    with site.region.ledger() as ledger:
        assert ledger.database.number(select(func.count()).select_from(files)) == 3
    answer = site.call(CLERK, "GET", f"/api/v1/licences/{result(site, key)[0][3]}/licence.ofd")
    assert answer.content.startswith(b"PK")


def test_a_row_that_turns_out_to_be_no_licence_stops_no_other(site: Site) -> None:
    """The type was changed between validation and issuing: a character that its page cannot show comes in."""
    key = validated(site, table(4, row_1={"经营范围": "样品展示\U0001f6b2服务"}))["key"]
    with site.region.ledger() as ledger:
        ledger.database.run(update(batches).values(files=True))
    start(site, key)
    with working(site):
        body = settled(site, key)
    assert (body["state"], body["issued"], body["failed"]) == ("done", 3, 1)
    check_whole(site, key, 3)
    assert [line[1] for line in result(site, key)] == ["已制发 issued", "制发失败 failed", *["已制发 issued"] * 2]
    assert errors(site, key)[0][0] == "3"


def test_two_workers_with_the_same_chunk_issue_it_once(site: Site) -> None:
    key = validated(site, table(20))["key"]
    start(site, key)
    office, found = site.office, []
    with site.region.ledger() as ledger:
        chunk = take_chunk(ledger, "one", office.clock(), MINUTE)
        assert chunk is not None
        assert take_chunk(ledger, "other", office.clock(), MINUTE) is None
        assert take_chunk(ledger, "other", office.clock() + 2 * MINUTE, MINUTE) == chunk

    def work() -> None:
        with site.region.ledger() as mine:
            batch, issuer = BatchBook(mine).find(key), office.departments.issuer(mine, DEPARTMENT)
            try:
                ChunkIssue(mine, batch, chunk, issuer, office.clock).run()
            except IssuanceError as error:
                found.append(error.reason)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found in ([Reason.BATCH_STATE], [])
    check_whole(site, key, 20)
    assert settled(site, key)["issued"] == 20


@TWICE
def test_a_batch_cancelled_under_way_issues_no_more(site: Site) -> None:
    key = validated(site, table(1200))["key"]
    start(site, key)
    worker(site).step()
    body = site.post(CLERK, f"{PATH}/{key}/cancel", {}).json()
    assert (body["state"], body["issued"]) == ("cancelled", 500)
    assert not worker(site).step()
    check_whole(site, key, 500)
    refused(site.post(CLERK, f"{PATH}/{key}/start", {}), 409, "batch-state")
    assert [line[1] for line in result(site, key)][499:501] == ["已制发 issued", "未制发 not issued"]


def test_a_chunk_taken_before_its_batch_was_cancelled_comes_to_nothing(site: Site) -> None:
    key = validated(site, table(3))["key"]
    start(site, key)
    with site.region.ledger() as ledger:
        chunk = take_chunk(ledger, "one", site.office.clock(), MINUTE)
        assert chunk is not None
        batch, issuer = BatchBook(ledger).find(key), site.office.departments.issuer(ledger, DEPARTMENT)
        site.post(CLERK, f"{PATH}/{key}/cancel", {})
        with pytest.raises(IssuanceError) as caught:
            ChunkIssue(ledger, batch, chunk, issuer, site.office.clock).run()
    assert caught.value.reason is Reason.BATCH_STATE
    check_whole(site, key, 0)


def test_a_batch_whose_seal_is_suspended_under_way_waits_and_says_why(site: Site) -> None:
    key = validated(site, table(2), files=True)["key"]
    start(site, key)
    with site.region.ledger() as ledger:
        now = site.office.clock()
        SealBook(ledger.database).decide(SEAL, SealEvent(SealState.SUSPENDED, now, now, "样例"))
    assert worker(site).step()
    body = site.call(CLERK, "GET", f"{PATH}/{key}").json()
    assert (body["state"], body["issued"], body["problem"]["code"]) == ("running", 0, "seal-suspended")


def test_many_at_once_take_two_persons(region: Region) -> None:
    with serving(region, departments=(replace_limit(region, 2),)) as site:
        few, many = validated(site, table(2))["key"], validated(site, table(3))["key"]
        assert start(site, few)["state"] == "running"
        body = start(site, many)
        assert body["state"] == "waiting"
        refused(site.post(CLERK, f"{PATH}/{many}/start", {}), 409, "batch-state")
        proposal = f"/api/v1/proposals/{body['proposal']}"
        read = site.call("reviewer", "GET", proposal)
        assert (read.json()["subject"], read.json()["batch"]) == ("seal-use", many)
        tag = read.headers["etag"]
        answer = site.post("reviewer", f"{proposal}/reject", {"note": "样例"}, **{"If-Match": tag})
        assert answer.status_code == 200, answer.text
        again = start(site, many)["proposal"]
        proposal = f"/api/v1/proposals/{again}"
        tag = site.call("reviewer", "GET", proposal).headers["etag"]
        answer = site.post("reviewer", f"{proposal}/approve", {"note": "同意"}, **{"If-Match": tag})
        assert answer.status_code == 200, answer.text
        with working(site):
            assert settled(site, many)["issued"] == 3


def replace_limit(region: Region, alone_up_to: int) -> Any:
    return region.settings().departments[0].model_copy(update={"alone_up_to": alone_up_to})


def test_a_start_that_comes_again_is_answered_as_the_first_time(site: Site) -> None:
    key = validated(site, table(2))["key"]
    first = site.post(CLERK, f"{PATH}/{key}/start", {}, key="the-same-key")
    second = site.post(CLERK, f"{PATH}/{key}/start", {}, key="the-same-key")
    assert (first.status_code, first.content) == (202, second.content)


def test_a_worker_takes_up_what_another_left(site: Site) -> None:
    key = validated(site, table(600))["key"]
    start(site, key)
    with site.region.ledger() as ledger:
        assert take_chunk(ledger, "killed", site.office.clock() - 2 * MINUTE, MINUTE)
    late = replace(worker(site), lease=MINUTE)
    assert late.step()
    assert late.step()
    assert settled(site, key)["state"] == "done"
    check_whole(site, key, 600)
