"""What a form posted, as an application again, and an application as what a form holds."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.console.forms import LONG_TERM, TICKED
from ecert.errors import FieldProblem
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
    PORTRAIT,
    TYPE_CODE,
)
from ecert.licence.codes import Phrase
from ecert.licence.fields import Kind
from ecert.licence.strict_json import pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecert.licence.fields import FieldDefinition, FieldValue
    from ecert.licence.types import TypeDefinition

_TEXTS: Final = (NUMBER, HOLDER_NAME, HOLDER_CODE, HOLDER_CODE_TYPE, EFFECTIVE, AREA_CODE)
_REQUIRED: Final = Phrase("a value; it is required", "必填")
_INTEGER: Final = re.compile(r"-?[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Posted:
    """An application as posted, to be handed to `ecert.licence.application.read_application`.

    Attributes:
        application: By the keys of an application in JSON; what was left empty is absent.
        problems: What is wrong with items of the face, and what contradicts itself: `read_application` looks at shapes
            alone and is told of these, so that a clerk sees all that is to be mended at once.
    """

    application: Mapping[object, object]
    problems: tuple[FieldProblem, ...] = ()


def posted_application(definition: TypeDefinition, posted: Mapping[str, str], portrait: bytes = b"") -> Posted:
    """Read the controls of `licence_form`; names that the form does not have are passed over.

    Nothing is mended: a space too many is for `check_application` to refuse.

    Args:
        definition: The type that the form was made for.
        posted: Values by the names of controls.
        portrait: The picture uploaded with them; empty where none was.
    """
    application: dict[object, object] = {TYPE_CODE: definition.code}
    application |= {key: posted[pointer(key)] for key in _TEXTS if posted.get(pointer(key))}
    face = _face(definition, posted)
    application[FIELDS] = face
    parents = posted.get(pointer(PARENTS), "").split()
    if parents:
        application[PARENTS] = parents
    if portrait:
        application[PORTRAIT] = b64encode(portrait).decode("ascii")
    problems = (*_contradictions(posted), *_face_problems(definition, face))
    return Posted(application | _last_day(definition, posted), problems)


def _face(definition: TypeDefinition, posted: Mapping[str, str]) -> dict[str, FieldValue]:
    values = {field.name: _face_value(field, posted) for field in definition.fields}
    return {name: value for name, value in values.items() if value != ""}


def _face_value(field: FieldDefinition, posted: Mapping[str, str]) -> FieldValue:
    if field.same_as == EXPIRING and posted.get(LONG_TERM) == TICKED:
        return "长期"
    value = posted.get(pointer(FIELDS, field.name) if field.same_as is None else pointer(field.same_as), "")
    return int(value) if field.kind is Kind.INTEGER and _INTEGER.fullmatch(value) else value


def _face_problems(definition: TypeDefinition, face: Mapping[str, FieldValue]) -> Iterator[FieldProblem]:
    for field in definition.fields:
        if field.name in face:
            expected = field.expected(face[field.name])
        else:
            expected = _REQUIRED if field.required and field.same_as is None else None
        if expected:
            yield FieldProblem(pointer(FIELDS, field.name), expected.en, expected.zh)


def _last_day(definition: TypeDefinition, posted: Mapping[str, str]) -> dict[object, object]:
    always = all(span.unit == "L" for span in definition.validity_ranges)
    day = posted.get(pointer(EXPIRING), "")
    if day:
        return {EXPIRING: day}
    return {EXPIRING: None} if always or posted.get(LONG_TERM) == TICKED else {}


def _contradictions(posted: Mapping[str, str]) -> tuple[FieldProblem, ...]:
    if posted.get(LONG_TERM) == TICKED and posted.get(pointer(EXPIRING)):
        return (FieldProblem(pointer(EXPIRING), "a last day or long-term, not both", "截止日期与长期有效只选其一"),)
    return ()


def form_values(application: Mapping[str, object]) -> dict[str, str]:
    """Return what the controls of `licence_form` hold for an application in JSON; the opposite of reading it."""
    values = {pointer(key): str(value) for key, value in application.items() if isinstance(value, str | int)}
    fields, parents = application.get(FIELDS), application.get(PARENTS)
    if isinstance(fields, dict):
        values |= {pointer(FIELDS, name): str(value) for name, value in fields.items()}
    if isinstance(parents, list):
        values[pointer(PARENTS)] = "\n".join(map(str, parents))
    if EXPIRING in application and application[EXPIRING] is None:
        values[LONG_TERM] = TICKED
    return values
