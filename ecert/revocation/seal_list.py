"""The state of electronic seals in a region: filed and active, suspended, cancelled (《电子印章管理办法》).

Payload, canonical CBOR, sealed by the region's status key as SEAL_STATUS; times are seconds since 1970:

    [region, issued at, sequence, fresh until, [[seal code, [[state, since, reason, document, decided at], ...]], ...]]

Seals stand in order of their codes, the decisions on a seal in the order in which they were taken. A seal that is
not listed is unknown, never good.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.licence.validity import to_seconds
from ecert.revocation.opening import (
    MAX_SEQUENCE,
    Fields,
    malformed,
    open_signed,
    read_payload,
    region_value,
    require_later,
    seal,
)
from ecert.revocation.status import MAX_DOCUMENT, MAX_REASON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.trust import Registry

MAX_SEAL_LIST: Final = 16 * 1024 * 1024
"""The longest list in bytes."""
MAX_SEALS: Final = 1 << 17
"""The most seals in a list."""
MAX_EVENTS: Final = 256
"""The most decisions on one seal."""
MAX_CODE: Final = 64
"""The most characters of a seal's code."""

_LENGTH: Final = 5


class SealState(Enum):
    """The states of a seal. Values are wire codes."""

    ACTIVE = 0
    SUSPENDED = 1
    CANCELLED = 2


@dataclass(frozen=True, slots=True)
class SealEvent:
    """A decision about a seal: that it is made and filed, too, is one.

    Attributes:
        state: The state from `since` on.
        since: When it takes effect, whole seconds, UTC; may lie before the decision, or after it.
        decided_at: When it was decided.
        reason: One sentence of at most 200 characters, without personal data.
        document: The number of the decision's document, at most 100 characters.
    """

    state: SealState
    since: datetime
    decided_at: datetime
    reason: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class SealStatusList:
    """All seals of a region, as of one instant.

    Attributes:
        region: The region's code.
        sequence: Grows with every list.
        issued_at: When it was made.
        fresh_until: Until when it may be relied on.
        entries: Seal code → decisions, at least one, in the order in which they were taken.
    """

    region: str
    sequence: int
    issued_at: datetime
    fresh_until: datetime
    entries: Mapping[str, tuple[SealEvent, ...]]

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether the list may be relied on at `at`."""
        return at <= self.fresh_until

    def at(self, code: str, instant: datetime) -> SealState | None:
        """Return a seal's state at `instant`; None when it is not listed, or was not yet filed then."""
        return state_of(self.entries.get(code, ()), instant)


def state_of(history: Iterable[SealEvent], instant: datetime) -> SealState | None:
    """Return the state after the decisions in effect at `instant`; None when there was none.

    The last decision in effect holds, but a seal that is cancelled stays so whatever was decided later.
    """
    states = [event.state for event in history if event.since <= instant]
    if SealState.CANCELLED in states:
        return SealState.CANCELLED
    return states[-1] if states else None


def seal_seal_list(listing: SealStatusList, signer: Signer) -> bytes:
    """Seal a list with the region's status key and return its bytes; fractions of a second are dropped.

    Raises:
        MalformedError: STATUS_MALFORMED or TOO_LARGE; no such list can be.
        CustodyError: the key or its engine failed.
    """
    entries: list[cbor.Value] = [
        [code, [_event_value(event) for event in events]] for code, events in sorted(listing.entries.items())
    ]
    issued_at, fresh_until = to_seconds(listing.issued_at), to_seconds(listing.fresh_until)
    payload = cbor.encode([region_value(listing.region), issued_at, listing.sequence, fresh_until, entries])
    _read(read_payload(payload, _LENGTH))
    return seal(envelope.Kind.SEAL_STATUS, payload, signer, limit=MAX_SEAL_LIST)


def load_seal_list(
    data: bytes, registry: Registry, *, now: datetime, held: SealStatusList | None = None
) -> SealStatusList:
    """Parse and verify a list. Whether it is fresh is asked later, of a time.

    Args:
        data: Hostile bytes.
        registry: Who may sign.
        now: The reader's clock.
        held: The list that this one is to replace.

    Raises:
        MalformedError: STATUS_MALFORMED or TOO_LARGE; not a list of seals.
        RejectedError: STATUS_SIGNATURE_BAD; not signed by a registered status key. STATUS_FOREIGN; it speaks for
            another region than its key's, or than `held`. STATUS_FROM_FUTURE; more than 5 minutes ahead of `now`.
            STATUS_ROLLBACK; older than `held`, or another list of the same number. Or the key's certificate did
            not stand when it was issued.
        UndeterminedError: evidence about that certificate is missing.
    """
    kind = envelope.Kind.SEAL_STATUS
    listing = _read(open_signed(data, kind, registry, limit=MAX_SEAL_LIST, length=_LENGTH, now=now))
    if held is not None:
        require_later(listing, held)
    return listing


def _event_value(event: SealEvent) -> list[cbor.Value]:
    since, decided_at = to_seconds(event.since), to_seconds(event.decided_at)
    return [event.state.value, since, event.reason, event.document, decided_at]


def _read(fields: Fields) -> SealStatusList:
    entries = fields.array(4)
    if len(entries) > MAX_SEALS:
        raise malformed(f"more than {MAX_SEALS} seals")
    pairs = [_read_entry(Fields.of(entry, 2)) for entry in entries]
    if any(one >= other for (one, _), (other, _) in pairwise(pairs)):
        raise malformed("the seals do not stand in order of their codes, each once")
    listing = SealStatusList(
        region=fields.region(0),
        issued_at=fields.instant(1),
        sequence=fields.uint(2, MAX_SEQUENCE),
        fresh_until=fields.instant(3),
        entries=dict(pairs),
    )
    if listing.fresh_until < listing.issued_at:
        raise malformed("the list was never fresh")
    return listing


def _read_entry(fields: Fields) -> tuple[str, tuple[SealEvent, ...]]:
    code, events = fields.text(0, MAX_CODE), fields.array(1)
    if not code or not 0 < len(events) <= MAX_EVENTS:
        raise malformed(f"a seal has a code, and 1 to {MAX_EVENTS} decisions")
    history = tuple(_read_event(Fields.of(event, 5)) for event in events)
    if any(one.decided_at > other.decided_at for one, other in pairwise(history)):
        raise malformed("decisions do not stand in the order in which they were taken")
    return code, history


def _read_event(fields: Fields) -> SealEvent:
    return SealEvent(
        state=SealState(fields.uint(0, len(SealState))),
        since=fields.instant(1),
        reason=fields.text(2, MAX_REASON),
        document=fields.text(3, MAX_DOCUMENT),
        decided_at=fields.instant(4),
    )
