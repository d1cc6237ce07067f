"""What a mask shows, and that it never shows more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.licence.fields import Check, FieldDefinition, Kind, Sensitivity
from ecert.licence.masking import mask_code, mask_name, mask_value

FIELD = FieldDefinition(
    name="item", zh="项", en="Item", kind=Kind.TEXT, sensitivity=Sensitivity.PERSONAL, example="示例"
)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("", ""),
        ("张", "*"),
        ("张三", "张*"),
        ("张小三", "张*三"),
        ("欧阳小三", "欧**三"),
        ("阿依古丽·买买提", "阿***·**提"),
        ("尼·美", "尼·*"),
        ("John Smith", "J*** ****h"),
        ("Li", "L*"),
        ("Anne-Marie O'Hara", "A***-***** *'***a"),
        ("张三^李小四", "张*^李*四"),
        ("张三、李小四", "张*、李*四"),
    ],
)
def test_a_name_shows_its_first_and_from_three_on_its_last_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("code", "masked"),
    [
        ("440100199001011234", "4401**********1234"),
        ("E12345678", "E1*****78"),
        ("123456789012", "123******012"),
        ("1234", "1**4"),
        ("123", "***"),
        ("1", "*"),
        ("", ""),
    ],
)
def test_a_code_shows_at_most_four_at_each_end_and_at_most_half(code: str, masked: str) -> None:
    assert mask_code(code) == masked


@given(st.text(st.characters(codec="utf-8", exclude_characters="*·•・‧ -'’^,，、")))
def test_a_name_never_shows_more_than_two_characters(name: str) -> None:
    masked = mask_name(name)
    assert len(masked) == len(name)
    assert len(masked.replace("*", "")) <= min(2, len(name) // 2 + 1)


@given(st.text(st.characters(codec="utf-8", exclude_characters="*")))
def test_a_code_never_shows_more_than_half(code: str) -> None:
    shown = len(mask_code(code).replace("*", ""))
    assert shown <= 8
    assert shown * 2 <= len(code)


def test_a_public_value_stays() -> None:
    field = replace(FIELD, sensitivity=Sensitivity.PUBLIC)
    assert mask_value(field, "经营范围") == "经营范围"
    assert mask_value(field, 5) == "5"


def test_a_personal_value_is_masked_by_its_kind() -> None:
    assert mask_value(FIELD, "张小三") == "张*三"
    assert mask_value(replace(FIELD, kind=Kind.CODE), "440100000001") == "440******001"
    assert mask_value(replace(FIELD, check=Check.CITIZEN_ID), "11010519491231002X") == "1101**********002X"
    assert mask_value(replace(FIELD, kind=Kind.DATE), "1990-01-01") == "***"
    assert mask_value(replace(FIELD, kind=Kind.CHOICE, choices=("男", "女")), "男") == "***"
    assert mask_value(replace(FIELD, kind=Kind.INTEGER), 5) == "***"


@given(st.text() | st.integers(), st.sampled_from(Kind))
def test_a_sensitive_value_does_not_even_tell_its_length(value: str | int, kind: Kind) -> None:
    assert mask_value(replace(FIELD, kind=kind, sensitivity=Sensitivity.SENSITIVE), value) == "***"
