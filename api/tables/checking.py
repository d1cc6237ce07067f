"""From a row to an application: read, and held against the definition of its licence type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.tables.rows import Entry
from ecert.errors import IssuanceError
from ecert.licence.application import TYPE_CODE, Application, check_application, parse_application, problem_at
from ecert.licence.codes import Phrase
from ecert.licence.rows import application_from_row
from ecert.licence.types import TypeDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.tables.rows import Cells, Problems, Row

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


def _read(content: Cells | Entry, definitions: TypeDefinition | Mapping[str, TypeDefinition]) -> Application:
    if isinstance(content, Entry):
        return parse_application(content.value)
    return application_from_row(content, definitions)
