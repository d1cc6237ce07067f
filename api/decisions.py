"""Decisions of departments: what may be decided, and how the status chain sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert.errors import EcertError, Reason
from ecert.ports import Decision
from ecert.revocation import MAX_DOCUMENT, MAX_REASON, ReasonCode, State, StatusEvent

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.licence.identifier import Identifier


def make_decision(
    identifier: Identifier,
    state: State,
    *,
    now: datetime,
    reason: str,
    since: datetime | None = None,
    until: datetime | None = None,
    reason_code: ReasonCode = ReasonCode.OTHER,
    legal_basis: str = "",
    document: str = "",
) -> Decision:
    """Put a decision together. Times are cut to whole seconds.

    Args:
        identifier: The licence.
        state: What it becomes.
        now: The clock.
        reason: Why in words, without personal data.
        since: When it takes effect; None: now.
        until: When it ends by itself: of suspended and inactive licences only.
        reason_code: Why.
        legal_basis: The law and article.
        document: The decision's number.

    Raises:
        EcertError: USAGE; a text does not fit, or `until` does.
    """
    decided_at = now.replace(microsecond=0)
    begins = (since or now).replace(microsecond=0)
    ends = until.replace(microsecond=0) if until else None
    for name, text, limit in (
        ("reason", reason, MAX_REASON),
        ("legal basis", legal_basis, MAX_REASON),
        ("document number", document, MAX_DOCUMENT),
    ):
        if len(text) > limit or not text.isprintable():
            raise EcertError(Reason.USAGE, f"the {name} has at most {limit} printable characters")
    if not reason:
        raise EcertError(Reason.USAGE, "a reason must be given")
    if ends is not None and state not in (State.SUSPENDED, State.INACTIVE):
        raise EcertError(Reason.USAGE, "only a suspended or inactive licence becomes valid again by itself")
    if ends is not None and ends <= begins:
        raise EcertError(Reason.USAGE, "it must end after it takes effect")
    return Decision(
        identifier=identifier,
        state=state.value,
        since=begins,
        until=ends,
        reason_code=reason_code.value,
        reason=reason,
        legal_basis=legal_basis,
        document=document,
        decided_at=decided_at,
    )


def event_of(decision: Decision) -> StatusEvent:
    """Return a decision as the status chain publishes it."""
    return StatusEvent(
        state=State(decision.state),
        since=decision.since,
        decided_at=decision.decided_at,
        until=decision.until,
        reason_code=ReasonCode(decision.reason_code),
        reason=decision.reason,
        legal_basis=decision.legal_basis,
        document=decision.document,
    )
