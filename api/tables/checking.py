"""From a row to an application: read, and held against the definition of its licence type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.tables.papers import columns_with_paper
from api.tables.rows import Entry
from ecert.errors import IssuanceError
from ecert.licence.application import (
    FIELDS,
    KEYS,
    NO_SUCH_ITEM,
    TYPE_CODE,
    Application,
    check_application,
    parse_application,
    problem_at,
)
from ecert.licence.codes import Phrase
from ecert.licence.fields import FieldDefinition
from ecert.licence.rows import ONE_COLUMN, Column, application_from_row
from ecert.licence.types import TypeDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.tables.rows import Cells, Problems, Row

_A_COLUMN: Final = Phrase("a column for this item, which every row needs", "该项必填，须有这一列")
_KNOWN_TYPE: Final = Phrase("the code of a known licence type", "已知的证照类型代码")


def check_row(row: Row, definitions: TypeDefinition | Mapping[str, TypeDefinition]) -> Application | Problems:
    """Return the application that a row is, or every problem found, each with the JSON Pointer of its field.

    Args:
        row: As `open_table` gives it.
        definitions: The one type of the table, whose code the rows of CSV and XLSX may then leave out; or a catalogue,
            from which each row's `certificateTypeCode` picks.
    """
    if isinstance(row.content, tuple):
        return row.content
    try:
        application = _read(row.content, definitions)
    except IssuanceError as error:
        return error.problems
    definition = definitions if isinstance(definitions, TypeDefinition) else definitions.get(application.type_code)
    if definition is None:
        return (problem_at(_KNOWN_TYPE, TYPE_CODE),)
    return check_application(application, definition) or application


def check_columns(columns: tuple[str, ...], definition: TypeDefinition) -> Problems:
    """Hold a heading against a licence type, before every row repeats what is wrong with it.

    Returns the columns that name no item or one named before, and the items that every row needs and no column has.
    """
    known = columns_with_paper(definition)
    items = [known[column] for column in columns if column in known]
    unknown = (problem_at(NO_SUCH_ITEM, column) for column in columns if column not in known)
    twice = (problem_at(ONE_COLUMN, *_tokens(item)) for item in dict.fromkeys(items) if items.count(item) > 1)
    needed: list[Column] = [key for key in KEYS if key not in (TYPE_CODE, FIELDS)]
    needed += [field for field in definition.fields if field.required]
    missing = (problem_at(_A_COLUMN, *_tokens(item)) for item in needed if item not in items)
    return (*unknown, *twice, *missing)


def _tokens(item: Column) -> tuple[str, ...]:
    return (FIELDS, item.name) if isinstance(item, FieldDefinition) else (item,)


def _read(content: Cells | Entry, definitions: TypeDefinition | Mapping[str, TypeDefinition]) -> Application:
    if isinstance(content, Entry):
        return parse_application(content.value)
    return application_from_row(content, definitions)
