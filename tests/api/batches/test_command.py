"""`python -m api batch`: a table validated and issued from the command line, by workers in processes of their own."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from api.cli import app
from ecert.cli.entry import OK, REFUSED, USAGE, execute
from ecert.licence.types import find_type
from tests.api.batches.processes import write_settings
from tests.api.batches.tables import table
from tests.api.office import DEPARTMENT, Region
from tests.api.province import Provinces

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return write_settings(Region(Provinces(tmp_path)), tmp_path, workers=0)


def command(settings: Path, *arguments: object) -> int:
    common = ("--office", str(settings), "--department", DEPARTMENT, "--json")
    return execute(app, ["batch", *map(str, arguments), *common])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_a_table_is_checked_then_gone_on_with_and_issued(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, errors, result = tmp_path / "table.csv", tmp_path / "errors.csv", tmp_path / "result.csv"
    file.write_bytes(table(30, row_3={"证照有效期截止日期": "昨天"}))
    kind = ("--type", "business-licence", "--no-files", "--workers", 1)
    assert command(settings, file, *kind, "--check", "--errors", errors) == REFUSED
    checked = told(capsys)
    assert (checked["state"], checked["good"], checked["failed"], checked["issued"]) == ("ready", 29, 1, 0)
    with errors.open(encoding="utf-8-sig", newline="") as lines:
        assert [line[0] for line in csv.reader(lines)][1:] == ["5"]
    assert command(settings, "--resume", checked["batch"], "--workers", 1, "--result", result) == REFUSED
    done = told(capsys)
    assert (done["batch"], done["state"], done["issued"]) == (checked["batch"], "done", 29)
    with result.open(encoding="utf-8-sig", newline="") as lines:
        assert sum(line[1].startswith("已制发") for line in csv.reader(lines)) == 29
    assert command(settings, "--resume", done["batch"], "--workers", 0) == REFUSED


def test_what_is_no_table_is_refused_in_words(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(b"%PDF-1.7")
    assert command(settings, file, "--workers", 1) == REFUSED
    assert told(capsys)["problem"]["code"] == "table-format"
    assert command(settings) == USAGE
    assert command(settings, file, "--resume", "x") == USAGE
    assert command(settings, "--resume", "x") == REFUSED


def test_without_errors_the_command_ends_well(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(table(2))
    assert command(settings, file, "--type", "business-licence", "--workers", 1) == OK
    assert told(capsys)["issued"] == 2


def test_a_batch_that_waits_for_a_second_person_is_not_taken_for_done(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write_text(settings.read_text("utf-8").replace("alone_up_to = 10000000", "alone_up_to = 1"), "utf-8")
    file = tmp_path / "table.csv"
    file.write_bytes(table(2))
    assert command(settings, file, "--type", "business-licence", "--workers", 1) == REFUSED
    said = told(capsys)
    assert (said["state"], said["issued"]) == ("waiting", 0)


def test_the_code_of_a_type_is_left_to_the_catalogue(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(table(2))
    code = find_type("business-licence").code
    assert command(settings, file, "--type", code, "--check", "--workers", 1) == OK
    assert told(capsys)["good"] == 2
    assert command(settings, file, "--type", "11440000DEMG100223001", "--workers", 1) == REFUSED
    assert "type-unknown" in capsys.readouterr().err
