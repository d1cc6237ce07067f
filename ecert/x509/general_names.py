"""GeneralName and distribution points (RFC 5280, 4.2.1.6 and 4.2.1.13) as tag and bytes, strings undecoded.

Alternative names in real certificates hold UTF-8 in IA5String and worse. Nothing here fails on that: a name is
its tag and its content, and whoever must decide by the text decodes it, and refuses what does not decode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ecert import der

EMAIL: Final = 1
DNS: Final = 2
DIRECTORY: Final = 4
URI: Final = 6
UNREADABLE: Final = -1
"""Stands for a whole subjectAltName that is no list of names: it satisfies no constraint."""

_CONTEXT: Final = 0x80
_NUMBER: Final = 0x1F
_POINT_NAME: Final = 0xA0
_POINT_REASONS: Final = 0x81
_POINT_ISSUER: Final = 0xA2
_FULL_NAME: Final = 0xA0
_RELATIVE_NAME: Final = 0xA1


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One name.

    Attributes:
        kind: The number of the alternative: 1 email, 2 DNS, 4 directory name, 6 URI, and those not used here.
        value: The content octets; for a directory name the DER of the Name.
    """

    kind: int
    value: bytes

    @classmethod
    def of(cls, element: der.Element) -> GeneralName:
        """Take one encoded GeneralName.

        Raises:
            DerError: not a context-specific tag, or a directory name that holds anything but one SEQUENCE.
        """
        if element.tag & 0xC0 != _CONTEXT:
            raise der.DerError(f"tag {element.tag:#04x} is no GeneralName")
        kind = element.tag & _NUMBER
        if kind == DIRECTORY:
            return cls(kind, der.read_one(element.content, der.SEQUENCE).der)
        return cls(kind, element.content)


def read_names(reader: der.Reader) -> tuple[GeneralName, ...]:
    """Read every GeneralName that is left.

    Raises:
        DerError: something that is no GeneralName.
    """
    return tuple(GeneralName.of(element) for element in reader.rest())


def read_alternative_names(value: bytes) -> tuple[GeneralName, ...]:
    """Read a subjectAltName; one that is no list of names becomes a single `UNREADABLE` name."""
    try:
        return read_names(der.read_one(value, der.SEQUENCE).children())
    except der.DerError:
        return (GeneralName(UNREADABLE, value),)


def read_point_name(element: der.Element, issuer: bytes) -> frozenset[GeneralName]:
    """Read a DistributionPointName; a name relative to the list's issuer is completed with `issuer`, a raw Name.

    Raises:
        DerError: neither form.
    """
    reader = element.children()
    name = reader.read(_FULL_NAME, _RELATIVE_NAME)
    reader.finish()
    if name.tag == _FULL_NAME:
        return frozenset(read_names(name.children()))
    relative = _tlv(der.SET, name.content)
    return frozenset({GeneralName(DIRECTORY, _tlv(der.SEQUENCE, der.read_one(issuer).content + relative))})


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _CONTEXT:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _CONTEXT | len(octets))) + octets + content


def read_distribution_points(value: bytes, issuer: bytes) -> tuple[frozenset[GeneralName], ...]:
    """Return the names of the points that cover every reason and are published by the certificate's own issuer.

    A point that names another list issuer, or some reasons only, could not clear a certificate here, since
    indirect and partial lists are not supported; it is left out.

    Raises:
        DerError: not CRLDistributionPoints.
    """
    points = []
    for element in der.read_one(value, der.SEQUENCE).children().rest(der.SEQUENCE):
        reader = element.children()
        name = reader.optional(_POINT_NAME)
        reasons = reader.optional(_POINT_REASONS)
        other_issuer = reader.optional(_POINT_ISSUER)
        reader.finish()
        if name is not None and reasons is None and other_issuer is None:
            points.append(read_point_name(name, issuer))
    return tuple(points)
