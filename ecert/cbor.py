"""Canonical CBOR (RFC 8949, section 4.2), or a refusal: one value has one encoding here.

Only maps, arrays, text, bytes, integers, booleans and null are carried: no tags, no floats, nothing of
indefinite length. Bytes that decode but are not the canonical encoding of what they say are malformed.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cbor2

from ecert.errors import MalformedError, Reason

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[int | str, Value] | None"

_DEPTH: Final = 8


def encode(value: Value) -> bytes:
    """Return the canonical encoding of `value`."""
    return cbor2.dumps(value, canonical=True)


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(key) in (int, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, str, bytes)


def decode(data: bytes, *, limit: int, reason: Reason) -> Value:
    """Decode canonical CBOR.

    Args:
        data: Hostile bytes.
        limit: The most bytes accepted.
        reason: The reason a refusal carries.

    Raises:
        MalformedError: too long, not CBOR, of a type not carried here, or not canonical.
    """
    if len(data) > limit:
        raise MalformedError(Reason.TOO_LARGE, f"{len(data)} bytes where at most {limit} are allowed")
    try:
        value = cbor2.loads(data, max_depth=_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)
    except Exception as error:  # cbor2's tag decoders raise whatever their content provokes
        raise MalformedError(reason, "not well-formed CBOR") from error
    if not _is_plain(value) or encode(value) != data:
        raise MalformedError(reason, "not canonical CBOR of plain values")
    return value  # type: ignore[no-any-return]


def byte_string(data: bytes) -> bytes:
    """Return the canonical encoding of a byte string."""
    return cbor2.dumps(data)
