"""A signed answer to "what was the state of this licence at that time?", which proves itself later.

    [region, answeredAt, identifier, key id, reference, askedAt, state, event or null, sequence, knownAt]

An envelope of STATUS_ANSWER, signed by the status key of the region whose key sealed the licence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.errors import Reason, RejectedError
from ecert.licence.reference import StatusRef
from ecert.licence.validity import to_seconds
from ecert.revocation.events import event_value, read_event
from ecert.revocation.opening import MAX_SEQUENCE, Fields, malformed, open_signed, read_payload, region_value, seal
from ecert.revocation.status import State, state_at

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.revocation.status import StatusEvent
    from ecert.sm2 import Signer
    from ecert.trust import Registry

MAX_ANSWER: Final = 8192
"""The longest answer in bytes."""
_MAX_IDENTIFIER: Final = 200
_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What a region said about one licence.

    Attributes:
        region: The region that answers, the one whose key sealed the licence.
        identifier: The licence's identifier as text.
        key_id: The key that sealed it, 8 bytes.
        reference: Where its status stands.
        asked_at: The instant that was asked about.
        state: The state at that instant.
        event: The decision it rests on; None when none was in effect.
        sequence: The step of the region's chain from which this is known.
        known_at: When that step was issued.
        answered_at: When the answer was given.
    """

    region: str
    identifier: str
    key_id: bytes
    reference: StatusRef
    asked_at: datetime
    state: State
    event: StatusEvent | None
    sequence: int
    known_at: datetime
    answered_at: datetime


def seal_answer(answer: StatusAnswer, signer: Signer) -> bytes:
    """Sign an answer.

    Raises:
        MalformedError: it contradicts itself.
        CustodyError: the key cannot be used.
    """
    payload = cbor.encode(
        [
            region_value(answer.region),
            to_seconds(answer.answered_at),
            answer.identifier,
            answer.key_id,
            answer.reference.pack(),
            to_seconds(answer.asked_at),
            answer.state.value,
            None if answer.event is None else event_value(answer.event),
            answer.sequence,
            to_seconds(answer.known_at),
        ]
    )
    _read(read_payload(payload, _LENGTH))
    return seal(envelope.Kind.STATUS_ANSWER, payload, signer, limit=MAX_ANSWER)


def load_answer(data: bytes, registry: Registry, *, now: datetime) -> StatusAnswer:
    """Parse and verify an answer, however long ago it was given.

    Raises:
        MalformedError: too long, not an answer, or one that contradicts itself.
        RejectedError: not signed by the status key of the region whose key sealed the licence, or its certificate
            did not stand when it was signed; or from the future.
        UndeterminedError: evidence about that certificate is missing.
    """
    answer = _read(open_signed(data, envelope.Kind.STATUS_ANSWER, registry, limit=MAX_ANSWER, length=_LENGTH, now=now))
    key = registry.find(answer.key_id)
    if key is None or key.region.code != answer.region:
        raise RejectedError(
            Reason.STATUS_FOREIGN, f"region {answer.region} answers for a licence that no key of its own sealed"
        )
    return answer


def _read(fields: Fields) -> StatusAnswer:
    answer = StatusAnswer(
        region=fields.region(0),
        identifier=fields.text(2, _MAX_IDENTIFIER),
        key_id=fields.key_id(3),
        reference=StatusRef.unpack(fields.uint(4, StatusRef.PACKED)),
        asked_at=fields.instant(5),
        state=State(fields.uint(6, len(State))),
        event=None if fields.items[7] is None else read_event(fields.items[7]),
        sequence=fields.uint(8, MAX_SEQUENCE),
        known_at=fields.instant(9),
        answered_at=fields.instant(1),
    )
    _check(answer)
    return answer


def _check(answer: StatusAnswer) -> None:
    """Check that it does not speak of the time after it was given, and that state and decision agree."""
    if max(answer.asked_at, answer.known_at) > answer.answered_at:
        raise malformed("it answers about a time after it was given")
    events = () if answer.event is None else (answer.event,)
    if state_at(events, answer.asked_at) != (answer.state, answer.event):
        raise malformed("the state and the decision it rests on do not agree")
