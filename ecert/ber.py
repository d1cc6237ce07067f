"""BER (X.690) put into definite form, for signed data that BouncyCastle and others write in a stream.

Only framing changes: indefinite lengths become definite, an OCTET STRING in pieces becomes one. What was in definite
form already, certificates and signed attributes above all, comes out byte for byte.
"""

from __future__ import annotations

from typing import Final

from ecert.der import MAX_DEPTH, OCTET_STRING, DerError
from ecert.der_encoding import element

_CONSTRUCTED: Final = 0x20
_HIGH_TAG: Final = 0x1F
_INDEFINITE: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 4
_END: Final = b"\x00\x00"


def definite(data: bytes, *, limit: int) -> bytes:
    """Return the one BER element in `data`, of at most `limit` bytes, with definite lengths all the way down.

    Raises:
        DerError: longer than `limit`, cut short, nested too deeply, bytes that follow, or no BER.
    """
    if len(data) > limit:
        raise DerError(f"longer than {limit} bytes")
    converted, end = _convert(data, 0, len(data), 1)
    if end != len(data):
        raise DerError("bytes follow the element")
    return converted


def _convert(data: bytes, at: int, end: int, depth: int) -> tuple[bytes, int]:
    """Return the element at `at` in definite form, and where it ends."""
    if depth > MAX_DEPTH:
        raise DerError(f"nested deeper than {MAX_DEPTH} levels")
    if end - at < 2 or data[at] & _HIGH_TAG == _HIGH_TAG:  # noqa: PLR2004  (one tag octet, one length octet)
        raise DerError("an element is cut short, or has a tag number above 30")
    tag, length, body = data[at], data[at + 1], at + 2
    if length == _INDEFINITE:
        if not tag & _CONSTRUCTED:
            raise DerError("an indefinite length on a primitive element")
        return _assemble(data, tag, body, end, depth, indefinite=True)
    if length > _INDEFINITE:
        octets = length - _INDEFINITE
        if octets > _MAX_LENGTH_OCTETS or end - body < octets:
            raise DerError("a length that is cut short or beyond 4 GiB")
        length, body = int.from_bytes(data[body : body + octets], "big"), body + octets
    if length > end - body:
        raise DerError("an element is longer than what holds it")
    if tag & _CONSTRUCTED:
        return _assemble(data, tag, body, body + length, depth, indefinite=False)
    return element(tag, data[body : body + length]), body + length


def _assemble(data: bytes, tag: int, at: int, end: int, depth: int, *, indefinite: bool) -> tuple[bytes, int]:
    """Convert the content of a constructed element: up to `end`, or up to the end-of-contents octets."""
    parts = []
    while at < end and not (indefinite and data[at : at + 2] == _END):
        part, at = _convert(data, at, end, depth + 1)
        parts.append(part)
    if indefinite:
        if data[at : at + 2] != _END or end - at < len(_END):
            raise DerError("an indefinite length without its end")
        at += len(_END)
    if tag == OCTET_STRING | _CONSTRUCTED:
        return element(OCTET_STRING, *map(_piece, parts)), at
    return element(tag, *parts), at


def _piece(part: bytes) -> bytes:
    """Return the content of a primitive OCTET STRING just converted."""
    if part[0] != OCTET_STRING:
        raise DerError("an OCTET STRING in pieces that are none")
    header = 2 if part[1] < _INDEFINITE else 2 + part[1] - _INDEFINITE
    return part[header:]
