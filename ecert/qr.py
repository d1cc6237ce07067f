"""The text of a licence's QR code: a link whose fragment is the sealed face record.

    HTTPS://<portal host>/#<base-41 of the bytes>

Codes that are no face records have a letter before the `#` (`ecert.presentation.codes`).

Any phone camera or chat app opens the link, the fragment never reaches a server, and a window never
follows it: the host proves nothing. Base-41 uses 41 characters of QR's alphanumeric set that are safe in a
URL fragment: three characters for two bytes, as dense as Base45, whose `$`, `%` and space break links
and keyboards. `:` is left out because input methods widen it; `*` and `.` stand last in the alphabet, where
the final character of a text never reaches, because chat apps drop them at the end of a link.
"""

from __future__ import annotations

import re
from typing import Final

from ecert.errors import MalformedError, Reason
from ecert.sm2.engine import kernel

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+-/*."
"""The 41 characters, in order of value."""

MAX_TEXT: Final = 4096
"""The most characters of a text that are looked at."""

_BASE: Final = len(ALPHABET)
_NO_DIGIT: Final = 0xFF
_MAX_BYTE: Final = 0xFF
_DIGITS: Final = bytes(ALPHABET.index(chr(code)) if chr(code) in ALPHABET else _NO_DIGIT for code in range(256))
_HOST: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9.-]{0,251}[A-Z0-9])?")
_LINK: Final = re.compile(r"HTTPS://(?P<host>[A-Z0-9.-]{1,253})/(?P<letter>[A-Z]?)#(?P<code>.*)", re.DOTALL)


def encode_base41(data: bytes) -> str:
    """Write bytes as text: for each big-endian pair three digits, lowest first; for a last odd byte two."""
    digits: list[str] = []
    for at in range(0, len(data) - 1, 2):
        value = data[at] << 8 | data[at + 1]
        high, low = divmod(value, _BASE)
        top, middle = divmod(high, _BASE)
        digits += (ALPHABET[low], ALPHABET[middle], ALPHABET[top])
    if len(data) % 2:
        high, low = divmod(data[-1], _BASE)
        digits += (ALPHABET[low], ALPHABET[high])
    return "".join(digits)


def decode_base41(text: str) -> bytes:
    """Read the bytes back.

    Raises:
        MalformedError: a character outside the alphabet, an impossible length or an impossible group.
    """
    compiled = kernel()
    data = compiled.base41(text.encode("ascii", "replace")) if compiled is not None else None
    return _decode_in_python(text) if data is None else data


def _decode_in_python(text: str) -> bytes:
    digits = text.encode("ascii", "replace").translate(_DIGITS)
    if _NO_DIGIT in digits:
        wrong = next(character for character in text if character not in ALPHABET)
        raise _damaged(f"the character {wrong!r} does not occur in a licence code")
    groups, over = divmod(len(digits), 3)
    whole = 3 * groups
    values = sum(_spread(digits[place:whole:3]) * _BASE**place for place in range(3)).to_bytes(4 * groups, "big")
    last = digits[whole] + digits[-1] * _BASE if over else 0
    if over == 1 or last > _MAX_BYTE or values[1::4].count(0) != groups:
        raise _damaged("characters are missing or wrong")
    data = bytearray(2 * groups)
    data[0::2], data[1::2] = values[2::4], values[3::4]
    return bytes(data) + (bytes((last,)) if over else b"")


def _spread(digits: bytes) -> int:
    """Return one number with a digit in every 32 bits: then all are multiplied and added at once, without carries."""
    lanes = bytearray(4 * len(digits))
    lanes[3::4] = digits
    return int.from_bytes(lanes, "big")


def _damaged(what: str) -> MalformedError:
    return MalformedError(Reason.TEXT_DAMAGED, what)


def encode_text(data: bytes, host: str, letter: str = "") -> str:
    """Write a sealed face record, or what another kind of code carries, as the text of its QR code.

    Args:
        data: The encoded envelope.
        host: The portal host, e.g. `zz.example`; the deployment's choice.
        letter: The kind of code, one capital letter; a face record has none.

    Raises:
        MalformedError: `host` is not a host name.
    """
    host = host.upper()
    if not _HOST.fullmatch(host):
        raise MalformedError(Reason.NOT_A_LICENCE_TEXT, "the portal host is not a host name")
    return f"HTTPS://{host}/{letter}#{encode_base41(data)}"


def decode_link(text: str) -> tuple[str, bytes]:
    """Read the letter and the bytes out of a code's text; letter case does not matter, nor does the host.

    Raises:
        MalformedError: not a link of this form, or one whose code is damaged.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError(Reason.TOO_LARGE, f"a licence code has at most {MAX_TEXT} characters")
    if not text.isascii():
        raise MalformedError(Reason.NOT_A_LICENCE_TEXT, "the text has characters that no licence code has")
    match = _LINK.fullmatch(text.strip().upper())
    if match is None:
        raise MalformedError(Reason.NOT_A_LICENCE_TEXT, "the text is not a licence link")
    return match["letter"], decode_base41(match["code"])


def decode_text(text: str) -> bytes:
    """Read the sealed face record out of a QR code's text.

    Raises:
        MalformedError: not a licence link, or one whose code is damaged; or another kind of code.
    """
    letter, data = decode_link(text)
    if letter:
        raise MalformedError(Reason.NOT_A_LICENCE_TEXT, "it is not the code on a licence's face, but one of a phone")
    return data
