"""Applications: every demonstration one passes, and every kind of problem has its pointer."""

from __future__ import annotations

import csv
import io
import json
import pickle
from base64 import b64encode
from dataclasses import fields as dataclass_fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.licence.application import KEYS, OPTIONAL_KEYS, Application, check_application, parse_application
from ecert.licence.rows import application_from_row
from ecert.licence.types import find_type, load_catalogue

DEMO = Path(__file__).parents[2] / "scripts/demo-data"
FILES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DEMO.glob("*.json"))}
DEMONSTRATIONS = [
    pytest.param(obj, id=f"{slug}-{index}") for slug, objs in FILES.items() for index, obj in enumerate(objs)
]
BUSINESS = FILES["business-licence"][0]
TODAY = date(2026, 11, 23)


def altered(obj: dict[str, Any], extend_info: dict[str, object] | None = None, /, **changes: object) -> dict[str, Any]:
    """Copy an application with some values replaced; `...` takes a key away."""
    copy = obj | changes | {"extendInfo": obj["extendInfo"] | (extend_info or {})}
    copy["extendInfo"] = {name: value for name, value in copy["extendInfo"].items() if value is not ...}
    return {name: value for name, value in copy.items() if value is not ...}


def refusals(obj: object) -> dict[str, FieldProblem]:
    with pytest.raises(IssuanceError) as caught:
        parse_application(obj)
    assert caught.value.reason is Reason.APPLICATION_INVALID
    return {problem.pointer: problem for problem in caught.value.problems}


def problems_of(obj: dict[str, Any], slug: str = "business-licence") -> dict[str, FieldProblem]:
    return {problem.pointer: problem for problem in check_application(parse_application(obj), find_type(slug))}


@pytest.mark.parametrize("obj", DEMONSTRATIONS)
def test_a_demonstration_application_has_no_problems(obj: dict[str, Any]) -> None:
    application = parse_application(obj)
    assert check_application(application, load_catalogue()[application.type_code]) == ()
    assert date(2026, 1, 1) <= application.effective <= date(2026, 10, 31)
    assert application.expiring is None or application.expiring >= TODAY + timedelta(days=365)


@pytest.mark.parametrize("slug", FILES)
def test_each_type_shows_both_regions_and_a_name_of_twenty_characters(slug: str) -> None:
    applications = [parse_application(obj) for obj in FILES[slug]]
    assert {application.type_code for application in applications} == {find_type(slug).code}
    assert {application.area_code[:2] for application in applications} == {"31", "44"}
    assert max(len(application.holder_name) for application in applications) == 20


def test_every_shipped_type_is_demonstrated() -> None:
    assert set(FILES) == {definition.slug for definition in load_catalogue().values()}


@pytest.mark.parametrize("obj", DEMONSTRATIONS)
def test_invented_persons_agree_with_their_citizen_numbers(obj: dict[str, Any]) -> None:
    code, face = obj["certificateHolderCode"], obj["extendInfo"]
    if obj["certificateHolderTypeCode"] == "111" and "birthDate" in face:
        assert face["birthDate"].replace("-", "") == code[6:14]
        assert face["sex"] == "女男"[int(code[16]) % 2]


def test_an_application_reads_into_its_attributes() -> None:
    application = parse_application(BUSINESS)
    assert application.holder_name == BUSINESS["certificateHolderName"]
    assert application.effective == date(2026, 1, 15)
    assert application.expiring is None
    assert application.fields["creditCode"] == application.holder_code
    assert pickle.loads(pickle.dumps(application)) == application  # noqa: S301 - batch workers get them so


@pytest.mark.parametrize("obj", [None, [], "{}", 1, True])
def test_what_is_not_an_object_is_refused_as_a_whole(obj: object) -> None:
    assert list(refusals(obj)) == [""]


def test_every_missing_key_is_reported_at_once() -> None:
    assert list(refusals({})) == [f"/{key}" for key in KEYS]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("certificateTypeCode", "11100000MB0341032X001"),
        ("certificateTypeCode", 1),
        ("certificateNumber", ""),
        ("certificateNumber", "1" * 129),
        ("certificateHolderName", "名" * 257),
        ("certificateHolderName", " 张三"),
        ("certificateHolderName", "张\u200b三"),
        ("certificateHolderName", "张\n三"),
        ("certificateHolderName", "张三^李四"),
        ("certificateHolderName", None),
        ("certificateHolderCode", "1" * 257),
        ("certificateHolderTypeCode", "000"),
        ("certificateEffectiveDate", "2026-02-29"),
        ("certificateEffectiveDate", "2026/01/01"),
        ("certificateEffectiveDate", "1969-12-31"),
        ("certificateEffectiveDate", None),
        ("certificateExpiringDate", ""),
        ("certificateExpiringDate", "长期"),
        ("certificateExpiringDate", "9999-12-31"),
        ("certificateExpiringDate", "2500-01-01"),
        ("certificateExpiringDate", 20260101),
        ("certificateExpiringDate", ...),
        ("certificateAreaCode", "990000"),
        ("surprise", 1),
    ],
)
def test_a_wrong_format_is_named_by_its_pointer(key: str, value: object) -> None:
    problems = refusals(altered(BUSINESS, **{key: value}))
    assert list(problems) == [f"/{key}"]
    problem = problems[f"/{key}"]
    assert problem.expected
    assert problem.expected_zh


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "", " a", "a\tb", "字" * 2001, 2**53])
def test_a_field_is_text_or_an_integer(value: object) -> None:
    assert list(refusals(altered(BUSINESS, {"a/b~c": value}))) == ["/extendInfo/a~1b~0c"]


@pytest.mark.parametrize("name", ["", "n" * 65, "a\ud800", "a\nb"])
def test_a_name_unfit_for_a_pointer_is_reported_where_it_stands(name: str) -> None:
    assert list(refusals(altered(BUSINESS, {name: "x"}))) == ["/extendInfo"]
    assert list(refusals(BUSINESS | {name: "x"})) == [""]


def test_extend_info_is_an_object_of_bounded_size() -> None:
    assert list(refusals(BUSINESS | {"extendInfo": []})) == ["/extendInfo"]
    assert list(refusals(altered(BUSINESS, {f"f{index}": 1 for index in range(200)}))) == ["/extendInfo"]


def test_problems_never_repeat_a_value() -> None:
    secret = "机密\u200b"
    changes = dict.fromkeys(KEYS, secret)
    found = refusals(altered(BUSINESS) | changes)
    assert len(found) == len(KEYS)
    assert not any("机密" in problem.expected + problem.expected_zh for problem in found.values())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
)


@given(json_values)
def test_any_json_is_an_application_or_refused_with_problems(obj: object) -> None:
    with pytest.raises(IssuanceError) as caught:
        parse_application(obj)
    assert caught.value.problems


@pytest.mark.parametrize(
    ("extend_info", "expected"),
    [
        ({"creditCode": ...}, "a value; it is required"),
        ({"creditCode": 1}, "text"),
        (
            {"creditCode": "91500102563638729E"},
            "a unified social credit code: 18 characters ending in the right check character",
        ),
        ({"creditCode": "11100000000013338W"}, "the same value as certificateHolderCode"),
        ({"enterpriseType": "类" * 101}, "text of 1 to 100 characters"),
        ({"establishmentDate": "2026-02-30"}, "a real date written yyyy-mm-dd"),
        ({"surprise": "x"}, "no such item here"),
    ],
)
def test_a_field_that_does_not_fit_its_definition_is_a_problem(extend_info: dict[str, object], expected: str) -> None:
    (name,) = extend_info
    problems = problems_of(altered(BUSINESS, extend_info))
    assert {pointer: problem.expected for pointer, problem in problems.items()} == {f"/extendInfo/{name}": expected}


@pytest.mark.parametrize(
    ("slug", "extend_info", "expected"),
    [
        ("vehicle-licence", {"seats": "5"}, "a whole number, not in quotes"),
        ("vehicle-licence", {"engineNumber": "dem 1"}, "capital letters, digits and hyphens"),
        ("vehicle-licence", {"plateNumber": "粤I00000"}, "the form of the example 粤A00000"),
        ("resident-identity-card", {"sex": "?"}, "one of 男, 女"),
        ("construction-permit", {"contractPrice": "1,000"}, "a decimal number in quotes, at most 6 decimal places"),
        ("construction-permit", {"contractPrice": "01"}, "a decimal number in quotes, at most 6 decimal places"),
    ],
)
def test_each_kind_of_field_says_what_it_expects(slug: str, extend_info: dict[str, object], expected: str) -> None:
    (name,) = extend_info
    problems = problems_of(altered(FILES[slug][0], extend_info), slug)
    assert {pointer: problem.expected for pointer, problem in problems.items()} == {f"/extendInfo/{name}": expected}


def test_an_optional_field_may_be_left_out() -> None:
    assert problems_of(altered(BUSINESS, {"registeredCapital": ...})) == {}


def test_an_application_for_another_type_is_a_problem() -> None:
    other = altered(BUSINESS, certificateTypeCode=find_type("food-business-licence").code)
    assert list(problems_of(other)) == ["/certificateTypeCode"]


def test_a_holder_code_must_be_of_a_kind_that_the_type_takes() -> None:
    assert list(problems_of(altered(BUSINESS, certificateHolderTypeCode="099"))) == ["/certificateHolderTypeCode"]


@pytest.mark.parametrize(
    ("slug", "code"), [("business-licence", "91440101DEMX00014X"), ("resident-identity-card", "11010519491231002x")]
)
def test_a_holder_code_with_a_wrong_check_character_is_a_problem(slug: str, code: str) -> None:
    assert "/certificateHolderCode" in problems_of(altered(FILES[slug][0], certificateHolderCode=code), slug)


@pytest.mark.parametrize(
    ("slug", "expiring"),
    [
        ("business-licence", "2026-01-14"),
        ("business-licence", "2027-01-15"),
        ("business-licence", "2036-01-16"),
        ("food-business-licence", None),
    ],
)
def test_a_last_day_outside_the_ranges_of_the_type_is_a_problem(slug: str, expiring: str | None) -> None:
    assert list(problems_of(altered(FILES[slug][0], certificateExpiringDate=expiring), slug)) == [
        "/certificateExpiringDate"
    ]


@pytest.mark.parametrize("expiring", ["2036-01-14", "2036-01-15", None])
def test_a_last_day_within_the_ranges_of_the_type_is_none(expiring: str | None) -> None:
    assert problems_of(altered(BUSINESS, certificateExpiringDate=expiring)) == {}


def row_of(obj: dict[str, Any]) -> dict[str, str]:
    row = {key: obj[key] for key in KEYS if key != "extendInfo"}
    row["certificateExpiringDate"] = row["certificateExpiringDate"] or "长期"
    return row | {name: str(value) for name, value in obj["extendInfo"].items()}


def row_refusals(row: dict[str, str], slug: str = "business-licence") -> list[str]:
    with pytest.raises(IssuanceError) as caught:
        application_from_row(row, find_type(slug))
    return [problem.pointer for problem in caught.value.problems]


@pytest.mark.parametrize("obj", DEMONSTRATIONS)
def test_a_row_reads_into_the_same_application_as_json(obj: dict[str, Any]) -> None:
    assert application_from_row(row_of(obj), load_catalogue()) == parse_application(obj)


def test_columns_may_have_their_chinese_names() -> None:
    definition = find_type("vehicle-licence")
    obj = FILES["vehicle-licence"][0]
    names = {field.name: field.zh for field in definition.fields} | {
        "certificateTypeCode": "证照类型代码",
        "certificateNumber": "证照编号",
        "certificateHolderName": "持证主体",
        "certificateHolderCode": "持证主体代码",
        "certificateHolderTypeCode": "持证主体代码类型代码",
        "certificateEffectiveDate": "证照有效期起始日期",
        "certificateExpiringDate": "证照有效期截止日期",
        "certificateAreaCode": "证照所属管辖属地编码",
    }
    row = {names[column]: cell for column, cell in row_of(obj).items()}
    assert application_from_row(row, definition) == parse_application(obj)
    assert application_from_row(row, load_catalogue()) == parse_application(obj)


def test_a_row_survives_a_csv_file() -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=row_of(BUSINESS))
    writer.writeheader()
    writer.writerow(row_of(BUSINESS))
    (row,) = csv.DictReader(io.StringIO(text.getvalue()))
    assert application_from_row(row, load_catalogue()) == parse_application(BUSINESS)


def test_an_empty_cell_is_an_absent_item() -> None:
    row = row_of(BUSINESS) | {"registeredCapital": "", "columnOfAnotherType": ""}
    assert "registeredCapital" not in application_from_row(row, load_catalogue()).fields


def test_an_empty_last_day_is_not_a_licence_for_ever() -> None:
    assert row_refusals(row_of(BUSINESS) | {"certificateExpiringDate": ""}) == ["/certificateExpiringDate"]


def test_an_unknown_column_is_reported_with_the_other_problems() -> None:
    row = row_of(BUSINESS) | {"列/名": "x", "certificateAreaCode": "1"}
    assert row_refusals(row) == ["/列~1名", "/certificateAreaCode"]


def test_two_columns_for_one_item_are_a_problem() -> None:
    assert row_refusals(row_of(BUSINESS) | {"证照编号": "x", "住所": "y"}) == ["/证照编号", "/住所"]


def test_a_column_name_unfit_for_a_pointer_is_reported_at_the_row() -> None:
    assert row_refusals(row_of(BUSINESS) | {"a\nb": "x"}) == [""]


def test_a_row_of_no_known_type_is_refused() -> None:
    row = row_of(BUSINESS)
    del row["certificateTypeCode"]
    assert application_from_row(row, find_type("business-licence")) == parse_application(BUSINESS)
    for cells in (row, row | {"证照类型代码": "11100000MB0341032Y999"}):
        with pytest.raises(IssuanceError) as caught:
            application_from_row(cells, load_catalogue())
        assert [problem.pointer for problem in caught.value.problems] == ["/certificateTypeCode"]


@pytest.mark.parametrize("cell", ["5.0", "05", "+5", "五"])
def test_a_cell_that_is_no_integer_is_not_mended(cell: str) -> None:
    definition = find_type("vehicle-licence")
    application = application_from_row(row_of(FILES[definition.slug][0]) | {"seats": cell}, definition)
    assert [problem.pointer for problem in check_application(application, definition)] == ["/extendInfo/seats"]


def test_spaces_in_a_cell_are_not_mended() -> None:
    assert row_refusals(row_of(BUSINESS) | {"domicile": " "}) == ["/extendInfo/domicile"]


PARENT = "1.2.156.3005.2.11100000MB0341032Y001.11440000DEMG100223.A0000000000000000001.001.J"
FOOD = FILES["food-business-licence"][0]


def test_an_application_may_name_the_licences_it_depends_on() -> None:
    application = parse_application(FOOD | {"parentIdentifiers": [PARENT]})
    assert [parent.text for parent in application.parents] == [PARENT]
    assert check_application(application, find_type("food-business-licence")) == ()
    cells = row_of(FOOD) | {"关联证照标识": PARENT}
    assert application_from_row(cells, find_type("food-business-licence")) == application


@pytest.mark.parametrize(
    ("parents", "pointer"),
    [
        ("text", "/parentIdentifiers"),
        (None, "/parentIdentifiers"),
        ([PARENT] * 9, "/parentIdentifiers"),
        ([PARENT, PARENT], "/parentIdentifiers"),
        ([PARENT, 7], "/parentIdentifiers/1"),
        ([PARENT[:-1] + "C"], "/parentIdentifiers/0"),
    ],
)
def test_what_is_no_list_of_identifiers_names_no_licences(parents: object, pointer: str) -> None:
    assert list(refusals(FOOD | {"parentIdentifiers": parents})) == [pointer]


def test_a_licence_depends_only_on_licences_of_the_types_its_definition_names() -> None:
    assert list(problems_of(BUSINESS | {"parentIdentifiers": [PARENT]})) == ["/parentIdentifiers/0"]


PNG, JPEG = b"\x89PNG\r\n\x1a\n" + bytes(9), b"\xff\xd8\xff" + bytes(9)


@pytest.mark.parametrize("picture", [PNG, JPEG, JPEG + bytes((1 << 19) - len(JPEG))])
def test_an_application_may_carry_a_portrait(picture: bytes) -> None:
    assert parse_application(BUSINESS | {"portrait": b64encode(picture).decode()}).portrait == picture
    assert parse_application(BUSINESS | {"portrait": None}).portrait is None


@pytest.mark.parametrize(
    "portrait",
    [
        "",
        7,
        [],
        "照片",
        "photo.png",
        b64encode(b"GIF89a").decode(),
        b64encode(b"<svg/>").decode(),
        b64encode(PNG).decode() + "\n",
        b64encode(JPEG + bytes((1 << 19) + 1 - len(JPEG))).decode(),
    ],
)
def test_what_is_no_small_png_or_jpeg_in_base64_is_no_portrait(portrait: object) -> None:
    assert list(refusals(BUSINESS | {"portrait": portrait})) == ["/portrait"]


def test_an_application_has_an_attribute_for_every_key() -> None:
    assert len(dataclass_fields(Application)) == len({*KEYS, *OPTIONAL_KEYS})
