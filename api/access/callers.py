"""Who may call the service, as the ledger keeps it: systems by their key, operators by their identity at a provider."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from api.access.principals import Kind, Principal, Role
from api.audit import AuditBook
from api.service_schema import callers
from ecert.errors import EcertError, NotFoundError, Reason
from ecert.licence.codes import check_credit_code
from ecert.sm2 import PublicKey
from ecert.x509 import pem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from api.database import Database

MAX_NAME: Final = 64
"""The longest name of a caller in characters."""
MAX_PUBLIC_KEY: Final = 1024
"""The longest public key in bytes of DER."""


def public_key_of(data: bytes | str) -> PublicKey:
    """Read the SM2 key of a system, one PEM block `PUBLIC KEY`.

    Raises:
        MalformedError: it is none.
    """
    return PublicKey.from_spki(
        pem.decode(data, ("PUBLIC KEY",), limit=MAX_PUBLIC_KEY, reason=Reason.KEY_FILE_MALFORMED)
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """One registered caller.

    Attributes:
        principal: Who it is, and what it may do.
        key: The key a system signs with; None for an operator.
        rate: Requests a minute.
        at: When it was registered.
        ended_at: When its access ended; None while it may call.
        seen_at: When it last did, to ten minutes or so.
        issuer: The provider that an operator signs in at; empty for a system.
        subject: The provider's name for them.
    """

    principal: Principal
    key: PublicKey | None
    rate: int
    at: datetime
    ended_at: datetime | None
    seen_at: datetime | None
    issuer: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """Somebody to be registered.

    Attributes:
        name: For people and the log, at most 64 characters.
        department: USCC; None for those of the region itself.
        roles: What they are there for.
        rate: Requests a minute.
    """

    name: str
    department: str | None
    roles: frozenset[Role]
    rate: int

    def check(self) -> None:
        """Require that it makes sense.

        Raises:
            EcertError: USAGE; it does not.
        """
        if not 0 < len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise EcertError(Reason.USAGE, f"a name has 1 to {MAX_NAME} printable characters")
        if self.department is not None and check_credit_code(self.department):
            raise EcertError(Reason.USAGE, f"{self.department} is not a credit code")
        if self.department is not None and Role.REGION_OPERATOR in self.roles:
            raise EcertError(Reason.USAGE, "the region's operators are of no department")
        if not self.roles or (self.department is None and any(role.of_department for role in self.roles)):
            raise EcertError(Reason.USAGE, "a caller has roles, and most of them only within a department")


class CallerBook:
    """The callers of one region."""

    def __init__(self, database: Database, region: str) -> None:
        """Read and write in `database`."""
        self._db, self._region = database, region
        self._audit = AuditBook(database)

    def register_system(self, new: Application, key: PublicKey, now: datetime) -> Caller:
        """Register a system.

        Raises:
            EcertError: USAGE; its key is registered already, or as `Application.check`.
        """
        name = key.key_id.hex()
        if self._db.row(select(callers.c.id).where(callers.c.key_id == name)):
            raise EcertError(Reason.USAGE, "this key is another caller's, or was one's: every system has its own")
        return self._register(Kind.SYSTEM, new, now, {"key_id": name, "public_key": key.point})

    def register_operator(self, new: Application, issuer: str, subject: str, now: datetime) -> Caller:
        """Register a person, by who they are at an identity provider.

        Raises:
            EcertError: USAGE; they are registered already, or as `Application.check`.
        """
        who = {"issuer": issuer, "subject": subject}
        if self._db.row(select(callers.c.id).where(callers.c.issuer == issuer, callers.c.subject == subject)):
            raise EcertError(Reason.USAGE, "this person is registered already")
        return self._register(Kind.OPERATOR, new, now, who)

    def _register(self, kind: Kind, new: Application, now: datetime, who: dict[str, Any]) -> Caller:
        new.check()
        name = f"{kind.value}-{secrets.token_hex(8)}"
        row = {"id": name, "kind": kind.value, "name": new.name, "department": new.department, "rate": new.rate}
        roles = " ".join(sorted(role.value for role in new.roles))
        with self._db.transaction():
            self._db.add(callers, [row | {"roles": roles, "at": now} | who])
            self._audit.record("caller.register", name, now, details={"roles": roles})
        return self.find(name)

    def end(self, name: str, now: datetime) -> None:
        """End a caller's access, for good.

        Raises:
            NotFoundError: there is no such caller.
        """
        with self._db.transaction():
            if self.find(name).ended_at is None:
                self._db.run(update(callers).where(callers.c.id == name).values(ended_at=now))
                self._audit.record("caller.end", name, now)

    def find(self, name: str) -> Caller:
        """Return a caller by its identifier, whether it may still call or not.

        Raises:
            NotFoundError: there is none.
        """
        found = self._one(callers.c.id == name)
        if found is None:
            raise NotFoundError(Reason.CALLER_UNKNOWN, f"no caller {name}")
        return found

    def by_key(self, key_id: str) -> Caller | None:
        """Return the system that signs with a key, by its id of 16 hex digits, while it may call."""
        return self._one((callers.c.key_id == key_id) & callers.c.ended_at.is_(None))

    def by_identity(self, issuer: str, subject: str) -> Caller | None:
        """Return the operator who is somebody at a provider, while they may sign in."""
        who = (callers.c.issuer == issuer) & (callers.c.subject == subject)
        return self._one(who & callers.c.ended_at.is_(None))

    def all(self) -> Iterable[Caller]:
        """Return everybody, in the order in which they were registered."""
        return [self._caller(row) for row in self._db.run(select(callers).order_by(callers.c.at, callers.c.id))]

    def page(self, after: str, limit: int) -> list[Caller]:
        """Return callers by identifier, those after one."""
        query = select(callers).where(callers.c.id > after).order_by(callers.c.id).limit(limit)
        return [self._caller(row) for row in self._db.run(query)]

    def seen(self, name: str, now: datetime) -> None:
        """Note that somebody called."""
        self._db.run(update(callers).where(callers.c.id == name).values(seen_at=now))

    def _one(self, condition: ColumnElement[bool]) -> Caller | None:
        row = self._db.row(select(callers).where(condition))
        return None if row is None else self._caller(row)

    def _caller(self, row: Row[Any]) -> Caller:
        roles = frozenset(map(Role, row.roles.split()))
        who = Principal(row.id, Kind(row.kind), row.name, self._region, row.department, roles)
        key = None if row.public_key is None else PublicKey.from_point(row.public_key)
        return Caller(who, key, row.rate, row.at, row.ended_at, row.seen_at, row.issuer or "", row.subject or "")


def names_of(database: Database, identifiers: Iterable[str]) -> dict[str, str]:
    """Return identifier → name, of those that are registered callers."""
    query = select(callers.c.id, callers.c.name).where(callers.c.id.in_(list(identifiers)))
    return {row.id: row.name for row in database.run(query)}
