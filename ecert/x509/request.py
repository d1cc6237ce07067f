"""Certificate signing requests (PKCS#10, RFC 2986): a name and a key, signed with that key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.sm2 import PublicKey
from ecert.x509 import names, pem
from ecert.x509.schema import CERTIFICATE_LIMIT, reading, verify_signed

if TYPE_CHECKING:
    from typing import Self

_LABELS: Final = ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
_ATTRIBUTES: Final = 0xA0


@dataclass(frozen=True, slots=True, repr=False)
class CertificateRequest:
    """A request as it was read. Attributes asked for in it are carried in `info` and granted by nobody.

    Attributes:
        der: The whole request.
        info: The signed bytes.
        algorithm: The AlgorithmIdentifier of the signature, in DER.
        signature: The signature value.
        subject: The Name in DER.
        public_key: The key to certify.
    """

    der: bytes
    info: bytes
    algorithm: bytes
    signature: bytes
    subject: bytes
    public_key: PublicKey

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read a request of at most 64 KiB. Whether its sender holds the key, `verify` tells.

        Raises:
            MalformedError: not strict DER, not a request, or not for an SM2 key.
        """
        with reading(Reason.REQUEST_MALFORMED, "the request"):
            der.check(data, limit=CERTIFICATE_LIMIT)
            reader = der.read_one(data, der.SEQUENCE).children()
            info = reader.read(der.SEQUENCE)
            algorithm = reader.read(der.SEQUENCE).der
            signature = der.octet_bits(reader.read(der.BIT_STRING))
            reader.finish()
            subject, spki = _read_info(info)
        try:
            key = PublicKey.from_spki(spki)
        except MalformedError as error:
            raise MalformedError(
                Reason.REQUEST_MALFORMED, f"the request is not for an SM2 key: {error.detail}"
            ) from error
        return cls(data, info.der, algorithm, signature, subject, key)

    @classmethod
    def from_pem(cls, data: bytes | str) -> Self:
        """Read the one request in a PEM file.

        Raises:
            MalformedError: not exactly one PEM block with a request, or not a request for an SM2 key.
        """
        return cls.from_der(pem.decode(data, _LABELS, limit=CERTIFICATE_LIMIT, reason=Reason.REQUEST_MALFORMED))

    def to_pem(self) -> bytes:
        """Write the request as PEM."""
        return pem.encode(self.der, _LABELS[0])

    @property
    def subject_text(self) -> str:
        """The subject for people, in the manner of RFC 4514."""
        return names.text(self.subject)

    def __repr__(self) -> str:
        return f"CertificateRequest({self.subject_text})"

    def verify(self) -> None:
        """Verify that whoever made the request holds the key in it.

        Raises:
            RejectedError: not SM2 with SM3, or not that key's signature.
        """
        try:
            verify_signed(self.public_key, self.info, (self.algorithm, self.algorithm), self.signature)
        except RejectedError as error:
            raise RejectedError(error.reason, f"the request: {error.detail}") from error


def _read_info(info: der.Element) -> tuple[bytes, bytes]:
    reader = info.children()
    if der.integer(reader.read(der.INTEGER)) != 0:
        raise der.DerError("a version other than 1")
    subject = reader.read(der.SEQUENCE).der
    names.relative_names(subject)
    spki = reader.read(der.SEQUENCE).der
    reader.optional(_ATTRIBUTES)
    reader.finish()
    return subject, spki
