"""Cases while they are worked on. They are in memory alone: nothing of them is on a disk before they are accepted."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import NotFoundError, Reason
from ecert.matter import Declared
from ecert.presentation import Answer
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.errors import EcertError
    from ecert.matter import Person
    from ecert.presentation import CounterConsent, Grant, Way
    from verifier.handed import Asked

IDLE: Final = timedelta(hours=2)
"""After so long without being touched a case is forgotten."""
MAX_DRAFTS: Final = 100
"""The most cases at once; one more, and of the clerk who has most the one that was idle longest is forgotten."""
MAX_BYTES: Final = 16 * 1024 * 1024
"""The most bytes of licences and their copies in one case."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A licence as it was handed in, before it is verified: which is done anew whenever the case is looked at.

    Attributes:
        sealed: A record or an OFD file; or the text of a code.
        way: How.
        grant: What allows its use, where it came with that.
        copy: Its annotated copy (加注件); empty without one.
        trouble: Why a copy that came with it is not kept.
    """

    sealed: bytes | str
    way: Way
    grant: Grant | None = None
    copy: bytes = b""
    trouble: EcertError | None = None

    @property
    def data(self) -> bytes:
        """What was handed in, as bytes."""
        return self.sealed if isinstance(self.sealed, bytes) else self.sealed.encode()

    @property
    def digest(self) -> bytes:
        """SM3 of what was handed in, by which it is told apart: of a code's text, as `Draft.scanned` has it."""
        return sm3(self.data)

    @property
    def size(self) -> int:
        """How many bytes a case holds because of it."""
        return len(self.data) + len(self.copy)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request on a holder's phone.

    Attributes:
        region: Whose service put it there.
        whose: Whether it is the applicant's or the agent's.
        types: The types of licence that are asked for.
        asked: How it stood when the service last told.
        received: How many licences were handed out; None: it was not granted, or they were not fetched yet.
        trouble: Why it could not be told, the last time.
    """

    region: str
    whose: str
    types: tuple[str, ...]
    asked: Asked
    received: int | None = None
    trouble: EcertError | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer, or for the licences that were granted."""
        return self.asked.answer is Answer.ASKED or (self.asked.answer is Answer.GRANTED and self.received is None)

    @property
    def evidence(self) -> str:
        """What grants that rest on it name as their evidence."""
        return f"request:{self.asked.id}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A case that is not accepted yet.

    Attributes:
        id: Its identifier, which nobody can guess.
        item_code: The matter's.
        operator: The clerk's identifier.
        applicant: Who applies.
        agent: Who acts for the applicant.
        touched_at: When it was last worked on.
        presented: The licences handed in.
        scanned: SM3 of the codes that were scanned for it: one that is scanned again is not used again.
        consent: The holder's consent, recorded at the counter.
        handwriting: What was written on the screen for it, as a picture; empty where it is on paper.
        by_law: Whether the clerk relies on a registered basis (依职能).
        asks: What the holders were asked on their phones.
        grants: By licence identifier, once the consent is there and the licence was read.
        declared: What stands for other materials.
    """

    id: str
    item_code: str
    operator: str
    applicant: Person
    agent: Person | None
    touched_at: datetime
    presented: tuple[Presented, ...] = ()
    scanned: frozenset[bytes] = frozenset()
    consent: CounterConsent | None = None
    handwriting: bytes = b""
    by_law: bool = False
    asks: tuple[Ask, ...] = ()
    grants: dict[str, Grant] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)


def new_case() -> str:
    """Return an identifier that nobody can guess."""
    return secrets.token_urlsafe(24)


class Drafts:
    """The cases of this process."""

    def __init__(self) -> None:
        """Begin without any."""
        self._drafts: dict[str, Draft] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._drafts)

    def open(self, draft: Draft) -> Draft:
        """Begin a case."""
        self._forget(draft.touched_at)
        self._drafts[draft.id] = draft
        return draft

    def find(self, case_id: str, operator: str, at: datetime) -> Draft:
        """Return a case of a clerk.

        Raises:
            NotFoundError: CASE_UNKNOWN; there is none, it is a colleague's, or it was idle too long.
        """
        draft = self._drafts.get(case_id)
        if draft is None or draft.operator != operator or at - draft.touched_at > IDLE:
            raise NotFoundError(Reason.CASE_UNKNOWN, "")
        return draft

    def of_clerk(self, operator: str, at: datetime) -> tuple[Draft, ...]:
        """Return a clerk's cases, the last worked on first."""
        own = (one for one in self._drafts.values() if one.operator == operator and at - one.touched_at <= IDLE)
        return tuple(sorted(own, key=lambda one: one.touched_at, reverse=True))

    def of_code(self, code: bytes, operator: str) -> Draft | None:
        """Return the clerk's case for which a code was scanned, by the SM3 of its text; None where there is none."""
        found = (one for one in self._drafts.values() if one.operator == operator and code in one.scanned)
        return next(found, None)

    def turn(self, case_id: str) -> asyncio.Lock:
        """Return what a case is changed under: two clicks, or two windows of a browser, have their turns."""
        return self._turns.setdefault(case_id, asyncio.Lock()) if case_id in self._drafts else asyncio.Lock()

    def change(self, draft: Draft, at: datetime, **changes: Any) -> Draft:
        """Change a case, and keep it."""
        changed = replace(draft, touched_at=at, **changes)
        self._drafts[draft.id] = changed
        return changed

    def close(self, case_id: str) -> None:
        """Forget a case."""
        self._drafts.pop(case_id, None)
        self._turns.pop(case_id, None)

    def _forget(self, at: datetime) -> None:
        for old in [one.id for one in self._drafts.values() if at - one.touched_at > IDLE]:
            self.close(old)
        while len(self._drafts) >= MAX_DRAFTS:
            having = Counter(one.operator for one in self._drafts.values())
            self.close(max(self._drafts.values(), key=lambda one: (having[one.operator], at - one.touched_at)).id)
