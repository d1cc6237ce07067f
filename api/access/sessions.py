"""Sessions of operators: who has signed in, until when, and what their forms must carry.

The browser holds an opaque token; the ledger holds its digest alone, so that nobody who reads the ledger can enter by
it. A session ends when it was not used for `IDLE`, in any case after `LONGEST`, and with its caller's access. Every
sign-in makes a new one: a token known from before is worth nothing afterwards.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from api.access.callers import Caller, CallerBook
from api.audit import AuditBook
from api.service_schema import sessions
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from api.database import Database

IDLE: Final = timedelta(minutes=30)
"""How long a session lasts that is not used."""
LONGEST: Final = timedelta(hours=10)
"""How long it lasts at most: a working day."""
_EXACT: Final = timedelta(minutes=1)
"""How exact `used_at` is: not every page writes."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in operator.

    Attributes:
        caller: Who it is.
        token: What the browser holds.
    """

    caller: Caller
    token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """What every form of this session carries: it follows from the token, and not from what the ledger holds."""
        return sm3(b"forms of " + self.token.encode("ascii")).hex()


class SessionBook:
    """The sessions of one region's console."""

    def __init__(self, database: Database, region: str) -> None:
        """Keep them in `database`, whose `actor` signs in and out."""
        self._db = database
        self._callers = CallerBook(database, region)
        self._audit = AuditBook(database)

    def begin(self, caller: str, now: datetime, *, instead_of: str = "") -> str:
        """Begin a session.

        Args:
            caller: Who signed in, by identifier.
            now: Aware.
            instead_of: The token that the browser held before; its session ends.

        Returns:
            What the browser is to hold.
        """
        token = secrets.token_urlsafe(32)
        with self._db.transaction():
            over = (sessions.c.until <= now) | (sessions.c.used_at <= now - IDLE)
            self._db.run(delete(sessions).where(over | (sessions.c.token == _digest(instead_of))))
            row = {"token": _digest(token), "caller": caller, "at": now, "until": now + LONGEST, "used_at": now}
            self._db.add(sessions, [row])
            self._callers.seen(caller, now)
            self._audit.record("session.begin", caller, now)
        return token

    def find(self, token: str, now: datetime) -> Session | None:
        """Return the session of a token, while it lasts."""
        if not _TOKEN.fullmatch(token):
            return None
        this = sessions.c.token == _digest(token)
        row = self._db.row(select(sessions).where(this, sessions.c.until > now, sessions.c.used_at > now - IDLE))
        caller = None if row is None else self._callers.find(row.caller)
        if row is None or caller is None or caller.ended_at is not None:
            return None
        if now - row.used_at > _EXACT:
            self._db.run(update(sessions).where(this).values(used_at=now))
        return Session(caller, token)

    def end(self, session: Session, now: datetime) -> None:
        """End a session: its operator signs out."""
        with self._db.transaction():
            self._db.run(delete(sessions).where(sessions.c.token == _digest(session.token)))
            self._audit.record("session.end", session.caller.principal.id, now)


def _digest(token: str) -> bytes:
    return sm3(token.encode("utf-8"))
