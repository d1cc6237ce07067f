"""The bodies of `POST /api/v1/verify` and `/api/v1/verify/batch`, strict and bounded, and what they ask."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from ecert.cli.pixels import MAX_PICTURE
from ecert.licence.record import MAX_RECORD
from ecert.qr import MAX_TEXT
from ecert.revocation.issued import MAX_PROOF
from verifier.desk import Question
from verifier.keystrokes import undo_keyboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.desk import Desk

VERIFY: Final = "/api/v1/verify"
VERIFY_BATCH: Final = "/api/v1/verify/batch"
MAX_EVIDENCE: Final = 8
"""The most proofs in one request."""
MAX_BODY: Final = MAX_PICTURE * 4 // 3 + 256 * 1024
"""The most bytes of a request: the largest picture in base64, and all the rest."""
MAX_BATCH: Final = 256
"""The most licences in one request."""
MAX_BATCH_BODY: Final = 2 * 1024 * 1024
"""The most bytes of a request about many licences."""
MAX_TEXT_BODY: Final = 32 * 1024
"""The most bytes of a request about one text, however it is written."""


def _length(limit: int) -> int:
    """Return how many characters of base64 so many bytes take."""
    return (limit + 2) // 3 * 4


def _reader(limit: int) -> Callable[[object], bytes]:
    """Return what reads base64 (RFC 4648, section 4) of 1 to `limit` bytes."""

    def read(value: object) -> bytes:
        if not isinstance(value, str) or len(value) > _length(limit):
            raise ValueError(f"expected base64 of 1 to {limit} bytes in a string")
        try:
            data = base64.b64decode(value, validate=True)
        except ValueError:
            raise ValueError("expected base64") from None
        if not 0 < len(data) <= limit:
            raise ValueError(f"expected 1 to {limit} bytes")
        return data

    return read


def _schema(limit: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "contentEncoding": "base64", "maxLength": _length(limit)})


RecordBytes = Annotated[bytes, PlainValidator(_reader(MAX_RECORD)), _schema(MAX_RECORD)]
PictureBytes = Annotated[bytes, PlainValidator(_reader(MAX_PICTURE)), _schema(MAX_PICTURE)]
ProofBytes = Annotated[bytes, PlainValidator(_reader(MAX_PROOF)), _schema(MAX_PROOF)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Matter = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,64}$")]


class SealedLicence(BaseModel):
    """One licence of many: exactly one of `text` and `record`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: Text | None = Field(None, description="Text of the code, as read or as a scanner gun typed it")
    record: RecordBytes | None = Field(None, description="Sealed record or face")

    @model_validator(mode="after")
    def _exactly_one(self) -> SealedLicence:
        if (self.text is None) == (self.record is None):
            raise ValueError("expected exactly one of text and record")
        return self

    @property
    def sealed(self) -> bytes | str:
        """The licence, as `ecert.verification.assess_many` takes it."""
        return self.record if self.record is not None else undo_keyboard(self.text or "")


class BatchRequest(BaseModel):
    """Licences to be verified at once, each for itself."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"licences": [{"text": "HTTPS://ZZ.EXAMPLE/#0123456789ABCDEFGH"}]}]},
    )

    licences: Annotated[list[SealedLicence], Field(min_length=1, max_length=MAX_BATCH)]
    matter: Matter | None = Field(None, description="Item code of the matter at hand, whose freshness policy counts")


class VerifyRequest(BaseModel):
    """What is to be verified: exactly one of `text`, `record` and `picture`."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"text": "HTTPS://ZZ.EXAMPLE/#0123456789ABCDEFGH", "matter": "440100001001"}]},
    )

    text: Text | None = Field(None, description="Text of the code, as read or as a scanner gun typed it")
    record: RecordBytes | None = Field(None, description="Sealed record or face")
    picture: PictureBytes | None = Field(None, description="Picture with one code: PNG, JPEG, …")
    matter: Matter | None = Field(None, description="Item code of the matter at hand, whose freshness policy counts")
    evidence: Annotated[list[ProofBytes], Field(max_length=MAX_EVIDENCE)] = []

    @model_validator(mode="after")
    def _exactly_one(self) -> VerifyRequest:
        if sum(one is not None for one in (self.text, self.record, self.picture)) != 1:
            raise ValueError("expected exactly one of text, record and picture")
        return self

    async def question(self, desk: Desk) -> Question:
        """Return the question; a picture is decoded for it.

        Raises:
            BusyError: too many pictures wait already.
        """
        evidence = tuple(self.evidence)
        if self.picture is not None:
            return Question(await desk.read_picture(self.picture), self.matter, evidence)
        sealed = self.record if self.record is not None else undo_keyboard(self.text or "")
        return Question(sealed, self.matter, evidence)
