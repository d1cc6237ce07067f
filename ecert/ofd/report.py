"""What is reported about an OFD file: one finding for each check, in the order of domain.md 7.5, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import UndeterminedError
from ecert.seal import Check, Finding, Findings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ecert.errors import EcertError
    from ecert.ofd.package import Package
    from ecert.ofd.signatures import Listing, SignatureDescription
    from ecert.seal import SealingReport, ValueKind


class FileCheck(StrEnum):
    """The checks on a file, beside those on a sealing. A wire contract."""

    ZIP_SAFE = "ZIP_SAFE"
    SIG_LIST = "SIG_LIST"
    REF_DIGEST = "REF_DIGEST"
    COVERAGE = "COVERAGE"
    SEAL_MATCH = "SEAL_MATCH"


ORDER: Final[tuple[StrEnum, ...]] = (
    FileCheck.REF_DIGEST,
    FileCheck.COVERAGE,
    Check.DATAHASH,
    Check.SIG_VALUE,
    Check.SIGNER_CERT_CHAIN,
    Check.SIGNER_CERT_TIME,
    Check.SIGNER_CERT_STATUS,
    Check.CERT_IN_SEAL_LIST,
    FileCheck.SEAL_MATCH,
    Check.SEAL_SIG,
    Check.MAKER_CERT,
    Check.SEAL_TIME,
    Check.TIMESTAMP,
)
"""The checks on each signature, in the order in which they are reported."""


class Verdict(StrEnum):
    """What all findings come to. A wire contract."""

    VALID = "VALID"
    VALID_WITH_WARNING = "VALID_WITH_WARNING"
    INVALID = "INVALID"
    INDETERMINATE = "INDETERMINATE"


def verdict_on(error: EcertError | None, warnings: Iterable[EcertError]) -> Verdict:
    """Return the verdict where `error` stands against something, or only warnings do."""
    if error is not None:
        return Verdict.INDETERMINATE if isinstance(error, UndeterminedError) else Verdict.INVALID
    return Verdict.VALID_WITH_WARNING if any(True for _ in warnings) else Verdict.VALID


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return a finding for each check on a signature, in order; those not made as skipped."""
    made = {one.check: one for one in findings}
    return tuple(made.get(check) or Finding(check, skipped=True) for check in ORDER)


@dataclass(frozen=True, slots=True)
class SignatureReport(Findings):
    """What was found about one signature: a finding for each check of `ORDER`.

    Attributes:
        listing: Its entry in the list.
        description: What its Signature.xml says; None where that cannot be read.
        kind: What its value is; None where that cannot be told.
        sealing: What was found about the sealing, where it is one.
        signer: The certificate it was made with, in DER, as far as is known.
        signed_at: When it was made, aware UTC, as far as is known: by a timestamp, else as the signer claims.
        warnings: What a reader should know though it fails no check.
    """

    listing: Listing
    description: SignatureDescription | None = None
    kind: ValueKind | None = None
    sealing: SealingReport | None = None
    signer: bytes | None = None
    signed_at: datetime | None = None
    warnings: tuple[EcertError, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict on this signature alone."""
        return verdict_on(self.error, self.warnings)


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

    @property
    def warnings(self) -> tuple[EcertError, ...]:
        """The warnings about all signatures."""
        return tuple(one for report in self.signatures for one in report.warnings)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the file: one bad signature is enough to make it invalid."""
        return verdict_on(self.error, self.warnings)
