"""What follows acceptances: materials handed in later (容缺补交), promises checked (告知承诺核查).

Two tables in the register's file:

    dues        number and material (primary key), matter, name, settled, by (day), holder: blind index of the
                applicant's code, empty where the office has no key
    outcomes    serial (primary key), number, material, kept, at, operator, note; appended only, the last one holds

Whoever's promise was found false makes none at this office until that is mended (信用修复).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    and_,
    func,
    insert,
    select,
)

from ecert.errors import NotFoundError, Reason
from ecert.matter import Due, Settled

if TYPE_CHECKING:
    from ecert.matter import Acceptance
    from ecert.sm2 import Vault

MAX_OPEN: Final = 200
"""The most that one page lists, those due first."""

_TABLES: Final = MetaData()
_DUES: Final = Table(
    "dues",
    _TABLES,
    Column("number", String(23), primary_key=True),
    Column("material", String(64), primary_key=True),
    Column("matter", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    Column("settled", String(16), nullable=False),
    Column("by", String(10), nullable=False, index=True),
    Column("holder", LargeBinary, nullable=False, index=True),
)
_OUTCOMES: Final = Table(
    "outcomes",
    _TABLES,
    Column("serial", Integer, primary_key=True),
    Column("number", String(23), nullable=False),
    Column("material", String(64), nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("at", String(20), nullable=False),
    Column("operator", String(128), nullable=False),
    Column("note", String(128), nullable=False),
)
_LAST: Final = (
    select(_OUTCOMES.c.number, _OUTCOMES.c.material, func.max(_OUTCOMES.c.serial).label("serial"))
    .group_by(_OUTCOMES.c.number, _OUTCOMES.c.material)
    .subquery()
)
_ALL: Final = (
    select(_DUES, _OUTCOMES.c.kept, _OUTCOMES.c.at, _OUTCOMES.c.operator, _OUTCOMES.c.note)
    .select_from(_DUES)
    .outerjoin(_LAST, and_(_LAST.c.number == _DUES.c.number, _LAST.c.material == _DUES.c.material))
    .outerjoin(_OUTCOMES, _OUTCOMES.c.serial == _LAST.c.serial)
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of something that followed.

    Attributes:
        kept: Handed in, or true as promised; else: found false.
        at: When it was noted, aware UTC, whole seconds.
        operator: The clerk's identifier.
        note: In words.
    """

    kept: bool
    at: datetime
    operator: str
    note: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What follows an acceptance.

    Attributes:
        number: 受理凭证号.
        matter: The matter's name.
        name: The material's.
        due: What, and until when.
        outcome: What came of it; None: it is still to come.
    """

    number: str
    matter: str
    name: str
    due: Due
    outcome: Outcome | None


class FollowUps:
    """What follows the acceptances of one register."""

    def __init__(self, engine: Engine, vault: Vault | None) -> None:
        """Use the register's file; make the tables where there are none.

        Args:
            engine: The register's.
            vault: By its index key a holder is found again; None: nobody is.
        """
        self._engine = engine
        self._vault = vault
        _TABLES.create_all(engine)

    def put(self, connection: Connection, acceptance: Acceptance) -> None:
        """Note what follows an acceptance, in the transaction that files it."""
        case = acceptance.case
        names = {one.code: one.name for one in case.matter.materials}
        rows = [
            {
                "number": acceptance.number.text,
                "material": one.material,
                "matter": case.matter.name,
                "name": names[one.material],
                "settled": one.settled.value,
                "by": one.by.isoformat(),
                "holder": self._index(case.applicant.code),
            }
            for one in acceptance.dues
        ]
        if rows:
            connection.execute(insert(_DUES), rows)

    def of(self, number: str) -> list[FollowUp]:
        """Return what follows one acceptance, those due first."""
        with self._engine.connect() as connection:
            rows = connection.execute(_ALL.where(_DUES.c.number == number).order_by(_DUES.c.by, _DUES.c.material))
            return [_follow_up(row) for row in rows]

    def open(self) -> list[FollowUp]:
        """Return what is still to come, those due first: at most `MAX_OPEN`."""
        waiting = _ALL.where(_OUTCOMES.c.serial.is_(None)).order_by(_DUES.c.by, _DUES.c.number, _DUES.c.material)
        with self._engine.connect() as connection:
            return [_follow_up(row) for row in connection.execute(waiting.limit(MAX_OPEN))]

    def note(self, number: str, material: str, outcome: Outcome) -> None:
        """Note what came of something; the same twice is noted once, and a later one holds from then on.

        Raises:
            NotFoundError: CASE_UNKNOWN; nothing of the kind follows, or a material that is handed in is not promised.
        """
        with self._engine.begin() as connection:
            row = connection.execute(_ALL.where(_DUES.c.number == number, _DUES.c.material == material)).one_or_none()
            if row is None or not (outcome.kept or row.settled == Settled.PROMISED):
                raise NotFoundError(Reason.CASE_UNKNOWN, "")
            if row.kept == outcome.kept:
                return
            noted = {"kept": outcome.kept, "at": _text(outcome.at), "operator": outcome.operator, "note": outcome.note}
            connection.execute(insert(_OUTCOMES).values(number=number, material=material, **noted))

    def is_barred(self, code: str) -> bool:
        """Tell whether a promise of the holder of a code was found false, and is not mended."""
        index = self._index(code)
        if not index:
            return False
        broken = _ALL.where(_DUES.c.holder == index, ~_OUTCOMES.c.kept).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(broken).first() is not None

    def _index(self, code: str) -> bytes:
        return b"" if self._vault is None else self._vault.blind_index(code, "dues.holder")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _follow_up(row: Row[Any]) -> FollowUp:
    outcome = None
    if row.kept is not None:
        outcome = Outcome(row.kept, datetime.fromisoformat(row.at), row.operator, row.note)
    due = Due(row.material, Settled(row.settled), date.fromisoformat(row.by))
    return FollowUp(row.number, row.matter, row.name, due, outcome)
