"""Conditions that licences are found by; whose they are stands in every one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, true

from api.service_schema import licences
from ecert.licence.validity import china_day
from ecert.revocation import State

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.access.permissions import Scope


def within(scope: Scope) -> ColumnElement[bool]:
    """Return what holds of licences that a caller may touch; of all others they learn nothing, not that they exist."""
    return true() if scope.department is None else licences.c.department == scope.department


def in_force(now: datetime) -> ColumnElement[bool]:
    """Return what holds of licences that are valid at `now`, by the last decision about them and by their days."""
    today = china_day(now)
    decided = or_(
        licences.c.state == State.VALID.value,
        licences.c.since > now,
        and_(licences.c.until.is_not(None), licences.c.until <= now),
    )
    return and_(
        decided, licences.c.effective <= today, or_(licences.c.expiring.is_(None), licences.c.expiring >= today)
    )
