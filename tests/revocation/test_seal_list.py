"""The state of electronic seals: what a list says at an instant, and which lists are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert import cbor, envelope
from ecert.errors import EcertError, MalformedError, Reason
from ecert.revocation.seal_list import (
    MAX_CODE,
    MAX_EVENTS,
    MAX_SEAL_LIST,
    SealEvent,
    SealState,
    SealStatusList,
    load_seal_list,
    seal_seal_list,
)
from ecert.revocation.status import MAX_DOCUMENT, MAX_REASON
from ecert.x509 import CrlReason
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI, START, Country

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.trust import Registry

STATUS = f"status-{GUANGDONG}"


def day(number: int) -> datetime:
    return NOW - timedelta(days=100) + timedelta(days=number)


def event(state: SealState, since: int, decided: int | None = None, **words: str) -> SealEvent:
    return SealEvent(state, day(since), day(since if decided is None else decided), **words)


ACTIVE, SUSPENDED, CANCELLED = SealState.ACTIVE, SealState.SUSPENDED, SealState.CANCELLED
FILED = event(ACTIVE, 0, reason="制作完成并备案", document="粤公印备〔2026〕1号")
LISTING = SealStatusList(
    GUANGDONG,
    7,
    NOW,
    NOW + timedelta(days=1),
    {
        "44010000000001": (FILED,),
        "44010000000002": (FILED, event(SUSPENDED, 10), event(ACTIVE, 20)),
        "44010000000003": (FILED, event(CANCELLED, 30, reason="单位撤销", document="粤公印销〔2026〕3号")),
        "印章-四": (FILED, event(SUSPENDED, 40, 40), event(CANCELLED, 20, 50)),
    },
)


@pytest.fixture(scope="module")
def country() -> Country:
    return Country()


@pytest.fixture
def registry(country: Country) -> Registry:
    country.revoked.clear()
    return country.registry()


def sealed(country: Country, signer: str = STATUS, **changes: Any) -> bytes:
    return seal_seal_list(replace(LISTING, **changes), country.keys[signer])


def refusal(data: bytes, registry: Registry, held: SealStatusList | None = None) -> Reason:
    with pytest.raises(EcertError) as caught:
        load_seal_list(data, registry, now=NOW, held=held)
    return caught.value.reason


def test_a_list_reads_back(country: Country, registry: Registry) -> None:
    assert load_seal_list(sealed(country), registry, now=NOW) == LISTING
    later = replace(LISTING, sequence=8)
    assert load_seal_list(sealed(country, sequence=8), registry, now=NOW, held=LISTING) == later
    assert load_seal_list(sealed(country), registry, now=NOW, held=LISTING) == LISTING


def test_the_bytes_do_not_depend_on_the_order_in_which_seals_were_given(country: Country) -> None:
    backwards = dict(reversed(list(LISTING.entries.items())))
    payloads = {
        envelope.decode(one, limit=9999).payload for one in (sealed(country), sealed(country, entries=backwards))
    }
    assert len(payloads) == 1


@pytest.mark.parametrize(
    ("code", "on", "state"),
    [
        ("44010000000001", 0, ACTIVE),
        ("44010000000001", 99, ACTIVE),
        ("44010000000002", 9, ACTIVE),
        ("44010000000002", 10, SUSPENDED),
        ("44010000000002", 19, SUSPENDED),
        ("44010000000002", 20, ACTIVE),
        ("44010000000003", 29, ACTIVE),
        ("44010000000003", 30, CANCELLED),
        ("44010000000003", 99, CANCELLED),
        # Decided on day 50 with effect from day 20: the suspension of day 40 no longer matters.
        ("印章-四", 19, ACTIVE),
        ("印章-四", 20, CANCELLED),
        ("印章-四", 45, CANCELLED),
    ],
)
def test_the_last_decision_in_effect_holds(code: str, on: int, state: SealState) -> None:
    assert LISTING.at(code, day(on)) is state


def test_a_cancelled_seal_never_comes_back() -> None:
    listing = replace(LISTING, entries={"a": (FILED, event(CANCELLED, 10), event(ACTIVE, 20), event(SUSPENDED, 30))})
    assert {listing.at("a", day(number)) for number in range(10, 100)} == {CANCELLED}


def test_a_decision_does_not_count_before_it_takes_effect() -> None:
    listing = replace(LISTING, entries={"a": (FILED, event(CANCELLED, 50, 10), event(SUSPENDED, 20, 20))})
    assert [listing.at("a", day(number)) for number in (10, 20, 49, 50)] == [ACTIVE, SUSPENDED, SUSPENDED, CANCELLED]


def test_a_seal_that_is_not_listed_or_was_not_yet_filed_is_unknown() -> None:
    assert LISTING.at("44010000000009", NOW) is None
    assert LISTING.at("", NOW) is None
    assert LISTING.at("44010000000001", day(0) - timedelta(seconds=1)) is None


def test_a_list_is_fresh_until_it_says(country: Country, registry: Registry) -> None:
    listing = load_seal_list(sealed(country), registry, now=NOW)
    assert listing.is_fresh(NOW + timedelta(days=1))
    assert not listing.is_fresh(NOW + timedelta(days=1, seconds=1))


# What is refused.


def test_no_single_byte_can_change(country: Country, registry: Registry) -> None:
    data = sealed(country)
    for at in range(len(data)):
        for mask in (0x01, 0x80):
            changed = bytearray(data)
            changed[at] ^= mask
            reason = refusal(bytes(changed), registry)
            assert reason in (Reason.STATUS_MALFORMED, Reason.STATUS_SIGNATURE_BAD), at


def test_a_list_cut_or_continued_is_malformed(country: Country, registry: Registry) -> None:
    data = sealed(country)
    assert {refusal(data[:end], registry) for end in range(len(data))} == {Reason.STATUS_MALFORMED}
    assert refusal(data + b"\x00", registry) is Reason.STATUS_MALFORMED


@given(st.binary(max_size=200))
def test_any_bytes_are_malformed(country: Country, data: bytes) -> None:
    with pytest.raises(MalformedError):
        load_seal_list(data, country.registry(), now=NOW)


def test_a_list_longer_than_any_is_refused_unread(registry: Registry) -> None:
    assert refusal(bytes(MAX_SEAL_LIST + 1), registry) is Reason.TOO_LARGE


def test_another_object_of_the_status_key_is_refused(country: Country, registry: Registry) -> None:
    payload = envelope.decode(sealed(country), limit=9999).payload
    for kind in set(envelope.Kind) - {envelope.Kind.SEAL_STATUS}:
        other = envelope.seal(kind, payload, country.keys[STATUS]).encode()
        assert refusal(other, registry) is Reason.STATUS_MALFORMED


@pytest.mark.parametrize("signer", [f"issuer-{GUANGDONG}", GUANGDONG, "root"])
def test_a_list_that_no_status_key_signed_is_refused(country: Country, registry: Registry, signer: str) -> None:
    assert refusal(sealed(country, signer), registry) is Reason.STATUS_SIGNATURE_BAD


def test_a_signature_taken_from_another_list_is_refused(country: Country, registry: Registry) -> None:
    one, other = (envelope.decode(sealed(country, sequence=n), limit=9999) for n in (7, 8))
    mixed = replace(one, signature=other.signature).encode()
    assert refusal(mixed, registry) is Reason.STATUS_SIGNATURE_BAD


def test_a_status_key_speaks_for_its_own_region_only(country: Country, registry: Registry) -> None:
    assert refusal(sealed(country, f"status-{SHANGHAI}"), registry) is Reason.STATUS_FOREIGN
    shanghai = sealed(country, f"status-{SHANGHAI}", region=SHANGHAI, sequence=99)
    assert load_seal_list(shanghai, registry, now=NOW).region == SHANGHAI
    assert refusal(shanghai, registry, held=LISTING) is Reason.STATUS_FOREIGN


def test_a_list_from_the_future_is_refused(country: Country, registry: Registry) -> None:
    soon = NOW + timedelta(minutes=5)
    assert load_seal_list(sealed(country, issued_at=soon), registry, now=NOW).issued_at == soon
    assert refusal(sealed(country, issued_at=soon + timedelta(seconds=1)), registry) is Reason.STATUS_FROM_FUTURE


def test_an_older_list_or_another_of_the_same_number_is_refused(country: Country, registry: Registry) -> None:
    assert refusal(sealed(country, sequence=6), registry, held=LISTING) is Reason.STATUS_ROLLBACK
    assert refusal(sealed(country, entries={}), registry, held=LISTING) is Reason.STATUS_ROLLBACK


def test_the_status_key_must_have_been_good_when_it_signed(country: Country, registry: Registry) -> None:
    assert refusal(sealed(country, issued_at=START - timedelta(days=1)), registry) is Reason.CERTIFICATE_NOT_YET_VALID
    country.revoke(STATUS, NOW - timedelta(days=1), CrlReason.SUPERSEDED)
    assert refusal(sealed(country), country.registry()) is Reason.CERTIFICATE_REVOKED


LONG = {
    "code": {"x" * (MAX_CODE + 1): (FILED,)},
    "no code": {"": (FILED,)},
    "control character": {"a\nb": (FILED,)},
    "no decision": {"a": ()},
    "too many decisions": {"a": (FILED,) * (MAX_EVENTS + 1)},
    "long reason": {"a": (replace(FILED, reason="理" * (MAX_REASON + 1)),)},
    "long document": {"a": (replace(FILED, document="文" * (MAX_DOCUMENT + 1)),)},
    "decisions out of order": {"a": (event(ACTIVE, 10), event(SUSPENDED, 9))},
    "before 1970": {"a": (replace(FILED, since=NOW - timedelta(days=365 * 60)),)},
}


@pytest.mark.parametrize("entries", LONG.values(), ids=LONG)
def test_no_list_is_sealed_that_nobody_would_read(country: Country, entries: dict[str, tuple[SealEvent, ...]]) -> None:
    with pytest.raises(MalformedError) as caught:
        sealed(country, entries=entries)
    assert caught.value.reason is Reason.STATUS_MALFORMED


@pytest.mark.parametrize(
    "changes", [{"region": ""}, {"region": "x" * 19}, {"sequence": -1}, {"fresh_until": NOW - timedelta(days=1)}]
)
def test_no_list_is_sealed_whose_frame_nobody_would_read(country: Country, changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        sealed(country, **changes)
    assert caught.value.reason is Reason.STATUS_MALFORMED


EVENT: list[cbor.Value] = [0, 1, "", "", 1]


@pytest.mark.parametrize(
    "entries",
    [
        None,
        {},
        [["a", [EVENT]], ["a", [EVENT]]],
        [["b", [EVENT]], ["a", [EVENT]]],
        [["a", [EVENT], 0]],
        [["a", {}]],
        [[b"a", [EVENT]]],
        [["a", [[3, *EVENT[1:]]]]],
        [["a", [[True, *EVENT[1:]]]]],
        [["a", [["active", *EVENT[1:]]]]],
        [["a", [[[], *EVENT[1:]]]]],
        [["a", [EVENT[:4]]]],
        [["a", [[0, 1, None, "", 1]]]],
        [["a", [[0, 1, "", "", 2**34]]]],
    ],
)
def test_signed_content_of_another_shape_is_refused_all_the_same(
    country: Country, registry: Registry, entries: cbor.Value
) -> None:
    payload = cbor.encode([440000, 1795399200, 7, 1795399201, entries])
    data = envelope.seal(envelope.Kind.SEAL_STATUS, payload, country.keys[STATUS]).encode()
    with pytest.raises(MalformedError) as caught:
        load_seal_list(data, registry, now=NOW)
    assert caught.value.reason is Reason.STATUS_MALFORMED


def test_the_longest_words_are_taken(country: Country, registry: Registry) -> None:
    entries = {
        "x" * MAX_CODE: (replace(FILED, reason="理" * MAX_REASON, document="文" * MAX_DOCUMENT),) * MAX_EVENTS,
        "a": (replace(FILED, reason="", document=""),),
    }
    loaded = load_seal_list(sealed(country, entries=entries), registry, now=NOW)
    assert loaded.entries == entries
