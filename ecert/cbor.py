"""Canonical CBOR (RFC 8949, section 4.2), or a refusal: one value has one encoding here.

Only maps, arrays, text, bytes, integers, booleans and null are carried: no tags, no floats, nothing of
indefinite length. Bytes that decode but are not the canonical encoding of what they say are malformed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import cbor2

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Collection

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[int | str, Value] | None"

MAX_ITEMS: Final = 1_000_000
"""The most items of one value, where nothing else is said."""

_DEPTH: Final = 8
_ARGUMENT_BYTES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_NUMBERS: Final = frozenset((int,))
_KEYS: Final = frozenset((int, str))
_SCALARS: Final = frozenset((bool, int, str, bytes, type(None)))
_STRINGS: Final = (2, 3)
"""Major types of byte strings and texts: their content follows the head, and holds no items."""


def encode(value: Value) -> bytes:
    """Return the canonical encoding of `value`."""
    return cbor2.dumps(value, canonical=True)


def _is_flat_record(value: object) -> bool:
    """Tell whether this is a map of plain values under numbers in canonical order: its encoding need not sort it."""
    if not isinstance(value, dict) or not _SCALARS.issuperset(map(type, value.values())):
        return False
    keys = list(value)
    return _NUMBERS.issuperset(map(type, keys)) and keys == sorted(keys) and (not keys or keys[0] >= 0)


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return _KEYS.issuperset(map(type, value)) and _are_plain(value.values())
    return type(value) in _SCALARS or (isinstance(value, list) and _are_plain(value))


def _are_plain(values: Collection[object]) -> bool:
    """Look at scalars all at once: most values are lists of them."""
    return _SCALARS.issuperset(map(type, values)) or all(map(_is_plain, values))


def decode(data: bytes, *, limit: int, reason: Reason, items: int = MAX_ITEMS) -> Value:
    """Decode canonical CBOR.

    Args:
        data: Hostile bytes.
        limit: The most bytes accepted.
        reason: The reason a refusal carries.
        items: The most items accepted, containers and their content counted alike: every item takes some 60 bytes
            of memory, of which one byte may speak.

    Raises:
        MalformedError: too long, too many items, not CBOR, of a type not carried here, or not canonical.
    """
    if len(data) > limit:
        raise MalformedError(Reason.TOO_LARGE, f"{len(data)} bytes where at most {limit} are allowed")
    if len(data) > items:
        _require_few(data, items)
    try:
        value = cbor2.loads(data, max_depth=_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)
    except Exception as error:  # cbor2's tag decoders raise whatever their content provokes
        raise MalformedError(reason, "not well-formed CBOR") from error
    if not (_is_flat_record(value) and cbor2.dumps(value) == data) and (not _is_plain(value) or encode(value) != data):
        raise MalformedError(reason, "not canonical CBOR of plain values")
    return value  # type: ignore[no-any-return]


def _require_few(data: bytes, items: int) -> None:
    """Count items by their heads, skipping what strings hold; what is not CBOR is left for the decoder to refuse."""
    at = count = 0
    while at < len(data):
        count += 1
        if count > items:
            raise MalformedError(Reason.TOO_LARGE, f"more than {items} items")
        major, short = data[at] >> 5, data[at] & 31
        extra = _ARGUMENT_BYTES.get(short, 0)
        length = int.from_bytes(data[at + 1 : at + 1 + extra], "big") if extra else short
        at += 1 + extra + (length if major in _STRINGS else 0)


def byte_string(data: bytes) -> bytes:
    """Return the canonical encoding of a byte string."""
    return cbor2.dumps(data)
