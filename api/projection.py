"""What a ledger says of every licence of a region at an instant, kept up to date while the ledger grows.

It knows nothing of what was published: whoever publishes compares the two.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

from api.decisions import event_of
from ecert.licence.reference import StatusRef
from ecert.revocation import PAGE_SIZE, UNTOUCHED, Flag, ListState, Mark, MarkPages, State, state_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from api.tasks import TaskBook
    from ecert.ports import RevocationLog
    from ecert.revocation import ListKey, StatusEvent

Place: TypeAlias = "tuple[bytes, StatusRef]"
"""A licence in the lists: key id and status reference."""

_AHEAD: Final = StatusRef.CAPACITY // 16
"""A list is covered before the first licence comes into it, so that no window ever finds it uncovered."""


class Projection:
    """The state of a region's lists by the ledger.

    Attributes:
        lists: Every list in use, of every issuing key, as of the last update.
        decided: The number of the last decision taken into account.
    """

    def __init__(self, log: RevocationLog, tasks: TaskBook) -> None:
        """Begin with nothing; `update` reads everything."""
        self.lists: dict[ListKey, ListState] = {}
        self.decided = 0
        self._log = log
        self._tasks = tasks
        self._tasks_version = (0, 0)
        self._events: defaultdict[Place, tuple[StatusEvent, ...]] = defaultdict(tuple)
        self._pages: defaultdict[tuple[ListKey, int], set[int]] = defaultdict(set)
        self._flags: Mapping[Place, bool] = {}
        self._due: list[tuple[datetime, Place]] = []
        self._kept: Mapping[Place, Mark] = {}

    def update(self, issuers: Iterable[bytes], at: datetime) -> tuple[set[Place], set[Place]]:
        """Take in what is new in the ledger, and what begins or ends by `at`.

        Args:
            issuers: The ids of the region's issuing keys.
            at: Never before that of the last update.

        Returns:
            The licences whose mark may have changed, and those with new decisions.
        """
        issuers = list(issuers)
        for key_id in issuers:
            for number in range(self._lists_of(key_id)):
                self.lists.setdefault((key_id, number), ListState(StatusRef.CAPACITY, MarkPages()))
        decided = self._take_decisions(issuers, at)
        touched = decided | self._take_flags(issuers) | self._take_due(at)
        self._mark(touched, at)
        return touched, decided

    def keep(self, marks: Mapping[Place, Mark], at: datetime) -> None:
        """Let these marks stand: they were published of licences that the ledger does not know (`api.restoring`)."""
        self._kept = marks
        self._mark(set(marks), at)

    def events(self, place: Place) -> tuple[StatusEvent, ...]:
        """Return the decisions about a licence, in order."""
        return self._events.get(place, ())

    def state(self, place: Place, at: datetime) -> State:
        """Return the state of a licence at `at`."""
        return state_at(self.events(place), at)[0]

    def page(self, list_key: ListKey, page: int) -> dict[int, tuple[StatusEvent, ...]]:
        """Return index → decisions, of one page of a list."""
        key_id, number = list_key
        return {index: self.events((key_id, StatusRef(number, index))) for index in self._pages[list_key, page]}

    def _lists_of(self, key_id: bytes) -> int:
        """Return how many lists of a key to cover; the first always is."""
        ahead = min(self._log.allocated(key_id) + _AHEAD, StatusRef.PACKED)
        return (ahead - 1) // StatusRef.CAPACITY + 1

    def _take_decisions(self, issuers: list[bytes], at: datetime) -> set[Place]:
        places = set()
        for one in self._log.decisions(issuers, after=self.decided):
            place, event = (one.key_id, one.status), event_of(one.decision)
            self._events[place] += (event,)
            self._pages[(one.key_id, one.status.number), one.status.index // PAGE_SIZE].add(one.status.index)
            for instant in (event.since, event.until):
                if instant is not None and instant > at:
                    heapq.heappush(self._due, (instant, place))
            self.decided = one.number
            places.add(place)
        return places

    def _take_flags(self, issuers: list[bytes]) -> set[Place]:
        version = self._tasks.version()
        if version == self._tasks_version:
            return set()
        before, self._flags, self._tasks_version = self._flags, self._tasks.flags(), version
        changed = {place for place, is_open in self._flags.items() if before.get(place) is not is_open}
        return {place for place in changed if place[0] in issuers}

    def _take_due(self, at: datetime) -> set[Place]:
        places = set()
        while self._due and self._due[0][0] <= at:
            places.add(heapq.heappop(self._due)[1])
        return places

    def _mark(self, places: set[Place], at: datetime) -> None:
        changes: defaultdict[ListKey, dict[int, int]] = defaultdict(dict)
        for place in places:
            key_id, reference = place
            changes[key_id, reference.number][reference.index] = self._mark_of(place, at).pack()
        for list_key, marks in changes.items():
            held = self.lists[list_key]
            self.lists[list_key] = ListState(held.covered, held.marks.with_changes(marks))

    def _mark_of(self, place: Place, at: datetime) -> Mark:
        flag = self._flags.get(place)
        if flag is None and place not in self._events:
            return self._kept.get(place, UNTOUCHED)
        return Mark(self.state(place, at), Flag.PARENT_CHANGED if flag else Flag(0))
