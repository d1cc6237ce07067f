"""The type-specific items (专有信息) of a licence type: how one is defined, and what its values must be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ecert.errors import MalformedError
from ecert.licence.codes import (
    DATE,
    Phrase,
    check_citizen_id,
    check_credit_code,
    check_region_code,
    check_text,
    parse_date,
)
from ecert.licence.patterns import is_harmless
from ecert.licence.strict_json import Node, malformed, pointer

FieldValue = str | int

MAX_FIELD_LENGTH: Final = 2000
"""The longest value of any field in characters."""
MAX_INTEGER: Final = 2**53 - 1
"""The largest magnitude of an integer that every JSON reader keeps exactly."""

_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,6})?")
_CODE: Final = re.compile(r"[0-9A-Z-]+")
_NAME: Final = re.compile(r"[a-z][0-9A-Za-z]{0,63}")


class Kind(StrEnum):
    """What a field's values are. Integers are JSON integers; all others are JSON strings."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    CODE = "code"
    CHOICE = "choice"


class Check(StrEnum):
    """A check that goes beyond the form."""

    NONE = "none"
    CREDIT_CODE = "credit-code"
    CITIZEN_ID = "citizen-id"
    REGION_CODE = "region-code"


class Sensitivity(StrEnum):
    """How a value is shown to somebody who may not see all of it: as it is, masked, or not at all."""

    PUBLIC = "public"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class SameAs(StrEnum):
    """The metadata items that a field may repeat on the face."""

    NUMBER = "certificateNumber"
    HOLDER_NAME = "certificateHolderName"
    HOLDER_CODE = "certificateHolderCode"
    EFFECTIVE = "certificateEffectiveDate"
    EXPIRING = "certificateExpiringDate"


_CHECKS: Final = {
    Check.CREDIT_CODE: check_credit_code,
    Check.CITIZEN_ID: check_citizen_id,
    Check.REGION_CODE: check_region_code,
}

INTEGER: Final = Phrase("a whole number, not in quotes", "整数，不加引号")
DECIMAL: Final = Phrase("a decimal number in quotes, at most 6 decimal places", "加引号的十进制数，小数不超过 6 位")
_CHOICES: Final = Phrase("choices for the kind choice, and for no other", "仅选项（choice）有可选值，且必须有")
_PATTERN: Final = Phrase(
    "a simple regular expression, without (…), ^, $ or repetitions of repetitions",
    "简单的正则表达式：不用捕获组、^、$，不重复嵌套",
)
CODE: Final = Phrase("capital letters, digits and hyphens", "大写字母、数字和连字符")
TEXT: Final = Phrase("text", "文字")


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One type-specific item.

    Attributes:
        name: Its key in `extendInfo`, lowerCamelCase English.
        zh: Its name in Chinese, as on the licence's face.
        en: Its name in English.
        kind: What its values are.
        sensitivity: Drives masking.
        example: A value that fits; shown to a clerk whose value does not fit `pattern`.
        required: Whether every licence of the type carries it.
        max_length: The longest value in characters, 1 to 2000.
        pattern: A regular expression the whole value must match. None that takes long: `patterns`.
        check: A further check.
        choices: The values allowed, for the kind `choice`.
        same_as: The metadata item that the face repeats here; the two values must be equal.
    """

    name: str
    zh: str
    en: str
    kind: Kind
    sensitivity: Sensitivity
    example: FieldValue
    required: bool = True
    max_length: int = 200
    pattern: str | None = None
    check: Check = Check.NONE
    choices: tuple[str, ...] = ()
    same_as: SameAs | None = None

    def expected(self, value: FieldValue) -> Phrase | None:
        """Return what was expected of a value, or `None` where `value` is that."""
        if self.kind is Kind.INTEGER:
            return None if type(value) is int and abs(value) <= MAX_INTEGER else INTEGER
        if not isinstance(value, str):
            return TEXT
        return check_text(value, self.max_length) or self._expected_form(value) or self._expected_content(value)

    def _expected_form(self, value: str) -> Phrase | None:
        match self.kind:
            case Kind.DATE:
                return None if _is_date(value) else DATE
            case Kind.DECIMAL:
                return None if _DECIMAL.fullmatch(value) else DECIMAL
            case Kind.CODE if self.pattern is None:
                return None if _CODE.fullmatch(value) else CODE
            case Kind.CHOICE if value not in self.choices:
                return Phrase(f"one of {', '.join(self.choices)}", f"下列之一：{'、'.join(self.choices)}")
            case _:
                return None

    def _expected_content(self, value: str) -> Phrase | None:
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return Phrase(f"the form of the example {self.example}", f"格式如示例 {self.example}")
        check = _CHECKS.get(self.check)
        return check(value) if check else None


def _is_date(text: str) -> bool:
    try:
        parse_date(text)
    except MalformedError:
        return False
    return True


def _read_pattern(node: Node) -> str:
    pattern = node.text("pattern")
    if not is_harmless(pattern) or not _compiles(pattern):
        raise malformed(node.at + pointer("pattern"), _PATTERN)
    return pattern


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def read_field(node: Node) -> FieldDefinition:
    """Read one field of a type definition.

    Raises:
        MalformedError: TYPE_MALFORMED; not a field definition, or its example is not a value it allows.
    """
    field = FieldDefinition(
        name=node.text("name", _NAME),
        zh=node.text("zh"),
        en=node.text("en"),
        kind=node.one_of("kind", Kind),
        sensitivity=node.one_of("sensitivity", Sensitivity),
        example=node.text_or_whole("example"),
        required=node.flag("required") if node.has("required") else True,
        max_length=node.whole("maxLength", 1, MAX_FIELD_LENGTH) if node.has("maxLength") else 200,
        pattern=_read_pattern(node) if node.has("pattern") else None,
        check=node.one_of("check", Check) if node.has("check") else Check.NONE,
        choices=node.texts("choices") if node.has("choices") else (),
        same_as=node.one_of("sameAs", SameAs) if node.has("sameAs") else None,
    )
    node.end()
    if bool(field.choices) != (field.kind is Kind.CHOICE):
        raise malformed(node.at + pointer("choices"), _CHOICES)
    expected = field.expected(field.example)
    if expected:
        raise malformed(node.at + pointer("example"), expected)
    return field
