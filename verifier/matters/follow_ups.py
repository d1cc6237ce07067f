"""What follows acceptances: materials handed in later (容缺补交), promises checked (告知承诺核查).

Two tables in the register's file:

    dues        number and material (primary key), matter, name, settled, by (day), holder: of a promise the blind index
                of the applicant's code, empty where the office has no key
    findings    number, material and position (primary key), found, at, operator, note: encrypted, empty without a key;
                only ever added to, the last one holds

Whoever's promise was found false makes none at this office until that is mended (信用修复).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from ecert.errors import EcertError, NotFoundError, Reason
from ecert.matter import Due, Settled
from ecert.report import timestamp
from ecert.sm2 import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecert.matter import Acceptance, Person
    from ecert.sm2 import Vault

MAX_OPEN: Final = 200
"""The most that one page lists, those due first."""

TABLES: Final = MetaData()
_DUES: Final = Table(
    "dues",
    TABLES,
    Column("number", String(23), primary_key=True),
    Column("material", String(64), primary_key=True),
    Column("matter", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    Column("settled", String(16), nullable=False),
    Column("by", String(10), nullable=False, index=True),
    Column("holder", LargeBinary, nullable=False, index=True),
)
_FINDINGS: Final = Table(
    "findings",
    TABLES,
    Column("number", String(23), primary_key=True),
    Column("material", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("found", String(16), nullable=False),
    Column("at", String(20), nullable=False),
    Column("operator", String(128), nullable=False),
    Column("note", LargeBinary, nullable=False),
)
_OF_DUE: Final = and_(_FINDINGS.c.number == _DUES.c.number, _FINDINGS.c.material == _DUES.c.material)
_WAITING: Final = ~exists().where(_OF_DUE)


class Found(StrEnum):
    """What came of something that followed. Stored: append, never rename."""

    HANDED_IN = "handed-in"
    TRUE = "true"
    FALSE = "false"
    MENDED = "mended"


_FOLLOWING: Final[dict[tuple[Settled, Found | None], tuple[Found, ...]]] = {
    (Settled.DEFERRED, None): (Found.HANDED_IN,),
    (Settled.PROMISED, None): (Found.TRUE, Found.FALSE),
    (Settled.PROMISED, Found.TRUE): (Found.FALSE,),
    (Settled.PROMISED, Found.FALSE): (Found.MENDED,),
    (Settled.PROMISED, Found.MENDED): (Found.FALSE,),
}
"""How a material was settled, and what was found of it last → what may be found next."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of something that followed.

    Attributes:
        found: What.
        at: When it was noted, aware UTC, whole seconds.
        operator: The clerk's identifier.
        note: In words; empty where the office has no key, None where it cannot be opened now.
    """

    found: Found
    at: datetime
    operator: str
    note: str | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What follows an acceptance.

    Attributes:
        number: 受理凭证号.
        matter: The matter's name.
        name: The material's.
        due: What, and until when.
        findings: What came of it, the last one last; empty: it is still to come.
    """

    number: str
    matter: str
    name: str
    due: Due
    findings: tuple[Finding, ...] = ()

    @property
    def next(self) -> tuple[Found, ...]:
        """What may be found of it now."""
        return _FOLLOWING.get((self.due.settled, self.findings[-1].found if self.findings else None), ())


class FollowUps:
    """What follows the acceptances of one register."""

    def __init__(self, engine: Engine, vault: Vault | None) -> None:
        """Use the tables of a register's file.

        Args:
            engine: The register's.
            vault: Encrypts notes, and by its index key a holder is found again; None: no note is kept, nobody found.
        """
        self._engine = engine
        self._vault = vault

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
                "holder": self._index(case.applicant) if one.settled is Settled.PROMISED else b"",
            }
            for one in acceptance.dues
        ]
        if rows:
            connection.execute(insert(_DUES), rows)

    def of(self, number: str) -> list[FollowUp]:
        """Return what follows one acceptance, those due first."""
        dues = select(_DUES).where(_DUES.c.number == number).order_by(_DUES.c.by, _DUES.c.material)
        noted = select(_FINDINGS).where(_FINDINGS.c.number == number).order_by(_FINDINGS.c.position)
        findings = defaultdict(list)
        with self._engine.connect() as connection:
            for row in connection.execute(noted):
                findings[row.material].append(self._finding(row))
            return [_follow_up(row, findings[row.material]) for row in connection.execute(dues)]

    def waiting(self) -> list[FollowUp]:
        """Return what is still to come, those due first: at most `MAX_OPEN`."""
        dues = select(_DUES).where(_WAITING).order_by(_DUES.c.by, _DUES.c.number, _DUES.c.material).limit(MAX_OPEN)
        with self._engine.connect() as connection:
            return [_follow_up(row) for row in connection.execute(dues)]

    def overdue(self, today: date) -> int:
        """Return how much should have come before today."""
        late = select(func.count()).select_from(_DUES).where(_WAITING, _DUES.c.by < today.isoformat())
        with self._engine.connect() as connection:
            return int(connection.scalar(late) or 0)

    def note(self, number: str, material: str, finding: Finding) -> bool:
        """Note what came of something; the same twice is noted once.

        Returns:
            Whether it holds now; False: it does not follow from what somebody noted meanwhile.

        Raises:
            NotFoundError: CASE_UNKNOWN; nothing of the kind follows.
        """
        one = next((one for one in self.of(number) if one.due.material == material), None)
        if one is None:
            raise NotFoundError(Reason.CASE_UNKNOWN, "")
        if one.findings and one.findings[-1].found is finding.found:
            return True
        if finding.found not in one.next:
            return False
        position = len(one.findings) + 1
        row = {
            "number": number,
            "material": material,
            "position": position,
            "found": finding.found.value,
            "at": timestamp(finding.at),
            "operator": finding.operator,
            "note": self._sealed(finding.note or "", _place(number, material, position)),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_FINDINGS).values(row))
        except IntegrityError:  # somebody took the position
            return False
        return True

    def is_barred(self, person: Person) -> bool:
        """Tell whether a promise of somebody was found false, and is not mended."""
        index = self._index(person)
        if not index:
            return False
        noted = select(_FINDINGS.c.number, _FINDINGS.c.material, _FINDINGS.c.found).join(_DUES, _OF_DUE)
        with self._engine.connect() as connection:
            rows = connection.execute(noted.where(_DUES.c.holder == index).order_by(_FINDINGS.c.position))
            last = {(number, material): found for number, material, found in rows}
        return Found.FALSE in last.values()

    def _index(self, person: Person) -> bytes:
        if self._vault is None:
            return b""
        code = unicodedata.normalize("NFKC", person.code).upper()
        return self._vault.blind_index(f"{person.code_type}:{code}", "dues.holder")

    def _sealed(self, note: str, place: Place) -> bytes:
        return b"" if self._vault is None else self._vault.encrypt(note.encode(), place)

    def _finding(self, row: Any) -> Finding:
        note: str | None = ""
        if row.note:
            try:
                note = self._open(row.note, _place(row.number, row.material, row.position))
            except EcertError:
                note = None
        return Finding(Found(row.found), datetime.fromisoformat(row.at), row.operator, note)

    def _open(self, sealed: bytes, place: Place) -> str | None:
        return None if self._vault is None else self._vault.decrypt(sealed, place).decode()


def _place(number: str, material: str, position: int) -> Place:
    return Place("findings", f"{number}/{material}/{position}", "note")


def _follow_up(row: Any, findings: Iterable[Finding] = ()) -> FollowUp:
    due = Due(row.material, Settled(row.settled), date.fromisoformat(row.by))
    return FollowUp(row.number, row.matter, row.name, due, tuple(findings))
