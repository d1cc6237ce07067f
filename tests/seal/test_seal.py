from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecert import der_encoding as enc
from ecert.errors import CustodyError, IssuanceError, MalformedError, Reason
from ecert.seal import Check, Outcome, Seal, SealPicture, SealVersion, assess_seal
from ecert.sm2 import sm3
from ecert.timestamp import issue_token
from ecert.x509 import CrlReason, Profile, Revocation

from . import forge
from .bouncycastle import ask, flip, needs_bouncycastle
from .forge import EXTENSION, PICTURE, Forge
from .world import DAY, NOW, YEAR, World, nobody

if TYPE_CHECKING:
    from datetime import datetime
    from enum import StrEnum
    from pathlib import Path


def outcomes(world: World, data: bytes, at: datetime = NOW) -> dict[StrEnum, Reason | None]:
    found = assess_seal(Seal.decode(data), validate=world.validate, at=at).findings
    return {one.check: one.error.reason if one.error else None for one in found}


GOOD = {Check.SEAL_SIG: None, Check.MAKER_CERT: None, Check.SEAL_TIME: None}


def test_a_seal_made_here_says_what_was_asked_and_passes_every_check(world: World) -> None:
    made = forge.seal(world)
    read = Seal.decode(made.der)
    assert read == made
    assert read.version is SealVersion.V4
    assert (read.info.code, read.info.kind, read.info.name) == ("44000000000001", 1, "样例省市场监督管理局")
    assert (read.info.created, read.info.not_before, read.info.not_after) == (NOW - DAY, NOW - DAY, NOW + YEAR)
    assert read.info.picture == PICTURE
    assert read.info.certificates == (world.certificates["department"].der,)
    assert read.maker_certificate == world.certificates["maker"].der
    assert outcomes(world, made.der) == GOOD


@pytest.mark.parametrize("version", SealVersion)
def test_every_version_is_read_and_verified_by_its_own_construction(world: World, version: SealVersion) -> None:
    data = Forge(world, version=version).seal()
    assert Seal.decode(data).version is version
    assert outcomes(world, data) == GOOD
    other = Forge(world, version=version, construction=4 if version is SealVersion.V1 else 1).seal()
    assert outcomes(world, other) == GOOD | {Check.SEAL_SIG: Reason.SEAL_MAKER_SIGNATURE_BAD}


@pytest.mark.parametrize("extensions", [EXTENSION, enc.explicit(0, EXTENSION), enc.sequence()])
@pytest.mark.parametrize("version", SealVersion)
def test_extensions_are_read_tagged_and_untagged_with_critical_false_written_out(
    world: World, version: SealVersion, extensions: bytes
) -> None:
    data = Forge(world, version=version, extensions=extensions).seal()
    assert outcomes(world, data) == GOOD
    assert [one.value for one in Seal.decode(data).info.extensions] == ([] if extensions == b"0\x00" else [b"2.1"])


def test_raw_signatures_of_64_bytes_are_read(world: World) -> None:
    assert outcomes(world, Forge(world, maker_signs=forge.raw).seal()) == GOOD


def test_a_seal_may_list_digests(world: World) -> None:
    certificate = world.certificates["department"].der

    def listed(algorithm: str, value: bytes) -> bool:
        entries = enc.sequence(enc.sequence(enc.printable(algorithm), enc.octets(value)))
        return Seal.decode(Forge(world, list_type=2, listed=entries).seal()).info.lists(certificate)

    assert listed("SM3", sm3(certificate))
    assert listed("1.2.156.10197.1.401", sm3(certificate))
    assert not listed("SM3", sm3(b"another"))
    assert not listed("SHA256", sm3(certificate))


def test_a_version_1_list_may_hold_certificates_without_a_wrapping(world: World) -> None:
    certificate = world.certificates["department"].der
    assert Seal.decode(Forge(world, version=1, listed=enc.sequence(certificate)).seal()).info.lists(certificate)


def test_a_version_5_seal_with_a_timestamp_is_dated_by_it(world: World) -> None:
    def stamp(value: bytes) -> bytes:
        return issue_token(
            sm3(value), signer=world.keys["tsa"], certificate=world.certificates["tsa"], serial=1, at=NOW
        )

    data = Forge(world, version=5, seal_stamp=stamp).seal()
    assert Seal.decode(data).time_stamp is not None
    assert outcomes(world, data) == GOOD
    theft = Revocation(world.certificates["maker"].serial, NOW + DAY, CrlReason.KEY_COMPROMISE)
    world.revoked = [theft]
    assert outcomes(world, data) == GOOD
    assert outcomes(world, Forge(world, version=5).seal())[Check.MAKER_CERT] is Reason.SEAL_MAKER_KEY_COMPROMISED
    late = Forge(world, version=5, seal_stamp=stamp, created=NOW + DAY).seal()
    assert outcomes(world, late)[Check.MAKER_CERT] is Reason.TIMESTAMP_TIME_IMPLAUSIBLE
    swapped = Forge(world, version=5, seal_stamp=lambda _: stamp(b"another")).seal()
    assert outcomes(world, swapped)[Check.MAKER_CERT] is Reason.TIMESTAMP_MISMATCH


def test_the_makers_certificate_counts_when_the_seal_was_made(world: World) -> None:
    data, serial = forge.seal(world).der, world.certificates["maker"].serial
    world.revoked = [Revocation(serial, NOW, CrlReason.SUPERSEDED)]
    assert outcomes(world, data) == GOOD
    world.revoked = [Revocation(serial, NOW - 2 * DAY, CrlReason.SUPERSEDED)]
    assert outcomes(world, data) == GOOD | {Check.MAKER_CERT: Reason.SEAL_MAKER_CERTIFICATE_REVOKED}
    world.revoked = [Revocation(serial, NOW, CrlReason.KEY_COMPROMISE)]
    assert outcomes(world, data) == GOOD | {Check.MAKER_CERT: Reason.SEAL_MAKER_KEY_COMPROMISED}


def test_a_department_may_not_make_seals(world: World) -> None:
    assert outcomes(world, Forge(world, maker="other").seal())[Check.MAKER_CERT] is Reason.SEAL_MAKER_CERTIFICATE_BAD


def test_an_unknown_maker_leaves_it_open(world: World) -> None:
    found = assess_seal(forge.seal(world), validate=nobody, at=NOW)
    assert [one.outcome for one in found.findings] == [Outcome.PASSED, Outcome.UNKNOWN, Outcome.PASSED]
    assert found.error is not None
    assert found.error.reason is Reason.ISSUER_UNKNOWN


def test_a_seal_is_for_use_in_its_period_only(world: World) -> None:
    data = forge.seal(world).der
    for at in (NOW - 2 * DAY, NOW + 2 * YEAR):
        assert outcomes(world, data, at) == GOOD | {Check.SEAL_TIME: Reason.SEAL_NOT_IN_PERIOD}


def test_no_changed_byte_of_what_the_maker_signed_verifies(world: World) -> None:
    made = forge.seal(world)
    for at in range(4, 4 + len(made.signed), 5):
        data = flip(made.der, at)
        try:
            assert outcomes(world, data)[Check.SEAL_SIG] is Reason.SEAL_MAKER_SIGNATURE_BAD
        except MalformedError as error:
            assert error.reason is Reason.SEAL_MALFORMED  # noqa: PT017  (either is right)


@pytest.mark.parametrize(
    "changes",
    [
        {"header": b"EX"},
        {"list_type": 3},
        {"list_type": 2},
        {"listed": enc.sequence(enc.integer(1))},
        {"extensions": enc.integer(1)},
        {"extensions": enc.sequence(enc.sequence(enc.oid("1.2.3"), enc.boolean(value=True), enc.octets(b"")))},
        {"version": 4, "extensions": EXTENSION + EXTENSION},
    ],
)
def test_what_is_no_seal_is_malformed(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError) as caught:
        Seal.decode(Forge(world, **changes).seal())  # type: ignore[arg-type]
    assert caught.value.reason is Reason.SEAL_MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"code": ""},
        {"code": "印章"},
        {"code": "1" * 65},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "章" * 201},
        {"kind": -1},
        {"certificates": ()},
        {"not_after": NOW - 2 * DAY},
        {"picture": SealPicture("PNG", b"", 42, 42)},
        {"picture": SealPicture("PNG", b"x", 0, 42)},
        {"picture": SealPicture("PNG", b"x", 42, 201)},
        {"picture": SealPicture("图", b"x", 42, 42)},
    ],
)
def test_a_seal_that_cannot_be_is_not_made(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(IssuanceError) as caught:
        forge.seal(world, **changes)
    assert caught.value.reason is Reason.SEAL_FIELD_INVALID


def test_a_key_that_is_not_the_certificates_makes_no_seal(world: World) -> None:
    from ecert.seal import make_seal  # noqa: PLC0415

    with pytest.raises(CustodyError):
        make_seal(forge.request(world), signer=world.keys["other"], certificate=world.certificates["maker"])


def test_a_makers_expired_certificate_does_not_undo_seals_made_before(world: World) -> None:
    world.certify("maker", Profile.SEAL_MAKER, "region", not_after=NOW)
    assert outcomes(world, forge.seal(world).der, NOW + 30 * DAY) == GOOD
    late = forge.seal(world, created=NOW + DAY).der
    assert outcomes(world, late)[Check.MAKER_CERT] is Reason.SEAL_MAKER_CERTIFICATE_BAD


@needs_bouncycastle
def test_bouncycastle_verifies_our_seal_and_sealing(world: World, tmp_path: Path) -> None:
    seal, sealing = forge.seal(world).der, forge.sealing(world)
    files = {
        "seal": seal,
        "seal-changed": flip(seal, seal.index(PICTURE.data)),
        "sealing": sealing,
        "sealing-changed": flip(sealing, sealing.rindex(b"Signature.xml")),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert ask(tmp_path, "seal:seal", "seal:seal-changed", "sealing:sealing", "sealing:sealing-changed") == [
        "ok 44000000000001",
        "refused SecurityException",
        f"ok {forge.PROPERTY} {sm3(forge.SIGNATURE_XML).hex()}",
        "refused SecurityException",
    ]
