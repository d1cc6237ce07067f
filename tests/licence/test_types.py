"""Type definitions: the eight shipped, and what a definition file must not say."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.licence.codes import check_credit_code
from ecert.licence.dependencies import FallenState
from ecert.licence.types import (
    MAX_DEFINITION,
    HolderCategory,
    PrintedName,
    TypeDefinition,
    ValidityRange,
    find_type,
    load_catalogue,
)
from ecert.revocation import State

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "ecert/licence/catalogue"
BUSINESS: dict[str, Any] = json.loads((CATALOGUE / "business-licence.json").read_text(encoding="utf-8"))
FOOD: dict[str, Any] = json.loads((CATALOGUE / "food-business-licence.json").read_text(encoding="utf-8"))
IDENTITY: dict[str, Any] = json.loads((CATALOGUE / "resident-identity-card.json").read_text(encoding="utf-8"))


def encode(value: object) -> bytes:
    return json.dumps(value).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        TypeDefinition.from_json(data)
    assert caught.value.reason is Reason.TYPE_MALFORMED
    return caught.value.detail


def changed(document: dict[str, Any], path: str, value: object) -> bytes:
    """Put `value` at the pointer `path`; `...` takes what stands there away."""
    document = copy.deepcopy(document)
    *parents, last = path.removeprefix("/").split("/")
    node: Any = document
    for token in parents:
        node = node[int(token)] if isinstance(node, list) else node[token]
    if value is ...:
        del node[last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return encode(document)


def test_eight_types_are_shipped_each_under_its_slug() -> None:
    assert {definition.slug for definition in load_catalogue().values()} == {
        path.stem for path in CATALOGUE.glob("*.json")
    }
    assert len(load_catalogue()) == len({definition.name for definition in load_catalogue().values()}) == 8


@pytest.mark.parametrize("definition", load_catalogue().values(), ids=lambda definition: definition.slug)
def test_a_shipped_type_is_consistent_and_documented(definition: TypeDefinition) -> None:
    assert check_credit_code(definition.authority.code) is None
    assert definition.code.startswith(definition.authority.code)
    assert definition.sample_code == (not definition.code.endswith(("001", "009")) or "DEM" in definition.code)
    assert definition.fields
    natural = definition.holder_category is not HolderCategory.LEGAL
    assert (definition.printed_name is PrintedName.MASKED) == natural
    documented = (ROOT / "docs/types.md").read_text(encoding="utf-8")
    assert definition.code in documented
    assert all(f"`{field.name}` {field.zh}" in documented for field in definition.fields)


def test_the_example_of_the_documentation_loads() -> None:
    documented = (ROOT / "docs/types.md").read_text(encoding="utf-8")
    example = documented.split("```json\n")[1].split("```")[0]
    assert TypeDefinition.from_json(example.encode()).slug == "food-business-licence"


@pytest.mark.parametrize("text", ["11100000MB0341032Y001", "business-licence", "营业执照"])
def test_a_type_is_found_by_code_by_slug_and_by_name(text: str) -> None:
    assert find_type(text).name_en == "Business licence"


def test_an_unknown_type_is_not_found_and_the_known_are_named() -> None:
    with pytest.raises(NotFoundError, match="business-licence") as caught:
        find_type("护照")
    assert caught.value.reason is Reason.TYPE_UNKNOWN


def test_only_natural_persons_names_are_masked_in_print() -> None:
    vehicle, business = find_type("vehicle-licence"), find_type("business-licence")
    assert vehicle.masks_name("111")
    assert not vehicle.masks_name("001")
    assert vehicle.masks_name("000"), "an unknown kind of holder is masked"
    assert not business.masks_name("001")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/surprise", 1),
        ("/basicInformation", ...),
        ("/basicInformation", []),
        ("/basicInformation/surprise", 1),
        ("/basicInformation/code", "11100000MB0341032X001"),
        ("/basicInformation/code", "11100000000013338W009"),
        ("/basicInformation/version", 0),
        ("/basicInformation/version", True),
        ("/basicInformation/slug", "Business Licence"),
        ("/basicInformation/name", ""),
        ("/basicInformation/name", " 营业执照"),
        ("/basicInformation/name", "营业\ud800"),
        ("/basicInformation/name", "名" * 257),
        ("/basicInformation/sampleCode", 1),
        ("/holderInformation/category", "anybody"),
        ("/holderInformation/codeTypes", []),
        ("/holderInformation/codeTypes", ["001", "001"]),
        ("/holderInformation/codeTypes", ["000"]),
        ("/holderInformation/codeTypes", ["111"]),
        ("/holderInformation/label/zh", 1),
        ("/typeSpecificInformation", {}),
        ("/typeSpecificInformation/0", "creditCode"),
        ("/typeSpecificInformation/0/name", "Credit code"),
        ("/typeSpecificInformation/1/name", "creditCode"),
        ("/typeSpecificInformation/1/name", "certificateNumber"),
        ("/typeSpecificInformation/1/zh", "证照编号"),
        ("/typeSpecificInformation/1/kind", "number"),
        ("/typeSpecificInformation/1/choices", ["有限责任公司"]),
        ("/typeSpecificInformation/1/pattern", "("),
        ("/typeSpecificInformation/1/maxLength", 2001),
        ("/typeSpecificInformation/1/required", "yes"),
        ("/typeSpecificInformation/1/example", ""),
        ("/typeSpecificInformation/1/example", None),
        ("/typeSpecificInformation/4/example", "2026-02-30"),
        ("/typeSpecificInformation/0/sameAs", "creditCode"),
        ("/catalogue/validityRanges", ["1年"]),
        ("/catalogue/issuingLevel", 6),
        ("/catalogue/definingAuthority/code", "11100000MB0341032X"),
        ("/catalogue/relatedItem/code", "-"),
        ("/catalogue/category", "other"),
        ("/management/printedName", "none"),
    ],
)
def test_a_mistake_in_a_definition_is_named_by_its_pointer(path: str, value: object) -> None:
    assert refusal(changed(BUSINESS, path, value)).startswith(f"{path}: expected")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/management/dependsOn", {}),
        ("/management/dependsOn/0", FOOD["management"]["dependsOn"][0] | {"surprise": 1}),
        ("/management/dependsOn/0/type", "11100000MB0341032X001"),
        ("/management/dependsOn/0/parentStates", ["valid"]),
        ("/management/dependsOn/0/childState", "valid"),
        ("/management/dependsOn/0/childState", ...),
        ("/management/dependsOn/0/legalBasis", ...),
        ("/management/dependsOn/0/legalBasis/law", "行政许可法"),
        ("/management/dependsOn/0/legalBasis/article", "70"),
    ],
)
def test_a_mistake_in_a_dependency_is_named_by_its_pointer(path: str, value: object) -> None:
    told = refusal(changed(FOOD, path, value))
    assert told.startswith("/management/dependsOn")
    assert told.startswith(path) or isinstance(value, dict)


def test_a_type_depends_on_others_only_and_on_each_once() -> None:
    own = FOOD["basicInformation"]["code"]
    assert refusal(changed(FOOD, "/management/dependsOn", [{"type": own}])).startswith("/management/dependsOn")
    twice = [{"type": "11100000MB0341032Y001"}] * 2
    assert refusal(changed(FOOD, "/management/dependsOn", twice)).startswith("/management/dependsOn/1/type")


def test_what_follows_by_law_is_said_with_the_law() -> None:
    business = find_type("business-licence").code
    food = find_type("food-business-licence").dependency(business)
    assert food is not None
    assert food.consequence is not None
    assert food.consequence.legal_basis == "《中华人民共和国行政许可法》第七十条第（三）项"
    permit = find_type("construction-permit").dependency(business)
    assert permit is not None
    assert permit.consequence is None
    assert find_type("business-licence").depends_on == ()


def test_states_of_a_dependency_are_named_as_states_are() -> None:
    assert {state.name for state in FallenState} == {state.name for state in State} - {"VALID"}


def test_a_type_for_natural_persons_must_mask_their_names() -> None:
    assert refusal(changed(IDENTITY, "/management/printedName", "full")).startswith("/management/printedName:")


def test_a_choice_needs_its_choices() -> None:
    pointer = "/typeSpecificInformation/0/choices"
    assert refusal(changed(IDENTITY, pointer, ...)).startswith(pointer)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{",
        b"[" * 100_000,
        b'{"a":1,"a":1}',
        b'{"a":NaN}',
        b" " * (MAX_DEFINITION + 1),
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_strict_json_is_malformed(data: bytes) -> None:
    assert refusal(data).startswith("the document: expected")


def test_a_document_must_be_an_object() -> None:
    assert refusal(b"[]") == "the document: expected an object"


@given(st.binary())
def test_any_bytes_are_malformed(data: bytes) -> None:
    refusal(data)


@pytest.mark.parametrize(
    ("text", "effective", "expiring"),
    [
        ("5/Y", date(2026, 1, 1), date(2030, 12, 31)),
        ("5/Y", date(2026, 1, 1), date(2031, 1, 1)),
        ("1/Y", date(2028, 2, 29), date(2029, 2, 28)),
        ("1/M", date(2026, 1, 31), date(2026, 2, 28)),
        ("14/M", date(2026, 12, 15), date(2028, 2, 15)),
        ("90/D", date(2026, 1, 1), date(2026, 4, 1)),
        ("90/D", date(2026, 1, 1), date(2026, 3, 31)),
        ("0/L", date(2026, 1, 1), None),
    ],
)
def test_a_range_admits_both_ways_of_writing_its_last_day(text: str, effective: date, expiring: date | None) -> None:
    assert ValidityRange.parse(text).text == text
    assert ValidityRange.parse(text).admits(effective, expiring)


@pytest.mark.parametrize(
    ("text", "expiring"),
    [
        ("5/Y", None),
        ("5/Y", date(2031, 1, 2)),
        ("5/Y", date(2030, 12, 30)),
        ("60/M", date(2036, 1, 1)),
        ("0/L", date(2031, 1, 1)),
    ],
)
def test_a_range_admits_no_other_span(text: str, expiring: date | None) -> None:
    assert not ValidityRange.parse(text).admits(date(2026, 1, 1), expiring)


@pytest.mark.parametrize("text", ["", "0/Y", "1/L", "5Y", "1000/Y", "-1/Y", "５/Y"])
def test_another_notation_is_no_range(text: str) -> None:
    with pytest.raises(MalformedError):
        ValidityRange.parse(text)
