"""Whether a licence that was shown settles a material: valid, whole, the right person's, allowed for this use.

The order of the questions is that in which a clerk would be told: first whether it stands, then whose it is, and last
whether it may be used. A licence of the right type for the wrong person never counts, whatever else is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from ecert.errors import RejectedError
from ecert.licence.application import HOLDER_CODE, HOLDER_CODE_TYPE, HOLDER_NAME
from ecert.licence.record import Record
from ecert.licence.validity import china_day
from ecert.matter.ways import ByLicence, Whose
from ecert.matter.words import Notice, Obstacle
from ecert.presentation import Binding, with_kind
from ecert.revocation import Flag
from ecert.verification import Outcome
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.matter.case import Case, Person, Shown
    from ecert.matter.definition import Matter

_WHOSE: Final = (HOLDER_CODE, HOLDER_NAME)

Refusal: TypeAlias = "tuple[Obstacle, str]"
"""Why a licence does not do, and what exactly."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A licence that settles a material.

    Attributes:
        shown: The licence.
        identifier: Its identifier.
        notices: What a clerk should look at.
    """

    shown: Shown
    identifier: str
    notices: tuple[Notice, ...]


def needed_fields(way: ByLicence) -> tuple[str, ...]:
    """Return everything that is read in a licence: what the matter asks for, and by what it is known whose it is.

    What kind of number the holder's is goes along with the number: nobody is asked for that by itself.
    """
    return tuple(sorted({*way.fields, *(() if way.whose is Whose.ANYBODY else _WHOSE)}))


def asked_fields(matter: Matter, type_code: str) -> tuple[str, ...]:
    """Return everything that a matter reads in licences of a type: what its holder is asked to consent to."""
    ways = (way for material in matter.materials for way in material.ways)
    asked = (needed_fields(way) for way in ways if isinstance(way, ByLicence) and type_code in way.types)
    return tuple(sorted({name for names in asked for name in names}))


def find_licence(way: ByLicence, case: Case, same_person: str | None) -> Candidate | Refusal:
    """Return the licence shown that settles a material, or why none does: of several, why the one that came nearest.

    Args:
        way: What will do.
        case: What was shown, and for whom.
        same_person: Why the clerk takes a licence in a former name for the right one; None where nobody did.
    """
    nearest, furthest = (Obstacle.NOT_SHOWN, ""), -1
    for shown in case.shown:
        content = shown.verdict.content
        if content is None or content.identifier.type_code not in way.types:
            continue
        refusals = [*_refusals(shown, way, case, same_person)]
        if all(one is None for one in refusals):
            return Candidate(shown, content.identifier.text, tuple(_notices(shown, way, same_person, case)))
        passed = next(at for at, one in enumerate(refusals) if one is not None)
        if passed > furthest:
            nearest, furthest = refusals[passed] or nearest, passed
    return nearest


def _refusals(shown: Shown, way: ByLicence, case: Case, same_person: str | None) -> Iterator[Refusal | None]:
    """Ask every question in order."""
    yield _standing(shown)
    yield _disclosure(shown, way)
    yield _holder(shown, way, case, same_person)
    yield _permission(shown, way, case)


def _standing(shown: Shown) -> Refusal | None:
    outcome = shown.verdict.outcome
    if outcome is Outcome.VALID:
        return None
    obstacle = Obstacle.LICENCE_INVALID if outcome is Outcome.INVALID else Obstacle.LICENCE_UNDETERMINED
    return obstacle, words(shown.verdict.reason).zh


def _disclosure(shown: Shown, way: ByLicence) -> Refusal | None:
    if not isinstance(shown.verdict.content, Record):
        return Obstacle.FACE_ONLY, ""
    missing = [name for name in sorted(with_kind(needed_fields(way))) if name not in shown.verdict.fields]
    return (Obstacle.FIELDS_MISSING, ", ".join(missing)) if missing else None


def _holder(shown: Shown, way: ByLicence, case: Case, same_person: str | None) -> Refusal | None:
    if way.whose is Whose.ANYBODY:
        return None
    person = case.applicant if way.whose is Whose.APPLICANT else case.agent
    if person is None:
        return Obstacle.NO_AGENT, ""
    if not _is_same_code(shown, person):
        return Obstacle.WRONG_PERSON, ""
    return None if _is_same_name(shown, person) or same_person else (Obstacle.NAME_CHANGED, "")


def _is_same_code(shown: Shown, person: Person) -> bool:
    fields = shown.verdict.fields
    return (fields.get(HOLDER_CODE), fields.get(HOLDER_CODE_TYPE)) == (person.code, person.code_type)


def _is_same_name(shown: Shown, person: Person) -> bool:
    return shown.verdict.fields.get(HOLDER_NAME) == person.name


def _permission(shown: Shown, way: ByLicence, case: Case) -> Refusal | None:
    content = shown.verdict.content
    if shown.grant is None or content is None:
        return Obstacle.NO_GRANT, ""
    binding = Binding(case.place.unit, content.identifier, case.use.item_code, case.use.purpose)
    try:
        shown.grant.require(binding, needed_fields(way), case.at)
    except RejectedError as error:
        return Obstacle.GRANT_UNFIT, words(error.reason).zh
    return None


def _notices(shown: Shown, way: ByLicence, same_person: str | None, case: Case) -> Iterator[Notice]:
    verdict = shown.verdict
    end = None if verdict.content is None else verdict.content.validity.end
    if end is not None and end - china_day(case.at) <= timedelta(days=way.soon_days):
        yield Notice.EXPIRES_SOON
    for flag, notice in ((Flag.PARENT_CHANGED, Notice.PARENT_CHANGED), (Flag.UNDER_DISPUTE, Notice.UNDER_DISPUTE)):
        if flag in verdict.flags:
            yield notice
    person = case.agent if way.whose is Whose.AGENT else case.applicant
    if same_person and way.whose is not Whose.ANYBODY and person is not None and not _is_same_name(shown, person):
        yield Notice.FORMER_NAME
