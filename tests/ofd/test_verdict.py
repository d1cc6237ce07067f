"""What findings come to: valid, valid with a warning, invalid, or not to be told; and in which order they stand."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ecert import cms
from ecert.errors import EcertError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.package import Package
from ecert.ofd.report import ORDER, FileCheck, OfdReport, Verdict
from ecert.ofd.sealing import Sealer, seal_file, sign_file
from ecert.ofd.verification import assess_ofd
from ecert.seal import Check, Outcome, Seal
from ecert.sm2 import sm3
from ecert.timestamp import issue_token
from ecert.x509 import CrlReason, Revocation
from tests.seal import forge
from tests.seal.world import DAY, NOW, YEAR, World, nobody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ecert.x509 import PathValidator

HEAD = '<ofd:{0} xmlns:ofd="http://www.ofdspec.org/2016">{1}</ofd:{0}>'
DESCRIPTION, VALUE, SEAL = (f"Doc_0/Signs/Sign_0/{name}" for name in ("Signature.xml", "SignedValue.dat", "Seal.esl"))
BODY = (
    "<ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
    "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>"
)
BLANK = Package.of(
    {"OFD.xml": HEAD.format("OFD", BODY).encode(), "Doc_0/Document.xml": HEAD.format("Document", "").encode()}
)
HOUR = timedelta(hours=1)
SIGNED_AT = "<ofd:SignatureDateTime>20261123080000Z"


@pytest.fixture
def own() -> World:
    """A world for one test, which may revoke."""
    return World.build()


def department(world: World) -> Sealer:
    return Sealer(world.keys["department"], world.certificates["department"])


def stamping(world: World) -> Sealer:
    def stamp(value: bytes) -> bytes:
        return issue_token(
            sm3(value), signer=world.keys["tsa"], certificate=world.certificates["tsa"], serial=1, at=NOW
        )

    return Sealer(world.keys["department"], world.certificates["department"], stamp)


def sealed(world: World, sealer: Sealer | None = None, seal: Seal | None = None) -> Package:
    return seal_file(BLANK, seal or forge.seal(world), sealer or department(world), centre=(100, 100), at=NOW)


def signed(world: World) -> Package:
    return sign_file(BLANK, department(world), at=NOW)


def bare(world: World, *edits: tuple[str, str], parts: dict[str, bytes] | None = None) -> Package:
    """A file with a bare signature over an edited description."""
    package = signed(world)
    text = package.parts[DESCRIPTION].decode()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    value = world.keys["department"].sign(text.encode())
    return Package.of({**package.parts, **(parts or {}), DESCRIPTION: text.encode(), VALUE: value})


def assess(
    package: Package,
    world: World,
    *,
    at: datetime = NOW,
    validate: PathValidator | None = None,
    certificates: Iterable[bytes] | None = None,
) -> OfdReport:
    given = (world.certificates["department"].der,) if certificates is None else certificates
    return assess_ofd(write_package(package, NOW), validate=validate or world.validate, at=at, certificates=given)


def reasons(errors: Iterable[EcertError]) -> list[Reason]:
    return [one.reason for one in errors]


def revoke(world: World, at: datetime, reason: CrlReason) -> None:
    world.revoked.append(Revocation(world.certificates["department"].serial, at, reason))


def test_a_good_file_is_valid_without_warning(world: World) -> None:
    report = assess(sealed(world), world)
    assert (report.verdict, report.error, report.warnings) == (Verdict.VALID, None, ())
    assert report.signatures[0].verdict is Verdict.VALID


def test_every_check_is_reported_in_order_whatever_the_value_is(world: World) -> None:
    garbage = Package.of({**signed(world).parts, VALUE: b"garbage"})
    unreadable = Package.of({**signed(world).parts, DESCRIPTION: b"garbage"})
    for package in (sealed(world), signed(world), bare(world), garbage, unreadable):
        (signature,) = assess(package, world).signatures
        assert tuple(one.check for one in signature.findings) == ORDER


def test_an_unknown_signer_leaves_it_open(world: World) -> None:
    assert assess(sealed(world), world, validate=nobody).verdict is Verdict.INDETERMINATE


def test_what_fails_outweighs_what_cannot_be_told(world: World) -> None:
    package = Package.of({**sealed(world).parts, "Doc_0/Document.xml": b"<changed/>"})
    report = assess(package, world, validate=nobody)
    assert report.verdict is Verdict.INVALID
    assert report.error is not None
    assert report.error.reason is Reason.FILE_PART_CHANGED


def test_one_bad_signature_is_enough_and_each_has_its_own_verdict(world: World) -> None:
    package = sign_file(sealed(world), Sealer(world.keys["other"], world.certificates["other"]), at=NOW)
    assert assess(package, world).verdict is Verdict.VALID
    second = VALUE.replace("Sign_0", "Sign_1")
    report = assess(Package.of({**package.parts, second: b"garbage"}), world)
    assert [one.verdict for one in report.signatures] == [Verdict.VALID, Verdict.INVALID]
    assert report.verdict is Verdict.INVALID


@pytest.mark.parametrize(("later", "what"), [(2 * YEAR, "the seal expired"), (6 * YEAR, "certificate expired")])
def test_a_claimed_time_is_warned_of_once_it_matters(later: timedelta, what: str, world: World) -> None:
    report = assess(sealed(world), world, at=NOW + later)
    assert report.verdict is Verdict.VALID_WITH_WARNING
    assert reasons(report.warnings) == [Reason.SEALING_TIME_UNPROVED]
    assert what in report.warnings[0].detail
    assert assess(sealed(world, stamping(world)), world, at=NOW + later).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("at", "reason", "verdict"),
    [
        (NOW - HOUR, CrlReason.SUPERSEDED, Verdict.INVALID),
        (NOW + HOUR, CrlReason.SUPERSEDED, Verdict.VALID_WITH_WARNING),
        (NOW + HOUR, CrlReason.KEY_COMPROMISE, Verdict.INDETERMINATE),
    ],
)
def test_revocation_counts_by_when_it_was(at: datetime, reason: CrlReason, verdict: Verdict, own: World) -> None:
    revoke(own, at, reason)
    for package in (sealed(own), signed(own), bare(own)):
        assert assess(package, own, at=NOW + DAY).verdict is verdict


def test_a_timestamp_settles_a_later_revocation(own: World) -> None:
    package = sealed(own, stamping(own))
    revoke(own, NOW + DAY, CrlReason.KEY_COMPROMISE)
    assert assess(package, own, at=NOW + 2 * DAY).verdict is Verdict.VALID


def test_local_time_marked_as_utc_is_no_signature_from_the_future(world: World) -> None:
    report = assess(bare(world, (SIGNED_AT, "<ofd:SignatureDateTime>20261123160000Z")), world)
    assert report.verdict is Verdict.VALID
    assert report.signatures[0].signed_at == NOW


def test_a_claim_of_tomorrow_is_refused(world: World) -> None:
    report = assess(bare(world, (SIGNED_AT, "<ofd:SignatureDateTime>20261124080000Z")), world)
    assert report.error is not None
    assert report.error.reason is Reason.SEALED_IN_FUTURE


def test_a_bare_signature_that_does_not_say_when_cannot_be_judged(world: World) -> None:
    report = assess(bare(world, (SIGNED_AT, "<ofd:SignatureDateTime>")), world)
    assert report.verdict is Verdict.INDETERMINATE
    assert report.error is not None
    assert report.error.reason is Reason.SEALING_TIME_UNKNOWN


def test_certificates_that_cannot_be_read_made_nothing(world: World) -> None:
    good = world.certificates["department"].der
    assert assess(bare(world), world, certificates=(b"garbage", good)).verdict is Verdict.VALID
    report = assess(bare(world), world, certificates=(b"garbage",))
    assert report.error is not None
    assert report.error.reason is Reason.SIGNATURE_BAD


def test_a_raw_value_is_taken_whatever_it_begins_with(world: World) -> None:
    package = bare(world)
    data = package.parts[DESCRIPTION]
    raw = next(value for _ in count() if (value := forge.raw(world.keys["department"], data))[0] == 0x30)
    assert assess(Package.of({**package.parts, VALUE: raw}), world).verdict is Verdict.VALID


def shown(world: World, seal: bytes, *, by_cms: bool) -> Package:
    """A signature that shows a seal which it does not apply."""
    package = Package.of({**BLANK.parts, SEAL: seal})
    made = sign_file(package, department(world), at=NOW)
    folder = "Doc_0/Signs/Sign_1"
    part, value = f"{folder}/Signature.xml", f"{folder}/SignedValue.dat"
    beside = f"<ofd:Seal><ofd:BaseLoc>/{SEAL}</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>".encode()
    data = made.parts[part].replace(b"</ofd:SignedInfo>", beside)
    sealer = department(world)
    signature = (
        cms.sign(data, signer=sealer.signer, certificate=sealer.certificate, carry=False)
        if by_cms
        else sealer.signer.sign(data)
    )
    return Package.of({**made.parts, part: data, value: signature})


@pytest.mark.parametrize("by_cms", [True, False])
def test_a_seal_shown_beside_a_signature_is_verified(world: World, *, by_cms: bool) -> None:
    good = forge.seal(world)
    report = assess(shown(world, good.der, by_cms=by_cms), world)
    assert report.verdict is Verdict.VALID
    outcomes = {one.check: one.outcome for one in report.signatures[0].findings}
    for check in (Check.CERT_IN_SEAL_LIST, Check.SEAL_SIG, Check.MAKER_CERT, Check.SEAL_TIME):
        assert outcomes[check] is Outcome.PASSED
    assert outcomes[FileCheck.SEAL_MATCH] is Outcome.SKIPPED


@pytest.mark.parametrize("by_cms", [True, False])
def test_a_bad_seal_shown_beside_a_signature_is_told(world: World, *, by_cms: bool) -> None:
    foreign = forge.seal(world, certificates=(world.certificates["other"].der,))
    expired = forge.seal(world, not_after=NOW - HOUR)
    forged = forge.Forge(world, maker_signs=lambda _, message: world.keys["other"].sign(message)).seal()
    for seal, reason in (
        (foreign.der, Reason.SEALING_CERTIFICATE_NOT_LISTED),
        (expired.der, Reason.SEAL_NOT_IN_PERIOD),
        (forged, Reason.SEAL_MAKER_SIGNATURE_BAD),
        (b"garbage", Reason.SEAL_MALFORMED),
    ):
        report = assess(shown(world, seal, by_cms=by_cms), world)
        assert report.error is not None
        assert report.error.reason is reason
