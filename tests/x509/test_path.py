"""Every refusal of a path has a case here, each one step away from a path that validates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.sm2 import PrivateKey
from ecert.x509 import Certificate, Name, Profile, Purpose, validate_path
from ecert.x509.profiles import PURPOSE_EKU
from ecert.x509.search import Budget, Search

from .world import (
    CA_USAGE,
    DAY,
    ECDSA_WITH_SHA256,
    NOW,
    SIGNER_USAGE,
    SM2_WITH_SM3,
    SM2_WITH_SM3_NULL,
    YEAR,
    World,
    basic_constraints,
    ca_extensions,
    extension,
    forge,
    key_usage,
    leaf_extensions,
    oid,
    tlv,
)


def refused(world: World, reason: Reason, leaf: bytes | None = None, *more: bytes, **options: object) -> str:
    """Validate with `more` beside the region as intermediates; give back the detail of the refusal."""
    options.setdefault("intermediates", [world.region.certificate.der, *more])
    with pytest.raises(EcertError) as caught:
        world.validate(leaf, **options)  # type: ignore[arg-type]
    assert caught.value.reason is reason, caught.value
    assert isinstance(caught.value, RejectedError | MalformedError)
    return caught.value.detail


def usage(*dotted: str, critical: bool | None = None) -> bytes:
    return extension("2.5.29.37", tlv(0x30, *(oid(one) for one in dotted)), critical=critical)


def test_a_department_validates_to_the_root(world: World) -> None:
    path = world.validate(purpose=Purpose.LICENCE)
    assert path.certificates == (world.department, world.region.certificate, world.root.certificate)
    assert (path.leaf, path.anchor) == (world.department, world.root.certificate)
    assert (path.not_before, path.not_after) == (NOW - YEAR, NOW + YEAR)
    assert path.revocations == ()


@pytest.mark.parametrize(
    ("profile", "purpose"),
    [
        (Profile.DEPARTMENT, Purpose.LICENCE),
        (Profile.SEAL_MAKER, Purpose.SEAL),
        (Profile.STATUS, Purpose.STATUS),
        (Profile.TSA, Purpose.TIMESTAMP),
    ],
)
def test_each_profile_serves_its_purpose_and_no_other(world: World, profile: Profile, purpose: Purpose) -> None:
    leaf = world.region.issue(profile, Name("leaf"), world.department_key.public_key).der
    assert world.validate(leaf, purpose=purpose).leaf.der == leaf
    for other in set(Purpose) - {purpose}:
        refused(world, Reason.CERTIFICATE_PURPOSE, leaf, purpose=other)


def test_an_anchor_need_not_be_a_root(world: World) -> None:
    path = world.validate(intermediates=[], anchors=[world.region.certificate.der])
    assert path.anchor == world.region.certificate


def test_a_pinned_leaf_is_its_own_path(world: World) -> None:
    path = world.validate(intermediates=[], anchors=[world.department.der], crls=[], purpose=Purpose.LICENCE)
    assert path.certificates == (world.department,)


def test_order_repetition_and_junk_among_intermediates_do_not_matter(world: World) -> None:
    region, root = world.region.certificate.der, world.root.certificate.der
    assert len(world.validate(intermediates=[b"junk", root, world.department.der, region, region]).certificates) == 3


# --- no path ---------------------------------------------------------------------------------------------------


def test_no_anchor(world: World) -> None:
    refused(world, Reason.CERTIFICATE_NO_PATH, anchors=[])


def test_missing_intermediate(world: World) -> None:
    assert "贵州省" in refused(world, Reason.CERTIFICATE_NO_PATH, intermediates=[])


def test_unreadable_intermediates_are_mentioned_when_there_is_no_path(world: World) -> None:
    damaged = world.region.certificate.der[:-1]
    assert "1 of the certificates given cannot be read" in refused(
        world, Reason.CERTIFICATE_NO_PATH, intermediates=[damaged]
    )


def test_a_root_nobody_pinned_is_no_anchor_even_when_it_is_given(world: World) -> None:
    other = World.build()
    given = [world.region.certificate.der, world.root.certificate.der]
    refused(world, Reason.CERTIFICATE_SIGNATURE_BAD, intermediates=given, anchors=[other.root.certificate.der])
    refused(world, Reason.CERTIFICATE_NO_PATH, intermediates=given, anchors=[])


def test_two_cas_that_vouch_for_each_other_lead_nowhere(world: World) -> None:
    one, two = world.strangers[0], world.strangers[1]
    names = Name("one").der, Name("two").der
    circle = [
        forge(subject=names[0], key=one.public_key, issuer=names[1], signer=two, extensions=ca_extensions()),
        forge(subject=names[1], key=two.public_key, issuer=names[0], signer=one, extensions=ca_extensions()),
    ]
    refused(world, Reason.CERTIFICATE_NO_PATH, world.leaf(issuer=names[0], signer=one), *circle)


def test_an_unreadable_leaf_is_malformed(world: World) -> None:
    refused(world, Reason.CERTIFICATE_MALFORMED, world.department.der[:-1])


def test_an_unreadable_anchor_is_malformed_because_somebody_pinned_it(world: World) -> None:
    refused(world, Reason.CERTIFICATE_MALFORMED, anchors=[world.root.certificate.der, b"junk"])


def test_an_instant_without_a_zone_is_a_mistake_of_the_caller(world: World) -> None:
    with pytest.raises(ValueError, match="time zone"):
        validate_path(world.department.der, [], [], at=datetime(2026, 1, 1))  # noqa: DTZ001


# --- links -----------------------------------------------------------------------------------------------------


def test_a_bad_signature(world: World) -> None:
    refused(world, Reason.CERTIFICATE_SIGNATURE_BAD, world.leaf(signer=world.strangers[0]))


def test_a_bad_signature_further_up(world: World) -> None:
    leaf, ca = world.chain(ca_extensions(), signer=world.strangers[2])
    refused(world, Reason.CERTIFICATE_SIGNATURE_BAD, leaf, ca)


def test_a_signature_that_is_not_der(world: World) -> None:
    der = world.department.der
    junk = tlv(0x03, b"\x00", b"\x30\x06\x02\x01\x00\x02\x01\x01")
    refused(world, Reason.CERTIFICATE_SIGNATURE_BAD, tlv(0x30, world.department.tbs, SM2_WITH_SM3, junk))
    assert der != junk


def test_another_algorithm(world: World) -> None:
    refused(world, Reason.CERTIFICATE_ALGORITHM, world.leaf(algorithm=ECDSA_WITH_SHA256))


@pytest.mark.parametrize("outer", [ECDSA_WITH_SHA256, SM2_WITH_SM3_NULL])
def test_an_algorithm_outside_that_differs_from_the_one_signed(world: World, outer: bytes) -> None:
    refused(world, Reason.CERTIFICATE_ALGORITHM, world.leaf(outer_algorithm=outer))


def test_odd_parameters_of_the_right_algorithm(world: World) -> None:
    odd = tlv(0x30, oid("1.2.156.10197.1.501"), tlv(0x04, b"1234567812345678"))
    refused(world, Reason.CERTIFICATE_ALGORITHM, world.leaf(algorithm=odd))


def test_a_leaf_without_an_sm2_key(world: World) -> None:
    p256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + bytes(64)
    refused(world, Reason.CERTIFICATE_ALGORITHM, world.leaf(spki=p256))


def test_a_key_off_the_curve_is_no_sm2_key(world: World) -> None:
    spki = world.department.spki[:-1] + bytes((world.department.spki[-1] ^ 1,))
    refused(world, Reason.CERTIFICATE_ALGORITHM, world.leaf(spki=spki))


def test_an_issuer_name_that_differs_in_string_type_only(world: World) -> None:
    leaf = world.leaf(
        leaf_extensions()[0],
        extension("2.5.29.35", tlv(0x30, tlv(0x80, world.region.certificate.meaning.subject_key_id or b""))),
        issuer=world.region.name.replace(b"\x55\x04\x03\x0c", b"\x55\x04\x03\x14"),
    )
    assert "signed" in refused(world, Reason.CERTIFICATE_NAME_CHAINING, leaf)


# --- validity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [NOW - YEAR, NOW + YEAR])
def test_the_bounds_of_validity_are_inside(world: World, at: datetime) -> None:
    world.at = at
    assert world.validate().leaf == world.department


def test_not_yet_valid(world: World) -> None:
    world.at = NOW - YEAR - timedelta(seconds=1)
    refused(world, Reason.CERTIFICATE_NOT_YET_VALID)


def test_expired(world: World) -> None:
    world.at = NOW + YEAR + timedelta(seconds=1)
    refused(world, Reason.CERTIFICATE_EXPIRED)


def test_an_expired_ca_under_a_valid_leaf(world: World) -> None:
    leaf, ca = world.chain(ca_extensions(), not_after=NOW - DAY)
    assert "forged CA" in refused(world, Reason.CERTIFICATE_EXPIRED, leaf, ca)


def test_an_anchor_that_has_expired_vouches_for_nothing(world: World) -> None:
    root = forge(
        subject=world.root.name,
        key=world.root.key.public_key,
        issuer=world.root.name,
        signer=world.root.key,
        extensions=ca_extensions(),
        not_after=NOW - DAY,
    )
    refused(world, Reason.CERTIFICATE_EXPIRED, anchors=[root])


def test_the_path_is_valid_while_all_its_certificates_are(world: World) -> None:
    leaf, ca = world.chain(ca_extensions(), not_before=NOW - DAY, not_after=NOW + DAY)
    path = world.validate(leaf, intermediates=[ca])
    assert (path.not_before, path.not_after) == (NOW - DAY, NOW + DAY)


# --- CAs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extensions",
    [
        [key_usage(CA_USAGE)],
        [key_usage(CA_USAGE), basic_constraints(b"0\x00")],
        [key_usage(CA_USAGE), basic_constraints(bytes.fromhex("3003010100"))],
        [key_usage(CA_USAGE), basic_constraints(bytes.fromhex("3003020100"))],
    ],
)
def test_a_ca_that_does_not_say_it_is_one(world: World, extensions: list[bytes]) -> None:
    leaf, ca = world.chain(extensions)
    refused(world, Reason.CERTIFICATE_NOT_CA, leaf, ca)


def test_a_version_1_certificate_is_no_ca(world: World) -> None:
    leaf, ca = world.chain([], version=b"")
    refused(world, Reason.CERTIFICATE_NOT_CA, leaf, ca)


def test_a_department_does_not_issue_certificates(world: World) -> None:
    leaf = world.leaf(issuer=world.department.subject, signer=world.department_key, key=world.strangers[0].public_key)
    refused(world, Reason.CERTIFICATE_NOT_CA, leaf, world.department.der)


def test_a_ca_whose_key_may_not_sign_certificates(world: World) -> None:
    leaf, ca = world.chain([basic_constraints(), key_usage(SIGNER_USAGE)])
    refused(world, Reason.CERTIFICATE_KEY_USAGE, leaf, ca)


def test_a_ca_without_key_usage_may_sign(world: World) -> None:
    leaf, ca = world.chain([basic_constraints()])
    assert world.validate(leaf, intermediates=[ca]).leaf.der == leaf


def below_region(world: World, *, self_issued: bool) -> tuple[bytes, bytes]:
    """A CA below the region, whose path length is 0, and a leaf below that."""
    key = world.strangers[0]
    name = world.region.name if self_issued else Name("sub CA").der
    ca = forge(
        subject=name, key=key.public_key, issuer=world.region.name, signer=world.region.key, extensions=ca_extensions()
    )
    return world.leaf(issuer=name, signer=key), ca


def test_a_ca_below_a_path_length_of_zero(world: World) -> None:
    refused(world, Reason.CERTIFICATE_PATH_LENGTH, *below_region(world, self_issued=False))


def test_a_self_issued_ca_does_not_count(world: World) -> None:
    leaf, ca = below_region(world, self_issued=True)
    path = world.validate(leaf, intermediates=[world.region.certificate.der, ca])
    assert len(path.certificates) == 4


def ladder(world: World, rungs: int) -> tuple[bytes, list[bytes]]:
    """A chain of CAs below a root of its own, without path lengths, and a leaf: (leaf, CAs with the root first)."""
    keys = [PrivateKey.generate() for _ in range(rungs)]
    names = [Name(f"rung {rung}").der for rung in range(rungs)]
    certificates = [
        forge(
            subject=names[rung],
            key=keys[rung].public_key,
            issuer=names[max(rung - 1, 0)],
            signer=keys[max(rung - 1, 0)],
            extensions=ca_extensions(),
        )
        for rung in range(rungs)
    ]
    return world.leaf(issuer=names[-1], signer=keys[-1]), certificates


def test_eight_certificates_are_a_path_and_nine_are_not(world: World) -> None:
    leaf, (root, *others) = ladder(world, 7)
    assert len(world.validate(leaf, intermediates=others, anchors=[root]).certificates) == 8
    leaf, (root, *others) = ladder(world, 8)
    refused(world, Reason.CERTIFICATE_PATH_LENGTH, leaf, intermediates=others, anchors=[root])


# --- extensions ------------------------------------------------------------------------------------------------


def test_an_unknown_critical_extension(world: World) -> None:
    unknown = extension("1.2.156.10260.4.1.3", b"\x13\x03abc", critical=True)
    refused(world, Reason.CERTIFICATE_CRITICAL_EXTENSION, world.leaf(*leaf_extensions(unknown)))


def test_an_unknown_critical_extension_in_a_ca(world: World) -> None:
    leaf, ca = world.chain(ca_extensions(extension("1.2.3.4", b"", critical=True)))
    refused(world, Reason.CERTIFICATE_CRITICAL_EXTENSION, leaf, ca)


def test_an_unknown_extension_that_is_not_critical_is_passed_over(world: World) -> None:
    leaf = world.leaf(*leaf_extensions(extension("1.2.3.4", b"raw", critical=False)))
    assert world.validate(leaf).leaf.der == leaf


POLICIES = extension("2.5.29.32", tlv(0x30, tlv(0x30, oid("1.2.3.4"))), critical=True)


def test_critical_policies_are_accepted_where_nothing_constrains_them(world: World) -> None:
    leaf = world.leaf(*leaf_extensions(POLICIES))
    assert world.validate(leaf).leaf.der == leaf


@pytest.mark.parametrize("critical", [True, None])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("2.5.29.33", tlv(0x30, tlv(0x30, oid("1.2.3.4"), oid("1.2.3.5")))),
        ("2.5.29.36", tlv(0x30, tlv(0x80, b"\x00"))),
        ("2.5.29.54", b"\x02\x01\x00"),
    ],
)
def test_policy_rules_refuse_a_path_rather_than_be_ignored(
    world: World, kind: str, value: bytes, *, critical: bool | None
) -> None:
    leaf, ca = world.chain(ca_extensions(extension(kind, value, critical=critical)))
    refused(world, Reason.CERTIFICATE_POLICY, leaf, ca)


# --- purpose ---------------------------------------------------------------------------------------------------


def test_a_leaf_that_may_not_sign_has_no_purpose(world: World) -> None:
    leaf = world.leaf(key_usage(bytes.fromhex("03020520")))
    refused(world, Reason.CERTIFICATE_KEY_USAGE, leaf, purpose=Purpose.LICENCE)
    assert world.validate(leaf).leaf.der == leaf


@pytest.mark.parametrize("bits", ["03020780", "03020640"])
def test_either_signature_or_non_repudiation_will_do(world: World, bits: str) -> None:
    leaf = world.leaf(key_usage(bytes.fromhex(bits)))
    assert world.validate(leaf, purpose=Purpose.SEAL).leaf.der == leaf


def test_any_extended_key_usage_is_not_the_purpose(world: World) -> None:
    leaf = world.leaf(*leaf_extensions(usage("2.5.29.37.0")))
    refused(world, Reason.CERTIFICATE_PURPOSE, leaf, purpose=Purpose.SEAL)


@pytest.mark.parametrize(
    "extensions",
    [
        [],
        [usage(PURPOSE_EKU[Purpose.TIMESTAMP])],
        [usage(PURPOSE_EKU[Purpose.TIMESTAMP], PURPOSE_EKU[Purpose.SEAL], critical=True)],
    ],
    ids=["absent", "not critical", "with another"],
)
def test_time_stamping_is_for_certificates_made_for_it_alone(world: World, extensions: list[bytes]) -> None:
    leaf = world.leaf(*leaf_extensions(*extensions))
    refused(world, Reason.CERTIFICATE_PURPOSE, leaf, purpose=Purpose.TIMESTAMP)


# --- several candidates ----------------------------------------------------------------------------------------


def test_another_certificate_of_the_same_ca_is_tried(world: World) -> None:
    """Expired, revoked or forged: any one of the region's certificates that holds will do."""
    expired = forge(
        subject=world.region.name,
        key=world.region.key.public_key,
        issuer=world.root.name,
        signer=world.root.key,
        extensions=ca_extensions(),
        not_after=NOW - DAY,
    )
    for order in ([expired, world.region.certificate.der], [world.region.certificate.der, expired]):
        assert world.validate(intermediates=order).certificates[1] == world.region.certificate


def test_the_failure_of_the_candidate_that_got_furthest_is_reported(world: World) -> None:
    impostor = forge(
        subject=world.region.name,
        key=world.strangers[0].public_key,
        issuer=world.root.name,
        signer=world.strangers[0],
        extensions=ca_extensions(),
    )
    world.at = NOW + 2 * YEAR
    refused(world, Reason.CERTIFICATE_EXPIRED, None, impostor)


def test_a_thousand_lookalikes_cost_a_bounded_number_of_verifications(world: World) -> None:
    key = world.strangers[0]
    crowd = [
        forge(
            subject=world.region.name,
            key=key.public_key,
            issuer=world.region.name,
            signer=key,
            extensions=ca_extensions(),
            serial=serial,
        )
        for serial in range(1000)
    ]
    search = Search([Certificate.from_der(one) for one in crowd], [world.root.certificate], Budget())
    assert list(search.chains(Certificate.from_der(world.leaf(signer=world.strangers[1])))) == []
    assert search.budget.left == 0
    refused(world, Reason.CERTIFICATE_SIGNATURE_BAD, world.leaf(signer=world.strangers[1]), intermediates=crowd)
