"""What is wrong with a table, as a table: CSV that a clerk opens beside the original.

It is UTF-8 with a byte order mark, without which Excel takes it for GBK. What was handed in is shown so that the clerk
finds it again, and masked where it is personal: the report is downloaded and sent around. No cell of it can be a
formula.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final, TextIO

from api.tables.papers import PAPER_SERIAL, PAPER_SERIAL_ZH, columns_with_paper
from api.tables.rows import Entry
from ecert.licence.application import (
    FIELDS,
    HOLDER_CODE,
    HOLDER_CODE_TYPE,
    HOLDER_NAME,
    KEYS,
    NUMBER,
    PARENTS,
)
from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.licence.fields import FieldDefinition
from ecert.licence.masking import HIDDEN, mask_code, mask_name, mask_value
from ecert.licence.metadata import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from api.tables.rows import Problems, Row
    from ecert.errors import FieldProblem
    from ecert.licence.types import TypeDefinition

HEADING: Final = ("行号 Row", "列 Field", "填写的值（已遮盖）Value (masked)", "应为", "Expected")
ENCODING: Final = "utf-8-sig"
"""What the file is to be opened with; `newline` empty."""

_CHINESE_NAMES: Final = {
    **{item.name: item.zh for item in METADATA if item.name in KEYS},
    PARENTS: "关联证照标识",
    PAPER_SERIAL: PAPER_SERIAL_ZH,
}
_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠|%")
"""A cell that begins so is a formula, or a command, to some spreadsheet."""
_LONGEST: Final = 64
_CITIZEN_ID: Final = re.compile(r"[0-9]{17}[0-9Xx]")


class RowErrors:
    """Tells what is wrong with the rows of tables of one licence type."""

    def __init__(self, definition: TypeDefinition | None) -> None:
        """Tell it by the names of this type's items; None: of a type that is not known."""
        self._columns = {} if definition is None else columns_with_paper(definition)

    def explain(self, row: Row, problems: Problems) -> list[tuple[str, str, str, str]]:
        """Return for each problem: the field, what was handed in, masked, and what was expected, twice."""
        return [self._explain(row, problem) for problem in problems]

    def _explain(self, row: Row, problem: FieldProblem) -> tuple[str, str, str, str]:
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in problem.pointer.split("/")[1:]]
        name = tokens[1] if tokens[:1] == [FIELDS] and len(tokens) > 1 else "".join(tokens[:1])
        return self._title(name), self._shown(row, name), problem.expected_zh, problem.expected

    def _title(self, name: str) -> str:
        """Return both names of an item; of an unknown column the name it has."""
        item = self._columns.get(name, name)
        if isinstance(item, FieldDefinition):
            return f"{item.zh} {item.name}"
        return f"{_CHINESE_NAMES[item]} {item}" if item in _CHINESE_NAMES else item

    def _shown(self, row: Row, name: str) -> str:
        values = self._values(row)
        item = self._columns.get(name)
        key = item.name if isinstance(item, FieldDefinition) else item
        value = values.get(key or name)
        if value is None:
            return ""
        if isinstance(item, FieldDefinition):
            shown = mask_value(item, value) if isinstance(value, (str, int)) else HIDDEN
        else:
            shown = _shown_metadata(item, str(value), values) if item else HIDDEN
        return _CITIZEN_ID.sub(lambda found: mask_code(found.group()), shown)[:_LONGEST]

    def _values(self, row: Row) -> Mapping[str, object]:
        """Return what a row says by the items' English names; under an unknown column, by that."""
        if isinstance(row.content, tuple):
            return {}
        if not isinstance(row.content, Entry):
            named = ((self._columns.get(column, column), cell) for column, cell in row.content.items() if cell)
            return {item.name if isinstance(item, FieldDefinition) else item: cell for item, cell in named}
        whole = row.content.value if isinstance(row.content.value, dict) else {}
        fields = whole.get(FIELDS)
        return whole | (fields if isinstance(fields, dict) else {})


class ErrorReport:
    """Writes the problems of the rows of one table."""

    def __init__(self, out: TextIO) -> None:
        """Write the heading to `out`."""
        self._out = csv.writer(out, lineterminator="\r\n")
        self._out.writerow(HEADING)

    def add(self, row: int, explained: Iterable[Sequence[str]]) -> None:
        """Write a line for each problem of a row, as `RowErrors` explained them."""
        for cells in explained:
            self._out.writerow((row, *map(harmless, cells)))


def _shown_metadata(item: str, value: str, values: Mapping[str, object]) -> str:
    """Mask the name, code and numbers of a holder who is, or may be, a natural person."""
    kind = HOLDER_CODE_TYPES.get(str(values.get(HOLDER_CODE_TYPE)))
    if kind is not None and kind.category == "legal":
        return value
    if item == HOLDER_NAME:
        return mask_name(value)
    return mask_code(value) if item in (HOLDER_CODE, NUMBER, PAPER_SERIAL) else value


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe goes before what might be one."""
    return f"'{cell}" if cell.lstrip(" ")[:1] in _FORMULA else cell
