"""Seals and sealings other software made (public test data of ofdrw, Apache-2.0), read in place."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecert.errors import Reason, RejectedError
from ecert.seal import (
    Check,
    Findings,
    Outcome,
    Seal,
    Sealing,
    SealVersion,
    ValueKind,
    assess_seal,
    assess_sealing,
    kind_of_value,
)
from ecert.x509 import Certificate

from .world import NOW, nobody

if TYPE_CHECKING:
    from enum import StrEnum

SAMPLES = Path(__file__).parents[3] / "shared/samples"

if not SAMPLES.is_dir():
    pytest.skip(f"the sample files are not beside this repository ({SAMPLES})", allow_module_level=True)

CRYPTOGRAPHIC = [Check.DATAHASH, Check.SIG_VALUE, Check.CERT_IN_SEAL_LIST, Check.SEAL_SIG, Check.SEAL_TIME]


def failed(found: Findings) -> set[StrEnum]:
    return {one.check for one in found.findings if one.outcome is Outcome.FAILED}


def part(package: str, name: str) -> bytes:
    with zipfile.ZipFile(SAMPLES / package) as file:
        return file.read(name)


@pytest.mark.parametrize("version", SealVersion)
def test_the_makers_signature_of_every_version_is_good_and_its_maker_unknown(version: SealVersion) -> None:
    seal = Seal.decode((SAMPLES / f"seal-v{version}.esl").read_bytes())
    assert seal.version is version
    found = assess_seal(seal, validate=nobody, at=seal.info.not_before)
    assert [one.outcome for one in found.findings] == [Outcome.PASSED, Outcome.UNKNOWN, Outcome.PASSED]
    assert found.error is not None
    assert found.error.reason is Reason.ISSUER_UNKNOWN
    assert seal.info.picture.data.startswith(b"\x89PNG")
    assert (seal.info.picture.width, seal.info.picture.height) == (40, 40)


SIGNED = [
    ("allprotected.ofd", 0, datetime(2020, 10, 23, 11, 45, 37, tzinfo=UTC)),
    ("v4-test-ca.ofd", 0, datetime(2020, 10, 10, 7, 11, 20, tzinfo=UTC)),
    ("v4-test-ca-ofdxml-uncovered.ofd", 0, datetime(2020, 8, 17, 11, 13, 29, tzinfo=UTC)),
    ("signed-again-after-whole-protection.ofd", 0, datetime(2020, 7, 16, 8, 4, 27, tzinfo=UTC)),
    ("signed-again-after-whole-protection.ofd", 1, datetime(2020, 7, 16, 8, 5, 36, tzinfo=UTC)),
]


@pytest.mark.parametrize(("package", "number", "sealed_at"), SIGNED)
def test_every_sealing_in_a_file_is_good_and_its_sealer_unknown(package: str, number: int, sealed_at: datetime) -> None:
    folder = f"Doc_0/Signs/Sign_{number}"
    value = part(package, f"{folder}/SignedValue.dat")
    assert kind_of_value(value) is ValueKind.SEALING
    sealing = Sealing.decode(value)
    report = assess_sealing(sealing, part(package, f"{folder}/Signature.xml"), validate=nobody, at=NOW)
    assert failed(report) == set()
    assert all(report.of(check).outcome is Outcome.PASSED for check in CRYPTOGRAPHIC)  # type: ignore[union-attr]
    assert report.error is not None
    assert report.error.reason is Reason.ISSUER_UNKNOWN
    assert report.sealed_at == sealed_at
    assert sealing.property_info == f"/{folder}/Signature.xml"


@pytest.mark.parametrize("number", [0, 1])
def test_the_seal_beside_a_sealing_is_the_one_inside(number: int) -> None:
    folder, package = f"Doc_0/Signs/Sign_{number}", "signed-again-after-whole-protection.ofd"
    assert Sealing.decode(part(package, f"{folder}/SignedValue.dat")).seal.der == part(package, f"{folder}/Seal.esl")


def test_a_tax_seal_carries_its_untagged_extension() -> None:
    sealing = Sealing.decode(part("v4-test-ca.ofd", "Doc_0/Signs/Sign_0/SignedValue.dat"))
    (extension,) = sealing.seal.info.extensions
    assert (extension.oid, extension.value) == ("1.2.156.10197.6.7.2.2.1", b"2.1")


def test_a_sealing_of_an_all_zero_hash_has_a_good_signature_and_no_data() -> None:
    sealing = Sealing.decode((SAMPLES / "signed-value-v4.dat").read_bytes())
    assert sealing.data_hash == bytes(32)
    report = assess_sealing(sealing, b"", validate=nobody, at=NOW)
    assert failed(report) == {Check.DATAHASH}
    assert report.of(Check.SIG_VALUE).outcome is Outcome.PASSED  # type: ignore[union-attr]


def test_a_bare_value_is_the_listed_signers_and_not_that_of_a_certificate_issued_later() -> None:
    """The certificate beside the file was issued in 2021 for another key; who signed in 2020 is listed in the seals."""
    value = part("bare-sm2-value.ofd", "Doc_0/Signs/Sign_0/SignedValue.dat")
    content = part("bare-sm2-value.ofd", "Doc_0/Signs/Sign_0/Signature.xml")
    assert kind_of_value(value) is ValueKind.SIGNATURE
    (listed,) = Seal.decode((SAMPLES / "seal-v4.esl").read_bytes()).info.certificates
    signer = Certificate.from_der(listed)
    beside = Certificate.from_pem((SAMPLES / "bare-sm2-value.signer.pem").read_bytes())
    assert signer.public_key is not None
    assert beside.public_key is not None
    assert beside.not_before.year == 2021
    assert beside.subject == signer.subject
    signer.public_key.verify(value, content)
    with pytest.raises(RejectedError):
        beside.public_key.verify(value, content)
