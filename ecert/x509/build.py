"""Certificates, revocation lists and requests made here (RFC 5280, RFC 2986, GB/T 20518).

Each is checked after it is signed: the signature with the public key, the bytes by reading them back. A key
identifier is the first 20 bytes of SM3 over the SubjectPublicKeyInfo (the manner of RFC 7093, 2, method 4), so it
begins with the `key_id` by which the rest of this project names the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asn1crypto import core, crl, csr, keys, x509

from ecert.errors import CustodyError, EcertError, IssuanceError, Reason
from ecert.sm2 import sm3
from ecert.x509.certificate import Certificate
from ecert.x509.crl import RevocationList
from ecert.x509.entries import CrlReason, Revocation
from ecert.x509.profiles import Profile
from ecert.x509.request import CertificateRequest
from ecert.x509.schema import SM2_WITH_SM3, require_utc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ecert.sm2 import PublicKey, Signer
    from ecert.x509.names import Name

KEY_ID_LENGTH: Final = 20
"""Length in bytes of the key identifiers written into certificates and lists."""
MAX_SERIAL_BITS: Final = 159
"""A serial number is positive and takes at most 20 bytes (RFC 5280, 4.1.2.2)."""

_GENERALIZED_FROM: Final = 2050


def subject_key_id(public_key: PublicKey) -> bytes:
    """Return the 20-byte key identifier of a key."""
    return sm3(public_key.spki)[:KEY_ID_LENGTH]


def _issuer_key_id(issuer: Certificate) -> bytes | None:
    """Return what the issuer's own certificate calls its key; else our own name for it."""
    if issuer.meaning.subject_key_id is not None:
        return issuer.meaning.subject_key_id
    return None if issuer.public_key is None else subject_key_id(issuer.public_key)


def _algorithm() -> Any:
    # Loaded rather than built: asn1crypto does not know SM2, and adds NULL parameters to what it does not know.
    return x509.SignedDigestAlgorithm.load(SM2_WITH_SM3)


def _time(at: datetime) -> dict[str, datetime]:
    at = require_utc(at).replace(microsecond=0)
    return {"general_time" if at.year >= _GENERALIZED_FROM else "utc_time": at}


def _check_serial(serial: int) -> None:
    if serial <= 0 or serial.bit_length() > MAX_SERIAL_BITS:
        raise IssuanceError(Reason.FIELD_INVALID, "a serial number is positive and takes at most 20 bytes")


def _extension(kind: str, value: Any, *, critical: bool = False) -> dict[str, Any]:
    return {"extn_id": kind, "critical": critical, "extn_value": value}


def _sign(kind: Any, tbs: Any, signer: Signer) -> bytes:
    """Sign the bytes of `tbs` and put the three parts of a signed structure together, in the schema's order."""
    parts = (tbs, _algorithm(), core.OctetBitString(signer.sign(tbs.dump())))
    der: bytes = kind({field[0]: part for field, part in zip(kind._fields, parts, strict=True)}).dump()
    return der


def _self_check_failed(error: EcertError) -> IssuanceError:
    return IssuanceError(Reason.SELF_CHECK_FAILED, f"what was just made does not verify: {error}")


def _extensions(profile: Profile, public_key: PublicKey, issuer_key_id: bytes | None) -> list[dict[str, Any]]:
    rules = profile.value
    extensions = [
        _extension("key_identifier", core.OctetString(subject_key_id(public_key))),
        _extension("key_usage", x509.KeyUsage(set(rules.key_usage)), critical=True),
    ]
    if issuer_key_id is not None:
        identifier = x509.AuthorityKeyIdentifier({"key_identifier": issuer_key_id})
        extensions.append(_extension("authority_key_identifier", identifier))
    if rules.ca:
        constraints = x509.BasicConstraints({"ca": True, "path_len_constraint": rules.path_length})
        extensions.append(_extension("basic_constraints", constraints, critical=True))
    if rules.extended_key_usage is not None:
        usage = x509.ExtKeyUsageSyntax([rules.extended_key_usage])
        extensions.append(_extension("extended_key_usage", usage, critical=rules.extended_key_usage_critical))
    return extensions


def build_certificate(
    *,
    profile: Profile,
    subject: Name,
    public_key: PublicKey,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    signer: Signer,
    issuer: Certificate | None,
) -> Certificate:
    """Issue a certificate; `issuer` None makes it self-signed, which only a root may be.

    Raises:
        IssuanceError: a serial number, validity or profile that cannot be; or the result does not verify.
        CustodyError: `signer` does not hold the issuer's key; or it failed to sign.
    """
    _check_serial(serial)
    if require_utc(not_after) < require_utc(not_before):
        raise IssuanceError(Reason.FIELD_INVALID, "the validity ends before it begins")
    if issuer is None and profile is not Profile.ROOT:
        raise IssuanceError(Reason.FIELD_INVALID, "only a root signs itself")
    if signer.public_key != (public_key if issuer is None else issuer.public_key):
        raise CustodyError(Reason.KEY_MISMATCH, "the signer does not hold the issuer's key")
    issuer_key_id = subject_key_id(public_key) if issuer is None else _issuer_key_id(issuer)
    tbs = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": _algorithm(),
            "issuer": x509.Name.load(subject.der if issuer is None else issuer.subject),
            "validity": {"not_before": _time(not_before), "not_after": _time(not_after)},
            "subject": x509.Name.load(subject.der),
            "subject_public_key_info": keys.PublicKeyInfo.load(public_key.spki),
            "extensions": _extensions(profile, public_key, issuer_key_id),
        }
    )
    der = _sign(x509.Certificate, tbs, signer)
    try:
        certificate = Certificate.from_der(der)
        certificate.verify_issued_by(signer.public_key)
    except EcertError as error:
        raise _self_check_failed(error) from error
    return certificate


def _entry(revocation: Revocation) -> dict[str, Any]:
    _check_serial(revocation.serial)
    entry: dict[str, Any] = {"user_certificate": revocation.serial, "revocation_date": _time(revocation.at)}
    if revocation.reason is CrlReason.REMOVE_FROM_CRL:
        raise IssuanceError(Reason.FIELD_INVALID, "only a delta list removes an entry, and none is made here")
    if revocation.reason is not CrlReason.UNSPECIFIED:
        # RFC 5280, 5.3.1: "unspecified" is said by leaving the extension out.
        entry["crl_entry_extensions"] = [_extension("crl_reason", crl.CRLReason(int(revocation.reason)))]
    return entry


def build_crl(
    *,
    issuer: Certificate,
    signer: Signer,
    number: int,
    this_update: datetime,
    next_update: datetime,
    revoked: Iterable[Revocation],
) -> RevocationList:
    """Issue a complete revocation list of version 2, with its number and the issuer's key identifier.

    Raises:
        IssuanceError: a number, serial number, reason or update times that cannot be, a serial number twice, an
            issuer that may not sign lists; or the result does not verify.
        CustodyError: `signer` does not hold the issuer's key; or it failed to sign.
    """
    entries = sorted(revoked, key=lambda one: one.serial)
    if len({entry.serial for entry in entries}) != len(entries):
        raise IssuanceError(Reason.FIELD_INVALID, "a serial number is to be listed twice")
    if number < 0 or number.bit_length() > MAX_SERIAL_BITS or require_utc(next_update) <= require_utc(this_update):
        raise IssuanceError(Reason.FIELD_INVALID, "a list number below zero, or no time between the updates")
    if not issuer.allows("crl_sign"):
        raise IssuanceError(Reason.FIELD_INVALID, "the issuer's certificate does not allow it to sign lists")
    if signer.public_key != issuer.public_key:
        raise CustodyError(Reason.KEY_MISMATCH, "the signer does not hold the issuer's key")
    identifier = crl.AuthorityKeyIdentifier({"key_identifier": _issuer_key_id(issuer)})
    fields: dict[str, Any] = {
        "version": "v2",
        "signature": _algorithm(),
        "issuer": x509.Name.load(issuer.subject),
        "this_update": _time(this_update),
        "next_update": _time(next_update),
        "crl_extensions": [
            _extension("authority_key_identifier", identifier),
            _extension("crl_number", core.Integer(number)),
        ],
    }
    if entries:
        # RFC 5280, 5.1.2.6: an empty list is left out, not written empty.
        fields["revoked_certificates"] = [_entry(entry) for entry in entries]
    der = _sign(crl.CertificateList, crl.TbsCertList(fields), signer)
    try:
        made = RevocationList.from_der(der)
        made.verify_issued_by(signer.public_key)
    except EcertError as error:
        raise _self_check_failed(error) from error
    return made


def build_request(*, subject: Name, signer: Signer) -> CertificateRequest:
    """Make a request for the signer's own key.

    Raises:
        IssuanceError: the result does not verify.
        CustodyError: the signer failed to sign.
    """
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": x509.Name.load(subject.der),
            "subject_pk_info": keys.PublicKeyInfo.load(signer.public_key.spki),
            "attributes": [],
        }
    )
    der = _sign(csr.CertificationRequest, info, signer)
    try:
        request = CertificateRequest.from_der(der)
        request.verify()
    except EcertError as error:
        raise _self_check_failed(error) from error
    return request
