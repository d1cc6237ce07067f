from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.licence.reference import StatusRef
from ecert.revocation import MAX_ANSWER, State, StatusAnswer, StatusEvent, load_answer, seal_answer
from ecert.x509 import CrlReason
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI

if TYPE_CHECKING:
    from ecert.trust import Registry
    from tests.revocation.chains import Publisher

LATER = NOW + timedelta(days=7)
SUSPENSION = StatusEvent(State.SUSPENDED, NOW - timedelta(days=40), NOW - timedelta(days=41), reason="立案调查")


@pytest.fixture
def answer(publisher: Publisher) -> StatusAnswer:
    return StatusAnswer(
        region=GUANGDONG,
        identifier="1.2.156.3005.2.11100000MB0307434K031.11440000DEMG100223.0000000001.001.A",
        key_id=publisher.country.key_id(f"issuer-{GUANGDONG}"),
        reference=StatusRef(4095, StatusRef.CAPACITY - 1),
        asked_at=NOW - timedelta(days=30),
        state=State.SUSPENDED,
        event=SUSPENSION,
        sequence=12,
        known_at=NOW - timedelta(hours=1),
        answered_at=NOW,
    )


def test_an_answer_is_read_as_it_was_given(publisher: Publisher, registry: Registry, answer: StatusAnswer) -> None:
    assert load_answer(seal_answer(answer, publisher.signer), registry, now=LATER) == answer
    valid = replace(answer, state=State.VALID, event=None)
    assert load_answer(seal_answer(valid, publisher.signer), registry, now=LATER) == valid


def test_an_answer_stays_good_though_its_key_falls_later(
    publisher: Publisher, registry: Registry, answer: StatusAnswer
) -> None:
    data = seal_answer(answer, publisher.signer)
    publisher.country.revoke(publisher.signer_name, NOW + timedelta(days=1), CrlReason.SUPERSEDED)
    assert load_answer(data, publisher.country.registry(), now=LATER) == answer
    publisher.country.revoke(publisher.signer_name, NOW - timedelta(days=1), CrlReason.SUPERSEDED)
    with pytest.raises(RejectedError) as refused:
        load_answer(data, publisher.country.registry(), now=LATER)
    assert refused.value.reason is Reason.CERTIFICATE_REVOKED
    assert load_answer(data, registry, now=LATER) == answer


def test_no_changed_byte_of_an_answer_is_taken(publisher: Publisher, registry: Registry, answer: StatusAnswer) -> None:
    data = seal_answer(answer, publisher.signer)
    for place in range(len(data)):
        with pytest.raises(EcertError):
            load_answer(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], registry, now=LATER)
        with pytest.raises(MalformedError):
            load_answer(data[:place], registry, now=LATER)


@pytest.mark.parametrize(
    ("signer", "reason"),
    [(f"status-{SHANGHAI}", Reason.STATUS_FOREIGN), (f"issuer-{GUANGDONG}", Reason.STATUS_SIGNATURE_BAD)],
)
def test_an_answer_that_the_regions_status_key_did_not_sign_is_refused(
    publisher: Publisher, registry: Registry, answer: StatusAnswer, signer: str, reason: Reason
) -> None:
    with pytest.raises(RejectedError) as refused:
        load_answer(seal_answer(answer, publisher.country.keys[signer]), registry, now=LATER)
    assert refused.value.reason is reason


@pytest.mark.parametrize("issuer", [f"issuer-{SHANGHAI}", None])
def test_a_region_answers_for_its_own_licences_only(
    publisher: Publisher, registry: Registry, answer: StatusAnswer, issuer: str | None
) -> None:
    key_id = publisher.country.key_id(issuer) if issuer else bytes(8)
    with pytest.raises(RejectedError) as refused:
        load_answer(seal_answer(replace(answer, key_id=key_id), publisher.signer), registry, now=LATER)
    assert refused.value.reason is Reason.STATUS_FOREIGN


def test_an_over_long_answer_is_refused_unread(registry: Registry) -> None:
    with pytest.raises(MalformedError) as refused:
        load_answer(bytes(MAX_ANSWER + 1), registry, now=LATER)
    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "changes",
    [
        {"event": None},
        {"state": State.VALID},
        {"state": State.REVOKED},
        {"asked_at": SUSPENSION.since - timedelta(seconds=1)},
        {"event": replace(SUSPENSION, until=NOW - timedelta(days=31))},
        {"asked_at": NOW + timedelta(seconds=1)},
        {"known_at": NOW + timedelta(seconds=1)},
        {"identifier": "x" * 201},
    ],
)
def test_an_answer_that_contradicts_itself_is_never_signed(
    publisher: Publisher, answer: StatusAnswer, changes: dict[str, Any]
) -> None:
    with pytest.raises(MalformedError) as refused:
        seal_answer(replace(answer, **changes), publisher.signer)
    assert refused.value.reason is Reason.STATUS_MALFORMED
