"""What can become of a licence: states, flags, the mark a status list carries for it, and decisions in time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ListKey: TypeAlias = "tuple[bytes, int]"
"""A status list: the issuing key's id, 8 bytes, and the list's number."""

MAX_REASON: Final = 200
"""The most characters of an event's reason, and of its legal basis."""
MAX_DOCUMENT: Final = 100
"""The most characters of an event's document number."""


class State(Enum):
    """The states of a licence that an issuer decides; expiry is computed, never stored. Values are wire codes."""

    VALID = 0
    INACTIVE = 1
    SUSPENDED = 2
    SUPERSEDED = 3
    TRANSFERRED = 4
    CANCELLED = 5
    WITHDRAWN = 6
    REVOKED = 7

    @property
    def ends(self) -> bool:
        """Whether no later event follows this one: a revoked licence never comes back."""
        return self not in (State.VALID, State.INACTIVE, State.SUSPENDED)


class Flag(IntFlag):
    """What a status list says beside the state. A flag alone makes no licence invalid."""

    PARENT_CHANGED = 1
    """关联证照已变更: a licence that this one depends on has changed or fallen."""
    UNDER_DISPUTE = 2
    """异议中: somebody contests what the licence says."""


NO_FLAGS: Final = Flag(0)
"""Nothing beside the state."""

_TOUCHED_VALID: Final = 8
_STATE_BITS: Final = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """What a status list says of one licence, in one byte.

    The low four bits are the state, or 8 for a valid licence with a history; the high four are the flags. A
    byte of 0 means that nothing was ever decided, so that a state of 0 is never written.

    Attributes:
        state: The state as of the list.
        flags: What stands beside it.
        touched: Whether anything was ever decided; False only for a valid licence without flags.
    """

    state: State
    flags: Flag = NO_FLAGS
    touched: bool = True

    def __post_init__(self) -> None:
        """Refuse a licence that nothing was decided about and that is yet not plainly valid."""
        if not self.touched and (self.state is not State.VALID or self.flags):
            raise ValueError("a licence that is not plainly valid was touched")

    def pack(self) -> int:
        """Return the byte, 0 for an untouched licence."""
        if not self.touched:
            return 0
        return self.flags.value << _STATE_BITS | (self.state.value or _TOUCHED_VALID)

    @classmethod
    def unpack(cls, byte: int) -> Mark:
        """Read what `pack` wrote; one and the same object for each byte.

        Raises:
            ValueError: no mark has this byte.
        """
        mark = MARKS.get(byte)
        if mark is None:
            raise ValueError(f"no mark is written {byte:#04x}")
        return mark


UNTOUCHED: Final = Mark(State.VALID, touched=False)
"""The mark of a licence that nothing was ever decided about."""

MARKS: Final = {
    mark.pack(): mark for mark in (UNTOUCHED, *(Mark(state, Flag(flags)) for flags in range(4) for state in State))
}
"""Byte → mark, for every byte that is one."""


class ReasonCode(StrEnum):
    """Why it was decided. A wire contract: append, never rename."""

    OTHER = "other"
    HOLDER_REQUEST = "holder-request"
    ISSUED_IN_ERROR = "issued-in-error"
    UNLAWFUL_ACT = "unlawful-act"
    OBTAINED_BY_FRAUD = "obtained-by-fraud"
    CHANGED = "changed"
    RENEWED = "renewed"
    MOVED = "moved"
    LOST = "lost"
    UNDER_INVESTIGATION = "under-investigation"
    INVESTIGATION_CLOSED = "investigation-closed"
    PARENT_FELL = "parent-fell"
    HOLDER_ENDED = "holder-ended"
    LAW_CHANGED = "law-changed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A decision about a licence.

    Attributes:
        state: The state from `since` on.
        since: When it takes effect, aware UTC, whole seconds; may lie before or after `decided_at`.
        decided_at: When it was decided, aware UTC, whole seconds.
        until: The first instant it is no longer in effect; None: no end is known. An ending state has none.
        reason_code: Why, as a code.
        reason: Why, in one sentence of at most 200 characters, without personal data.
        legal_basis: The law and article it rests on, at most 200 characters.
        document: The number of the decision, at most 100 characters.
    """

    state: State
    since: datetime
    decided_at: datetime
    until: datetime | None = None
    reason_code: ReasonCode = ReasonCode.OTHER
    reason: str = ""
    legal_basis: str = ""
    document: str = ""


def state_at(events: Sequence[StatusEvent], at: datetime) -> tuple[State, StatusEvent | None]:
    """Return the state at `at`, and the decision it rests on; VALID and None when none was in effect.

    An ending state in effect rules for good, and of several the one that took effect first. Otherwise the decision
    made last rules among those in effect: one whose `until` has passed leaves the one before it in force.

    Args:
        events: All decisions about one licence, in the order in which they were made.
        at: Any instant, aware.
    """
    if not events:
        return State.VALID, None
    begun = [event for event in events if event.since <= at]
    ended = [event for event in begun if event.state.ends]
    if ended:
        first = min(ended, key=lambda event: event.since)
        return first.state, first
    for event in reversed(begun):
        if event.until is None or at < event.until:
            return event.state, event
    return State.VALID, None
