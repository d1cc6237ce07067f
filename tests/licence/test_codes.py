"""Check digits and code tables, with public specimens."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.licence.codes import (
    CITIZEN_ID,
    CLEAN_TEXT,
    CREDIT_CODE,
    HOLDER_CODE_TYPES,
    REGION_CODE,
    TYPE_CODE,
    Phrase,
    check_citizen_id,
    check_credit_code,
    check_holder_code,
    check_region_code,
    check_text,
    check_type_code,
    parse_date,
    region_name,
)
from ecert.licence.metadata import METADATA, find_item

CREDIT_CODES = [
    "11100000000013338W",
    "11100000MB03271699",
    "11100000000013127D",
    "11100000MB0341032Y",
    "11220000013544541J",
    "11430000006122244L",
    "11370306MB2867521U",
]
SPECIMEN_ID = "11010519491231002X"  # GB 11643


@pytest.mark.parametrize("code", CREDIT_CODES)
def test_public_credit_codes_pass(code: str) -> None:
    assert check_credit_code(code) is None
    assert check_type_code(code + "001") is None


@pytest.mark.parametrize(
    "code",
    [
        "91500102563638729E",  # stands in a test invoice
        "11100000000013338w",
        " 11100000000013338W",
        "1110 0000 0000 13338W",
        "11100000000013338W\n",
        "1110000000001333８W",
        "11100000000013338",
        "1110000O000013338W",
        "I1100000000013338W",
        "",
    ],
)
def test_other_credit_codes_do_not(code: str) -> None:
    assert check_credit_code(code) == CREDIT_CODE


def test_a_registering_body_may_be_a_letter() -> None:
    codes = [f"Y1100000000013338{last}" for last in "0123456789ABCDEFGHJKLMNPQRTUWXY"]
    assert [check_credit_code(code) for code in codes].count(None) == 1


@given(st.sampled_from(CREDIT_CODES), st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_a_single_wrong_character_of_a_credit_code_is_found(code: str, at: int, other: str) -> None:
    assume(code[at] != other)
    assert check_credit_code(code[:at] + other + code[at + 1 :])


def test_the_specimen_citizen_number_passes() -> None:
    assert check_citizen_id(SPECIMEN_ID) is None


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002x",
        "110105194912310021",
        "11010519490231002X",
        "110105194902300022",  # 30 February
        "99010519491231002X",
        "000000190001010009",
        "1101051949123100X2",
        "１1010519491231002X",
        SPECIMEN_ID + "\n",
        "110105491231002",  # the old form of 15 digits
        "",
    ],
)
def test_other_citizen_numbers_do_not(number: str) -> None:
    assert check_citizen_id(number) == CITIZEN_ID


def test_an_unreal_birth_date_fails_even_with_its_right_check_character() -> None:
    candidates = [f"11010519490230002{last}" for last in "0123456789X"]
    assert [check_citizen_id(number) for number in candidates] == [CITIZEN_ID] * 11


def test_abolished_counties_live_on_in_citizen_numbers() -> None:
    numbers = [f"11010319491231002{last}" for last in "0123456789X"]  # 崇文区, until 2010
    assert [check_citizen_id(number) for number in numbers].count(None) == 1


def test_residence_permits_of_taiwan_residents_are_citizen_numbers_too() -> None:
    numbers = [f"83000019491231002{last}" for last in "0123456789X"]
    assert [check_citizen_id(number) for number in numbers].count(None) == 1
    assert check_region_code("830000") == REGION_CODE


@pytest.mark.parametrize(
    "code", ["440000", "440100", "440106", "310115", "429004", "659001", "820000", "100000", "000000"]
)
def test_regions_pass(code: str) -> None:
    assert check_region_code(code) is None


@pytest.mark.parametrize(
    "code", ["", "44", "990000", "440006", "447100", "449900", "44010A", "４40100", "440100\n", "4401060"]
)
def test_other_digits_are_no_region(code: str) -> None:
    assert check_region_code(code) == REGION_CODE
    assert region_name(code) is None


def test_a_region_is_named_by_its_province() -> None:
    assert region_name("440106") == Phrase("Guangdong", "广东省")
    assert region_name("310000") == Phrase("Shanghai", "上海市")
    assert region_name("100000") == Phrase("Whole country", "全国")


@pytest.mark.parametrize("code", ["11100000000013338W", "11100000000013338W0A1", "11100000000013338X001", ""])
def test_a_type_code_is_a_credit_code_and_three_digits(code: str) -> None:
    assert check_type_code(code) == TYPE_CODE


def test_only_credit_codes_and_citizen_numbers_carry_check_characters() -> None:
    assert check_holder_code(CREDIT_CODES[0], "001") is None
    assert check_holder_code(SPECIMEN_ID, "001") == CREDIT_CODE
    assert check_holder_code(CREDIT_CODES[0], "111") == CITIZEN_ID
    assert check_holder_code("E00000000", "414") is None


def test_dates_are_real_and_written_one_way() -> None:
    assert parse_date("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    "text",
    ["2026-02-29", "20260101", "2026-1-1", "2026-W01-1", "２026-01-01", "2026-01-01 ", "9999-12-31", "1799-12-31", ""],
)
def test_anything_else_is_no_date(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_date(text)
    assert caught.value.reason is Reason.FIELD_INVALID


@pytest.mark.parametrize("text", ["张三", "阿依·古丽", "𠮷野家", "\ue000姓", "a b", "注册\u3000资本"])
def test_visible_text_passes(text: str) -> None:
    assert check_text(text, 10) is None


@pytest.mark.parametrize(
    "text", [" a", "a ", "a\u3000", "a\tb", "a\nb", "a\x00", "a\u202eb", "a\u200bb", "a\ud800b", "a\u2028b"]
)
def test_invisible_text_does_not(text: str) -> None:
    assert check_text(text, 10) == CLEAN_TEXT


def test_text_is_bounded() -> None:
    bounded = Phrase("text of 1 to 2 characters", "1 至 2 个字符的文字")
    assert check_text("", 2) == check_text("abc", 2) == bounded


def test_holder_code_types_are_the_sixteen_of_the_annex() -> None:
    assert len(HOLDER_CODE_TYPES) == 16
    assert {code for code, kind in HOLDER_CODE_TYPES.items() if kind.category == "legal"} == {"001", "099"}


def test_a_metadata_item_is_found_by_each_of_its_names() -> None:
    assert find_item("ZZMC") is find_item("证照名称") is find_item("certificateName")
    assert find_item("加注件制作事由").annotated_copy
    with pytest.raises(NotFoundError):
        find_item("KZ_ZZMC")


def test_no_two_metadata_items_share_a_name() -> None:
    names = [name for item in METADATA for name in (item.zh, item.pinyin, item.name) if name]
    assert len(names) == len(set(names))
