"""The three codes that are scanned, told apart by their text alone. `docs/presenting.md` has vectors.

    face      HTTPS://<host>/#…     the sealed face record: printed, verified by whoever scans it, as often as wanted
    dynamic   HTTPS://<host>/D#…    a token that a phone shows for at most a minute and a window redeems once
    offline   HTTPS://<host>/O#…    what a phone signed without a network

The bytes of a dynamic code are the region whose service redeems it (3), a random token (16) and the first two bytes of
SM3 over both, by which a code that was misread is told from one that nobody gave out. A window finds the service in
the trust registry by the region: the host in the text proves nothing, and nobody follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_region_code
from ecert.qr import decode_link, encode_text
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_LENGTH: Final = 16
"""Random bytes of a dynamic code."""

_REGION_LENGTH: Final = 3
_CHECK_LENGTH: Final = 2
_LENGTH: Final = _REGION_LENGTH + TOKEN_LENGTH + _CHECK_LENGTH
_KEY_OF: Final = b"ecert dynamic code"


class CodeKind(StrEnum):
    """What was scanned. The values are stable."""

    FACE = "face"
    DYNAMIC = "dynamic"
    OFFLINE = "offline"


_LETTERS: Final = {CodeKind.FACE: "", CodeKind.DYNAMIC: "D", CodeKind.OFFLINE: "O"}
_KINDS: Final = {letter: kind for kind, letter in _LETTERS.items()}


def read_code(text: str) -> tuple[CodeKind, bytes]:
    """Tell what kind of code a text is, and return its bytes, not yet looked at.

    Raises:
        MalformedError: none of the three, or damaged.
    """
    letter, data = decode_link(text)
    kind = _KINDS.get(letter)
    if kind is None:
        raise MalformedError(Reason.NOT_A_LICENCE_TEXT, f"no code has the letter {letter}")
    return kind, data


@dataclass(frozen=True, slots=True)
class DynamicCode:
    """A code of a phone, good for one scan within a minute. It says nothing of holder or licence.

    Attributes:
        region: Whose service redeems it, 6 digits.
        token: 16 random bytes.
    """

    region: str
    token: bytes

    @classmethod
    def draw(cls, region: str, entropy: Callable[[int], bytes]) -> DynamicCode:
        """Draw a new code; `entropy` returns that many fresh random bytes."""
        return cls(region, entropy(TOKEN_LENGTH))

    @property
    def key(self) -> bytes:
        """What a store keeps the showing under, 32 bytes: whoever reads the store cannot show the code."""
        return sm3(_KEY_OF + self._body)

    @property
    def _body(self) -> bytes:
        return int(self.region).to_bytes(_REGION_LENGTH, "big") + self.token

    def text(self, host: str) -> str:
        """Return the text of its QR code.

        Raises:
            MalformedError: `host` is not a host name.
        """
        body = self._body
        return encode_text(body + sm3(body)[:_CHECK_LENGTH], host, _LETTERS[CodeKind.DYNAMIC])

    @classmethod
    def decode(cls, data: bytes) -> DynamicCode:
        """Read a code from the bytes that `read_code` returned.

        Raises:
            MalformedError: TEXT_DAMAGED; characters are missing or were misread.
        """
        body, check = data[:-_CHECK_LENGTH], data[-_CHECK_LENGTH:]
        if len(data) != _LENGTH or sm3(body)[:_CHECK_LENGTH] != check:
            raise MalformedError(Reason.TEXT_DAMAGED, "the dynamic code was not read whole")
        region = f"{int.from_bytes(body[:_REGION_LENGTH], 'big'):06}"
        if check_region_code(region):
            raise MalformedError(Reason.TEXT_DAMAGED, "the dynamic code names no region")
        return cls(region, body[_REGION_LENGTH:])
