"""Applications as files: JSON, one or a list, and CSV with a heading row."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import EcertError, FieldProblem, IssuanceError, MalformedError, Reason
from ecert.licence.application import Application, check_application, parse_application
from ecert.licence.rows import application_from_row
from ecert.licence.types import TypeDefinition, find_type, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE: Final = 64 * 1024 * 1024
"""The longest file of applications in bytes."""
_MAX_CELL: Final = 8192


def read_applications(path: Path, type_name: str | None) -> list[Application]:
    """Read and check every application of a file, before any of them is issued.

    Args:
        path: A `.json` or `.csv` file in UTF-8.
        type_name: The one type of a CSV file without a type column: code, slug or name.

    Raises:
        IssuanceError: some applications do not fit; every problem is listed, with its row in its pointer.
        MalformedError: the file is not JSON or CSV.
        NotFoundError: no such file, or no such type.
    """
    data = read_bounded(path, MAX_FILE, Reason.USAGE)
    definition = find_type(type_name) if type_name else None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedError(Reason.DATA_MALFORMED, f"{path} is not UTF-8 (byte {error.start})") from error
    parse = _from_csv if path.suffix.lower() == ".csv" else _from_json
    applications: list[Application] = []
    problems: list[FieldProblem] = []
    count = 0
    for row, outcome in parse(path, text, definition):
        count += 1
        found = (
            outcome.problems if isinstance(outcome, IssuanceError) else check_application(outcome, _definition(outcome))
        )
        problems += (FieldProblem(f"/{row}{p.pointer}", p.expected, p.expected_zh) for p in found)
        if isinstance(outcome, Application):
            applications.append(outcome)
    if problems:
        raise IssuanceError(
            Reason.APPLICATION_INVALID,
            f"{len(problems)} problem(s) in {count} application(s); none was issued",
            tuple(problems),
        )
    if not applications:
        raise MalformedError(Reason.DATA_MALFORMED, f"{path} holds no application")
    return applications


def _definition(application: Application) -> TypeDefinition:
    return find_type(application.type_code)


def _from_json(path: Path, text: str, _: TypeDefinition | None) -> Iterator[tuple[int, Application | IssuanceError]]:
    try:
        content = json.loads(text, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedError(Reason.DATA_MALFORMED, f"{path} is not JSON: {error}") from error
    for number, item in enumerate(content if isinstance(content, list) else [content]):
        try:
            application = parse_application(item)
            _definition(application)
            yield number, application
        except IssuanceError as error:
            yield number, error
        except EcertError:
            yield number, _unknown_type()


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _unknown_type() -> IssuanceError:
    problem = FieldProblem("/certificateTypeCode", "the code of a known licence type", "已知的证照类型代码")
    return IssuanceError(Reason.APPLICATION_INVALID, "", (problem,))


def _from_csv(
    path: Path, text: str, definition: TypeDefinition | None
) -> Iterator[tuple[int, Application | IssuanceError]]:
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = next(reader, [])
        if len(set(heading)) != len(heading) or not all(heading):
            raise MalformedError(Reason.DATA_MALFORMED, f"{path}: the heading row has empty or repeated columns")
        for cells in reader:
            yield reader.line_num, _row(heading, cells, definition)
    except csv.Error as error:
        raise MalformedError(Reason.DATA_MALFORMED, f"{path}, line {reader.line_num}: {error}") from error


def _row(heading: list[str], cells: list[str], definition: TypeDefinition | None) -> Application | IssuanceError:
    if len(cells) != len(heading):
        problem = FieldProblem("", f"{len(heading)} cells, as in the heading", f"与表头一致的 {len(heading)} 个单元格")
        return IssuanceError(Reason.APPLICATION_INVALID, "", (problem,))
    try:
        return application_from_row(dict(zip(heading, cells, strict=True)), definition or load_catalogue())
    except IssuanceError as error:
        return error
