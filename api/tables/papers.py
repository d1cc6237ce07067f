"""The serial of the paper (纸质证照印制号) in a row: recorded beside a licence, and no part of its application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.tables.rows import Entry, Row
from ecert.licence.application import problem_at
from ecert.licence.fields import TEXT
from ecert.licence.rows import ONE_COLUMN, Column, columns_of

if TYPE_CHECKING:
    from api.tables.rows import Cells, Problems
    from ecert.licence.types import TypeDefinition

PAPER_SERIAL: Final = "paper_serial"
PAPER_SERIAL_ZH: Final = "纸质证照印制号"
_COLUMNS: Final[dict[str, Column]] = {PAPER_SERIAL: PAPER_SERIAL, PAPER_SERIAL_ZH: PAPER_SERIAL}


def columns_with_paper(definition: TypeDefinition) -> dict[str, Column]:
    """Return the columns of a type, and those of the paper's serial that it has no item of its own for."""
    return _COLUMNS | columns_of(definition)


def part_serial(row: Row, definition: TypeDefinition | None) -> tuple[Row, str | Problems]:
    """Return a row without the serial of its paper, and that: empty where there is none; or what is wrong with it.

    Args:
        row: As `open_table` gives it.
        definition: The type that it is of; None: of one that is not known.
    """
    if isinstance(row.content, tuple):
        return row, ""
    if isinstance(row.content, Entry):
        return _from_entry(row, row.content.value)
    return _from_cells(row, row.content, definition)


def _from_entry(row: Row, value: object) -> tuple[Row, str | Problems]:
    if not isinstance(value, dict) or PAPER_SERIAL not in value:
        return row, ""
    serial = value[PAPER_SERIAL]
    rest = {key: one for key, one in value.items() if key != PAPER_SERIAL}
    found = serial if isinstance(serial, str) else (problem_at(TEXT, PAPER_SERIAL),)
    return Row(row.number, Entry(rest)), found


def _from_cells(row: Row, cells: Cells, definition: TypeDefinition | None) -> tuple[Row, str | Problems]:
    mine = [column for column in _COLUMNS if column in cells]
    if mine and definition is not None:
        known = columns_of(definition)
        mine = [column for column in mine if column not in known]
    if not mine:
        return row, ""
    serials = [cells[column] for column in mine if cells[column]]
    rest = {column: cell for column, cell in cells.items() if column not in mine}
    found = (problem_at(ONE_COLUMN, PAPER_SERIAL),) if len(serials) > 1 else "".join(serials)
    return Row(row.number, rest), found
