"""From the ledger to the published folder: a region's status chain, and what goes with it.

1. what became of parents is noticed, and what the law decides is decided
2. the ledger's state is compared with what was published: the difference is the next delta
3. the delta is signed, and checked: applied to what was published it gives exactly what the ledger says
4. it is kept in the ledger, under a sequence number that is given out once
5. pages of details, heads of the issued set and the lists of seals and types are put out, then the delta, then the hint
6. every 64 deltas, and when a publisher starts, a snapshot follows, with token status lists

A publisher killed anywhere is followed by one that puts out first what is kept in the ledger and not yet out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from api.audit import AuditBook
from api.catalogue.book import TypeBook
from api.catalogue.publishing import SignedCatalogue
from api.chain import ChainBook
from api.folder import StatusFolder
from api.issued import IssuedBook
from api.pages import put_out_pages
from api.parents import ParentWatch
from api.projection import Projection
from api.restoring import issuing_keys, published_head, take_up, unknown_marks
from api.seals import SealBook, SealList
from api.signing import seal_steps
from api.statuses import Statuses
from api.tasks import TaskBook
from api.tokens import TokenLists
from ecert.errors import CustodyError, Reason, UndeterminedError
from ecert.licence.reference import StatusRef
from ecert.revocation import ListChange, RegionStatus, seal_snapshot
from ecert.trust import RegisteredKey, Registry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from api.ledger import SqlLedger
    from api.projection import Place
    from ecert.revocation import ListKey
    from ecert.sm2 import Signer

SNAPSHOT_EVERY: Final = 64
"""Deltas between two snapshots."""
_PATIENCE: Final = timedelta(minutes=5)
"""How far the clock may stand behind the last publication."""


def status_key(registry: Registry, signer: Signer) -> RegisteredKey:
    """Return the registered status key that `signer` holds.

    Raises:
        CustodyError: the signer's key is not a region's status key.
    """
    key = registry.find(signer.public_key.key_id)
    if key is None or key.member.role is not Role.STATUS:
        raise CustodyError(Reason.KEY_MISMATCH, "the signing key is not a region's status key in the registry")
    return key


@dataclass(frozen=True, slots=True)
class Published:
    """What one publication put out.

    Attributes:
        path: The snapshot, or the delta where no snapshot was due.
        sequence: The newest delta.
        fresh_until: Until when the status may be relied on.
        changed: How many licences' marks changed.
    """

    path: Path
    sequence: int
    fresh_until: datetime
    changed: int


class Publisher:
    """Publishes the status of one region. It holds its state in memory; after an error, make another one.

    Attributes:
        region: The region.
        status: What was published last.
    """

    def __init__(
        self, ledger: SqlLedger, registry: Registry, signer: Signer, published: Path, *, lifetime: timedelta
    ) -> None:
        """Bind the ledger to the region.

        Args:
            ledger: What was issued and decided.
            registry: Who issues in the region.
            signer: The region's status key.
            published: The published folder.
            lifetime: How long a status may be relied on after it was issued.

        Raises:
            CustodyError: the signer is not a status key, or the ledger is another region's.
        """
        key = status_key(registry, signer)
        self.region = key.region.code
        self.status = RegionStatus.beginning(self.region)
        self._registry, self._signer, self._lifetime = registry, signer, lifetime
        self._issuers = issuing_keys(registry, self.region)
        self._folder = StatusFolder(published, self.region)
        self._abroad = Statuses(published, registry, without=self.region)
        self._ledger, tasks = ledger, TaskBook(ledger.database)
        self._chain, self._issued = ChainBook(ledger.database), IssuedBook(ledger.database)
        self._audit = AuditBook(ledger.database)
        self._chain.bind(self.region)
        self._projection = Projection(ledger, tasks)
        self._parents = ParentWatch(ledger, tasks, TypeBook(ledger.database).in_law)
        seals = SealList(SealBook(ledger.database), self._folder, signer)
        self._lists = (seals, SignedCatalogue(ledger.database, self._folder, signer))
        self._tokens = TokenLists(key, self._folder, signer)
        self._head: tuple[int, bytes] | None = None
        self._snapshot = 0
        self._started = False

    def resume(self, now: datetime) -> None:
        """Find out what was published last, and put out what a publisher before this one did not come to.

        Raises:
            EcertError: what is kept does not verify, or the folder tells another history.
        """
        known = take_up(self._ledger, self._folder, self._registry, now=now)
        self._head = published_head(self._folder, self._registry, now)
        for one in self._lists:
            one.resume(self._registry, now=now)
        if known is None:
            return
        self.status, self._snapshot = known.status, known.snapshot
        self._projection.update(self._issuers, self._clock(now))
        unknown = unknown_marks(self._ledger, known.status, self._projection)
        self._projection.keep(unknown, self._clock(now))
        owed = self._ledger.decisions(self._issuers, after=known.decided)
        self._put_out_pages({(one.key_id, one.status) for one in owed}, known.status)
        self._put_out_heads()
        known.put_out(self._folder)

    def publish(self, now: datetime, *, every: timedelta = timedelta(0)) -> Published | None:
        """Publish what changed; with nothing new, renew the freshness when the last publication is `every` old.

        Args:
            now: The clock, UTC.
            every: How often the freshness is renewed.

        Returns:
            None when nothing was due.

        Raises:
            CustodyError: the key cannot be used.
            RejectedError: STATUS_INCOMPLETE: the ledger knows less than was published, which nobody may publish.
            UndeterminedError: CLOCK_BEHIND.
            IssuanceError: another publisher works on the same ledger.
        """
        at = self._clock(now)
        touched, decided = self._catch_up(at)
        changes = list(self._changes(touched if self._started else None))
        news = bool(changes or decided or any(one.is_due(at) for one in self._lists))
        if self._started and not news and at - self.status.issued_at < every:
            return None
        return self._put_out(changes, decided | _places(changes), at)

    def _clock(self, now: datetime) -> datetime:
        at, last = now.replace(microsecond=0), self.status.issued_at
        if at < last - _PATIENCE:
            raise UndeterminedError(
                Reason.CLOCK_BEHIND, f"the last publication is of {last:%F %T}Z, and the clock says {at:%F %T}Z"
            )
        return max(at, last)

    def _catch_up(self, at: datetime) -> tuple[set[Place], set[Place]]:
        """Take in what is new, and what follows from it for licences that depend on others, and so on."""
        touched, decided = self._projection.update(self._issuers, at)
        self._abroad.look(at)
        more = touched
        while self._parents.look(more, self._abroad.by_key(), at):
            more, also = self._projection.update(self._issuers, at)
            touched, decided = touched | more, decided | also
        return touched, decided

    def _changes(self, touched: set[Place] | None) -> Iterator[ListChange]:
        """Yield what the ledger says other than was published: of everything, or of licences that were touched."""
        by_list: defaultdict[ListKey, list[int]] = defaultdict(list)
        for key_id, reference in touched or ():
            by_list[key_id, reference.number].append(reference.index)
        for list_key, listing in self._projection.lists.items():
            held = self.status.lists.get(list_key)
            if touched is None or held is None:
                marks = dict(listing.marks.items())
            else:
                marks = {index: listing.marks.get(index) for index in by_list.get(list_key, ())}
            if held is not None:
                marks = {index: mark for index, mark in marks.items() if held.marks.get(index) != mark}
            if marks or held is None:
                yield ListChange(*list_key, listing.covered, marks)

    def _put_out(self, changes: list[ListChange], pages: set[Place], at: datetime) -> Published:
        steps = seal_steps(
            self.status,
            changes,
            self._projection.lists,
            times=(at, at + self._lifetime),
            registry=self._registry,
            signer=self._signer,
        )
        after = steps[-1][1]
        self._issued.commit(self.region, self._signer, at=at, published=self._head)
        self._audit.commit(f"api/{self.region}", self._signer, at=at)
        self._chain.add(steps, self._projection.decided)
        self._put_out_pages(pages, after)
        self._put_out_heads()
        for one in self._lists:
            one.put_out(after)
        for data, status in steps:
            self._folder.put_delta(status.sequence, data)
        self._folder.put_hint(after.sequence, self._snapshot)
        path = self._folder.delta(after.sequence)
        if not self._started or after.sequence - self._snapshot >= SNAPSHOT_EVERY:
            self._put_out_snapshot(after)
            path = self._folder.snapshot
        self.status, self._started = after, True
        return Published(path, after.sequence, after.fresh_until, sum(len(change.marks) for change in changes))

    def _put_out_pages(self, places: set[Place], status: RegionStatus) -> None:
        put_out_pages(places, status, self._projection, self._folder, self._signer)

    def _put_out_heads(self) -> None:
        """Put out the heads of the issued set that are not out yet, oldest first."""
        newest = self._issued.newest()
        number = last = newest[0] if newest else 0
        while number and not self._folder.has_head(number):
            number -= 1
        for one in range(number + 1, last + 1):
            self._folder.put_head(one, self._issued.head(one))

    def _put_out_snapshot(self, status: RegionStatus) -> None:
        data = seal_snapshot(status, self._signer)
        self._chain.add_snapshot(data, status.sequence)
        self._folder.put_snapshot(data)
        self._tokens.put(status)
        self._snapshot = status.sequence
        self._folder.put_hint(status.sequence, status.sequence)


def _places(changes: list[ListChange]) -> set[Place]:
    return {(change.key_id, StatusRef(change.number, index)) for change in changes for index in change.marks}
