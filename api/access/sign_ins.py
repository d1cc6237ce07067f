"""Sign-ins under way: what the provider's answer is held against, kept until the browser comes back, and no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from api.access.oidc import SignIn
from api.service_schema import sign_ins
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from api.database import Database

PATIENCE: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""


class SignInBook:
    """The sign-ins of one region's console."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._db = database

    def begin(self, sign_in: SignIn, now: datetime) -> None:
        """Remember one; those that took too long are forgotten."""
        kept = {"state": _digest(sign_in.state), "nonce": sign_in.nonce, "verifier": sign_in.verifier}
        with self._db.transaction():
            self._db.run(delete(sign_ins).where(sign_ins.c.until <= now))
            self._db.add(sign_ins, [kept | {"until": now + PATIENCE}])

    def take(self, state: str, now: datetime) -> SignIn | None:
        """Return the one with a state; there is one answer to it, so that it is not known afterwards."""
        this = sign_ins.c.state == _digest(state)
        with self._db.transaction():
            row = self._db.row(select(sign_ins).where(this, sign_ins.c.until > now))
            self._db.run(delete(sign_ins).where(this))
        return None if row is None else SignIn(state, row.nonce, row.verifier)


def _digest(state: str) -> bytes:
    return sm3(state.encode("utf-8"))
