"""What a reader of identity cards types, pastes or hands over: the text of a second-generation card (GA 450).

Two forms are read; items are apart by line ends, tabs or `|`:

    labelled     姓名 王示例 | 性别 女 | … | 公民身份号码 440000199003070024 | … | 有效期限 2020.01.02-2040.01.02
    nine items   姓名 性别 民族 出生 住址 公民身份号码 签发机关 有效期起 有效期止, in the order of the card

Only name, number and the end of the card's time are used; where birth and sex are given they must agree with the
number. What is read proves nothing by itself: the reader has looked at the chip, and the clerk at the person.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.codes import CITIZEN_ID_TYPE, check_citizen_id, check_text, parse_date
from ecert.matter import Identified, Person
from ecert.presentation.reading import MAX_NAME

if TYPE_CHECKING:
    from datetime import date

MAX_TEXT: Final = 2048
"""The longest text in characters."""

_ORDER: Final = ("name", "sex", "nation", "birth", "address", "number", "issuer", "from", "until")
_LABELS: Final = {
    "姓名": "name",
    "性别": "sex",
    "民族": "nation",
    "出生日期": "birth",
    "出生": "birth",
    "住址": "address",
    "地址": "address",
    "公民身份号码": "number",
    "身份证号码": "number",
    "身份证号": "number",
    "签发机关": "issuer",
    "有效期限": "period",
    "有效期起": "from",
    "有效期止": "until",
}
_LABELLED: Final = re.compile(rf"({'|'.join(_LABELS)})[ :：]*(.*)")
_APART: Final = re.compile(r"[\r\n\t|]+")
_DATE: Final = re.compile(r"([0-9]{4})[.年/-]?([0-9]{1,2})[.月/-]?([0-9]{1,2})日?")
_FOREVER: Final = "长期"


def read_card(text: str, today: date) -> Person:
    """Return whose card was read.

    Raises:
        MalformedError: CARD_TEXT_MALFORMED; it is not the text of a card, or contradicts itself.
        RejectedError: CARD_EXPIRED; the card's time was over before `today`.
    """
    if len(text) > MAX_TEXT:
        raise _malformed("it is too long")
    items = _items([one.strip() for one in _APART.split(text) if one.strip()])
    name, number = items.get("name", ""), unicodedata.normalize("NFKC", items.get("number", "")).upper()
    if check_text(name, MAX_NAME) or check_citizen_id(number):
        raise _malformed("name or number is missing, or the check character is wrong")
    _require_agreement(number, items)
    end = _end_of(items)
    if end is not None and end < today:
        raise RejectedError(Reason.CARD_EXPIRED, end.isoformat())
    return Person(name, number, CITIZEN_ID_TYPE, Identified.CARD_READER)


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.CARD_TEXT_MALFORMED, what)


def _items(parts: list[str]) -> dict[str, str]:
    found = [_LABELLED.fullmatch(part) for part in parts]
    if any(found):
        labelled = [(_LABELS[one[1]], one[2].strip()) for one in found if one is not None]
        if len({name for name, _ in labelled}) != len(labelled):
            raise _malformed("an item stands twice")
        return dict(labelled)
    if len(parts) != len(_ORDER):
        raise _malformed(f"there are {len(parts)} items, where a card has {len(_ORDER)}")
    return dict(zip(_ORDER, parts, strict=True))


def _require_agreement(number: str, items: dict[str, str]) -> None:
    birth, sex = items.get("birth"), items.get("sex")
    if birth is not None and _date(birth).strftime("%Y%m%d") != number[6:14]:
        raise _malformed("the day of birth is not that in the number")
    if sex is not None and sex != ("男" if int(number[16]) % 2 else "女"):
        raise _malformed("the sex is not that in the number")


def _end_of(items: dict[str, str]) -> date | None:
    """Return the last day of the card's time; None where it has no end, or none is given."""
    end = items.get("until") or items.get("period", _FOREVER)
    return None if end.endswith(_FOREVER) else _date(end)


def _date(text: str) -> date:
    """Return a date however it is written; of a period that in which it ends."""
    found = list(_DATE.finditer(unicodedata.normalize("NFKC", text)))
    try:
        year, month, day = map(int, found[-1].groups())
        return parse_date(f"{year}-{month:02}-{day:02}")
    except (IndexError, MalformedError):
        raise _malformed("a date is none") from None
