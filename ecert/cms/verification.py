"""Whether signed data is its signer's over this content.

    1. structure: strict DER, or BER in definite form; what is hashed is taken as it lies     (`structure`)
    2. the signer's certificate is among those carried
    3. SM3, and SM2 with SM3, and nothing else
    4. the content: equal to what it is said to cover, or its SM3 digest
    5. signed attributes, where there are any: their contentType and messageDigest fit the content
    6. the signature: over the signed attributes as a SET, or over the content when there are none

Whether the certificate is to be believed is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert.cms.structure import CONTENT_TYPE, DATA_TYPES, MESSAGE_DIGEST, SIGNING_TIME
from ecert.errors import Reason, RejectedError
from ecert.sm2 import sm3
from ecert.x509 import Certificate
from ecert.x509.schema import reading, time

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.cms.structure import SignedData, SignerInfo

_DIGESTS: Final = frozenset({"1.2.156.10197.1.401", "1.2.156.10197.1.401.1"})
_SIGNATURES: Final = frozenset({"1.2.156.10197.1.501", "1.2.156.10197.1.301.1", "1.2.156.10197.1.301"})
"""SM2 with SM3; GB/T 35275 names the SM2 signature algorithm there, and some writers the curve."""


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """Who is proved to have signed.

    Attributes:
        certificate: The signer's certificate; not yet to be believed.
        info: The signer as read; its attributes are signed.
        signing_time: When the signer says it signed, aware UTC; None when it does not say.
    """

    certificate: Certificate
    info: SignerInfo
    signing_time: datetime | None


def verify(signed: SignedData, content: bytes | None = None) -> tuple[VerifiedSigner, ...]:
    """Verify every signer, in the steps above.

    Args:
        signed: The signed data.
        content: What it must cover: carried inside, left out, or represented inside by its 32-byte SM3 digest, as
            OFD writers do (domain.md 2.4). None: what it carries is covered, and that must be there.

    Raises:
        MalformedError: a signer's certificate or an attribute cannot be read.
        RejectedError: a signer whose certificate is not carried, another algorithm, or another content or signature.
    """
    message, digests = _covered(signed.content, content)
    certificates = tuple(Certificate.from_der(one) for one in signed.certificates)
    return tuple(_verify_signer(signed, one, certificates, message, digests) for one in signed.signers)


def _covered(carried: bytes | None, content: bytes | None) -> tuple[bytes, frozenset[bytes]]:
    """Return the bytes signed when there are no attributes, and the digests that mean the content."""
    if carried is None:
        if content is None:
            raise RejectedError(Reason.SIGNED_DATA_MISMATCH, "the content is not carried and was not given")
        return content, frozenset({sm3(content)})
    if content is None or carried == content:
        return carried, frozenset({sm3(carried)})
    if carried == sm3(content):
        return carried, frozenset({carried, sm3(carried)})
    raise RejectedError(Reason.SIGNED_DATA_MISMATCH, "the content carried is another than the one it is to cover")


def _verify_signer(
    signed: SignedData,
    info: SignerInfo,
    certificates: tuple[Certificate, ...],
    message: bytes,
    digests: frozenset[bytes],
) -> VerifiedSigner:
    certificate = next((one for one in certificates if info.names(one)), None)
    if certificate is None:
        raise RejectedError(Reason.SIGNED_DATA_NO_SIGNER, "no certificate carried is the signer's")
    digest, algorithm = info.algorithms
    if digest not in _DIGESTS or algorithm not in _SIGNATURES or certificate.public_key is None:
        raise RejectedError(Reason.SIGNED_DATA_ALGORITHM, "not SM3, not SM2 with SM3, or not an SM2 key")
    if info.signed_attributes is not None:
        _check_attributes(signed, info, digests)
        message = info.signed_attributes
    certificate.public_key.verify(info.signature, message)
    return VerifiedSigner(certificate, info, _signing_time(info))


def _check_attributes(signed: SignedData, info: SignerInfo, digests: frozenset[bytes]) -> None:
    with reading(Reason.SIGNED_DATA_MALFORMED, "the signed attributes"):
        kind, digest = info.single(CONTENT_TYPE), info.single(MESSAGE_DIGEST)
        if kind is None or digest is None:
            raise der.DerError("contentType or messageDigest is missing")
        said = der.oid(der.read_one(kind, der.OBJECT_IDENTIFIER))
        value = der.read_one(digest, der.OCTET_STRING).content
    if said != signed.content_type and not {said, signed.content_type} <= DATA_TYPES:
        raise RejectedError(Reason.SIGNED_DATA_MISMATCH, "the content type signed is another than the one named")
    if value not in digests:
        raise RejectedError(Reason.SIGNED_DATA_MISMATCH, "the digest signed is not that of the content")


def _signing_time(info: SignerInfo) -> datetime | None:
    value = info.single(SIGNING_TIME)
    if value is None:
        return None
    with reading(Reason.SIGNED_DATA_MALFORMED, "the signing time"):
        return time(der.read_one(value, der.UTC_TIME, der.GENERALIZED_TIME))
