"""A request to use a holder's licences, and the holder's answer.

    asked ──holder grants──▶ granted ──holder takes it back──▶ withdrawn
      ├───holder refuses──▶ refused
      └───its time is over─▶ lapsed

Pressing a button twice, or going back and pressing it again, changes nothing; another answer than the first is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import Reason, RejectedError
from ecert.licence.codes import check_credit_code, check_type_code
from ecert.presentation.reading import (
    MAX_NAME,
    MAX_PURPOSE,
    malformed,
    require_names,
    require_seconds,
    require_text,
)

if TYPE_CHECKING:
    from datetime import datetime

MAX_ANSWER_TIME: Final = timedelta(days=7)
"""How long a request may wait for its answer."""
MAX_USE: Final = timedelta(days=366)
"""How long a grant may last."""
MAX_ITEMS: Final = 16
"""The most types of licence that are asked for at once."""


@dataclass(frozen=True, slots=True)
class Requester:
    """The body that asks, and who acts for it.

    Attributes:
        code: Its credit code, 18 characters.
        name: Its name.
        operator: The identifier of the clerk, or of the system, that acts.
    """

    code: str
    name: str
    operator: str

    def __post_init__(self) -> None:
        """Refuse a body that cannot be."""
        if check_credit_code(self.code):
            raise malformed("the requester's code is not a credit code")
        require_text(self.name, MAX_NAME, "the requester's name")
        require_text(self.operator, MAX_NAME, "the operator")


@dataclass(frozen=True, slots=True)
class Use:
    """What licences are wanted for.

    Attributes:
        matter: The name of the matter (事项).
        item_code: Its code, at most 64 characters.
        business_no: The case it is for (业务流水号).
        purpose: In words a holder understands, at most 200 characters; printed on annotated copies.
    """

    matter: str
    item_code: str
    business_no: str
    purpose: str

    def __post_init__(self) -> None:
        """Refuse a use that says nothing."""
        require_text(self.matter, MAX_NAME, "the matter")
        require_text(self.item_code, 64, "the item code")
        require_text(self.business_no, MAX_NAME, "the case")
        require_text(self.purpose, MAX_PURPOSE, "the purpose")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Licences of a type, and what is to be read in them.

    Attributes:
        type_code: 证照类型代码, 21 characters.
        fields: Names of fields in ascending order; nothing else is disclosed.
    """

    type_code: str
    fields: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a wish that cannot be met."""
        if check_type_code(self.type_code):
            raise malformed("a type wanted is not a licence type code")
        require_names(self.fields, "the fields wanted")


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks a holder for what.

    Attributes:
        id: An identifier nobody can guess, at most 128 characters.
        requester: Who asks.
        use: What for.
        wanted: 1 to 16 types of licence, each once.
        asked_at: When, aware UTC, whole seconds.
        answer_by: The first instant it is no longer answered; within 7 days.
        until: The first instant the grant no longer holds; within 366 days.
    """

    id: str
    requester: Requester
    use: Use
    wanted: tuple[Wanted, ...]
    asked_at: datetime
    answer_by: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Refuse what is out of bounds."""
        require_text(self.id, MAX_NAME, "the request's identifier")
        require_seconds(self.asked_at, self.answer_by, self.until)
        types = {one.type_code for one in self.wanted}
        if not 1 <= len(self.wanted) <= MAX_ITEMS or len(types) != len(self.wanted):
            raise malformed(f"1 to {MAX_ITEMS} different licence types are asked for at once")
        if not self.asked_at < self.answer_by <= self.asked_at + MAX_ANSWER_TIME:
            raise malformed("a request waits for its answer for at most 7 days")
        if not self.answer_by <= self.until <= self.asked_at + MAX_USE:
            raise malformed("a grant lasts at least until the request is answered, and at most 366 days")

    def fields_of(self, type_code: str) -> tuple[str, ...]:
        """Return the fields asked for of a type.

        Raises:
            RejectedError: GRANT_MISMATCH; the type was not asked for.
        """
        for one in self.wanted:
            if one.type_code == type_code:
                return one.fields
        raise RejectedError(Reason.GRANT_MISMATCH, f"licences of type {type_code} were not asked for")


class Answer(StrEnum):
    """How a request stands. Stored: append, never rename."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


_FOLLOWS: Final = {
    Answer.GRANTED: Answer.ASKED,
    Answer.REFUSED: Answer.ASKED,
    Answer.WITHDRAWN: Answer.GRANTED,
}
"""What a holder can do, and what must come before it."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A request, and the answer to it so far.

    Attributes:
        request: What was asked.
        answer: The last thing the holder did; never LAPSED, which `standing` computes.
        answered_at: When; None before that.
    """

    request: Request
    answer: Answer = Answer.ASKED
    answered_at: datetime | None = None

    def standing(self, at: datetime) -> Answer:
        """Return how the request stands at `at`: unanswered, or granted, until its time is over."""
        ends = {Answer.ASKED: self.request.answer_by, Answer.GRANTED: self.request.until}.get(self.answer)
        return Answer.LAPSED if ends is not None and at >= ends else self.answer

    def answered(self, answer: Answer, at: datetime) -> Consent:
        """Return the consent after the holder's answer; the same one where this was the answer already.

        Raises:
            RejectedError: CONSENT_LAPSED, its time is over; CONSENT_ANSWERED, it was answered otherwise before.
        """
        if answer is self.answer:
            return self
        if self.standing(at) is Answer.LAPSED:
            raise RejectedError(Reason.CONSENT_LAPSED, f"it was open until {self._end():%F %T}Z")
        if _FOLLOWS.get(answer) is not self.answer:
            raise RejectedError(Reason.CONSENT_ANSWERED, f"it is {self.answer}, and cannot become {answer}")
        return replace(self, answer=answer, answered_at=at)

    def require_granted(self, at: datetime) -> None:
        """Require that the holder granted it and that this still holds.

        Raises:
            RejectedError: CONSENT_MISSING, CONSENT_REFUSED or CONSENT_LAPSED.
        """
        standing = self.standing(at)
        if standing is Answer.ASKED:
            raise RejectedError(Reason.CONSENT_MISSING, "the holder has not answered")
        if standing is Answer.LAPSED:
            raise RejectedError(Reason.CONSENT_LAPSED, f"it was open until {self._end():%F %T}Z")
        if standing is not Answer.GRANTED:
            raise RejectedError(Reason.CONSENT_REFUSED, f"the holder's answer: {standing}")

    def _end(self) -> datetime:
        return self.request.answer_by if self.answer is Answer.ASKED else self.request.until
