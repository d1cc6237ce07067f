"""Signed data made here: one signer, signed attributes, DER; verified before it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert import der
from ecert import der_encoding as enc
from ecert.cms.structure import (
    CONTENT_TYPE,
    DATA_TYPES,
    GM_DATA,
    GM_SIGNED_DATA,
    MESSAGE_DIGEST,
    SIGNING_TIME,
    SignedData,
)
from ecert.cms.verification import verify
from ecert.errors import CustodyError, EcertError, IssuanceError, Reason
from ecert.sm2 import sm3
from ecert.x509.schema import SM2_WITH_SM3

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.x509 import Certificate

SM3_ALGORITHM: Final = enc.sequence(enc.oid("1.2.156.10197.1.401"), enc.element(der.NULL))
"""AlgorithmIdentifier of SM3 as we write it, with NULL parameters."""

_SIGNED_ATTRIBUTES: Final = 0xA0
_VERSION: Final = 1
_VERSION_OTHER_CONTENT: Final = 3
"""RFC 5652, 5.1: version 3 when the content is not plain data."""


def attribute(kind: str, value: bytes) -> bytes:
    """Return the DER of an attribute with one value, itself in DER."""
    return enc.sequence(enc.oid(kind), enc.set_of(value))


def signing_time(at: datetime) -> bytes:
    """Return a signingTime attribute; `at` is UTC, before 2050."""
    return attribute(SIGNING_TIME, enc.utc_time(at))


def sign(
    content: bytes,
    *,
    signer: Signer,
    certificate: Certificate,
    kind: str = GM_SIGNED_DATA,
    content_type: str = GM_DATA,
    carry: bool = True,
    attributes: Iterable[bytes] = (),
) -> bytes:
    """Sign content, with signed attributes, and carry the signer's certificate.

    Args:
        content: What is signed.
        signer: Signs.
        certificate: The signer's.
        kind: Type of the whole: `GM_SIGNED_DATA` or `SIGNED_DATA`.
        content_type: Dotted type of the content.
        carry: Whether the content is put inside.
        attributes: Signed attributes besides contentType and messageDigest, in DER.

    Raises:
        CustodyError: the certificate is another key's; or the key failed.
        IssuanceError: the result does not verify.
    """
    if signer.public_key != certificate.public_key:
        raise CustodyError(Reason.KEY_MISMATCH, "the signer's key is not the certificate's")
    signed = enc.set_of(
        attribute(CONTENT_TYPE, enc.oid(content_type)), attribute(MESSAGE_DIGEST, enc.octets(sm3(content))), *attributes
    )
    info = enc.sequence(
        enc.integer(_VERSION),
        enc.sequence(certificate.issuer, enc.integer(certificate.serial)),
        SM3_ALGORITHM,
        bytes((_SIGNED_ATTRIBUTES,)) + signed[1:],
        SM2_WITH_SM3,
        enc.octets(signer.sign(signed)),
    )
    inside = (enc.explicit(0, enc.octets(content)),) if carry else ()
    body = enc.sequence(
        enc.integer(_VERSION if content_type in DATA_TYPES else _VERSION_OTHER_CONTENT),
        enc.set_of(SM3_ALGORITHM),
        enc.sequence(enc.oid(content_type), *inside),
        enc.explicit(0, certificate.der),
        enc.set_of(info),
    )
    made = enc.sequence(enc.oid(kind), enc.explicit(0, body))
    try:
        verify(SignedData.decode(made), None if carry else content)
    except EcertError as error:
        raise IssuanceError(Reason.SELF_CHECK_FAILED, f"what was just signed does not verify: {error}") from error
    return made
