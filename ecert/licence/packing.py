"""A licence identifier in the fewest bytes, for the face record."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import product
from typing import Final

from ecert.errors import MalformedError, Reason
from ecert.licence.identifier import Identifier

_USCC: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_USCC_DIGITS: Final = len(_USCC) ** 17
_SERIAL: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_SERIAL: Final = 32
_MAX_PACKED: Final = 34
_FIRST_SERIALS: Final = tuple((36**length - 1) // 35 for length in range(_MAX_SERIAL + 2))
"""The position of the first serial of each length, from length 0."""
_TRIPLE: Final = 36**3
_PART: Final = _TRIPLE**4
_TRIPLES: Final = tuple(map("".join, product(_SERIAL, repeat=3)))


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.RECORD_MALFORMED, f"not a packed identifier: {what}")


def _uscc_check(digits: list[int]) -> str:
    total = sum(digit * weight for digit, weight in zip(digits, _USCC_WEIGHTS, strict=True))
    return _USCC[-total % 31]


def pack_identifier(identifier: Identifier) -> bytes:
    """Write type code, serial and version as one integer, big-endian without leading zeros.

    `((serial · 31^17 + body) · 1000 + sequence) · 1000 + version`, where body is the first 17 characters
    of the type's defining body (USCC, base 31; its check character follows from them), sequence the type
    code's last three digits, and serial the position of the serial number among all strings over
    `0-9A-Z`, ordered by length and then by value. A serial of 20 characters takes 26 bytes in all.

    Raises:
        MalformedError: the type's defining body is not a USCC.
    """
    body, sequence = identifier.type_code[:18], identifier.type_code[18:]
    try:
        digits = [_USCC.index(character) for character in body[:17]]
    except ValueError:
        raise _malformed("the type's defining body is not a USCC") from None
    if body[17] != _uscc_check(digits):
        raise _malformed("the type's defining body is not a USCC")
    number = 0
    for character in identifier.serial:
        number = number * 36 + _SERIAL.index(character) + 1
    for digit in digits:
        number = number * 31 + digit
    number = (number * 1000 + int(sequence)) * 1000 + identifier.version
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def unpack_identifier(data: bytes, issuer_code: str) -> Identifier:
    """Read what `pack_identifier` wrote; the issuer's code comes from the registry.

    Raises:
        MalformedError: not the packed form of a possible identifier.
    """
    if not 0 < len(data) <= _MAX_PACKED or data[0] == 0:
        raise _malformed("the packed identifier has a wrong length")
    number, version = divmod(int.from_bytes(data, "big"), 1000)
    number, sequence = divmod(number, 1000)
    serial_number, body_number = divmod(number, _USCC_DIGITS)
    length = bisect_right(_FIRST_SERIALS, serial_number) - 1
    if not 0 < length <= _MAX_SERIAL or not version:
        raise _malformed("the packed identifier has no serial or no version")
    return Identifier(_type_code(body_number, sequence), issuer_code, _serial(serial_number, length), version)


def _serial(number: int, length: int) -> str:
    """Write out the serial at a position, three characters at a time."""
    number -= _FIRST_SERIALS[length]
    serial = ""
    for _ in range(0, length, 12):
        number, part = divmod(number, _PART)  # what is left of a part is a small number, which is divided faster
        part, last = divmod(part, _TRIPLE)
        part, third = divmod(part, _TRIPLE)
        first, second = divmod(part, _TRIPLE)
        serial = f"{_TRIPLES[first]}{_TRIPLES[second]}{_TRIPLES[third]}{_TRIPLES[last]}{serial}"
    return serial[-length:]


@lru_cache(maxsize=1024)
def _type_code(body_number: int, sequence: int) -> str:
    digits: list[int] = []
    for _ in range(17):
        body_number, digit = divmod(body_number, 31)
        digits.insert(0, digit)
    body = "".join(_USCC[digit] for digit in digits) + _uscc_check(digits)
    return f"{body}{sequence:03d}"
