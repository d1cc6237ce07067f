from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ecert import cbor, envelope
from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.licence.reference import StatusRef
from ecert.revocation import (
    MAX_PAGE,
    PAGE_SIZE,
    ReasonCode,
    State,
    StatusEvent,
    StatusPage,
    load_page,
    seal_page,
)
from ecert.revocation.events import event_value
from ecert.x509 import CrlReason
from tests.revocation.chains import ISSUER, Publisher
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI, START

if TYPE_CHECKING:
    from ecert.trust import Registry

SUSPENDED = StatusEvent(
    state=State.SUSPENDED,
    since=NOW - timedelta(days=9),
    decided_at=NOW - timedelta(days=10),
    until=NOW + timedelta(days=30),
    reason_code=ReasonCode.UNDER_INVESTIGATION,
    reason="涉嫌提供虚假材料　立案调查",
    legal_basis="《食品安全法》第一百二十四条",
    document="粤市监立〔2026〕15 号",
)
REVOKED = StatusEvent(State.REVOKED, NOW, NOW, reason_code=ReasonCode.OBTAINED_BY_FRAUD)
PAGE = StatusPage(
    region=GUANGDONG,
    key_id=ISSUER,
    number=3,
    page=255,
    sequence=12,
    issued_at=NOW,
    events={255 * PAGE_SIZE: (SUSPENDED, REVOKED), StatusRef.CAPACITY - 1: (REVOKED,)},
)


def with_rows(rows: Any, **changes: Any) -> list[Any]:
    items = {"region": 440000, "at": int(NOW.timestamp()), "sequence": 12, "key": ISSUER, "number": 3, "page": 1}
    return [*(items | changes).values(), rows]


def sealed(publisher: Publisher, content: list[Any]) -> bytes:
    return envelope.seal(envelope.Kind.STATUS_PAGE, cbor.encode(content), publisher.signer).encode()


def test_a_page_is_read_as_it_was_written(publisher: Publisher, registry: Registry) -> None:
    assert load_page(seal_page(PAGE, publisher.signer), registry, now=NOW) == PAGE
    assert PAGE.key == (GUANGDONG, (ISSUER, 3), 255)


def test_a_page_without_decisions_says_that_there_were_none(publisher: Publisher, registry: Registry) -> None:
    empty = replace(PAGE, events={})
    assert load_page(seal_page(empty, publisher.signer), registry, now=NOW) == empty


def test_a_page_cut_anywhere_is_refused(publisher: Publisher, registry: Registry) -> None:
    data = seal_page(PAGE, publisher.signer)
    for length in range(len(data)):
        with pytest.raises(MalformedError) as refused:
            load_page(data[:length], registry, now=NOW)
        assert refused.value.reason is Reason.STATUS_MALFORMED


def test_no_changed_byte_of_a_page_is_taken(publisher: Publisher, registry: Registry) -> None:
    data = seal_page(PAGE, publisher.signer)
    for place in range(len(data)):
        with pytest.raises(EcertError):
            load_page(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], registry, now=NOW)


def test_an_over_long_page_is_refused_unread(registry: Registry) -> None:
    with pytest.raises(MalformedError) as refused:
        load_page(bytes(MAX_PAGE + 1), registry, now=NOW)
    assert refused.value.reason is Reason.TOO_LARGE


def test_an_over_long_page_is_not_published(publisher: Publisher) -> None:
    wordy = replace(REVOKED, reason="字" * 200, legal_basis="法" * 200)
    events = dict.fromkeys(range(PAGE_SIZE), (wordy,))
    with pytest.raises(MalformedError) as refused:
        seal_page(replace(PAGE, page=0, events=events), publisher.signer)
    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("signer", "reason"),
    [
        (f"status-{SHANGHAI}", Reason.STATUS_FOREIGN),
        (f"issuer-{GUANGDONG}", Reason.STATUS_SIGNATURE_BAD),
        (GUANGDONG, Reason.STATUS_SIGNATURE_BAD),
    ],
)
def test_a_page_that_the_regions_status_key_did_not_sign_is_refused(
    publisher: Publisher, registry: Registry, signer: str, reason: Reason
) -> None:
    with pytest.raises(RejectedError) as refused:
        load_page(seal_page(PAGE, publisher.country.keys[signer]), registry, now=NOW)
    assert refused.value.reason is reason


def test_a_page_from_the_future_is_refused(publisher: Publisher, registry: Registry) -> None:
    with pytest.raises(RejectedError) as refused:
        load_page(seal_page(PAGE, publisher.signer), registry, now=NOW - timedelta(minutes=6))
    assert refused.value.reason is Reason.STATUS_FROM_FUTURE


def test_a_page_signed_after_its_key_fell_is_refused(publisher: Publisher) -> None:
    publisher.country.revoke(publisher.signer_name, START, CrlReason.KEY_COMPROMISE)
    with pytest.raises(RejectedError) as refused:
        load_page(seal_page(PAGE, publisher.signer), publisher.country.registry(), now=NOW)
    assert refused.value.reason is Reason.CERTIFICATE_REVOKED


def test_a_delta_is_no_page(publisher: Publisher, registry: Registry) -> None:
    with pytest.raises(MalformedError, match="another signed object"):
        load_page(publisher.seal(), registry, now=NOW)


def ill_event(**changes: Any) -> list[Any]:
    names = ("state", "since", "decided", "until", "code", "reason", "basis", "document")
    value = event_value(SUSPENDED)
    assert isinstance(value, list)
    return [*(dict(zip(names, value, strict=True)) | changes).values()]


LATER, EARLIER = ill_event(), ill_event(decided=1_700_000_000)


@pytest.mark.parametrize(
    "content",
    [
        [],
        with_rows([])[:-1],
        with_rows([], page=256),
        with_rows([], number=StatusRef.LISTS),
        with_rows([], key=bytes(7)),
        with_rows({}),
        with_rows([[0]]),
        with_rows([[0, []]]),
        with_rows([[PAGE_SIZE, [LATER]]]),
        with_rows([[1, [LATER]], [1, [LATER]]]),
        with_rows([[1, [LATER]], [0, [LATER]]]),
        with_rows([[0, [LATER, EARLIER]]]),
        with_rows([[0, [LATER[:-1]]]]),
        with_rows([[0, [ill_event(state=8)]]]),
        with_rows([[0, [ill_event(state=7)]]]),
        with_rows([[0, [ill_event(until=ill_event()[1])]]]),
        with_rows([[0, [ill_event(since=-1)]]]),
        with_rows([[0, [ill_event(code="whim")]]]),
        with_rows([[0, [ill_event(reason="字" * 201)]]]),
        with_rows([[0, [ill_event(basis="字" * 201)]]]),
        with_rows([[0, [ill_event(document="字" * 101)]]]),
        with_rows([[0, [ill_event(reason="line\nbreak")]]]),
        with_rows([[0, [ill_event(reason="\u202egnp")]]]),
        with_rows([[0, [ill_event(reason=None)]]]),
    ],
)
def test_what_is_not_a_page_is_refused(publisher: Publisher, registry: Registry, content: list[Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        load_page(sealed(publisher, content), registry, now=NOW)
    assert refused.value.reason is Reason.STATUS_MALFORMED


def test_a_page_with_an_index_of_another_page_is_never_signed(publisher: Publisher) -> None:
    for index in (255 * PAGE_SIZE - 1, StatusRef.CAPACITY):
        with pytest.raises(MalformedError):
            seal_page(replace(PAGE, events={index: (REVOKED,)}), publisher.signer)
