"""What card readers write: two forms, and everything that contradicts itself."""

from __future__ import annotations

from datetime import date

import pytest

from ecert.errors import EcertError, Reason
from ecert.matter import Identified
from tests.verifier.matters.conftest import CARD_TEXT
from verifier.matters.card_reader import read_card

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    "text",
    [
        CARD_TEXT,
        CARD_TEXT.replace("|", "\r\n"),
        CARD_TEXT.replace("|", "\t"),
        CARD_TEXT.replace("|19900307|", "|1990年3月7日|"),
        "姓名：王示例\n性别：女\n出生：1990-03-07\n公民身份号码：440000199003070024\n有效期限：2020.01.02-2040.01.02",
        "姓名 王示例|公民身份号码 440000199003070024",
        "姓名 王示例|公民身份号码 ４４００００１９９００３０７００２４|有效期限 2020.01.02-长期|备注 无",
        "姓名 王示例|公民身份号码 440000199003070024|有效期限 2020年1月2日至2026年11月26日",
    ],
)
def test_the_holder_of_a_card_is_read(text: str) -> None:
    person = read_card(text, TODAY)
    assert (person.name, person.code, person.code_type) == ("王示例", "440000199003070024", "111")
    assert person.identified is Identified.CARD_READER


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.CARD_TEXT_MALFORMED),
        ("王示例", Reason.CARD_TEXT_MALFORMED),
        (CARD_TEXT + "|多余", Reason.CARD_TEXT_MALFORMED),
        (CARD_TEXT.replace("0024", "0025"), Reason.CARD_TEXT_MALFORMED),
        (CARD_TEXT.replace("|女|", "|男|"), Reason.CARD_TEXT_MALFORMED),
        (CARD_TEXT.replace("|19900307|", "|19900308|"), Reason.CARD_TEXT_MALFORMED),
        (CARD_TEXT.replace("长期", "不知道"), Reason.CARD_TEXT_MALFORMED),
        (CARD_TEXT.replace("长期", "2026.11.25"), Reason.CARD_EXPIRED),
        ("姓名 王示例|姓名 李样张|公民身份号码 440000199003070024", Reason.CARD_TEXT_MALFORMED),
        ("姓名 |公民身份号码 440000199003070024", Reason.CARD_TEXT_MALFORMED),
        ("x" * 3000, Reason.CARD_TEXT_MALFORMED),
        ("姓名 王示例|公民身份号码 440000199003070024|有效期限 2010.01.02-2020.01.02", Reason.CARD_EXPIRED),
    ],
)
def test_everything_else_is_refused(text: str, reason: Reason) -> None:
    with pytest.raises(EcertError) as refused:
        read_card(text, TODAY)
    assert refused.value.reason is reason
