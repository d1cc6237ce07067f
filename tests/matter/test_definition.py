from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.licence.types import load_catalogue
from ecert.matter import ByLicence, Matter, Matters, needed_fields
from tests.matter.window import FILES, MATTERS, matter

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE: dict[str, Any] = json.loads(FILES[0].read_text("utf-8"))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    made = copy.deepcopy(SAMPLE)
    change(made)
    return json.dumps(made, ensure_ascii=False).encode()


def test_there_are_realistic_matters_and_three_of_them_cross_regions() -> None:
    assert len(MATTERS.all()) >= 8
    assert sum(one.cross_region for one in MATTERS.all()) >= 3


def test_every_licence_type_and_field_that_a_matter_names_is_one_we_ship() -> None:
    catalogue = load_catalogue()
    for one in MATTERS.all():
        ways = [way for material in one.materials for way in material.ways if isinstance(way, ByLicence)]
        assert ways
        for way in ways:
            for code in way.types:
                names = {f"extendInfo.{field.name}" for field in catalogue[code].fields}
                assert set(way.fields) <= names
                assert set(way.fields) <= set(needed_fields(way))


def test_a_matter_is_found_by_its_item_code() -> None:
    wanted = matter("social-security-card")
    assert MATTERS.find(wanted.item_code) == wanted
    with pytest.raises(NotFoundError) as refused:
        MATTERS.find("nothing")
    assert refused.value.reason is Reason.MATTER_UNKNOWN
    with pytest.raises(MalformedError, match="same item code"):
        Matters([wanted, wanted])


def test_where_a_matter_is_taken_and_handled_follows_the_regions_it_names() -> None:
    renewal = matter("driving-licence-renewal")
    assert renewal.is_accepted_in("310115")
    assert renewal.is_accepted_in("440305")
    assert not renewal.is_accepted_in("320000")
    assert renewal.is_handled_in("440106")
    assert not renewal.is_handled_in("440300")


PROMISE = {"way": "promised", "text": "承诺", "consequences": "后果", "check": "核查", "checkDays": 30}
LATER = {"way": "deferred", "days": 5}


def first_way(sample: dict[str, Any]) -> Any:
    return sample["materials"][0]["ways"]


CASES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a promise where public safety is at stake": (
        lambda m: (m.update(exclusions=["public-safety"]), first_way(m).append(PROMISE)),
        "国发〔2022〕5号",
    ),
    "a promise where national security is at stake": (
        lambda m: (m.update(exclusions=["national-security"]), first_way(m).append(PROMISE)),
        "国发〔2022〕5号",
    ),
    "a principal material that follows later": (lambda m: first_way(m).append(LATER), "it is a principal material"),
    "an exclusion nobody knows": (lambda m: m.update(exclusions=["convenience"]), "/exclusions"),
    "an unknown key": (lambda m: m.update(fee=1), "/fee"),
    "an unknown key of a way": (lambda m: first_way(m)[0].update(free=True), "/materials/0/ways/0/free"),
    "no materials": (lambda m: m.update(materials=[]), "/materials"),
    "too many materials": (lambda m: m.update(materials=m["materials"] * 40), "/materials"),
    "two materials with one code": (lambda m: m.update(materials=m["materials"][:1] * 2), "different codes"),
    "too many ways": (lambda m: first_way(m).extend(first_way(m) * 9), "at most 8 ways"),
    "a way that is none": (lambda m: first_way(m).append({"way": "bribe"}), "/materials/0/ways/1/way"),
    "paper as a way": (lambda m: first_way(m).append({"way": "paper"}), "/materials/0/ways/1/way"),
    "a type code with a wrong check digit": (
        lambda m: first_way(m)[0].update(types=["11100000000013127X001"]),
        "/materials/0/ways/0/types",
    ),
    "a department with a wrong check digit": (
        lambda m: m["department"].update(code="11310000DEMH200014"),
        "/department/code",
    ),
    "a region that is none": (lambda m: m.update(region="990000"), "/region"),
    "no place to hand it in": (lambda m: m.update(acceptedIn=[]), "/acceptedIn"),
    "an item code with a slash": (lambda m: m.update(itemCode="a/b"), "/itemCode"),
    "a name of two lines": (lambda m: m.update(name="a\nb"), "/name"),
    "a number of days as text": (lambda m: m.update(days="5"), "/days"),
    "a reuse for ever": (
        lambda m: first_way(m).append({"way": "reused", "withinDays": 10**6}),
        "/materials/0/ways/1/withinDays",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_definition_with_a_mistake_is_refused_with_its_place(case: str) -> None:
    change, where = CASES[case]
    with pytest.raises(MalformedError, match=where) as refused:
        Matter.from_json(changed(change))
    assert refused.value.reason is Reason.MATTER_MALFORMED


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b" " * 300_000, b"[" * 100_000])
def test_what_is_no_definition_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        Matter.from_json(data)
    assert refused.value.reason is Reason.MATTER_MALFORMED


@given(st.data())
def test_any_value_put_anywhere_is_refused_or_read(data: st.DataObject) -> None:
    made = copy.deepcopy(SAMPLE)
    target: Any = data.draw(st.sampled_from([made, made["department"], made["materials"][0], first_way(made)[0]]))
    odd: st.SearchStrategy[Any] = st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=300), st.lists(st.text(max_size=4), max_size=3)
    )
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(odd)
    try:
        read = Matter.from_json(json.dumps(made).encode())
    except MalformedError as error:
        reason = error.reason
        assert reason is Reason.MATTER_MALFORMED
    else:
        assert read.materials
