"""XLSX: the first worksheet of a workbook (ECMA-376).

Our own reader, because of what others do with 300,000 rows of 17 cells and with files made to do harm (docs/tables.md).
Here the shared texts are in memory, packed and bounded, and of the sheet one row.
"""

from __future__ import annotations

import posixpath
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from api.tables.cells import CellReader
from api.tables.container import Container
from api.tables.rows import Form, Row, Table, bad_table, counted, match_cells, read_heading
from api.tables.sheet import read_sheet
from api.tables.strings import SharedStrings
from api.tables.xml_events import local, read_elements
from ecert.errors import Reason
from ecert.licence.application import problem_at
from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from api.tables.rows import Cells, Limits, Problems
    from api.tables.sheet import Texts
    from api.tables.xml_events import Element

_MAX_SHEET: Final = 2 * 1024**3
_MAX_STRINGS_PART: Final = 1024**3
_MAX_PART: Final = 16 * 1024 * 1024
_MAX_SHEET_NAME: Final = 64

_DATE_FORMATS: Final = frozenset(map(str, (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))))
"""The built-in number formats that show dates or times, Chinese ones among them (18.8.30)."""
_NOT_A_DATE: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.|General', re.IGNORECASE)
_DATE: Final = re.compile(r"[ymd]", re.IGNORECASE)


def read_workbook(file: BinaryIO, limits: Limits) -> Table:
    """Read the first worksheet; its first row that is not empty is the heading.

    Raises:
        MalformedError: TABLE_UNSAFE, TABLE_DAMAGED, TABLE_TOO_LARGE or TABLE_HEADING.
    """
    container = Container(file)
    book = _target(container, "", "officeDocument")
    name, sheet, from_1904 = _first_sheet(container, book)
    cells = CellReader(_strings(container, book), _dates(container, book), from_1904)
    rows = read_sheet(container.read(sheet, _MAX_SHEET), cells, limits)
    columns = read_heading(_heading(rows), limits)
    return Table(Form.XLSX, counted(_rows(rows, columns, limits), limits), columns, sheet=name)


def _heading(rows: Iterator[tuple[int, Texts | Problems]]) -> list[str]:
    _, cells = next(rows, (1, []))
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) != len(cells):
        raise bad_table(
            Reason.TABLE_HEADING, "the heading has too many columns, or a cell that is a formula or an error"
        )
    return texts


def _rows(rows: Iterator[tuple[int, Texts | Problems]], columns: tuple[str, ...], limits: Limits) -> Iterator[Row]:
    for number, cells in rows:
        yield Row(number, cells if isinstance(cells, tuple) else _content(cells, columns, limits))


def _content(cells: Texts, columns: tuple[str, ...], limits: Limits) -> Cells | Problems:
    """Put cells under their columns; a row may end early."""
    named = zip_longest(cells, columns, fillvalue="")
    bad = tuple(problem_at(cell, str(column)) for cell, column in named if isinstance(cell, Phrase))
    texts = [cell for cell in cells if isinstance(cell, str)]
    return bad or match_cells(columns, texts + [""] * (len(columns) - len(texts)), limits)


def _first_sheet(container: Container, book: str) -> tuple[str, str, bool]:
    """Return name and part of the first worksheet, and whether days are counted from 1904."""
    from_1904 = False
    for element in _small(container, book, ("workbookPr", "sheet")):
        if local(element) == "workbookPr":
            from_1904 = element.get("date1904", "0") in ("1", "true", "on")
        else:
            relation = next((str(value) for key, value in element.items() if str(key).endswith("}id")), "")
            return element.get("name", "")[:_MAX_SHEET_NAME], _target(container, book, relation), from_1904
    raise bad_table(Reason.TABLE_DAMAGED, "the workbook has no worksheet")


def _strings(container: Container, book: str) -> SharedStrings:
    part = _find_target(container, book, "sharedStrings")
    return SharedStrings.read(container.read(part, _MAX_STRINGS_PART)) if part else SharedStrings()


def _dates(container: Container, book: str) -> frozenset[str]:
    """Return the numbers of the cell formats that show dates."""
    part = _find_target(container, book, "styles")
    dates = set(_DATE_FORMATS)
    if part is None:
        return frozenset()
    for element in _small(container, part, ("numFmts", "cellXfs")):
        if local(element) == "numFmts":
            dates |= {one.get("numFmtId", "") for one in element if _shows_date(one.get("formatCode", ""))}
        else:
            return frozenset(str(at) for at, one in enumerate(element) if one.get("numFmtId", "0") in dates)
    return frozenset()


def _shows_date(code: str) -> bool:
    return _DATE.search(_NOT_A_DATE.sub("", code)) is not None


def _target(container: Container, source: str, wanted: str) -> str:
    target = _find_target(container, source, wanted)
    if target is None:
        raise bad_table(Reason.TABLE_DAMAGED, "a part that every workbook has is missing")
    return target


def _find_target(container: Container, source: str, wanted: str) -> str | None:
    """Return the part that another names by a relationship's id, or by the last word of its type (part 2, 9.3)."""
    folder, _, name = source.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels".lstrip("/")
    for element in _small(container, relations, ("Relationship",)):
        kind = element.get("Type", "").rpartition("/")[2]
        if wanted in (element.get("Id"), kind) and element.get("TargetMode") != "External":
            return posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/")
    return None


def _small(container: Container, part: str, names: tuple[str, ...]) -> Iterator[Element]:
    return read_elements(container.read(part, _MAX_PART), names, _MAX_PART)
