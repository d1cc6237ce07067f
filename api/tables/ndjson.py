"""NDJSON: one application a line, each strict JSON in UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.tables.lines import read_lines, too_long
from api.tables.rows import Encoding, Entry, Form, Row, Table, counted, refused
from ecert.errors import MalformedError
from ecert.licence.strict_json import decode_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from api.tables.rows import Limits, Problems

_BLANK: Final = b" \t\r\n"


def read_ndjson(file: BinaryIO, encoding: Encoding, limits: Limits) -> Table:
    """Read NDJSON from where `file` stands. Blank lines are passed over."""
    return Table(Form.NDJSON, counted(_rows(file, limits), limits), encoding=encoding)


def _rows(file: BinaryIO, limits: Limits) -> Iterator[Row]:
    for number, line in enumerate(read_lines(file, limits.entry), 1):
        if line is None:
            yield Row(number, too_long(limits.entry))
        elif line.strip(_BLANK):
            yield Row(number, _entry(line, limits))


def _entry(line: bytes, limits: Limits) -> Entry | Problems:
    try:
        return Entry(decode_json(line, limits.entry))
    except MalformedError:
        return refused(
            "one JSON value in UTF-8, no key twice in an object", "一行一个 UTF-8 的 JSON 值，对象中键不重复"
        )
