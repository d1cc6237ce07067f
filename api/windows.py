"""Registered windows, and their receipts: which window has reached which step of a region's status chain.

Windows and receipts are kept in one ledger of the publisher; what was published when, in the ledger of each region.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from api.audit import AuditBook
from api.schema import receipts, windows
from ecert.errors import EcertError, IssuanceError, Reason
from ecert.report import timestamp
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from api.chain import ChainBook
    from api.database import Database

MAX_NAME: Final = 100
"""The most characters of a window's name."""
MAX_LISTED: Final = 1000
"""The most windows that are listed as behind."""
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Window:
    """A registered window, or an operator, who may read what others have reported.

    Attributes:
        name: Its name, unique.
        operator: Whether it is an operator.
        registered_at: When it was registered, UTC.
    """

    name: str
    operator: bool
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a window has reported last.

    Attributes:
        window: Its name.
        registry: The version of the trust registry that it holds.
        regions: Region → the step of its status chain that it has reached.
        at: When, by the window's clock.
        received_at: When, by ours.
    """

    window: str
    registry: int
    regions: Mapping[str, int]
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Behind:
    """A window that has not reached the newest step.

    Attributes:
        window: Its name.
        sequence: The step that it reported; 0 when it never reported any.
        since: When the step after that was issued: from then on it is behind. When it was registered, if later.
        reported_at: When it last reported; None: never.
    """

    window: str
    sequence: int
    since: datetime
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class Propagation:
    """How far a region's newest step has come.

    Attributes:
        region: The region.
        sequence: The newest step; 0 when nothing was published.
        windows: How many windows are registered.
        behind: Those that have not reached it, the longest behind first.
    """

    region: str
    sequence: int
    windows: int
    behind: tuple[Behind, ...]

    @property
    def reached(self) -> int:
        """How many windows have reached it."""
        return self.windows - len(self.behind)


class WindowBook:
    """The windows and receipts in a ledger."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._db = database

    def add(self, name: str, *, operator: bool, at: datetime) -> str:
        """Register a window and return its token, which is kept nowhere: only its SM3 is.

        Raises:
            EcertError: USAGE; the name does not fit.
            IssuanceError: there is a window of this name.
        """
        if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
            raise EcertError(Reason.USAGE, f"a window's name has 1 to {MAX_NAME} printable characters")
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        row = {"name": name, "token": sm3(token.encode("ascii")), "operator": operator, "at": at}
        try:
            with self._db.transaction():
                self._db.run(insert(windows).values(**row))
                AuditBook(self._db).record("window.register", name, at, details={"operator": int(operator)})
        except IntegrityError as error:
            raise IssuanceError(Reason.LEDGER_CONFLICT, f"there is a window {name!r} already") from error
        return token

    def find(self, token_digest: bytes) -> Window | None:
        """Return the window whose token has this SM3; None when none has."""
        row = self._db.row(select(windows).where(windows.c.token == token_digest))
        return None if row is None else Window(row.name, row.operator, row.at)

    def windows(self) -> Iterator[Window]:
        """Return the windows, without the operators, by name."""
        for row in self._db.run(select(windows).where(windows.c.operator.is_(False)).order_by(windows.c.name)):
            yield Window(row.name, operator=False, registered_at=row.at)

    def receive(self, news: Iterable[Receipt]) -> None:
        """Keep receipts, each in the place of the same window's last one."""
        with self._db.transaction():
            for receipt in news:
                said = {"registry": receipt.registry, "at": receipt.at, "received_at": receipt.received_at}
                for region, sequence in receipt.regions.items():
                    place, values = {"window": receipt.window, "region": region}, {"sequence": sequence, **said}
                    row = self._db.insert(receipts).values(**place, **values)
                    self._db.run(row.on_conflict_do_update(index_elements=list(place), set_=values))

    def propagation(self, chain: ChainBook) -> Propagation | None:
        """Return how far the newest step of a ledger's region has come; None before it published anything."""
        region, newest = chain.region, chain.publication()
        if region is None or newest is None:
            return None
        rows = self._db.run(select(receipts).where(receipts.c.region == region))
        reported: dict[str, tuple[int, datetime | None]] = {row.window: (row.sequence, row.received_at) for row in rows}
        registered = list(self.windows())
        behind = []
        for window in registered:
            sequence, reported_at = reported.get(window.name, (0, None))
            if sequence < newest.sequence:
                behind.append(_behind(window, sequence, reported_at, chain))
        behind.sort(key=lambda one: (one.since, one.window))
        return Propagation(region, newest.sequence, len(registered), tuple(behind))


def _behind(window: Window, sequence: int, reported_at: datetime | None, chain: ChainBook) -> Behind:
    missed = chain.publication_after(sequence)
    since = max(window.registered_at, missed.issued_at) if missed else window.registered_at
    return Behind(window.name, sequence, since, reported_at)


def propagation_json(propagation: Propagation, limit: int = MAX_LISTED) -> dict[str, object]:
    """Return how far a region's newest step has come, as JSON; of those behind at most `limit`, the longest first."""
    return {
        "region": propagation.region,
        "sequence": propagation.sequence,
        "windows": propagation.windows,
        "reached": propagation.reached,
        "behind_count": len(propagation.behind),
        "behind": [
            {
                "window": one.window,
                "sequence": one.sequence,
                "since": timestamp(one.since),
                "reported_at": None if one.reported_at is None else timestamp(one.reported_at),
            }
            for one in propagation.behind[:limit]
        ],
    }
