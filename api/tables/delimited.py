"""CSV: cells between commas, tabs or semicolons, quoted where need be (RFC 4180)."""

from __future__ import annotations

import csv
from collections import deque
from typing import TYPE_CHECKING, Final

from api.tables.encodings import decode_row
from api.tables.lines import read_lines, too_long
from api.tables.rows import Form, Row, Table, bad_table, counted, match_cells, read_heading, refused
from ecert.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from api.tables.rows import Encoding, Limits, Problems

DELIMITERS: Final = (",", "\t", ";")
_QUOTE: Final = b'"'
_OPEN_QUOTE: Final = refused(
    "a quote closed in its cell; a quote inside a quoted cell is written twice",
    "引号在单元格内成对；带引号的单元格中的引号写两次",
)


def read_delimited(file: BinaryIO, encoding: Encoding, limits: Limits) -> Table:
    """Read CSV from where `file` stands; the delimiter is the one that gives its heading most columns.

    Raises:
        MalformedError: TABLE_HEADING; there is no heading that can be read.
    """
    heading = decode_row(_first_line(file, limits), encoding)
    if not isinstance(heading, str):
        raise bad_table(Reason.TABLE_HEADING, "the heading is in another encoding than the table, or mixes two")
    split = {delimiter: _split(heading, delimiter) or [] for delimiter in DELIMITERS}
    delimiter, cells = max(split.items(), key=lambda one: len(one[1]))
    if heading.count('"') % 2:
        raise bad_table(Reason.TABLE_HEADING, "a quote in the heading is not closed in its line")
    columns = read_heading(cells, limits)
    rows = counted(_Rows(file, encoding, delimiter, columns, limits).read(), limits)
    return Table(Form.CSV, rows, columns, encoding, delimiter)


def _first_line(file: BinaryIO, limits: Limits) -> bytes:
    line = next(read_lines(file, limits.row), b"")
    if line is None:
        raise bad_table(Reason.TABLE_HEADING, f"the first line is longer than {limits.row} bytes")
    return line


def _split(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of one row; None where its quotes are wrong."""
    try:
        return next(csv.reader((text,), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


class _Rows:
    """Reads the rows below the heading.

    A row of which a quote is open goes on in the next line. Where that leads to no row as long as the heading, only the
    line it began in is refused, and the next line begins a row: one forgotten quote must not swallow its neighbours.
    """

    def __init__(
        self, file: BinaryIO, encoding: Encoding, delimiter: str, columns: tuple[str, ...], limits: Limits
    ) -> None:
        self.lines = read_lines(file, limits.row)
        self.again: deque[bytes | None] = deque()
        self.encoding = encoding
        self.delimiter = delimiter
        self.columns = columns
        self.limits = limits

    def read(self) -> Iterator[Row]:
        for number, line in enumerate(self._all_lines(), 2):
            if line is None:
                yield Row(number, too_long(self.limits.row))
                continue
            cells = self._quoted(line) if line.count(_QUOTE) % 2 else self._cells(line)
            if cells is None:
                yield Row(number, _OPEN_QUOTE)
            elif isinstance(cells, tuple):
                yield Row(number, cells)
            elif any(cells):
                yield Row(number, match_cells(self.columns, cells, self.limits))

    def _all_lines(self) -> Iterator[bytes | None]:
        while True:
            try:
                yield self.again.popleft() if self.again else next(self.lines)
            except StopIteration:
                return

    def _cells(self, data: bytes) -> list[str] | Problems | None:
        text = decode_row(data, self.encoding)
        return _split(text, self.delimiter) if isinstance(text, str) else text

    def _quoted(self, first: bytes) -> list[str] | None:
        """Return the cells of a row that goes on beyond its first line; None, and all lines but it to read again."""
        held: list[bytes | None] = []
        length = len(first)
        for line in self._all_lines():
            held.append(line)
            length += len(line or b"")
            if line is None or length > self.limits.row:
                break
            if line.count(_QUOTE) % 2:
                cells = self._cells(first + b"".join(one for one in held if one))
                if isinstance(cells, list) and len(cells) >= len(self.columns):
                    return cells
                break
        self.again.extendleft(reversed(held))
        return None
