"""Whose an entry of the audit log is: what a department did, and what was done to what is the department's.

An entry about a licence belongs to the department that its identifier names; one about a caller to the caller's; any
other to that of whoever did it. What nobody of a department did, to nothing of a department, is the region's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from api.service_schema import callers
from ecert.licence.identifier import OID_ROOT

if TYPE_CHECKING:
    from api.database import Database

_LICENCE: Final = re.compile(re.escape(OID_ROOT) + r"\.[0-9A-Z]{21}\.([0-9A-Z]{18})\.")
_CALLER: Final = re.compile(r"(?:system|operator)-[0-9a-f]{16}")


class Owners:
    """Finds the department of entries; asks for every caller once."""

    def __init__(self, database: Database) -> None:
        """Look callers up in `database`."""
        self._db = database
        self._known: dict[str, str | None] = {}

    def of(self, who: str, thing: str) -> str | None:
        """Return the USCC of the department that an entry belongs to."""
        licence = _LICENCE.match(thing)
        return licence[1] if licence else self._department(thing) or self._department(who)

    def _department(self, name: str) -> str | None:
        if not _CALLER.fullmatch(name):
            return None
        if name not in self._known:
            row = self._db.row(select(callers.c.department).where(callers.c.id == name))
            self._known[name] = None if row is None else row.department
        return self._known[name]
