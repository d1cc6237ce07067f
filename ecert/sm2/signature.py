"""SM2 signature values on the wire: strict DER `SEQUENCE { r INTEGER, s INTEGER }` and raw `r ‖ s`.

Source: GM/T 0009 (domain.md 2.1). The parser accepts exactly one spelling of each value, so that no two
engines can disagree about a signature: every rule under "what verification must reject" that concerns
encoding is decided here, before an engine sees anything.
"""

from __future__ import annotations

from ecert.errors import MalformedError, Reason
from ecert.sm2.curve import N

RAW_LENGTH = 64
"""Length in bytes of the raw form: r and s, 32 bytes each, big-endian."""

DER_MAX_LENGTH = 72
"""The longest DER form in bytes: both integers with a leading zero octet."""

_DER_MIN_LENGTH = 8
_SEQUENCE = 0x30
_INTEGER = 0x02
_HALF = RAW_LENGTH // 2


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.SIGNATURE_MALFORMED, f"not an SM2 signature: {what}")


def _checked(r: int, s: int) -> tuple[int, int]:
    """Refuse integers outside [1, n-1] and r + s = n, for which no signature exists."""
    if not 0 < r < N or not 0 < s < N:
        raise _malformed("r or s lies outside 1..n-1")
    if r + s == N:
        raise _malformed("r + s is zero modulo n")
    return r, s


def _read_integer(data: bytes, at: int) -> tuple[int, int]:
    if len(data) < at + 2 or data[at] != _INTEGER:
        raise _malformed("an INTEGER was expected")
    length = data[at + 1]
    end = at + 2 + length
    body = data[at + 2 : end]
    if not 0 < length <= _HALF + 1 or end > len(data):
        raise _malformed("an INTEGER's length is wrong")
    if body[0] & 0x80:
        raise _malformed("an INTEGER is negative")
    if length > 1 and body[0] == 0 and not body[1] & 0x80:
        raise _malformed("an INTEGER is not minimal")
    return int.from_bytes(body, "big"), end


def decode_der(signature: bytes) -> tuple[int, int]:
    """Read (r, s) from strict DER.

    Raises:
        MalformedError: `signature` is anything but the one DER encoding of a possible (r, s).
    """
    if not _DER_MIN_LENGTH <= len(signature) <= DER_MAX_LENGTH:
        raise _malformed(f"{len(signature)} bytes long")
    if signature[0] != _SEQUENCE or signature[1] != len(signature) - 2:
        raise _malformed("not one DER SEQUENCE without trailing bytes")
    r, at = _read_integer(signature, 2)
    s, at = _read_integer(signature, at)
    if at != len(signature):
        raise _malformed("bytes follow the second INTEGER")
    return _checked(r, s)


def decode_raw(signature: bytes) -> tuple[int, int]:
    """Read (r, s) from 64 raw bytes.

    Raises:
        MalformedError: not 64 bytes, or no possible (r, s).
    """
    if len(signature) != RAW_LENGTH:
        raise _malformed(f"the raw form is {RAW_LENGTH} bytes, this is {len(signature)}")
    return _checked(int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big"))


def encode_raw(r: int, s: int) -> bytes:
    """Write (r, s) as 64 bytes."""
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def _integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((_INTEGER, len(body))) + body


def encode_der(r: int, s: int) -> bytes:
    """Write (r, s) as DER, 8 to 72 bytes."""
    body = _integer(r) + _integer(s)
    return bytes((_SEQUENCE, len(body))) + body
