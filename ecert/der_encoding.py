"""DER written (X.690): the few elements that seals, signed data and timestamps are made of.

Every function returns one complete element. What it is given is already right: nothing here comes from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert import der

if TYPE_CHECKING:
    from datetime import datetime

UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
IA5_STRING: Final = 0x16

_SHORT_FORM: Final = 0x80
_EXPLICIT: Final = 0xA0
_OID_LIMIT: Final = 40


def element(tag: int, *parts: bytes) -> bytes:
    """Return an element with this tag whose content is `parts` one after the other."""
    content = b"".join(parts)
    length = len(content)
    if length < _SHORT_FORM:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT_FORM | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of elements."""
    return element(der.SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF elements, in DER's order."""
    return element(der.SET, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """Return parts under a constructed context tag, `[number]`."""
    return element(_EXPLICIT | number, *parts)


def boolean(*, value: bool) -> bytes:
    """Return a BOOLEAN."""
    return element(der.BOOLEAN, b"\xff" if value else b"\x00")


def integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return element(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return element(der.OCTET_STRING, value)


def bits(value: bytes) -> bytes:
    """Return a BIT STRING of whole octets."""
    return element(der.BIT_STRING, b"\x00", value)


def utf8(value: str) -> bytes:
    """Return a UTF8String."""
    return element(UTF8_STRING, value.encode())


def printable(value: str) -> bytes:
    """Return a PrintableString."""
    return element(PRINTABLE_STRING, value.encode("ascii"))


def ia5(value: str) -> bytes:
    """Return an IA5String."""
    return element(IA5_STRING, value.encode("ascii"))


def generalized_time(at: datetime) -> bytes:
    """Return a GeneralizedTime to the second; `at` is UTC."""
    return element(der.GENERALIZED_TIME, f"{at:%Y%m%d%H%M%SZ}".encode())


def utc_time(at: datetime) -> bytes:
    """Return a UTCTime to the second; `at` is UTC, 1950 to 2049."""
    return element(der.UTC_TIME, f"{at:%y%m%d%H%M%SZ}".encode())


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return element(der.OBJECT_IDENTIFIER, *map(_base_128, (_OID_LIMIT * first + second, *rest)))


def _base_128(arc: int) -> bytes:
    encoded = bytes((arc & 0x7F,))
    while arc := arc >> 7:
        encoded = bytes((_SHORT_FORM | arc & 0x7F,)) + encoded
    return encoded
