"""What a licence is on a day: the last decision about it, and its own days."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_

from api.service_schema import licences
from ecert.licence.validity import china_day
from ecert.revocation import State

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement


class Standing(StrEnum):
    """What a licence is now. On the wire: append, never rename."""

    VALID = "valid"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    TRANSFERRED = "transferred"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


_OF_STATE: Final = {state: Standing(state.name.lower()) for state in State}
_DECIDED: Final = {standing: state for state, standing in _OF_STATE.items()}


def standing(state: State, effective: date, expiring: date | None, now: datetime) -> Standing:
    """Return what a licence is at `now` whose state was decided to be `state`; before its first day it is inactive."""
    today = china_day(now)
    if state is not State.VALID:
        return _OF_STATE[state]
    if expiring is not None and expiring < today:
        return Standing.EXPIRED
    return Standing.VALID if effective <= today else Standing.INACTIVE


def stands(wanted: Standing, now: datetime) -> ColumnElement[bool]:
    """Return what holds of licences that are `wanted` at `now`, by the last decision about them."""
    today = china_day(now)
    decided = and_(licences.c.since <= now, or_(licences.c.until.is_(None), licences.c.until > now))
    undecided = or_(licences.c.state == State.VALID.value, ~decided)
    over = and_(licences.c.expiring.is_not(None), licences.c.expiring < today)
    match wanted:
        case Standing.VALID:
            return and_(undecided, licences.c.effective <= today, ~over)
        case Standing.EXPIRED:
            return and_(undecided, over)
        case Standing.INACTIVE:
            early = and_(undecided, licences.c.effective > today, ~over)
            return or_(early, and_(licences.c.state == State.INACTIVE.value, decided))
        case _:
            return and_(licences.c.state == _DECIDED[wanted].value, decided)
