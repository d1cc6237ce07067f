"""Sessions of holders: who has signed in on a phone, for whom they act, and which code they show.

They are not operators' sessions (`api.access.sessions`), and neither opens what is the other's. The phone holds an
opaque token; the ledger holds its digest, and who it is encrypted with the ledger's key. An app that signed somebody
in through a browser is handed a code first, good once and for a minute, and only together with the verifier whose
challenge it sent (RFC 7636): whoever reads the address that the browser went to has nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import delete, select, update

from api.audit import AuditBook
from api.service_schema import holder_sessions
from api.showing.bodies import ShowBody, ShowingBody
from api.showing.holders import Holder
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.sm2 import Place, sm3

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from api.ledger import SqlLedger

IDLE: Final = timedelta(minutes=30)
"""How long a session lasts that is not used."""
LONGEST: Final = timedelta(hours=12)
"""How long it lasts at most."""
EXCHANGE: Final = timedelta(minutes=1)
"""How long an app may take to exchange its code."""
MAX_ORGANISATIONS: Final = 32
"""The most organisations that somebody acts for."""
REQUESTS_A_MINUTE: Final = 240
"""How many requests one session may make: a phone asks every other second whether its code was taken."""
_EXACT: Final = timedelta(minutes=1)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url, as a challenge of S256 is written."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a phone shows at the moment: which region's code, and what it was made of, so that it can be made anew."""

    region: str
    showing: ShowingBody
    asked: ShowBody

    def json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "region": self.region,
            "showing": self.showing.model_dump(mode="json"),
            "asked": self.asked.model_dump(),
        }

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Read what `json` returned."""
        return cls(
            value["region"], ShowingBody.model_validate(value["showing"]), ShowBody.model_validate(value["asked"])
        )


@dataclass(frozen=True, slots=True)
class Account:
    """Who signed in.

    Attributes:
        person: Themselves.
        organisations: Those they act for, as the provider says.
        acting: For whom now: 0 for themselves, else the number of an organisation, from 1.
        shown: What they show at the moment.
    """

    person: Holder
    organisations: tuple[Holder, ...] = ()
    acting: int = 0
    shown: Shown | None = None

    @property
    def all(self) -> tuple[Holder, ...]:
        """Everybody they may be."""
        return (self.person, *self.organisations)

    @property
    def holder(self) -> Holder:
        """Who they are now."""
        return self.all[self.acting]

    def act_as(self, number: int) -> Account:
        """Return the account acting for somebody else.

        Raises:
            RejectedError: USAGE; they act for nobody of this number.
        """
        if not 0 <= number < len(self.all):
            raise RejectedError(Reason.USAGE, "nobody of this number is yours to act for")
        return replace(self, acting=number, shown=None)

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any]) -> Self:
        """Return who a provider says somebody is: `code_type`, `code`, `name`, and `organisations` of the same.

        Raises:
            RejectedError: SIGN_IN_REFUSED; it does not say who holds licences.
        """
        organisations = claims.get("organisations", [])
        if not isinstance(organisations, list) or len(organisations) > MAX_ORGANISATIONS:
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the organisations are no list, or too many")
        try:
            found = cls(Holder.read(dict(claims)), tuple(map(Holder.read, organisations)))
        except MalformedError as error:
            raise RejectedError(Reason.SIGN_IN_REFUSED, f"the provider names no holder: {error.detail}") from error
        if found.person.is_organisation or not all(one.is_organisation for one in found.organisations):
            raise RejectedError(Reason.SIGN_IN_REFUSED, "a person signs in, and acts for organisations")
        return found

    def encode(self) -> bytes:
        """Write it as JSON."""
        said = {
            "person": self.person.json(),
            "organisations": [one.json() for one in self.organisations],
            "acting": self.acting,
            "shown": None if self.shown is None else self.shown.json(),
        }
        return json.dumps(said, ensure_ascii=False).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote."""
        said = json.loads(data)
        shown = None if said["shown"] is None else Shown.read(said["shown"])
        return cls(Holder.read(said["person"]), tuple(map(Holder.read, said["organisations"])), said["acting"], shown)


@dataclass(frozen=True, slots=True)
class HolderSession:
    """A holder who has signed in.

    Attributes:
        account: Who it is.
        until: When it ends at the latest.
        token: What the phone holds.
    """

    account: Account
    until: datetime
    token: str = field(repr=False)

    @property
    def name(self) -> str:
        """What the ledger and the store of showings know it by."""
        return _digest(self.token)

    @property
    def csrf(self) -> str:
        """What every form of this session carries: it follows from the token, and not from what the ledger holds."""
        return sm3(b"forms of holder " + self.token.encode("ascii")).hex()


class HolderSessionBook:
    """The sessions of one region's holders."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Keep them in `ledger`."""
        self._db, self._vault = ledger.database, ledger.at_rest.vault
        self._audit = AuditBook(self._db)

    def begin(self, account: Account, now: datetime, *, challenge: str | None = None) -> str:
        """Begin a session.

        Args:
            account: Who signed in.
            now: Aware.
            challenge: Of an app that is to exchange a code for the session.

        Returns:
            What the browser is to hold; or, with a challenge, the code.
        """
        token = secrets.token_urlsafe(32)
        with self._db.transaction():
            over = (holder_sessions.c.until <= now) | (holder_sessions.c.used_at <= now - IDLE)
            self._db.run(delete(holder_sessions).where(over))
            until = now + (LONGEST if challenge is None else EXCHANGE)
            self._add(token, account, now, until=until, challenge=challenge)
            self._audit.record("holder.sign-in", _digest(token)[:16], now)
        return token

    def exchange(self, code: str, verifier: str, now: datetime) -> HolderSession:
        """Return the session of an app's code; a code is good once, whatever comes of it.

        Raises:
            RejectedError: SIGN_IN_REFUSED; it is none, its time is over, or the verifier is another's.
        """
        this = holder_sessions.c.token == _digest(code)
        with self._db.transaction():
            row = self._db.row(select(holder_sessions).where(this, holder_sessions.c.challenge.is_not(None)))
            if row is not None:
                self._db.run(delete(holder_sessions).where(this))
        if row is None or row.until <= now or not hmac.compare_digest(_challenge(verifier), row.challenge):
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the code is not good, or not with this verifier")
        account, token, until = self._account(row), secrets.token_urlsafe(32), now + LONGEST
        with self._db.transaction():
            self._add(token, account, now, until=until, challenge=None)
        return HolderSession(account, until, token)

    def _add(self, token: str, account: Account, now: datetime, *, until: datetime, challenge: str | None) -> None:
        name = _digest(token)
        row = {"token": name, "content": self._vault.encrypt(account.encode(), _place(name)), "challenge": challenge}
        self._db.add(holder_sessions, [row | {"at": now, "until": until, "used_at": now}])

    def find(self, token: str, now: datetime) -> HolderSession | None:
        """Return the session of a token, while it lasts."""
        if not _TOKEN.fullmatch(token):
            return None
        this = holder_sessions.c.token == _digest(token)
        lasting = holder_sessions.c.until > now, holder_sessions.c.used_at > now - IDLE
        row = self._db.row(select(holder_sessions).where(this, holder_sessions.c.challenge.is_(None), *lasting))
        if row is None:
            return None
        if now - row.used_at > _EXACT:
            self._db.run(update(holder_sessions).where(this).values(used_at=now))
        return HolderSession(self._account(row), row.until, token)

    def keep(self, session: HolderSession, account: Account) -> None:
        """Keep for whom the holder acts, and what they show."""
        sealed = self._vault.encrypt(account.encode(), _place(session.name))
        this = holder_sessions.c.token == session.name
        self._db.run(update(holder_sessions).where(this).values(content=sealed))

    def end(self, session: HolderSession, now: datetime) -> None:
        """End a session: its holder signs out."""
        with self._db.transaction():
            self._db.run(delete(holder_sessions).where(holder_sessions.c.token == session.name))
            self._audit.record("holder.sign-out", session.name[:16], now)

    def _account(self, row: Row[Any]) -> Account:
        return Account.decode(self._vault.decrypt(row.content, _place(row.token)))


def _digest(token: str) -> str:
    return sm3(token.encode("utf-8")).hex()


def _place(name: str) -> Place:
    return Place("holder_sessions", name, "content")


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("utf-8")).digest()).rstrip(b"=").decode("ascii")
