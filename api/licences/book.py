"""Licences found again: by the opaque key that addresses carry, or by what is known of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, or_, select

from api.at_rest import SUMMARY, Summary
from api.audit import AuditBook
from api.cursors import no_cursor, read_cursor, read_instant, write_cursor
from api.decisions import event_of
from api.indexing import series
from api.licences.standing import Standing, standing, stands
from api.schema import decisions
from api.scoping import within
from api.service_schema import data_keys, deciders, licences
from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.validity import CHINA
from ecert.revocation import State, state_at

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row

    from api.access.permissions import Scope
    from api.ledger import SqlLedger
    from ecert.ports import Decision

MOST: Final = 100
"""The most licences on one page of what was found."""
_CURSOR: Final = re.compile(r"(\d{1,16}) ([!-~]{1,128})", re.ASCII)
_QUERY: Final = select(licences, data_keys.c.key.label("data_key")).outerjoin(
    data_keys, data_keys.c.identifier == licences.c.identifier
)


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as the ledger lists it.

    Attributes:
        key: Names it in addresses.
        identifier: 证照标识.
        department: USCC of who issued it.
        summary: What it says in short; None where it was erased.
        effective: The first day in force.
        expiring: The last; None for 长期.
        issued_at: When it was sealed.
        standing: What it is now.
        paper_serial: 纸质证照印制号; empty where there is no paper.
        operator: Who issued it.
        batch: The batch that it came with; None where with none.
    """

    key: str
    identifier: Identifier
    department: str
    summary: Summary | None
    effective: date
    expiring: date | None
    issued_at: datetime
    standing: Standing
    paper_serial: str
    operator: str
    batch: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What licences are looked for; an empty text and None ask nothing.

    Attributes:
        number: The whole 证照编号.
        holder_code: The whole 持证主体代码.
        type_code: 证照类型代码.
        standing: What they are now.
        issued_from: The first day, in China, on which they were sealed.
        issued_to: The last.
    """

    number: str = ""
    holder_code: str = ""
    type_code: str = ""
    standing: Standing | None = None
    issued_from: date | None = None
    issued_to: date | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision about a licence, with who took it.

    Attributes:
        decision: What was decided.
        operator: Who proposed it; empty where it came from the command line.
        reviewer: Who approved it; empty where nobody had to.
    """

    decision: Decision
    operator: str
    reviewer: str


class LicenceBook:
    """The licences of one ledger, as somebody may see them."""

    def __init__(self, ledger: SqlLedger, scope: Scope, now: datetime) -> None:
        """Look at `now`, no further than `scope` reaches."""
        self._ledger, self._scope, self._now = ledger, scope, now

    def find(self, key: str) -> Licence:
        """Return the licence of a key.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; there is none, or it is another department's.
        """
        row = self._ledger.database.row(_QUERY.where(licences.c.key == key, within(self._scope, licences.c.department)))
        if row is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no licence of yours has this key")
        return self._licence(row)

    def versions(self, licence: Licence) -> list[Licence]:
        """Return all versions of the same licence, the newest first."""
        mine = licences.c.series == series(licence.identifier), within(self._scope, licences.c.department)
        rows = self._ledger.database.run(_QUERY.where(*mine).order_by(licences.c.version.desc())).all()
        return [self._licence(row) for row in rows]

    def rulings(self, licence: Licence) -> list[Ruling]:
        """Return what was decided about a licence, in the order in which it was."""
        mine = decisions.c.identifier == licence.identifier.text
        query = select(deciders.c.operator, deciders.c.reviewer).select_from(decisions.outerjoin(deciders))
        rows = self._ledger.database.run(query.where(mine).order_by(decisions.c.number)).all()
        taken = self._ledger.history(licence.identifier)
        return [Ruling(one, row.operator or "", row.reviewer or "") for one, row in zip(taken, rows, strict=True)]

    def search(self, asked: Question, cursor: str, limit: int) -> tuple[list[Licence], str]:
        """Return what was asked for, the newest first, and where the next page begins; "" after the last.

        Args:
            asked: What is looked for.
            cursor: As returned before; "" for the first page.
            limit: The most licences, at most `MOST`.

        Raises:
            EcertError: USAGE; the cursor is none.
        """
        query = _QUERY.where(within(self._scope, licences.c.department), *self._conditions(asked))
        if cursor:
            at, identifier = _read(cursor)
            same = and_(licences.c.issued_at == at, licences.c.identifier < identifier)
            query = query.where(or_(licences.c.issued_at < at, same))
        query = query.order_by(licences.c.issued_at.desc(), licences.c.identifier.desc())
        rows = self._ledger.database.run(query.limit(min(limit, MOST) + 1)).all()
        page = rows[: min(limit, MOST)]
        following = _write(page[-1]) if len(rows) > len(page) else ""
        return [self._licence(row) for row in page], following

    def look_up(self, asked: Question, cursor: str, limit: int) -> tuple[list[Licence], str]:
        """Search for a caller: as `search`; that a person was looked up is logged, by the blind index of their number.

        Raises:
            EcertError: USAGE; the cursor is none.
        """
        found = self.search(asked, cursor, limit)
        if asked.holder_code and not cursor:
            index = self._ledger.at_rest.holder_index(asked.holder_code)
            self._log("licence.search", f"holder:{index.hex()}", found=len(found[0]))
        return found

    def note_use(self, action: str, identifier: Identifier, **details: str | int) -> None:
        """Write to the audit log that somebody looked at a licence."""
        self._log(action, identifier.text, **details)

    def _log(self, action: str, thing: str, **details: str | int) -> None:
        with self._ledger.database.transaction():
            AuditBook(self._ledger.database).record(action, thing, self._now, details=details)

    def _conditions(self, asked: Question) -> list[ColumnElement[bool]]:
        at_rest, found = self._ledger.at_rest, []
        if asked.number:
            found.append(licences.c.number_index == at_rest.number_index(asked.number))
        if asked.holder_code:
            found.append(licences.c.holder_index == at_rest.holder_index(asked.holder_code))
        if asked.type_code:
            found.append(licences.c.type_code == asked.type_code)
        if asked.standing is not None:
            found.append(stands(asked.standing, self._now))
        if asked.issued_from is not None:
            found.append(licences.c.issued_at >= _midnight(asked.issued_from))
        if asked.issued_to is not None:
            found.append(licences.c.issued_at <= _last_instant(asked.issued_to))
        return found

    def _licence(self, row: Row[Any]) -> Licence:
        summary = None
        if row.summary is not None and row.data_key is not None:
            lock = self._ledger.at_rest.unlock(row.identifier, row.data_key)
            summary = Summary.decode(lock.open(SUMMARY, row.summary))
        identifier = parse_identifier(row.identifier)
        return Licence(
            key=row.key,
            identifier=identifier,
            department=row.department,
            summary=summary,
            effective=row.effective,
            expiring=row.expiring,
            issued_at=row.issued_at,
            standing=standing(self._state(row, identifier), row.effective, row.expiring, self._now),
            paper_serial=row.paper_serial,
            operator=row.operator,
            batch=row.batch,
        )

    def _state(self, row: Row[Any], identifier: Identifier) -> State:
        """Return what was decided for now; where the last decision is for later, the log knows what came before."""
        if row.since > self._now:
            return state_at([event_of(one) for one in self._ledger.history(identifier)], self._now)[0]
        return State.VALID if row.until is not None and row.until <= self._now else State(row.state)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


def _last_instant(day: date) -> datetime:
    return datetime.combine(day, time.max, CHINA)


def _write(row: Row[Any]) -> str:
    return write_cursor(row.issued_at, row.identifier)


def _read(cursor: str) -> tuple[datetime, str]:
    """Read a cursor.

    Raises:
        EcertError: USAGE; it is none.
    """
    found = read_cursor(cursor, _CURSOR)
    try:
        return read_instant(found[1]), parse_identifier(found[2]).text
    except MalformedError as error:
        raise no_cursor() from error
