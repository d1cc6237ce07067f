"""The full record: every field of a licence, each under its own salted digest.

Signed payload, canonical CBOR: `{1: identifier, 3: sealed at, ? 4: first day, ? 5: last day, 6: status
reference, 8: type definition's version, 9: area code, 10: [digest, ...]}`. The fields themselves stand in
the envelope's unprotected header, `{-65540: [item, ...]}`, each item the bytes of `[salt, name, value]`.
A digest is SM3 over an item's bytes; digests and items stand in ascending order of digest, so their order
tells nothing. A holder discloses some fields by leaving the other items out: the signature still holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.identifier import Identifier, parse_identifier
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
from ecert.sm2 import DIGEST_LENGTH, sm3

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from ecert.licence.fields import FieldValue

MAX_RECORD: Final = 256 * 1024
"""The longest encoded record envelope in bytes."""
SALT_LENGTH: Final = 16
"""Length of a field's salt in bytes."""

DISCLOSED: Final = -65540
"""Private-use COSE header label of the disclosed items."""

_ID, _SEALED, _START, _END, _STATUS, _TYPE_VERSION, _AREA, _DIGESTS = 1, 3, 4, 5, 6, 8, 9, 10
_REQUIRED: Final = {_ID, _SEALED, _STATUS, _TYPE_VERSION, _AREA, _DIGESTS}
_MAX_ITEMS: Final = 256
_MAX_ITEM: Final = 16 * 1024
_ITEM_PARTS: Final = 3
_AREA_LENGTH: Final = 6
_MAX_TYPE_VERSION: Final = 65536


@dataclass(frozen=True, slots=True)
class Record:
    """The signed content of a full record, without the fields' values.

    Attributes:
        identifier: 证照标识, in full.
        sealed_at: When it was sealed, whole seconds, UTC.
        validity: The days it is in force.
        status: Where its status stands.
        type_version: Version of the type definition it was made by.
        area_code: 证照所属管辖属地编码, 6 digits.
        digests: SM3 of every field's item, 32 bytes each, ascending.
    """

    identifier: Identifier
    sealed_at: datetime
    validity: Validity
    status: StatusRef
    type_version: int
    area_code: str
    digests: tuple[bytes, ...]


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.RECORD_MALFORMED, f"not a licence record: {what}")


def salt_fields(fields: Mapping[str, FieldValue], entropy: Callable[[int], bytes]) -> dict[bytes, bytes]:
    """Return digest → item for every field, in ascending order of digest.

    Args:
        fields: Name → value.
        entropy: Returns that many fresh random bytes.
    """
    salts = entropy(SALT_LENGTH * len(fields))  # at once: asking the system takes longer than all the rest
    items = [
        cbor.encode([salts[at * SALT_LENGTH : (at + 1) * SALT_LENGTH], name, value])
        for at, (name, value) in enumerate(fields.items())
    ]
    return dict(sorted((sm3(item), item) for item in items))


def encode_items(items: Mapping[bytes, bytes]) -> bytes:
    """Write disclosed items (digest → item, ascending) as the envelope's unprotected header."""
    return cbor.encode({DISCLOSED: list(items.values())} if items else {})


def encode_record(record: Record) -> bytes:
    """Write the signed payload."""
    content: dict[int | str, cbor.Value] = {
        _ID: record.identifier.text,
        _SEALED: to_seconds(record.sealed_at),
        _STATUS: record.status.pack(),
        _TYPE_VERSION: record.type_version,
        _AREA: record.area_code,
        _DIGESTS: list(record.digests),
    }
    return cbor.encode(content | encode_validity(record.validity, record.sealed_at, _START, _END))


def decode_record(payload: bytes) -> Record:
    """Read a payload whose seal was verified.

    Raises:
        MalformedError: not the canonical encoding of a possible record.
    """
    content = cbor.decode(payload, limit=MAX_RECORD, reason=Reason.RECORD_MALFORMED)
    if not isinstance(content, dict) or not _REQUIRED <= content.keys() <= _REQUIRED | {_START, _END}:
        raise _malformed("the fields are not those of a licence record")
    text, area = content[_ID], content[_AREA]
    if not isinstance(text, str) or not isinstance(area, str):
        raise _malformed("a field has the wrong type")
    if len(area) != _AREA_LENGTH or not (area.isascii() and area.isdigit()):
        raise _malformed("the area code is not six digits")
    sealed_at = from_seconds(read_uint(content[_SEALED], MAX_SECONDS))
    return Record(
        identifier=parse_identifier(text),
        sealed_at=sealed_at,
        validity=decode_validity(content, sealed_at, _START, _END),
        status=StatusRef.unpack(read_uint(content[_STATUS], StatusRef.PACKED)),
        type_version=read_uint(content[_TYPE_VERSION], _MAX_TYPE_VERSION),
        area_code=area,
        digests=_read_digests(content[_DIGESTS]),
    )


def _read_digests(value: cbor.Value) -> tuple[bytes, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_ITEMS:
        raise _malformed("the digests are not a list of 1 to 256")
    digests = tuple(digest for digest in value if isinstance(digest, bytes) and len(digest) == DIGEST_LENGTH)
    if len(digests) != len(value) or any(a >= b for a, b in pairwise(digests)):
        raise _malformed("the digests are not in ascending order")
    return digests


def read_fields(unprotected: bytes, digests: tuple[bytes, ...]) -> dict[str, FieldValue]:
    """Return the disclosed fields, each matched with its signed digest.

    Raises:
        MalformedError: the header is not a list of items in ascending order of digest.
        RejectedError: an item's digest is not among the signed ones: the field was altered or added.
    """
    header = cbor.decode(unprotected, limit=MAX_RECORD, reason=Reason.RECORD_MALFORMED)
    if header == {}:
        return {}
    items = header.get(DISCLOSED) if isinstance(header, dict) and len(header) == 1 else None
    if not isinstance(items, list) or not 0 < len(items) <= len(digests):
        raise _malformed("the unprotected header is not a list of disclosed items")
    signed = set(digests)
    fields: dict[str, FieldValue] = {}
    previous = b""
    for item in items:
        name, value, digest = _read_item(item)
        if digest not in signed:
            raise RejectedError(Reason.FIELD_DIGEST_MISMATCH, f"the field {name!r} is not the one that was sealed")
        if digest <= previous or name in fields:
            raise _malformed("the disclosed items are out of order or repeated")
        fields[name], previous = value, digest
    return fields


def disclose(unprotected: bytes, names: Collection[str]) -> bytes:
    """Return an unprotected header that discloses no other fields than these; what is signed stays as it is.

    Raises:
        MalformedError: it is not a list of disclosed items.
    """
    header = cbor.decode(unprotected, limit=MAX_RECORD, reason=Reason.RECORD_MALFORMED)
    items = header.get(DISCLOSED, []) if isinstance(header, dict) else None
    if not isinstance(items, list):
        raise _malformed("the unprotected header is not a list of disclosed items")
    kept = [item for item in items if _read_item(item)[0] in names]
    return cbor.encode({DISCLOSED: kept} if kept else {})


def _read_item(item: cbor.Value) -> tuple[str, FieldValue, bytes]:
    if not isinstance(item, bytes):
        raise _malformed("a disclosed item is not a byte string")
    parts = cbor.decode(item, limit=_MAX_ITEM, reason=Reason.RECORD_MALFORMED)
    if not isinstance(parts, list) or len(parts) != _ITEM_PARTS:
        raise _malformed("a disclosed item is not [salt, name, value]")
    salt, name, value = parts
    if not isinstance(salt, bytes) or len(salt) != SALT_LENGTH or not isinstance(name, str):
        raise _malformed("a disclosed item is not [salt, name, value]")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _malformed("a field's value is neither text nor an integer")
    return name, value, sm3(item)
