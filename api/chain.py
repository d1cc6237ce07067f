"""The published status chain as the ledger keeps it: what a publisher goes on from after anything.

A delta is in the ledger before it is put out, and its sequence number can be given out only once: no two different
deltas ever carry the same one. Deltas that a newer snapshot replaces are dropped; their numbers stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import IntegrityError
from typing import TYPE_CHECKING

from api.database import instant
from ecert.errors import CustodyError, IssuanceError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from api.database import Database
    from ecert.revocation import RegionStatus


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
        row = self._db.row("SELECT code FROM region")
        return None if row is None else str(row[0])

    def bind(self, region: str) -> None:
        """Make the ledger that region's, if it is no other's.

        Raises:
            CustodyError: it is another's.
        """
        with self._db.transaction():
            held = self.region
            if held is None:
                self._db.run("INSERT INTO region VALUES (1, ?)", region)
            elif held != region:
                raise CustodyError(
                    Reason.KEY_MISMATCH, f"the ledger is region {held}'s, and the status key is region {region}'s"
                )

    def load(self) -> SealedChain:
        """Return the newest snapshot, and the deltas that follow it."""
        rows = self._db.run("SELECT kind, sequence, data FROM chain ORDER BY sequence").fetchall()
        snapshots = [data for kind, _, data in rows if kind == "snapshot"]
        deltas = {int(sequence): data for kind, sequence, data in rows if kind == "delta"}
        return SealedChain(snapshots[-1] if snapshots else None, deltas)

    def publication(self, sequence: int | None = None) -> Publication | None:
        """Return what is kept of a delta, or of the newest; None when there is none."""
        if sequence is None:
            return self._publication("1 ORDER BY sequence DESC")
        return self._publication("sequence = ?", sequence)

    def publication_after(self, sequence: int) -> Publication | None:
        """Return what is kept of the first delta after one; None when there is none."""
        return self._publication("sequence > ? ORDER BY sequence", sequence)

    def _publication(self, condition: str, *arguments: int) -> Publication | None:
        row = self._db.row(f"SELECT * FROM publications WHERE {condition} LIMIT 1", *arguments)  # noqa: S608
        return None if row is None else Publication(row[0], row[1], instant(row[2]), row[3])

    def add(self, deltas: Iterable[tuple[bytes, RegionStatus]], decided: int) -> None:
        """Keep new deltas, each with the status it leads to, before they are put out.

        Raises:
            IssuanceError: another publisher has taken the sequence number.
        """
        try:
            with self._db.transaction():
                for data, status in deltas:
                    self._note(status, decided)
                    self._db.run("INSERT INTO chain VALUES (?, 'delta', ?)", status.sequence, data)
        except IntegrityError as error:
            raise IssuanceError(
                Reason.LEDGER_CONFLICT, "another publisher works on this ledger: one is enough, stop the other"
            ) from error

    def add_snapshot(self, data: bytes, sequence: int) -> None:
        """Keep a new snapshot, and drop what it replaces."""
        with self._db.transaction():
            self._db.run("INSERT OR REPLACE INTO chain VALUES (?, 'snapshot', ?)", sequence, data)
            self._db.run("DELETE FROM chain WHERE sequence < ? OR (sequence = ? AND kind = 'delta')", *[sequence] * 2)

    def adopt(self, chain: SealedChain, status: RegionStatus, base: int) -> None:
        """Go on from a chain that was published further than this ledger knows: it was restored from a backup.

        Args:
            chain: As it was found in the published folder.
            status: What it leads to, verified.
            base: The sequence number of its snapshot.
        """
        with self._db.transaction():
            self._db.run("DELETE FROM chain")
            self._db.run("INSERT INTO chain VALUES (?, 'snapshot', ?)", base, chain.snapshot)
            for sequence, data in chain.deltas.items():
                self._db.run("INSERT INTO chain VALUES (?, 'delta', ?)", sequence, data)
            self._note(status, 0)

    def _note(self, status: RegionStatus, decided: int) -> None:
        row = (status.sequence, status.head, status.issued_at.isoformat(), decided)
        self._db.run("INSERT INTO publications VALUES (?, ?, ?, ?)", *row)
