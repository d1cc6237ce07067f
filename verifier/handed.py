"""What a region's service answers a window, read strictly from hostile bytes into values.

Nothing in it is believed by this: records and copies are verified like any other, and a grant proves by its auth code
alone what it was given for. What a later version adds is not looked at.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from ecert.errors import EcertError, Reason, UndeterminedError
from ecert.licence.face import MAX_FACE
from ecert.licence.identifier import parse_identifier
from ecert.licence.record import MAX_RECORD
from ecert.presentation import Answer, AuthCode, Binding, Ground
from ecert.presentation import Grant as LicenceGrant
from ecert.web.instants import Instant  # noqa: TC001  (models read annotations)
from verifier.redeeming import Showing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MAX_COPY: Final = 4 * 1024 * 1024
"""The longest annotated copy in bytes."""
MAX_LICENCES: Final = 16
"""The most licences handed out at once."""

_MAX_FIELDS: Final = 256


def _octets(limit: int) -> Callable[[Any], bytes]:
    def read(value: Any) -> bytes:
        if not isinstance(value, str) or len(value) > (limit + 2) // 3 * 4:
            raise ValueError("base64 is missing, or too long")
        return base64.b64decode(value, validate=True)

    return read


Text = Annotated[str, Field(min_length=1, max_length=256)]
Texts = Annotated[list[Text], Field(max_length=_MAX_FIELDS)]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Grant(_Answer):
    code: Text
    requester: Text
    item_code: Text
    purpose: Text
    fields: Texts
    operator: Text
    ground: Ground
    evidence: Text
    since: Instant
    until: Instant


class _Handed(_Answer):
    identifier: Text
    record: Annotated[bytes, PlainValidator(_octets(MAX_RECORD))] | None = None
    face: Annotated[bytes, PlainValidator(_octets(MAX_FACE))] | None = None
    file: Annotated[bytes, PlainValidator(_octets(MAX_COPY))] | None = None
    grant: _Grant | None = None


class _Licences(_Answer):
    licences: Annotated[list[_Handed], Field(max_length=MAX_LICENCES)]


class _Face(_Answer):
    face: Annotated[bytes, PlainValidator(_octets(MAX_FACE))]


class _Showing(_Answer):
    purpose: Text
    made_at: Instant
    licences: Annotated[list[_Face], Field(min_length=1, max_length=MAX_LICENCES)]


class _Request(_Answer):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
    answer: Answer
    answer_by: Instant
    until: Instant


class ProblemAnswer(_Answer):
    """The part of RFC 9457 problem details that a window looks at."""

    code: Text
    detail: Annotated[str, Field(max_length=1024)] = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """A licence that a region's service handed out.

    Attributes:
        sealed: The full record, or the face where that is all there is; nobody verified it yet.
        grant: What allows its use; None where nothing does.
        copy: Its annotated copy (加注件); empty without one.
    """

    sealed: bytes
    grant: LicenceGrant | None
    copy: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was put to a holder.

    Attributes:
        id: Its identifier with the service.
        answer: How it stands.
        answer_by: The first instant it is no longer answered.
        until: The first instant its grant no longer holds.
    """

    id: str
    answer: Answer
    answer_by: datetime
    until: datetime


def read_licences(data: bytes) -> tuple[Handed, ...]:
    """Read the licences of an answer.

    Raises:
        UndeterminedError: REGION_ANSWER_UNUSABLE; it is something else.
    """
    try:
        return tuple(map(_licence, _Licences.model_validate_json(data).licences))
    except (ValidationError, EcertError) as error:
        raise _unusable("no licences as the contract says") from error


def read_showing(data: bytes) -> Showing:
    """Read what a phone shows, faces alone.

    Raises:
        UndeterminedError: REGION_ANSWER_UNUSABLE; it is something else.
    """
    try:
        found = _Showing.model_validate_json(data)
    except ValidationError as error:
        raise _unusable("no faces as the contract says") from error
    return Showing(found.purpose, found.made_at, tuple(one.face for one in found.licences))


def read_request(data: bytes) -> Asked:
    """Read how a request stands.

    Raises:
        UndeterminedError: REGION_ANSWER_UNUSABLE; it is something else.
    """
    try:
        found = _Request.model_validate_json(data)
    except ValidationError as error:
        raise _unusable("no request as the contract says") from error
    return Asked(found.id, found.answer, found.answer_by, found.until)


def read_problem(data: bytes) -> ProblemAnswer:
    """Read problem details.

    Raises:
        UndeterminedError: REGION_ANSWER_UNUSABLE; it is something else.
    """
    try:
        return ProblemAnswer.model_validate_json(data)
    except ValidationError as error:
        raise _unusable("no problem details") from error


def _unusable(what: str) -> UndeterminedError:
    return UndeterminedError(Reason.REGION_ANSWER_UNUSABLE, what)


def _licence(told: _Handed) -> Handed:
    sealed = told.record or told.face
    if not sealed:
        raise _unusable("a licence without record and face")
    grant = None if told.grant is None else _grant(told.grant, told.identifier)
    return Handed(sealed, grant, told.file or b"")


def _grant(told: _Grant, identifier: str) -> LicenceGrant:
    return LicenceGrant(
        code=AuthCode.parse(told.code),
        binding=Binding(told.requester, parse_identifier(identifier), told.item_code, told.purpose),
        fields=tuple(told.fields),
        operator=told.operator,
        ground=told.ground,
        evidence=told.evidence,
        since=told.since,
        until=told.until,
    )
