"""The seal register: what was decided about the seals of a region (《电子印章管理办法》)."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from api.audit import AuditBook
from api.schema import seal_decisions, seals
from api.signed_list import SignedList, Times
from ecert.errors import EcertError, IssuanceError, NotFoundError, Reason, RejectedError
from ecert.revocation import MAX_DOCUMENT, MAX_REASON
from ecert.revocation.seal_list import (
    MAX_CODE,
    MAX_EVENTS,
    SealEvent,
    SealState,
    SealStatusList,
    load_seal_list,
    seal_seal_list,
    state_of,
)
from ecert.seal import Seal
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from api.database import Database
    from api.folder import StatusFolder
    from ecert.revocation import RegionStatus
    from ecert.sm2 import Signer
    from ecert.trust import Registry

_FILED: Final = "制作备案"
_decode: Final = lru_cache(64)(Seal.decode)
"""The same few seals are applied again and again."""
_LIMITS: Final = (("seal code", MAX_CODE), ("reason", MAX_REASON), ("document number", MAX_DOCUMENT))


class SealBook:
    """The seal register of a ledger."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._db = database
        self._audit = AuditBook(database)

    def file(self, seal: Seal, at: datetime) -> None:
        """File a seal that was verified (备案); it is active from when it was made. One made anew is filed again.

        Raises:
            IssuanceError: LEDGER_CONFLICT; this very seal is filed, or its code is cancelled.
        """
        info, digest = seal.info, sm3(seal.der)
        with self._db.transaction():
            if self._db.row(select(seals.c.code).where(seals.c.code == info.code, seals.c.digest == digest)):
                raise IssuanceError(Reason.LEDGER_CONFLICT, f"the seal {info.code} is filed already")
            history = self._history(info.code)
            if not history or any(event.state is SealState.CANCELLED for event in history):
                self.decide(info.code, SealEvent(SealState.ACTIVE, info.created, at, _FILED))
            self._db.run(insert(seals).values(code=info.code, digest=digest, seal=seal.der, at=at))
            self._audit.record("seal.file", info.code, at, details={"sm3": digest.hex()})

    def usable(self, code: str, at: datetime) -> Seal:
        """Return the seal filed last under a code, which may be used at `at`.

        Raises:
            RejectedError: it is suspended or cancelled.
            NotFoundError: none is filed.
        """
        if not self.may_be_used(code, at):
            raise NotFoundError(Reason.SEAL_STATUS_MISSING, f"the seal {code} is not filed: python -m api seal file")
        newest = select(seals.c.seal).where(seals.c.code == code).order_by(seals.c.at.desc()).limit(1)
        return _decode(self._db.run(newest).scalar_one())

    def may_be_used(self, code: str, at: datetime) -> bool:
        """Tell whether a seal is filed at `at`.

        Raises:
            RejectedError: it is, and is suspended or cancelled.
        """
        state = self.state(code, at)
        if state in (SealState.SUSPENDED, SealState.CANCELLED):
            reason = Reason.SEAL_SUSPENDED if state is SealState.SUSPENDED else Reason.SEAL_CANCELLED
            raise RejectedError(reason, f"the seal {code} is {state.name.lower()}")
        return state is not None

    def filed(self) -> list[Seal]:
        """Return the seals filed, by their codes, those made anew after the old ones."""
        rows = self._db.run(select(seals.c.seal).order_by(seals.c.code, seals.c.at))
        return [Seal.decode(data) for data in rows.scalars()]

    def decide(self, code: str, event: SealEvent) -> None:
        """Record a decision about a seal: that it is filed and active, too, is one.

        Raises:
            EcertError: USAGE; a text does not fit.
            IssuanceError: the seal is cancelled, for good; or decided about too often, or later than this.
        """
        for (name, limit), text in zip(_LIMITS, (code, event.reason, event.document), strict=True):
            if len(text) > limit or not text.isprintable():
                raise EcertError(Reason.USAGE, f"the {name} has at most {limit} printable characters")
        if not code or not event.reason:
            raise EcertError(Reason.USAGE, "a seal code and a reason must be given")
        with self._db.transaction():
            self._require_next(event, self._history(code))
            row = {"code": code, "state": event.state.value, "since": event.since, "decided_at": event.decided_at}
            self._db.run(insert(seal_decisions).values(**row, reason=event.reason, document=event.document))
            self._audit.record("seal.decide", code, event.decided_at, details={"state": event.state.name.lower()})

    @staticmethod
    def _require_next(event: SealEvent, history: tuple[SealEvent, ...]) -> None:
        if any(earlier.state is SealState.CANCELLED for earlier in history):
            raise IssuanceError(Reason.LEDGER_CONFLICT, "the seal is cancelled for good: decided before")
        if len(history) >= MAX_EVENTS or any(event.decided_at < earlier.decided_at for earlier in history):
            raise IssuanceError(Reason.LEDGER_CONFLICT, "a later decision is recorded, or too many: check the clock")

    def state(self, code: str, at: datetime) -> SealState | None:
        """Return a seal's state at `at`; None when nothing was decided about it by then."""
        return state_of(self._history(code), at)

    def _history(self, code: str) -> tuple[SealEvent, ...]:
        mine = select(seal_decisions).where(seal_decisions.c.code == code)
        return tuple(map(_event, self._db.run(mine.order_by(seal_decisions.c.number))))

    def entries(self) -> dict[str, tuple[SealEvent, ...]]:
        """Return seal code → decisions, in the order in which they were taken."""
        found: defaultdict[str, tuple[SealEvent, ...]] = defaultdict(tuple)
        for row in self._db.run(select(seal_decisions).order_by(seal_decisions.c.number)):
            found[row.code] += (_event(row),)
        return dict(found)

    def version(self) -> int:
        """Return a number that grows with every decision."""
        return self._db.number(select(func.max(seal_decisions.c.number)))


def _event(row: Row[Any]) -> SealEvent:
    return SealEvent(SealState(row.state), row.since, row.decided_at, row.reason, row.document)


class SealList(SignedList):
    """The register as a signed list."""

    NAME = "seals.bin"

    def __init__(self, book: SealBook, folder: StatusFolder, signer: Signer) -> None:
        """Sign with the region's status key."""
        super().__init__(folder, signer)
        self._book = book

    def _newest(self) -> int:
        return self._book.version()

    def _read(self, data: bytes, registry: Registry, now: datetime) -> Times | None:
        held = load_seal_list(data, registry, now=now)
        return (held.issued_at, held.fresh_until) if dict(held.entries) == self._book.entries() else None

    def _seal(self, status: RegionStatus, times: Times) -> bytes:
        listing = SealStatusList(status.region, status.sequence, *times, self._book.entries())
        return seal_seal_list(listing, self._signer)
