"""Rotation, revocation, and the revocation lists that tell of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, Reason, RejectedError
from ecert.sm2 import PrivateKey
from ecert.x509 import CrlReason, Revocation, RevocationList, build_crl
from keys.making import CRL_LIFETIME
from keys.names import NATIONAL_ROOT, KeyName
from keys.records import Standing
from keys.signer import load_signer
from tests.keys.conftest import (
    DEPARTMENT,
    REGION,
    SEAL_MAKER,
    START,
    STATUS,
    World,
    leaf,
    national,
    nobody,
    region,
)

if TYPE_CHECKING:
    from keys.ceremony import Done

NEW = "轮换后的新口令,也足够长".encode()


def crl(world: World, name: KeyName = REGION) -> RevocationList:
    return RevocationList.from_pem(world.path(name.crl).read_bytes())


def rotate(world: World, name: KeyName, compromised_at: datetime | None = None) -> Done:
    return world.ceremony.rotate(name, passphrase=lambda: NEW, issuer_passphrase=region, compromised_at=compromised_at)


def revoke(world: World, name: KeyName, at: datetime, reason: CrlReason = CrlReason.KEY_COMPROMISE) -> Done:
    return world.ceremony.revoke(name, reason=reason, at=at, issuer_passphrase=region)


def kept(world: World, name: KeyName) -> KeyName:
    return KeyName(name.kind, name.code, f"{world.ceremony.entry(name).certificate.serial:x}")


@pytest.mark.parametrize("name", [DEPARTMENT, SEAL_MAKER, STATUS])
def test_a_rotation_puts_a_new_key_in_place_and_keeps_the_old_one_usable(world: World, name: KeyName) -> None:
    before, old_name = world.files(), kept(world, name)
    world.clock.forward(days=400)
    rotate(world, name)
    after = world.files()

    assert after[old_name.certificate] == before[name.certificate]
    assert after[old_name.key] == before[name.key]
    assert world.path(old_name.key).stat().st_mode & 0o777 == 0o600
    assert after.keys() - before.keys() == {old_name.certificate, old_name.key}

    new, old = world.ceremony.entry(name), world.ceremony.entry(old_name)
    assert (new.standing, old.standing) == (Standing.IN_FORCE, Standing.REPLACED)
    assert new.certificate.subject == old.certificate.subject
    assert new.certificate.public_key != old.certificate.public_key
    assert new.certificate.not_before == START + timedelta(days=400)
    assert load_signer(f"file:{world.path(name.key)}", passphrase=lambda: NEW).public_key == new.certificate.public_key
    assert load_signer(f"file:{world.path(old_name.key)}", passphrase=leaf).public_key == old.certificate.public_key


def test_an_ordinary_rotation_revokes_nothing_and_touches_nothing_else(world: World) -> None:
    before = world.files()
    rotate(world, DEPARTMENT)
    after = world.files()
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {DEPARTMENT.certificate, DEPARTMENT.key}


def test_a_compromise_puts_the_old_certificate_on_the_list_since_then(world: World) -> None:
    old = kept(world, DEPARTMENT)
    serial = world.ceremony.entry(DEPARTMENT).certificate.serial
    world.clock.forward(days=10)
    leaked = (START + timedelta(days=3)).astimezone(timezone(timedelta(hours=8)))
    rotate(world, DEPARTMENT, compromised_at=leaked)
    assert crl(world).number == 2
    assert crl(world).revoked == (Revocation(serial, START + timedelta(days=3), CrlReason.KEY_COMPROMISE),)
    assert world.ceremony.entry(old).standing is Standing.REVOKED
    assert world.ceremony.entry(DEPARTMENT).standing is Standing.IN_FORCE


def test_a_key_can_be_rotated_again_and_again(world: World) -> None:
    for _ in range(3):
        world.clock.forward(days=1)
        rotate(world, STATUS)
    names = [entry.name for entry in world.ceremony.entries() if entry.name.kind is STATUS.kind]
    assert len(names) == 4
    assert names[0] == STATUS


def test_a_key_that_was_moved_away_is_rotated_too(world: World) -> None:
    old = kept(world, DEPARTMENT)
    world.path(DEPARTMENT.key).unlink()
    rotate(world, DEPARTMENT)
    assert world.ceremony.entry(old).key_mode is None
    assert world.ceremony.entry(DEPARTMENT).key_mode == 0o600


@pytest.mark.parametrize("name", [NATIONAL_ROOT, REGION, KeyName(DEPARTMENT.kind, DEPARTMENT.code, "1a")])
def test_authorities_and_replaced_keys_are_not_rotated(world: World, name: KeyName) -> None:
    with pytest.raises(EcertError, match="cannot be rotated"):
        world.ceremony.rotate(name, passphrase=nobody, issuer_passphrase=nobody)


def test_a_rotation_that_is_refused_changes_nothing(world: World) -> None:
    before = world.files()
    world.clock.forward(days=1)
    for compromised_at in (START + timedelta(days=2), START - timedelta(seconds=1)):
        with pytest.raises(EcertError, match="usage"):
            world.ceremony.rotate(
                DEPARTMENT, passphrase=nobody, issuer_passphrase=nobody, compromised_at=compromised_at
            )
    with pytest.raises(EcertError, match="passphrase-wrong"):
        world.ceremony.rotate(DEPARTMENT, passphrase=leaf, issuer_passphrase=leaf, compromised_at=START)
    with pytest.raises(EcertError, match="12 characters"):
        world.ceremony.rotate(DEPARTMENT, passphrase=lambda: b"short", issuer_passphrase=region)
    assert world.files() == before


def test_a_revocation_stands_on_the_issuers_list_with_its_time_and_reason(world: World) -> None:
    serial = world.ceremony.entry(SEAL_MAKER).certificate.serial
    world.clock.forward(days=2)
    done = revoke(world, SEAL_MAKER, START + timedelta(days=1, microseconds=5), CrlReason.CESSATION_OF_OPERATION)
    assert [path.name for path in done.files] == [REGION.crl]
    assert crl(world).revoked == (Revocation(serial, START + timedelta(days=1), CrlReason.CESSATION_OF_OPERATION),)
    assert (crl(world).number, crl(world).this_update) == (2, START + timedelta(days=2))
    shown = world.ceremony.entry(SEAL_MAKER).as_json()
    assert shown["standing"] == "revoked"
    assert shown["revoked"] == {"at": "2024-03-02T08:30:15Z", "reason": "cessation-of-operation"}


def test_revocations_add_up(world: World) -> None:
    for name in (DEPARTMENT, SEAL_MAKER, STATUS):
        revoke(world, name, START)
    assert crl(world).number == 4
    assert len(crl(world).revoked) == 3


def test_a_region_is_revoked_on_the_national_list(world: World) -> None:
    world.ceremony.revoke(REGION, reason=CrlReason.CA_COMPROMISE, at=START, issuer_passphrase=national)
    assert len(crl(world, NATIONAL_ROOT).revoked) == 1
    assert crl(world).number == 1


def test_a_replaced_certificate_can_be_revoked_by_its_own_name(world: World) -> None:
    old = kept(world, DEPARTMENT)
    rotate(world, DEPARTMENT)
    revoke(world, old, START)
    assert world.ceremony.entry(old).standing is Standing.REVOKED
    assert world.ceremony.entry(DEPARTMENT).standing is Standing.IN_FORCE


def test_a_revocation_may_move_earlier_and_never_later(world: World) -> None:
    world.clock.forward(days=9)
    revoke(world, DEPARTMENT, START + timedelta(days=5), CrlReason.SUPERSEDED)
    for later in (5, 6):
        with pytest.raises(RejectedError) as caught:
            revoke(world, DEPARTMENT, START + timedelta(days=later))
        assert caught.value.reason is Reason.CERTIFICATE_REVOKED
    revoke(world, DEPARTMENT, START + timedelta(days=1))
    (entry,) = crl(world).revoked
    assert (entry.at, entry.reason) == (START + timedelta(days=1), CrlReason.KEY_COMPROMISE)


def test_the_root_cannot_be_revoked(world: World) -> None:
    with pytest.raises(EcertError, match="nobody can revoke it"):
        world.ceremony.revoke(NATIONAL_ROOT, reason=CrlReason.UNSPECIFIED, at=START, issuer_passphrase=nobody)


def test_a_time_in_the_future_or_before_the_certificate_is_refused(world: World) -> None:
    for at in (START + timedelta(seconds=1), START - timedelta(seconds=1)):
        with pytest.raises(EcertError, match="usage"):
            world.ceremony.revoke(DEPARTMENT, reason=CrlReason.SUPERSEDED, at=at, issuer_passphrase=nobody)
    assert crl(world).number == 1


def test_a_list_is_signed_anew_with_the_same_entries_and_the_next_number(world: World) -> None:
    revoke(world, DEPARTMENT, START)
    entries = crl(world).revoked
    world.clock.forward(days=29)
    world.ceremony.sign_crl(REGION, passphrase=region)
    assert (crl(world).number, crl(world).revoked) == (3, entries)
    assert crl(world).next_update == START + timedelta(days=29) + CRL_LIFETIME


@pytest.mark.parametrize("name", [DEPARTMENT, STATUS])
def test_only_authorities_sign_lists(world: World, name: KeyName) -> None:
    with pytest.raises(EcertError, match="signs no revocation list"):
        world.ceremony.sign_crl(name, passphrase=nobody)


def test_a_list_that_somebody_altered_is_not_signed_into_truth(world: World) -> None:
    revoke(world, DEPARTMENT, START)
    genuine = crl(world)
    pem = world.path(REGION.crl).read_bytes()
    altered = genuine.der[:-1] + bytes([genuine.der[-1] ^ 1])
    world.path(REGION.crl).write_bytes(RevocationList.from_der(altered).to_pem())
    before = world.files()
    with pytest.raises(RejectedError):
        world.ceremony.sign_crl(REGION, passphrase=region)
    with pytest.raises(RejectedError):
        revoke(world, SEAL_MAKER, START)
    assert world.files() == before
    world.path(REGION.crl).write_bytes(pem)
    world.ceremony.sign_crl(REGION, passphrase=region)


def test_a_certificate_that_the_region_never_signed_is_not_revoked_by_it(world: World) -> None:
    swapped = world.path(NATIONAL_ROOT.certificate).read_bytes()
    world.path(DEPARTMENT.certificate).write_bytes(swapped)
    with pytest.raises(RejectedError):
        revoke(world, DEPARTMENT, START)
    assert crl(world).number == 1


def test_a_list_somebody_else_signed_for_the_region_is_not_taken_over(world: World) -> None:
    root = world.ceremony.entry(NATIONAL_ROOT).certificate
    key = PrivateKey.from_pem(world.path(NATIONAL_ROOT.key).read_bytes(), national())
    foreign = build_crl(
        issuer=root, signer=key, number=9, this_update=START, next_update=START + CRL_LIFETIME, revoked=()
    )
    world.path(REGION.crl).write_bytes(foreign.to_pem())
    with pytest.raises(RejectedError):
        world.ceremony.sign_crl(REGION, passphrase=region)
