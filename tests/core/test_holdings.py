from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ecert import cbor, envelope
from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.holdings import Holdings, load_holdings
from ecert.licence.reference import StatusRef
from ecert.revocation import (
    ListChange,
    RegionStatus,
    SealEvent,
    SealState,
    SealStatusList,
    StatusPage,
    load_delta,
    seal_delta,
    seal_page,
    seal_seal_list,
    seal_snapshot,
)
from ecert.x509 import CrlReason, Revocation
from tests.world import ISSUER, START, World

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = "440000"
REVOKED = 0x07


@dataclass
class Publisher:
    """A region that publishes, and the window that takes what it publishes."""

    world: World
    status: RegionStatus = field(default_factory=lambda: RegionStatus.beginning(REGION))
    deltas: list[bytes] = field(default_factory=list)

    @property
    def key_id(self) -> bytes:
        return self.world.keys[ISSUER].public_key.key_id

    def step(self, *indices: int, signer: str = "status-440000") -> bytes:
        change = ListChange(self.key_id, 0, StatusRef.CAPACITY, dict.fromkeys(indices, REVOKED))
        data = seal_delta(
            self.status,
            [change] if indices or not self.status.lists else [],
            issued_at=self.world.now,
            fresh_until=self.world.now + timedelta(days=7),
            signer=self.world.keys[signer],
        )
        self.status = load_delta(data, self.world.registry(), self.status, now=self.world.now)
        self.deltas.append(data)
        return data

    def snapshot(self) -> bytes:
        return seal_snapshot(self.status, self.world.keys["status-440000"])

    def page(self) -> bytes:
        page = StatusPage(REGION, self.key_id, 0, 0, self.status.sequence, self.world.now, {})
        return seal_page(page, self.world.keys["status-440000"])


@pytest.fixture
def publisher(world: World) -> Publisher:
    return Publisher(world)


@pytest.fixture
def window(world: World, publisher: Publisher) -> Holdings:
    world.registry()
    publisher.step()
    held = Holdings(world.repository.root).take_registry(world.repository.update())
    return held.take_snapshot(REGION, publisher.snapshot(), START)


def reason_of(act: Callable[[], object]) -> Reason:
    with pytest.raises(EcertError) as caught:
        act()
    return caught.value.reason


def test_deltas_lead_on_from_a_snapshot(window: Holdings, publisher: Publisher) -> None:
    for index in (5, 6, 7):
        window = window.take_delta(REGION, publisher.step(index), START)
    assert window.status.of(REGION) == publisher.status
    assert len(window.chains[REGION].deltas) == 3


def test_a_replay_a_gap_and_a_foreign_delta_change_nothing(window: Holdings, publisher: Publisher) -> None:
    first, second = publisher.step(1), publisher.step(2)
    ahead = window.take_delta(REGION, first, START)
    assert reason_of(lambda: ahead.take_delta(REGION, first, START)) is Reason.STATUS_ROLLBACK
    assert reason_of(lambda: window.take_delta(REGION, second, START)) is Reason.STATUS_GAP
    assert reason_of(lambda: window.take_delta("310000", first, START)) is Reason.STATUS_GAP
    assert ahead.take_delta(REGION, second, START).status.of(REGION) == publisher.status


def test_an_older_snapshot_is_refused_unless_the_deltas_held_lead_on_from_it(
    window: Holdings, publisher: Publisher, world: World
) -> None:
    deltas = [publisher.step(index) for index in (1, 2)]
    middle = publisher.snapshot()
    deltas.append(publisher.step(3))
    for delta in deltas:
        window = window.take_delta(REGION, delta, START)
    shorter = window.take_snapshot(REGION, middle, START)
    assert shorter.status == window.status
    assert [len(one.chains[REGION].deltas) for one in (window, shorter)] == [3, 1]
    assert load_holdings(window.root, shorter.encode()).status == window.status

    other = Publisher(world)
    other.step()
    other.step(9)
    assert reason_of(lambda: shorter.take_snapshot(REGION, other.snapshot(), START)) is Reason.STATUS_ROLLBACK
    newest = Holdings(window.root).take_registry(window.files).take_snapshot(REGION, publisher.snapshot(), START)
    assert reason_of(lambda: newest.take_snapshot(REGION, middle, START)) is Reason.STATUS_ROLLBACK
    assert newest.take_snapshot(REGION, publisher.snapshot(), START).status == newest.status


def test_the_snapshot_a_chain_begins_with_changes_nothing_when_it_comes_again(
    window: Holdings, publisher: Publisher
) -> None:
    first = window.chains[REGION].snapshot
    ahead = window.take_delta(REGION, publisher.step(1), START).take_delta(REGION, publisher.step(2), START)
    assert ahead.take_snapshot(REGION, first, START) == ahead
    assert ahead.take_bundle(ahead.encode()).status == ahead.status


def test_another_history_of_the_same_length_is_refused(window: Holdings, world: World, publisher: Publisher) -> None:
    ahead = window.take_delta(REGION, publisher.step(1), START)
    other = Publisher(world, load_delta(publisher.deltas[0], world.registry(), None, now=START))
    other.step(2)
    assert reason_of(lambda: ahead.take_snapshot(REGION, other.snapshot(), START)) is Reason.STATUS_ROLLBACK


def test_a_bundle_is_what_was_held(window: Holdings, publisher: Publisher) -> None:
    window = window.take_delta(REGION, publisher.step(5), START).take_page(publisher.page(), START)
    loaded = load_holdings(window.root, window.encode())
    assert loaded.status == window.status
    assert loaded.encode() == window.encode()
    assert not loaded.problems
    assert loaded.registry is not None


def test_a_bundle_long_after_it_went_stale_still_loads_and_shows_its_age(window: Holdings, world: World) -> None:
    loaded = load_holdings(window.root, window.encode())
    assert loaded.registry is not None
    later = world.now + timedelta(days=400)
    assert not loaded.registry.is_fresh(later)
    status = loaded.status.of(REGION)
    assert status is not None
    assert not status.is_fresh(later)


def test_a_window_takes_from_a_bundle_only_what_is_newer(window: Holdings, publisher: Publisher, world: World) -> None:
    old = window.encode()
    window = window.take_delta(REGION, publisher.step(5), START)
    world.registry()
    window = window.take_registry(world.repository.files)
    newer = window.encode()
    assert reason_of(lambda: window.take_bundle(old)) is Reason.REGISTRY_ROLLBACK
    assert load_holdings(window.root, old).take_bundle(newer).status == window.status
    assert window.take_bundle(newer).status == window.status


def test_a_broken_part_of_a_bundle_is_named_and_left_out(window: Holdings, publisher: Publisher) -> None:
    window = window.take_delta(REGION, publisher.step(5), START)
    content = cbor.decode(window.encode(), limit=10**8, reason=Reason.DATA_MALFORMED)
    assert isinstance(content, dict)
    parts = content["status"][REGION]  # type: ignore[index,call-overload]
    assert isinstance(parts, list)
    parts[1] = parts[1][:-1] + bytes((parts[1][-1] ^ 1,))  # type: ignore[index,operator]
    content["pages"] = [b"no page"]
    loaded = load_holdings(window.root, cbor.encode(content))
    assert set(loaded.problems) == {f"status/{REGION}", "pages"}
    status = loaded.status.of(REGION)
    assert status is not None
    assert status.sequence == 1


def test_a_bundle_that_is_none_is_refused_whole(window: Holdings) -> None:
    data = window.encode()
    for bad in (b"", data[:-1], data + b"\0", cbor.encode([1]), cbor.encode({"format": 2})):
        with pytest.raises(MalformedError):
            load_holdings(window.root, bad)


def test_a_bundle_of_another_country_is_refused(window: Holdings) -> None:
    stranger = World()
    stranger.registry()
    with pytest.raises(RejectedError) as caught:
        load_holdings(stranger.repository.root, window.encode())
    assert caught.value.reason is Reason.REGISTRY_SIGNATURE_BAD


def test_a_status_key_that_fell_takes_its_status_with_it(window: Holdings, publisher: Publisher, world: World) -> None:
    stolen = Revocation(world.certificates["status-440000"].serial, START, CrlReason.KEY_COMPROMISE)
    world.revoked[REGION] = [stolen]
    world.now += timedelta(hours=1)
    world.registry()
    after = window.take_registry(world.repository.files)
    assert after.status.of(REGION) is None
    assert after.problems[f"status/{REGION}"].reason is Reason.CERTIFICATE_REVOKED
    assert reason_of(lambda: after.take_snapshot(REGION, publisher.snapshot(), world.now)) is Reason.CERTIFICATE_REVOKED


def test_another_regions_snapshot_is_refused(window: Holdings, publisher: Publisher) -> None:
    assert reason_of(lambda: window.take_snapshot("310000", publisher.snapshot(), START)) is Reason.STATUS_FOREIGN


def test_showing_a_broken_registry_first_leads_nobody_back(
    window: Holdings, publisher: Publisher, world: World
) -> None:
    old = publisher.snapshot()
    window = window.take_delta(REGION, publisher.step(5), START)
    world.registry()
    files = world.repository.update(window.files)
    broken = window.take_registry({**files, f"{REGION}.json": b"x"})
    assert broken.registry is not None
    assert REGION in broken.registry.problems
    assert broken.status.of(REGION) == window.status.of(REGION)
    healed = broken.take_registry(files)
    assert healed.registry is not None
    assert not healed.registry.problems
    assert healed.take_snapshot(REGION, old, START).status.of(REGION) == publisher.status


def test_a_bundle_with_an_older_base_brings_what_is_newer(window: Holdings, publisher: Publisher) -> None:
    peer = window
    for index in (1, 2, 3):
        peer = peer.take_delta(REGION, publisher.step(index), START)
    snapshot = publisher.snapshot()
    mine = Holdings(window.root).take_registry(window.files).take_snapshot(REGION, snapshot, START)
    for index in (4, 5):
        peer = peer.take_delta(REGION, publisher.step(index), START)
    taken = mine.take_bundle(peer.encode())
    assert not taken.problems
    assert taken.status.of(REGION) == publisher.status
    assert peer.take_bundle(mine.encode()).status == peer.status


def test_bytes_of_no_use_are_refused_before_they_take_memory() -> None:
    for data in (b"\x9a\x00\x7f\xff\xff" + b"\x80" * 0x7FFFFF, b"\x80" * 10_000_000):
        with pytest.raises(MalformedError):
            envelope.decode(data, limit=64 * 1024 * 1024)
        with pytest.raises(MalformedError):
            load_holdings(b"", data)


def test_nothing_is_taken_before_there_is_a_registry(window: Holdings, publisher: Publisher) -> None:
    bare = Holdings(window.root)
    assert reason_of(lambda: bare.take_snapshot(REGION, publisher.snapshot(), START)) is Reason.REGISTRY_MISSING
    assert bare.registry is None


def test_an_older_page_does_not_replace_a_newer_one(window: Holdings, publisher: Publisher) -> None:
    old = publisher.page()
    window = window.take_delta(REGION, publisher.step(5), START)
    new = window.take_page(publisher.page(), START)
    assert new.take_page(old, START) is new


def beginning(world: World) -> Holdings:
    world.registry()
    return Holdings(world.repository.root).take_registry(world.repository.update())


def seals(world: World, sequence: int, *, signer: str = "status-440000", region: str = REGION) -> bytes:
    event = SealEvent(SealState.ACTIVE, world.now, world.now, "样例")
    listing = SealStatusList(region, sequence, world.now, world.now + timedelta(days=7), {"44000000000001": (event,)})
    return seal_seal_list(listing, world.keys[signer])


def test_the_status_of_seals_is_held_and_survives_a_restart(world: World) -> None:
    held = beginning(world)
    held = held.take_seals(REGION, seals(world, 3), world.now)
    again = load_holdings(held.root, held.encode())
    assert again.seals == held.seals
    assert again.seals[REGION].at("44000000000001", world.now) is SealState.ACTIVE


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (lambda world: seals(world, 2), Reason.STATUS_ROLLBACK),
        (lambda world: seals(world, 4, signer="status-310000"), Reason.STATUS_FOREIGN),
        (lambda world: seals(world, 4, signer=ISSUER), Reason.STATUS_SIGNATURE_BAD),
        (lambda world: seals(world, 4, signer="status-310000", region="310000"), Reason.STATUS_FOREIGN),
        (lambda _: b"rubbish", Reason.STATUS_MALFORMED),
    ],
)
def test_a_list_of_seals_that_is_older_or_not_the_regions_is_refused(
    world: World, offered: Callable[[World], bytes], reason: Reason
) -> None:
    held = beginning(world)
    held = held.take_seals(REGION, seals(world, 3), world.now)
    with pytest.raises(EcertError) as caught:
        held.take_seals(REGION, offered(world), world.now)
    assert caught.value.reason is reason


def test_seals_of_a_fallen_status_key_are_dropped_and_nothing_older_comes_back(world: World) -> None:
    held = beginning(world)
    earlier = seals(world, 2)
    world.now += timedelta(hours=1)
    held = held.take_seals(REGION, seals(world, 3), world.now)
    serial = world.certificates["status-440000"].serial
    world.revoked["440000"].append(Revocation(serial, world.now - timedelta(minutes=1), CrlReason.KEY_COMPROMISE))
    world.registry()
    held = held.take_registry(world.repository.files)
    assert not held.seals
    again = load_holdings(held.root, held.encode())
    assert again.floors == held.floors
    with pytest.raises(EcertError):
        again.take_seals(REGION, earlier, world.now)


def test_floors_in_somebody_elses_bundle_count_for_nothing(world: World) -> None:
    held = beginning(world)
    bundle = replace(held, floors={REGION: world.now + timedelta(days=900)}).encode()
    assert not held.take_bundle(bundle).floors
