"""The issued set as the ledger keeps it: a leaf for every licence, the tree over them, and every head published.

After a theft of an issuing key only this shows what had been issued before. So it is kept from the first licence
on, and evidence for a licence is made on demand, against the first head that covers it: the oldest proof there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import envelope
from ecert.errors import NotFoundError, Reason
from ecert.licence.record import MAX_RECORD
from ecert.revocation.issued import NO_HEAD, IssuedHead, IssuedProof, leaf_hash, seal_head
from ecert.revocation.merkle import IssuedTree
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from api.database import Database
    from ecert.licence.identifier import Identifier
    from ecert.sm2 import Signer

_AT_ONCE: Final = 1000
"""Licences taken in by one transaction."""
_NOT_YET_IN: Final = (
    "SELECT identifier, record, face FROM completions WHERE number > COALESCE((SELECT c.number FROM leaves l"
    " JOIN completions c USING (identifier) ORDER BY l.position DESC LIMIT 1), 0) ORDER BY number LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """A tree's nodes as rows."""

    database: Database

    def get(self, level: int, index: int, /) -> bytes:
        row = self.database.row("SELECT node FROM nodes WHERE level = ? AND place = ?", level, index)
        return bytes(row[0])

    def put(self, level: int, index: int, node: bytes, /) -> None:
        self.database.run("INSERT OR IGNORE INTO nodes VALUES (?, ?, ?)", level, index, node)


class IssuedBook:
    """The issued set of a ledger."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._db = database

    def take_in(self) -> int:
        """Append a leaf for every licence issued since the last time; return how many leaves there are."""
        while self._take_in_some():
            pass
        return self._size()

    def _size(self) -> int:
        return int(self._db.row("SELECT COALESCE(MAX(position) + 1, 0) FROM leaves")[0])

    def _take_in_some(self) -> bool:
        with self._db.transaction():
            tree = IssuedTree(_Nodes(self._db), self._size())
            rows = self._db.run(_NOT_YET_IN, _AT_ONCE).fetchall()
            for identifier, record, face in rows:
                signed, printed = (envelope.decode(data, limit=MAX_RECORD) for data in (record, face))
                digests = (sm3(signed.payload), sm3(printed.payload))
                leaf = leaf_hash(signed.key_id, *digests)
                self._db.run("INSERT INTO leaves VALUES (?, ?, ?, ?, ?)", tree.append(leaf), identifier, leaf, *digests)
        return len(rows) == _AT_ONCE

    def commit(self, region: str, signer: Signer, *, at: datetime) -> None:
        """Sign a new head when licences were issued since the last one; the first comes even without any.

        Raises:
            CustodyError: the key cannot be used.
        """
        size, last = self.take_in(), self.newest()
        if last is not None and self._covered() == size:
            return
        number, previous = (1, NO_HEAD) if last is None else (last[0] + 1, sm3(last[1]))
        root = IssuedTree(_Nodes(self._db), size).root(size)
        sealed = seal_head(IssuedHead(region, number, size, root, previous, at), signer)
        self._db.run("INSERT INTO heads VALUES (?, ?, ?)", number, size, sealed)

    def _covered(self) -> int:
        return int(self._db.row("SELECT COALESCE(MAX(size), 0) FROM heads")[0])

    def newest(self) -> tuple[int, bytes] | None:
        """Return the newest head, with its number."""
        row = self._db.row("SELECT number, head FROM heads ORDER BY number DESC LIMIT 1")
        return None if row is None else (int(row[0]), bytes(row[1]))

    def head(self, number: int) -> bytes:
        """Return a head that there is."""
        return bytes(self._db.row("SELECT head FROM heads WHERE number = ?", number)[0])

    def prove(self, digest: bytes) -> bytes:
        """Return the evidence that a licence was issued, against the first head that covers it.

        Args:
            digest: The licence's leaf, or SM3 of its full record's payload; 32 bytes.

        Raises:
            NotFoundError: no such licence was issued, or no head covers it yet.
        """
        return self._prove("leaf = ?1 OR record_digest = ?1", digest)

    def prove_licence(self, identifier: Identifier) -> bytes:
        """Return the evidence for a licence by its identifier.

        Raises:
            NotFoundError: it was not issued, or no head covers it yet.
        """
        return self._prove("identifier = ?1", identifier.text)

    def _prove(self, condition: str, argument: bytes | str) -> bytes:
        row = self._db.row(
            f"SELECT position, record_digest, face_digest FROM leaves WHERE {condition} LIMIT 1",  # noqa: S608
            argument,
        )
        if row is None:
            raise NotFoundError(
                Reason.LICENCE_NOT_FOUND, "no such licence is in the issued set: publish, then ask again"
            )
        position, record_digest, face_digest = row
        first = self._db.row("SELECT size, head FROM heads WHERE size > ? ORDER BY number LIMIT 1", position)
        if first is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no published head covers the licence yet: publish first")
        size, head = first
        siblings = IssuedTree(_Nodes(self._db), size).prove(position, size)
        return IssuedProof(head, position, siblings, record_digest, face_digest).encode()
