"""What a verifier holds of the status of licences, as values in memory, and how it is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.validity import from_seconds
from ecert.revocation.details import PAGE_SIZE
from ecert.revocation.marks import MarkPages
from ecert.revocation.status import MARKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ecert.licence.reference import StatusRef
    from ecert.revocation.details import PageKey, StatusPage
    from ecert.revocation.snapshot import Delta, ListChange
    from ecert.revocation.status import ListKey, Mark, StatusEvent

START_OF_CHAIN: Final = bytes(32)
"""What delta 1 carries as the digest of the delta before it."""
MAX_LISTS: Final = 65536
"""The most lists of one region."""
MAX_PAGES: Final = 4096
"""The most pages of details that a view holds."""


@dataclass(frozen=True, slots=True)
class ListState:
    """One list as of an instant. Indices 0..covered-1 are answered for; a covered one without a mark is valid."""

    covered: int
    marks: MarkPages


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """A region's status after one step of its chain.

    Attributes:
        region: GB/T 2260, 6 digits, or a ministry's USCC.
        sequence: The number of the newest delta in it, from 1; 0 before there was one.
        head: SM3 of that delta's envelope, 32 bytes.
        issued_at: When it was issued: it knows nothing of what was decided later.
        fresh_until: Until when its silence may be relied on.
        lists: Its lists, in the order in which they first appeared.
    """

    region: str
    sequence: int
    head: bytes
    issued_at: datetime
    fresh_until: datetime
    lists: Mapping[ListKey, ListState]

    @classmethod
    def beginning(cls, region: str) -> RegionStatus:
        """Return what delta 1 begins from: nothing, and never fresh."""
        return cls(region, 0, START_OF_CHAIN, from_seconds(0), from_seconds(0), {})

    @property
    def directory(self) -> tuple[ListKey, ...]:
        """The lists in order of appearance: a delta names a list by its position here."""
        return tuple(self.lists)

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether silence in this status may be relied on at `at`."""
        return at <= self.fresh_until

    def mark(self, key_id: bytes, reference: StatusRef) -> Mark:
        """Return what is said of a licence; freshness is the caller's to ask.

        Args:
            key_id: The key that sealed it, 8 bytes.
            reference: Where its status stands, from the licence itself.

        Raises:
            UndeterminedError: it is not covered.
        """
        listing = self.lists.get((key_id, reference.number))
        if listing is None or reference.index >= listing.covered:
            raise UndeterminedError(Reason.STATUS_NOT_COVERED, "the status list held does not cover this licence")
        return MARKS[listing.marks.get(reference.index)]

    def require_next(self, region: str, sequence: int, previous: bytes) -> None:
        """Check that a delta is the next step of this chain.

        Raises:
            RejectedError: it is another region's, was taken before, or does not follow.
        """
        if region != self.region:
            raise RejectedError(
                Reason.STATUS_FOREIGN, f"a delta of region {region} is no part of {self.region}'s status"
            )
        if sequence <= self.sequence:
            raise RejectedError(Reason.STATUS_ROLLBACK, f"delta {sequence} is offered, {self.sequence} is held")
        if sequence > self.sequence + 1:
            raise RejectedError(
                Reason.STATUS_GAP, f"delta {self.sequence + 1} is next, {sequence} is offered: take those between first"
            )
        if previous != self.head:
            raise RejectedError(
                Reason.STATUS_GAP, f"delta {sequence} follows another delta {self.sequence} than the one held"
            )

    def apply(self, delta: Delta) -> RegionStatus:
        """Return the status after `delta`; this one stays as it is.

        Raises:
            RejectedError: it is not the next step of this chain, or takes back what was covered.
        """
        self.require_next(delta.region, delta.sequence, delta.previous)
        require_no_older(self, delta.issued_at)
        lists = dict(self.lists)
        for change in delta.changes:
            key = (change.key_id, change.number)
            lists[key] = _changed(lists.get(key), change)
        require_lists(len(lists))
        return RegionStatus(self.region, delta.sequence, delta.digest, delta.issued_at, delta.fresh_until, lists)

    def counts(self) -> Mapping[Mark, int]:
        """Return how many licences have each mark, without those that nothing was ever decided about."""
        total: Counter[Mark] = Counter()
        for listing in self.lists.values():
            total.update({MARKS[byte]: count for byte, count in listing.marks.counts().items()})
        return total

    def memory_bytes(self) -> int:
        """Return the bytes of memory that the marks take."""
        return sum(listing.marks.memory_bytes() for listing in self.lists.values())


def require_lists(count: int) -> None:
    """Check that a region has no more lists than are held.

    Raises:
        MalformedError: it has more.
    """
    if count > MAX_LISTS:
        raise MalformedError(Reason.TOO_LARGE, f"{count} lists of one region, at most {MAX_LISTS} are allowed")


def require_no_older(held: RegionStatus, issued_at: datetime) -> None:
    """Check that what follows was not issued earlier: a retired key could else say what it likes of its own time.

    Raises:
        RejectedError: it was.
    """
    if issued_at < held.issued_at:
        raise RejectedError(
            Reason.STATUS_ROLLBACK, f"issued at {issued_at:%F %T}Z, before what is held, {held.issued_at:%F %T}Z"
        )


def _changed(held: ListState | None, change: ListChange) -> ListState:
    before = held or ListState(0, MarkPages())
    if change.covered < before.covered:
        raise RejectedError(
            Reason.STATUS_INCOMPLETE, f"{before.covered} licences of a list were covered, {change.covered} are offered"
        )
    if max(change.marks, default=-1) >= change.covered:
        raise RejectedError(Reason.STATUS_INCOMPLETE, f"a mark outside the {change.covered} licences covered")
    for index, byte in change.marks.items():
        if MARKS[before.marks.get(index)].state.ends and not MARKS[byte].state.ends:
            raise RejectedError(Reason.STATUS_INCOMPLETE, f"a licence that had ended would come back, at index {index}")
    return ListState(change.covered, before.marks.with_changes(change.marks))


def replace(held: RegionStatus | None, offered: RegionStatus) -> RegionStatus:
    """Return the status to hold from now on: `offered`, which is never older than what is held.

    Raises:
        RejectedError: it is older, another history, or another region's.
    """
    if held is None:
        return offered
    if offered.region != held.region:
        raise RejectedError(Reason.STATUS_FOREIGN, f"a status of {offered.region} does not replace {held.region}'s")
    if offered.sequence < held.sequence:
        raise RejectedError(
            Reason.STATUS_ROLLBACK, f"sequence {offered.sequence} is offered, {held.sequence} of {held.region} is held"
        )
    if offered.sequence == held.sequence and offered.head != held.head:
        raise RejectedError(
            Reason.STATUS_ROLLBACK, f"another history of {held.region} than the one held, at {held.sequence}"
        )
    require_no_older(held, offered.issued_at)
    return offered


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything held: at most one status for each region, and pages of details.

    Attributes:
        regions: Region code → its status.
        pages: (region, list, page number) → page; at most 4,096, those taken last.
    """

    regions: Mapping[str, RegionStatus] = field(default_factory=dict)
    pages: Mapping[PageKey, StatusPage] = field(default_factory=dict)

    def of(self, region: str) -> RegionStatus | None:
        """Return the status of a region, None when none is held; no other region's is ever asked."""
        return self.regions.get(region)

    def replaced(self, status: RegionStatus) -> StatusView:
        """Return the view with `status` in the place of what was held of its region.

        Raises:
            RejectedError: it is older than what is held, or another history.
        """
        taken = replace(self.of(status.region), status)
        return StatusView({**self.regions, status.region: taken}, self.pages)

    def with_page(self, page: StatusPage) -> StatusView:
        """Return the view with `page`, unless one as new is held."""
        held = self.pages.get(page.key)
        if held is not None and held.sequence >= page.sequence:
            return self
        kept = {key: one for key, one in self.pages.items() if key != page.key}
        if len(kept) >= MAX_PAGES:
            del kept[next(iter(kept))]
        return StatusView(self.regions, {**kept, page.key: page})

    def page(self, region: str, key_id: bytes, reference: StatusRef) -> StatusPage | None:
        """Return the page of details that a licence belongs to; None when it is not held."""
        return self.pages.get((region, (key_id, reference.number), reference.index // PAGE_SIZE))

    def events(self, region: str, key_id: bytes, reference: StatusRef) -> tuple[StatusEvent, ...] | None:
        """Return the decisions about a licence, in order; None when the page it belongs to is not held."""
        page = self.page(region, key_id, reference)
        return None if page is None else page.events.get(reference.index, ())
