"""The serials of existing paper go with a batch into its licences, as single issuing records them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from api.batches.book import BatchBook
from api.console.batch_words import columns_as_read
from api.console.views.batches import Column
from api.service_schema import batch_rows
from ecert.licence.codes import Phrase
from tests.api.batches.tables import CLERK, companies, settled, table, validated, working
from tests.api.batches.test_issuing import issued, result, start
from tests.api.batches.test_validation import errors
from tests.api.office import Site, serving
from tests.tables.tables import BUSINESS, csv_bytes, xlsx_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.office import Region

TWICE = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
NDJSON = "application/x-ndjson"
PRINTABLE = "至多 64 个可打印字符"


@pytest.fixture
def site(region: Region) -> Iterator[Site]:
    """The service, whose department may issue so many alone that no test needs two persons."""
    department = region.settings().departments[0].model_copy(update={"alone_up_to": 100_000})
    with serving(region, departments=(department,)) as site:
        yield site


def with_serials(*serials: str, heading: str = "纸质证照印制号") -> list[dict[str, str]]:
    return [row | {heading: serial} for row, serial in zip(companies(len(serials)), serials, strict=True)]


def papers(site: Site, key: str) -> dict[int, str]:
    """Return what the service says of the paper of each licence of a batch, by rows."""
    answers = {line[0]: site.call(CLERK, "GET", f"/api/v1/licences/{line[3]}") for line in result(site, key) if line[3]}
    return {int(row): answer.json()["paper_serial"] for row, answer in answers.items()}


def lines_of(*applications: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in applications).encode()


@TWICE
@pytest.mark.parametrize("heading", ["纸质证照印制号", "paper_serial"])
def test_licences_of_a_table_have_the_serials_of_their_rows(site: Site, heading: str) -> None:
    body = issued(site, csv_bytes(with_serials("粤A00012345", "", "号" * 64, "No. 4", heading=heading)))
    assert (body["state"], body["issued"]) == ("done", 4)
    assert papers(site, body["key"]) == {2: "粤A00012345", 3: "", 4: "号" * 64, 5: "No. 4"}


@TWICE
def test_a_bad_serial_is_wrong_in_its_row_and_field_alone(site: Site) -> None:
    rows = with_serials("粤A1", "A" * 65, "粤A\u200b3", "粤A4")
    rows[2]["证照有效期截止日期"] = "昨天"
    body = issued(site, csv_bytes(rows))
    assert (body["state"], body["issued"], body["failed"]) == ("done", 2, 2)
    assert papers(site, body["key"]) == {2: "粤A1", 5: "粤A4"}
    lines = errors(site, body["key"])
    assert [line[:2] for line in lines] == [
        ["3", "纸质证照印制号 paper_serial"],
        ["4", "证照有效期截止日期 certificateExpiringDate"],
        ["4", "纸质证照印制号 paper_serial"],
    ]
    assert lines[0][2:] == ["A" * 64, PRINTABLE, "at most 64 printable characters"]


@TWICE
def test_lines_of_ndjson_have_a_member_for_it(site: Site) -> None:
    plain = site.region.application()
    content = lines_of(*(plain | {"paper_serial": serial} for serial in ("粤A1", "", "A" * 65, 7)), plain)
    body = issued(site, content, media_type=NDJSON, query="?files=false")
    assert (body["issued"], body["failed"]) == (3, 2)
    assert papers(site, body["key"]) == {1: "粤A1", 2: "", 5: ""}
    assert [line[:2] + line[3:4] for line in errors(site, body["key"])] == [
        ["3", "纸质证照印制号 paper_serial", PRINTABLE],
        ["4", "纸质证照印制号 paper_serial", "文字"],
    ]


def test_workbooks_have_the_column_and_licences_files(site: Site) -> None:
    rows = with_serials("粤A1", "")
    content = xlsx_bytes([list(rows[0]), *(list(row.values()) for row in rows)])
    assert papers(site, issued(site, content, files=True)["key"]) == {2: "粤A1", 3: ""}


def test_a_table_of_several_types_has_the_column_as_well(site: Site) -> None:
    rows = [
        {"证照类型代码": site.region.application()["certificateTypeCode"]} | row for row in with_serials("粤A1", "")
    ]
    assert papers(site, issued(site, csv_bytes(rows), query="?files=false")["key"]) == {2: "粤A1", 3: ""}


def test_its_page_says_what_the_column_was_taken_for(site: Site) -> None:
    key = validated(site, csv_bytes(with_serials("粤A1")))["key"]
    with site.region.ledger() as ledger:
        columns = columns_as_read(BatchBook(ledger).find(key), [BUSINESS])
    assert columns[-1] == Column("纸质证照印制号", Phrase("paper_serial", "纸质证照印制号"))


def test_two_columns_for_it_refuse_the_table(site: Site) -> None:
    rows = [row | {"paper_serial": "粤A1"} for row in with_serials("粤A1")]
    body = validated(site, csv_bytes(rows))
    assert (body["state"], body["problem"]["code"]) == ("refused", "table-heading")
    assert [one["pointer"] for one in body["problem"]["errors"]] == ["/paper_serial"]


def test_a_row_that_fails_later_takes_no_paper_from_another(site: Site) -> None:
    key = validated(site, csv_bytes(with_serials("粤A1", "粤A2", "粤A3")))["key"]
    store(site, key, {3: site.region.application(certificateAreaCode="310101") | {"paper_serial": "粤A2"}})
    start(site, key)
    with working(site):
        body = settled(site, key)
    assert (body["issued"], body["failed"]) == (2, 1)
    assert papers(site, key) == {2: "粤A1", 4: "粤A3"}


@TWICE
def test_rows_kept_before_there_was_such_a_column_are_issued(site: Site) -> None:
    key = validated(site, table(2))["key"]
    store(site, key, {2: site.region.application()})
    start(site, key)
    with working(site):
        assert settled(site, key)["issued"] == 2
    assert papers(site, key) == {2: "", 3: ""}


def test_serials_are_not_kept_in_the_open(site: Site) -> None:
    validated(site, csv_bytes(with_serials("SERIAL-OF-PAPER")))
    with site.region.ledger() as ledger:
        (kept,) = ledger.database.run(select(batch_rows.c.application)).scalars()
    assert b"SERIAL-OF-PAPER" not in bytes(kept)


def store(site: Site, key: str, rows: dict[int, dict[str, Any]]) -> None:
    """Keep other content of some rows than was handed in, as it is kept."""
    with site.region.ledger() as ledger:
        lock = BatchBook(ledger).lock(key)
        for row, content in rows.items():
            sealed = lock.seal(f"batch_rows.application.{row}", json.dumps(content, ensure_ascii=False).encode())
            mine = (batch_rows.c.batch == key) & (batch_rows.c.row == row)
            ledger.database.run(update(batch_rows).where(mine).values(application=sealed))
