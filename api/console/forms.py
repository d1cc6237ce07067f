"""Forms: a licence type's fields as controls, and what was posted as an application again.

A control's name is the JSON Pointer of the value it holds (`/extendInfo/domicile`), so a problem found in an
application is shown at the control it belongs to without a second table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.licence.application import (
    AREA_CODE,
    EFFECTIVE,
    EXPIRING,
    FIELDS,
    HOLDER_CODE,
    HOLDER_CODE_TYPE,
    HOLDER_NAME,
    NUMBER,
    PARENTS,
)
from ecert.licence.codes import HOLDER_CODE_TYPES, Phrase
from ecert.licence.fields import Check, Kind
from ecert.licence.strict_json import pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ecert.errors import FieldProblem
    from ecert.licence.fields import FieldDefinition
    from ecert.licence.types import TypeDefinition, ValidityRange

PORTRAIT: Final = "/portrait"
"""The name of the control that uploads the holder's portrait; its content is no part of the application's JSON."""
LONG_TERM: Final = "/longTerm"
"""The name of the box that says the licence has no last day (长期)."""
TICKED: Final = "yes"
"""What a ticked box posts."""

_LONG_TEXT: Final = 200
"""Above this length a text is written in an area of several lines."""
_PARENTS_LENGTH: Final = 1200
_UNITS: Final = {"Y": ("年", "years"), "M": ("个月", "months"), "D": ("天", "days")}


class Control(StrEnum):
    """How a value is entered."""

    TEXT = "text"
    AREA = "area"
    DATE = "date"
    MOMENT = "moment"
    INTEGER = "integer"
    SELECT = "select"
    TICK = "tick"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select."""

    value: str
    words: Phrase


@dataclass(frozen=True, slots=True)
class FormField:
    """One control.

    Attributes:
        pointer: Its name in the form: the JSON Pointer of its value.
        label: What it is called.
        control: How it is entered.
        required: Whether it must be filled in.
        max_length: The most characters; 0 where that means nothing.
        value: What it holds.
        options: The choices of a select.
        hint: What is expected, where the label does not say it all.
        problems: What is wrong with the value.
    """

    pointer: str
    label: Phrase
    control: Control = Control.TEXT
    required: bool = True
    max_length: int = 0
    value: str = ""
    options: tuple[Option, ...] = ()
    hint: Phrase | None = None
    problems: tuple[Phrase, ...] = ()

    @property
    def id(self) -> str:
        """Its id in the page."""
        return "field" + self.pointer.replace("/", "-")


@dataclass(frozen=True, slots=True)
class Group:
    """Controls that belong together."""

    title: Phrase
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A form.

    Attributes:
        groups: Its controls.
        problems: What is wrong and belongs to no control.
    """

    groups: tuple[Group, ...]
    problems: tuple[Phrase, ...] = ()

    @property
    def wrong(self) -> tuple[FormField, ...]:
        """The controls whose values have problems, in their order."""
        return tuple(field for group in self.groups for field in group.fields if field.problems)

    @property
    def has_picture(self) -> bool:
        """Whether a file is uploaded with it."""
        return any(field.control is Control.PICTURE for group in self.groups for field in group.fields)


class Filling:
    """Values and problems on their way to the controls that they belong to."""

    def __init__(self, values: Mapping[str, str], problems: Iterable[FieldProblem] = ()) -> None:
        """Fill a form with values and problems, both by JSON Pointer."""
        self._values = values
        self._problems = tuple(problems)
        self._placed: set[str] = set()

    def value(self, name: str) -> str:
        """Return what a control holds."""
        return self._values.get(name, "")

    def problems(self, *names: str) -> tuple[Phrase, ...]:
        """Return the problems of these pointers and of what lies below them, and note that they have a place."""
        found = [one for one in self._problems if any(_is_within(one.pointer, name) for name in names)]
        self._placed.update(one.pointer for one in found)
        return tuple(dict.fromkeys(Phrase(one.expected, one.expected_zh) for one in found))

    def unplaced(self) -> tuple[Phrase, ...]:
        """Return the problems that no control asked for, each with its pointer."""
        rest = (one for one in self._problems if one.pointer not in self._placed)
        return tuple(
            Phrase(f"{one.pointer}: {one.expected}", f"{one.pointer}：{one.expected_zh}")
            if one.pointer
            else Phrase(one.expected, one.expected_zh)
            for one in rest
        )


def _is_within(place: str, name: str) -> bool:
    return place == name or place.startswith(name + "/")


def licence_form(
    definition: TypeDefinition,
    values: Mapping[str, str],
    problems: Iterable[FieldProblem] = (),
    *,
    portrait: bool = False,
) -> Form:
    """Make the form of an application for a licence of one type.

    Items of the face that repeat a metadata item are not asked for twice.

    Args:
        definition: The type.
        values: What the controls hold, by their names.
        problems: What was wrong with it.
        portrait: Whether the type's layout has a place for a portrait.
    """
    filling = Filling(values, problems)
    groups = [
        Group(Phrase("Holder", "持证主体"), tuple(_holder_fields(definition, filling))),
        Group(Phrase("Licence", "证照"), tuple(_licence_fields(definition, filling))),
        Group(Phrase("Items of the face", "照面项"), tuple(_face_fields(definition, filling, portrait=portrait))),
    ]
    return Form(tuple(group for group in groups if group.fields), filling.unplaced())


def _names(definition: TypeDefinition, name: str) -> tuple[str, ...]:
    """Return the pointers whose value one metadata control gives: its own, and the items that repeat it."""
    repeated = (pointer(FIELDS, field.name) for field in definition.fields if field.same_as == name)
    return pointer(name), *repeated


def _asked(definition: TypeDefinition, filling: Filling, name: str, label: Phrase, max_length: int = 0) -> FormField:
    return FormField(
        pointer(name),
        label,
        max_length=max_length,
        value=filling.value(pointer(name)),
        problems=filling.problems(*_names(definition, name)),
    )


def _holder_fields(definition: TypeDefinition, filling: Filling) -> Iterator[FormField]:
    types = tuple(HOLDER_CODE_TYPES[code] for code in definition.holder_code_types)
    options = tuple(Option(one.code, Phrase(one.name_en, f"{one.code} {one.name}")) for one in types)
    yield _asked(definition, filling, HOLDER_NAME, definition.holder_label, 256)
    kind = _asked(definition, filling, HOLDER_CODE_TYPE, Phrase("Kind of code", "代码类型"))
    value = kind.value or (options[0].value if len(options) == 1 else "")
    yield replace(kind, control=Control.SELECT, options=options, value=value)
    yield _asked(definition, filling, HOLDER_CODE, Phrase("Holder's code", "持证主体代码"), 256)


def _licence_fields(definition: TypeDefinition, filling: Filling) -> Iterator[FormField]:
    yield _asked(definition, filling, NUMBER, Phrase("Licence number", "证照编号"), 128)
    area = _asked(definition, filling, AREA_CODE, Phrase("Region code", "管辖属地编码"), 6)
    yield replace(area, hint=Phrase("6 digits, GB/T 2260", "6 位行政区划代码"))
    first = _asked(definition, filling, EFFECTIVE, Phrase("First day in force", "有效期起"))
    yield replace(first, control=Control.DATE)
    yield from _last_day(definition, filling)
    if definition.depends_on:
        parents = _asked(
            definition, filling, PARENTS, Phrase("Licences it depends on", "关联证照标识"), _PARENTS_LENGTH
        )
        hint = Phrase("Identifiers, one a line, 8 at most", "每行一个证照标识，至多 8 个")
        yield replace(parents, control=Control.AREA, required=False, hint=hint)


def _last_day(definition: TypeDefinition, filling: Filling) -> Iterator[FormField]:
    endless = [span for span in definition.validity_ranges if span.unit == "L"]
    spans = [span for span in definition.validity_ranges if span.unit != "L"]
    if spans:
        last = _asked(definition, filling, EXPIRING, Phrase("Last day in force", "有效期止"))
        yield replace(last, control=Control.DATE, required=not endless, hint=_spans(spans))
    if endless:
        label = Phrase("Long-term, no last day", "长期有效，无截止日期")
        problems = () if spans else filling.problems(pointer(EXPIRING))
        value = filling.value(LONG_TERM) if spans else TICKED
        yield FormField(LONG_TERM, label, Control.TICK, required=not spans, value=value, problems=problems)


def _spans(spans: list[ValidityRange]) -> Phrase:
    zh = "、".join(f"{span.count} {_UNITS[span.unit][0]}" for span in spans)
    return Phrase(", ".join(f"{span.count} {_UNITS[span.unit][1]}" for span in spans), f"期限：{zh}")


def _face_fields(definition: TypeDefinition, filling: Filling, *, portrait: bool) -> Iterator[FormField]:
    for field in definition.fields:
        if field.same_as is None:
            yield _face_field(field, filling)
    if portrait:
        hint = Phrase("JPEG or PNG, 50 KB at most", "JPEG 或 PNG，不超过 50 KB")
        yield FormField(
            PORTRAIT,
            Phrase("Portrait", "照片"),
            Control.PICTURE,
            required=False,
            hint=hint,
            problems=filling.problems(PORTRAIT),
        )


def _face_field(field: FieldDefinition, filling: Filling) -> FormField:
    name = pointer(FIELDS, field.name)
    return FormField(
        name,
        Phrase(field.en, field.zh),
        _control(field),
        field.required,
        0 if field.kind in (Kind.DATE, Kind.CHOICE, Kind.INTEGER) else field.max_length,
        filling.value(name),
        tuple(Option(choice, Phrase("", choice)) for choice in field.choices),
        _hint(field),
        filling.problems(name),
    )


def _control(field: FieldDefinition) -> Control:
    match field.kind:
        case Kind.DATE:
            return Control.DATE
        case Kind.INTEGER:
            return Control.INTEGER
        case Kind.CHOICE:
            return Control.SELECT
        case Kind.TEXT if field.max_length > _LONG_TEXT and field.check is Check.NONE:
            return Control.AREA
        case _:
            return Control.TEXT


def _hint(field: FieldDefinition) -> Phrase | None:
    """Show the example where a form is asked that no label tells."""
    asked = field.pattern is not None or field.check is not Check.NONE or field.kind is Kind.DECIMAL
    return Phrase(f"e.g. {field.example}", f"如 {field.example}") if asked else None
