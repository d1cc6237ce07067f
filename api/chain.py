"""The published status chain as the ledger keeps it: what a publisher goes on from after anything.

A delta is in the ledger before it is put out, and its sequence number can be given out only once: no two different
deltas ever carry the same one. Deltas that a newer snapshot replaces are dropped; their numbers stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from api.schema import chain, publications
from api.schema import region as region_table
from ecert.errors import CustodyError, IssuanceError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Select

    from api.database import Database
    from ecert.revocation import RegionStatus


_SNAPSHOT: Final = "snapshot"
_DELTA: Final = "delta"


@dataclass(frozen=True, slots=True)
class SealedChain:
    """A chain as it was signed.

    Attributes:
        snapshot: Sealed bytes; None before there was one.
        deltas: Sequence number → sealed bytes, of those that follow the snapshot, in order.
    """

    snapshot: bytes | None
    deltas: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Publication:
    """What the ledger keeps of one delta for ever.

    Attributes:
        sequence: Its number.
        digest: SM3 of its envelope, 32 bytes.
        issued_at: When it was issued.
        decided: The number of the last decision that its pages of details take into account.
    """

    sequence: int
    digest: bytes
    issued_at: datetime
    decided: int


class ChainBook:
    """The chain of the one region that a ledger belongs to."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._db = database

    @property
    def region(self) -> str | None:
        """The region that the ledger belongs to; None before anything was published."""
        row = self._db.row(select(region_table.c.code))
        return None if row is None else str(row.code)

    def bind(self, region: str) -> None:
        """Make the ledger that region's, if it is no other's.

        Raises:
            CustodyError: it is another's.
        """
        with self._db.transaction():
            held = self.region
            if held is None:
                self._db.run(insert(region_table).values(place=1, code=region))
            elif held != region:
                raise CustodyError(
                    Reason.KEY_MISMATCH, f"the ledger is region {held}'s, and the status key is region {region}'s"
                )

    def load(self) -> SealedChain:
        """Return the newest snapshot, and the deltas that follow it."""
        rows = self._db.run(select(chain).order_by(chain.c.sequence)).all()
        snapshots = [row.data for row in rows if row.kind == _SNAPSHOT]
        deltas = {row.sequence: row.data for row in rows if row.kind == _DELTA}
        return SealedChain(snapshots[-1] if snapshots else None, deltas)

    def publication(self, sequence: int | None = None) -> Publication | None:
        """Return what is kept of a delta, or of the newest; None when there is none."""
        query = select(publications)
        if sequence is None:
            return self._publication(query.order_by(publications.c.sequence.desc()))
        return self._publication(query.where(publications.c.sequence == sequence))

    def publication_after(self, sequence: int) -> Publication | None:
        """Return what is kept of the first delta after one; None when there is none."""
        later = select(publications).where(publications.c.sequence > sequence)
        return self._publication(later.order_by(publications.c.sequence))

    def _publication(self, query: Select[Any]) -> Publication | None:
        row = self._db.row(query.limit(1))
        return None if row is None else Publication(row.sequence, row.digest, row.issued_at, row.decided)

    def add(self, deltas: Iterable[tuple[bytes, RegionStatus]], decided: int) -> None:
        """Keep new deltas, each with the status it leads to, before they are put out.

        Raises:
            IssuanceError: another publisher has taken the sequence number.
        """
        try:
            with self._db.transaction():
                for data, status in deltas:
                    self._note(status, decided)
                    self._keep(_DELTA, status.sequence, data)
        except IntegrityError as error:
            raise IssuanceError(
                Reason.LEDGER_CONFLICT, "another publisher works on this ledger: one is enough, stop the other"
            ) from error

    def add_snapshot(self, data: bytes, sequence: int) -> None:
        """Keep a new snapshot, and drop what it replaces."""
        with self._db.transaction():
            same = and_(chain.c.sequence == sequence, chain.c.kind.in_((_SNAPSHOT, _DELTA)))
            self._db.run(delete(chain).where(or_(chain.c.sequence < sequence, same)))
            self._keep(_SNAPSHOT, sequence, data)

    def adopt(self, found: SealedChain, status: RegionStatus, base: int) -> None:
        """Go on from a chain that was published further than this ledger knows: it was restored from a backup.

        Args:
            found: As it stands in the published folder.
            status: What it leads to, verified.
            base: The sequence number of its snapshot.
        """
        with self._db.transaction():
            self._db.run(delete(chain))
            self._keep(_SNAPSHOT, base, found.snapshot or b"")
            for sequence, data in found.deltas.items():
                self._keep(_DELTA, sequence, data)
            self._note(status, 0)

    def _note(self, status: RegionStatus, decided: int) -> None:
        row = {"sequence": status.sequence, "digest": status.head, "issued_at": status.issued_at, "decided": decided}
        self._db.run(insert(publications).values(**row))

    def _keep(self, kind: str, sequence: int, data: bytes) -> None:
        self._db.run(insert(chain).values(sequence=sequence, kind=kind, data=data))
