"""Applications from the rows of a table, as departments export them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.licence.application import (
    EXPIRING,
    FIELDS,
    KEYS,
    LONG_TERM,
    NO_SUCH_ITEM,
    PARENTS,
    SHORT_NAMES,
    TYPE_CODE,
    Application,
    is_presentable,
    problem_at,
    read_application,
)
from ecert.licence.codes import Phrase
from ecert.licence.fields import FieldDefinition, FieldValue, Kind
from ecert.licence.metadata import METADATA
from ecert.licence.types import TypeDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping

Column = str | FieldDefinition
"""What a column holds: the metadata item of that JSON name, or a type-specific item."""

_METADATA_COLUMNS: Final[dict[str, Column]] = {
    **{column: item.name for item in METADATA if item.name in KEYS for column in (item.name, item.zh)},
    PARENTS: PARENTS,
    "关联证照标识": PARENTS,
}
_SEPARATOR: Final = "^"
"""Stands between several values in one cell, as GB/T 36903 writes them."""
_INTEGER_CELL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
ONE_COLUMN: Final = Phrase("one column for this item, not two", "该项只能有一列")
_KNOWN_TYPE: Final = Phrase("the code of a known licence type", "已知的证照类型代码")


def columns_of(definition: TypeDefinition) -> dict[str, Column]:
    """Return the columns a table of this type may have, each item under its English and its Chinese name."""
    fields: dict[str, Column] = {name: field for field in definition.fields for name in (field.name, field.zh)}
    return _METADATA_COLUMNS | fields


def application_from_row(
    row: Mapping[str, str], definitions: TypeDefinition | Mapping[str, TypeDefinition]
) -> Application:
    """Read an application from one row of a table.

    A column is named by an item's English or Chinese name; an empty cell means that the item is absent. A
    licence without end has 长期 as its last day: an empty cell there is a problem, not a licence for ever.

    Args:
        row: Column name to cell.
        definitions: The one type of the table, whose type code the rows may then leave out; or a catalogue, from
            which each row's `certificateTypeCode` picks.

    Raises:
        IssuanceError: APPLICATION_INVALID, with all problems of the columns, and of shape and format.
    """
    cells = {column: cell for column, cell in row.items() if cell}
    definition = definitions if isinstance(definitions, TypeDefinition) else _row_type(cells, definitions)
    columns, problems = _match_columns(cells, columns_of(definition))
    source: dict[object, object] = {TYPE_CODE: definition.code}
    fields: dict[str, FieldValue] = {}
    for item, cell in columns.items():
        if isinstance(item, FieldDefinition):
            fields[item.name] = _field_value(item, cell)
        else:
            source[item] = _metadata_value(item, cell)
    return read_application(source | {FIELDS: fields}, problems)


def _match_columns(
    cells: Mapping[str, str], columns: Mapping[str, Column]
) -> tuple[dict[Column, str], tuple[FieldProblem, ...]]:
    matched: dict[Column, str] = {}
    problems: list[FieldProblem] = []
    for column, cell in cells.items():
        item = columns.get(column)
        if not is_presentable(column):
            problems.append(problem_at(SHORT_NAMES))
        elif item is None or item in matched:
            problems.append(problem_at(ONE_COLUMN if item else NO_SUCH_ITEM, column))
        else:
            matched[item] = cell
    return matched, tuple(problems)


def _row_type(cells: Mapping[str, str], catalogue: Mapping[str, TypeDefinition]) -> TypeDefinition:
    for column, item in _METADATA_COLUMNS.items():
        if item == TYPE_CODE and cells.get(column) in catalogue:
            return catalogue[cells[column]]
    problem = problem_at(_KNOWN_TYPE, TYPE_CODE)
    raise IssuanceError(Reason.APPLICATION_INVALID, "the row names no known licence type", (problem,))


def _metadata_value(item: str, cell: str) -> object:
    if item == PARENTS:
        return cell.split(_SEPARATOR)
    return None if item == EXPIRING and cell == LONG_TERM else cell


def _field_value(field: FieldDefinition, cell: str) -> FieldValue:
    return int(cell) if field.kind is Kind.INTEGER and _INTEGER_CELL.fullmatch(cell) else cell
