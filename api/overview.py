"""How things stand, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from api.licences.finding import in_force, within
from api.service_schema import licences
from ecert.revocation import State

if TYPE_CHECKING:
    from datetime import datetime

    from api.access.permissions import Scope
    from api.database import Database


@dataclass(frozen=True, slots=True)
class Counts:
    """How many licences there are: ever issued, valid now, revoked so far."""

    licences: int
    in_force: int
    revoked: int


def count_licences(database: Database, scope: Scope, now: datetime) -> Counts:
    """Count the licences that a caller may see."""
    mine = within(scope)
    every = select(func.count()).select_from(licences).where(mine)
    return Counts(
        database.number(every),
        database.number(every.where(in_force(now))),
        database.number(every.where(licences.c.state == State.REVOKED.value, licences.c.since <= now)),
    )
