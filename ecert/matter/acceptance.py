"""Accepting a case: only when nothing is needed any more, by a window that may take it, once.

An acceptance tells what is still to follow, and where a matter is handled elsewhere, what is handed over: the case and
its evidence, by digest, so that whoever handles it sees that it is all there and is what the window saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecert.errors import EcertError, Reason
from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.licence.masking import mask_name
from ecert.licence.validity import china_day
from ecert.matter.resolution import resolve
from ecert.matter.ways import Settled
from ecert.receipt import CaseOf, Receipt, SeenLicence

if TYPE_CHECKING:
    from datetime import date, datetime

    from ecert.matter.case import Case, Person
    from ecert.matter.definition import Department
    from ecert.matter.numbers import AcceptanceNumber
    from ecert.matter.resolution import Resolution


@dataclass(frozen=True, slots=True)
class Due:
    """Something that follows an acceptance.

    Attributes:
        material: Code of the material.
        settled: DEFERRED: it is handed in by then; PROMISED: what was promised is checked by then.
        by: The last day, in China.
    """

    material: str
    settled: Settled
    by: date


@dataclass(frozen=True, slots=True)
class Handover:
    """What goes to the department that handles a case which another region's window accepted.

    Attributes:
        to: The department.
        region: Where it is (办理地).
        receipt: The number of the verification receipt that goes with it.
        copies: SM3 of the annotated copies that go with it, in the order of the materials.
    """

    to: Department
    region: str
    receipt: str
    copies: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A case that was accepted.

    Attributes:
        number: 受理凭证号.
        case: The case.
        resolutions: How each material was settled.
        accepted_at: When, aware UTC, whole seconds.
        receipt: What was verified for it: signed by whoever holds the unit's key, see `ecert.receipt`.
        dues: What follows.
        handover: Where it goes; None where it is handled here.
    """

    number: AcceptanceNumber
    case: Case
    resolutions: tuple[Resolution, ...]
    accepted_at: datetime
    receipt: Receipt
    dues: tuple[Due, ...]
    handover: Handover | None


def needed(resolutions: tuple[Resolution, ...]) -> tuple[Resolution, ...]:
    """Return everything that is still needed: what a notice tells at once (一次性告知)."""
    return tuple(one for one in resolutions if one.settled is Settled.NEEDED)


def require_taken(case: Case) -> None:
    """Require that this window takes this matter for this applicant, before any material is looked at.

    Raises:
        EcertError: MATTER_ELSEWHERE; it does not.
    """
    matter = case.matter
    if not matter.is_accepted_in(case.place.region):
        regions = ", ".join(matter.accepted_in)
        raise EcertError(Reason.MATTER_ELSEWHERE, f"it is handed in in {regions}, not in {case.place.region}")
    if not matter.takes(case.applicant.code_type):
        raise EcertError(Reason.MATTER_ELSEWHERE, f"it is for applicants of the kind {matter.applicants}")


def require_complete(case: Case, resolutions: tuple[Resolution, ...]) -> None:
    """Require that this window may accept the case now.

    Raises:
        EcertError: MATTER_INCOMPLETE, something is needed: every code is named; MATTER_ELSEWHERE, see `require_taken`.
    """
    require_taken(case)
    missing = needed(resolutions)
    if missing:
        codes = ", ".join(one.material.code for one in missing)
        raise EcertError(Reason.MATTER_INCOMPLETE, f"still needed: {codes}")


def accept(case: Case, number: AcceptanceNumber, receipt_number: str) -> Acceptance:
    """Accept a case.

    Args:
        case: The case.
        number: Never given out before.
        receipt_number: That of the receipt, unique within the unit.

    Raises:
        EcertError: MATTER_INCOMPLETE or MATTER_ELSEWHERE, see `require_complete`.
        MalformedError: RECEIPT_MALFORMED; no receipt can say what was verified.
    """
    resolutions = resolve(case)
    require_complete(case, resolutions)
    receipt = receipt_of(case, resolutions, receipt_number, number.text)
    receipt.encode()
    return Acceptance(
        number=number,
        case=case,
        resolutions=resolutions,
        accepted_at=case.at,
        receipt=receipt,
        dues=tuple(Due(one.material.code, one.settled, one.due) for one in resolutions if one.due is not None),
        handover=_handover(case, resolutions, receipt_number),
    )


def receipt_of(case: Case, resolutions: tuple[Resolution, ...], receipt_number: str, case_number: str) -> Receipt:
    """Return what a receipt says of a case, accepted or not: every licence that was shown, the useless ones too."""
    return Receipt(
        number=receipt_number,
        made_at=case.at,
        place=case.place,
        case=CaseOf(case.matter.item_code, case.matter.name, case_number),
        applicant=masked_name(case.applicant),
        licences=tuple(SeenLicence.of(one.verdict, one.digest, one.way, one.grant, one.copy) for one in case.shown),
        materials=tuple((one.material.code, one.settled.value) for one in resolutions),
    )


def masked_name(person: Person) -> str:
    """Return a name as others may see it: a natural person's is masked."""
    known = HOLDER_CODE_TYPES[person.code_type]
    return person.name if known.category == "legal" else mask_name(person.name)


def _handover(case: Case, resolutions: tuple[Resolution, ...], receipt_number: str) -> Handover | None:
    matter = case.matter
    if matter.is_handled_in(case.place.region):
        return None
    copies = [one.shown.copy for one in resolutions if one.shown is not None and one.shown.copy]
    return Handover(matter.department, matter.region, receipt_number, tuple(dict.fromkeys(copies)))


def overdue(dues: tuple[Due, ...], at: datetime) -> tuple[Due, ...]:
    """Return what should have happened by `at` (aware)."""
    today = china_day(at)
    return tuple(one for one in dues if one.by < today)
