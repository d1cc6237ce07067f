"""A table handed in over HTTP and validated: what is wrong is said by row, and stops nothing else."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import secrets
import threading
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from api.batches import parts
from api.batches.book import BatchBook
from api.batches.claims import Claim, ClaimLostError
from api.batches.progress import MOST, follow
from api.batches.validating import Validation
from api.service_schema import batch_parts, batch_rows, batches
from api.tables import open_table
from ecert.web.problems import Code, Problem
from ecert.web.signature_base import Message
from tests.api.batches.tables import CLERK, CSV, PATH, companies, hand_in, read, table, validated, worker, working
from tests.api.office import ORIGIN, Site
from tests.tables.tables import company, csv_bytes, xlsx_bytes
from tests.tables.tables import parts as workbook_parts

if TYPE_CHECKING:
    import httpx2

TWICE = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    return body


def errors(site: Site, key: str) -> list[list[str]]:
    answer = site.call(CLERK, "GET", f"{PATH}/{key}/errors.csv")
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    _, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    return lines


def count(site: Site, of: Any) -> int:
    with site.region.ledger() as ledger:
        return ledger.database.number(select(func.count()).select_from(of))


@TWICE
def test_a_table_is_taken_in_at_once_and_validated_beside_requests(site: Site) -> None:
    content = table(1200, row_7={"证照有效期截止日期": "昨天"})
    answer = hand_in(site, content)
    assert answer.status_code == 202
    taken = answer.json()
    assert (taken["state"], taken["size"], taken["name"]) == ("validating", len(content), "table.csv")
    with working(site):
        while read(site, taken["key"])["state"] == "validating":
            time.sleep(0.02)
    body = read(site, taken["key"])
    assert (body["state"], body["rows"], body["good"], body["failed"]) == ("ready", 1200, 1199, 1)
    assert body["form"] == {"form": "csv", "encoding": "utf-8"}
    assert body["columns"] == list(company(0))
    assert count(site, batch_parts) == 0


def test_what_is_wrong_is_said_by_row_and_field_and_masked(site: Site) -> None:
    wrong = {"证照有效期截止日期": "昨天"}, {"证照所属管辖属地编码": "310101"}, {"持证主体代码": "x" * 18}
    body = validated(site, table(6, row_1=wrong[0], row_3=wrong[1], row_4=wrong[2]))
    assert (body["good"], body["failed"]) == (3, 3)
    lines = errors(site, body["key"])
    assert [(line[0], line[1].partition(" ")[2]) for line in lines] == [
        ("3", "certificateExpiringDate"),
        ("5", ""),
        ("6", "certificateHolderCode"),
        ("6", "creditCode"),
    ]
    assert lines[0][2] == "昨天"
    assert "长期" in lines[0][3]
    assert "not entitled" in lines[1][4]


@pytest.mark.parametrize(
    ("encoding", "found"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gbk", "gb18030"), ("gb18030", "gb18030")]
)
def test_every_encoding_is_told_and_reported(site: Site, encoding: str, found: str) -> None:
    body = validated(site, table(3, encoding))
    assert (body["state"], body["good"], body["form"]["encoding"]) == ("ready", 3, found)


def test_a_row_in_another_encoding_costs_that_row_alone(site: Site) -> None:
    lines = table(4).splitlines(keepends=True)
    lines[2] = lines[2].decode().encode("gbk")
    body = validated(site, b"".join(lines))
    assert (body["good"], body["failed"]) == (3, 1)
    assert errors(site, body["key"])[0][0] == "3"


def test_workbooks_and_ndjson_are_taken_as_well(site: Site) -> None:
    rows = companies(3)
    body = validated(site, xlsx_bytes([list(rows[0]), *[list(row.values()) for row in rows]]))
    assert (body["good"], body["form"]["form"]) == (3, "xlsx")
    lines = [json.dumps(site.region.application(), ensure_ascii=False), "{}", "not JSON"]
    body = validated(site, "\n".join(lines).encode(), media_type="application/x-ndjson", query="?files=false")
    assert (body["good"], body["failed"], body["type"]) == (1, 2, None)
    assert {line[0] for line in errors(site, body["key"])} == {"2", "3"}


def test_pages_are_looked_at_where_files_are_asked_for(site: Site) -> None:
    odd = table(2, row_1={"经营范围": "样品展示\U0001f6b2服务"})
    body = validated(site, odd, files=True)
    assert (body["good"], body["failed"]) == (1, 1)
    assert validated(site, odd)["good"] == 2


def test_a_heading_that_is_not_the_types_refuses_the_table(site: Site) -> None:
    rows = [{name: cell for name, cell in row.items() if name != "住所"} | {"电话": "1"} for row in companies(2)]
    body = validated(site, csv_bytes(rows))
    assert (body["state"], body["problem"]["code"]) == ("refused", "table-heading")
    assert {one["pointer"] for one in body["problem"]["errors"]} == {"/电话", "/extendInfo/domicile"}
    assert count(site, batch_rows) == count(site, batch_parts) == 0


def bomb() -> bytes:
    """A workbook of some hundred KB whose one row has two million cells."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in workbook_parts("<row>" + "<c><v></v></c>" * 2_000_000 + "</row>").items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7", "table-format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "table-format"),
        (b"PK\x03\x04 cut off", "table-damaged"),
        ("甲".encode("utf-16"), "table-format"),
        (b"[1, 2]", "table-format"),
    ],
)
def test_what_is_no_table_is_refused_and_leaves_no_row(site: Site, content: bytes, code: str) -> None:
    body = validated(site, content)
    assert (body["state"], body["problem"]["code"], body["rows"]) == ("refused", code, 0)
    assert count(site, batch_parts) == 0


def test_a_workbook_made_to_do_harm_is_refused(site: Site) -> None:
    body = validated(site, bomb())
    assert body["state"] == "refused"
    assert body["problem"]["code"] in ("table-unsafe", "batch-nothing-good")


def test_a_table_without_a_good_row_is_refused_with_its_errors(site: Site) -> None:
    body = validated(site, table(1, row_0={"证照有效期截止日期": "昨天"}))
    assert (body["state"], body["problem"]["code"]) == ("refused", "batch-nothing-good")
    assert len(errors(site, body["key"])) == 1


def test_an_upload_that_comes_again_is_one_batch(site: Site) -> None:
    key, content = secrets.token_urlsafe(12), table(2)
    first, second = hand_in(site, content, key=key), hand_in(site, content, key=key)
    assert (first.status_code, second.status_code, first.content) == (202, 202, second.content)
    assert count(site, batches) == 1
    refused(hand_in(site, table(3), key=key), 422, "idempotency-key-reused")
    refused(
        site.call(CLERK, "POST", PATH, content=content, headers={"Content-Type": CSV}), 400, "idempotency-key-missing"
    )
    assert count(site, batches) == 1


def test_what_is_not_as_it_should_be_leaves_nothing(site: Site) -> None:
    content = table(1)
    refused(hand_in(site, content, media_type="application/json"), 415, "media-type-unsupported")
    refused(hand_in(site, content, query="?type=11100000MB0341032Y999"), 404, "type-unknown")
    refused(hand_in(site, content, query=f"?type={'x' * 30}"), 422, "request-invalid")
    refused(hand_in(site, b""), 422, "table-format")
    refused(hand_in(site, content, who="reviewer"), 403, "forbidden")
    refused(hand_in(site, content, who="other-issuer-clerk"), 404, "issuer-unknown")
    refused(hand_in(site, content, who=""), 401, "unauthenticated")
    assert count(site, batches) == 0


def test_a_body_other_than_the_one_signed_is_refused(site: Site) -> None:
    headers = {"Content-Type": CSV, "Idempotency-Key": secrets.token_urlsafe(12)}
    signed = site._signed(CLERK, Message("POST", ORIGIN + PATH, tuple(headers.items()), table(1)))
    answer = site.client.post(PATH, content=table(2), headers=headers | signed)
    refused(answer, 401, "request-digest-mismatch")
    assert count(site, batches) == 0


def test_too_long_a_table_is_refused_before_it_comes(site: Site) -> None:
    headers = {"Content-Type": CSV, "Idempotency-Key": secrets.token_urlsafe(12)}
    headers |= site._signed(CLERK, Message("POST", ORIGIN + PATH, tuple(headers.items()), b"x"))
    connection = HTTPConnection(site.client.base_url.host, site.client.base_url.port or 0, timeout=10)
    connection.putrequest("POST", PATH)
    for name, value in (headers | {"Content-Length": str(parts.MAX_FILE + 1)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "too-large")
    connection.close()


def test_nothing_of_a_table_is_in_the_open(site: Site) -> None:
    name = "示例样品第1有限公司"
    body = validated(site, table(3))
    with site.region.ledger() as ledger:
        rows = ledger.database.run(select(batch_rows.c.application)).scalars().all()
    assert body["good"] == len(rows) == 3
    assert all(name.encode() not in bytes(row) for row in rows)


def test_nobody_of_another_department_learns_of_a_batch(site: Site) -> None:
    key = hand_in(site, table(1)).json()["key"]
    for path in ("", "/errors.csv", "/result.csv", "/events"):
        theirs = site.call("other-issuer-clerk", "GET", f"{PATH}/{key}{path}")
        nobodys = site.call("other-issuer-clerk", "GET", f"{PATH}/{'x' * 22}{path}")
        body, other = refused(theirs, 404, "batch-unknown"), refused(nobodys, 404, "batch-unknown")
        assert body | {"trace_id": ""} == other | {"trace_id": ""}
    for action in ("start", "cancel"):
        refused(site.post("other-issuer-clerk", f"{PATH}/{key}/{action}", {}), 404, "batch-unknown")
    assert site.call("other-issuer-clerk", "GET", PATH).json() == {"batches": [], "next": ""}
    assert read(site, key, "reviewer")["state"] == "validating"


@TWICE
def test_batches_are_listed_by_pages_the_newest_first(site: Site) -> None:
    keys = [hand_in(site, table(1)).json()["key"] for _ in range(5)]
    listed, cursor = [], ""
    while True:
        page = site.call(CLERK, "GET", f"{PATH}?limit=2&cursor={cursor}").json()
        listed += [one["key"] for one in page["batches"]]
        cursor = page["next"]
        if not cursor:
            break
    assert listed == keys[::-1]
    refused(site.call(CLERK, "GET", f"{PATH}?cursor=none"), 404, "batch-unknown")


def test_a_batch_cancelled_while_it_is_validated_keeps_nothing(site: Site) -> None:
    key = hand_in(site, table(3000)).json()["key"]
    with working(site):
        while not read(site, key)["checked"]:
            time.sleep(0.01)
        assert site.post(CLERK, f"{PATH}/{key}/cancel", {}).json()["state"] == "cancelled"
    assert read(site, key)["state"] == "cancelled"
    refused(site.post(CLERK, f"{PATH}/{key}/cancel", {}), 409, "batch-state")
    with site.region.ledger() as ledger:
        kept = select(func.count()).where(batch_rows.c.application.is_not(None))
        assert ledger.database.number(kept) == 0


def test_progress_is_sent_as_it_happens(site: Site) -> None:
    key = hand_in(site, table(2000)).json()["key"]
    seen: list[dict[str, Any]] = []

    def listen() -> None:
        answer = site.call(CLERK, "GET", f"{PATH}/{key}/events")
        seen.extend(json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: "))

    thread = threading.Thread(target=listen)
    thread.start()
    with working(site):
        thread.join(20)
    assert (seen[0]["state"], seen[-1]) == (
        "validating",
        {"state": "ready", "rows": 2000, "done": 2000, "issued": 0, "failed": 0},
    )


def test_a_caller_follows_so_many_batches_at_once_and_no_more(site: Site) -> None:
    key = hand_in(site, table(2)).json()["key"]

    async def follow_many() -> None:
        followed = [follow(site.office, CLERK, key) for _ in range(MOST)]
        for one in followed:
            assert "validating" in await anext(one)
        with pytest.raises(Problem) as refusal:
            follow(site.office, CLERK, key)
        assert refusal.value.code is Code.RATE_LIMITED
        assert "validating" in await anext(follow(site.office, "somebody else", key))
        await followed[0].aclose()
        assert "validating" in await anext(follow(site.office, CLERK, key))

    asyncio.run(follow_many())


@dataclass
class Clock:
    """Moves on with every look."""

    now: datetime
    step: timedelta

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


def test_a_claim_is_renewed_while_rows_kept_before_are_passed_over(site: Site) -> None:
    key = hand_in(site, table(5000)).json()["key"]
    clock, lease = Clock(datetime.now(UTC), timedelta(seconds=1)), timedelta(seconds=2)
    with site.region.ledger() as ledger:
        claim = Claim("one", clock, lease)
        assert claim.take(ledger) == key
        book = BatchBook(ledger)
        file = parts.PartsFile(ledger.database, key, book.lock(key), book.find(key).size, lambda: None)
        assert len(io.BufferedReader(file).read()) == len(table(5000))
        checker = worker(site)._checker(ledger, book.find(key))
        Validation(ledger, book.find(key), checker, claim).run()
        assert book.find(key).good == 5000


def test_what_was_kept_before_a_kill_is_not_validated_again(site: Site) -> None:
    key = hand_in(site, table(1500, row_900={"证照有效期截止日期": "昨天"})).json()["key"]
    with site.region.ledger() as ledger:
        book, clock = BatchBook(ledger), lambda: datetime.now(UTC)
        first = Claim("killed", clock, timedelta(seconds=0))
        assert first.take(ledger) == key
        validation = Validation(ledger, book.find(key), worker(site)._checker(ledger, book.find(key)), first)
        rows = list(open_table(io.BytesIO(table(1500, row_900={"证照有效期截止日期": "昨天"}))).rows)
        validation._keep(rows[:500])
        assert book.find(key).checked == 500
    with working(site):
        while read(site, key)["state"] == "validating":
            time.sleep(0.02)
    body = read(site, key)
    assert (body["rows"], body["good"], body["failed"]) == (1500, 1499, 1)
    assert [line[0] for line in errors(site, key)] == ["902"]


def test_a_worker_whose_batch_is_anothers_writes_nothing_more(site: Site) -> None:
    key = hand_in(site, table(600)).json()["key"]
    with site.region.ledger() as ledger:
        book = BatchBook(ledger)
        late = Claim("late", lambda: datetime.now(UTC) - timedelta(hours=1), timedelta(minutes=1))
        assert late.take(ledger) == key
        validation = Validation(ledger, book.find(key), worker(site)._checker(ledger, book.find(key)), late)
        with working(site):
            while read(site, key)["state"] == "validating":
                time.sleep(0.02)
        with pytest.raises(ClaimLostError):
            validation.run()
    assert read(site, key)["good"] == 600
