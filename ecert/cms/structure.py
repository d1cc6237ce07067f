"""Signed data as it lies in a file: read completely, with the bytes that are hashed kept as slices.

Sources: GB/T 35275 and RFC 5652; domain.md 2.4 for what files in use do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import ber, der
from ecert import der_encoding as enc
from ecert.errors import Reason
from ecert.x509 import names
from ecert.x509.schema import reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.x509 import Certificate

GM_DATA: Final = "1.2.156.10197.6.1.4.2.1"
GM_SIGNED_DATA: Final = "1.2.156.10197.6.1.4.2.2"
DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
DATA_TYPES: Final = frozenset({DATA, GM_DATA})

CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"

LIMIT: Final = 1024 * 1024
"""The largest signed data read, in bytes."""

_PARAMETERS: Final = (b"", b"\x05\x00")
_MAX_CERTIFICATES: Final = 32
_MAX_SIGNERS: Final = 16
_MAX_ATTRIBUTES: Final = 64
_CONTEXT_0: Final = 0xA0
_CONTEXT_1: Final = 0xA1
_KEY_ID: Final = 0x80


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer, as read.

    Attributes:
        issuer: The raw Name of the issuer of the signer's certificate; None when it is named by key identifier.
        serial: The serial number of that certificate, or None.
        subject_key_id: The key identifier of that certificate, or None.
        algorithms: Dotted identifiers of the digest and of the signature algorithm.
        signed_attributes: The bytes that are signed, tagged as a SET; None when there are no attributes.
        attributes: What they say: dotted type to the DER of each value.
        signature: The signature value.
    """

    issuer: bytes | None
    serial: int | None
    subject_key_id: bytes | None
    algorithms: tuple[str, str]
    signed_attributes: bytes | None
    attributes: Mapping[str, tuple[bytes, ...]]
    signature: bytes

    def single(self, kind: str) -> bytes | None:
        """Return the DER of the one value of a signed attribute; None when it is not there, or has several."""
        values = self.attributes.get(kind, ())
        return values[0] if len(values) == 1 else None

    def names(self, certificate: Certificate) -> bool:
        """Tell whether this signer says that the certificate is its own."""
        if self.subject_key_id is not None:
            return self.subject_key_id == certificate.meaning.subject_key_id
        if self.serial != certificate.serial or self.issuer is None:
            return False
        return self.issuer == certificate.issuer or names.canonical(self.issuer) == names.canonical(certificate.issuer)


@dataclass(frozen=True, slots=True)
class SignedData:
    """Signed data, as read.

    Attributes:
        content_type: Dotted type of the content.
        content: The content, or None when it lies elsewhere.
        certificates: The X.509 certificates carried, in DER, in order.
        signers: Its signers, at least one.
    """

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]

    @classmethod
    def decode(cls, data: bytes) -> SignedData:
        """Read signed data of at most 1 MiB.

        Raises:
            MalformedError: not signed data, or without a signer.
        """
        with reading(Reason.SIGNED_DATA_MALFORMED, "the signed data"):
            reader = der.read_one(_definite(data), der.SEQUENCE).children()
            kind = der.oid(reader.read(der.OBJECT_IDENTIFIER))
            if kind not in (SIGNED_DATA, GM_SIGNED_DATA):
                raise der.DerError(f"its content type {kind} is not signed data")
            body = der.read_one(reader.read(_CONTEXT_0).content, der.SEQUENCE)
            reader.finish()
            return _read_signed_data(body)


def is_signed_data(data: bytes) -> bool:
    """Tell whether bytes begin like signed data: a SEQUENCE whose first element is one of its two content types."""
    return data[:1] == b"\x30" and any(enc.oid(kind) in data[:24] for kind in (SIGNED_DATA, GM_SIGNED_DATA))


def _definite(data: bytes) -> bytes:
    try:
        der.check(data, limit=LIMIT)
    except der.DerError:
        data = ber.definite(data, limit=LIMIT)
        der.check(data, limit=LIMIT)
    return data


def _read_signed_data(element: der.Element) -> SignedData:
    reader = element.children()
    reader.read(der.INTEGER)
    reader.read(der.SET)  # the digest algorithms of all signers together; each names its own
    content_type, content = _read_content(reader.read(der.SEQUENCE))
    certificates = reader.optional(_CONTEXT_0)
    reader.optional(_CONTEXT_1)  # revocation lists: the caller has fresher ones
    signers = reader.read(der.SET).children().rest(der.SEQUENCE)
    reader.finish()
    if not 0 < len(signers) <= _MAX_SIGNERS:
        raise der.DerError(f"{len(signers)} signers")
    return SignedData(
        content_type, content, _read_certificates(certificates), tuple(_read_signer(one) for one in signers)
    )


def _read_content(element: der.Element) -> tuple[str, bytes | None]:
    reader = element.children()
    kind = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    wrapped = reader.optional(_CONTEXT_0)
    reader.finish()
    return kind, None if wrapped is None else der.read_one(wrapped.content, der.OCTET_STRING).content


def _read_certificates(element: der.Element | None) -> tuple[bytes, ...]:
    if element is None:
        return ()
    found = element.children().rest()
    if len(found) > _MAX_CERTIFICATES:
        raise der.DerError(f"{len(found)} certificates")
    return tuple(one.der for one in found if one.tag == der.SEQUENCE)


def _read_signer(element: der.Element) -> SignerInfo:
    reader = element.children()
    reader.read(der.INTEGER)
    signer = reader.read(der.SEQUENCE, _KEY_ID)
    issuer = serial = None
    if signer.tag == der.SEQUENCE:
        parts = signer.children()
        issuer = parts.read(der.SEQUENCE).der
        names.relative_names(issuer)
        serial = der.integer(parts.read(der.INTEGER))
        parts.finish()
    digest = _read_algorithm(reader.read(der.SEQUENCE))
    attributes = reader.optional(_CONTEXT_0)
    algorithm = _read_algorithm(reader.read(der.SEQUENCE))
    signature = reader.read(der.OCTET_STRING).content
    reader.optional(_CONTEXT_1)
    reader.finish()
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        subject_key_id=signer.content if signer.tag == _KEY_ID else None,
        algorithms=(digest, algorithm),
        signed_attributes=None if attributes is None else bytes((der.SET,)) + attributes.der[1:],
        attributes={} if attributes is None else _read_attributes(attributes),
        signature=signature,
    )


def _read_algorithm(element: der.Element) -> str:
    """Return the algorithm; "" for one with parameters, which neither SM2 nor SM3 has."""
    reader = element.children()
    kind = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    parameters = reader.read().der if reader else b""
    reader.finish()
    return kind if parameters in _PARAMETERS else ""


def _read_attributes(element: der.Element) -> dict[str, tuple[bytes, ...]]:
    found: dict[str, tuple[bytes, ...]] = {}
    attributes = element.children().rest(der.SEQUENCE)
    if not 0 < len(attributes) <= _MAX_ATTRIBUTES:
        raise der.DerError(f"{len(attributes)} signed attributes")
    for one in attributes:
        reader = one.children()
        kind = der.oid(reader.read(der.OBJECT_IDENTIFIER))
        values = reader.read(der.SET).children().rest()
        reader.finish()
        if kind in found or not values:
            raise der.DerError("a signed attribute twice, or without a value")
        found[kind] = tuple(value.der for value in values)
    return found
