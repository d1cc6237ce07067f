"""Whether a row of a batch can be issued, looked at as issuing will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.batches.rows import GoodRow
from api.licences.issuing import require_serial
from api.tables import Entry, RowErrors, check_columns, check_row, part_serial
from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.issuance import find_parents, require_page
from ecert.licence.application import TYPE_CODE, Application
from ecert.licence.metadata import METADATA
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from api.batches.rows import Explained
    from api.departments import Issuer
    from api.ledger import SqlLedger
    from api.tables import Row, Table
    from api.tables.rows import Problems
    from ecert.errors import EcertError
    from ecert.licence.types import TypeDefinition

_TYPE_COLUMNS: Final = (TYPE_CODE, *(item.zh for item in METADATA if item.name == TYPE_CODE))
_MAX_ERRORS: Final = 32
"""The most problems kept of a whole table."""


class Checker:
    """Checks the rows of one batch."""

    def __init__(
        self,
        ledger: SqlLedger,
        issuer: Issuer,
        catalogue: Mapping[str, TypeDefinition],
        only: TypeDefinition | None,
        *,
        files: bool,
        at: datetime,
    ) -> None:
        """Check for one issuer.

        Args:
            ledger: Where a row's licence may depend on others of.
            issuer: Who will issue.
            catalogue: Types by their codes.
            only: The one type of the table; None: each row says which it is.
            files: Whether licences get files.
            at: When they would be issued.
        """
        self._ledger, self._issuer, self._at = ledger, issuer, at
        self._files = issuer.files if files else None
        self._catalogue, self._only = catalogue, only
        self._explainers: dict[str | None, RowErrors] = {}

    def require_columns(self, table: Table) -> None:
        """Require a heading that fits the one type of the table, before every row repeats what is wrong with it.

        Raises:
            IssuanceError: TABLE_HEADING, with every problem.
        """
        if self._only is not None and table.columns:
            problems = check_columns(table.columns, self._only)
            if problems:
                raise IssuanceError(Reason.TABLE_HEADING, "the columns are not those of the licence type", problems)

    def check(self, row: Row) -> tuple[GoodRow | None, list[Explained]]:
        """Return what a row asks for; None, and what is wrong with the row, where it cannot be issued."""
        definition = self._only or self._catalogue.get(_type_of(row))
        rest, serial = part_serial(row, definition)
        outcome = check_row(rest, self._only or self._catalogue)
        problems = self._obstacles(outcome) if isinstance(outcome, Application) else outcome
        problems += _serial_problems(serial) if isinstance(serial, str) else serial
        if isinstance(outcome, Application) and isinstance(serial, str) and not problems:
            return GoodRow(outcome, serial), []
        return None, self._explainer(definition).explain(row, problems)

    def _obstacles(self, one: Application) -> Problems:
        unentitled = self._issuer.key.entitlement_problem(one.type_code, one.area_code, at=self._at)
        if unentitled:
            return (problem_with(IssuanceError(Reason.ISSUER_NOT_ENTITLED, unentitled)),)
        try:
            if one.parents:
                find_parents(one, self._ledger, {})
            if self._files is not None or one.portrait is not None:
                require_page(one, self._catalogue[one.type_code], self._issuer.key, self._files, at=self._at)
        except IssuanceError as error:
            return error.problems or (problem_with(error),)
        return ()

    def _explainer(self, definition: TypeDefinition | None) -> RowErrors:
        """Return what names the items of the type that a row is, or says it is, of."""
        code = None if definition is None else definition.code
        return self._explainers.setdefault(code, RowErrors(definition))


def _type_of(row: Row) -> str:
    content = row.content.value if isinstance(row.content, Entry) else row.content
    named = content if isinstance(content, dict) else {}
    return str(next((named[column] for column in _TYPE_COLUMNS if named.get(column)), ""))


def _serial_problems(serial: str) -> Problems:
    try:
        require_serial(serial)
    except IssuanceError as error:
        return error.problems
    return ()


def problem_with(error: EcertError) -> FieldProblem:
    """Return an error about a whole row as one of its problems."""
    said = words(error.reason)
    return FieldProblem("", f"{said.en}: {error.detail}", said.zh)


def problem_of(error: EcertError) -> dict[str, Any]:
    """Return why a batch was refused, or what it waits for, as it is kept."""
    problems = error.problems if isinstance(error, IssuanceError) else ()
    listed = [[one.pointer, one.expected, one.expected_zh] for one in problems[:_MAX_ERRORS]]
    return {"code": error.reason.value, "detail": error.detail, "errors": listed}
