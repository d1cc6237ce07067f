"""X.509 certificates (RFC 5280, 4.1; GB/T 20518): read once, completely, and kept with their bytes.

What was signed stays as it lay: `tbs`, `subject`, `issuer` and `spki` are slices of the input. Reading a
certificate says nothing about trusting it; `ecert.x509.validate_path` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert.errors import MalformedError, Reason
from ecert.sm2 import PublicKey
from ecert.x509 import names, pem
from ecert.x509.extensions import Extension, Meaning, interpret, read_extensions
from ecert.x509.schema import CERTIFICATE_LIMIT, reading, time, verify_signed

if TYPE_CHECKING:
    from datetime import datetime

_LABELS: Final = ("CERTIFICATE", "X509 CERTIFICATE")
_VERSION: Final = 0xA0
_UNIQUE_IDS: Final = (0x81, 0x82)
_EXTENSIONS: Final = 0xA3
_V2: Final = 1
_V3: Final = 2
_MAX_SERIAL_OCTETS: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Certificate:
    """A certificate as it was read.

    Attributes:
        der: The whole certificate.
        tbs: The signed bytes.
        algorithms: The AlgorithmIdentifier inside the signed bytes, and the one outside, in DER.
        signature: The signature value; DER of r and s when it is an SM2 signature.
        version: 1, 2 or 3.
        serial: The serial number; RFC 5280 wants it positive and at most 20 bytes, which is not required here.
        issuer: The issuer's Name in DER.
        subject: The subject's Name in DER.
        not_before: The first instant of validity, aware UTC.
        not_after: The last instant of validity, aware UTC, inclusive.
        spki: The SubjectPublicKeyInfo in DER.
        public_key: The SM2 key, or None when it is another kind of key or no valid one: such a certificate can
            be read and shown, and verifies nothing.
        extensions: All extensions, in order.
        meaning: What the extensions say.
    """

    der: bytes
    tbs: bytes
    algorithms: tuple[bytes, bytes]
    signature: bytes
    version: int
    serial: int
    issuer: bytes
    subject: bytes
    not_before: datetime
    not_after: datetime
    spki: bytes
    public_key: PublicKey | None
    extensions: tuple[Extension, ...]
    meaning: Meaning

    @classmethod
    def from_der(cls, data: bytes) -> Certificate:
        """Read a certificate of at most 64 KiB.

        Raises:
            MalformedError: not strict DER, not a certificate, an extension twice, or one we use unreadable.
        """
        with reading(Reason.CERTIFICATE_MALFORMED, "the certificate"):
            der.check(data, limit=CERTIFICATE_LIMIT)
            reader = der.read_one(data, der.SEQUENCE).children()
            tbs = reader.read(der.SEQUENCE)
            algorithm = reader.read(der.SEQUENCE)
            signature = der.octet_bits(reader.read(der.BIT_STRING))
            reader.finish()
            return _read_tbs(data, tbs, algorithm, signature)

    @classmethod
    def from_pem(cls, data: bytes | str) -> Certificate:
        """Read the one certificate in a PEM file.

        Raises:
            MalformedError: not exactly one PEM block with a certificate, or not a certificate.
        """
        return cls.from_der(pem.decode(data, _LABELS, limit=CERTIFICATE_LIMIT, reason=Reason.CERTIFICATE_MALFORMED))

    def to_pem(self) -> bytes:
        """Write the certificate as PEM."""
        return pem.encode(self.der, _LABELS[0])

    @property
    def subject_text(self) -> str:
        """The subject for people, in the manner of RFC 4514."""
        return names.text(self.subject)

    @property
    def issuer_text(self) -> str:
        """The issuer for people, in the manner of RFC 4514."""
        return names.text(self.issuer)

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name, which proves nothing about who signed."""
        return self.subject == self.issuer

    def __repr__(self) -> str:
        return f"Certificate({self.subject_text}, serial {self.serial:x})"

    def allows(self, usage: str) -> bool:
        """Tell whether the key may be used so: no keyUsage extension allows everything (RFC 5280, 4.2.1.3)."""
        return self.meaning.key_usage is None or usage in self.meaning.key_usage

    def extension(self, oid: str) -> Extension | None:
        """Return the extension of a dotted type, or None."""
        return next((extension for extension in self.extensions if extension.oid == oid), None)

    def verify_issued_by(self, key: PublicKey | None) -> None:
        """Verify the signature alone: not the names, not the dates, not whether that key may issue.

        Raises:
            RejectedError: not SM2 with SM3, or not this key's signature.
        """
        verify_signed(key, self.tbs, self.algorithms, self.signature)


def _read_tbs(data: bytes, tbs: der.Element, algorithm: der.Element, signature: bytes) -> Certificate:
    reader = tbs.children()
    version = _version(reader.optional(_VERSION))
    serial = reader.read(der.INTEGER)
    if len(serial.content) > _MAX_SERIAL_OCTETS:
        raise der.DerError(f"a serial number longer than {_MAX_SERIAL_OCTETS} octets")
    inner_algorithm = reader.read(der.SEQUENCE)
    issuer = _name(reader)
    not_before, not_after = _validity(reader.read(der.SEQUENCE))
    subject = _name(reader)
    spki = reader.read(der.SEQUENCE).der
    for tag in _UNIQUE_IDS:
        if reader.optional(tag) is not None and version < _V2:
            raise der.DerError("a unique identifier in a version 1 certificate")
    extensions = _extensions(reader.optional(_EXTENSIONS), version)
    reader.finish()
    return Certificate(
        der=data,
        tbs=tbs.der,
        algorithms=(inner_algorithm.der, algorithm.der),
        signature=signature,
        version=version + 1,
        serial=der.integer(serial),
        issuer=issuer,
        subject=subject,
        not_before=not_before,
        not_after=not_after,
        spki=spki,
        public_key=sm2_key(spki),
        extensions=extensions,
        meaning=interpret(extensions, issuer),
    )


def _version(element: der.Element | None) -> int:
    if element is None:
        return 0
    version = der.integer(der.read_one(element.content, der.INTEGER))
    if version not in (_V2, _V3):
        raise der.DerError("a version other than 1, 2 and 3, or version 1 written out")
    return version


def _name(reader: der.Reader) -> bytes:
    name = reader.read(der.SEQUENCE).der
    names.relative_names(name)
    return name


def _validity(element: der.Element) -> tuple[datetime, datetime]:
    reader = element.children()
    not_before = time(reader.read(der.UTC_TIME, der.GENERALIZED_TIME))
    not_after = time(reader.read(der.UTC_TIME, der.GENERALIZED_TIME))
    reader.finish()
    return not_before, not_after


def _extensions(element: der.Element | None, version: int) -> tuple[Extension, ...]:
    if element is None:
        return ()
    if version != _V3:
        raise der.DerError("extensions in a certificate that is not version 3")
    return read_extensions(der.read_one(element.content, der.SEQUENCE))


def sm2_key(spki: bytes) -> PublicKey | None:
    """Return the SM2 key in a SubjectPublicKeyInfo; None when it holds another kind of key, or no valid one."""
    try:
        return PublicKey.from_spki(spki)
    except MalformedError:
        return None
