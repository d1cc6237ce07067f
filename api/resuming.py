"""Finding out what was published last: from the ledger, which knows first, and from the published folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecert.errors import EcertError, Reason, RejectedError
from ecert.revocation import load_delta, load_snapshot, replace

if TYPE_CHECKING:
    from datetime import datetime

    from api.chain import ChainBook, SealedChain
    from api.folder import StatusFolder
    from ecert.revocation import RegionStatus
    from ecert.trust import Registry


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where to go on.

    Attributes:
        status: What was published last, verified.
        snapshot: The sequence number of the newest snapshot; 0 when there is none.
        decided: The number of the last decision whose page of details was surely put out.
        chain: What the folder must have.
        behind: Whether the ledger knew less than was published, and has only now learnt of it.
    """

    status: RegionStatus
    snapshot: int
    decided: int
    chain: SealedChain
    behind: bool = False

    def put_out(self, folder: StatusFolder) -> None:
        """Put out what the folder lacks of the chain."""
        for sequence, data in self.chain.deltas.items():
            if folder.read_delta(sequence) != data:
                folder.put_delta(sequence, data)
        if self.chain.snapshot is not None and folder.read_snapshot() != self.chain.snapshot:
            folder.put_snapshot(self.chain.snapshot)
        folder.put_hint(self.status.sequence, self.snapshot)


def resume(book: ChainBook, folder: StatusFolder, registry: Registry, *, now: datetime) -> Resumed | None:
    """Return where to go on.

    Returns:
        None when nothing was ever published.

    Raises:
        RejectedError: STATUS_ROLLBACK: folder and ledger tell different histories; or as `load_delta`.
        EcertError: neither can be verified.
    """
    chain, found = book.load(), _load_folder(folder, registry, now=now, strict=book.publication() is None)
    status = _follow(chain, registry, now)
    if found is not None and (status is None or found.status.sequence > status.sequence):
        book.adopt(found.chain, found.status, found.snapshot)
        return Resumed(found.status, found.snapshot, 0, found.chain, behind=True)
    if status is None:
        return None
    if found is not None and found.status.sequence == status.sequence:
        replace(found.status, status)
    return Resumed(status, status.sequence - len(chain.deltas), _decided(book, found), chain)


@dataclass(frozen=True, slots=True)
class _Found:
    chain: SealedChain
    status: RegionStatus
    snapshot: int


def _load_folder(folder: StatusFolder, registry: Registry, *, now: datetime, strict: bool) -> _Found | None:
    """Load what is in the folder. What is broken there is as good as lost, when the ledger knows better."""
    try:
        loaded = folder.load(registry, now=now)
    except EcertError:
        if strict:
            raise
        return None
    return None if loaded is None else _Found(*loaded)


def _follow(chain: SealedChain, registry: Registry, now: datetime) -> RegionStatus | None:
    status = None if chain.snapshot is None else load_snapshot(chain.snapshot, registry, now=now)
    for data in chain.deltas.values():
        status = load_delta(data, registry, status, now=now)
    return status


def _decided(book: ChainBook, found: _Found | None) -> int:
    """Return which decisions' pages were put out, by how far the folder has come."""
    publication = book.publication(found.status.sequence) if found else None
    if publication is None or found is None:
        return 0
    if publication.digest != found.status.head:
        raise RejectedError(
            Reason.STATUS_ROLLBACK, f"the folder has another delta {publication.sequence} than the ledger"
        )
    return publication.decided
