"""The auth code of a grant (用证码): 40 characters that are bound to who may use which licence for what.

    base32 (RFC 4648) of random (16 bytes) ‖ first 9 bytes of SM3(random ‖ canonical CBOR [requester, licence, matter,
    purpose])

Whoever holds a code and knows what it is claimed for can tell whether it was given for that, without asking anybody.
Whether it was given at all, and still holds, only the service knows that gave it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecert.licence.identifier import Identifier

_RANDOM: Final = 16
_BOUND: Final = 9
_TEXT: Final = re.compile(r"[A-Z2-7]{40}")


@dataclass(frozen=True, slots=True)
class Binding:
    """What an auth code is bound to.

    Attributes:
        requester: Credit code of the body that may use the licence, 18 characters.
        licence: One version of one licence.
        item_code: The matter (事项) it is used in.
        purpose: What for, in words.
    """

    requester: str
    licence: Identifier
    item_code: str
    purpose: str

    def digest(self, random: bytes) -> bytes:
        """Return the 9 bytes by which a code is bound to this."""
        return sm3(random + cbor.encode([self.requester, self.licence.text, self.item_code, self.purpose]))[:_BOUND]


@dataclass(frozen=True, slots=True)
class AuthCode:
    """An auth code.

    Attributes:
        value: Its 25 bytes.
    """

    value: bytes

    @classmethod
    def draw(cls, binding: Binding, entropy: Callable[[int], bytes]) -> AuthCode:
        """Draw a code for a binding; `entropy` returns that many fresh random bytes."""
        random = entropy(_RANDOM)
        return cls(random + binding.digest(random))

    @classmethod
    def parse(cls, text: str) -> AuthCode:
        """Read a code from its text.

        Raises:
            MalformedError: TEXT_DAMAGED; it is none.
        """
        if not _TEXT.fullmatch(text):
            raise MalformedError(Reason.TEXT_DAMAGED, "an auth code has 40 characters A-Z and 2-7")
        try:
            return cls(base64.b32decode(text))
        except binascii.Error as error:
            raise MalformedError(Reason.TEXT_DAMAGED, "not an auth code") from error

    @property
    def text(self) -> str:
        """The code as it is handed on."""
        return base64.b32encode(self.value).decode("ascii")

    def is_for(self, binding: Binding) -> bool:
        """Tell whether the code was drawn for this."""
        return hmac.compare_digest(self.value[_RANDOM:], binding.digest(self.value[:_RANDOM]))
