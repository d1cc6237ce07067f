"""Whether the signatures of an OFD file are to be believed, and whether they protect all of it (domain.md 7.5).

Of the file:

    ZIP_SAFE    every reader finds the same parts in it            file-unsafe, file-damaged, not-ofd
    SIG_LIST    its signatures can be read, and there is one       file-unsigned, file-part-missing, ...

Of each signature, in this order:

    REF_DIGEST  the parts it protects are as they were             file-part-changed, file-part-missing
    COVERAGE    it protects everything                             file-part-unprotected (see `coverage`)
    DATAHASH, SIG_VALUE, SIGNER_CERT_CHAIN, SIGNER_CERT_TIME, SIGNER_CERT_STATUS, CERT_IN_SEAL_LIST,
    SEAL_SIG, MAKER_CERT, SEAL_TIME, TIMESTAMP                     see `ecert.seal.verification`
    SEAL_MATCH  the seal beside it is the one applied              file-seal-mismatch

The signature value is a sealing (SES_Signature), GM signed data, or a bare SM2 signature over Signature.xml; which one
is told by the value itself. Every check is made, whatever the others find. Nothing is raised: a file that cannot be
read gets a report that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert import cms
from ecert.errors import EcertError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.ofd.coverage import Coverage
from ecert.ofd.package import Package
from ecert.ofd.signatures import SignatureLists, read_description, read_lists
from ecert.seal import Check, Finding, Findings, Sealing, SealingReport, ValueKind, assess_sealing, kind_of_value
from ecert.seal.verification import CLOCK_SKEW, check_signer
from ecert.sm2 import RAW_LENGTH, sm3
from ecert.x509 import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from ecert.ofd.signatures import Listing, SignatureDescription
    from ecert.x509 import PathValidator

_SHOWN: Final = 5
"""How many parts a detail names."""


class FileCheck(StrEnum):
    """The checks on a file, beside those on a sealing. A wire contract."""

    ZIP_SAFE = "ZIP_SAFE"
    SIG_LIST = "SIG_LIST"
    REF_DIGEST = "REF_DIGEST"
    COVERAGE = "COVERAGE"
    SEAL_MATCH = "SEAL_MATCH"


@dataclass(frozen=True, slots=True)
class SignatureReport(Findings):
    """What was found about one signature.

    Attributes:
        listing: Its entry in the list.
        description: What its Signature.xml says; None where that cannot be read.
        kind: What its value is; None where that cannot be told.
        sealing: What was found about the sealing, where it is one.
        signer: The certificate it was made with, in DER, as far as is known.
        signed_at: When it was made, as far as is known: by a timestamp, else as the signer claims.
    """

    listing: Listing
    description: SignatureDescription | None = None
    kind: ValueKind | None = None
    sealing: SealingReport | None = None
    signer: bytes | None = None
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OfdReport(Findings):
    """What was found about a file: `findings` are those on the file itself.

    Attributes:
        package: The file; None where it cannot be read.
        signatures: One report for each signature, in the order of the list.
    """

    package: Package | None
    signatures: tuple[SignatureReport, ...]

    @property
    def error(self) -> EcertError | None:
        """What stands against the file or any of its signatures: a failure first, else what cannot be told."""
        return Findings((*self.findings, *(one for report in self.signatures for one in report.findings))).error


def assess_ofd(data: bytes, *, validate: PathValidator, at: datetime, certificates: Iterable[bytes] = ()) -> OfdReport:
    """Make every check on an OFD file and its signatures.

    Args:
        data: The file.
        validate: Decides about certificates, as for `assess_sealing`.
        at: Now, or the instant asked about, aware.
        certificates: In DER; who may have signed where a file carries a bare signature and no certificate.
    """
    try:
        package = Package.read(data)
    except MalformedError as error:
        return OfdReport((Finding(FileCheck.ZIP_SAFE, error), Finding(FileCheck.SIG_LIST, skipped=True)), None, ())
    safe = Finding(FileCheck.ZIP_SAFE)
    try:
        lists = read_lists(package)
        if not lists.listings:
            raise RejectedError(Reason.FILE_UNSIGNED, "the file has no signature")
    except EcertError as error:
        return OfdReport((safe, Finding(FileCheck.SIG_LIST, error)), package, ())
    assessment = _Assessment(package, lists, validate, at, tuple(certificates))
    return OfdReport((safe, Finding(FileCheck.SIG_LIST)), package, assessment.reports())


class _Assessment:
    """One file while it is assessed."""

    def __init__(
        self,
        package: Package,
        lists: SignatureLists,
        validate: PathValidator,
        at: datetime,
        certificates: tuple[bytes, ...],
    ) -> None:
        self._package = package
        self._lists = lists
        self._validate = validate
        self._at = at
        self._certificates = certificates
        self._coverage = Coverage(package, lists)
        self._descriptions: dict[str, SignatureDescription | MalformedError] = {}
        self._digests: dict[str, bytes] = {}

    def reports(self) -> tuple[SignatureReport, ...]:
        read = [self._describe(listing) for listing in self._lists.listings]
        digests = [_found(FileCheck.REF_DIGEST, one, self._check_references) for one in read]
        intact = [
            one
            for one, finding in zip(read, digests, strict=True)
            if not isinstance(one, MalformedError) and finding.error is None
        ]
        return tuple(
            self._report(listing, one, finding, intact)
            for listing, one, finding in zip(self._lists.listings, read, digests, strict=True)
        )

    def _describe(self, listing: Listing) -> SignatureDescription | MalformedError:
        if listing.part is None:
            return MalformedError(Reason.FILE_PART_MISSING, f"{listing.location} is not in the file")
        if listing.part not in self._descriptions:
            try:
                self._descriptions[listing.part] = read_description(self._package, listing.part)
            except MalformedError as error:
                self._descriptions[listing.part] = error
        return self._descriptions[listing.part]

    def _report(
        self,
        listing: Listing,
        description: SignatureDescription | MalformedError,
        digests: Finding,
        intact: list[SignatureDescription],
    ) -> SignatureReport:
        if isinstance(description, MalformedError):
            return SignatureReport((digests,), listing)
        others = [one for one in intact if one.part != description.part]
        covered = _found(FileCheck.COVERAGE, description, lambda one: self._check_coverage(one, others))
        first = (digests, covered)
        value = self._package.parts[description.value]
        try:
            kind = kind_of_value(value)
            if kind is ValueKind.SEALING:
                return self._sealing(listing, description, first, Sealing.decode(value))
            if kind is ValueKind.SIGNED_DATA:
                return self._signed_data(listing, description, first, value)
            if kind is ValueKind.SIGNATURE:
                return self._bare(listing, description, first, value)
        except EcertError as error:
            return SignatureReport((*first, Finding(Check.SIG_VALUE, error)), listing, description)
        missing = MalformedError(Reason.SEALING_MALFORMED, "the signature value is a seal that was not applied")
        return SignatureReport((*first, Finding(Check.SIG_VALUE, missing)), listing, description, kind)

    def _check_references(self, description: SignatureDescription) -> None:
        for reference in description.references:
            if reference.part is None:
                raise RejectedError(Reason.FILE_PART_MISSING, f"{reference.location} is protected, and not there")
        changed = [one.location for one in description.references if self._digest(one.part or "") != one.digest]
        if changed:
            raise RejectedError(Reason.FILE_PART_CHANGED, f"altered after signing: {_names(changed)}")

    def _digest(self, part: str) -> bytes:
        """Return SM3 of a part, computed once, however often it is referred to."""
        if part not in self._digests:
            self._digests[part] = sm3(self._package.parts[part])
        return self._digests[part]

    def _check_coverage(self, description: SignatureDescription, others: list[SignatureDescription]) -> None:
        left = self._coverage.unprotected(description, others)
        if left:
            raise RejectedError(Reason.FILE_PART_UNPROTECTED, f"not protected: {_names(left)}")

    def _sealing(
        self, listing: Listing, description: SignatureDescription, first: tuple[Finding, ...], sealing: Sealing
    ) -> SignatureReport:
        report = assess_sealing(sealing, description.data, validate=self._validate, at=self._at)
        at = [one.check for one in report.findings].index(Check.SEAL_SIG)
        match = self._check_seal(description, sealing)
        return SignatureReport(
            (*first, *report.findings[:at], match, *report.findings[at:]),
            listing,
            description,
            ValueKind.SEALING,
            report,
            sealing.certificate,
            report.sealed_at,
        )

    def _check_seal(self, description: SignatureDescription, sealing: Sealing) -> Finding:
        if description.seal is None:
            return Finding(FileCheck.SEAL_MATCH, skipped=True)
        if self._package.parts[description.seal] == sealing.seal.der:
            return Finding(FileCheck.SEAL_MATCH)
        detail = f"{description.seal} is another seal than the one applied"
        return Finding(FileCheck.SEAL_MATCH, RejectedError(Reason.FILE_SEAL_MISMATCH, detail))

    def _signed_data(
        self, listing: Listing, description: SignatureDescription, first: tuple[Finding, ...], value: bytes
    ) -> SignatureReport:
        data_hash = Finding(Check.DATAHASH)
        try:
            signer = cms.verify(cms.SignedData.decode(value), description.data)[0]
        except EcertError as error:
            bad = (
                (Finding(Check.DATAHASH, error), Finding(Check.SIG_VALUE, skipped=True))
                if error.reason is Reason.SIGNED_DATA_MISMATCH
                else (Finding(Check.DATAHASH, skipped=True), Finding(Check.SIG_VALUE, error))
            )
            return SignatureReport((*first, *bad), listing, description, ValueKind.SIGNED_DATA)
        signed_at = signer.signing_time or description.claimed_time
        findings = (*first, data_hash, Finding(Check.SIG_VALUE), *self._signer(signer.certificate.der, signed_at))
        return SignatureReport(
            findings, listing, description, ValueKind.SIGNED_DATA, None, signer.certificate.der, signed_at
        )

    def _bare(
        self, listing: Listing, description: SignatureDescription, first: tuple[Finding, ...], value: bytes
    ) -> SignatureReport:
        first = (*first, Finding(Check.DATAHASH, skipped=True))
        try:
            signer = self._find_signer(value, description.data)
        except EcertError as error:
            return SignatureReport((*first, Finding(Check.SIG_VALUE, error)), listing, description, ValueKind.SIGNATURE)
        signed_at = description.claimed_time
        findings = (*first, Finding(Check.SIG_VALUE), *self._signer(signer, signed_at))
        return SignatureReport(findings, listing, description, ValueKind.SIGNATURE, None, signer, signed_at)

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
            key = Certificate.from_der(der).public_key
            if key is None:
                continue
            verify = key.verify_raw if len(value) == RAW_LENGTH else key.verify
            try:
                verify(value, data)
            except (MalformedError, RejectedError):
                continue
            return der
        raise RejectedError(Reason.SIGNATURE_BAD, "none of the certificates given made the signature")

    def _signer(self, certificate: bytes, signed_at: datetime | None) -> tuple[Finding, ...]:
        if signed_at is not None and signed_at - self._at > CLOCK_SKEW:
            late = RejectedError(Reason.SEALED_IN_FUTURE, f"signed at {signed_at:%F %T}Z")
            return (Finding(Check.SIGNER_CERT_TIME, late),)
        return check_signer(certificate, signed_at, self._validate, stamped=False)[1]


def _found(
    check: FileCheck,
    description: SignatureDescription | MalformedError,
    action: Callable[[SignatureDescription], None],
) -> Finding:
    """Make a check that raises what it finds, on a description that may be none."""
    if isinstance(description, MalformedError):
        return Finding(check, description)
    try:
        action(description)
    except EcertError as error:
        return Finding(check, error)
    return Finding(check)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
