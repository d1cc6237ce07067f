"""What comes to a case by way of the regions' services: codes that a phone shows, and licences granted on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from ecert.errors import (
    MalformedError,
    NotFoundError,
    Reason,
    RejectedError,
    UndeterminedError,
)
from ecert.licence.application import HOLDER_CODE, HOLDER_CODE_TYPE, HOLDER_NAME
from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.matter import ByLicence, Identified, Obstacle, Person, Settled, Whose, asked_fields
from ecert.presentation import Answer, CodeKind, DynamicCode, Wanted, Way, read_code
from ecert.verification import Outcome
from verifier.matters.drafts import Ask, Presented
from verifier.matters.examining import use_of
from verifier.matters.forms import CONSENT_LASTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecert.matter import Case, Matter, Resolution
    from ecert.presentation import Use
    from ecert.verification import Verdict
    from verifier.handed import Handed
    from verifier.matters.drafts import Draft
    from verifier.matters.examining import Examiner
    from verifier.regions import RegionServices

ANSWER_TIME: Final = timedelta(minutes=10)
"""How long a holder at the counter has to answer on the phone."""

_IDENTIFYING: Final = ("11100000000013127D001", "11100000MB0341032Y001")
"""The licences by which a code tells who applies: identity card, business licence."""
_WANTING: Final = (
    Obstacle.NOT_SHOWN,
    Obstacle.FACE_ONLY,
    Obstacle.FIELDS_MISSING,
    Obstacle.NO_GRANT,
    Obstacle.GRANT_UNFIT,
    Obstacle.WRONG_PERSON,
    Obstacle.LICENCE_INVALID,
    Obstacle.LICENCE_UNDETERMINED,
)
"""What stands in the way of a material that a holder could grant on the phone, by another licence if need be."""
_OPEN: Final = (Answer.ASKED, Answer.GRANTED)
_REFUSED: Final = {Reason.CONSENT_REFUSED: Answer.REFUSED, Reason.CONSENT_LAPSED: Answer.LAPSED}

Wishes: TypeAlias = Mapping[str, tuple[Wanted, ...]]
"""Whose licences (`applicant`, `agent`) → what is wanted of them."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came to the window, by the code on a phone.

    Attributes:
        applicant: Who applies.
        agent: Who acts for an organisation that applies.
        presented: The licences that were shown.
    """

    applicant: Person
    agent: Person | None
    presented: tuple[Presented, ...]


def wishes(case: Case, resolutions: Sequence[Resolution]) -> Wishes:
    """Return the licences that would settle what is still needed, by whom they would be granted."""
    found: dict[str, dict[str, Wanted]] = {}
    for resolution in resolutions:
        for one in resolution.hindrances if resolution.settled is Settled.NEEDED else ():
            if not isinstance(one.way, ByLicence) or one.obstacle not in _WANTING:
                continue
            whose = Whose.AGENT if one.way.whose is Whose.AGENT else Whose.APPLICANT
            if whose is Whose.AGENT and case.agent is None:
                continue
            for code in one.way.types:
                found.setdefault(whose.value, {})[code] = Wanted(code, asked_fields(case.matter, code))
    return {whose: tuple(wanted.values()) for whose, wanted in found.items()}


class Reception:
    """Asks the regions' services for the cases of one window."""

    def __init__(self, services: RegionServices, examiner: Examiner) -> None:
        """Ask these services; what they hand out is looked at by the examiner."""
        self.services = services
        self._examiner = examiner

    async def arrive(self, matter: Matter, case_id: str, operator: str, text: str) -> Arrival:
        """Return who comes with a code, which is used by that.

        Raises:
            EcertError: it cannot be redeemed; or CODE_NOT_IDENTIFYING, it tells nobody's name and number.
        """
        kind, _ = read_code(text)
        if kind is not CodeKind.DYNAMIC:
            raise MalformedError(Reason.CODE_NOT_IDENTIFYING, "照面码只有脱敏姓名 a printed code has no number in it")
        presented = await self._redeem(text, operator, use_of(matter, case_id))
        people = [
            person
            for one in presented
            if (person := _person(one, await self._examiner.verify(one, matter.item_code))) is not None
        ]
        applicant = next((one for one in people if matter.takes(one.code_type)), None)
        if applicant is None:
            raise MalformedError(Reason.CODE_NOT_IDENTIFYING, "")
        agent = next((one for one in people if _is_organisation(applicant) and not _is_organisation(one)), None)
        return Arrival(applicant, agent, presented)

    async def scan(self, draft: Draft, matter: Matter, text: str) -> tuple[Presented, ...]:
        """Return the licences that a code shows; a dynamic code is used by that.

        Raises:
            EcertError: it is no such code, or cannot be redeemed.
        """
        kind, _ = read_code(text)
        if kind is CodeKind.DYNAMIC:
            return await self._redeem(text, draft.operator, use_of(matter, draft.id))
        if kind is CodeKind.FACE:
            return (Presented(text, Way.PRINTED_CODE),)
        raise MalformedError(Reason.NOT_A_LICENCE_TEXT, "offline codes are not taken for a matter")

    async def _redeem(self, text: str, operator: str, use: Use) -> tuple[Presented, ...]:
        code = DynamicCode.decode(read_code(text)[1])
        handed = await self.services.of(code.region).redeem(text, self._examiner.window, operator, use)
        return await self._received(handed, Way.SHOWING, use)

    async def _received(self, handed: Sequence[Handed], way: Way, use: Use) -> tuple[Presented, ...]:
        found = [(Presented(one.sealed, way, one.grant), one.copy) for one in handed]
        return tuple([await self._examiner.with_copy(presented, copy, use) for presented, copy in found])

    async def ask(self, draft: Draft, matter: Matter, region: str, whose: str, wanted: tuple[Wanted, ...]) -> Ask:
        """Put a request on the phone of the applicant, or of whoever acts for one.

        Raises:
            UndeterminedError: the region's service cannot be asked.
        """
        now, person = self._examiner.now(), _whose(draft, whose)
        asked = await self.services.of(region).ask(
            self._examiner.requester(draft.operator),
            use_of(matter, draft.id),
            wanted,
            person,
            answer_by=now + ANSWER_TIME,
            until=now + CONSENT_LASTS,
        )
        return Ask(region, whose, tuple(one.type_code for one in wanted), asked)

    async def pull(
        self, draft: Draft, matter: Matter, region: str, whose: str, wanted: tuple[Wanted, ...]
    ) -> tuple[Presented, ...]:
        """Return licences of somebody without a phone, by the consent recorded at the counter, else by law.

        Raises:
            RejectedError: LEGAL_BASIS_MISSING or GRANT_MISMATCH, the service has no basis for it.
            UndeterminedError: the region's service cannot be asked.
        """
        use, holder = use_of(matter, draft.id), _whose(draft, whose)
        handed = await self.services.of(region).pull(
            self._examiner.window, draft.operator, use, wanted, holder=holder, consent=draft.consent
        )
        return await self._received(handed, Way.PULL, use)

    async def look(self, draft: Draft, matter: Matter) -> tuple[tuple[Ask, ...], tuple[Presented, ...], frozenset[str]]:
        """Ask the services how every request stands.

        Returns:
            The requests as they stand; the licences that were granted since; the evidence of what was taken back.
        """
        looks = await asyncio.gather(*(self._look(draft, matter, one) for one in draft.asks))
        asks = tuple(ask for ask, _ in looks)
        gone = (ask.evidence for ask in asks if ask.asked.answer not in _OPEN)
        return asks, tuple(one for _, granted in looks for one in granted), frozenset(gone)

    async def has_news(self, draft: Draft) -> bool:
        """Tell whether a request stands otherwise than when `look` last told."""
        return any(await asyncio.gather(*(self._has_news(one) for one in draft.asks if one.is_open)))

    async def _has_news(self, ask: Ask) -> bool:
        try:
            asked = await self.services.of(ask.region).standing(ask.asked.id)
        except (RejectedError, UndeterminedError, NotFoundError) as error:
            return error.reason in _REFUSED
        if asked.answer is Answer.GRANTED and ask.asked.answer is Answer.GRANTED:
            return ask.trouble is None  # what could not be fetched is fetched when the clerk asks for it
        return asked.answer is not ask.asked.answer or ask.trouble is not None

    async def _look(self, draft: Draft, matter: Matter, ask: Ask) -> tuple[Ask, tuple[Presented, ...]]:
        if ask.asked.answer not in _OPEN:
            return ask, ()
        asked = ask.asked
        try:
            service = self.services.of(ask.region)
            asked = await service.standing(ask.asked.id)
            if asked.answer is not Answer.GRANTED or ask.received is not None:
                return replace(ask, asked=asked, trouble=None), ()
            handed = await service.collect(ask.asked.id, self._examiner.window, draft.operator)
        except (RejectedError, UndeterminedError, NotFoundError) as error:
            answer = _REFUSED.get(error.reason)
            if answer is None:
                return replace(ask, asked=asked, trouble=error), ()
            return replace(ask, asked=replace(asked, answer=answer), trouble=None), ()
        granted = await self._received(handed, Way.PULL, use_of(matter, draft.id))
        return replace(ask, asked=asked, received=len(granted), trouble=None), granted

    def report(self, draft: Draft, matter: Matter, verdict: Verdict, way: Way) -> None:
        """Let the holder read that a printed code was scanned for a case, or a file handed in."""
        self.services.report(verdict, self._examiner.window, draft.operator, use_of(matter, draft.id), way=way)

    async def close(self) -> None:
        """Let go of connections."""
        await self.services.close()


def _whose(draft: Draft, whose: str) -> Person:
    person = draft.agent if whose == Whose.AGENT else draft.applicant
    if person is None:
        raise NotFoundError(Reason.CASE_UNKNOWN, "nobody acts for the applicant")
    return person


def _is_organisation(person: Person) -> bool:
    return HOLDER_CODE_TYPES[person.code_type].category == "legal"


def _person(presented: Presented, verdict: Verdict) -> Person | None:
    """Return whose identity card or business licence was shown; None where it is another licence, or not valid.

    What the holder did not disclose is not read, though the record has it.
    """
    content, disclosed = verdict.content, () if presented.grant is None else presented.grant.fields
    if content is None or verdict.outcome is not Outcome.VALID or content.identifier.type_code not in _IDENTIFYING:
        return None
    if not {HOLDER_NAME, HOLDER_CODE} <= set(disclosed):
        return None
    name, code, kind = (verdict.fields.get(key) for key in (HOLDER_NAME, HOLDER_CODE, HOLDER_CODE_TYPE))
    if not isinstance(name, str) or not isinstance(code, str) or not isinstance(kind, str):
        return None
    return Person(name, code, kind, Identified.SHOWN_CODE)
