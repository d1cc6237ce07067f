"""Cases while they are worked on. They are in memory alone: what is personal in them is never on a disk."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import NotFoundError, Reason
from ecert.matter import Declared

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.matter import Person
    from ecert.presentation import CounterConsent, Grant, Way

IDLE: Final = timedelta(hours=2)
"""After so long without being touched a case is forgotten."""
MAX_DRAFTS: Final = 100
"""The most cases at once; one more, and the one that was idle longest is forgotten."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""The most bytes of licences in one case."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A licence as it was handed in, before it is verified: which is done anew whenever the case is looked at.

    Attributes:
        sealed: A record or an OFD file; or the text of a code.
        way: How.
    """

    sealed: bytes | str
    way: Way

    @property
    def data(self) -> bytes:
        """What was handed in, as bytes."""
        return self.sealed if isinstance(self.sealed, bytes) else self.sealed.encode()


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
        consent: The holder's consent, recorded at the counter.
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
    consent: CounterConsent | None = None
    grants: dict[str, Grant] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)


class Drafts:
    """The cases of this process."""

    def __init__(self) -> None:
        """Begin without any."""
        self._drafts: dict[str, Draft] = {}

    def open(self, item_code: str, operator: str, applicant: Person, agent: Person | None, at: datetime) -> Draft:
        """Begin a case."""
        self._forget(at)
        draft = Draft(secrets.token_urlsafe(24), item_code, operator, applicant, agent, at)
        self._drafts[draft.id] = draft
        return draft

    def find(self, case_id: str, at: datetime) -> Draft:
        """Return a case.

        Raises:
            NotFoundError: CASE_UNKNOWN; there is none, or it was idle too long.
        """
        draft = self._drafts.get(case_id)
        if draft is None or at - draft.touched_at > IDLE:
            raise NotFoundError(Reason.CASE_UNKNOWN, "no such case is open")
        return draft

    def change(self, draft: Draft, at: datetime, **changes: Any) -> Draft:
        """Change a case, and keep it."""
        changed = replace(draft, touched_at=at, **changes)
        self._drafts[draft.id] = changed
        return changed

    def close(self, case_id: str) -> None:
        """Forget a case."""
        self._drafts.pop(case_id, None)

    def _forget(self, at: datetime) -> None:
        for old in [one.id for one in self._drafts.values() if at - one.touched_at > IDLE]:
            del self._drafts[old]
        while len(self._drafts) >= MAX_DRAFTS:
            idle_longest = min(self._drafts.values(), key=lambda one: one.touched_at)
            del self._drafts[idle_longest.id]
