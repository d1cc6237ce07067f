"""Licences whose time has come are erased: their keys are forgotten, and nothing personal of them opens any more.

What is of record stays, unreadable: the sealed record and the file are encrypted (`api.at_rest`). The face that the
printed code carries stays as it is, with the name masked as its type says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, or_, select, update

from api.audit import AuditBook, Deed
from api.catalogue.sharing import Sharing
from api.catalogue.states import TypeState
from api.lifecycle.proposals import ProposalState
from api.service_schema import consents, data_keys, licences, proposals, types
from ecert.licence.validity import china_day
from ecert.revocation import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.database import Database

_AT_ONCE: Final = 500
REQUESTS_KEPT: Final = timedelta(days=400)
"""How long requests to holders are kept: longer than any grant lasts."""
"""Licences erased in one transaction."""
_ENDED: Final = [state.value for state in State if state.ends]


@dataclass(frozen=True, slots=True)
class Due:
    """Licences of one type that are to be erased.

    Attributes:
        type_code: 证照类型代码.
        days: How long after its end a licence of the type is kept.
        identifiers: Which, by 证照标识.
    """

    type_code: str
    days: int
    identifiers: tuple[str, ...]


def find_due(database: Database, now: datetime) -> list[Due]:
    """Return what is to be erased, by type; a type that says nothing of it keeps its licences."""
    kept = dict(_retention(database))
    found = ((code, days, _identifiers(database, code, now - timedelta(days=days))) for code, days in kept.items())
    return [Due(code, days, identifiers) for code, days, identifiers in found if identifiers]


def _retention(database: Database) -> Iterator[tuple[str, int]]:
    """Return type → days, by the newest version that was ever published; of those that have a limit."""
    public = types.c.state.in_((TypeState.PUBLISHED.value, TypeState.DISABLED.value))
    rows = database.run(select(types.c.code, types.c.sharing).where(public).order_by(types.c.code, types.c.version))
    newest = {row.code: Sharing.model_validate_json(row.sharing).retention_days for row in rows.all()}
    return ((code, days) for code, days in newest.items() if days is not None)


def _identifiers(database: Database, type_code: str, cutoff: datetime) -> tuple[str, ...]:
    known = licences.join(data_keys, data_keys.c.identifier == licences.c.identifier)
    due = and_(licences.c.type_code == type_code, _over(cutoff))
    query = select(licences.c.identifier).select_from(known).where(due).order_by(licences.c.identifier)
    return tuple(database.run(query).scalars())


def _over(cutoff: datetime) -> ColumnElement[bool]:
    """Return what holds of licences that had ended by `cutoff`: by a decision, or by their last day."""
    decided = and_(licences.c.state.in_(_ENDED), licences.c.since <= cutoff)
    return or_(decided, and_(licences.c.expiring.is_not(None), licences.c.expiring < china_day(cutoff)))


def erase(database: Database, due: Due, now: datetime) -> None:
    """Erase licences: in steps, each whole or not at all; cut off in between, the rest is still due."""
    for start in range(0, len(due.identifiers), _AT_ONCE):
        some = due.identifiers[start : start + _AT_ONCE]
        with database.transaction():
            database.run(delete(data_keys).where(data_keys.c.identifier.in_(some)))
            nothing = {"number_index": None, "holder_index": None, "summary": None}
            database.run(update(licences).where(licences.c.identifier.in_(some)).values(**nothing))
            _empty_proposals(database, some, now)
            details: dict[str, str | int] = {"type": due.type_code, "days": due.days}
            deeds = [Deed("licence.erase", one, now, details=details) for one in some]
            AuditBook(database).record_all(deeds)


def forget_requests(database: Database, now: datetime) -> None:
    """Forget requests to holders that were made so long ago that no grant of them holds."""
    with database.transaction():
        database.run(delete(consents).where(consents.c.asked_at < now - REQUESTS_KEPT))


def _empty_proposals(database: Database, identifiers: tuple[str, ...], now: datetime) -> None:
    """Forget what was proposed about licences, and let what still waits lapse."""
    about = proposals.c.identifier.in_(identifiers)
    lapsed = {"state": ProposalState.LAPSED.value, "decided_at": now}
    database.run(update(proposals).where(about, proposals.c.state == ProposalState.OPEN.value).values(**lapsed))
    database.run(update(proposals).where(about).values(content=b""))
