"""Files that other software signed (public test data of ofdrw, Apache-2.0), read in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecert.errors import Reason
from ecert.ofd.verification import FileCheck, OfdReport, Verdict, assess_ofd
from ecert.seal import Check, Finding, Outcome, Seal, ValueKind
from ecert.x509 import Certificate
from tests.seal.world import NOW, nobody

SAMPLES = Path(__file__).parents[3] / "shared/samples"

if not SAMPLES.is_dir():
    pytest.skip(f"the sample files are not beside this repository ({SAMPLES})", allow_module_level=True)

SEALING_ORDER = [
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
]
UNKNOWN_SIGNER = {Check.SIGNER_CERT_CHAIN, Check.MAKER_CERT}


def assess(name: str, *certificates: bytes) -> OfdReport:
    return assess_ofd((SAMPLES / name).read_bytes(), validate=nobody, at=NOW, certificates=certificates)


def checks(findings: tuple[Finding, ...], outcome: Outcome) -> set[str]:
    return {one.check for one in findings if one.outcome is outcome}


@pytest.mark.parametrize("name", ["allprotected.ofd", "v4-test-ca.ofd"])
def test_a_good_file_is_good_but_for_its_unknown_signer(name: str) -> None:
    report = assess(name)
    (signature,) = report.signatures
    assert [one.check for one in report.findings] == [FileCheck.ZIP_SAFE, FileCheck.SIG_LIST]
    assert [one.check for one in signature.findings] == SEALING_ORDER
    assert checks(signature.findings, Outcome.FAILED) == set()
    assert checks(signature.findings, Outcome.UNKNOWN) == UNKNOWN_SIGNER
    assert report.error is not None
    assert report.error.reason is Reason.ISSUER_UNKNOWN


def test_a_good_signature_that_leaves_the_root_unprotected_is_not_valid() -> None:
    report = assess("v4-test-ca-ofdxml-uncovered.ofd")
    (signature,) = report.signatures
    assert checks(signature.findings, Outcome.FAILED) == {FileCheck.COVERAGE}
    assert report.error is not None
    assert report.error.reason is Reason.FILE_PART_UNPROTECTED
    assert report.error.detail == "not protected: OFD.xml"


def test_signing_again_what_was_wholly_protected_breaks_the_first_signature_alone() -> None:
    report = assess("signed-again-after-whole-protection.ofd")
    first, second = report.signatures
    assert checks(first.findings, Outcome.FAILED) == {FileCheck.REF_DIGEST}
    assert checks(second.findings, Outcome.FAILED) == set()
    assert report.error is not None
    assert report.error.reason is Reason.FILE_PART_CHANGED
    assert "/Doc_0/Signs/Signatures.xml" in report.error.detail


def test_a_bare_signature_needs_its_signers_certificate() -> None:
    """The signer's certificate is listed in the seals beside; the one named after the file is another key's."""
    (listed,) = Seal.decode((SAMPLES / "seal-v4.esl").read_bytes()).info.certificates
    beside = Certificate.from_pem((SAMPLES / "bare-sm2-value.signer.pem").read_bytes()).der
    report = assess("bare-sm2-value.ofd", beside, listed)
    (signature,) = report.signatures
    assert signature.kind is ValueKind.SIGNATURE
    assert signature.signer == listed
    assert checks(signature.findings, Outcome.FAILED) == set()
    without = assess("bare-sm2-value.ofd").error
    wrong = assess("bare-sm2-value.ofd", beside).error
    assert without is not None
    assert without.reason is Reason.FILE_SIGNER_NOT_GIVEN
    assert wrong is not None
    assert wrong.reason is Reason.SIGNATURE_BAD


@pytest.mark.parametrize(
    ("name", "whole", "each"),
    [
        ("allprotected.ofd", Verdict.INDETERMINATE, [Verdict.INDETERMINATE]),
        ("v4-test-ca.ofd", Verdict.INDETERMINATE, [Verdict.INDETERMINATE]),
        ("v4-test-ca-ofdxml-uncovered.ofd", Verdict.INVALID, [Verdict.INVALID]),
        ("signed-again-after-whole-protection.ofd", Verdict.INVALID, [Verdict.INVALID, Verdict.INDETERMINATE]),
        ("bare-sm2-value.ofd", Verdict.INDETERMINATE, [Verdict.INDETERMINATE]),
        ("unsigned.ofd", Verdict.INVALID, []),
    ],
)
def test_the_verdicts_are_those_of_the_samples_own_list(name: str, whole: Verdict, each: list[Verdict]) -> None:
    report = assess(name)
    assert report.verdict is whole
    assert [one.verdict for one in report.signatures] == each


def test_an_unsigned_file_says_so() -> None:
    report = assess("unsigned.ofd")
    assert report.error is not None
    assert report.error.reason is Reason.FILE_UNSIGNED
    assert report.signatures == ()
