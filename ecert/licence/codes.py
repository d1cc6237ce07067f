"""Code tables and checks: credit codes, citizen numbers, regions, dates, kinds of holder code.

A `check_…` function returns `None` where the text is what it should be, and otherwise a `Phrase` that says
in both languages what was expected. It returns rather than raises because its caller collects every problem
of an application; and the phrase never repeats the text, which may be personal. Nothing is normalised: a
lower-case letter, a space or a full-width digit is refused, not mended.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from stdnum.cn import ric, uscc

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

HolderCategory = Literal["natural", "legal"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """The same few words in English and in Chinese."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class HolderCodeType:
    """One kind of holder code (持证主体代码类型).

    Attributes:
        code: Three digits, as in `certificateHolderTypeCode`.
        name: The Chinese name, as in `certificateHolderTypeName`.
        name_en: The English name.
        category: Whether it names natural persons or organisations.
    """

    code: str
    name: str
    name_en: str
    category: HolderCategory


CREDIT_CODE_TYPE: Final = "001"
CITIZEN_ID_TYPE: Final = "111"

_HOLDER_CODE_TYPES: Final = (
    HolderCodeType("001", "统一社会信用代码", "Unified social credit code", "legal"),
    HolderCodeType("099", "其他法人或其他组织有效证件代码", "Other organisation document", "legal"),
    HolderCodeType("111", "公民身份号码", "Citizen identity number", "natural"),
    HolderCodeType("114", "中国人民解放军军官证编号", "PLA officer card", "natural"),
    HolderCodeType("115", "中国人民武装警察部队警官证编号", "Armed police officer card", "natural"),
    HolderCodeType("118", "中国人民解放军士兵证编号", "PLA soldier card", "natural"),
    HolderCodeType("119", "中国人民武装警察部队士兵证编号", "Armed police soldier card", "natural"),
    HolderCodeType("120", "中国人民解放军文职人员证编号", "PLA civilian staff card", "natural"),
    HolderCodeType("122", "中国人民武装警察部队文职人员证编号", "Armed police civilian staff card", "natural"),
    HolderCodeType("411", "外交护照护照号", "Diplomatic passport", "natural"),
    HolderCodeType("412", "公务护照护照号", "Service passport", "natural"),
    HolderCodeType("413", "公务普通护照护照号", "Passport for public affairs", "natural"),
    HolderCodeType("414", "普通护照护照号", "Ordinary passport", "natural"),
    HolderCodeType("511", "台湾居民来往大陆通行证号码", "Mainland travel permit, Taiwan residents", "natural"),
    HolderCodeType("516", "港澳居民来往内地通行证号码", "Mainland travel permit, Hong Kong and Macao", "natural"),
    HolderCodeType("999", "其他自然人有效证件代码", "Other document of a natural person", "natural"),
)

HOLDER_CODE_TYPES: Final[Mapping[str, HolderCodeType]] = MappingProxyType({t.code: t for t in _HOLDER_CODE_TYPES})
"""GB/T 36903, Annex A: the kinds of holder code, by their three digits."""

PROVINCES: Final[Mapping[str, Phrase]] = MappingProxyType(
    {
        "11": Phrase("Beijing", "北京市"),
        "12": Phrase("Tianjin", "天津市"),
        "13": Phrase("Hebei", "河北省"),
        "14": Phrase("Shanxi", "山西省"),
        "15": Phrase("Inner Mongolia", "内蒙古自治区"),
        "21": Phrase("Liaoning", "辽宁省"),
        "22": Phrase("Jilin", "吉林省"),
        "23": Phrase("Heilongjiang", "黑龙江省"),
        "31": Phrase("Shanghai", "上海市"),
        "32": Phrase("Jiangsu", "江苏省"),
        "33": Phrase("Zhejiang", "浙江省"),
        "34": Phrase("Anhui", "安徽省"),
        "35": Phrase("Fujian", "福建省"),
        "36": Phrase("Jiangxi", "江西省"),
        "37": Phrase("Shandong", "山东省"),
        "41": Phrase("Henan", "河南省"),
        "42": Phrase("Hubei", "湖北省"),
        "43": Phrase("Hunan", "湖南省"),
        "44": Phrase("Guangdong", "广东省"),
        "45": Phrase("Guangxi", "广西壮族自治区"),
        "46": Phrase("Hainan", "海南省"),
        "50": Phrase("Chongqing", "重庆市"),
        "51": Phrase("Sichuan", "四川省"),
        "52": Phrase("Guizhou", "贵州省"),
        "53": Phrase("Yunnan", "云南省"),
        "54": Phrase("Tibet", "西藏自治区"),
        "61": Phrase("Shaanxi", "陕西省"),
        "62": Phrase("Gansu", "甘肃省"),
        "63": Phrase("Qinghai", "青海省"),
        "64": Phrase("Ningxia", "宁夏回族自治区"),
        "65": Phrase("Xinjiang", "新疆维吾尔自治区"),
        "71": Phrase("Taiwan", "台湾省"),
        "81": Phrase("Hong Kong", "香港特别行政区"),
        "82": Phrase("Macao", "澳门特别行政区"),
    }
)
"""GB/T 2260: the first two digits of a region code."""

_NATIONAL: Final = frozenset({"000000", "100000"})
"""What records of the whole country carry as region."""
_WHOLE_COUNTRY: Final = Phrase("Whole country", "全国")
_CITIZEN_ONLY: Final = frozenset({"83"})
"""Residence permits of Taiwan residents carry citizen numbers that begin with 83, which is no region code."""

CREDIT_CODE: Final = Phrase(
    "a unified social credit code: 18 characters ending in the right check character",
    "统一社会信用代码：18 位，校验码正确",
)
CITIZEN_ID: Final = Phrase(
    "a citizen identity number: 18 characters, real birth date, right check character (capital X)",
    "公民身份号码：18 位，出生日期真实，校验码正确（大写 X）",
)
REGION_CODE: Final = Phrase("a six-digit region code of GB/T 2260", "六位行政区划代码（GB/T 2260）")
TYPE_CODE: Final = Phrase(
    "a licence type code: the credit code of the defining body and three digits",
    "证照类型代码：定义机构的统一社会信用代码加三位顺序号",
)
DATE: Final = Phrase("a real date written yyyy-mm-dd", "真实日期，写作 yyyy-mm-dd")
CLEAN_TEXT: Final = Phrase(
    "text without control characters and without spaces at either end", "文字，不含控制字符，首尾无空格"
)

_CREDIT_CODE: Final = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_CITIZEN_ID: Final = re.compile(r"[0-9]{17}[0-9X]")
_REGION: Final = re.compile(r"[0-9]{2}(?:0000|(?:0[1-9]|[1-6][0-9]|70|90)[0-9]{2})")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TYPE_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2999
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories refused in texts. Private use (Co) and unassigned (Cn) stay: rare characters of names."""


def check_text(text: str, max_length: int) -> Phrase | None:
    """Expect 1 to `max_length` characters, nothing invisible in them, no space at either end."""
    if not 1 <= len(text) <= max_length:
        return Phrase(f"text of 1 to {max_length} characters", f"1 至 {max_length} 个字符的文字")
    return None if text == text.strip() and _is_visible(text) else CLEAN_TEXT


def _is_visible(text: str) -> bool:
    """Tell whether nothing in a text is invisible; `isprintable`, which is fast, is stricter and settles most."""
    return text.isprintable() or all(unicodedata.category(character) not in _INVISIBLE for character in text)


def check_credit_code(text: str) -> Phrase | None:
    """Expect a unified social credit code (统一社会信用代码, GB 32100-2015).

    18 characters of an alphabet without I, O, S, V and Z; the last is the check character modulo 31. The first
    two may be letters (register Y, and others). The check digit inside the organisation code is not looked at.
    """
    return None if _is_credit_code(text) else CREDIT_CODE


@lru_cache(maxsize=1024)
def _is_credit_code(text: str) -> bool:
    """Tell whether a text is one; those of issuers and of types are asked about with every licence."""
    return bool(_CREDIT_CODE.fullmatch(text)) and uscc.calc_check_digit(text[:-1]) == text[-1]


def check_citizen_id(text: str) -> Phrase | None:
    """Expect a citizen identity number (公民身份号码, GB 11643-1999).

    18 characters, the last a digit or a capital X that checks the others. The birth date must be real; of the
    region only the province is looked at, since abolished counties live on in old numbers.
    """
    if not _CITIZEN_ID.fullmatch(text) or ric.calc_check_digit(text) != text[-1]:
        return CITIZEN_ID
    if text[:2] not in PROVINCES and text[:2] not in _CITIZEN_ONLY:
        return CITIZEN_ID
    try:
        parse_date(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    except MalformedError:
        return CITIZEN_ID
    return None


def check_region_code(text: str) -> Phrase | None:
    """Expect a region code (行政区划代码, GB/T 2260): six digits, or 000000 or 100000 for the whole country.

    Province (XX0000), city (XXYY00) or county (XXYYZZ) with a known province and a possible YY: 01 to 70, or 90
    for counties directly under a province. Whether the county exists, or still exists, is not looked at.
    """
    if text in _NATIONAL or (_REGION.fullmatch(text) and text[:2] in PROVINCES):
        return None
    return REGION_CODE


def check_type_code(text: str) -> Phrase | None:
    """Expect a licence type code (证照类型代码, GB/T 36904): a valid credit code and three digits, 21 characters."""
    if not _TYPE_CODE.fullmatch(text) or check_credit_code(text[:18]):
        return TYPE_CODE
    return None


def check_holder_code(text: str, code_type: str) -> Phrase | None:
    """Expect a holder code of its kind: credit codes (001) and citizen numbers (111) carry check characters."""
    if code_type == CREDIT_CODE_TYPE:
        return check_credit_code(text)
    return check_citizen_id(text) if code_type == CITIZEN_ID_TYPE else None


def parse_date(text: str) -> date:
    """Read a calendar date written yyyy-mm-dd, years 1800 to 2999.

    The years are bounded so that 9999-12-31, which some systems write for "long-term", is not taken for a date.

    Raises:
        MalformedError: FIELD_INVALID; another notation, no such day, or a year outside the bounds.
    """
    try:
        if _DATE.fullmatch(text) and _FIRST_YEAR <= int(text[:4]) <= _LAST_YEAR:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise MalformedError(Reason.FIELD_INVALID, f"expected {DATE.en}, years {_FIRST_YEAR} to {_LAST_YEAR}")


def region_name(code: str) -> Phrase | None:
    """Name the province of a region code, or the whole country; `None` where the code is not a region's."""
    if check_region_code(code):
        return None
    return _WHOLE_COUNTRY if code in _NATIONAL else PROVINCES[code[:2]]


def region_with_code(code: str) -> str:
    """Name the province of a region code before it, e.g. `广东省 440106`; the code alone where it is no region's."""
    name = region_name(code)
    return code if name is None else f"{name.zh} {code}"


def area_prefix(code: str) -> str:
    """Return the digits with which every code inside a region begins: `440000` gives `44`, `440100` gives `4401`.

    The whole country (000000, 100000) gives the empty text, with which every code begins.
    """
    if code in _NATIONAL:
        return ""
    while len(code) in (4, 6) and code.endswith("00"):
        code = code.removesuffix("00")
    return code
