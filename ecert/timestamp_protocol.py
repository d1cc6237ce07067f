"""Asking for a timestamp and answering (RFC 3161, 2.4): TimeStampReq and TimeStampResp, SM3 imprints only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ecert import der
from ecert import der_encoding as enc
from ecert.errors import Reason, RejectedError
from ecert.timestamp import encode_imprint, read_token, sm3_imprint
from ecert.x509.schema import reading

REQUEST_LIMIT: Final = 4096
"""The largest request read, in bytes."""
RESPONSE_LIMIT: Final = 1024 * 1024
"""The largest response read, in bytes."""

_GRANTED: Final = (0, 1)
"""granted, and granted with modifications."""
_REJECTION: Final = 2
_MAX_NONCE: Final = 64
BAD_ALGORITHM: Final = 0
BAD_REQUEST: Final = 2
BAD_DATA_FORMAT: Final = 5
TIME_NOT_AVAILABLE: Final = 14
"""Bits of PKIFailureInfo."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a timestamp.

    Attributes:
        imprint: The SM3 digest of the bytes in question, 32 bytes.
        nonce: A number the answer must repeat, or None.
        policy: Dotted identifier of the policy asked for, or None.
        wants_certificate: Whether the token is to carry the service's certificate. Ours always does.
    """

    imprint: bytes
    nonce: int | None = None
    policy: str | None = None
    wants_certificate: bool = True

    def encode(self) -> bytes:
        """Return the request in DER."""
        return enc.sequence(
            enc.integer(1),
            encode_imprint(self.imprint),
            *(() if self.policy is None else (enc.oid(self.policy),)),
            *(() if self.nonce is None else (enc.integer(self.nonce),)),
            *((enc.boolean(value=True),) if self.wants_certificate else ()),
        )

    @classmethod
    def decode(cls, data: bytes) -> Request:
        """Read a request.

        Raises:
            MalformedError: not a request with an SM3 imprint, or with extensions, none of which is known.
        """
        with reading(Reason.TIMESTAMP_MALFORMED, "the timestamp request"):
            der.check(data, limit=REQUEST_LIMIT)
            reader = der.read_one(data, der.SEQUENCE).children()
            if der.integer(reader.read(der.INTEGER)) != 1:
                raise der.DerError("a version other than 1")
            imprint = sm3_imprint(reader.read(der.SEQUENCE))
            policy, nonce = reader.optional(der.OBJECT_IDENTIFIER), reader.optional(der.INTEGER)
            wants = reader.optional(der.BOOLEAN)
            reader.finish()
            if nonce is not None and not 0 <= der.integer(nonce) < 1 << 8 * _MAX_NONCE:
                raise der.DerError("a nonce that is negative, or longer than any in use")
            return cls(
                imprint,
                None if nonce is None else der.integer(nonce),
                None if policy is None else der.oid(policy),
                wants is not None and der.boolean(wants),
            )


def grant(token: bytes) -> bytes:
    """Return the response that carries a token."""
    return enc.sequence(enc.sequence(enc.integer(_GRANTED[0])), token)


def refuse(why: str, failure: int) -> bytes:
    """Return a response that refuses, with words for people and a bit of PKIFailureInfo."""
    unused = 7 - failure % 8
    info = enc.element(der.BIT_STRING, bytes((unused,)) + bytes(failure // 8) + bytes((1 << unused,)))
    return enc.sequence(enc.sequence(enc.integer(_REJECTION), enc.sequence(enc.utf8(why)), info))


def read_response(data: bytes, request: Request) -> bytes:
    """Return the token in a response: of the imprint and nonce asked for, and not yet believed.

    Raises:
        MalformedError: not a response, or its token cannot be read.
        RejectedError: the service refused, or answered another request.
    """
    with reading(Reason.TIMESTAMP_MALFORMED, "the timestamp response"):
        if len(data) > RESPONSE_LIMIT:
            raise der.DerError(f"longer than {RESPONSE_LIMIT} bytes")
        reader = der.read_one(data, der.SEQUENCE).children()
        said = reader.read(der.SEQUENCE)
        der.check(said.der, limit=RESPONSE_LIMIT)
        info = said.children()
        status, text = der.integer(info.read(der.INTEGER)), info.optional(der.SEQUENCE)
        why = "" if text is None else "; ".join(one.content.decode() for one in text.children().rest())
        token = reader.read(der.SEQUENCE).der if reader else None
        reader.finish()
    if status not in _GRANTED or token is None:
        raise RejectedError(Reason.TIMESTAMP_REFUSED, f"status {status}: {why or 'no words given'}")
    answer, _ = read_token(token)
    if answer.imprint != request.imprint or answer.nonce != request.nonce:
        raise RejectedError(Reason.TIMESTAMP_MISMATCH, "the response is to another request")
    return token
