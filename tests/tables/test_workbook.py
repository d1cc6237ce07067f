from __future__ import annotations

import io
import resource
import struct
import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.tables import Form, Limits, open_table
from api.tables.cells import number_text
from ecert.errors import MalformedError, Reason
from tests.tables.tables import MAIN, company, contents, opened, parts, rows_of, worksheet, xlsx_bytes, zipped

ROWS = [company(1), company(2)]
HEADING = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
NO_FORMULA = "a value, not a formula: copy the column and paste it as values"
NO_ERROR = "a value, not an error such as #N/A"
LOST = "a number of at most 15 digits, or text: of longer numbers the spreadsheet has dropped the last digits"


def refused(data: bytes, limits: Limits | None = None) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        rows_of(data, limits or Limits())
    return caught.value


def test_a_workbook_is_read_as_a_table_of_texts() -> None:
    data = xlsx_bytes([list(ROWS[0]), *(list(row.values()) for row in ROWS)])
    table = opened(data)
    assert (table.form, table.sheet, table.encoding) == (Form.XLSX, "Sheet", None)
    assert table.columns == tuple(ROWS[0])
    rows = list(table.rows)
    assert [row.content for row in rows] == ROWS
    assert [row.number for row in rows] == [2, 3]


def test_dates_and_numbers_become_what_people_read() -> None:
    data = xlsx_bytes(
        [
            ["日", "数", "文", "时"],
            [date(2026, 1, 15), 7, "001", datetime(2026, 1, 15, 8, 30)],  # noqa: DTZ001  (as a spreadsheet has it)
            [date(1970, 1, 1), 0.1, "长期", True],
            [date(2100, 12, 31), -12.5, None, 1e-7],
        ]
    )
    assert contents(data) == [
        {"日": "2026-01-15", "数": "7", "文": "001", "时": "2026-01-15 08:30:00"},
        {"日": "1970-01-01", "数": "0.1", "文": "长期", "时": "TRUE"},
        {"日": "2100-12-31", "数": "-12.5", "文": "", "时": "0.0000001"},
    ]


def test_days_counted_from_1904_are_the_same_days() -> None:
    assert contents(xlsx_bytes([["日"], [date(2026, 1, 15)]], epoch_1904=True)) == [{"日": "2026-01-15"}]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ('yyyy"年"m"月"d"日"', "2026-01-15"),
        ("[$-F800]dddd, mmmm dd", "2026-01-15"),
        ("yyyy\\-mm\\-dd", "2026-01-15"),
        ('0"day"', "46037"),
        ("[Red]0", "46037"),
        ("General", "46037"),
        ("#,##0_d", "46037"),
    ],
)
def test_what_a_number_format_shows_as_a_date_is_one(code: str, shown: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "日"
    sheet["A2"] = 46037
    sheet["A2"].number_format = code
    out = io.BytesIO()
    book.save(out)
    assert contents(out.getvalue()) == [{"日": shown}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("1E3", "1000"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("999999999999999", "999999999999999"),
        ("-0", "0"),
    ],
)
def test_numbers_have_no_exponent_and_no_needless_point(value: str, text: str) -> None:
    assert number_text(value) == text


def test_what_cannot_be_relied_on_is_refused_under_its_column() -> None:
    sheet = worksheet(
        HEADING
        + '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="e"><v>#N/A</v></c></row>'
        + '<row r="3"><c r="A3"><v>440101199001011239</v></c><c r="B3"><v>1</v></c></row>'
        + '<row r="4"><c r="A4" t="str"><v>x</v></c></row>'
    )
    first, second, third = rows_of(zipped(parts(sheet)))
    assert isinstance(first.content, tuple)
    assert [(one.pointer, one.expected) for one in first.content] == [("/a", NO_FORMULA), ("/b", NO_ERROR)]
    assert isinstance(second.content, tuple)
    assert [(one.pointer, one.expected) for one in second.content] == [("/a", LOST)]
    assert third.content == {"a": "x", "b": ""}


def test_shared_rich_and_escaped_texts_are_read() -> None:
    strings = (
        f'<sst xmlns="{MAIN}"><si><t>名</t></si><si><r><t>样</t></r><r><rPr/><t>例</t></r><rPh><t>yang</t></rPh></si>'
        '<si><t xml:space="preserve"> x_x000D_y</t></si></sst>'
    )
    sheet = worksheet("".join(f'<row><c t="s"><v>{at}</v></c></row>' for at in range(3)))
    assert contents(zipped(parts(sheet, xl__sharedStrings_xml=strings))) == [{"名": "样例"}, {"名": " x\ry"}]


def test_other_namespaces_prefixes_and_missing_references_are_read() -> None:
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    sheet = (
        f'<x:worksheet xmlns:x="{strict}"><x:sheetData><!-- c --><x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is>'
        "</x:c></x:row><x:row><x:extra/><x:c><x:v>5</x:v></x:c></x:row></x:sheetData></x:worksheet>"
    )
    assert contents(zipped(parts(sheet))) == [{"a": "5"}]


def test_empty_rows_are_passed_over_and_numbers_stay() -> None:
    sheet = worksheet(HEADING + '<row r="2"/><row r="7"><c r="B7"><v>1</v></c></row><row r="9"><c r="A9"/></row>')
    (row,) = rows_of(zipped(parts(sheet)))
    assert (row.number, row.content) == (7, {"a": "", "b": "1"})


def test_cells_beyond_the_heading_are_refused_by_row() -> None:
    sheet = worksheet(
        HEADING + '<row r="2"><c r="C2"><v>1</v></c></row><row r="3"><c r="XFD3"><v>1</v></c></row>'
        '<row r="4"><c r="A4"><v>1</v></c></row>'
    )
    assert contents(zipped(parts(sheet))) == ["2 cells, as in the heading", "at most 20 columns", {"a": "1", "b": ""}]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"/><row r="2"/>',
        '<row r="3"/><row r="2"/>',
        '<row r="1048577"/>',
        '<row r="x"/>',
        '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="2"><v>1</v></c></row>',
        '<row r="2"><c r="ABCD2"><v>1</v></c></row>',
        '<row r="2"><c r="a2"><v>1</v></c></row>',
        '<row r="2"><c t="s"><v>9</v></c></row>',
        '<row r="2"><c t="s"><v>-1</v></c></row>',
        '<row r="2"><c t="s"><v>99999999999999999999</v></c></row>',
        '<row r="2"><c t="what"><v>1</v></c></row>',
        '<row r="2"><c><v>1e999</v></c></row>',
        '<row r="2"><c><v>nan</v></c></row>',
        f'<row r="2"><c><v>{"9" * 100}</v></c></row>',
        '<row r="2"><c><v>1</v></row>',
        "<row r='2'>&undefined;</row>",
    ],
)
def test_a_worksheet_that_no_program_writes_is_damaged(rows: str) -> None:
    assert refused(zipped(parts(worksheet(HEADING + rows)))).reason is Reason.TABLE_DAMAGED


@pytest.mark.parametrize(
    "missing", ["_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"]
)
def test_a_workbook_that_lacks_a_part_is_damaged(missing: str) -> None:
    content = {name: text for name, text in parts(worksheet(HEADING)).items() if name != missing}
    assert refused(zipped(content)).reason is Reason.TABLE_DAMAGED


def test_an_empty_worksheet_or_one_headed_by_formulas_has_no_heading() -> None:
    for rows in ("", '<row r="1"><c r="A1"><f>1</f><v>1</v></c></row>'):
        assert refused(zipped(parts(worksheet(rows)))).reason is Reason.TABLE_HEADING


def test_a_cut_or_altered_file_is_damaged() -> None:
    data = zipped(parts(worksheet(HEADING + '<row r="2"><c r="A2"><v>1</v></c></row>' * 1)))
    for length in range(4, len(data), 97):
        assert refused(data[:length]).reason is Reason.TABLE_DAMAGED


BILLION = (
    '<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


@pytest.mark.parametrize("before", [BILLION, '<!DOCTYPE z SYSTEM "file:///etc/passwd">', "<!doctype z>"])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "_rels/.rels"])
def test_no_part_may_declare_a_document_type(before: str, part: str) -> None:
    content = parts(worksheet(HEADING))
    content[part] = before + content[part]
    assert refused(zipped(content)).reason is Reason.TABLE_UNSAFE


def test_a_declaration_between_two_pieces_is_found_as_well() -> None:
    filler = " " * (64 * 1024 - 4)
    content = parts(filler + BILLION + worksheet(HEADING))
    assert refused(zipped(content, zipfile.ZIP_STORED)).reason is Reason.TABLE_UNSAFE


def test_another_encoding_does_not_hide_a_declaration() -> None:
    content: dict[str, str | bytes] = dict(parts(worksheet(HEADING)))
    content["xl/worksheets/sheet1.xml"] = ("\ufeff" + BILLION + worksheet(HEADING)).encode("utf-16")
    assert refused(zipped(content)).reason in (Reason.TABLE_UNSAFE, Reason.TABLE_DAMAGED)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("xl/worksheets/sheet1.xml", worksheet(HEADING + "<row>" + "<c/>" * 1_000_000 + "</row>")),
        ("xl/worksheets/sheet1.xml", worksheet(HEADING + "<x/>" * 1_000_000)),
        ("xl/worksheets/sheet1.xml", worksheet(HEADING)[:-30] + "<x>" * 300 + "</x>" * 300),
        ("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}"><si>{"<t>x</t>" * 500_000}</si></sst>'),
        ("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}"><si><t>{"x" * 11_000_000}</t></si></sst>'),
    ],
)
def test_a_row_or_text_without_measure_is_refused_while_it_is_read(part: str, text: str) -> None:
    content = parts(worksheet(HEADING))
    content[part] = text
    assert refused(zipped(content, zipfile.ZIP_STORED)).reason in (Reason.TABLE_UNSAFE, Reason.TABLE_DAMAGED)


def test_parts_that_would_grow_too_much_are_refused_before_they_do() -> None:
    sheet = worksheet(HEADING + " " * 50_000_000)
    assert refused(zipped(parts(sheet))).reason is Reason.TABLE_UNSAFE


def test_a_part_is_read_no_further_than_it_says() -> None:
    data = bytearray(zipped(parts(worksheet(HEADING)) | {"xl/sharedStrings.xml": "x" * 900_000}))
    assert data.count(struct.pack("<L", 900_000)) == 2
    small = bytes(data).replace(struct.pack("<L", 900_000), struct.pack("<L", 300))
    assert refused(small).reason in (Reason.TABLE_DAMAGED, Reason.TABLE_UNSAFE)


def test_two_parts_of_one_name_are_refused() -> None:
    content = parts(worksheet(HEADING))
    content["XL/Workbook.xml"] = content["xl/workbook.xml"]
    assert refused(zipped(content)).reason is Reason.TABLE_UNSAFE


def test_a_directory_without_measure_is_refused_before_it_is_read() -> None:
    many = {f"{number:0200}": "" for number in range(5000)}
    assert refused(zipped(parts(worksheet(HEADING)) | many)).reason is Reason.TABLE_UNSAFE


def test_encrypted_and_unusually_compressed_parts_are_refused() -> None:
    assert refused(zipped(parts(worksheet(HEADING)), zipfile.ZIP_LZMA)).reason is Reason.TABLE_UNSAFE
    data = bytearray(zipped(parts(worksheet(HEADING))))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 1)
    assert refused(bytes(data)).reason is Reason.TABLE_UNSAFE


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    whole = bytearray(zipped(parts(worksheet(HEADING + '<row r="2"><c r="A2"><v>1</v></c></row>')), zipfile.ZIP_STORED))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    try:
        list(open_table(io.BytesIO(whole)).rows)
    except MalformedError:
        return


FAR_APART = worksheet(HEADING + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def test_a_sheet_of_two_cells_far_apart_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "far.xlsx").write_bytes(zipped(parts(FAR_APART)))
    program = (
        "import sys; from api.tables import open_table; "
        "print([row.content[0].expected for row in open_table(open(sys.argv[1], 'rb')).rows])"
    )
    limit = 512 * 1024 * 1024
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "far.xlsx")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert (done.returncode, done.stdout) == (0, "['at most 256 columns']\n"), done.stderr
