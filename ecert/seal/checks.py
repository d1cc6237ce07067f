"""What a verification report is made of: one finding for each numbered check (domain.md 7.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ecert.errors import EcertError, MalformedError, RejectedError, UndeterminedError


class Check(StrEnum):
    """The checks on a sealing and its seal, by the codes of domain.md 7.5, in its order. A wire contract."""

    DATAHASH = "DATAHASH"
    SIG_VALUE = "SIG_VALUE"
    SIGNER_CERT_CHAIN = "SIGNER_CERT_CHAIN"
    SIGNER_CERT_TIME = "SIGNER_CERT_TIME"
    SIGNER_CERT_STATUS = "SIGNER_CERT_STATUS"
    CERT_IN_SEAL_LIST = "CERT_IN_SEAL_LIST"
    SEAL_SIG = "SEAL_SIG"
    MAKER_CERT = "MAKER_CERT"
    SEAL_TIME = "SEAL_TIME"
    TIMESTAMP = "TIMESTAMP"


class Outcome(StrEnum):
    """How a check ended. A wire contract."""

    PASSED = "pass"
    FAILED = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one check ended.

    Attributes:
        check: Which: one of `Check`, or of the checks on whatever the sealing lies in.
        error: Why it did not pass; None when it passed or was skipped.
        skipped: There was nothing to check, or an earlier check leaves nothing to ask.
    """

    check: StrEnum
    error: EcertError | None = None
    skipped: bool = False

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self.error is not None:
            return Outcome.UNKNOWN if isinstance(self.error, UndeterminedError) else Outcome.FAILED
        return Outcome.SKIPPED if self.skipped else Outcome.PASSED


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings about one thing, in order."""

    findings: tuple[Finding, ...]

    def of(self, check: StrEnum) -> Finding | None:
        """Return the finding of one check, or None where it was not asked."""
        return next((one for one in self.findings if one.check is check), None)

    @property
    def error(self) -> EcertError | None:
        """What stands against the thing: the first failure, else the first that cannot be told; None when valid."""
        errors = [one.error for one in self.findings if one.error is not None]
        return next((one for one in errors if not isinstance(one, UndeterminedError)), errors[0] if errors else None)

    def require(self) -> None:
        """Raise what stands against the thing, if anything does.

        Raises:
            RejectedError: a check failed.
            UndeterminedError: none failed, and at least one cannot be told.
        """
        error = self.error
        if isinstance(error, MalformedError):
            raise RejectedError(error.reason, error.detail) from error
        if error is not None:
            raise error
