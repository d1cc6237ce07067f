from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert import cms
from ecert import der_encoding as enc
from ecert.errors import CustodyError, IssuanceError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.seal import Check, Outcome, Seal, Sealing, SealVersion, ValueKind, apply_seal, assess_sealing, kind_of_value
from ecert.sm2 import sm3
from ecert.timestamp import issue_token
from ecert.x509 import CrlReason, PathValidator, Profile, Revocation

from . import forge
from .bouncycastle import flip
from .forge import EXTENSION, PROPERTY, SIGNATURE_XML, Forge
from .world import DAY, NOW, YEAR, World, nobody

if TYPE_CHECKING:
    from enum import StrEnum

    from ecert.seal import SealingReport

MINUTE = timedelta(minutes=1)


def assess(
    world: World, data: bytes, *, content: bytes = SIGNATURE_XML, at: datetime = NOW, by: PathValidator | None = None
) -> SealingReport:
    return assess_sealing(Sealing.decode(data), content, validate=by or world.validate, at=at)


def problems(report: SealingReport) -> dict[StrEnum, Reason]:
    return {one.check: one.error.reason for one in report.findings if one.error is not None}


def stamp(world: World, at: datetime, *, over: bytes | None = None, who: str = "tsa") -> bytes:
    def issue(value: bytes) -> bytes:
        return issue_token(
            sm3(over or value), signer=world.keys[who], certificate=world.certificates[who], serial=1, at=at
        )

    return forge.sealing(world, time_stamp=issue)


def test_a_sealing_made_here_says_what_was_sealed_and_passes_every_check(world: World) -> None:
    report = assess(world, forge.sealing(world))
    assert [one.check for one in report.findings] == list(Check)
    assert problems(report) == {}
    assert report.findings[-1].outcome is Outcome.SKIPPED
    report.require()
    sealing = report.sealing
    assert (sealing.time, sealing.data_hash, sealing.property_info) == (NOW, sm3(SIGNATURE_XML), PROPERTY)
    assert report.sealed_at == NOW
    assert report.path is not None
    assert report.path.leaf == world.certificates["department"]


@pytest.mark.parametrize("version", SealVersion)
@pytest.mark.parametrize("signs", [forge.plain, forge.raw])
def test_every_version_verifies_with_der_and_with_raw_values(world: World, version: SealVersion, signs: object) -> None:
    time = enc.utc_time(NOW) if version is SealVersion.V1 else enc.generalized_time(NOW)
    data = Forge(world, version=version, time=time, signs=signs, maker_signs=signs).sealing()  # type: ignore[arg-type]
    assert Sealing.decode(data).version is version
    assert problems(assess(world, data)) == {}


@pytest.mark.parametrize("extensions", [EXTENSION, enc.explicit(0, EXTENSION)])
def test_extensions_of_what_was_signed_are_read_tagged_and_untagged(world: World, extensions: bytes) -> None:
    data = Forge(world, signed_extensions=extensions).sealing()
    assert problems(assess(world, data)) == {}
    assert Sealing.decode(data).extensions[0].value == b"2.1"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (enc.utc_time(NOW), NOW),
        (enc.generalized_time(NOW), NOW),
        (b"2026-11-23T08:00:00.000Z", NOW),
        (b"2026-11-23T16:00:00.000+08:00", NOW),
        (b"20261123080000Z", NOW),
        (b"", None),
        (b"2026-11-23 08:00:00", None),
        (b"\x17\x05abcde", None),
        (b"2026-99-23T08:00:00.000Z", None),
        (b"\xff" * 100, None),
        (b"9" * 100, None),
        (b"0001-01-01T00:00:00.000+23:59", None),
    ],
)
def test_version_1_tells_its_time_in_several_ways(world: World, time: bytes, expected: datetime | None) -> None:
    data = Forge(world, version=1, time=time).sealing()
    report = assess(world, data)
    assert report.sealed_at == expected
    assert (problems(report) == {}) == (expected is not None)
    if expected is None:
        assert set(problems(report).values()) == {Reason.SEALING_TIME_UNKNOWN}
        with pytest.raises(UndeterminedError):
            report.require()


def test_version_1_may_tell_its_time_by_a_token(world: World) -> None:
    token = issue_token(sm3(b"?"), signer=world.keys["tsa"], certificate=world.certificates["tsa"], serial=1, at=NOW)
    report = assess(world, Forge(world, version=1, time=token).sealing())
    assert (report.sealed_at, report.timestamp) == (NOW, None)


def test_changed_data_fails_its_own_check_alone(world: World) -> None:
    report = assess(world, forge.sealing(world), content=b"changed")
    assert problems(report) == {Check.DATAHASH: Reason.SEALING_DATA_CHANGED}
    with pytest.raises(RejectedError) as caught:
        report.require()
    assert caught.value.reason is Reason.SEALING_DATA_CHANGED


def test_no_changed_byte_of_what_was_signed_verifies(world: World) -> None:
    data = forge.sealing(world)
    signed = Sealing.decode(data).signed
    for at in range(4, 4 + len(signed), 9):
        try:
            found = problems(assess_sealing(Sealing.decode(flip(data, at)), SIGNATURE_XML, validate=nobody, at=NOW))
            assert found[Check.SIG_VALUE] is Reason.SEALING_SIGNATURE_BAD
        except MalformedError as error:
            assert error.reason is Reason.SEALING_MALFORMED  # noqa: PT017  (either is right)


def test_the_sealer_must_be_listed_in_the_seal(world: World) -> None:
    listed = enc.sequence(enc.octets(world.certificates["other"].der))
    data = Forge(world, listed=listed).sealing()
    assert problems(assess(world, data)) == {Check.CERT_IN_SEAL_LIST: Reason.SEALING_CERTIFICATE_NOT_LISTED}
    digests = enc.sequence(enc.sequence(enc.printable("SM3"), enc.octets(sm3(world.certificates["department"].der))))
    assert problems(assess(world, Forge(world, listed=digests, list_type=2).sealing())) == {}


def test_another_certificate_of_the_listed_key_is_not_listed(world: World) -> None:
    listed = enc.sequence(enc.octets(world.certificates["department"].der))
    world.certify("department", Profile.DEPARTMENT, "region")
    data = Forge(world, listed=listed).sealing()
    assert problems(assess(world, data)) == {Check.CERT_IN_SEAL_LIST: Reason.SEALING_CERTIFICATE_NOT_LISTED}


@pytest.mark.parametrize("revoked_at", [NOW - MINUTE, NOW, NOW + MINUTE])
def test_revoked_before_sealing_is_invalid_and_afterwards_is_not(world: World, revoked_at: datetime) -> None:
    data = forge.sealing(world)
    world.revoked = [Revocation(world.certificates["department"].serial, revoked_at, CrlReason.SUPERSEDED)]
    expected = {Check.SIGNER_CERT_STATUS: Reason.SEALING_CERTIFICATE_REVOKED} if revoked_at <= NOW else {}
    report = assess(world, data, at=NOW + DAY)
    assert problems(report) == expected
    if expected:
        assert [one.outcome for one in report.findings[2:5]] == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED]


def test_a_stolen_key_makes_a_claimed_time_worthless_but_not_a_proved_one(world: World) -> None:
    claimed, proved = forge.sealing(world), stamp(world, NOW)
    world.revoked = [Revocation(world.certificates["department"].serial, NOW + DAY, CrlReason.KEY_COMPROMISE)]
    report = assess(world, claimed, at=NOW + YEAR)
    assert problems(report) == {Check.SIGNER_CERT_STATUS: Reason.SEALING_KEY_COMPROMISED}
    with pytest.raises(UndeterminedError):
        report.require()
    assert problems(assess(world, proved, at=NOW + YEAR)) == {}


def test_a_timestamp_settles_the_time(world: World) -> None:
    report = assess(world, stamp(world, NOW + 2 * MINUTE), at=NOW + DAY)
    assert problems(report) == {}
    assert report.timestamp is not None
    assert report.sealed_at == NOW + 2 * MINUTE
    world.revoked = [Revocation(world.certificates["department"].serial, NOW + MINUTE, CrlReason.SUPERSEDED)]
    report = assess(world, stamp(world, NOW + 2 * MINUTE), at=NOW + DAY)
    assert problems(report) == {Check.SIGNER_CERT_STATUS: Reason.SEALING_CERTIFICATE_REVOKED}


def test_a_timestamp_for_something_else_or_from_before_is_refused(world: World) -> None:
    found = problems(assess(world, stamp(world, NOW, over=b"another")))
    assert found == {Check.TIMESTAMP: Reason.TIMESTAMP_MISMATCH}
    found = problems(assess(world, stamp(world, NOW - 6 * MINUTE)))
    assert found == {Check.TIMESTAMP: Reason.TIMESTAMP_TIME_IMPLAUSIBLE}
    assert problems(assess(world, stamp(world, NOW - 4 * MINUTE))) == {}


def test_an_altered_timestamp_is_refused(world: World) -> None:
    data = stamp(world, NOW)
    at = data.rindex(b"20261123080000Z")
    found = problems(assess(world, flip(data, at + 12)))
    assert found == {Check.TIMESTAMP: Reason.TIMESTAMP_SIGNATURE_BAD}


def test_a_sealing_outside_the_seals_period_is_refused(world: World) -> None:
    data = Forge(world, not_before=NOW + MINUTE).sealing()
    assert problems(assess(world, data)) == {Check.SEAL_TIME: Reason.SEAL_NOT_IN_PERIOD}


def test_an_expired_seal_does_not_undo_what_it_sealed(world: World) -> None:
    assert problems(assess(world, forge.sealing(world), at=NOW + 3 * YEAR)) == {}


def test_a_sealing_from_the_future_is_refused(world: World) -> None:
    data = forge.sealing(world)
    assert problems(assess(world, data, at=NOW - 4 * MINUTE)) == {}
    assert problems(assess(world, data, at=NOW - 6 * MINUTE)) == {Check.SEAL_TIME: Reason.SEALED_IN_FUTURE}


def test_a_certificate_outside_its_validity_when_sealing_is_refused(world: World) -> None:
    world.certify("department", Profile.DEPARTMENT, "region", not_after=NOW - MINUTE)
    found = problems(assess(world, Forge(world).sealing()))
    assert found == {Check.SIGNER_CERT_TIME: Reason.SEALING_CERTIFICATE_PERIOD}


def test_a_certificate_for_another_purpose_is_refused(world: World) -> None:
    found = problems(assess(world, Forge(world, who="maker").sealing()))
    assert found == {Check.SIGNER_CERT_CHAIN: Reason.SEALING_CERTIFICATE_BAD}


def test_with_nobody_pinned_the_cryptographic_checks_still_speak(world: World) -> None:
    report = assess(world, forge.sealing(world), by=nobody)
    outcomes = {one.check: one.outcome for one in report.findings}
    unknown = {Check.SIGNER_CERT_CHAIN, Check.MAKER_CERT}
    skipped = {Check.SIGNER_CERT_STATUS, Check.TIMESTAMP}
    assert {check for check, outcome in outcomes.items() if outcome is Outcome.UNKNOWN} == unknown
    assert {check for check, outcome in outcomes.items() if outcome is Outcome.SKIPPED} == skipped
    with pytest.raises(UndeterminedError) as caught:
        report.require()
    assert caught.value.reason is Reason.ISSUER_UNKNOWN


def test_an_unknown_time_stamping_service_leaves_it_open(world: World) -> None:
    report = assess(world, stamp(world, NOW), by=nobody)
    assert problems(report)[Check.TIMESTAMP] is Reason.ISSUER_UNKNOWN
    assert report.sealed_at == NOW


def test_what_a_value_is_shows_at_its_beginning(world: World) -> None:
    key = world.keys["department"]
    signed = cms.sign(SIGNATURE_XML, signer=key, certificate=world.certificates["department"])
    for data, kind in (
        (forge.sealing(world), ValueKind.SEALING),
        (Forge(world, version=1).sealing(), ValueKind.SEALING),
        (forge.seal(world).der, ValueKind.SEAL),
        (Forge(world, version=1).seal(), ValueKind.SEAL),
        (signed, ValueKind.SIGNED_DATA),
        (key.sign(b""), ValueKind.SIGNATURE),
        (b"\x01" * 64, ValueKind.SIGNATURE),
    ):
        assert kind_of_value(data) is kind
    for data in (b"", b"\x30", b"<xml/>", b"\x30\x00", b"\x30\x02\x04\x00", b"\x30\x02\x30\x00"):
        with pytest.raises(MalformedError):
            kind_of_value(data)


def apply(world: World, seal: Seal, **changes: object) -> Sealing:
    values: dict[str, object] = {
        "data_hash": sm3(SIGNATURE_XML),
        "property_info": PROPERTY,
        "signer": world.keys["department"],
        "certificate": world.certificates["department"],
        "at": NOW,
    }
    return apply_seal(seal, **(values | changes))  # type: ignore[arg-type]


def test_a_seal_that_does_not_fit_is_not_applied(world: World) -> None:
    seal = forge.seal(world)
    with pytest.raises(RejectedError) as caught:
        apply(world, seal, at=NOW + 2 * YEAR)
    assert caught.value.reason is Reason.SEAL_NOT_IN_PERIOD
    with pytest.raises(RejectedError) as caught:
        apply(world, seal, signer=world.keys["other"], certificate=world.certificates["other"])
    assert caught.value.reason is Reason.SEALING_CERTIFICATE_NOT_LISTED
    with pytest.raises(RejectedError) as caught:
        apply(world, Seal.decode(flip(seal.der, seal.der.index(forge.PICTURE.data))))
    assert caught.value.reason is Reason.SEAL_MAKER_SIGNATURE_BAD
    with pytest.raises(CustodyError):
        apply(world, seal, signer=world.keys["other"])
    for changes in ({"data_hash": b""}, {"property_info": ""}, {"property_info": "/文"}, {"at": NOW + 9 * YEAR}):
        with pytest.raises(IssuanceError):
            apply(world, seal, **changes)
    with pytest.raises(IssuanceError):
        apply(world, Seal.decode(Forge(world, version=5).seal()))


def test_a_time_with_a_fraction_is_sealed_to_the_second(world: World) -> None:
    at = datetime(2026, 11, 23, 8, 0, 0, 999, tzinfo=UTC)
    assert apply(world, forge.seal(world), at=at).time == NOW
