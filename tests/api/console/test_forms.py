"""Licence types as forms, and what was posted as applications."""

from __future__ import annotations

import json

import pytest

from api.console.decisions import REASONS, decision_form
from api.console.forms import LONG_TERM, PORTRAIT, TICKED, Control, Form, FormField, licence_form
from api.console.posted import form_values, posted_application
from api.console.views.catalogue import catalogue_entries
from api.console.views.licences import Action
from ecert.errors import FieldProblem, IssuanceError
from ecert.licence.application import check_application, parse_application, read_application
from ecert.licence.types import TypeDefinition, find_type, load_catalogue
from ecert.revocation.status import ReasonCode
from tests.ofd.licences import DEMO

TYPES = sorted(load_catalogue().values(), key=lambda one: one.slug)
every_type = pytest.mark.parametrize("definition", TYPES, ids=[one.slug for one in TYPES])


def control(form: Form, name: str) -> FormField:
    return next(one for group in form.groups for one in group.fields if one.pointer == name)


def problems_of(definition: TypeDefinition, posted: dict[str, str]) -> tuple[FieldProblem, ...]:
    read = posted_application(definition, posted)
    try:
        return check_application(read_application(read.application, read.problems), definition)
    except IssuanceError as error:
        return error.problems


@every_type
def test_an_application_shown_in_a_form_and_posted_again_is_the_same(definition: TypeDefinition) -> None:
    for application in json.loads((DEMO / f"{definition.slug}.json").read_bytes()):
        form = licence_form(definition, form_values(application))
        posted = {one.pointer: one.value for group in form.groups for one in group.fields if one.value}
        read = posted_application(definition, posted)
        assert read.application == application
        assert not read.problems
        assert not problems_of(definition, posted)


@every_type
def test_every_problem_of_an_empty_form_stands_at_a_control(definition: TypeDefinition) -> None:
    form = licence_form(definition, {}, problems_of(definition, {}))
    required = [one for group in form.groups for one in group.fields if one.required and not one.value]
    assert not form.problems
    assert {one.pointer for one in form.wrong} >= {one.pointer for one in required}


@every_type
def test_every_problem_of_a_wrong_value_stands_at_a_control_of_that_name(definition: TypeDefinition) -> None:
    fields = [one for group in licence_form(definition, {}).groups for one in group.fields]
    posted = {one.pointer: " wrong " for one in fields if one.control is not Control.TICK}
    form = licence_form(definition, posted, problems_of(definition, posted))
    wrong = {one.pointer for one in form.wrong}
    assert not form.problems
    assert {"/certificateHolderCode", "/certificateNumber", "/certificateEffectiveDate"} <= wrong
    assert all(control(form, name).value == " wrong " for name in wrong if name != LONG_TERM)


def test_a_problem_below_a_control_stands_at_it_and_one_of_nothing_above_the_form() -> None:
    found = (FieldProblem("/parentIdentifiers/3", "an identifier", "证照标识"), FieldProblem("/none", "no", "无"))
    form = licence_form(find_type("construction-permit"), {}, found)
    assert [one.zh for one in control(form, "/parentIdentifiers").problems] == ["证照标识"]
    assert [one.zh for one in form.problems] == ["/none：无"]


def test_an_item_that_repeats_a_common_one_is_asked_for_once() -> None:
    definition = find_type("business-licence")
    repeated = [one for one in definition.fields if one.same_as]
    form = licence_form(definition, {}, (FieldProblem(f"/extendInfo/{repeated[0].name}", "same", "相同"),))
    names = [one.pointer for group in form.groups for one in group.fields]
    assert repeated
    assert f"/extendInfo/{repeated[0].name}" not in names
    assert control(form, f"/{repeated[0].same_as}").problems
    posted = posted_application(definition, {f"/{repeated[0].same_as}": "91440106DEMX000498"})
    assert posted.application["extendInfo"] == {repeated[0].name: "91440106DEMX000498"}


def test_a_last_day_and_long_term_together_are_refused() -> None:
    definition = find_type("driving-licence")
    posted = {"/certificateExpiringDate": "2030-01-01", LONG_TERM: TICKED}
    form = licence_form(definition, posted, posted_application(definition, posted).problems)
    assert control(form, "/certificateExpiringDate").problems
    assert posted_application(definition, {LONG_TERM: TICKED}).application["certificateExpiringDate"] is None
    assert "certificateExpiringDate" not in posted_application(definition, {}).application


def test_controls_are_of_the_kind_and_length_of_their_fields() -> None:
    form = licence_form(find_type("driving-licence"), {}, portrait=True)
    assert control(form, "/extendInfo/sex").control is Control.SELECT
    assert [one.value for one in control(form, "/extendInfo/sex").options] == ["男", "女"]
    assert control(form, "/extendInfo/birthDate").control is Control.DATE
    assert control(form, "/extendInfo/notes").max_length == 500
    assert not control(form, "/extendInfo/notes").required
    assert control(form, PORTRAIT).control is Control.PICTURE
    assert form.has_picture
    assert not licence_form(find_type("business-licence"), {}).has_picture
    seats = control(licence_form(find_type("vehicle-licence"), {}), "/extendInfo/seats")
    assert seats.control is Control.INTEGER


def test_a_whole_number_is_posted_as_one_and_anything_else_as_it_is() -> None:
    definition = find_type("vehicle-licence")
    for text, value in (("5", 5), ("5.5", "5.5"), ("٥", "٥"), ("9" * 17, "9" * 17)):
        assert posted_application(definition, {"/extendInfo/seats": text}).application["extendInfo"] == {"seats": value}


def test_every_decision_asks_for_reason_law_number_and_time() -> None:
    for action in Action:
        controls = {one.pointer: one for group in decision_form(action, {}).groups for one in group.fields}
        assert all(controls[name].required for name in ("/reason_code", "/reason", "/legal_basis", "/document"))
        assert controls["/effective_at"].hint is not None
    assert set(REASONS) == set(ReasonCode)


def test_a_problem_of_a_decision_stands_at_its_control() -> None:
    form = decision_form(Action.TRANSFER, {"/document": "x"}, (FieldProblem("/target_region", "a region", "地区"),))
    assert [one.pointer for one in form.wrong] == ["/target_region"]
    assert control(form, "/document").value == "x"


@every_type
def test_a_catalogue_record_has_every_required_item_of_its_type(definition: TypeDefinition) -> None:
    entries = {entry.label.en: entry.value for entry in catalogue_entries(definition)}
    assert entries["CertificateTypeCode"] == definition.code
    assert all(value for name, value in entries.items() if not name.startswith("Item"))


def test_a_refused_application_is_read_as_the_form_of_its_type() -> None:
    source = json.loads((DEMO / "driving-licence.json").read_bytes())[0]
    assert not check_application(parse_application(source), find_type("driving-licence"))
