"""How things stand, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, select

from api.batches.states import BatchState
from api.licences.standing import Standing, stands
from api.lifecycle.proposals import ProposalState
from api.scoping import within
from api.service_schema import batches, licences, proposals
from ecert.licence.validity import CHINA, china_day
from ecert.revocation import State

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from api.access.permissions import Scope
    from api.database import Database

DAYS: Final = 30
"""How many days a chart shows."""
SOON_DAYS: Final = 30
"""How near the end of a licence counts as soon."""
_BUSY: Final = (BatchState.VALIDATING, BatchState.RUNNING)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many licences there are: ever issued, valid now, revoked so far."""

    licences: int
    in_force: int
    revoked: int


@dataclass(frozen=True, slots=True)
class Overview:
    """How things stand, for somebody.

    Attributes:
        expiring_soon: Valid licences that end within `SOON_DAYS`.
        waiting: Proposals that wait for a review.
        batches_running: Batches being validated or issued.
        per_day: Days in China, and how many licences were issued on each, the oldest first.
        by_type: Type codes, and how many licences there are of each, the most first.
        by_standing: What licences are now, and how many; without those that none is.
    """

    expiring_soon: int
    waiting: int
    batches_running: int
    per_day: tuple[tuple[date, int], ...]
    by_type: tuple[tuple[str, int], ...]
    by_standing: tuple[tuple[Standing, int], ...]


def count_licences(database: Database, scope: Scope, now: datetime) -> Counts:
    """Count the licences that a caller may see."""
    mine = within(scope, licences.c.department)
    every = select(func.count()).select_from(licences).where(mine)
    return Counts(
        database.number(every),
        database.number(every.where(stands(Standing.VALID, now))),
        database.number(every.where(licences.c.state == State.REVOKED.value, licences.c.since <= now)),
    )


def look(database: Database, scope: Scope, now: datetime) -> Overview:
    """Return how things stand of what a caller may see."""
    mine, today = within(scope, licences.c.department), china_day(now)
    soon = select(func.count()).select_from(licences).where(mine, stands(Standing.VALID, now))
    types = select(licences.c.type_code, func.count().label("licences")).where(mine).group_by(licences.c.type_code)
    counted = database.run(types.order_by(func.count().desc(), licences.c.type_code)).all()
    return Overview(
        expiring_soon=database.number(soon.where(licences.c.expiring <= today + timedelta(days=SOON_DAYS))),
        waiting=_number(database, proposals, scope, proposals.c.state == ProposalState.OPEN),
        batches_running=_number(database, batches, scope, batches.c.state.in_(_BUSY)),
        per_day=_per_day(database, mine, today),
        by_type=tuple((row.type_code, row.licences) for row in counted),
        by_standing=_by_standing(database, mine, now),
    )


def _number(database: Database, table: Any, scope: Scope, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(condition)
    return database.number(query.where(within(scope, table.c.department)))


def _per_day(database: Database, mine: ColumnElement[bool], today: date) -> tuple[tuple[date, int], ...]:
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    bounds = [datetime.combine(day, time(), CHINA).astimezone(UTC) for day in (*days, today + timedelta(days=1))]
    at = licences.c.issued_at
    counts = [func.count().filter(and_(at >= bounds[n], at < bounds[n + 1])) for n in range(DAYS)]
    row = database.run(select(*counts).select_from(licences).where(mine, at >= bounds[0])).one()
    return tuple(zip(days, row, strict=True))


def _by_standing(database: Database, mine: ColumnElement[bool], now: datetime) -> tuple[tuple[Standing, int], ...]:
    counts = [func.count().filter(stands(one, now)) for one in Standing]
    row = database.run(select(*counts).select_from(licences).where(mine)).one()
    return tuple((one, count) for one, count in zip(Standing, row, strict=True) if count)
