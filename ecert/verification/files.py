"""A file handed to a window: an OFD licence, an electronic seal, a signature value; and what became of the licence.

What a file proves by itself is told by `ecert.ofd` and `ecert.seal`; `licence_checks` adds what the window knows. All
checks are reported, in the order of domain.md 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, MalformedError, Reason, UndeterminedError
from ecert.ofd.report import ORDER, verdict_on
from ecert.ofd.report import Verdict as Overall
from ecert.ofd.signature_value import LooseContent, ValueAssessor
from ecert.ofd.verification import assess_ofd
from ecert.seal import Check, Finding, Findings, Seal, Sealing, ValueKind, assess_seal, assess_sealing, kind_of_value
from ecert.sm2 import RAW_LENGTH
from ecert.verification import Outcome
from ecert.verification.licence_checks import Knowledge, LicenceCheck, LicenceChecks, Question

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecert.ofd.copies import CopyNote
    from ecert.ofd.package import Package
    from ecert.ofd.report import SignatureReport
    from ecert.verification import Verdict

__all__ = ["FileKind", "FileVerdict", "Knowledge", "LicenceCheck", "Question", "assess_file", "kind_of_file"]

_ZIP: Final = b"PK"
_DER_SEQUENCE: Final = b"\x30"


class FileKind(StrEnum):
    """What a file handed in is. A wire contract."""

    OFD = "ofd"
    SEAL = "seal"
    SEALING = "sealing"
    SIGNED_DATA = "signed-data"
    SIGNATURE = "signature"


_KINDS: Final = {
    ValueKind.SEAL: FileKind.SEAL,
    ValueKind.SEALING: FileKind.SEALING,
    ValueKind.SIGNED_DATA: FileKind.SIGNED_DATA,
    ValueKind.SIGNATURE: FileKind.SIGNATURE,
}
_OUTCOMES: Final = {
    Overall.VALID: Outcome.VALID,
    Overall.VALID_WITH_WARNING: Outcome.VALID,
    Overall.INVALID: Outcome.INVALID,
    Overall.INDETERMINATE: Outcome.UNDETERMINED,
}


@dataclass(frozen=True, slots=True)
class FileVerdict(Findings):
    """The whole answer about one file: `findings` are all checks in order, of several signatures the worst.

    Attributes:
        kind: What the file is.
        question: What was asked.
        signatures: What was found about each signature of an OFD file.
        warnings: What a reader should know though it fails no check.
        seals: The seals in it.
        package: The parts of an OFD file; None where it cannot be read.
        record: The verdict on the licence record in it; None where it carries none.
        note: What an annotated copy says; None where the file is none.
    """

    kind: FileKind
    question: Question
    signatures: tuple[SignatureReport, ...] = ()
    warnings: tuple[EcertError, ...] = ()
    seals: tuple[Seal, ...] = ()
    package: Package | None = None
    record: Verdict | None = None
    note: CopyNote | None = None

    @property
    def overall(self) -> Overall:
        """The verdict in the four words of domain.md 7.5."""
        return verdict_on(self.error, self.warnings)

    @property
    def outcome(self) -> Outcome:
        """The verdict as a window is told it."""
        return _OUTCOMES[self.overall]

    @property
    def reason(self) -> Reason:
        """`ok`, or why not."""
        return Reason.OK if self.error is None else self.error.reason


def kind_of_file(data: bytes) -> FileKind | None:
    """Tell by its beginning what a file is; None when it is none of these. Reading it may still fail."""
    if data.startswith(_ZIP):
        return FileKind.OFD
    if len(data) != RAW_LENGTH and not data.startswith(_DER_SEQUENCE):
        return None
    try:
        return _KINDS[kind_of_value(data)]
    except MalformedError:
        return FileKind.SEALING


def assess_file(data: bytes, kind: FileKind, held: Knowledge, question: Question) -> FileVerdict:
    """Make every check on a file and say what each came to. Never raises for what it is given.

    Args:
        data: Hostile bytes.
        kind: What they are taken for, see `kind_of_file`.
        held: What the window holds.
        question: What is asked.
    """
    run = _Run(held, question)
    if kind is FileKind.OFD:
        return run.ofd(data)
    if kind is FileKind.SEAL:
        return run.seal(data)
    return run.sealing(data) if kind is FileKind.SEALING else run.value(data, kind)


class _Run:
    """The assessment of one file."""

    def __init__(self, held: Knowledge, question: Question) -> None:
        self._checks = LicenceChecks(held, question)
        self._question = question

    def ofd(self, data: bytes) -> FileVerdict:
        asked = self._question
        report = assess_ofd(data, validate=self._checks.bodies, at=asked.at, certificates=asked.certificates)
        findings = (*report.findings, *(_worst(check, report.signatures) for check in ORDER))
        if report.package is None or not report.signatures:
            return FileVerdict((*findings, *_skipped(*LicenceCheck)), FileKind.OFD, asked, package=report.package)
        signers = [one.signer for one in report.signatures if one.signer is not None]
        sealings = [one.sealing for one in report.signatures if one.sealing is not None]
        record, identity = self._checks.identity(report.package, signers)
        note, state = self._checks.state(report.package, record)
        trust = self._checks.trust(signers, [(one.sealing.seal, one.sealed_at) for one in sealings])
        return FileVerdict(
            findings=(*findings, identity, state, trust),
            kind=FileKind.OFD,
            question=asked,
            signatures=report.signatures,
            warnings=(*report.warnings, *self._checks.unproved(sealings)),
            seals=tuple(one.sealing.seal for one in sealings),
            package=report.package,
            record=record,
            note=note,
        )

    def seal(self, data: bytes) -> FileVerdict:
        try:
            seal = Seal.decode(data)
        except MalformedError as error:
            return self._unread(FileKind.SEAL, Finding(Check.SEAL_SIG, error))
        findings = assess_seal(seal, validate=self._checks.bodies, at=self._question.at).findings
        trust = self._checks.trust((), [(seal, self._question.at)])
        return FileVerdict((*findings, trust), FileKind.SEAL, self._question, seals=(seal,))

    def sealing(self, data: bytes) -> FileVerdict:
        try:
            sealing = Sealing.decode(data)
        except MalformedError as error:
            return self._unread(FileKind.SEALING, Finding(Check.SIG_VALUE, error))
        asked = self._question
        report = assess_sealing(sealing, asked.content, validate=self._checks.bodies, at=asked.at)
        trust = self._checks.trust([sealing.certificate], [(sealing.seal, report.sealed_at)])
        return FileVerdict((*report.findings, trust), FileKind.SEALING, asked, seals=(sealing.seal,))

    def value(self, data: bytes, kind: FileKind) -> FileVerdict:
        asked = self._question
        if asked.content is None:
            missing = UndeterminedError(Reason.SEALING_DATA_NOT_GIVEN, "what was signed is not at hand")
            return self._unread(kind, Finding(Check.DATAHASH, missing))
        assessor = ValueAssessor(self._checks.bodies, asked.at, tuple(asked.certificates))
        found = assessor.assess(data, LooseContent(asked.content), None)
        trust = self._checks.trust([found.signer] if found.signer else [], ())
        return FileVerdict((*found.findings, trust), kind, asked, warnings=found.warnings)

    def _unread(self, kind: FileKind, finding: Finding) -> FileVerdict:
        return FileVerdict((finding, *_skipped(LicenceCheck.TRUST_REGISTRY)), kind, self._question)


def _skipped(*checks: StrEnum) -> tuple[Finding, ...]:
    return tuple(Finding(check, skipped=True) for check in checks)


def _worst(check: StrEnum, signatures: Iterable[SignatureReport]) -> Finding:
    """Return what a check came to over all signatures: made at least once, and the worst that was found."""
    found = [one for report in signatures for one in report.findings if one.check is check]
    error = Findings(tuple(found)).error
    return Finding(check, error, skipped=error is None and all(one.skipped for one in found))
