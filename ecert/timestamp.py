"""Timestamps: RFC 3161 tokens with SM3 and SM2 (GM/T 0033).

A token says that some bytes, by their SM3 digest, existed at its time. Believing one takes these steps:

    1. structure: signed data over a TSTInfo, by one signer
    2. the digest in it is that of the bytes in question
    3. the signature is the signer's
    4. the signed signing-certificate attribute (RFC 5035) names that very certificate
    5. the certificate is for time-stamping alone: its extended key usage is critical and names nothing else
    6. the certificate is to be believed at the token's time, and its key was not compromised later
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ecert import cms, der
from ecert import der_encoding as enc
from ecert.errors import EcertError, IssuanceError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.sm2 import DIGEST_LENGTH, sm3
from ecert.x509 import Purpose
from ecert.x509.extensions import EXTENDED_KEY_USAGE
from ecert.x509.profiles import EKU_TIME_STAMPING
from ecert.x509.schema import reading, require_utc

if TYPE_CHECKING:
    from ecert.sm2 import Signer
    from ecert.x509 import Certificate, PathValidator, ValidatedPath

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
"""id-ct-TSTInfo (RFC 3161, 2.4.2)."""
POLICY: Final = "2.25.7292498670134838978594519474994888446"
"""The policy of the tokens we make; UUID 057c7bf1-a2cc-469b-a3eb-deae38e73efe, drawn once."""

SM3: Final = "1.2.156.10197.1.401"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
_DIRECTORY_NAME: Final = 4
_TSA: Final = 0xA0
_EXTENSIONS: Final = 0xA1
_GENERALIZED: Final = re.compile(r"([0-9]{4})" + 5 * r"([0-9]{2})" + r"(?:\.([0-9]{1,9}))?Z")
_MICROSECOND_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class TimestampInfo:
    """What a token says (TSTInfo).

    Attributes:
        time: When, aware UTC.
        imprint: The SM3 digest of the bytes it is about, 32 bytes.
        policy: Dotted identifier of the policy it was issued under.
        serial: Its serial number.
        nonce: The requester's, or None.
    """

    time: datetime
    imprint: bytes
    policy: str
    serial: int
    nonce: int | None


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A token that was verified, and the evidence.

    Attributes:
        info: What it says.
        path: From the time-stamping service's certificate to its anchor, at the token's time.
    """

    info: TimestampInfo
    path: ValidatedPath

    @property
    def time(self) -> datetime:
        """By when the bytes existed, aware UTC."""
        return self.info.time


def generalized_time(text: str) -> datetime:
    """Read a GeneralizedTime in UTC, fractions of a second allowed (RFC 3161, 2.4.2).

    Raises:
        ValueError: any other spelling, or no such time.
    """
    match = _GENERALIZED.fullmatch(text)
    if match is None:
        raise ValueError("a time that is not written YYYYMMDDHHMMSS[.f]Z")
    *fields, fraction = match.groups(default="")
    microsecond = int(fraction.ljust(_MICROSECOND_DIGITS, "0")[:_MICROSECOND_DIGITS])
    year, month, day, hour, minute, second = map(int, fields)
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)


def sm3_imprint(element: der.Element) -> bytes:
    """Read a MessageImprint whose digest is SM3, and return the digest.

    Raises:
        DerError: it is not, or of another algorithm.
    """
    reader = element.children()
    algorithm, digest = reader.read(der.SEQUENCE).children(), reader.read(der.OCTET_STRING).content
    reader.finish()
    if der.oid(algorithm.read(der.OBJECT_IDENTIFIER)) != SM3 or len(digest) != DIGEST_LENGTH:
        raise der.DerError("the imprint is not an SM3 digest")
    algorithm.optional(der.NULL)
    algorithm.finish()
    return digest


def encode_imprint(imprint: bytes) -> bytes:
    """Return the MessageImprint of a 32-byte SM3 digest."""
    return enc.sequence(cms.SM3_ALGORITHM, enc.octets(imprint))


def _read_info(data: bytes) -> TimestampInfo:
    der.check(data, limit=len(data))
    reader = der.read_one(data, der.SEQUENCE).children()
    if der.integer(reader.read(der.INTEGER)) != 1:
        raise der.DerError("a version other than 1")
    policy = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    imprint = sm3_imprint(reader.read(der.SEQUENCE))
    serial = der.integer(reader.read(der.INTEGER))
    time = generalized_time(reader.read(der.GENERALIZED_TIME).content.decode("ascii"))
    reader.optional(der.SEQUENCE)  # accuracy
    reader.optional(der.BOOLEAN)  # ordering
    nonce = reader.optional(der.INTEGER)
    reader.optional(_TSA)
    if reader.optional(_EXTENSIONS) is not None:
        raise der.DerError("an extension, none of which is known")
    reader.finish()
    return TimestampInfo(time, imprint, policy, serial, None if nonce is None else der.integer(nonce))


def read_token(token: bytes) -> tuple[TimestampInfo, cms.SignedData]:
    """Read a token without believing it (step 1).

    Raises:
        MalformedError: not a token with an SM3 imprint.
    """
    try:
        signed = cms.SignedData.decode(token)
    except MalformedError as error:
        raise MalformedError(Reason.TIMESTAMP_MALFORMED, error.detail) from error
    with reading(Reason.TIMESTAMP_MALFORMED, "the timestamp"):
        if signed.content_type != TST_INFO or signed.content is None or len(signed.signers) != 1:
            raise der.DerError("it is not one signer's signed data over a TSTInfo")
        return _read_info(signed.content), signed


def verify_token(token: bytes, data: bytes, *, validate: PathValidator) -> Timestamp:
    """Verify that a token was issued for `data`, in the steps above.

    Args:
        token: The token; DER, or BER.
        data: The bytes it must be about.
        validate: Decides about the certificate, for `Purpose.TIMESTAMP` at the token's time.

    Raises:
        MalformedError: the token cannot be read.
        RejectedError: it is not to be believed, or is about other bytes.
        UndeterminedError: it cannot be told.
    """
    info, signed = read_token(token)
    if info.imprint != sm3(data):
        raise RejectedError(Reason.TIMESTAMP_MISMATCH, "the timestamp was issued for other bytes")
    try:
        (signer,) = cms.verify(signed)
    except EcertError as error:
        raise RejectedError(Reason.TIMESTAMP_SIGNATURE_BAD, error.detail) from error
    _check_signing_certificate(signer)
    _check_purpose(signer.certificate)
    return Timestamp(info, _validate(signer.certificate, info.time, validate))


def _check_signing_certificate(signer: cms.VerifiedSigner) -> None:
    """Step 4: without it, another certificate of the same key could be put in the place of the one meant."""
    value = signer.info.single(_SIGNING_CERTIFICATE_V2)
    if value is None:
        raise RejectedError(Reason.TIMESTAMP_CERTIFICATE_BAD, "the token does not say which certificate is its own")
    with reading(Reason.TIMESTAMP_MALFORMED, "the signing-certificate attribute"):
        identifiers = der.read_one(value, der.SEQUENCE).children().read(der.SEQUENCE).children()
        reader = identifiers.read(der.SEQUENCE).children()
        algorithm = reader.optional(der.SEQUENCE)
        kind = _SHA256 if algorithm is None else der.oid(algorithm.children().read(der.OBJECT_IDENTIFIER))
        digest = reader.read(der.OCTET_STRING).content
    if digest != _digest(kind, signer.certificate.der):
        raise RejectedError(Reason.TIMESTAMP_CERTIFICATE_BAD, "the token names another certificate as its own")


def _digest(kind: str, data: bytes) -> bytes:
    if kind == SM3:
        return sm3(data)
    if kind == _SHA256:
        return hashlib.sha256(data).digest()
    raise RejectedError(Reason.TIMESTAMP_CERTIFICATE_BAD, f"the token names its certificate by a digest {kind}")


def _check_purpose(certificate: Certificate) -> None:
    """Step 5 (RFC 3161, 2.3)."""
    extension = certificate.extension(EXTENDED_KEY_USAGE)
    if extension is None or not extension.critical or certificate.meaning.extended_key_usage != (EKU_TIME_STAMPING,):
        raise RejectedError(Reason.TIMESTAMP_CERTIFICATE_BAD, "its certificate is not for time-stamping alone")


def _validate(certificate: Certificate, at: datetime, validate: PathValidator) -> ValidatedPath:
    """Step 6."""
    try:
        path = validate(certificate.der, at=at, purpose=Purpose.TIMESTAMP)
    except RejectedError as error:
        revoked = error.reason is Reason.CERTIFICATE_REVOKED
        reason = Reason.TIMESTAMP_CERTIFICATE_REVOKED if revoked else Reason.TIMESTAMP_CERTIFICATE_BAD
        raise RejectedError(reason, str(error)) from error
    if path.compromise is not None:
        raise UndeterminedError(
            Reason.TIMESTAMP_KEY_COMPROMISED, f"the time-stamping key was compromised at {path.compromise.at:%F %T}Z"
        )
    return path


def _signing_certificate(certificate: Certificate) -> bytes:
    """Return the signing-certificate attribute, version 2 (RFC 5035), with SM3."""
    issuer = enc.sequence(enc.explicit(_DIRECTORY_NAME, certificate.issuer))
    identifier = enc.sequence(
        cms.SM3_ALGORITHM,
        enc.octets(sm3(certificate.der)),
        enc.sequence(issuer, enc.integer(certificate.serial)),
    )
    return cms.attribute(_SIGNING_CERTIFICATE_V2, enc.sequence(enc.sequence(identifier)))


def issue_token(
    imprint: bytes,
    *,
    signer: Signer,
    certificate: Certificate,
    serial: int,
    at: datetime,
    nonce: int | None = None,
) -> bytes:
    """Issue a token, to the second, that carries the service's certificate.

    Args:
        imprint: The SM3 digest of the bytes it is about, 32 bytes.
        signer: The time-stamping service's key.
        certificate: Its certificate.
        serial: The token's number, never given twice; positive, at most 20 bytes.
        at: The time, aware.
        nonce: The requester's, returned to it.

    Raises:
        IssuanceError: an imprint, number or certificate that cannot be; or the result does not verify.
        CustodyError: the certificate is another key's; or the key failed.
    """
    if len(imprint) != DIGEST_LENGTH or serial <= 0:
        raise IssuanceError(Reason.FIELD_INVALID, "an imprint is an SM3 digest, and a serial number positive")
    at = require_utc(at).replace(microsecond=0)
    info = enc.sequence(
        enc.integer(1),
        enc.oid(POLICY),
        encode_imprint(imprint),
        enc.integer(serial),
        enc.generalized_time(at),
        *(() if nonce is None else (enc.integer(nonce),)),
    )
    token = cms.sign(
        info,
        signer=signer,
        certificate=certificate,
        kind=cms.SIGNED_DATA,
        content_type=TST_INFO,
        attributes=(cms.signing_time(at), _signing_certificate(certificate)),
    )
    try:
        _check_purpose(certificate)
        read_token(token)
    except EcertError as error:
        raise IssuanceError(Reason.SELF_CHECK_FAILED, f"the token just made would not be believed: {error}") from error
    return token
