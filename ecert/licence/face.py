"""The face record: what the QR code on a licence's face carries, in as few bytes as it takes.

Payload, canonical CBOR: `{1: identifier, 2: holder's printed name, 3: sealed at, ? 4: first day,
? 5: last day, 6: status reference, 7: digest of the full record}`. What the registry knows from the key id
(the issuer's code, name and region) is not repeated. `docs/formats.md` gives the layout byte by byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_text
from ecert.licence.packing import pack_identifier, unpack_identifier
from ecert.licence.reference import StatusRef
from ecert.licence.validity import (
    MAX_SECONDS,
    Validity,
    decode_validity,
    encode_validity,
    from_seconds,
    read_uint,
    to_seconds,
)
from ecert.sm2 import DIGEST_LENGTH

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.licence.identifier import Identifier

MAX_FACE: Final = 1024
"""The longest encoded face envelope in bytes."""

_ID, _NAME, _SEALED, _START, _END, _STATUS, _DIGEST = range(1, 8)
_REQUIRED: Final = {_ID, _NAME, _SEALED, _STATUS, _DIGEST}
_KNOWN: Final = _REQUIRED | {_START, _END}
_NAME_CODEC: Final = "gb18030"
_MAX_NAME: Final = 512


@dataclass(frozen=True, slots=True)
class Face:
    """The content of a face record. The issuer's code is the registry's to say, from the key id.

    Attributes:
        identifier: With its issuer code, which comes from the registry.
        holder_name: As printed: a natural person's is masked. At most 512 bytes in GB18030.
        sealed_at: When it was sealed, whole seconds, UTC.
        validity: The days it is in force.
        status: Where its status stands.
        record_digest: SM3 over the full record's payload, 32 bytes.
    """

    identifier: Identifier
    holder_name: str
    sealed_at: datetime
    validity: Validity
    status: StatusRef
    record_digest: bytes


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.RECORD_MALFORMED, f"not a face record: {what}")


def encode_face(face: Face) -> bytes:
    """Write the payload.

    Raises:
        MalformedError: a part does not fit its form.
    """
    name = face.holder_name.encode(_NAME_CODEC)
    if not 0 < len(name) <= _MAX_NAME:
        raise _malformed(f"the holder's name takes {len(name)} bytes, at most {_MAX_NAME} fit")
    content: dict[int | str, cbor.Value] = {
        _ID: pack_identifier(face.identifier),
        _NAME: name,
        _SEALED: to_seconds(face.sealed_at),
        _STATUS: face.status.pack(),
        _DIGEST: face.record_digest,
    }
    content |= encode_validity(face.validity, face.sealed_at, _START, _END)
    return cbor.encode(content)


def decode_face(payload: bytes, issuer_code: str) -> Face:
    """Read a payload whose seal was verified; `issuer_code` is the registered code of the key's owner.

    Raises:
        MalformedError: not the canonical encoding of a possible face record.
    """
    content = cbor.decode(payload, limit=MAX_FACE, reason=Reason.RECORD_MALFORMED)
    if not isinstance(content, dict) or not _REQUIRED <= content.keys() <= _KNOWN:
        raise _malformed("the fields are not those of a face record")
    packed, name, digest = content[_ID], content[_NAME], content[_DIGEST]
    if not (isinstance(packed, bytes) and isinstance(name, bytes) and isinstance(digest, bytes)):
        raise _malformed("a field has the wrong type")
    if len(digest) != DIGEST_LENGTH or not 0 < len(name) <= _MAX_NAME:
        raise _malformed("the name or the digest has a wrong length")
    sealed_at = from_seconds(read_uint(content[_SEALED], MAX_SECONDS))
    return Face(
        identifier=unpack_identifier(packed, issuer_code),
        holder_name=_decode_name(name),
        sealed_at=sealed_at,
        validity=decode_validity(content, sealed_at, _START, _END),
        status=StatusRef.unpack(read_uint(content[_STATUS], StatusRef.PACKED)),
        record_digest=digest,
    )


def _decode_name(data: bytes) -> str:
    try:
        name = data.decode(_NAME_CODEC)
        canonical = name.encode(_NAME_CODEC) == data
    except UnicodeError:
        raise _malformed("the holder's name is not GB18030") from None
    if not canonical or check_text(name, _MAX_NAME):
        raise _malformed("the holder's name is not canonical printable text")
    return name
