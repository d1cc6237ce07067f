"""What a department hands in to have a licence issued: read from JSON, and checked.

Two steps. `parse_application` looks at shapes and formats alone; `check_application` holds the application
against the definition of its type. Each finds every problem it can, with a JSON Pointer, so that a clerk mends
them in one go; no problem repeats a value. Nothing is normalised: what was handed in is sealed, or refused.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, TypeGuard

from ecert.errors import FieldProblem, IssuanceError, MalformedError, Reason
from ecert.licence.codes import (
    DATE,
    HOLDER_CODE_TYPES,
    Phrase,
    check_holder_code,
    check_region_code,
    check_text,
    check_type_code,
    parse_date,
)
from ecert.licence.fields import INTEGER, MAX_FIELD_LENGTH, MAX_INTEGER, TEXT, FieldDefinition, FieldValue, SameAs
from ecert.licence.identifier import parse_identifier
from ecert.licence.strict_json import pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecert.licence.identifier import Identifier
    from ecert.licence.types import TypeDefinition

TYPE_CODE: Final = "certificateTypeCode"
NUMBER: Final = "certificateNumber"
HOLDER_NAME: Final = "certificateHolderName"
HOLDER_CODE: Final = "certificateHolderCode"
HOLDER_CODE_TYPE: Final = "certificateHolderTypeCode"
EFFECTIVE: Final = "certificateEffectiveDate"
EXPIRING: Final = "certificateExpiringDate"
AREA_CODE: Final = "certificateAreaCode"
FIELDS: Final = "extendInfo"
PARENTS: Final = "parentIdentifiers"
PORTRAIT: Final = "portrait"
KEYS: Final = (TYPE_CODE, NUMBER, HOLDER_NAME, HOLDER_CODE, HOLDER_CODE_TYPE, EFFECTIVE, EXPIRING, AREA_CODE, FIELDS)
"""The keys of an application in JSON: the English metadata names of GB/T 36903, and `extendInfo`. `PARENTS` and
`PORTRAIT` may be there as well."""
OPTIONAL_KEYS: Final = (PARENTS, PORTRAIT)
MAX_PORTRAIT: Final = 512 * 1024
"""The largest portrait in bytes."""
MAX_PARENTS: Final = 8
"""The most licences that one may depend on."""

LONG_TERM: Final = "长期"
"""How people write that a licence has no last day; in JSON it is null."""

_PICTURE_BEGINNINGS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_MAX_KEY: Final = 64
_MAX_FIELDS: Final = 128
_FIRST_DAY: Final = date(1970, 1, 1)
_LAST_DAY: Final = date(2499, 12, 31)

_AN_OBJECT: Final = Phrase("a JSON object", "JSON 对象")
_A_VALUE: Final = Phrase("a value; it is required", "必填")
NO_SUCH_ITEM: Final = Phrase("no such item here", "此处没有该项")
SHORT_NAMES: Final = Phrase("names of 1 to 64 visible characters", "名称为 1 至 64 个可见字符")
_FEW_FIELDS: Final = Phrase(f"at most {_MAX_FIELDS} items", f"至多 {_MAX_FIELDS} 项")
_TEXT_OR_INTEGER: Final = Phrase("text or a whole number", "文字或整数")
_ONE_HOLDER: Final = Phrase("one holder, without ^", "一个持证主体，不含 ^")
_HOLDER_TYPE: Final = Phrase("one of the holder code types of GB/T 36903", "持证主体代码类型代码（GB/T 36903）")
_HOLDER_TYPE_ALLOWED: Final = Phrase(
    "a holder code type that this licence type takes", "本证照类型接受的持证主体代码类型"
)
_DAY: Final = Phrase(f"{DATE.en}, from 1970 to 2499", f"{DATE.zh}，1970 年至 2499 年")
_DAY_OR_NULL: Final = Phrase(
    f"{_DAY.en}; for long-term null (in a table 长期)", f"{_DAY.zh}；长期为 null（表格中写“长期”）"
)
_PICTURE: Final = Phrase(
    f"a PNG or JPEG of at most {MAX_PORTRAIT // 1024} KiB, in base64",
    f"至多 {MAX_PORTRAIT // 1024} KiB 的 PNG 或 JPEG 图片，base64",
)
_PARENT_LIST: Final = Phrase(
    f"a list of at most {MAX_PARENTS} different licence identifiers", f"至多 {MAX_PARENTS} 个不同证照标识的列表"
)
_IDENTIFIER: Final = Phrase("a licence identifier, 1.2.156.3005.2…", "证照标识，如 1.2.156.3005.2…")
_PARENT_TYPE: Final = Phrase("a licence of a type that this one depends on", "本证照类型所依赖类型的证照")
_IN_ORDER: Final = Phrase("a day not before the first day in force", "不早于有效期起始日期")


@dataclass(frozen=True, slots=True)
class Application:
    """An application whose values have the right formats.

    Attributes:
        type_code: 证照类型代码, 21 characters.
        number: 证照编号, the number on the face, at most 128 characters.
        holder_name: 持证主体, one holder, at most 256 characters.
        holder_code: 持证主体代码, at most 256 characters.
        holder_code_type: 持证主体代码类型代码, three digits.
        effective: The first day in force.
        expiring: The last day in force; None means 长期, without end.
        area_code: 证照所属管辖属地编码, six digits.
        fields: Type-specific items by their English names.
        parents: The licences that it depends on.
        portrait: Of the holder, PNG or JPEG; what is in it is looked at where it is drawn.
    """

    type_code: str
    number: str
    holder_name: str
    holder_code: str
    holder_code_type: str
    effective: date
    expiring: date | None
    area_code: str
    fields: Mapping[str, FieldValue]
    parents: tuple[Identifier, ...] = ()
    portrait: bytes | None = None


def problem_at(expected: Phrase, *tokens: str) -> FieldProblem:
    """Say what was expected at the pointer made of `tokens`."""
    return FieldProblem(pointer(*tokens), expected.en, expected.zh)


def is_presentable(key: object) -> TypeGuard[str]:
    """Tell whether a key may stand in a pointer: 1 to 64 visible characters."""
    return isinstance(key, str) and check_text(key, _MAX_KEY) is None


def _check_holder_name(text: str) -> Phrase | None:
    return check_text(text, 256) or (_ONE_HOLDER if "^" in text else None)


def _check_holder_code_type(text: str) -> Phrase | None:
    return None if text in HOLDER_CODE_TYPES else _HOLDER_TYPE


class _Reader:
    """Reads one application and keeps the problems met on the way."""

    def __init__(self, source: Mapping[object, object]) -> None:
        self.source = source
        self.problems: list[FieldProblem] = []

    def refuse(self, expected: Phrase, *tokens: str) -> None:
        self.problems.append(problem_at(expected, *tokens))

    def text(self, key: str, check: Callable[[str], Phrase | None]) -> str:
        value = self.source.get(key)
        if not isinstance(value, str):
            self.refuse(_A_VALUE if value is None else TEXT, key)
            return ""
        expected = check(value)
        if expected:
            self.refuse(expected, key)
        return value

    def day(self, key: str, expected: Phrase) -> date:
        value = self.source.get(key)
        try:
            day = parse_date(value) if isinstance(value, str) else None
        except MalformedError:
            day = None
        if day is None or not _FIRST_DAY <= day <= _LAST_DAY:
            self.refuse(expected if key in self.source else _A_VALUE, key)
        return day or _FIRST_DAY

    def day_or_null(self, key: str) -> date | None:
        if key in self.source and self.source[key] is None:
            return None
        return self.day(key, _DAY_OR_NULL)

    def fields(self) -> dict[str, FieldValue]:
        value = self.source.get(FIELDS)
        if not isinstance(value, Mapping):
            self.refuse(_A_VALUE if value is None else _AN_OBJECT, FIELDS)
            return {}
        if len(value) > _MAX_FIELDS:
            self.refuse(_FEW_FIELDS, FIELDS)
            return {}
        if not all(is_presentable(name) for name in value):
            self.refuse(SHORT_NAMES, FIELDS)
        fields = {name: item for name, item in value.items() if is_presentable(name)}
        for name, item in fields.items():
            expected = _expected_of_any(item)
            if expected:
                self.refuse(expected, FIELDS, name)
        return fields

    def parents(self) -> tuple[Identifier, ...]:
        value = self.source.get(PARENTS, [])
        if not isinstance(value, list) or len(value) > MAX_PARENTS:
            self.refuse(_PARENT_LIST, PARENTS)
            return ()
        parents: list[Identifier] = []
        for number, text in enumerate(value):
            try:
                parents.append(parse_identifier(text if isinstance(text, str) else ""))
            except MalformedError:
                self.refuse(_IDENTIFIER, PARENTS, str(number))
        if len(set(parents)) != len(parents):
            self.refuse(_PARENT_LIST, PARENTS)
        return tuple(parents)

    def portrait(self) -> bytes | None:
        value = self.source.get(PORTRAIT)
        if value is None:
            return None
        try:
            data = b64decode(value, validate=True) if isinstance(value, str) else b""
        except ValueError:
            data = b""
        if not data.startswith(_PICTURE_BEGINNINGS) or len(data) > MAX_PORTRAIT:
            self.refuse(_PICTURE, PORTRAIT)
        return data

    def unknown_keys(self) -> None:
        unknown = [key for key in self.source if key not in (*KEYS, *OPTIONAL_KEYS)]
        for key in unknown[:_MAX_FIELDS]:
            if is_presentable(key):
                self.refuse(NO_SUCH_ITEM, key)
            else:
                self.refuse(SHORT_NAMES)

    def application(self) -> Application:
        application = Application(
            type_code=self.text(TYPE_CODE, check_type_code),
            number=self.text(NUMBER, lambda text: check_text(text, 128)),
            holder_name=self.text(HOLDER_NAME, _check_holder_name),
            holder_code=self.text(HOLDER_CODE, lambda text: check_text(text, 256)),
            holder_code_type=self.text(HOLDER_CODE_TYPE, _check_holder_code_type),
            effective=self.day(EFFECTIVE, _DAY),
            expiring=self.day_or_null(EXPIRING),
            area_code=self.text(AREA_CODE, check_region_code),
            fields=self.fields(),
            parents=self.parents(),
            portrait=self.portrait(),
        )
        self.unknown_keys()
        return application


def _expected_of_any(value: object) -> Phrase | None:
    """Return what any field's value must be, whatever its definition."""
    if isinstance(value, str):
        return check_text(value, MAX_FIELD_LENGTH)
    if type(value) is int:
        return None if abs(value) <= MAX_INTEGER else INTEGER
    return _TEXT_OR_INTEGER


def read_application(source: Mapping[object, object], found: tuple[FieldProblem, ...] = ()) -> Application:
    """Read an application from a mapping with the keys `KEYS`, and perhaps `OPTIONAL_KEYS`.

    Raises:
        IssuanceError: APPLICATION_INVALID, with the problems `found` before and all those of shape and format.
    """
    reader = _Reader(source)
    application = reader.application()
    problems = (*found, *reader.problems)
    if problems:
        raise IssuanceError(Reason.APPLICATION_INVALID, f"{len(problems)} problems in the application", problems)
    return application


def parse_application(obj: object) -> Application:
    """Read an application from decoded JSON: an object with the keys `KEYS`, and perhaps `OPTIONAL_KEYS`.

    `certificateExpiringDate` must be there; null means 长期. Values of `extendInfo` are texts of at most 2000
    characters, or integers up to 2^53 - 1.

    Raises:
        IssuanceError: APPLICATION_INVALID, with all problems of shape and format.
    """
    if not isinstance(obj, dict):
        problem = problem_at(_AN_OBJECT)
        raise IssuanceError(Reason.APPLICATION_INVALID, "the application is not a JSON object", (problem,))
    return read_application(obj)


def check_application(application: Application, definition: TypeDefinition) -> tuple[FieldProblem, ...]:
    """Hold an application against the definition of its type; return every problem, or an empty tuple."""
    return (
        *_type_and_holder_problems(application, definition),
        *_validity_problems(application, definition),
        *_field_problems(application, definition),
        *_parent_problems(application, definition),
    )


def _type_and_holder_problems(application: Application, definition: TypeDefinition) -> Iterator[FieldProblem]:
    if application.type_code != definition.code:
        yield problem_at(Phrase(f"the code of {definition.name_en}", f"{definition.name}的类型代码"), TYPE_CODE)
    if application.holder_code_type not in definition.holder_code_types:
        yield problem_at(_HOLDER_TYPE_ALLOWED, HOLDER_CODE_TYPE)
    expected = check_holder_code(application.holder_code, application.holder_code_type)
    if expected:
        yield problem_at(expected, HOLDER_CODE)


def _validity_problems(application: Application, definition: TypeDefinition) -> Iterator[FieldProblem]:
    effective, expiring = application.effective, application.expiring
    if expiring is not None and expiring < effective:
        yield problem_at(_IN_ORDER, EXPIRING)
    elif not any(span.admits(effective, expiring) for span in definition.validity_ranges):
        spans = ", ".join(span.text for span in definition.validity_ranges)
        yield problem_at(Phrase(f"a last day that makes one of {spans}", f"有效期限为下列之一：{spans}"), EXPIRING)


def _field_problems(application: Application, definition: TypeDefinition) -> Iterator[FieldProblem]:
    known = {field.name for field in definition.fields}
    for field in definition.fields:
        expected = _expected_of_field(field, application)
        if expected:
            yield problem_at(expected, FIELDS, field.name)
    for name in application.fields:
        if name not in known:
            yield problem_at(NO_SUCH_ITEM, FIELDS, name)


def _parent_problems(application: Application, definition: TypeDefinition) -> Iterator[FieldProblem]:
    for number, parent in enumerate(application.parents):
        if definition.dependency(parent.type_code) is None:
            yield problem_at(_PARENT_TYPE, PARENTS, str(number))


def _expected_of_field(field: FieldDefinition, application: Application) -> Phrase | None:
    value = application.fields.get(field.name)
    if value is None:
        return _A_VALUE if field.required else None
    expected = field.expected(value)
    if expected is None and field.same_as and value != _metadata(application)[field.same_as]:
        return Phrase(f"the same value as {field.same_as}", f"与 {field.same_as} 相同的值")
    return expected


def _metadata(application: Application) -> dict[SameAs, str]:
    expiring = application.expiring
    return {
        SameAs.NUMBER: application.number,
        SameAs.HOLDER_NAME: application.holder_name,
        SameAs.HOLDER_CODE: application.holder_code,
        SameAs.EFFECTIVE: application.effective.isoformat(),
        SameAs.EXPIRING: LONG_TERM if expiring is None else expiring.isoformat(),
    }
