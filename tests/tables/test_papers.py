"""The serial of the paper is parted from a row, unless the licence type has an item of that name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.tables import Entry, Row, RowErrors, check_columns, check_row, part_serial
from api.tables.papers import PAPER_SERIAL, PAPER_SERIAL_ZH
from api.tables.rows import refused
from ecert.licence.application import Application, problem_at
from ecert.licence.codes import DATE
from ecert.licence.fields import FieldDefinition, Kind, Sensitivity
from tests.tables.tables import BUSINESS, company

OWN = FieldDefinition(
    "printNumber", PAPER_SERIAL_ZH, "Print number", Kind.TEXT, Sensitivity.PUBLIC, "1", required=False
)
WITH_OWN = replace(BUSINESS, fields=(*BUSINESS.fields, OWN))


@pytest.mark.parametrize("heading", [PAPER_SERIAL, PAPER_SERIAL_ZH])
def test_a_row_is_parted_from_its_serial(heading: str) -> None:
    for definition in (BUSINESS, None):
        rest, serial = part_serial(Row(3, company(1) | {heading: "粤A1"}), definition)
        assert (rest, serial) == (Row(3, company(1)), "粤A1")
        assert part_serial(Row(3, company(1) | {heading: ""}), definition) == (Row(3, company(1)), "")
    assert check_columns((*company(1), heading), BUSINESS) == ()


def test_whoever_does_not_part_it_refuses_the_column() -> None:
    """`python -m api issue` reads applications alone."""
    outcome = check_row(Row(3, company(1) | {PAPER_SERIAL: "粤A1"}), BUSINESS)
    assert isinstance(outcome, tuple)
    assert [one.pointer for one in outcome] == ["/paper_serial"]


def test_one_column_may_hold_it_and_another_be_empty() -> None:
    cells = company(1) | {PAPER_SERIAL: "粤A1", PAPER_SERIAL_ZH: ""}
    assert part_serial(Row(3, cells), BUSINESS) == (Row(3, company(1)), "粤A1")
    rest, problems = part_serial(Row(3, cells | {PAPER_SERIAL_ZH: "粤A1"}), BUSINESS)
    assert rest == Row(3, company(1))
    assert [one.pointer for one in problems if not isinstance(one, str)] == ["/paper_serial"]
    found = check_columns((*company(1), PAPER_SERIAL, PAPER_SERIAL_ZH), BUSINESS)
    assert [one.pointer for one in found] == ["/paper_serial"]


@pytest.mark.parametrize("content", [company(1), refused("x", "某"), Entry({"a": 1}), Entry(7), Entry(None)])
def test_a_row_without_one_stays_as_it_is(content: Any) -> None:
    row = Row(3, content)
    assert part_serial(row, BUSINESS) == (row, "")


@pytest.mark.parametrize("value", [None, 7, True, [], {}])
def test_a_member_that_is_no_text_is_a_problem_of_that_member(value: object) -> None:
    rest, problems = part_serial(Row(3, Entry({"a": 1, PAPER_SERIAL: value})), BUSINESS)
    assert rest == Row(3, Entry({"a": 1}))
    assert [one.pointer for one in problems if not isinstance(one, str)] == ["/paper_serial"]


def test_an_item_of_the_type_with_that_name_goes_before() -> None:
    row = Row(3, company(1) | {PAPER_SERIAL_ZH: "自有", PAPER_SERIAL: "粤A1"})
    rest, serial = part_serial(row, WITH_OWN)
    application = check_row(rest, WITH_OWN)
    assert serial == "粤A1"
    assert isinstance(application, Application)
    assert application.fields["printNumber"] == "自有"
    assert check_columns((*company(1), PAPER_SERIAL_ZH, PAPER_SERIAL), WITH_OWN) == ()
    explained = RowErrors(WITH_OWN).explain(row, (problem_at(DATE, "extendInfo", "printNumber"),))
    assert explained[0][:2] == ("纸质证照印制号 printNumber", "自有")


def test_the_report_masks_the_serial_of_whoever_may_be_a_natural_person() -> None:
    problems = (problem_at(DATE, PAPER_SERIAL),)
    cells = company(1) | {PAPER_SERIAL_ZH: "440000 3174 0021"}
    assert RowErrors(BUSINESS).explain(Row(3, cells), problems)[0][1] == "440000 3174 0021"
    cells["持证主体代码类型代码"] = "111"
    assert RowErrors(BUSINESS).explain(Row(3, cells), problems)[0][1] == "4400********0021"
