"""Decisions about a licence as values on the wire.

[state, since, decidedAt, until or null, reason code, reason, legal basis, document]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.licence.validity import to_seconds
from ecert.revocation.opening import Fields, malformed
from ecert.revocation.status import MAX_DOCUMENT, MAX_REASON, ReasonCode, State, StatusEvent

if TYPE_CHECKING:
    from ecert import cbor

_LENGTH: Final = 8
_MAX_CODE: Final = 32


def event_value(event: StatusEvent) -> cbor.Value:
    """Write a decision."""
    return [
        event.state.value,
        to_seconds(event.since),
        to_seconds(event.decided_at),
        None if event.until is None else to_seconds(event.until),
        event.reason_code.value,
        event.reason,
        event.legal_basis,
        event.document,
    ]


def read_event(value: cbor.Value) -> StatusEvent:
    """Read a decision.

    Raises:
        MalformedError: not one; it ends before it begins; or it is to end although its state never does.
    """
    fields = Fields.of(value, _LENGTH)
    state, since = State(fields.uint(0, len(State))), fields.instant(1)
    until = None if fields.items[3] is None else fields.instant(3)
    if until is not None and (state.ends or until <= since):
        raise malformed("a decision ends that cannot, or before it begins")
    return StatusEvent(
        state=state,
        since=since,
        decided_at=fields.instant(2),
        until=until,
        reason_code=_read_code(fields.text(4, _MAX_CODE)),
        reason=fields.text(5, MAX_REASON),
        legal_basis=fields.text(6, MAX_REASON),
        document=fields.text(7, MAX_DOCUMENT),
    )


def _read_code(code: str) -> ReasonCode:
    try:
        return ReasonCode(code)
    except ValueError as error:
        raise malformed("an unknown reason code") from error
