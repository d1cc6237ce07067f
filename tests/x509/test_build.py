"""What is made here: profiles, lists and requests, and what the builder will not make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ecert.errors import CustodyError, IssuanceError, MalformedError, Reason, RejectedError
from ecert.sm2 import PrivateKey, PublicKey, sm3
from ecert.x509 import (
    Certificate,
    CertificateRequest,
    CrlReason,
    Name,
    Profile,
    Revocation,
    RevocationList,
    build_certificate,
    build_crl,
    build_request,
)
from ecert.x509.profiles import EKU_TIME_STAMPING

from .world import DAY, NOW, SM2_WITH_SM3_NULL, YEAR, World, sign, tlv


def certificate(world: World, **changes: object) -> Certificate:
    values: dict[str, object] = {
        "profile": Profile.DEPARTMENT,
        "subject": Name("x"),
        "public_key": world.strangers[0].public_key,
        "serial": 7,
        "not_before": NOW,
        "not_after": NOW + YEAR,
        "signer": world.region.key,
        "issuer": world.region.certificate,
    }
    return build_certificate(**(values | changes))  # type: ignore[arg-type]


def crl(world: World, **changes: object) -> RevocationList:
    values: dict[str, object] = {
        "issuer": world.region.certificate,
        "signer": world.region.key,
        "number": 3,
        "this_update": NOW,
        "next_update": NOW + DAY,
        "revoked": [Revocation(9, NOW, CrlReason.KEY_COMPROMISE), Revocation(8, NOW - DAY)],
    }
    return build_crl(**(values | changes))  # type: ignore[arg-type]


class LyingSigner:
    """Holds one key and signs with another, as a broken module or a swapped slot would."""

    def __init__(self, claimed: PublicKey) -> None:
        self.public_key = claimed
        self._key = PrivateKey.generate()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@pytest.mark.parametrize("profile", list(Profile))
def test_each_profile_says_what_it_should(world: World, profile: Profile) -> None:
    made = certificate(world, profile=profile)
    rules = profile.value
    critical = {extension.oid for extension in made.extensions if extension.critical}
    assert made.meaning.ca is rules.ca
    assert made.meaning.path_length == rules.path_length
    assert made.meaning.key_usage == rules.key_usage
    assert made.meaning.extended_key_usage == (rules.extended_key_usage and (rules.extended_key_usage,))
    assert "2.5.29.15" in critical
    assert ("2.5.29.19" in critical) is rules.ca
    assert ("2.5.29.37" in critical) is (profile is Profile.TSA)


def test_the_time_stamping_profile_is_the_one_rfc_3161_names(world: World) -> None:
    assert certificate(world, profile=Profile.TSA).meaning.extended_key_usage == (EKU_TIME_STAMPING,)


def test_a_root_signs_itself_and_may_be_followed_by_one_ca(world: World) -> None:
    root = world.root.certificate
    root.verify_issued_by(world.root.key.public_key)
    assert root.self_issued
    assert root.meaning.path_length == 1
    assert world.region.certificate.meaning.path_length == 0


def test_key_identifiers_begin_with_the_key_id_and_chain(world: World) -> None:
    key = world.strangers[0].public_key
    made = certificate(world)
    assert made.meaning.subject_key_id == sm3(key.spki)[:20]
    assert made.meaning.authority_key_id == world.region.certificate.meaning.subject_key_id


def test_instants_of_any_zone_are_written_in_utc_and_from_2050_in_four_digits(world: World) -> None:
    east = timezone(timedelta(hours=8))
    made = certificate(
        world,
        not_before=datetime(2026, 1, 1, 8, 0, 0, 999_999, tzinfo=east),
        not_after=datetime(2050, 1, 1, tzinfo=UTC),
    )
    assert made.not_before == datetime(2026, 1, 1, tzinfo=UTC)
    assert b"\x17\x0d260101000000Z\x18\x0f20500101000000Z" in made.tbs


@pytest.mark.parametrize(
    "changes",
    [
        {"serial": 0},
        {"serial": -1},
        {"serial": 1 << 159},
        {"not_after": NOW - DAY},
        {"issuer": None},
    ],
)
def test_what_no_certificate_may_say_is_not_issued(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(IssuanceError) as caught:
        certificate(world, **changes)
    assert caught.value.reason is Reason.FIELD_INVALID


def test_the_largest_serial_number_takes_twenty_bytes(world: World) -> None:
    assert b"\x02\x14\x7f" in certificate(world, serial=(1 << 159) - 1).tbs


def test_an_instant_without_a_zone_is_a_mistake_of_the_caller(world: World) -> None:
    with pytest.raises(ValueError, match="time zone"):
        certificate(world, not_after=datetime(2030, 1, 1))  # noqa: DTZ001


def test_a_signer_with_another_key_than_the_issuer_is_refused(world: World) -> None:
    with pytest.raises(CustodyError) as caught:
        certificate(world, signer=world.strangers[1])
    assert caught.value.reason is Reason.KEY_MISMATCH
    with pytest.raises(CustodyError):
        certificate(world, profile=Profile.ROOT, issuer=None)
    with pytest.raises(CustodyError):
        crl(world, signer=world.strangers[1])


def test_what_does_not_verify_does_not_leave_the_builder(world: World) -> None:
    liar = LyingSigner(world.region.key.public_key)
    for attempt in (lambda: certificate(world, signer=liar), lambda: crl(world, signer=liar)):
        with pytest.raises(IssuanceError) as caught:
            attempt()
        assert caught.value.reason is Reason.SELF_CHECK_FAILED
    with pytest.raises(IssuanceError):
        build_request(subject=Name("x"), signer=liar)


def test_a_list_reads_back(world: World) -> None:
    made = crl(world)
    assert RevocationList.from_pem(made.to_pem()) == made
    assert RevocationList.from_der(made.der).revoked == (
        Revocation(8, NOW - DAY),
        Revocation(9, NOW, CrlReason.KEY_COMPROMISE),
    )
    assert made.find(9) == Revocation(9, NOW, CrlReason.KEY_COMPROMISE)
    assert made.find(10) is None
    assert (made.this_update, made.next_update, made.number) == (NOW, NOW + DAY, 3)
    assert made.issuer == world.region.name
    assert made.authority_key_id == world.region.certificate.meaning.subject_key_id
    assert (made.delta, made.unsupported) == (False, None)
    assert repr(made) == "RevocationList(CN=贵州省,O=电子证照,C=CN, 2026-11-23T08:00:00Z, 2 entries)"


def test_an_empty_list_leaves_the_entries_out(world: World) -> None:
    assert crl(world, revoked=[]).revoked == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"number": -1},
        {"number": 1 << 159},
        {"next_update": NOW},
        {"revoked": [Revocation(1, NOW), Revocation(1, NOW)]},
        {"revoked": [Revocation(0, NOW)]},
        {"revoked": [Revocation(1, NOW, CrlReason.REMOVE_FROM_CRL)]},
    ],
)
def test_what_no_list_may_say_is_not_issued(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(IssuanceError) as caught:
        crl(world, **changes)
    assert caught.value.reason is Reason.FIELD_INVALID


def test_an_end_entity_does_not_issue_lists(world: World) -> None:
    with pytest.raises(IssuanceError, match="does not allow"):
        crl(world, issuer=world.department, signer=world.department_key)


def test_a_request_reads_back_and_verifies(world: World) -> None:
    made = build_request(subject=Name("11520000009390308X", "贵州省"), signer=world.department_key)
    again = CertificateRequest.from_pem(made.to_pem())
    again.verify()
    assert again == made
    assert again.public_key == world.department_key.public_key
    assert again.subject_text == "CN=11520000009390308X,O=贵州省,C=CN"
    assert repr(again) == "CertificateRequest(CN=11520000009390308X,O=贵州省,C=CN)"


def forged_request(world: World, *, spki: bytes | None = None, version: bytes = b"\x00", extra: bytes = b"") -> bytes:
    key = world.strangers[0]
    info = tlv(0x30, tlv(0x02, version), Name("x").der, spki or key.public_key.spki, tlv(0xA0), extra)
    return sign(key, info)


def test_a_request_may_name_its_algorithm_with_null_parameters(world: World) -> None:
    key = world.strangers[0]
    info = tlv(0x30, tlv(0x02, b"\x00"), Name("x").der, key.public_key.spki)
    CertificateRequest.from_der(sign(key, info, SM2_WITH_SM3_NULL)).verify()


def test_a_request_signed_by_another_key_is_rejected(world: World) -> None:
    with pytest.raises(RejectedError) as caught:
        CertificateRequest.from_der(forged_request(world, spki=world.strangers[1].public_key.spki)).verify()
    assert caught.value.reason is Reason.SIGNATURE_BAD


@pytest.mark.parametrize(
    "changes", [{"version": b"\x01"}, {"extra": tlv(0x05)}, {"spki": tlv(0x30, tlv(0x05))}, {"spki": bytes(91)}]
)
def test_what_is_no_request_is_refused(world: World, changes: dict[str, bytes]) -> None:
    with pytest.raises(MalformedError) as caught:
        CertificateRequest.from_der(forged_request(world, **changes))
    assert caught.value.reason is Reason.REQUEST_MALFORMED


def test_no_truncation_and_no_flipped_bit_of_a_request_verifies(world: World) -> None:
    der = build_request(subject=Name("x"), signer=world.department_key).der
    for at in range(len(der)):
        with pytest.raises(MalformedError):
            CertificateRequest.from_der(der[:at])
        with pytest.raises((MalformedError, RejectedError)):
            CertificateRequest.from_der(der[:at] + bytes((der[at] ^ 1,)) + der[at + 1 :]).verify()
