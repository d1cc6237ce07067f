"""The register of what a window accepted: a small SQLite file.

    acceptances   number (primary key), day, serial, case_id (unique: a case is accepted once), slip (JSON, masked),
                  receipt (signed, or not yet), signed, and what the statistics count
    files         number and position (primary key), name, title, digest (SM3), sealed: encrypted with the office's key

and what follows them, see `follow_ups`.

Nothing personal is in it but masked names, and files that are encrypted; without a key there are none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from ecert.errors import EcertError, NotFoundError, Reason
from ecert.licence.validity import china_day
from ecert.matter import AcceptanceNumber, Count, Settled
from ecert.sm2 import Place, sm3
from verifier.matters.follow_ups import TABLES, FollowUps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from pathlib import Path

    from ecert.matter import Acceptance
    from ecert.sm2 import Vault
    from verifier.matters.case_files import CaseFile

_TRIES: Final = 20
"""How often a serial that another process took meanwhile is drawn anew."""
PAGE: Final = 50
"""The most acceptances on one page."""

_WAIT: Final = 5000
"""Milliseconds to wait for another process's writing."""

_TABLES: Final = MetaData()
_ACCEPTANCES: Final = Table(
    "acceptances",
    _TABLES,
    Column("number", String(23), primary_key=True),
    Column("region", String(6), nullable=False),
    Column("day", String(10), nullable=False),
    Column("serial", Integer, nullable=False),
    Column("case_id", String(64), nullable=False, unique=True),
    Column("slip", String, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("signed", Boolean, nullable=False),
    Column("item_code", String(64), nullable=False),
    Column("matter", String(256), nullable=False),
    Column("department", String(256), nullable=False),
    Column("settled", String, nullable=False),
    UniqueConstraint("region", "day", "serial"),
)
_FILES: Final = Table(
    "files",
    _TABLES,
    Column("number", String(23), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("title", String(128), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
_HANDLED_IN: Final = func.json_extract(_ACCEPTANCES.c.slip, "$.case.matter.region")


@dataclass(frozen=True, slots=True)
class Entry:
    """An acceptance as it is put into the register.

    Attributes:
        acceptance: The acceptance.
        slip: What its slip says; nobody in it is named in full.
        receipt: Its verification receipt.
        signed: Whether that is signed.
        files: What is kept with it.
    """

    acceptance: Acceptance
    slip: dict[str, Any]
    receipt: bytes
    signed: bool
    files: tuple[CaseFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a case, by what is known without opening it.

    Attributes:
        position: Its place among the files of its case, from 1.
        name: In the case's package, e.g. `copies/1.ofd`.
        title: What it is, in words.
        digest: SM3 of what it holds, 32 bytes.
    """

    position: int
    name: str
    title: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Filed:
    """An acceptance as the register has it.

    Attributes:
        number: 受理凭证号.
        slip: What the slip says.
        receipt: The verification receipt.
        signed: Whether that is signed.
    """

    number: str
    slip: dict[str, Any]
    receipt: bytes
    signed: bool


class Register:
    """The register of one window, or of several processes that share the file."""

    def __init__(self, file: Path, vault: Vault | None) -> None:
        """Open the file, and make it where there is none.

        Args:
            file: A SQLite file.
            vault: Encrypts the files of cases; None: none are kept.

        Raises:
            EcertError: USAGE; it cannot be opened.
        """
        self._vault = vault
        self._engine = create_engine(f"sqlite:///{file}")
        event.listen(self._engine, "connect", _prepare)
        try:
            with self._engine.begin() as connection:
                for table in (*_TABLES.sorted_tables, *TABLES.sorted_tables):
                    _create(connection, table)
        except DBAPIError as error:
            raise EcertError(Reason.USAGE, f"the register {file} cannot be opened") from error
        self.follow_ups = FollowUps(self._engine, vault)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def accept(self, case_id: str, region: str, at: datetime, make: Callable[[AcceptanceNumber], Entry]) -> Filed:
        """File an acceptance under the next number of the day; the one there is, where the case was accepted before.

        Args:
            case_id: The case.
            region: Of the window, 6 digits.
            at: When, aware.
            make: Returns what is filed under a number.
        """
        for _ in range(_TRIES):
            found = self.of_case(case_id)
            if found is not None:
                return found
            entry = make(AcceptanceNumber(region, china_day(at), self._last(region, at) + 1))
            try:
                self._insert(case_id, entry)
            except IntegrityError:  # another process took the serial, or accepted the case
                continue
            return Filed(entry.acceptance.number.text, entry.slip, entry.receipt, entry.signed)
        raise TimeoutError("no serial could be taken: too many write at once")

    def _last(self, region: str, at: datetime) -> int:
        day = china_day(at).isoformat()
        newest = select(func.max(_ACCEPTANCES.c.serial)).where(
            _ACCEPTANCES.c.region == region, _ACCEPTANCES.c.day == day
        )
        with self._engine.connect() as connection:
            return int(connection.scalar(newest) or 0)

    def _insert(self, case_id: str, entry: Entry) -> None:
        count, number = Count.of(entry.acceptance), entry.acceptance.number
        row = {
            "number": number.text,
            "region": number.region,
            "day": number.day.isoformat(),
            "serial": number.serial,
            "case_id": case_id,
            "slip": json.dumps(entry.slip, ensure_ascii=False),
            "receipt": entry.receipt,
            "signed": entry.signed,
            "item_code": count.item_code,
            "matter": count.matter,
            "department": count.department,
            "settled": ",".join(one.value for one in count.settled),
        }
        files = self._sealed(number.text, entry.files)
        with self._engine.begin() as connection:
            connection.execute(insert(_ACCEPTANCES).values(row))
            if files:
                connection.execute(insert(_FILES), files)
            self.follow_ups.put(connection, entry.acceptance)

    def _sealed(self, number: str, files: tuple[CaseFile, ...]) -> list[dict[str, Any]]:
        vault = self._vault
        if vault is None:
            return []
        return [
            {
                "number": number,
                "position": position,
                "name": one.name,
                "title": one.title,
                "digest": sm3(one.data),
                "sealed": vault.encrypt(one.data, _place(number, position)),
            }
            for position, one in enumerate(files, 1)
        ]

    def listed(self, number: str) -> list[Listed]:
        """Return what is kept with an acceptance."""
        wanted = select(_FILES.c.position, _FILES.c.name, _FILES.c.title, _FILES.c.digest)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted.where(_FILES.c.number == number).order_by(_FILES.c.position))
            return [Listed(*row) for row in rows]

    def open(self, number: str, position: int) -> tuple[Listed, bytes]:
        """Return a file of an acceptance, and what it holds.

        Raises:
            NotFoundError: CASE_UNKNOWN; there is no such file, or no key to open it with.
            EcertError: it was altered, or is under another key.
        """
        wanted = select(_FILES).where(_FILES.c.number == number, _FILES.c.position == position)
        with self._engine.connect() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None or self._vault is None:
            raise NotFoundError(Reason.CASE_UNKNOWN, "")
        data = self._vault.decrypt(row.sealed, _place(number, position))
        return Listed(row.position, row.name, row.title, row.digest), data

    def of_case(self, case_id: str) -> Filed | None:
        """Return the acceptance of a case; None where it was not accepted."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_ACCEPTANCES).where(_ACCEPTANCES.c.case_id == case_id)).one_or_none()
        return None if row is None else _filed(row)

    def find(self, number: str) -> Filed:
        """Return an acceptance.

        Raises:
            NotFoundError: CASE_UNKNOWN; there is none of this number.
        """
        with self._engine.connect() as connection:
            row = connection.execute(select(_ACCEPTANCES).where(_ACCEPTANCES.c.number == number)).one_or_none()
        if row is None:
            raise NotFoundError(Reason.CASE_UNKNOWN, "")
        return _filed(row)

    def recent(self, before: AcceptanceNumber | None = None) -> list[Filed]:
        """Return the newest acceptances, one more than `PAGE` where there are; those before one where it is given."""
        order = tuple_(_ACCEPTANCES.c.day, _ACCEPTANCES.c.serial, _ACCEPTANCES.c.number)
        newest = select(_ACCEPTANCES).order_by(*(one.desc() for one in order)).limit(PAGE + 1)
        if before is not None:
            newest = newest.where(order < (before.day.isoformat(), before.serial, before.text))
        with self._engine.connect() as connection:
            return [_filed(row) for row in connection.execute(newest)]

    def unsigned(self) -> list[Filed]:
        """Return what waits for its signature, oldest first."""
        waiting = select(_ACCEPTANCES).where(~_ACCEPTANCES.c.signed).order_by(_ACCEPTANCES.c.day, _ACCEPTANCES.c.serial)
        with self._engine.connect() as connection:
            return [_filed(row) for row in connection.execute(waiting)]

    def sign(self, number: str, receipt: bytes) -> None:
        """Put a signed receipt in the place of one that waited."""
        change = update(_ACCEPTANCES).where(_ACCEPTANCES.c.number == number, ~_ACCEPTANCES.c.signed)
        with self._engine.begin() as connection:
            connection.execute(change.values(receipt=receipt, signed=True))

    def counts(self, since: date | None = None, until: date | None = None) -> list[Count]:
        """Return what the statistics count, of the days from `since` to `until`, both included."""
        columns = [_ACCEPTANCES.c[name] for name in ("item_code", "matter", "department", "region")]
        wanted = select(*columns, _HANDLED_IN, _ACCEPTANCES.c.settled)
        if since is not None:
            wanted = wanted.where(_ACCEPTANCES.c.day >= since.isoformat())
        if until is not None:
            wanted = wanted.where(_ACCEPTANCES.c.day <= until.isoformat())
        with self._engine.connect() as connection:
            return [_count(row) for row in connection.execute(wanted)]


def _place(number: str, position: int) -> Place:
    return Place("files", f"{number}/{position}", "sealed")


def _count(row: Any) -> Count:
    item_code, matter, department, region, handled_in, settled = row
    return Count(item_code, matter, department, region, handled_in, tuple(map(Settled, settled.split(","))))


def _filed(row: Any) -> Filed:
    return Filed(row.number, json.loads(row.slip), row.receipt, row.signed)


def _create(connection: Connection, table: Table) -> None:
    """Make a table where there is none; several processes may open a new file at once."""
    connection.execute(CreateTable(table, if_not_exists=True))
    for index in table.indexes:
        connection.execute(CreateIndex(index, if_not_exists=True))


def _prepare(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_WAIT}", "journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
