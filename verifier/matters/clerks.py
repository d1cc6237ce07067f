"""Who works at a window: accounts in the office's settings, and the sessions in which clerks are signed in.

    scrypt$<log2 N>$<r>$<p>$<salt, base64>$<hash, base64>    a PIN, as `python -m verifier clerk` writes it

A session is a random token in a cookie of the browser; it holds at the address it began at, for as long as it is used,
and at most a shift. It is in memory alone: a restart signs everybody out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason, RejectedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

IDLE: Final = timedelta(minutes=30)
"""After so long without a click a clerk signs in anew."""
SHIFT: Final = timedelta(hours=12)
"""The longest session."""
TRIES: Final = 5
"""Wrong PINs in a row after which an account is locked."""
TRIES_OF_ALL: Final = 100
"""The same from wherever: a PIN of six digits is not found by so many."""
LOCKED_FOR: Final = timedelta(minutes=15)
MIN_PIN, MAX_PIN = 6, 64
"""The shortest and the longest PIN in characters."""

_MAX_SESSIONS: Final = 1000
_COST, _BLOCK, _LANES = 15, 8, 1
_MEMORY: Final = 128 * 1024 * 1024
_SALT, _LENGTH = 16, 32
_FORM: Final = re.compile(r"scrypt\$(1[0-7])\$([1-8])\$([1-4])\$([A-Za-z0-9+/=]{16,64})\$([A-Za-z0-9+/=]{44})")


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN as it is kept.

    Attributes:
        cost: The binary logarithm of scrypt's N.
        block: Its r.
        lanes: Its p.
        salt: 12 to 48 bytes.
        digest: 32 bytes.
    """

    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    @classmethod
    def make(cls, pin: str) -> Pin:
        """Keep a new PIN.

        Raises:
            MalformedError: USAGE; it is shorter or longer than a PIN is.
        """
        if not MIN_PIN <= len(pin) <= MAX_PIN:
            raise MalformedError(Reason.USAGE, f"a PIN has {MIN_PIN} to {MAX_PIN} characters")
        empty = cls(_COST, _BLOCK, _LANES, secrets.token_bytes(_SALT), b"")
        return replace(empty, digest=empty._hash(pin))

    @classmethod
    def parse(cls, text: str) -> Pin:
        """Read what `text` wrote.

        Raises:
            MalformedError: USAGE; it is none.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise _no_pin()
        try:
            salt, digest = (base64.b64decode(found[at], validate=True) for at in (4, 5))
        except binascii.Error:
            raise _no_pin() from None
        return cls(int(found[1]), int(found[2]), int(found[3]), salt, digest)

    @property
    def text(self) -> str:
        """The PIN as the settings have it."""
        salt, digest = (base64.b64encode(one).decode() for one in (self.salt, self.digest))
        return f"scrypt${self.cost}${self.block}${self.lanes}${salt}${digest}"

    def is_right(self, pin: str) -> bool:
        """Tell whether it is this PIN; takes a tenth of a second, and as long where it is not."""
        return hmac.compare_digest(self._hash(pin), self.digest)

    def _hash(self, pin: str) -> bytes:
        return hashlib.scrypt(
            pin.encode("utf-8", "surrogatepass"),
            salt=self.salt,
            n=1 << self.cost,
            r=self.block,
            p=self.lanes,
            maxmem=_MEMORY,
            dklen=_LENGTH,
        )


def _no_pin() -> MalformedError:
    return MalformedError(Reason.USAGE, "not a PIN as `python -m verifier clerk` writes it")


@dataclass(frozen=True, slots=True)
class Account:
    """A clerk.

    Attributes:
        id: The clerk's identifier (工号): stands in receipts and in the holder's list of uses.
        name: As colleagues call the clerk.
        pin: What the clerk signs in with.
    """

    id: str
    name: str
    pin: Pin


@dataclass(frozen=True, slots=True)
class Session:
    """A clerk who is signed in.

    Attributes:
        clerk: Who.
        address: Where the browser is.
        began_at: When, aware.
        touched_at: When it was last used.
    """

    clerk: Account
    address: str
    began_at: datetime
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class _Misses:
    count: int
    last: datetime


class Clerks:
    """The accounts of a window, and the sessions of this process."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        """Know these accounts; nobody is signed in."""
        self._accounts = {one.id: one for one in accounts}
        self._sessions: dict[bytes, Session] = {}
        self._misses: dict[tuple[str, str], _Misses] = {}
        self._nobody = Pin.make(secrets.token_hex(MIN_PIN))
        self._turn = threading.Lock()

    def check(self, clerk: str, pin: str, address: str, at: datetime) -> Account:
        """Return whose identifier and PIN these are. Slow: call it in a thread; one after another is answered.

        Wrong ones lock the account for the address that they came from, and only very many lock it for all: who cannot
        sign in cannot keep a clerk from it.

        Raises:
            RejectedError: CLERK_LOCKED, too many were wrong; CLERK_UNKNOWN, this one is.
        """
        with self._turn:
            return self._check(clerk, pin, address, at)

    def _check(self, clerk: str, pin: str, address: str, at: datetime) -> Account:
        places = {(clerk, address): TRIES, (clerk, ""): TRIES_OF_ALL}
        self._misses = {place: one for place, one in self._misses.items() if at - one.last <= LOCKED_FOR}
        counts = {place: self._misses[place].count if place in self._misses else 0 for place in places}
        if any(counts[place] >= most for place, most in places.items()):
            raise RejectedError(Reason.CLERK_LOCKED, "")
        account = self._accounts.get(clerk)
        right = (self._nobody if account is None else account.pin).is_right(pin[:MAX_PIN])
        if account is None or not right:
            if account is not None:
                self._misses |= {place: _Misses(count + 1, at) for place, count in counts.items()}
            raise RejectedError(Reason.CLERK_UNKNOWN, "")
        for place in places:
            self._misses.pop(place, None)
        return account

    def begin(self, clerk: Account, address: str, at: datetime) -> str:
        """Sign a clerk in; return the token of the session."""
        for key in [key for key, one in self._sessions.items() if _is_over(one, at)]:
            del self._sessions[key]
        if len(self._sessions) >= _MAX_SESSIONS:
            self._sessions.pop(min(self._sessions, key=lambda key: self._sessions[key].touched_at))
        token = secrets.token_urlsafe(32)
        self._sessions[_key(token)] = Session(clerk, address, at, at)
        return token

    def find(self, token: str, address: str, at: datetime, *, working: bool = True) -> Account | None:
        """Return who is signed in with a token at an address; None where nobody is (any more).

        Args:
            token: The session's.
            address: Where the browser is.
            at: The instant.
            working: Whether a clerk does something: what a page asks for by itself keeps no session alive.
        """
        session = self._sessions.get(_key(token))
        if session is None or session.address != address or _is_over(session, at):
            return None
        if working:
            self._sessions[_key(token)] = replace(session, touched_at=at)
        return session.clerk

    def end(self, token: str) -> None:
        """Sign out."""
        self._sessions.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _is_over(session: Session, at: datetime) -> bool:
    return at - session.touched_at > IDLE or at - session.began_at > SHIFT
