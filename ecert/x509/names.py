"""Distinguished names (RFC 5280, 4.1.2.4): built, shown, and compared.

Three needs, three functions. Chaining and list matching compare the raw DER and nothing else. `text` is for
people, and reads whatever real certificates carry, UTF-8 inside IA5String and T61String too; nothing is decided
by it. `canonical` is the comparison of RFC 5280, 7.1, and serves name constraints alone: there a difference in
case or string type must not let a name slip out of an excluded subtree.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, TypeAlias

from asn1crypto import x509

from ecert import der
from ecert.errors import MalformedError, Reason

CanonicalRdn: TypeAlias = frozenset[tuple[str, str | bytes]]
"""One relative name in comparable form: attribute type and prepared value."""

EMAIL_ADDRESS: Final = "1.2.840.113549.1.9.1"

_MAX_LENGTH: Final = 64
_MAX_SHOWN: Final = 500
_SHORT: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.42": "GN",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    EMAIL_ADDRESS: "emailAddress",
}
_BMP_STRING: Final = 0x1E
_UNIVERSAL_STRING: Final = 0x1C
_BYTE_STRINGS: Final = (0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A)
"""UTF8, Numeric, Printable, T61, IA5 and Visible String: all one octet a character, or UTF-8 by mistake."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name to put into a certificate: C as PrintableString, the rest as UTF8String, in the order C, O, OU, CN.

    Raises:
        MalformedError: a part is empty or longer than 64 characters, or the country is not two capital letters.
    """

    common_name: str
    organization: str | None = None
    organizational_unit: str | None = None
    country: str = "CN"

    def __post_init__(self) -> None:
        for part in (self.common_name, self.organization, self.organizational_unit):
            if part is not None and not 0 < len(part) <= _MAX_LENGTH:
                raise MalformedError(
                    Reason.CERTIFICATE_MALFORMED, f"a part of a name has 1 to {_MAX_LENGTH} characters"
                )
        if re.fullmatch("[A-Z]{2}", self.country) is None:
            raise MalformedError(Reason.CERTIFICATE_MALFORMED, "a country is two capital letters (ISO 3166)")

    @property
    def der(self) -> bytes:
        """The DER of the name."""
        parts = {
            "country_name": self.country,
            "organization_name": self.organization,
            "organizational_unit_name": self.organizational_unit,
            "common_name": self.common_name,
        }
        encoded: bytes = x509.Name.build({key: value for key, value in parts.items() if value is not None}).dump()
        return encoded


def relative_names(name: bytes) -> list[list[tuple[str, der.Element]]]:
    """Split the DER of a Name into relative names, each a list of (attribute type, value).

    Raises:
        DerError: not a Name.
    """
    names = []
    outer = der.read_one(name, der.SEQUENCE).children()
    while outer:
        relative = outer.read(der.SET)
        names.append([_attribute(one) for one in relative.children().rest(der.SEQUENCE)])
        if not names[-1]:
            raise der.DerError("a relative name without attributes")
    return names


def _attribute(element: der.Element) -> tuple[str, der.Element]:
    reader = element.children()
    kind = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    value = reader.read()
    reader.finish()
    return kind, value


def decode_string(element: der.Element) -> str | None:
    """Return the text of an attribute value, by its string type or else what its bytes say; None if it has none."""
    content = element.content
    try:
        if element.tag == _BMP_STRING:
            return content.decode("utf-16-be")
        if element.tag == _UNIVERSAL_STRING:
            return content.decode("utf-32-be")
        if element.tag in _BYTE_STRINGS:
            return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1") if element.tag in _BYTE_STRINGS else None
    return None


def _escape(value: str) -> str:
    shown = []
    for at, char in enumerate(value):
        if char in ',+"\\<>;=' or (char == "#" and at == 0) or (char == " " and at in (0, len(value) - 1)):
            shown.append("\\" + char)
        elif char.isprintable():
            shown.append(char)
        else:
            shown += [f"\\{octet:02X}" for octet in char.encode("utf-8")]
    return "".join(shown)


def _shown(kind: str, value: der.Element) -> str:
    decoded = decode_string(value)
    return f"{_SHORT.get(kind, kind)}={'#' + value.der.hex() if decoded is None else _escape(decoded)}"


def text(name: bytes) -> str:
    """Show the DER of a Name in the manner of RFC 4514: the most specific part first, what does not print escaped.

    What is longer than 500 characters is cut: it is shown in messages, and strangers choose it.

    Raises:
        DerError: not a Name.
    """
    shown = ",".join("+".join(_shown(*pair) for pair in relative) for relative in reversed(relative_names(name)))
    return shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"


def _prepared(value: der.Element) -> str | bytes:
    decoded = decode_string(value)
    if decoded is None:
        return value.der
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", decoded).casefold()).split())


def canonical(name: bytes) -> list[CanonicalRdn]:
    """Return a Name in comparable form: string types unified, case folded, spaces trimmed (RFC 5280, 7.1).

    Raises:
        DerError: not a Name.
    """
    return [frozenset((kind, _prepared(value)) for kind, value in relative) for relative in relative_names(name)]
