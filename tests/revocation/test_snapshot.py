from __future__ import annotations

from dataclasses import replace
from dataclasses import replace as changed
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ecert import cbor, envelope
from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.licence.reference import StatusRef
from ecert.licence.validity import to_seconds
from ecert.revocation import (
    MAX_DELTA,
    MAX_SNAPSHOT,
    ListState,
    MarkPages,
    RegionStatus,
    check_complete,
    encode_marks,
    load_delta,
    load_snapshot,
    seal_delta,
    seal_snapshot,
)
from ecert.sm2 import PrivateKey, sm3
from ecert.x509 import CrlReason
from tests.revocation.chains import (
    ISSUER,
    LIST,
    MILLION,
    REVOKED,
    SUSPENDED,
    VALID_AGAIN,
    WEEK,
    Publisher,
    change,
    seeded,
)
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI, START, Country

if TYPE_CHECKING:
    from ecert.trust import Registry

OTHER_LIST = (ISSUER, 1)
MINISTRY = "11100000000013127D"


@pytest.fixture
def begun(publisher: Publisher) -> Publisher:
    """Two steps: a list of 1,000 with three marks."""
    publisher.publish(change({1: REVOKED, 5: SUSPENDED}))
    publisher.publish(change({5: VALID_AGAIN, 999: REVOKED}))
    return publisher


def forge(
    publisher: Publisher, kind: envelope.Kind = envelope.Kind.STATUS_DELTA, signer: str | None = None, **changes: Any
) -> bytes:
    """Sign the next delta, or a snapshot, with `changes` to the items of its payload."""
    status = publisher.status
    items: dict[str, Any] = {
        "region": 440000,
        "issued": to_seconds(NOW),
        "fresh": 86400,
        "sequence": status.sequence + 1,
        "link": status.head,
        "lists": [],
    }
    payload = cbor.encode([*(items | changes).values()])
    return envelope.seal(kind, payload, publisher.country.keys[signer or publisher.signer_name]).encode()


def refusal(data: bytes, registry: Registry, status: RegionStatus | None, **clock: Any) -> EcertError:
    """Return why a delta is refused; what was held is unchanged by it."""
    before = None if status is None else replace(status, lists=dict(status.lists))
    with pytest.raises(EcertError) as refused:
        load_delta(data, registry, status, now=clock.get("now", NOW))
    assert status == before
    return refused.value


# What is published is what is read.


def test_deltas_lead_where_the_publisher_stands(begun: Publisher, registry: Registry) -> None:
    status = None
    for data in begun.deltas:
        status = load_delta(data, registry, status, now=NOW)
    assert status == begun.status
    assert status is not None
    assert (status.region, status.sequence, status.head) == (GUANGDONG, 2, sm3(begun.deltas[-1]))
    assert (status.issued_at, status.fresh_until) == (NOW, NOW + WEEK)
    assert dict(status.lists[LIST].marks.items()) == {1: REVOKED, 5: VALID_AGAIN, 999: REVOKED}


def test_a_snapshot_is_a_checkpoint_of_the_chain(begun: Publisher, registry: Registry) -> None:
    held = load_snapshot(begun.snapshot(), registry, now=NOW)
    assert held == begun.status
    step = begun.publish(change({2: REVOKED}))
    assert load_delta(step, registry, held, now=NOW) == begun.status


def test_an_empty_delta_renews_the_freshness(begun: Publisher, registry: Registry) -> None:
    held = begun.status
    begun.now += timedelta(days=3)
    renewed = load_delta(begun.seal(), registry, held, now=begun.now)
    assert (renewed.lists, renewed.fresh_until) == (held.lists, NOW + timedelta(days=10))


def test_lists_are_named_by_their_order_of_appearance(publisher: Publisher, registry: Registry) -> None:
    late, early = (bytes(8), 0), (b"\xff" * 8, 4095)
    publisher.publish(change({1: REVOKED}, key=early))
    publisher.publish(change({2: REVOKED}, key=late), change(covered=2000, key=early))
    assert publisher.status.directory == (early, late)
    held = load_snapshot(publisher.snapshot(), registry, now=NOW)
    assert held.directory == (early, late)
    step = publisher.publish(change({3: SUSPENDED}, key=late), change({4: SUSPENDED}, 2000, early))
    taken = load_delta(step, registry, held, now=NOW)
    assert [dict(listing.marks.items()) for listing in taken.lists.values()] == [
        {1: REVOKED, 4: SUSPENDED},
        {2: REVOKED, 3: SUSPENDED},
    ]
    assert [listing.covered for listing in taken.lists.values()] == [2000, 1000]


def test_a_ministry_is_named_by_its_uscc(publisher: Publisher) -> None:
    publisher.status = RegionStatus.beginning(MINISTRY)
    signed = envelope.decode(publisher.seal(), limit=MAX_DELTA)
    fields = cbor.decode(signed.payload, limit=MAX_DELTA, reason=Reason.STATUS_MALFORMED)
    assert isinstance(fields, list)
    assert fields[0] == MINISTRY


# Sizes.


def big_status(seed: int, *, mixed: bool) -> RegionStatus:
    listing = ListState(MILLION, MarkPages(seeded(seed, 10_000, mixed=mixed)))
    return RegionStatus(GUANGDONG, 2**24, sm3(bytes([seed])), NOW, NOW + WEEK, {LIST: listing})


@pytest.mark.parametrize(("mixed", "most"), [(False, 10_600), (True, 12_500)])
def test_a_snapshot_of_a_million_with_one_percent_not_valid_is_small(
    country: Country, *, mixed: bool, most: int
) -> None:
    signer = country.keys[f"status-{GUANGDONG}"]
    assert max(len(seal_snapshot(big_status(seed, mixed=mixed), signer)) for seed in range(5)) <= most


@pytest.mark.parametrize(("mixed", "most"), [(False, 345), (True, 385)])
def test_a_delta_of_a_hundred_changes_is_small(country: Country, *, mixed: bool, most: int) -> None:
    signer = country.keys[f"status-{GUANGDONG}"]
    status = big_status(0, mixed=mixed)
    held = status.lists[LIST].marks

    def fresh(seed: int) -> dict[int, int]:
        found = seeded(1000 + seed, 200, mixed=mixed)
        return dict([(index, byte) for index, byte in found.items() if not held.get(index)][:100])

    sizes = [
        len(
            seal_delta(
                status,
                [change(fresh(seed), MILLION)],
                issued_at=NOW,
                fresh_until=NOW + WEEK,
                signer=signer,
            )
        )
        for seed in range(50)
    ]
    assert max(sizes) <= most


# Deltas that are refused, each for its own reason.


def test_a_delta_cut_anywhere_is_refused(begun: Publisher, registry: Registry) -> None:
    data = begun.seal(change({7: REVOKED}))
    for length in range(len(data)):
        assert refusal(data[:length], registry, begun.status).reason is Reason.STATUS_MALFORMED


def test_a_snapshot_cut_anywhere_is_refused(begun: Publisher, registry: Registry) -> None:
    data = begun.snapshot()
    for length in range(len(data)):
        with pytest.raises(MalformedError) as refused:
            load_snapshot(data[:length], registry, now=NOW)
        assert refused.value.reason is Reason.STATUS_MALFORMED


def test_no_changed_byte_of_a_delta_is_taken(begun: Publisher, registry: Registry) -> None:
    data = begun.seal(change({7: REVOKED}))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert refusal(changed, registry, begun.status).reason in (
            Reason.STATUS_MALFORMED,
            Reason.STATUS_SIGNATURE_BAD,
        )


def test_an_over_long_delta_or_snapshot_is_refused_unread(begun: Publisher, registry: Registry) -> None:
    assert refusal(bytes(MAX_DELTA + 1), registry, begun.status).reason is Reason.TOO_LARGE
    with pytest.raises(MalformedError) as refused:
        load_snapshot(bytes(MAX_SNAPSHOT + 1), registry, now=NOW)
    assert refused.value.reason is Reason.TOO_LARGE


def test_a_snapshot_is_no_delta_and_a_delta_no_snapshot(begun: Publisher, registry: Registry) -> None:
    assert refusal(begun.snapshot(), registry, begun.status).reason is Reason.STATUS_MALFORMED
    with pytest.raises(MalformedError, match="another signed object"):
        load_snapshot(begun.deltas[-1], registry, now=NOW)


def test_swapped_deltas_are_refused(begun: Publisher, registry: Registry) -> None:
    first, second = begun.deltas
    assert refusal(second, registry, None).reason is Reason.STATUS_GAP
    held = load_delta(first, registry, None, now=NOW)
    assert refusal(first, registry, load_delta(second, registry, held, now=NOW)).reason is Reason.STATUS_ROLLBACK


def test_a_replayed_delta_is_refused(begun: Publisher, registry: Registry) -> None:
    for data in begun.deltas:
        assert refusal(data, registry, begun.status).reason is Reason.STATUS_ROLLBACK


def test_a_missing_delta_is_noticed(begun: Publisher, registry: Registry) -> None:
    held = begun.status
    begun.publish(change({7: REVOKED}))
    later = begun.publish(change({8: REVOKED}))
    refused = refusal(later, registry, held)
    assert refused.reason is Reason.STATUS_GAP
    assert "delta 3 is next" in refused.detail


def test_a_delta_of_another_history_is_refused(begun: Publisher, registry: Registry) -> None:
    held = begun.status
    begun.status = replace(held, head=bytes(32))
    refused = refusal(begun.seal(change({7: REVOKED})), registry, held)
    assert refused.reason is Reason.STATUS_GAP
    assert "follows another delta 2" in refused.detail


def test_without_anything_held_only_the_first_delta_will_do(begun: Publisher, registry: Registry) -> None:
    assert refusal(begun.deltas[1], registry, None).reason is Reason.STATUS_GAP
    assert load_delta(begun.deltas[0], registry, None, now=NOW).sequence == 1


def test_the_first_delta_follows_nothing(publisher: Publisher, registry: Registry) -> None:
    assert refusal(forge(publisher, link=b"\x01" * 32), registry, None).reason is Reason.STATUS_GAP


def test_another_regions_delta_is_refused(begun: Publisher, registry: Registry, country: Country) -> None:
    other = Publisher(country, f"status-{SHANGHAI}", RegionStatus.beginning(SHANGHAI))
    other.status = replace(begun.status, region=SHANGHAI)
    assert refusal(other.seal(change({7: REVOKED})), registry, begun.status).reason is Reason.STATUS_FOREIGN


def test_another_regions_status_key_is_refused(begun: Publisher, registry: Registry) -> None:
    data = forge(begun, signer=f"status-{SHANGHAI}")
    assert refusal(data, registry, begun.status).reason is Reason.STATUS_FOREIGN
    snapshot = seal_snapshot(begun.status, begun.country.keys[f"status-{SHANGHAI}"])
    with pytest.raises(RejectedError) as refused:
        load_snapshot(snapshot, registry, now=NOW)
    assert refused.value.reason is Reason.STATUS_FOREIGN


def test_an_unknown_key_is_refused(begun: Publisher, registry: Registry) -> None:
    begun.country.keys["stranger"] = PrivateKey.generate()
    assert refusal(forge(begun, signer="stranger"), registry, begun.status).reason is Reason.STATUS_SIGNATURE_BAD


def test_an_issuers_key_is_refused(begun: Publisher, registry: Registry) -> None:
    data = forge(begun, signer=f"issuer-{GUANGDONG}")
    assert refusal(data, registry, begun.status).reason is Reason.STATUS_SIGNATURE_BAD


def test_a_bad_signature_is_refused(begun: Publisher, registry: Registry) -> None:
    right, other = (envelope.decode(data, limit=MAX_DELTA) for data in (begun.seal(), begun.deltas[0]))
    data = replace(right, signature=other.signature).encode()
    assert refusal(data, registry, begun.status).reason is Reason.STATUS_SIGNATURE_BAD


def test_a_delta_from_the_future_is_refused(begun: Publisher, registry: Registry) -> None:
    held = begun.status
    begun.now = NOW + timedelta(minutes=5, seconds=1)
    assert refusal(begun.seal(), registry, held).reason is Reason.STATUS_FROM_FUTURE
    begun.now = NOW + timedelta(minutes=5)
    assert load_delta(begun.seal(), registry, held, now=NOW).sequence == 3


def test_a_snapshot_from_the_future_is_refused(begun: Publisher, registry: Registry) -> None:
    with pytest.raises(RejectedError) as refused:
        load_snapshot(begun.snapshot(), registry, now=NOW - timedelta(hours=1))
    assert refused.value.reason is Reason.STATUS_FROM_FUTURE


def test_the_status_key_must_have_stood_when_it_signed(begun: Publisher) -> None:
    country = begun.country
    country.revoke(begun.signer_name, NOW - timedelta(hours=1), CrlReason.SUPERSEDED)
    assert refusal(begun.seal(), country.registry(), begun.status).reason is Reason.CERTIFICATE_REVOKED
    begun.status = changed(begun.status, issued_at=START - timedelta(days=2))
    begun.now = NOW - timedelta(hours=2)
    assert load_delta(begun.seal(), country.registry(), begun.status, now=NOW).sequence == 3
    begun.now = START - timedelta(days=1)
    assert refusal(begun.seal(), country.registry(), begun.status).reason is Reason.CERTIFICATE_NOT_YET_VALID


def test_a_retired_status_key_cannot_go_on_from_what_came_after_it(begun: Publisher, registry: Registry) -> None:
    later = begun.status
    begun.status = changed(later, issued_at=NOW - timedelta(days=1))
    begun.now = NOW - timedelta(hours=1)
    assert refusal(begun.seal(), registry, later).reason is Reason.STATUS_ROLLBACK


def test_a_licence_that_ended_never_comes_back(begun: Publisher) -> None:
    for byte in (VALID_AGAIN, SUSPENDED):
        with pytest.raises(RejectedError) as refused:
            begun.seal(change({1: byte}))
        assert refused.value.reason is Reason.STATUS_INCOMPLETE


def test_a_stolen_status_key_is_not_believed_about_the_time_before_the_theft(begun: Publisher) -> None:
    begun.country.revoke(f"status-{GUANGDONG}", NOW + timedelta(hours=1), CrlReason.KEY_COMPROMISE)
    registry = begun.country.registry()
    with pytest.raises(RejectedError, match="status key was stolen"):
        load_delta(begun.deltas[0], registry, None, now=NOW)
    with pytest.raises(RejectedError, match="status key was stolen"):
        load_snapshot(begun.snapshot(), registry, now=NOW)


def test_what_was_covered_stays_covered(begun: Publisher, registry: Registry) -> None:
    data = forge(begun, lists=[[0, b"", 999]])
    assert refusal(data, registry, begun.status).reason is Reason.STATUS_INCOMPLETE


def test_a_mark_outside_what_is_covered_is_refused(begun: Publisher, registry: Registry) -> None:
    data = forge(begun, lists=[[0, encode_marks({1000: REVOKED}, 1000)]])
    assert refusal(data, registry, begun.status).reason is Reason.STATUS_INCOMPLETE
    grown = forge(begun, lists=[[0, encode_marks({1000: REVOKED}, 1001), 1001]])
    assert load_delta(grown, registry, begun.status, now=NOW).lists[LIST].covered == 1001


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"region": "440000"}, "region"),
        ({"region": -1}, "region"),
        ({"region": 1_000_000}, "region"),
        ({"region": "11100000000013127I"}, "region"),
        ({"issued": -1}, "number"),
        ({"issued": True}, "number"),
        ({"fresh": 0}, "never fresh"),
        ({"fresh": -1}, "number"),
        ({"fresh": 31 * 86400 + 1}, "number"),
        ({"sequence": 2**32}, "number"),
        ({"link": bytes(31)}, "byte string"),
        ({"lists": {}}, "array"),
        ({"lists": [[]]}, "array"),
        ({"lists": [[0, b"", 1000, 1, 1]]}, "array"),
        ({"lists": [[1, bytes.fromhex("010702c0")]]}, "number"),
        ({"lists": [[0, b""]]}, "changes nothing"),
        ({"lists": [[0, b"", 1000]]}, "as many licences"),
        ({"lists": [[0, b"", StatusRef.CAPACITY + 1]]}, "number"),
        ({"lists": [[0, "text"]]}, "byte string"),
        ({"lists": [[0, bytes.fromhex("010702c0")]] * 2}, "in order"),
        ({"lists": [[ISSUER, 1, 5, b""], [0, bytes.fromhex("010702c0")]]}, "in order"),
        ({"lists": [[ISSUER, 0, 1000, b""]]}, "known is spelt out"),
        ({"lists": [[ISSUER, 1, 5, b""]] * 2}, "known is spelt out"),
        ({"lists": [[ISSUER[:7], 1, 5, b""]]}, "byte string"),
        ({"lists": [[ISSUER, StatusRef.LISTS, 5, b""]]}, "number"),
        ({"lists": [[0, b"\x00"]]}, "not the marks"),
        ({"more": 0}, "array"),
    ],
)
def test_a_malformed_delta_is_refused_for_what_it_is(
    begun: Publisher, registry: Registry, changes: dict[str, Any], what: str
) -> None:
    refused = refusal(forge(begun, **changes), registry, begun.status)
    assert refused.reason is Reason.STATUS_MALFORMED
    assert what in refused.detail


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"sequence": 0}, "not begun"),
        ({"fresh": 31 * 86400 + 1}, "number"),
        ({"lists": [[ISSUER, 0, 5, b""]] * 2}, "a list twice"),
        ({"lists": [[0, b""]]}, "array"),
        ({"link": b""}, "byte string"),
    ],
)
def test_a_malformed_snapshot_is_refused_for_what_it_is(
    begun: Publisher, registry: Registry, changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(MalformedError, match=what) as refused:
        load_snapshot(forge(begun, envelope.Kind.STATUS_SNAPSHOT, **changes), registry, now=NOW)
    assert refused.value.reason is Reason.STATUS_MALFORMED


def test_no_region_has_lists_without_end(begun: Publisher, registry: Registry) -> None:
    rows = [[number.to_bytes(8, "big"), 0, 0, b""] for number in range(65537)]
    assert refusal(forge(begun, lists=rows), registry, begun.status).reason is Reason.TOO_LARGE
    with pytest.raises(MalformedError) as refused:
        load_snapshot(forge(begun, envelope.Kind.STATUS_SNAPSHOT, lists=rows), registry, now=NOW)
    assert refused.value.reason is Reason.TOO_LARGE


# The publisher checks itself before its key is touched.


class Untouchable:
    """A key that must not be used."""

    @property
    def public_key(self) -> Any:
        raise AssertionError

    def sign(self, message: bytes) -> bytes:
        raise AssertionError(message)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (change(covered=999), Reason.STATUS_INCOMPLETE),
        (change({1000: REVOKED}), Reason.STATUS_INCOMPLETE),
        (change(), Reason.STATUS_MALFORMED),
    ],
)
def test_a_wrong_delta_is_never_signed(begun: Publisher, wrong: Any, reason: Reason) -> None:
    with pytest.raises(EcertError) as refused:
        seal_delta(begun.status, [wrong], issued_at=NOW, fresh_until=NOW + WEEK, signer=Untouchable())
    assert refused.value.reason is reason


@pytest.mark.parametrize("fresh_for", [timedelta(0), timedelta(days=-1), timedelta(days=31, seconds=1)])
def test_freshness_without_measure_is_never_signed(begun: Publisher, fresh_for: timedelta) -> None:
    until = NOW + fresh_for
    with pytest.raises(MalformedError):
        seal_delta(begun.status, [], issued_at=NOW, fresh_until=until, signer=Untouchable())
    with pytest.raises(MalformedError):
        seal_snapshot(replace(begun.status, fresh_until=until), Untouchable())


def test_a_snapshot_of_nothing_is_never_signed(publisher: Publisher) -> None:
    with pytest.raises(MalformedError, match="never fresh"):
        seal_snapshot(publisher.status, Untouchable())


# What is published is complete.


def test_deltas_that_lead_to_what_the_ledger_has_are_complete(begun: Publisher) -> None:
    check_complete(None, begun.deltas, begun.status)
    before = begun.status
    begun.publish(change({7: REVOKED}), change({1: SUSPENDED}, key=OTHER_LIST))
    check_complete(before, begun.deltas[2:], begun.status)
    check_complete(begun.status, [], begun.status)


@pytest.mark.parametrize(
    ("ledger", "what"),
    [
        ({"lists": {LIST: ListState(1000, MarkPages({1: REVOKED, 5: VALID_AGAIN}))}}, "another content of list 0011"),
        ({"lists": {LIST: ListState(1001, MarkPages({1: 7, 5: 8, 999: 7}))}}, "another content of list 0011"),
        ({"lists": {}}, "other lists"),
        ({"head": bytes(32)}, "another sequence, head or time"),
        ({"sequence": 3}, "another sequence, head or time"),
        ({"fresh_until": NOW}, "another sequence, head or time"),
    ],
)
def test_a_decision_left_out_is_noticed_before_publishing(begun: Publisher, ledger: dict[str, Any], what: str) -> None:
    with pytest.raises(RejectedError, match=what) as refused:
        check_complete(None, begun.deltas, replace(begun.status, **ledger))
    assert refused.value.reason is Reason.STATUS_INCOMPLETE


def test_a_delta_left_out_is_noticed_before_publishing(begun: Publisher) -> None:
    with pytest.raises(RejectedError) as refused:
        check_complete(None, begun.deltas[1:], begun.status)
    assert refused.value.reason is Reason.STATUS_GAP
