"""What the value of a signature proves: who made it, over which Signature.xml, and when (domain.md 2.4).

It is a sealing (SES_Signature), GM signed data (GB/T 35275), or a bare SM2 signature; which one is told by the value
itself, since the list that says it is protected by nothing. A seal that lies beside signed data or a bare signature was
not applied, but is shown to readers: it is verified as a seal, and must list the signer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from ecert import cms
from ecert.errors import EcertError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.ofd.report import FileCheck
from ecert.seal import (
    Check,
    Finding,
    Seal,
    Sealing,
    SealingReport,
    ValueKind,
    assess_seal,
    assess_sealing,
    kind_of_value,
)
from ecert.seal.verification import CLOCK_SKEW, check_signer, require_listed
from ecert.sm2 import RAW_LENGTH
from ecert.x509 import Certificate

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.x509 import PathValidator, ValidatedPath

_CHINA_AHEAD: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class ValueReport:
    """What was found about a value; its attributes are those of `SignatureReport`."""

    findings: tuple[Finding, ...]
    kind: ValueKind | None = None
    sealing: SealingReport | None = None
    signer: bytes | None = None
    signed_at: datetime | None = None
    warnings: tuple[EcertError, ...] = ()


class SignedContent(Protocol):
    """What a value is over, as `SignatureDescription` has it."""

    @property
    def data(self) -> bytes:
        """The bytes that were signed; in OFD those of Signature.xml."""

    @property
    def claimed_time(self) -> datetime | None:
        """When it is said to have been signed, aware."""

    @property
    def seal(self) -> str | None:
        """The part that is the seal shown, if one is."""


@dataclass(frozen=True, slots=True)
class LooseContent:
    """What a value outside any file is over."""

    data: bytes
    claimed_time: datetime | None = None
    seal: str | None = None


class ValueAssessor:
    """Assesses the values of signatures at one instant."""

    def __init__(self, validate: PathValidator, at: datetime, certificates: tuple[bytes, ...]) -> None:
        """Take who decides about certificates, the instant (aware UTC), and who may have made bare signatures."""
        self._validate = validate
        self._at = at
        self._certificates = certificates

    def assess(self, value: bytes, description: SignedContent, seal: bytes | None) -> ValueReport:
        """Make every check on a value.

        Args:
            value: The content of SignedValue.dat.
            description: What it is over: a file's Signature.xml.
            seal: The content of the Seal.esl that the description names, if it names one.
        """
        kind = None
        try:
            kind = kind_of_value(value)
            if kind is ValueKind.SEALING:
                return self._sealing(Sealing.decode(value), description, seal)
            if kind is ValueKind.SIGNED_DATA:
                return self._signed_data(value, description, seal)
            if kind is ValueKind.SIGNATURE:
                return self._bare(value, description, seal)
        except EcertError as error:
            return ValueReport((Finding(Check.SIG_VALUE, error),), kind)
        missing = MalformedError(Reason.SEALING_MALFORMED, "the signature value is a seal that was not applied")
        return ValueReport((Finding(Check.SIG_VALUE, missing),), kind)

    def _sealing(self, sealing: Sealing, description: SignedContent, seal: bytes | None) -> ValueReport:
        report = assess_sealing(sealing, description.data, validate=self._validate, at=self._at)
        stamped = report.timestamp is not None
        return ValueReport(
            (*report.findings, _match(sealing, description, seal)),
            ValueKind.SEALING,
            report,
            sealing.certificate,
            report.sealed_at,
            () if stamped else self._warn(report.path, sealing.seal),
        )

    def _signed_data(self, value: bytes, description: SignedContent, seal: bytes | None) -> ValueReport:
        try:
            signer = cms.verify(cms.SignedData.decode(value), description.data)[0]
        except EcertError as error:
            mismatch = error.reason is Reason.SIGNED_DATA_MISMATCH
            return ValueReport(
                (Finding(Check.DATAHASH if mismatch else Check.SIG_VALUE, error),), ValueKind.SIGNED_DATA
            )
        signed_at = signer.signing_time or self._claimed(description)
        good = (Finding(Check.DATAHASH), Finding(Check.SIG_VALUE))
        return self._unsealed(ValueKind.SIGNED_DATA, good, signer.certificate.der, signed_at, seal)

    def _bare(self, value: bytes, description: SignedContent, seal: bytes | None) -> ValueReport:
        signer = self._find_signer(value, description.data)
        good = (Finding(Check.SIG_VALUE),)
        return self._unsealed(ValueKind.SIGNATURE, good, signer, self._claimed(description), seal)

    def _find_signer(self, value: bytes, data: bytes) -> bytes:
        """Return the one of the certificates given that made a bare signature.

        Raises:
            UndeterminedError: no certificate was given.
            RejectedError: none of those given made it.
        """
        if not self._certificates:
            raise UndeterminedError(
                Reason.FILE_SIGNER_NOT_GIVEN, "a bare signature, and no certificate of its signer was given"
            )
        for der in self._certificates:
            try:
                key = Certificate.from_der(der).public_key
                if key is not None:
                    (key.verify_raw if len(value) == RAW_LENGTH else key.verify)(value, data)
                    return der
            except (MalformedError, RejectedError):
                continue
        raise RejectedError(Reason.SIGNATURE_BAD, "none of the certificates given made the signature")

    def _claimed(self, description: SignedContent) -> datetime | None:
        """Return SignatureDateTime, read as China's time where it would be in the future else.

        Writers in use mark local time as UTC (domain.md 2.4).
        """
        claimed = description.claimed_time
        if claimed is not None and claimed - self._at > CLOCK_SKEW:
            return claimed - _CHINA_AHEAD
        return claimed

    def _unsealed(
        self, kind: ValueKind, good: tuple[Finding, ...], signer: bytes, signed_at: datetime | None, seal: bytes | None
    ) -> ValueReport:
        """Report on a signature without a sealing that is its signer's."""
        if signed_at is not None and signed_at - self._at > CLOCK_SKEW:
            late = RejectedError(Reason.SEALED_IN_FUTURE, f"signed at {signed_at:%F %T}Z")
            return ValueReport((*good, Finding(Check.SIGNER_CERT_TIME, late)), kind, None, signer, signed_at)
        path, findings = check_signer(signer, signed_at, self._validate, stamped=False)
        shown = () if seal is None else self._shown_seal(seal, signer, signed_at or self._at)
        return ValueReport((*good, *findings, *shown), kind, None, signer, signed_at, self._warn(path, None))

    def _shown_seal(self, data: bytes, signer: bytes, at: datetime) -> tuple[Finding, ...]:
        """Make the checks on a seal that is shown though it was not applied."""
        try:
            seal = Seal.decode(data)
        except MalformedError as error:
            return (Finding(Check.SEAL_SIG, error),)
        findings = assess_seal(seal, validate=self._validate, at=at).findings
        try:
            require_listed(seal, signer)
        except RejectedError as error:
            return (Finding(Check.CERT_IN_SEAL_LIST, error), *findings)
        return (Finding(Check.CERT_IN_SEAL_LIST), *findings)

    def _warn(self, path: ValidatedPath | None, seal: Seal | None) -> tuple[EcertError, ...]:
        """Warn where the time of a signature decides whether it is good, and nobody but its signer says so."""
        if path is None:
            return ()
        since = "was revoked" if path.revocations else "expired" if self._at > path.not_after else None
        what = "the signer's certificate"
        if since is None and seal is not None and self._at > seal.info.not_after:
            what, since = "the seal", "expired"
        if since is None:
            return ()
        detail = f"{what} {since} meanwhile, and no timestamp proves that the signature is older"
        return (UndeterminedError(Reason.SEALING_TIME_UNPROVED, detail),)


def _match(sealing: Sealing, description: SignedContent, seal: bytes | None) -> Finding:
    """Compare the seal beside a sealing with the one applied, byte for byte."""
    if seal is None:
        return Finding(FileCheck.SEAL_MATCH, skipped=True)
    if seal == sealing.seal.der:
        return Finding(FileCheck.SEAL_MATCH)
    detail = f"{description.seal} is another seal than the one applied"
    return Finding(FileCheck.SEAL_MATCH, RejectedError(Reason.FILE_SEAL_MISMATCH, detail))
