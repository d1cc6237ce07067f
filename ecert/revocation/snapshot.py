"""A region's status on the wire: a chain of signed deltas, and signed snapshots as checkpoints of it.

    delta     [region, issuedAt, freshFor, sequence, previous, [change, ...]]
    snapshot  [region, issuedAt, freshFor, sequence, head, [[key id, number, covered, marks], ...]]
    change    [position, marks]             of a list known before, as many licences covered as before
              [position, marks, covered]    of a list known before, more licences covered
              [key id, number, covered, marks]    of a list that appears now

Times are seconds, `previous` and `head` SM3 of the envelope of the delta before and of the newest one. A list's
position counts the lists of the region in the order in which they first appeared, which a snapshot keeps. Marks
are written as in `coding`; a delta has those that changed. Envelopes of STATUS_DELTA and STATUS_SNAPSHOT, signed
by the region's status key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.reference import StatusRef
from ecert.licence.validity import from_seconds, to_seconds
from ecert.revocation.coding import decode_marks, encode_marks
from ecert.revocation.marks import MarkPages
from ecert.revocation.opening import (
    MAX_SEQUENCE,
    Fields,
    malformed,
    open_signed,
    open_unverified,
    read_payload,
    region_value,
    seal,
)
from ecert.revocation.view import START_OF_CHAIN, ListState, RegionStatus, require_lists
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from ecert.revocation.status import ListKey
    from ecert.sm2 import Signer
    from ecert.trust import Registry

MAX_SNAPSHOT: Final = 64 * 1024 * 1024
"""The longest snapshot in bytes."""
MAX_MEMORY: Final = 512 * 1024 * 1024
"""The most memory that the marks of a region take in bytes: some 500 million licences. A few bytes in a snapshot can
touch a page of 1 KiB, so that its length alone bounds little."""
MAX_DELTA: Final = 4 * 1024 * 1024
"""The longest delta in bytes."""
MAX_FRESH_SECONDS: Final = 31 * 86400
"""The longest that a status may be relied on after it was issued."""

_LENGTH: Final = 6
_SAME, _GROWN, _NEW = 2, 3, 4
_Row: TypeAlias = "list[cbor.Value]"


@dataclass(frozen=True, slots=True)
class ListChange:
    """What a delta says of one list.

    Attributes:
        key_id: The issuing key, 8 bytes.
        number: The list.
        covered: How many licences are covered from now on, never fewer than before.
        marks: Index → mark byte, for the licences about which something changed.
    """

    key_id: bytes
    number: int
    covered: int
    marks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Delta:
    """One step of a region's chain.

    Attributes:
        region: Whose.
        sequence: Its number, from 1.
        previous: SM3 of the envelope of the delta before it, 32 bytes.
        issued_at: When it was issued.
        fresh_until: Until when silence may be relied on, at most 31 days later.
        changes: At most one for each list; none when only the freshness is renewed.
        digest: SM3 of its own envelope, 32 bytes.
    """

    region: str
    sequence: int
    previous: bytes
    issued_at: datetime
    fresh_until: datetime
    changes: tuple[ListChange, ...]
    digest: bytes


def seal_delta(
    status: RegionStatus,
    changes: Iterable[ListChange],
    *,
    issued_at: datetime,
    fresh_until: datetime,
    signer: Signer,
) -> bytes:
    """Sign the step that follows `status`; `RegionStatus.beginning` is what the first one follows.

    Raises:
        MalformedError: fresh for more than 31 days or no time at all; a change that changes nothing; a list twice;
            a mark outside what its list covers; longer than 4 MiB.
        RejectedError: a list covers fewer licences than before.
        CustodyError: the key cannot be used.
    """
    positions = {key: position for position, key in enumerate(status.lists)}
    placed = [(positions.get((change.key_id, change.number), len(positions)), change) for change in changes]
    placed.sort(key=lambda item: item[0])
    rows = [_change_row(status, change, position) for position, change in placed]
    payload = _payload(status, status.sequence + 1, issued_at, fresh_until, rows)
    _follow(read_payload(payload, _LENGTH), status, START_OF_CHAIN)
    return seal(envelope.Kind.STATUS_DELTA, payload, signer, limit=MAX_DELTA)


def seal_snapshot(status: RegionStatus, signer: Signer) -> bytes:
    """Sign a checkpoint of the chain.

    Raises:
        MalformedError: fresh for more than 31 days or no time at all, before the first delta, or over 64 MiB.
        CustodyError: the key cannot be used.
    """
    rows: list[_Row] = [
        [key_id, number, listing.covered, encode_marks(dict(listing.marks.items()), listing.covered)]
        for (key_id, number), listing in status.lists.items()
    ]
    payload = _payload(status, status.sequence, status.issued_at, status.fresh_until, rows)
    _read_snapshot(read_payload(payload, _LENGTH))
    return seal(envelope.Kind.STATUS_SNAPSHOT, payload, signer, limit=MAX_SNAPSHOT)


def load_snapshot(data: bytes, registry: Registry, *, now: datetime) -> RegionStatus:
    """Parse and verify a snapshot. Whether it is older than what is held is asked by `replace`.

    Raises:
        MalformedError: too long, or not a snapshot.
        RejectedError: not signed by the region's status key, from the future, or the key's certificate did not stand.
        UndeterminedError: evidence about that certificate is missing.
    """
    kind = envelope.Kind.STATUS_SNAPSHOT
    return _read_snapshot(open_signed(data, kind, registry, limit=MAX_SNAPSHOT, length=_LENGTH, now=now))


def load_delta(data: bytes, registry: Registry, status: RegionStatus | None, *, now: datetime) -> RegionStatus:
    """Parse and verify a delta and apply it to `status`, which stays as it is.

    Args:
        data: Hostile bytes.
        registry: Who may sign for which region.
        status: What is held of the region; None when nothing is, and then only the first delta will do.
        now: The verifier's clock.

    Raises:
        MalformedError: too long, or not a delta; STATUS_INCOMPLETE: a mark outside what its list covers.
        RejectedError: not signed by the region's status key, another region's, from the future, taken before,
            not the next one, or it takes back what was covered; or the key's certificate did not stand.
        UndeterminedError: evidence about that certificate is missing.
    """
    fields = open_signed(data, envelope.Kind.STATUS_DELTA, registry, limit=MAX_DELTA, length=_LENGTH, now=now)
    return _follow(fields, status or RegionStatus.beginning(fields.region(0)), sm3(data))


def check_complete(before: RegionStatus | None, deltas: Iterable[bytes], after: RegionStatus) -> None:
    """Check, before they are published, that sealed deltas lead from `before` to exactly `after`.

    Args:
        before: What was published last; None for the beginning.
        deltas: Sealed deltas of one's own making, in order; their signatures are not looked at.
        after: What the ledger says must be known now.

    Raises:
        MalformedError: not deltas.
        RejectedError: STATUS_INCOMPLETE: they lead somewhere else; or they do not follow one another.
    """
    reached = before or RegionStatus.beginning(after.region)
    for data in deltas:
        fields = open_unverified(data, envelope.Kind.STATUS_DELTA, limit=MAX_DELTA, length=_LENGTH)
        reached = _follow(fields, reached, sm3(data))
    if reached.directory != after.directory:
        raise _incomplete("other lists")
    for key, listing in after.lists.items():
        if reached.lists[key] != listing:
            raise _incomplete(f"another content of list {key[0].hex()}/{key[1]}")
    if reached != after:
        raise _incomplete("another sequence, head or time")


def _incomplete(what: str) -> RejectedError:
    return RejectedError(Reason.STATUS_INCOMPLETE, f"the deltas to be published lead to {what} than the ledger has")


def _payload(
    status: RegionStatus, sequence: int, issued_at: datetime, fresh_until: datetime, rows: list[_Row]
) -> bytes:
    issued = to_seconds(issued_at)
    fresh_for = to_seconds(fresh_until) - issued
    return cbor.encode([region_value(status.region), issued, fresh_for, sequence, status.head, [*rows]])


def _change_row(status: RegionStatus, change: ListChange, position: int) -> _Row:
    marks = encode_marks(change.marks, change.covered)
    held = status.lists.get((change.key_id, change.number))
    if held is None:
        return [change.key_id, change.number, change.covered, marks]
    return [position, marks] if change.covered == held.covered else [position, marks, change.covered]


def _follow(fields: Fields, status: RegionStatus, digest: bytes) -> RegionStatus:
    """Read a delta's payload and apply it. Its changes are not looked at before it is known to be the next one."""
    region, sequence, previous = fields.region(0), fields.uint(3, MAX_SEQUENCE), fields.digest(4)
    issued_at, fresh_until = _read_times(fields)
    status.require_next(region, sequence, previous)
    changes = tuple(_read_changes(fields.array(5), status))
    return status.apply(Delta(region, sequence, previous, issued_at, fresh_until, changes, digest))


def _read_times(fields: Fields) -> tuple[datetime, datetime]:
    issued, fresh_for = to_seconds(fields.instant(1)), fields.uint(2, MAX_FRESH_SECONDS + 1)
    if not fresh_for:
        raise malformed("it was never fresh")
    return from_seconds(issued), from_seconds(issued + fresh_for)


def _read_changes(rows: list[cbor.Value], status: RegionStatus) -> Iterator[ListChange]:
    """Yield the changes: of known lists by position, then of new ones, no list twice."""
    directory = [*status.lists]
    appeared: set[ListKey] = set()
    last = -1
    for row in rows:
        fields = Fields.of(row, _SAME, _GROWN, _NEW)
        if len(fields.items) == _NEW:
            change, position = _read_list(fields), len(directory) + len(appeared)
            key = (change.key_id, change.number)
            if key in status.lists or key in appeared:
                raise malformed("a list that is known is spelt out")
            appeared.add(key)
        else:
            position = fields.uint(0, len(directory))
            change = _read_known(fields, directory[position], status)
        if position <= last:
            raise malformed("the changes are not in order")
        last = position
        yield change


def _read_known(fields: Fields, key: ListKey, status: RegionStatus) -> ListChange:
    covered = held = status.lists[key].covered
    if len(fields.items) == _GROWN:
        covered = fields.uint(2, StatusRef.CAPACITY + 1)
        if covered == held:
            raise malformed("it is spelt out that as many licences are covered as before")
    data = fields.octets(1)
    if not data and covered == held:
        raise malformed("a change that changes nothing")
    return ListChange(*key, covered, decode_marks(data, covered))


def _read_list(fields: Fields) -> ListChange:
    number, covered = fields.uint(1, StatusRef.LISTS), fields.uint(2, StatusRef.CAPACITY + 1)
    return ListChange(fields.key_id(0), number, covered, decode_marks(fields.octets(3), covered))


def _read_snapshot(fields: Fields) -> RegionStatus:
    region, sequence, head = fields.region(0), fields.uint(3, MAX_SEQUENCE), fields.digest(4)
    issued_at, fresh_until = _read_times(fields)
    if not sequence:
        raise malformed("a snapshot of a chain that has not begun")
    rows = fields.array(5)
    require_lists(len(rows))
    lists: dict[ListKey, ListState] = {}
    used = 0
    for row in rows:
        listing = _read_list(Fields.of(row, _NEW))
        key = (listing.key_id, listing.number)
        if key in lists:
            raise malformed("a list twice")
        lists[key] = ListState(listing.covered, MarkPages(listing.marks))
        used += lists[key].marks.memory_bytes()
        if used > MAX_MEMORY:
            raise MalformedError(Reason.TOO_LARGE, f"its marks take more than {MAX_MEMORY} bytes of memory")
    return RegionStatus(region, sequence, head, issued_at, fresh_until, lists)
