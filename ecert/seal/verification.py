"""Whether a seal and a sealing are to be believed: GM/T 0031-2014, 6.1.2 and 6.2.3, as domain.md 2.3 gives them.

A seal:

    a) format                                     `Seal.decode`          seal-malformed
    b) the maker's signature                      SEAL_SIG               seal-maker-signature-bad
    c) the maker's certificate, when it was made  MAKER_CERT             seal-maker-certificate-…
    d) the seal's period of validity              SEAL_TIME              seal-not-in-period

A sealing:

    a) format                                     `Sealing.decode`       sealing-malformed
    b) the sealer's signature                     SIG_VALUE              sealing-signature-bad
    c) the sealer's certificate: path, key usage  SIGNER_CERT_CHAIN      sealing-certificate-bad
    d) its validity and revocation, when sealed   SIGNER_CERT_TIME       sealing-certificate-period
                                                  SIGNER_CERT_STATUS     sealing-certificate-revoked
    e) the data                                   DATAHASH               sealing-data-changed
    f) the seal; and that it was in its period    SEAL_SIG, MAKER_CERT, SEAL_TIME
       and that it lists the sealer's certificate CERT_IN_SEAL_LIST      sealing-certificate-not-listed
    g) the timestamp, if there is one             TIMESTAMP              timestamp-…

Every check is made, whatever the others find. "When sealed" is the timestamp's time if there is a good one, for that
is proved; else the time the sealer claims. A certificate revoked before is bad, one revoked afterwards is not. One
revoked afterwards because its key was stolen makes a claimed time worth nothing: that cannot be told, unless a
timestamp from before the theft settles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.seal.checks import Check, Finding, Findings
from ecert.seal.fields import verify_value
from ecert.sm2 import sm3
from ecert.timestamp import Timestamp, verify_token
from ecert.x509 import Certificate, Purpose
from ecert.x509.schema import require_utc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ecert.seal.seal import Seal
    from ecert.seal.sealing import Sealing
    from ecert.x509 import PathValidator, ValidatedPath

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far clocks of sealer, time-stamping service and verifier may differ."""

_read_certificate = lru_cache(maxsize=128)(Certificate.from_der)
"""Reads a certificate; the same few makers and sealers come again and again."""

_PERIOD: Final = (Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID)
_STATUS: Final = (Reason.CRL_MISSING, Reason.CRL_STALE, Reason.CRL_SIGNATURE_BAD, Reason.CRL_UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class SealingReport(Findings):
    """What was found about a sealing.

    Attributes:
        sealing: The sealing.
        sealed_at: When it was sealed, as far as is known: by the timestamp if it is good, else as claimed.
        timestamp: The timestamp, if there is a good one.
        path: The sealer's certification path, if it was believed.
    """

    sealing: Sealing
    sealed_at: datetime | None
    timestamp: Timestamp | None
    path: ValidatedPath | None


def _found(check: Check, action: Callable[[], object]) -> Finding:
    """Make a check that raises what it finds."""
    try:
        action()
    except EcertError as error:
        return Finding(check, error)
    return Finding(check)


def assess_seal(seal: Seal, *, validate: PathValidator, at: datetime) -> Findings:
    """Make the checks b) to d) on a seal, for its use at an instant.

    Args:
        seal: The seal.
        validate: Decides about the maker's certificate, for `Purpose.SEAL` at the time the seal was made.
        at: When it is or was used, aware.
    """
    in_period = _found(Check.SEAL_TIME, lambda: require_in_period(seal, require_utc(at)))
    return Findings((*_maker_findings(seal, validate), in_period))


def _maker_findings(seal: Seal, validate: PathValidator) -> tuple[Finding, Finding]:
    return (
        _found(Check.SEAL_SIG, lambda: verify_maker_signature(seal)),
        _found(Check.MAKER_CERT, lambda: _check_maker(seal, validate)),
    )


def verify_maker_signature(seal: Seal) -> None:
    """Verify b) of a seal: its maker's signature, by the certificate it carries.

    Raises:
        RejectedError: the certificate cannot be read, or the signature is not its key's over this version's bytes.
    """
    try:
        certificate = _read_certificate(seal.maker_certificate)
    except MalformedError as error:
        raise RejectedError(Reason.SEAL_MAKER_SIGNATURE_BAD, error.detail) from error
    verify_value(certificate, seal.algorithm, seal.signature, seal.signed, Reason.SEAL_MAKER_SIGNATURE_BAD)


def require_in_period(seal: Seal, at: datetime) -> None:
    """Check d) of a seal: that it may be used at an instant.

    Raises:
        RejectedError: it may not yet, or not any more.
    """
    info = seal.info
    if not info.not_before <= at <= info.not_after:
        period = f"{info.not_before:%F %T}Z to {info.not_after:%F %T}Z"
        raise RejectedError(Reason.SEAL_NOT_IN_PERIOD, f"the seal is for use from {period}, not at {at:%F %T}Z")


def _check_maker(seal: Seal, validate: PathValidator) -> None:
    """Check c): when the seal was made, by its timestamp (V5) if it has one."""
    at, stamped = seal.info.created, False
    if seal.time_stamp is not None:
        at, stamped = verify_token(seal.time_stamp, seal.signature, validate=validate).time, True
        _require_plausible(seal.info.created, at)
    try:
        path = validate(seal.maker_certificate, at=at, purpose=Purpose.SEAL)
    except RejectedError as error:
        revoked = error.reason is Reason.CERTIFICATE_REVOKED
        reason = Reason.SEAL_MAKER_CERTIFICATE_REVOKED if revoked else Reason.SEAL_MAKER_CERTIFICATE_BAD
        raise RejectedError(reason, str(error)) from error
    except MalformedError as error:
        raise RejectedError(Reason.SEAL_MAKER_CERTIFICATE_BAD, str(error)) from error
    _require_uncompromised(path, Reason.SEAL_MAKER_KEY_COMPROMISED, stamped=stamped)


def _require_uncompromised(path: ValidatedPath, reason: Reason, *, stamped: bool) -> None:
    """A later theft of the key makes claimed times worthless; a proved one stands."""
    if path.compromise is not None and not stamped:
        raise UndeterminedError(reason, f"a key was compromised at {path.compromise.at:%F %T}Z, and no timestamp helps")


def _require_plausible(claimed: datetime, stamped: datetime) -> None:
    if claimed - stamped > CLOCK_SKEW:
        detail = f"done at {claimed:%F %T}Z, it is said, and stamped before that, at {stamped:%F %T}Z"
        raise RejectedError(Reason.TIMESTAMP_TIME_IMPLAUSIBLE, detail)


def assess_sealing(sealing: Sealing, data: bytes | None, *, validate: PathValidator, at: datetime) -> SealingReport:
    """Make the checks b) to g) on a sealing.

    Args:
        sealing: The sealing.
        data: What is said to be sealed; in OFD the bytes of Signature.xml. None where that is not at hand.
        validate: Decides about certificates: the sealer's (`Purpose.LICENCE`) and the time-stamping service's
            (`Purpose.TIMESTAMP`) when it was sealed, the maker's (`Purpose.SEAL`) when the seal was made.
        at: Now, or the instant asked about, aware. A sealing from later than that is refused.
    """
    at = require_utc(at)
    stamp, stamp_finding = _timestamp(sealing, validate)
    sealed_at = sealing.time if stamp is None else stamp.time
    path, signer_findings = check_signer(sealing.certificate, sealed_at, validate, stamped=stamp is not None)
    findings = (
        _found(Check.DATAHASH, lambda: _check_data(sealing, data)),
        _found(Check.SIG_VALUE, lambda: verify_sealer_signature(sealing)),
        *signer_findings,
        _found(Check.CERT_IN_SEAL_LIST, lambda: require_listed(sealing.seal, sealing.certificate)),
        *_maker_findings(sealing.seal, validate),
        _found(Check.SEAL_TIME, lambda: _check_time(sealing.seal, sealed_at, at)),
        stamp_finding,
    )
    return SealingReport(findings, sealing, sealed_at, stamp, path)


def _timestamp(sealing: Sealing, validate: PathValidator) -> tuple[Timestamp | None, Finding]:
    if sealing.time_stamp is None:
        return None, Finding(Check.TIMESTAMP, skipped=True)
    try:
        stamp = verify_token(sealing.time_stamp, sealing.signature, validate=validate)
        if sealing.time is not None:
            _require_plausible(sealing.time, stamp.time)
    except EcertError as error:
        return None, Finding(Check.TIMESTAMP, error)
    return stamp, Finding(Check.TIMESTAMP)


def verify_sealer_signature(sealing: Sealing) -> None:
    """Verify b) of a sealing: the signature over TBS_Sign, by the certificate it carries.

    Raises:
        RejectedError: the certificate cannot be read, or the signature is not its key's.
    """
    try:
        certificate = _read_certificate(sealing.certificate)
    except MalformedError as error:
        raise RejectedError(Reason.SEALING_SIGNATURE_BAD, error.detail) from error
    verify_value(certificate, sealing.algorithm, sealing.signature, sealing.signed, Reason.SEALING_SIGNATURE_BAD)


def _check_data(sealing: Sealing, data: bytes | None) -> None:
    if data is None:
        raise UndeterminedError(Reason.SEALING_DATA_NOT_GIVEN, "what was sealed is not at hand")
    if sealing.data_hash != sm3(data):
        raise RejectedError(Reason.SEALING_DATA_CHANGED, "the data is not what was sealed: its SM3 is another")


def require_listed(seal: Seal, certificate: bytes) -> None:
    """Check that a seal lists a certificate: its very bytes, or their SM3 digest.

    Raises:
        RejectedError: it does not. A certificate issued anew needs the seal to be made anew.
    """
    if not seal.info.lists(certificate):
        raise RejectedError(
            Reason.SEALING_CERTIFICATE_NOT_LISTED,
            f"none of the {len(seal.info.certificates) + len(seal.info.digests)} entries is the sealer's certificate",
        )


def _check_time(seal: Seal, sealed_at: datetime | None, at: datetime) -> None:
    if sealed_at is None:
        raise UndeterminedError(Reason.SEALING_TIME_UNKNOWN, "the sealing does not say when it was made")
    if sealed_at - at > CLOCK_SKEW:
        raise RejectedError(Reason.SEALED_IN_FUTURE, f"sealed at {sealed_at:%F %T}Z")
    require_in_period(seal, sealed_at)


def check_signer(
    certificate: bytes, sealed_at: datetime | None, validate: PathValidator, *, stamped: bool
) -> tuple[ValidatedPath | None, tuple[Finding, Finding, Finding]]:
    """Make the checks c) and d): path, validity, revocation.

    Args:
        certificate: The sealer's or signer's, in DER.
        sealed_at: When it was sealed or signed, aware; None when that is not known.
        validate: Decides about the certificate, for `Purpose.LICENCE`.
        stamped: Whether a timestamp proves that time.
    """
    chain, period, status = Check.SIGNER_CERT_CHAIN, Check.SIGNER_CERT_TIME, Check.SIGNER_CERT_STATUS
    if sealed_at is None:
        unknown = UndeterminedError(Reason.SEALING_TIME_UNKNOWN, "the sealing does not say when it was made")
        return None, (Finding(chain, skipped=True), Finding(period, unknown), Finding(status, skipped=True))
    own = _found(period, lambda: _require_own_period(certificate, sealed_at))
    try:
        path = validate(certificate, at=sealed_at, purpose=Purpose.LICENCE)
    except EcertError as error:
        return None, _signer_failure(error, own)
    compromise = _found(status, lambda: _require_uncompromised(path, Reason.SEALING_KEY_COMPROMISED, stamped=stamped))
    return path, (Finding(chain), own, compromise)


def _signer_failure(error: EcertError, own: Finding) -> tuple[Finding, Finding, Finding]:
    """Tell which of the three checks a path that was not believed failed."""
    chain, period, status = Check.SIGNER_CERT_CHAIN, Check.SIGNER_CERT_TIME, Check.SIGNER_CERT_STATUS
    if error.reason is Reason.CERTIFICATE_REVOKED:
        revoked = RejectedError(Reason.SEALING_CERTIFICATE_REVOKED, error.detail)
        return Finding(chain), own, Finding(status, revoked)
    if error.reason in _STATUS:
        return Finding(chain), own, Finding(status, error)
    if error.reason in _PERIOD:
        expired = RejectedError(Reason.SEALING_CERTIFICATE_PERIOD, error.detail)
        return Finding(chain, skipped=True), Finding(period, expired), Finding(status, skipped=True)
    if not isinstance(error, UndeterminedError):
        error = RejectedError(Reason.SEALING_CERTIFICATE_BAD, str(error))
    return Finding(chain, error), own, Finding(status, skipped=True)


def _require_own_period(certificate_der: bytes, at: datetime) -> None:
    """Check the certificate's own dates, which need no path."""
    try:
        certificate = _read_certificate(certificate_der)
    except MalformedError as error:
        raise RejectedError(Reason.SEALING_CERTIFICATE_BAD, error.detail) from error
    if not certificate.not_before <= at <= certificate.not_after:
        period = f"{certificate.not_before:%F %T}Z to {certificate.not_after:%F %T}Z"
        raise RejectedError(
            Reason.SEALING_CERTIFICATE_PERIOD, f"the certificate is valid from {period}, not at {at:%F %T}Z"
        )
