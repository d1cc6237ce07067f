"""The audit log as auditors read it: the newest first, page by page, those of a department their department's alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, true

from api.schema import audit
from api.scoping import within
from api.service_schema import audit_index
from ecert.audit import AuditEntry
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.access.permissions import Scope
    from api.database import Database


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are looked for; what is left empty does not matter.

    Attributes:
        who: Who did it, by identifier.
        action: What was done.
        since: From when on.
        until: Until before when.
    """

    who: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what holds of them."""
        found = []
        if self.who:
            found.append(audit_index.c.who == self.who)
        if self.action:
            found.append(audit_index.c.action == self.action)
        if self.since:
            found.append(audit_index.c.at >= self.since)
        if self.until:
            found.append(audit_index.c.at < self.until)
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """An entry, and SM3 of its bytes."""

    entry: AuditEntry
    digest: bytes


def read_entries(database: Database, scope: Scope, wanted: Wanted, *, before: int, limit: int) -> list[Read]:
    """Return entries, the newest first.

    Args:
        database: The ledger's.
        scope: Whose.
        wanted: Which.
        before: They are numbered lower; 0 begins with the newest.
        limit: The most.
    """
    below = audit_index.c.number < before if before else true()
    query = (
        select(audit.c.entry)
        .join(audit_index, audit_index.c.number == audit.c.number)
        .where(within(scope, audit_index.c.department), below, *wanted.conditions())
        .order_by(audit_index.c.number.desc())
        .limit(limit)
    )
    return [Read(AuditEntry.decode(data), sm3(data)) for data in database.run(query).scalars()]


def count_entries(database: Database, scope: Scope) -> int:
    """Return how many entries there are."""
    if scope.department is None:
        return database.number(select(func.max(audit.c.number)))
    return database.number(select(func.count()).select_from(audit_index).where(within(scope, audit_index.c.department)))
