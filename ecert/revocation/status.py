"""Status snapshots: for every licence of a region's issuers that is not plainly valid, what happened and when.

Payload, canonical CBOR with text keys: region, sequence, issuedAt, freshUntil (seconds) and lists, each with
the issuing key's id, its number, how many indices it covers from 0, and entries `[index, [event, ...]]`
with events `[state, since, reason]` in order of time. An index that is covered and has no entry is valid;
one that is not covered is unknown, never good. Signed by the region's status key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.reference import StatusRef
from ecert.licence.validity import MAX_SECONDS, from_seconds, read_uint, to_seconds
from ecert.trust import RegisteredKey, Registry, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MAX_SNAPSHOT: Final = 64 * 1024 * 1024
"""The longest status file in bytes."""
MAX_REASON: Final = 200
"""The most characters of an event's reason."""
_MAX_SEQUENCE: Final = 2**32


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


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A decision about a licence.

    Attributes:
        state: The state from `since` on.
        since: When it takes effect, whole seconds, UTC.
        reason: One sentence of at most 200 characters, without personal data.
    """

    state: State
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StatusList:
    """One list of one issuing key.

    Attributes:
        covered: Indices 0..covered-1 are answered for.
        entries: Index → events in order of time, for licences that had any.
    """

    covered: int
    entries: Mapping[int, tuple[StatusEvent, ...]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A region's status, whole, as of one instant. `lists` is keyed by (issuing key id, list number)."""

    region: str
    sequence: int
    issued_at: datetime
    fresh_until: datetime
    lists: Mapping[tuple[bytes, int], StatusList]

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether silence in this snapshot may be relied on at `at`."""
        return at <= self.fresh_until


@dataclass(frozen=True, slots=True)
class StatusView:
    """What a verifier holds: at most one snapshot for each region."""

    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)

    def snapshot_for(self, key: RegisteredKey) -> Snapshot | None:
        """Return the snapshot of the region that vouches for `key`; no other region's is ever asked."""
        return self.snapshots.get(key.region.code)

    def state_at(self, key: RegisteredKey, reference: StatusRef, at: datetime) -> StatusEvent | None:
        """Return the last event in effect at `at`, None when there was none; freshness is the caller's to ask.

        Raises:
            UndeterminedError: no snapshot of the region is held, or it does not cover this licence.
        """
        snapshot = self.snapshot_for(key)
        if snapshot is None:
            raise UndeterminedError(Reason.STATUS_MISSING, f"no status list of region {key.region.code} is held")
        listing = snapshot.lists.get((key.public_key.key_id, reference.number))
        if listing is None or reference.index >= listing.covered:
            raise UndeterminedError(Reason.STATUS_NOT_COVERED, "the status list held does not cover this licence")
        current = None
        for event in listing.entries.get(reference.index, ()):
            if event.since <= at:
                current = event
        return current


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Write a snapshot's payload, to be sealed by the region's status key as `Kind.STATUS`."""
    lists: list[cbor.Value] = [
        {
            "key": key_id,
            "number": number,
            "covered": listing.covered,
            "entries": [
                [index, [[event.state.value, to_seconds(event.since), event.reason] for event in events]]
                for index, events in sorted(listing.entries.items())
            ],
        }
        for (key_id, number), listing in sorted(snapshot.lists.items())
    ]
    return cbor.encode(
        {
            "region": snapshot.region,
            "sequence": snapshot.sequence,
            "issuedAt": to_seconds(snapshot.issued_at),
            "freshUntil": to_seconds(snapshot.fresh_until),
            "lists": lists,
        }
    )


def load_snapshot(data: bytes, registry: Registry) -> Snapshot:
    """Parse and verify a signed status file against the registry's status keys.

    Raises:
        MalformedError: not a status file.
        RejectedError: not signed by a status key of the region it speaks for.
    """
    signed = envelope.decode(data, limit=MAX_SNAPSHOT)
    if signed.kind is not envelope.Kind.STATUS:
        raise MalformedError(Reason.STATUS_MALFORMED, "the file is another signed object, not a status list")
    key = registry.find(signed.key_id)
    if key is None or key.member.role is not Role.STATUS:
        raise RejectedError(Reason.STATUS_SIGNATURE_BAD, "not signed by a registered status key")
    try:
        signed.verify(key.public_key)
    except RejectedError as error:
        raise RejectedError(Reason.STATUS_SIGNATURE_BAD, "the signature is not the status key's") from error
    content = cbor.decode(signed.payload, limit=MAX_SNAPSHOT, reason=Reason.STATUS_MALFORMED)
    try:
        snapshot = _read(content)
    except (KeyError, TypeError, ValueError, MalformedError) as error:
        raise MalformedError(Reason.STATUS_MALFORMED, f"the signed content is not a status list: {error}") from error
    if snapshot.region != key.region.code:
        raise RejectedError(Reason.STATUS_SIGNATURE_BAD, "the status key belongs to another region")
    registry.standing(key, snapshot.issued_at)
    return snapshot


def _read(content: Any) -> Snapshot:
    """Read content that a registered status key signed; a wrong type raises whatever it raises."""
    return Snapshot(
        region=content["region"],
        sequence=read_uint(content["sequence"], _MAX_SEQUENCE),
        issued_at=from_seconds(read_uint(content["issuedAt"], MAX_SECONDS)),
        fresh_until=from_seconds(read_uint(content["freshUntil"], MAX_SECONDS)),
        lists={
            (value["key"], read_uint(value["number"], StatusRef.LISTS)): StatusList(
                covered=read_uint(value["covered"], StatusRef.CAPACITY + 1),
                entries=_read_entries(value["entries"]),
            )
            for value in content["lists"]
        },
    )


def _read_entries(value: Iterable[Any]) -> dict[int, tuple[StatusEvent, ...]]:
    return {
        read_uint(index, StatusRef.CAPACITY): tuple(
            StatusEvent(State(state), from_seconds(read_uint(since, MAX_SECONDS)), str(reason))
            for state, since, reason in events
        )
        for index, events in value
    }
