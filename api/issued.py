"""The issued set as the ledger keeps it: a leaf for every licence, the tree over them, and every head published.

After a theft of an issuing key only this shows what had been issued before. So it is kept from the first licence
on, and evidence for a licence is made on demand, against the first head that covers it: the oldest proof there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, or_, select

from api.schema import completions, heads, intents, leaves, nodes
from api.service_schema import licences
from ecert.errors import NotFoundError, Reason
from ecert.revocation.issued import NO_HEAD, IssuedHead, IssuedProof, leaf_hash, seal_head
from ecert.revocation.merkle import IssuedTree
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.database import Database
    from ecert.licence.identifier import Identifier
    from ecert.sm2 import Signer

_AT_ONCE: Final = 1000
"""Licences taken in by one transaction."""
_LAST_IN: Final = (
    select(completions.c.number)
    .join(leaves, leaves.c.identifier == completions.c.identifier)
    .order_by(leaves.c.position.desc())
    .limit(1)
)
_ISSUED: Final = (
    select(completions.c.identifier, intents.c.key_id, licences.c.record_digest, licences.c.face_digest)
    .join(intents, intents.c.identifier == completions.c.identifier)
    .join(licences, licences.c.identifier == completions.c.identifier)
)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """A tree's nodes as rows."""

    database: Database

    def get(self, level: int, index: int, /) -> bytes:
        query = select(nodes.c.node).where(nodes.c.level == level, nodes.c.place == index)
        return bytes(self.database.run(query).scalar_one())

    def put(self, level: int, index: int, node: bytes, /) -> None:
        row = self.database.insert(nodes).values(level=level, place=index, node=node)
        self.database.run(row.on_conflict_do_nothing())


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
        return self._db.number(select(func.max(leaves.c.position) + 1))

    def _take_in_some(self) -> bool:
        with self._db.transaction():
            tree = IssuedTree(_Nodes(self._db), self._size())
            later = _ISSUED.where(completions.c.number > self._db.number(_LAST_IN))
            rows = self._db.run(later.order_by(completions.c.number).limit(_AT_ONCE)).all()
            for issued in rows:
                digests = (issued.record_digest, issued.face_digest)
                leaf = leaf_hash(issued.key_id, *digests)
                row = dict(zip(leaves.c.keys(), (tree.append(leaf), issued.identifier, leaf, *digests), strict=True))
                self._db.run(insert(leaves).values(**row))
        return len(rows) == _AT_ONCE

    def commit(self, region: str, signer: Signer, *, at: datetime, published: tuple[int, bytes] | None = None) -> None:
        """Sign a new head when licences were issued since the last one; the first comes even without any.

        Args:
            region: The region.
            signer: Its status key.
            at: When.
            published: The newest head that was published, with its number: a ledger restored from a backup does not
                know it, and gives its number to no other. An auditor sees by the sizes that licences are missing.

        Raises:
            CustodyError: the key cannot be used.
        """
        size, last = self.take_in(), self.newest()
        if last is not None and self._covered() == size:
            return
        if published is not None and (last is None or published[0] > last[0]):
            last = published
        number, previous = (1, NO_HEAD) if last is None else (last[0] + 1, sm3(last[1]))
        root = IssuedTree(_Nodes(self._db), size).root(size)
        sealed = seal_head(IssuedHead(region, number, size, root, previous, at), signer)
        with self._db.transaction():
            self._db.run(insert(heads).values(number=number, size=size, head=sealed))

    def _covered(self) -> int:
        return self._db.number(select(func.max(heads.c.size)))

    def newest(self) -> tuple[int, bytes] | None:
        """Return the newest head, with its number."""
        row = self._db.row(select(heads).order_by(heads.c.number.desc()).limit(1))
        return None if row is None else (row.number, row.head)

    def head(self, number: int) -> bytes:
        """Return a head that there is."""
        return bytes(self._db.run(select(heads.c.head).where(heads.c.number == number)).scalar_one())

    def prove(self, digest: bytes) -> bytes:
        """Return the evidence that a licence was issued, against the first head that covers it.

        Args:
            digest: The licence's leaf, or SM3 of its full record's payload; 32 bytes.

        Raises:
            NotFoundError: no such licence was issued, or no head covers it yet.
        """
        return self._prove(or_(leaves.c.leaf == digest, leaves.c.record_digest == digest))

    def prove_licence(self, identifier: Identifier) -> bytes:
        """Return the evidence for a licence by its identifier.

        Raises:
            NotFoundError: it was not issued, or no head covers it yet.
        """
        return self._prove(leaves.c.identifier == identifier.text)

    def _prove(self, condition: ColumnElement[bool]) -> bytes:
        row = self._db.row(select(leaves).where(condition).limit(1))
        if row is None:
            raise NotFoundError(
                Reason.LICENCE_NOT_FOUND, "no such licence is in the issued set: publish, then ask again"
            )
        first = self._db.row(select(heads).where(heads.c.size > row.position).order_by(heads.c.number).limit(1))
        if first is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no published head covers the licence yet: publish first")
        siblings = IssuedTree(_Nodes(self._db), first.size).prove(row.position, first.size)
        return IssuedProof(first.head, row.position, siblings, row.record_digest, row.face_digest).encode()
