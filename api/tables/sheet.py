"""The rows of a worksheet (ECMA-376, part 1, 18.3.1.73)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from api.tables.rows import bad_table, refused
from api.tables.xml_events import local, read_elements
from ecert.errors import Reason
from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.tables.cells import CellReader
    from api.tables.rows import Limits, Problems
    from api.tables.xml_events import Element

_MAX_ROW: Final = 1_048_576
_XML_PER_BYTE: Final = 4
_A: Final = ord("A") - 1
_LETTERS: Final = 3


Texts = list[str | Phrase]
"""The cells of a row from column A on: the text of each, or what was expected where it has none."""


def read_sheet(pieces: Iterable[bytes], cells: CellReader, limits: Limits) -> Iterator[tuple[int, Texts | Problems]]:
    """Return the rows that are not empty, with their numbers; or why a row could not be read at all.

    Raises:
        MalformedError: TABLE_UNSAFE or TABLE_DAMAGED.
    """
    number = 0
    for element in read_elements(pieces, ("row", "sheetData"), limits.row * _XML_PER_BYTE):
        if local(element) == "sheetData":
            return
        number = _row_number(element, number)
        found = _cells(element, cells, limits)
        if isinstance(found, tuple) or any(found):
            yield number, found
    raise bad_table(Reason.TABLE_DAMAGED, "the worksheet is cut off")


def _row_number(row: Element, before: int) -> int:
    text = row.get("r")
    number = before + 1 if text is None else _whole(text)
    if not before < number <= _MAX_ROW:
        raise bad_table(Reason.TABLE_DAMAGED, f"after row {before} of the worksheet comes none with a higher number")
    return number


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0  # noqa: PLR2004


def _cells(row: Element, cells: CellReader, limits: Limits) -> Texts | Problems:
    texts: Texts = []
    tag = f"{str(row.tag)[:-3]}c"
    for cell in row:
        if cell.tag != tag:
            continue
        at = _column(cell.get("r"), len(texts))
        if at >= limits.columns:
            return refused(f"at most {limits.columns} columns", f"至多 {limits.columns} 列")
        texts += [""] * (at - len(texts))
        texts.append(cells.read(cell))
    return texts


def _column(reference: str | None, following: int) -> int:
    """Return the number of a cell's column, 0 for A; without a reference it is the one that follows."""
    if reference is None:
        return following
    at = _number_of(reference.rstrip("0123456789"))
    if at < following:
        raise bad_table(Reason.TABLE_DAMAGED, "the cells of a row of the worksheet are not in order")
    return at


@cache
def _number_of(letters: str) -> int:
    """Return the number of a column from its letters; there are so few that all are remembered."""
    if not 1 <= len(letters) <= _LETTERS or not letters.isascii() or not letters.isupper():
        raise bad_table(Reason.TABLE_DAMAGED, "a cell of the worksheet has no reference such as B7")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - _A
    return number - 1
