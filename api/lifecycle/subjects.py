"""A licence as something is decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from api.decisions import event_of
from api.lifecycle.actions import Condition
from api.schema import decisions
from api.scoping import within
from api.service_schema import licences
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.validity import china_day
from ecert.revocation import ReasonCode, State, state_at
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement

    from api.access.permissions import Scope
    from api.ledger import SqlLedger
    from ecert.ports import Decision

_TAG_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Subject:
    """One version of a licence, and all that was decided about it.

    Attributes:
        key: Names it in addresses.
        identifier: 证照标识.
        department: USCC of who issued it.
        effective: The first day in force.
        expiring: The last; None for 长期.
        issued_at: When it was sealed.
        paper_serial: 纸质证照印制号; empty where none is known.
        history: What was decided, oldest first.
        etag: Changes with every decision about it.
    """

    key: str
    identifier: Identifier
    department: str
    effective: date
    expiring: date | None
    issued_at: datetime
    paper_serial: str
    history: tuple[Decision, ...]
    etag: str

    def condition(self, at: datetime) -> Condition:
        """Return what it is at an instant, by what is decided up to now."""
        state, event = state_at(list(map(event_of, self.history)), at)
        if state.ends:
            return Condition.ENDED
        if state is State.SUSPENDED:
            lost = event is not None and event.reason_code is ReasonCode.LOST
            return Condition.LOST if lost else Condition.SUSPENDED
        if state is State.INACTIVE:
            return Condition.INACTIVE
        return Condition.EXPIRED if self.expiring and self.expiring < china_day(at) else Condition.VALID

    def meets(self, since: datetime, now: datetime) -> Condition:
        """Return what it is when a decision that takes effect at `since` meets it: after all that is due before."""
        return self.condition(max(now, since, *(one.since for one in self.history)))

    def again(self, ledger: SqlLedger) -> Subject:
        """Return it as it is now, within a transaction: nothing was decided meanwhile.

        Raises:
            IssuanceError: LEDGER_CONFLICT; something was.
        """
        found = reload(ledger, self.identifier.text)
        if found.etag != self.etag:
            raise IssuanceError(
                Reason.LEDGER_CONFLICT, "something was decided about the licence at the same time: look at it again"
            )
        return found


def find_subject(ledger: SqlLedger, scope: Scope, key: str) -> Subject:
    """Return the licence of a key.

    Raises:
        NotFoundError: LICENCE_NOT_FOUND; there is none, or it is another department's.
    """
    return _subject(ledger, (licences.c.key == key) & within(scope, licences.c.department))


def reload(ledger: SqlLedger, identifier: str) -> Subject:
    """Return a licence, known to be there, as it is now."""
    return _subject(ledger, licences.c.identifier == identifier)


def _subject(ledger: SqlLedger, which: ColumnElement[bool]) -> Subject:
    last = select(func.max(decisions.c.number)).where(decisions.c.identifier == licences.c.identifier)
    row: Any = ledger.database.row(select(licences, last.scalar_subquery().label("last")).where(which))
    if row is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no licence of yours has this key")
    identifier = parse_identifier(row.identifier)
    return Subject(
        key=row.key,
        identifier=identifier,
        department=row.department,
        effective=row.effective,
        expiring=row.expiring,
        issued_at=row.issued_at,
        paper_serial=row.paper_serial,
        history=ledger.history(identifier),
        etag=sm3(f"{row.identifier} {row.last or 0}".encode()).hex()[:_TAG_LENGTH],
    )
