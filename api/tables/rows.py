"""What every reader of tables gives: a table with its rows, each read or refused on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import FieldProblem, MalformedError, Reason
from ecert.licence.application import is_presentable, problem_at
from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK: Final = 64 * 1024
"""How much is read of a file at a time, in bytes."""


class Form(StrEnum):
    """What a table is written in."""

    CSV = "csv"
    XLSX = "xlsx"
    NDJSON = "ndjson"


class Encoding(StrEnum):
    """How the characters of a text are written; GBK is a part of GB18030."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-sig"
    GB18030 = "gb18030"


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a table may be.

    Attributes:
        rows: The most rows, without the heading and empty ones.
        columns: The most columns.
        cell: The longest cell in characters.
        row: The longest row in bytes; in a workbook, of its XML four times that.
        entry: The longest line of NDJSON in bytes: it may hold a portrait.
    """

    rows: int = 1_000_000
    columns: int = 256
    cell: int = 8192
    row: int = 256 * 1024
    entry: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of NDJSON, decoded: an application as JSON, or whatever else stands there."""

    value: object


Cells = Mapping[str, str]
"""A row by the names of its columns; empty cells are there as empty texts, or not at all."""
Problems = tuple[FieldProblem, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: Where it stands, as a spreadsheet counts: 1 is the heading. In NDJSON the number of its line.
        content: Its cells or its JSON; or why it could not be read.
    """

    number: int
    content: Cells | Entry | Problems


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is being read.

    Attributes:
        form: What it is written in.
        rows: Its rows, read as they are asked for. The iterator raises MalformedError where the file as a whole turns
            out to be unsafe, damaged or too large; the rows before it were right.
        columns: The heading; empty for NDJSON.
        encoding: Of a text; None for a workbook.
        delimiter: What stands between cells of a CSV file.
        sheet: The name of the worksheet read.
    """

    form: Form
    rows: Iterator[Row]
    columns: tuple[str, ...] = ()
    encoding: Encoding | None = None
    delimiter: str | None = None
    sheet: str | None = None


def refused(expected: str, zh: str) -> Problems:
    """Return the problems of a row that could not be read."""
    return (problem_at(Phrase(expected, zh)),)


def bad_table(reason: Reason, what: str) -> MalformedError:
    """Make the error of a table that is refused whole."""
    return MalformedError(reason, what)


def read_heading(cells: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """Return the names of the columns; empty ones at the end are left away.

    Raises:
        MalformedError: TABLE_HEADING; no, empty, repeated or too many names, or one that cannot be shown.
    """
    count = max((at for at, cell in enumerate(cells, 1) if cell), default=0)
    columns = tuple(cells[:count])
    if not columns or len(columns) > limits.columns:
        raise bad_table(Reason.TABLE_HEADING, f"a heading has 1 to {limits.columns} columns, not {count}")
    for at, name in enumerate(columns, 1):
        if not is_presentable(name):
            raise bad_table(Reason.TABLE_HEADING, f"column {at} has no name of 1 to 64 visible characters")
        if name in columns[: at - 1]:
            raise bad_table(Reason.TABLE_HEADING, f"column {at} has the name of an earlier one, {name}")
    return columns


def match_cells(columns: tuple[str, ...], cells: Sequence[str], limits: Limits) -> Cells | Problems:
    """Put cells under their columns; cells beyond the heading must be empty."""
    count = len(columns)
    if len(cells) < count or any(cells[count:]):
        return refused(f"{count} cells, as in the heading", f"与表头一致的 {count} 个单元格")
    if max(map(len, cells)) > limits.cell:
        return refused(f"cells of at most {limits.cell} characters", f"每个单元格至多 {limits.cell} 个字符")
    return dict(zip(columns, cells, strict=False))


def counted(rows: Iterator[Row], limits: Limits) -> Iterator[Row]:
    """Hand rows on, up to the limit.

    Raises:
        MalformedError: TABLE_TOO_LARGE; there are more.
    """
    for count, row in enumerate(rows):
        if count == limits.rows:
            raise bad_table(Reason.TABLE_TOO_LARGE, f"more than {limits.rows} rows")
        yield row
