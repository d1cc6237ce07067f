"""Applications as files: JSON, one or a list, and tables (CSV, XLSX, NDJSON)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from api.tables import Entry, Limits, Row, check_row, open_table
from ecert.cli.files import read_bounded
from ecert.errors import FieldProblem, IssuanceError, MalformedError, NotFoundError, Reason
from ecert.licence.application import Application
from ecert.licence.types import find_type, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE: Final = 64 * 1024 * 1024
"""The longest JSON file of applications in bytes."""
LIMITS: Final = Limits(rows=100_000)
"""How many rows a table may have whose applications are all held until the last one is checked."""


def read_applications(path: Path, type_name: str | None) -> list[Application]:
    """Read and check every application of a file, before any of them is issued.

    Args:
        path: A `.json` file in UTF-8, or a table.
        type_name: The one type of a table without a type column: code, slug or name.

    Raises:
        IssuanceError: some applications do not fit; every problem is listed, with its row in its pointer.
        MalformedError: the file is neither JSON nor a table.
        NotFoundError: no such file, or no such type.
    """
    definitions = find_type(type_name) if type_name else load_catalogue()
    applications: list[Application] = []
    problems: list[FieldProblem] = []
    count = 0
    for count, row in enumerate(_rows(path), 1):  # noqa: B007  (how many there were is told afterwards)
        outcome = check_row(row, definitions)
        if isinstance(outcome, Application):
            applications.append(outcome)
        else:
            problems += (FieldProblem(f"/{row.number}{p.pointer}", p.expected, p.expected_zh) for p in outcome)
    if problems:
        raise IssuanceError(
            Reason.APPLICATION_INVALID,
            f"{len(problems)} problem(s) in {count} application(s); none was issued",
            tuple(problems),
        )
    if not applications:
        raise MalformedError(Reason.DATA_MALFORMED, f"{path} holds no application")
    return applications


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix.lower() == ".json":
        yield from _from_json(path)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFoundError(Reason.USAGE, f"cannot read {path}: {error.strerror}") from error
    with file:
        yield from open_table(file, LIMITS).rows


def _from_json(path: Path) -> Iterator[Row]:
    data = read_bounded(path, MAX_FILE, Reason.USAGE)
    try:
        content = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedError(Reason.DATA_MALFORMED, f"{path} is not JSON in UTF-8: {error}") from error
    for number, item in enumerate(content if isinstance(content, list) else [content]):
        yield Row(number, Entry(item))


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
