from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tables import Entry, Form, Limits, open_table
from api.tables.rows import Encoding
from ecert.errors import MalformedError, Reason
from tests.tables.tables import SMALL, company, contents, csv_bytes, opened, rows_of

ROWS = [company(1), company(2)]
WRONG_ENCODING = "text in the encoding of the whole table; this row is in another, or mixes two"
OPEN_QUOTE = "a quote closed in its cell; a quote inside a quoted cell is written twice"


@pytest.mark.parametrize(
    ("written", "detected"),
    [
        ("utf-8", Encoding.UTF_8),
        ("utf-8-sig", Encoding.UTF_8_BOM),
        ("gbk", Encoding.GB18030),
        ("gb18030", Encoding.GB18030),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encoding_and_delimiter_are_detected_and_told(written: str, detected: Encoding, delimiter: str) -> None:
    data = csv_bytes(ROWS, written, delimiter)
    table = opened(data)
    assert (table.form, table.encoding, table.delimiter) == (Form.CSV, detected, delimiter)
    assert table.columns == tuple(ROWS[0])
    assert [row.content for row in table.rows] == ROWS
    assert [row.number for row in rows_of(data)] == [2, 3]


def test_rare_characters_that_gbk_lacks_are_read_in_gb18030() -> None:
    rows = [company(1) | {"法定代表人": "王\U00020bb7示"}]
    assert contents(csv_bytes(rows, "gb18030")) == rows


def test_plain_ascii_is_utf_8_until_chinese_comes_late() -> None:
    many = [{"a": "1", "b": "x"} for _ in range(30)]
    late = csv_bytes([*many, {"a": "2", "b": "样例"}], "gbk")
    assert opened(late, Limits()).encoding is Encoding.GB18030
    assert opened(csv_bytes(many), Limits()).encoding is Encoding.UTF_8


@pytest.mark.parametrize(("table", "row"), [("utf-8", "gbk"), ("utf-8-sig", "gbk"), ("gbk", "utf-8")])
def test_a_row_in_another_encoding_is_refused_and_the_others_go_on(table: str, row: str) -> None:
    head, first, second = csv_bytes(ROWS, table).splitlines(keepends=True)
    other = csv_bytes([company(3)], row).splitlines(keepends=True)[1]
    found = contents(head + first + other + second)
    assert found == [ROWS[0], WRONG_ENCODING, ROWS[1]]


@pytest.mark.parametrize(("table", "cell"), [("utf-8", "gbk"), ("gbk", "utf-8")])
def test_a_row_that_mixes_two_encodings_is_refused(table: str, cell: str) -> None:
    head, first, second = csv_bytes(ROWS, table).splitlines(keepends=True)
    address = company(1)["住所"]
    mixed = first.replace(address.encode(table), address.encode(cell))
    assert mixed != first
    assert contents(head + mixed + second) == [WRONG_ENCODING, ROWS[1]]


def test_every_chinese_row_in_the_other_encoding_is_told_apart() -> None:
    # 示例 as UTF-8 is 绀轰緥 to GBK, without an error: a decoder alone would let two rows in three pass.
    head, *rows = csv_bytes([company(number) for number in range(300)], "utf-8").splitlines(keepends=True)
    gbk_head, *gbk_rows = csv_bytes([company(number) for number in range(1000)], "gbk").splitlines(keepends=True)
    found = contents(gbk_head + b"".join(gbk_rows) + b"".join(rows), Limits())
    assert found == [company(number) for number in range(1000)] + [WRONG_ENCODING] * 300
    assert head != gbk_head


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf  ", "empty"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or encrypted"),
        (b'[{"a":1}]', "JSON list"),
        (b"<html><table>", "HTML"),
        (b"%PDF-1.7", "PDF"),
        (b"\xff\x80\x81\n" * 3, "neither"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(data: bytes, said: str) -> None:
    with pytest.raises(MalformedError) as caught:
        opened(data)
    assert caught.value.reason is Reason.TABLE_FORMAT
    assert said in caught.value.detail


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        (b"a,,b", "column 2"),
        (b"a,b,a", "column 3"),
        (b",,", "1 to 20 columns"),
        (b"a,b\x00", "column 2"),
        (b"a," + b"x" * 65, "column 2"),
        (b"a,=" + b"\xe2\x80\xae", "column 2"),
        (b'a,"b', "quote"),
        (b",".join(b"c%d" % at for at in range(21)), "1 to 20"),
        (b"x" * 2001, "longer than 2000"),
        ("样例,".encode() + "样例".encode("gbk") + b"\n" + "样例,例\n".encode() * 3, "another encoding"),
    ],
)
def test_a_heading_that_cannot_be_used_is_refused_whole(heading: bytes, said: str) -> None:
    with pytest.raises(MalformedError) as caught:
        opened(heading + b"\n1,2\n")
    assert caught.value.reason is Reason.TABLE_HEADING
    assert said in caught.value.detail


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends() -> None:
    data = b'a,b\n"1,""x""",2\r\n"one\ntwo",3\n'
    assert contents(data) == [{"a": '1,"x"', "b": "2"}, {"a": "one\ntwo", "b": "3"}]
    assert [row.number for row in rows_of(data)] == [2, 3]


@pytest.mark.parametrize("broken", [b'"1,2\n', b'1,"2\n', b'1,2"\n', b'"1"x,"2\n'])
def test_a_forgotten_quote_costs_its_row_and_no_other(broken: bytes) -> None:
    after = [{"a": str(number), "b": "x"} for number in range(6)]
    lines = csv_bytes(after).splitlines(keepends=True)
    assert contents(lines[0] + broken + b"".join(lines[1:])) == [OPEN_QUOTE, *after]
    assert contents(lines[0] + broken + lines[1] + broken + b"".join(lines[2:])) == [
        OPEN_QUOTE,
        after[0],
        OPEN_QUOTE,
        *after[1:],
    ]


def test_a_quote_that_stays_open_for_too_long_costs_its_row_and_no_other() -> None:
    limits = Limits(rows=5000, row=500)
    lines = b"x,y\n" * 300
    found = contents(b'a,b\n"1,2\n' + lines + b'3"4,5\n', limits)
    assert found == [OPEN_QUOTE, *[{"a": "x", "b": "y"}] * 300, OPEN_QUOTE]


def test_rows_of_other_lengths_are_refused_but_for_empty_cells_at_the_end() -> None:
    data = b"a,b,,\n1,2\n1\n1,2,3\n1,2,,\n,,,\n\n\r\n1,2\n"
    wrong = "2 cells, as in the heading"
    good = {"a": "1", "b": "2"}
    assert contents(data) == [good, wrong, wrong, good, good]
    assert [row.number for row in rows_of(data)] == [2, 3, 4, 5, 9]


def test_long_rows_and_long_cells_are_refused_and_the_others_go_on() -> None:
    data = b"a,b\n" + b"x" * 101 + b",1\n" + b"y" * 5000 + b"\n" + b"1,2\n"
    assert contents(data) == [
        "cells of at most 100 characters",
        "a row of at most 2000 bytes",
        {"a": "1", "b": "2"},
    ]


def test_a_line_without_an_end_is_not_kept_in_memory() -> None:
    class Endless(io.BytesIO):
        """A heading, then a row of 200 MB."""

        left = 200 * 1024 * 1024
        at = 0

        def seek(self, offset: int, whence: int = 0, /) -> int:
            assert whence == 0
            self.at = offset
            return offset

        def read(self, size: int | None = -1, /) -> bytes:
            return b"a,b\n"[:size]

        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 < size <= 1024 * 1024
            if self.at == 0:
                self.at = 4
                return b"a,b\n"
            if self.at >= self.left:
                return b""
            self.at += size
            return b"x" * size

    table = open_table(Endless(), SMALL)
    (row,) = table.rows
    assert isinstance(row.content, tuple)


def test_more_rows_than_allowed_end_the_table() -> None:
    ten = b"a,b\n" + b"1,2\n" * 10
    assert len(rows_of(ten)) == 10
    rows = opened(ten + b"\n,\n1,2\n").rows
    for _ in range(10):
        next(rows)
    with pytest.raises(MalformedError) as caught:
        next(rows)
    assert caught.value.reason is Reason.TABLE_TOO_LARGE


def test_ndjson_is_strict_json_line_by_line() -> None:
    good = json.dumps({"名称": "样例", "n": 1}, ensure_ascii=False).encode()
    bad = "one JSON value in UTF-8, no key twice in an object"
    lines = [
        good,
        b'{"a":1,"a":2}',
        b"",
        b"{'a':1}",
        b'{"a":NaN}',
        "样例".encode("gbk"),
        b'{"a":' * 300,
        b'{"a":"' + b"x" * 2000 + b'"}',
        b"7",
        good,
    ]
    data = b"\r\n".join(lines)
    assert contents(data, Limits(entry=2000)) == [
        Entry({"名称": "样例", "n": 1}),
        *[bad] * 5,
        "a row of at most 2000 bytes",
        Entry(7),
        Entry({"名称": "样例", "n": 1}),
    ]
    assert [row.number for row in rows_of(data)] == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    table = opened(b"\xef\xbb\xbf" + data)
    assert (table.form, table.encoding, table.columns) == (Form.NDJSON, Encoding.UTF_8_BOM, ())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"a,b\n", b'a;b\n"', b"{", "样例,b\n".encode("gbk")]))
def test_any_bytes_are_a_table_or_an_error_of_ours(data: bytes, before: bytes) -> None:
    with suppress(MalformedError):
        rows = rows_of(before + data, Limits())
        assert [row.number for row in rows] == sorted({row.number for row in rows})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\r\x00", codec="utf-8"), max_size=20), min_size=3, max_size=3
        ),
        max_size=8,
    ),
    st.sampled_from([",", "\t", ";"]),
)
def test_what_the_standard_library_writes_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    whole = [dict(zip("abc", row, strict=True)) for row in rows if any(row)]
    data = csv_bytes([*whole, {"a": "1", "b": "2", "c": "3"}], delimiter=delimiter)
    assert contents(data, Limits()) == [*whole, {"a": "1", "b": "2", "c": "3"}]
