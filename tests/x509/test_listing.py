"""Revocation lists in a path: what clears a certificate, what condemns it, and what leaves it undetermined."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, Reason, RejectedError, UndeterminedError
from ecert.x509 import CrlReason, Name, Revocation

from .world import (
    CRL_USAGE,
    DAY,
    NOW,
    YEAR,
    World,
    basic_constraints,
    ca_extensions,
    entry,
    extension,
    forge,
    forge_crl,
    key_usage,
    leaf_extensions,
    reason_code,
    tlv,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecert.x509 import ValidatedPath

IDP = "2.5.29.28"
SECOND = timedelta(seconds=1)


def with_lists(world: World, *region_lists: bytes, leaf: bytes | None = None) -> ValidatedPath:
    """Validate with a clean list of the root and these of the region."""
    return world.validate(leaf, crls=[world.root.crl(), *region_lists])


def outcome(
    world: World,
    reason: Reason,
    *region_lists: bytes,
    leaf: bytes | None = None,
    kind: type[EcertError] = UndeterminedError,
) -> str:
    with pytest.raises(kind) as caught:
        with_lists(world, *region_lists, leaf=leaf)
    assert caught.value.reason is reason, caught.value
    return caught.value.detail


def revoked(world: World, *region_lists: bytes) -> str:
    return outcome(world, Reason.CERTIFICATE_REVOKED, *region_lists, kind=RejectedError)


def region_crl(world: World, **changes: object) -> bytes:
    values: dict[str, object] = {"issuer": world.region.name, "signer": world.region.key}
    return forge_crl(**(values | changes))  # type: ignore[arg-type]


def scoped(world: World, *parts: bytes, entries: Sequence[bytes] = ()) -> bytes:
    return region_crl(world, extensions=[extension(IDP, tlv(0x30, *parts), critical=True)], entries=entries)


def point(name: bytes) -> bytes:
    return tlv(0xA0, tlv(0xA0, tlv(0xA4, name)))


def gone(world: World, at: timedelta = -DAY, reason: CrlReason = CrlReason.UNSPECIFIED) -> Revocation:
    return Revocation(world.department.serial, NOW + at, reason)


# --- clear -----------------------------------------------------------------------------------------------------


def test_lists_that_name_others_clear(world: World) -> None:
    path = with_lists(world, world.region.crl(Revocation(77, NOW - DAY)))
    assert path.revocations == ()


def test_without_lists_revocation_is_not_looked_at(world: World) -> None:
    assert world.validate(crls=None).revocations == ()


def test_a_list_made_after_the_instant_knows_more_and_is_welcome(world: World) -> None:
    later = world.region.crl(this_update=NOW + 30 * DAY, next_update=NOW + 31 * DAY)
    assert with_lists(world, later).leaf == world.department


def test_a_list_is_fresh_up_to_its_next_update(world: World) -> None:
    assert with_lists(world, world.region.crl(next_update=NOW)).leaf == world.department
    outcome(world, Reason.CRL_STALE, world.region.crl(next_update=NOW - SECOND))


def test_unreadable_and_unrelated_lists_do_not_matter_beside_a_good_one(world: World) -> None:
    other = World.build()
    assert with_lists(world, b"junk", other.root.crl(), world.region.crl()).leaf == world.department


def test_a_list_for_the_certificates_own_distribution_point_clears(world: World) -> None:
    name = Name("list 1").der
    leaf = world.leaf(*leaf_extensions(extension("2.5.29.31", tlv(0x30, tlv(0x30, point(name))))))
    assert with_lists(world, scoped(world, point(name)), leaf=leaf).leaf.der == leaf
    assert with_lists(world, scoped(world, point(world.region.name)), leaf=leaf).leaf.der == leaf


def test_a_list_of_end_entities_clears_an_end_entity(world: World) -> None:
    assert with_lists(world, scoped(world, tlv(0x81, b"\xff"))).leaf == world.department


# --- revoked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [-DAY, timedelta(0)])
def test_revoked_at_or_before_the_instant(world: World, at: timedelta) -> None:
    assert "KEY_COMPROMISE" in revoked(world, world.region.crl(gone(world, at, CrlReason.KEY_COMPROMISE)))


def test_revoked_later_is_valid_and_told(world: World) -> None:
    later = gone(world, SECOND, CrlReason.KEY_COMPROMISE)
    assert with_lists(world, world.region.crl(later)).revocations == (later,)


def test_a_key_known_to_be_compromised_before_the_instant_is_revoked_though_the_ca_wrote_it_down_later(
    world: World,
) -> None:
    since = extension("2.5.29.24", tlv(0x18, (NOW - DAY).strftime("%Y%m%d%H%M%SZ").encode()))
    listed = entry(world.department.serial, NOW + DAY, reason_code(1), since)
    revoked(world, region_crl(world, entries=[listed]))


def test_a_revoked_ca(world: World) -> None:
    root_list = world.root.crl(Revocation(world.region.certificate.serial, NOW - DAY, CrlReason.CA_COMPROMISE))
    with pytest.raises(RejectedError) as caught:
        world.validate(crls=[root_list, world.region.crl()])
    assert caught.value.reason is Reason.CERTIFICATE_REVOKED
    assert "贵州省" in caught.value.detail


def test_a_revoked_leaf_is_revoked_though_nothing_is_known_of_its_ca(world: World) -> None:
    with pytest.raises(RejectedError) as caught:
        world.validate(crls=[world.region.crl(gone(world))])
    assert caught.value.reason is Reason.CERTIFICATE_REVOKED


def test_bad_news_is_believed_from_a_stale_list(world: World) -> None:
    revoked(world, world.region.crl(gone(world, -5 * DAY), this_update=NOW - 4 * DAY, next_update=NOW - 3 * DAY))


def test_bad_news_is_believed_from_an_older_list_beside_a_silent_newer_one(world: World) -> None:
    older = world.region.crl(gone(world, -5 * DAY), this_update=NOW - 4 * DAY, next_update=NOW + DAY)
    revoked(world, world.region.crl(), older)


@pytest.mark.parametrize(
    "parts",
    [[tlv(0x82, b"\xff")], [tlv(0x83, b"\x01\x80")], [point(Name("elsewhere").der)]],
    ids=["CAs only", "some reasons", "another point"],
)
def test_bad_news_is_believed_from_a_list_that_could_not_clear(world: World, parts: list[bytes]) -> None:
    revoked(world, scoped(world, *parts, entries=[entry(world.department.serial, NOW - DAY)]))


def test_bad_news_is_believed_from_a_delta(world: World) -> None:
    delta = extension("2.5.29.27", b"\x02\x01\x01", critical=True)
    listed = entry(world.department.serial, NOW - DAY)
    revoked(world, world.region.crl(), region_crl(world, extensions=[delta], entries=[listed]))


def test_a_hold_counts_until_a_newer_complete_list_no_longer_names_it(world: World) -> None:
    held = gone(world, -5 * DAY, CrlReason.CERTIFICATE_HOLD)
    older = world.region.crl(held, this_update=NOW - 4 * DAY, next_update=NOW + DAY)
    newer = world.region.crl(this_update=NOW - DAY)
    revoked(world, older)
    assert with_lists(world, older, newer).revocations == ()
    revoked(world, world.region.crl(this_update=NOW - 6 * DAY), older)


# --- undetermined ----------------------------------------------------------------------------------------------


def test_no_list_at_all(world: World) -> None:
    outcome(world, Reason.CRL_MISSING)
    with pytest.raises(UndeterminedError) as caught:
        world.validate(crls=[])
    assert caught.value.reason is Reason.CRL_MISSING


def test_no_list_for_a_ca(world: World) -> None:
    with pytest.raises(UndeterminedError) as caught:
        world.validate(crls=[world.region.crl()])
    assert caught.value.reason is Reason.CRL_MISSING
    assert "测试根" in caught.value.detail


def test_an_unreadable_list_is_mentioned_where_one_is_missing(world: World) -> None:
    assert "1 of the lists given cannot be read" in outcome(world, Reason.CRL_MISSING, world.region.crl()[:-1])


def test_a_stale_list(world: World) -> None:
    outcome(world, Reason.CRL_STALE, world.region.crl(this_update=NOW - 2 * DAY, next_update=NOW - DAY))


def test_a_list_without_a_next_update_is_never_fresh(world: World) -> None:
    outcome(world, Reason.CRL_STALE, region_crl(world, next_update=None))


def test_a_list_somebody_else_signed(world: World) -> None:
    outcome(world, Reason.CRL_SIGNATURE_BAD, region_crl(world, signer=world.strangers[0]))


def test_bad_news_in_a_list_somebody_else_signed_is_not_believed(world: World) -> None:
    forged = region_crl(world, signer=world.strangers[0], entries=[entry(world.department.serial, NOW - DAY)])
    outcome(world, Reason.CRL_SIGNATURE_BAD, forged)
    assert with_lists(world, forged, world.region.crl()).revocations == ()


def test_a_list_in_another_algorithm(world: World) -> None:
    p256 = bytes.fromhex("300a06082a8648ce3d040302")
    outcome(world, Reason.CRL_SIGNATURE_BAD, region_crl(world, algorithm=p256))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extensions": [extension("1.2.3.4", b"", critical=True)]}, "critical extension"),
        ({"entries": [entry(1, NOW, extension("1.2.3.4", b"", critical=True))]}, "entry has a critical"),
        ({"extensions": [extension("2.5.29.27", b"\x02\x01\x01", critical=True)]}, "changes to another"),
    ],
)
def test_a_list_that_is_not_supported(world: World, changes: dict[str, object], why: str) -> None:
    assert why in outcome(world, Reason.CRL_UNSUPPORTED, region_crl(world, **changes))


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (tlv(0x82, b"\xff"), "this kind"),
        (tlv(0x83, b"\x01\x80"), "some reasons"),
        (tlv(0x84, b"\xff"), "other issuers"),
        (tlv(0x85, b"\xff"), "attribute certificates"),
        (point(Name("elsewhere").der), "another distribution point"),
    ],
)
def test_a_list_that_covers_something_else(world: World, part: bytes, why: str) -> None:
    assert why in outcome(world, Reason.CRL_UNSUPPORTED, scoped(world, part))


@pytest.mark.parametrize("tag", [0x84, 0x85], ids=["indirect", "attribute certificates"])
def test_serial_numbers_in_lists_of_others_certificates_are_others(world: World, tag: int) -> None:
    listed = entry(world.department.serial, NOW - DAY)
    outcome(world, Reason.CRL_UNSUPPORTED, scoped(world, tlv(tag, b"\xff"), entries=[listed]))


def test_a_list_of_end_entities_does_not_clear_a_ca(world: World) -> None:
    users = forge_crl(
        issuer=world.root.name,
        signer=world.root.key,
        extensions=[extension(IDP, tlv(0x30, tlv(0x81, b"\xff")), critical=True)],
    )
    with pytest.raises(UndeterminedError) as caught:
        world.validate(crls=[users, world.region.crl()])
    assert caught.value.reason is Reason.CRL_UNSUPPORTED


def test_a_point_for_some_reasons_or_of_another_issuer_is_no_match(world: World) -> None:
    name = Name("list 1").der
    for more in (tlv(0x81, b"\x01\x80"), tlv(0xA2, tlv(0xA4, Name("other").der))):
        points = tlv(0x30, tlv(0x30, point(name), more))
        leaf = world.leaf(*leaf_extensions(extension("2.5.29.31", points)))
        outcome(world, Reason.CRL_UNSUPPORTED, scoped(world, point(name)), leaf=leaf)


def test_a_ca_whose_key_may_not_sign_lists(world: World) -> None:
    leaf, ca = world.chain([basic_constraints(), key_usage(bytes.fromhex("03020204"))])
    crl = forge_crl(issuer=Name("forged CA").der, signer=world.strangers[0])
    with pytest.raises(UndeterminedError) as caught:
        world.validate(leaf, intermediates=[ca], crls=[world.root.crl(), crl])
    assert caught.value.reason is Reason.CRL_UNSUPPORTED
    assert "may not sign lists" in caught.value.detail


def test_the_most_telling_problem_is_reported(world: World) -> None:
    forged = region_crl(world, signer=world.strangers[0])
    unsupported = scoped(world, tlv(0x82, b"\xff"))
    stale = world.region.crl(this_update=NOW - 2 * DAY, next_update=NOW - DAY)
    outcome(world, Reason.CRL_STALE, forged, unsupported, stale)
    outcome(world, Reason.CRL_UNSUPPORTED, forged, unsupported)


# --- a separate key for lists ----------------------------------------------------------------------------------


def list_signer(world: World, **changes: object) -> bytes:
    """A certificate of the region's name for a key that signs lists only."""
    values: dict[str, object] = {
        "subject": world.region.name,
        "key": world.strangers[1].public_key,
        "issuer": world.root.name,
        "signer": world.root.key,
        "extensions": [key_usage(CRL_USAGE)],
        "serial": 55,
    }
    return forge(**(values | changes))  # type: ignore[arg-type]


def by_other_key(world: World, signer: bytes, *entries: bytes, root_list: bytes | None = None) -> ValidatedPath:
    crl = region_crl(world, signer=world.strangers[1], entries=entries)
    return world.validate(
        intermediates=[world.region.certificate.der, signer], crls=[root_list or world.root.crl(), crl]
    )


def test_a_certified_key_of_the_same_name_may_sign_the_lists(world: World) -> None:
    assert by_other_key(world, list_signer(world)).leaf == world.department
    with pytest.raises(RejectedError) as caught:
        by_other_key(world, list_signer(world), entry(world.department.serial, NOW - DAY))
    assert caught.value.reason is Reason.CERTIFICATE_REVOKED


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extensions": [key_usage(bytes.fromhex("030206c0"))]}, "may not sign lists"),
        ({"not_after": NOW - DAY}, "certificate-expired"),
        ({"subject": Name("贵州省", "电子证照", "other").der}, "nobody entitled"),
    ],
)
def test_a_key_that_is_not_certified_for_it_does_not(world: World, changes: dict[str, object], why: str) -> None:
    with pytest.raises(UndeterminedError) as caught:
        by_other_key(world, list_signer(world, **changes))
    assert why in caught.value.detail


def test_a_list_signer_vouched_for_by_another_root_does_not(world: World) -> None:
    other = World.build()
    signer = list_signer(world, issuer=other.root.name, signer=other.root.key)
    with pytest.raises(UndeterminedError) as caught:
        by_other_key(world, signer)
    assert caught.value.reason is Reason.CRL_UNSUPPORTED


def test_a_revoked_list_signer_does_not(world: World) -> None:
    with pytest.raises(UndeterminedError) as caught:
        by_other_key(world, list_signer(world), root_list=world.root.crl(Revocation(55, NOW - DAY)))
    assert "certificate-revoked" in caught.value.detail


def test_a_list_signer_does_not_clear_itself(world: World) -> None:
    """The signer's own certificate is the region's to revoke, and the only list of the region is the signer's."""
    signer = list_signer(world, issuer=world.region.name, signer=world.region.key)
    with pytest.raises(UndeterminedError) as caught:
        by_other_key(world, signer)
    assert caught.value.reason is Reason.CRL_UNSUPPORTED


def test_another_path_is_taken_when_one_is_revoked(world: World) -> None:
    """The region has two certificates for one key; one of them is revoked."""
    second = forge(
        subject=world.region.name,
        key=world.region.key.public_key,
        issuer=world.root.name,
        signer=world.root.key,
        extensions=ca_extensions(),
        serial=56,
        not_after=NOW + YEAR,
    )
    root_list = world.root.crl(Revocation(world.region.certificate.serial, NOW - DAY))
    path = world.validate(intermediates=[world.region.certificate.der, second], crls=[root_list, world.region.crl()])
    assert path.certificates[1].der == second
