"""The electronic seal, SESeal: GM/T 0031-2014 (V1), GB/T 38540-2020 (V4), GM/T 0031-2025 (V5); domain.md 2.2.

A seal is read once, completely; what its maker signed is kept as it lies. Reading says nothing about believing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert import der_encoding as enc
from ecert.errors import Reason
from ecert.seal.fields import (
    LIMIT,
    TIMES,
    SealExtension,
    count,
    instant,
    number,
    read_extensions,
    read_time_stamp,
    text,
)
from ecert.sm2 import sm3
from ecert.x509.schema import reading

if TYPE_CHECKING:
    from datetime import datetime

CERTIFICATES: Final = 1
DIGESTS: Final = 2
"""Values of certListType."""

_MARK: Final = "ES"
_SM3_NAMES: Final = frozenset({"sm3", "1.2.156.10197.1.401"})
_MAX_LISTED: Final = 1024
_V1_ELEMENTS: Final = 2
_V4_ELEMENTS: Final = 4
_V5_ELEMENTS: Final = 5


class SealVersion(IntEnum):
    """Which standard wrote the structure."""

    V1 = 1
    V4 = 4
    V5 = 5


@dataclass(frozen=True, slots=True)
class CertificateDigest:
    """One entry of a digest list: the algorithm as it is named, and the digest of a certificate's DER."""

    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True, repr=False)
class SealPicture:
    """What the seal looks like.

    Attributes:
        kind: Format as named, upper case: PNG, GIF, SVG, OFD...
        data: The file.
        width: In millimetres.
        height: In millimetres.
    """

    kind: str
    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, repr=False)
class SealInfo:
    """What the maker signed (SES_SealInfo).

    Attributes:
        version: header.version as it is written.
        vendor: Vid of the header.
        code: esID, the seal's code.
        kind: Type of the seal as a number; GA codes 1 法定名称章, 2 财务专用章, 3 发票专用章, 4 合同专用章, 5 名章.
        name: The seal's name.
        certificates: The certificates of those who may seal with it, in DER; empty when it lists digests.
        digests: The digests of those certificates; empty when it lists certificates.
        created: When it was made, aware UTC.
        not_before: First instant at which it may be used, aware UTC.
        not_after: Last instant, inclusive.
        picture: What it looks like.
        extensions: Whatever the vendor added.
    """

    version: int
    vendor: str
    code: str
    kind: int
    name: str
    certificates: tuple[bytes, ...]
    digests: tuple[CertificateDigest, ...]
    created: datetime
    not_before: datetime
    not_after: datetime
    picture: SealPicture
    extensions: tuple[SealExtension, ...]

    def lists(self, certificate: bytes) -> bool:
        """Tell whether the holder of a certificate (in DER) may seal: the very bytes, or their SM3, are listed."""
        if certificate in self.certificates:
            return True
        digest = sm3(certificate)
        return any(one.value == digest and one.algorithm.casefold() in _SM3_NAMES for one in self.digests)


@dataclass(frozen=True, slots=True, repr=False)
class Seal:
    """A seal as read.

    Attributes:
        der: The whole seal.
        version: Which structure it has.
        info: What it says.
        signed: What the maker signs: V1 SEQUENCE{info, cert, algorithm}; V4 and V5 SES_SealInfo alone.
        maker_certificate: The maker's certificate as carried, in DER.
        algorithm: Dotted identifier of the signature algorithm.
        signature: The maker's signature value.
        time_stamp: The token over the signature value; V5 only, or None.
    """

    der: bytes
    version: SealVersion
    info: SealInfo
    signed: bytes
    maker_certificate: bytes
    algorithm: str
    signature: bytes
    time_stamp: bytes | None

    @classmethod
    def decode(cls, data: bytes) -> Seal:
        """Read a seal of at most 2 MiB (GM/T 0031, 6.1.2 a).

        Raises:
            MalformedError: not strict DER, not a seal of V1, V4 or V5, or with a critical extension.
        """
        with reading(Reason.SEAL_MALFORMED, "the seal"):
            der.check(data, limit=LIMIT)
            return read_seal(der.read_one(data, der.SEQUENCE))

    def __repr__(self) -> str:
        return f"Seal({self.info.code}, {self.info.name}, {self.version.name})"


def read_seal(element: der.Element) -> Seal:
    """Read a seal that lies inside something already checked to be DER.

    Raises:
        ValueError: it is none.
    """
    elements = count(element, most=_V5_ELEMENTS)
    if elements == _V1_ELEMENTS:
        return _read_v1(element)
    if elements not in (_V4_ELEMENTS, _V5_ELEMENTS):
        raise der.DerError("a seal that does not have 2, 4 or 5 elements")
    reader = element.children()
    info_element = reader.read(der.SEQUENCE)
    info = _read_info(info_element, SealVersion.V4)
    certificate = reader.read(der.OCTET_STRING).content
    algorithm = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    signature = der.octet_bits(reader.read(der.BIT_STRING))
    time_stamp = read_time_stamp(reader)
    reader.finish()
    is_v5 = elements == _V5_ELEMENTS or info.version == SealVersion.V5
    version = SealVersion.V5 if is_v5 else SealVersion.V4
    return Seal(element.der, version, info, info_element.der, certificate, algorithm, signature, time_stamp)


def _read_v1(element: der.Element) -> Seal:
    reader = element.children()
    info_element = reader.read(der.SEQUENCE)
    sign_info = reader.read(der.SEQUENCE).children()
    certificate, algorithm = sign_info.read(der.OCTET_STRING), sign_info.read(der.OBJECT_IDENTIFIER)
    signature = der.octet_bits(sign_info.read(der.BIT_STRING))
    sign_info.finish()
    return Seal(
        der=element.der,
        version=SealVersion.V1,
        info=_read_info(info_element, SealVersion.V1),
        signed=enc.sequence(info_element.der, certificate.der, algorithm.der),
        maker_certificate=certificate.content,
        algorithm=der.oid(algorithm),
        signature=signature,
        time_stamp=None,
    )


def _read_info(element: der.Element, structure: SealVersion) -> SealInfo:
    reader = element.children()
    header = reader.read(der.SEQUENCE).children()
    mark, version, vendor = text(header.read()), number(header.read(der.INTEGER)), text(header.read())
    header.finish()
    if mark != _MARK:
        raise der.DerError("a header that does not begin with ES")
    code = text(reader.read())
    properties = reader.read(der.SEQUENCE).children()
    picture = _read_picture(reader.read(der.SEQUENCE))
    extensions = read_extensions(reader)
    reader.finish()
    kind, name = number(properties.read(der.INTEGER)), text(properties.read())
    listed = CERTIFICATES if structure is SealVersion.V1 else number(properties.read(der.INTEGER))
    certificates, digests = _read_list(properties.read(der.SEQUENCE), listed)
    created, not_before, not_after = (instant(properties.read(*TIMES)) for _ in range(3))
    properties.finish()
    return SealInfo(
        version=version,
        vendor=vendor,
        code=code,
        kind=kind,
        name=name,
        certificates=certificates,
        digests=digests,
        created=created,
        not_before=not_before,
        not_after=not_after,
        picture=picture,
        extensions=extensions,
    )


def _read_list(element: der.Element, listed: int) -> tuple[tuple[bytes, ...], tuple[CertificateDigest, ...]]:
    entries = element.children().rest()
    if len(entries) > _MAX_LISTED:
        raise der.DerError(f"a list of {len(entries)} certificates")
    if listed == CERTIFICATES:
        return tuple(_listed_certificate(one) for one in entries), ()
    if listed == DIGESTS:
        return (), tuple(_listed_digest(one) for one in entries)
    raise der.DerError(f"a list of kind {listed}, neither certificates nor digests")


def _listed_certificate(element: der.Element) -> bytes:
    """Return the certificate in an OCTET STRING; or, as GM/T 0031-2014 can be read, the certificate itself."""
    if element.tag not in (der.OCTET_STRING, der.SEQUENCE):
        raise der.DerError("a certificate list with something else in it")
    return element.content if element.tag == der.OCTET_STRING else element.der


def _listed_digest(element: der.Element) -> CertificateDigest:
    reader = der.read_one(element.der, der.SEQUENCE).children()
    algorithm, value = text(reader.read()), reader.read(der.OCTET_STRING).content
    reader.finish()
    return CertificateDigest(algorithm, value)


def _read_picture(element: der.Element) -> SealPicture:
    reader = element.children()
    kind, data = text(reader.read()), reader.read(der.OCTET_STRING).content
    width, height = number(reader.read(der.INTEGER)), number(reader.read(der.INTEGER))
    reader.finish()
    return SealPicture(kind.upper(), data, width, height)
