"""A ledger restored from a backup meets a published folder that has gone further.

1. it goes on from the chain, the heads and the numbers that were published, and gives none of them out again
2. a status list's indices that may have been given out since the backup are set aside: no licence shares its mark with
   one that the ledger has forgotten
3. what was published of a licence that the ledger does not know stays as it was published
4. a decision that was published and is not in the ledger is named, and nothing is published until it is entered again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, tuple_

from api.audit import AuditBook
from api.chain import ChainBook
from api.projection import Projection
from api.resuming import resume
from api.schema import allocations, completions, intents
from api.tasks import TaskBook
from ecert.errors import EcertError
from ecert.licence.reference import StatusRef
from ecert.revocation import Mark
from ecert.revocation.issued import load_head
from ecert.trust import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from api.folder import StatusFolder
    from api.ledger import SqlLedger
    from api.projection import Place
    from api.resuming import Resumed
    from ecert.revocation import RegionStatus
    from ecert.trust import Registry

_AT_ONCE = 500
"""Places asked about in one query."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What was published and is not in the ledger.

    Attributes:
        licences: How many licences at least were issued and are not in it.
        steps: How many publications it does not know.
        undecided: Identifiers of licences in it about which a decision was published that is not.
        unknown: How many licences that are not in it bear a mark; the marks stay.
    """

    licences: int
    steps: int
    undecided: tuple[str, ...]
    unknown: int

    def __bool__(self) -> bool:
        """Tell whether anything is missing."""
        return bool(self.licences > 0 or self.steps > 0 or self.undecided or self.unknown)


def find_loss(ledger: SqlLedger, folder: StatusFolder, registry: Registry, now: datetime) -> Loss:
    """Hold a ledger against the published folder.

    Raises:
        EcertError: what is published does not verify.
    """
    loaded, head = folder.load(registry, now=now), published_head(folder, registry, now)
    issued = ledger.database.number(select(func.count()).select_from(completions))
    missing = 0 if head is None else max(0, _size(head[1], registry, now) - issued)
    if loaded is None:
        return Loss(missing, 0, (), 0)
    status = loaded[1]
    last = ChainBook(ledger.database).publication()
    marks = _other_marks(ledger, status, issuing_keys(registry, status.region), now)
    known = _known(ledger, marks)
    steps = status.sequence - (0 if last is None else last.sequence)
    return Loss(missing, max(0, steps), tuple(sorted(known.values())), len(marks) - len(known))


def take_up(ledger: SqlLedger, folder: StatusFolder, registry: Registry, *, now: datetime) -> Resumed | None:
    """Find out what was published last (`resume`); where that is news to the ledger, set indices aside.

    Raises:
        EcertError: as `resume`.
    """
    with ledger.database.transaction():
        known = resume(ChainBook(ledger.database), folder, registry, now=now)
        if known is not None and known.behind:
            loss = find_loss(ledger, folder, registry, now)
            _set_aside(ledger, issuing_keys(registry, known.status.region), loss.licences)
            details = {"sequence": known.status.sequence, "licences": loss.licences}
            AuditBook(ledger.database).record("ledger.restored", known.status.region, now, details=details)
    return known


def _set_aside(ledger: SqlLedger, key_ids: Iterable[bytes], missing: int) -> None:
    """Go on a whole list beyond the licences known to be missing, with every key: indices are no scarcity."""
    for key_id in key_ids:
        last = ledger.allocated(key_id) + missing + StatusRef.CAPACITY - 1
        ledger.database.run(insert(allocations).values(key_id=key_id, position=min(last, StatusRef.PACKED - 1)))


def unknown_marks(ledger: SqlLedger, status: RegionStatus, ours: Projection) -> dict[Place, Mark]:
    """Return the marks that were published of licences that the ledger does not know.

    Args:
        ledger: The ledger.
        status: What was published.
        ours: What the ledger says.
    """
    marks = {place: mark for place, mark in _marks(status) if not ours.events(place)}
    for place in _known(ledger, marks):
        del marks[place]
    return marks


def _marks(status: RegionStatus) -> Iterator[tuple[Place, Mark]]:
    for (key_id, number), listing in status.lists.items():
        for index, mark in listing.marks.items():
            yield (key_id, StatusRef(number, index)), Mark.unpack(mark)


def _other_marks(ledger: SqlLedger, status: RegionStatus, key_ids: Iterable[bytes], now: datetime) -> dict[Place, Mark]:
    """Return the marks that were published and are other ones by the ledger."""
    ours = Projection(ledger, TaskBook(ledger.database))
    ours.update(key_ids, max(now, status.issued_at))
    mine = {(key_id, number): listing.marks for (key_id, number), listing in ours.lists.items()}
    return {
        (key_id, reference): mark
        for (key_id, reference), mark in _marks(status)
        if (key_id, reference.number) not in mine or mine[key_id, reference.number].get(reference.index) != mark.pack()
    }


def _known(ledger: SqlLedger, places: Iterable[Place]) -> dict[Place, str]:
    """Return place → identifier, of licences that the ledger knows."""
    pairs = [(key_id, reference.pack()) for key_id, reference in places]
    place, found = tuple_(intents.c.key_id, intents.c.status), {}
    for start in range(0, len(pairs), _AT_ONCE):
        query = select(intents.c.key_id, intents.c.status, intents.c.identifier)
        for row in ledger.database.run(query.where(place.in_(pairs[start : start + _AT_ONCE]))):
            found[bytes(row.key_id), StatusRef.unpack(row.status)] = str(row.identifier)
    return found


def published_head(folder: StatusFolder, registry: Registry, now: datetime) -> tuple[int, bytes] | None:
    """Return the newest head of the issued set that was published, with its number; None where none verifies."""
    data = folder.read_head()
    try:
        return None if data is None else (load_head(data, registry, now=now).number, data)
    except EcertError:
        return None


def _size(head: bytes, registry: Registry, now: datetime) -> int:
    return load_head(head, registry, now=now).size


def issuing_keys(registry: Registry, region: str) -> list[bytes]:
    """Return the ids of a region's issuing keys."""
    keys = registry.keys()
    return [one.public_key.key_id for one in keys if one.member.role is Role.ISSUER and one.region.code == region]
