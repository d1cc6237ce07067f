"""The licence identifier (证照标识), GB/T 36904.

    1.2.156.3005.2 . type code . issuer code . serial . version . check character

The check character is ISO/IEC 7064 MOD 37,36 over type code, issuer code, serial and version, joined without
dots and without the OID root; it finds every single wrong character. What we issue follows the strict form.
What others issued may name an issuer by a platform or region code of 6 to 18 characters: the lenient form
reads that, and still asks for the check character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from stdnum.iso7064 import mod_37_36

from ecert.errors import CustodyError, MalformedError, Reason
from ecert.licence.codes import check_credit_code

if TYPE_CHECKING:
    from collections.abc import Callable

OID_ROOT: Final = "1.2.156.3005.2"
"""The root of all licence identifiers (电子证照根代码)."""
MAX_LENGTH: Final = 128
"""The longest identifier in characters: the column that national records keep it in."""
SERIAL_LENGTH: Final = 20
"""The length in characters of the serials we draw."""
MAX_VERSION: Final = 999

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TYPE_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_ISSUER_CODE: Final = re.compile(r"[0-9A-Z]{6,18}")
_SERIAL: Final = re.compile(r"[0-9A-Z]{1,32}")
_VERSION: Final = re.compile(r"[0-9]{3}")
_CHECK: Final = re.compile(r"[0-9A-Z]")
_SEGMENTS: Final = 5
_CREDIT_CODE_LENGTH: Final = 18
_FAIR_BYTES: Final = 252
"""Bytes below this (7 x 36) fall on each of the 36 characters equally often."""
_DRAWS: Final = 64


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.IDENTIFIER_MALFORMED, f"not a licence identifier: {what}")


@dataclass(frozen=True, slots=True)
class Identifier:
    """One version of one licence.

    Attributes:
        type_code: 21 characters: the defining body's credit code and three digits.
        issuer_code: The issuer's credit code, 18 characters; 6 to 18 in imported data.
        serial: 1 to 32 characters `[0-9A-Z]`, unique within type and issuer.
        version: 1 to 999; grows when the same licence is changed or renewed.

    Raises:
        MalformedError: IDENTIFIER_MALFORMED; an attribute does not have the (lenient) shape above.
    """

    type_code: str
    issuer_code: str
    serial: str
    version: int

    def __post_init__(self) -> None:
        if not _TYPE_CODE.fullmatch(self.type_code):
            raise _malformed("the type code is 18 characters 0-9A-Z and 3 digits")
        if not _ISSUER_CODE.fullmatch(self.issuer_code):
            raise _malformed("the issuer code is 18 (imported: 6 to 18) characters 0-9A-Z")
        if not _SERIAL.fullmatch(self.serial):
            raise _malformed("the serial is 1 to 32 characters 0-9A-Z")
        if not 1 <= self.version <= MAX_VERSION:
            raise _malformed(f"the version is 001 to {MAX_VERSION}")

    @property
    def check_character(self) -> str:
        """The check character, one of `[0-9A-Z]`."""
        return _check_character(f"{self.type_code}{self.issuer_code}{self.serial}{self.version:03}")

    @property
    def text(self) -> str:
        """The dotted text, with the OID root and the check character."""
        body = f"{self.type_code}.{self.issuer_code}.{self.serial}.{self.version:03}"
        return f"{OID_ROOT}.{body}.{self.check_character}"

    def __str__(self) -> str:
        return self.text

    def next_version(self) -> Identifier:
        """Name the licence that takes this one's place after a change or renewal.

        Raises:
            MalformedError: IDENTIFIER_MALFORMED; this is version 999 already.
        """
        return replace(self, version=self.version + 1)


@lru_cache(maxsize=4096)
def _check_character(payload: str) -> str:
    """Return the check character; of an identifier at hand it is asked for many times."""
    return str(mod_37_36.calc_check_digit(payload))


def _require_credit_codes(identifier: Identifier) -> None:
    if check_credit_code(identifier.type_code[:_CREDIT_CODE_LENGTH]):
        raise _malformed("the type code does not begin with a valid credit code")
    if check_credit_code(identifier.issuer_code):
        raise _malformed("the issuer code is not a valid credit code")


def parse_identifier(text: str, *, lenient: bool = False) -> Identifier:
    """Read an identifier from its dotted text.

    Args:
        text: At most 128 characters; nothing around it, letters in upper case.
        lenient: For imported data. Issuer codes of 6 to 18 characters are taken, and the check digits inside
            credit codes are not looked at. The identifier's own check character always is.

    Raises:
        MalformedError: IDENTIFIER_MALFORMED where a segment has the wrong shape or a credit code is not valid;
            IDENTIFIER_CHECK_CHARACTER where the shape is right and the check character is not.
    """
    if len(text) > MAX_LENGTH:
        raise _malformed(f"longer than {MAX_LENGTH} characters")
    if not text.startswith(f"{OID_ROOT}."):
        raise _malformed(f"it does not begin with {OID_ROOT}.")
    segments = text[len(OID_ROOT) + 1 :].split(".")
    if len(segments) != _SEGMENTS:
        raise _malformed(f"{_SEGMENTS} segments follow the root, this has {len(segments)}")
    type_code, issuer_code, serial, version, check = segments
    if not _VERSION.fullmatch(version) or not _CHECK.fullmatch(check):
        raise _malformed("it ends in a version of 3 digits and one check character 0-9A-Z")
    identifier = Identifier(type_code, issuer_code, serial, int(version))
    if check != identifier.check_character:
        detail = f"the check character is {check}, the rest computes to {identifier.check_character}"
        raise MalformedError(Reason.IDENTIFIER_CHECK_CHARACTER, detail)
    if not lenient:
        _require_credit_codes(identifier)
    return identifier


def new_serial(entropy: Callable[[int], bytes]) -> str:
    """Draw a serial: 20 characters, each uniform over `[0-9A-Z]` (103 bits).

    Args:
        entropy: Given n, returns n random bytes, e.g. `secrets.token_bytes`.

    Raises:
        CustodyError: ENGINE_FAILED; the source keeps returning bytes that cannot be random.
    """
    serial = ""
    for _ in range(_DRAWS):
        fair = [byte for byte in entropy(SERIAL_LENGTH) if byte < _FAIR_BYTES]
        serial += "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in fair)
        if len(serial) >= SERIAL_LENGTH:
            return serial[:SERIAL_LENGTH]
    raise CustodyError(Reason.ENGINE_FAILED, "the random source returned no usable bytes")
