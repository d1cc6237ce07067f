"""A case, its notice and its acceptance as JSON: what a page shows, a slip prints and a case file keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecert.licence.masking import mask_code
from ecert.matter.acceptance import masked_name, needed
from ecert.matter.ways import ByLicence, Later, Promise, Settled
from ecert.matter.words import notice_words, obstacle_words, title
from ecert.report import describe_type, timestamp

if TYPE_CHECKING:
    from ecert.matter.acceptance import Acceptance, Due
    from ecert.matter.case import Case, Person
    from ecert.matter.resolution import Hindrance, Resolution
    from ecert.matter.statistics import Spared
    from ecert.matter.words import Notice
    from ecert.wording import Wording


def case_json(case: Case, resolutions: tuple[Resolution, ...]) -> dict[str, Any]:
    """Return the JSON object of a case as it stands, with everything that is missing in one place."""
    matter = case.matter
    missing = needed(resolutions)
    return {
        "matter": {"item_code": matter.item_code, "name": matter.name, "region": matter.region, "days": matter.days},
        "department": {"code": matter.department.code, "name": matter.department.name},
        "window": {"unit": case.place.unit, "name": case.place.window, "region": case.place.region},
        "applicant": _person_json(case.applicant),
        "agent": None if case.agent is None else _person_json(case.agent),
        "at": timestamp(case.at),
        "complete": not missing,
        "materials": [resolution_json(one) for one in resolutions],
        "notice": [_needed_json(one) for one in missing],
    }


def _person_json(person: Person) -> dict[str, str]:
    return {
        "name": masked_name(person),
        "code": mask_code(person.code),
        "code_type": person.code_type,
        "identified": person.identified.value,
    }


def resolution_json(resolution: Resolution) -> dict[str, Any]:
    """Return the JSON object of a material and how it was settled."""
    zh, en = title(resolution.settled)
    return {
        "code": resolution.material.code,
        "name": resolution.material.name,
        "settled": {"code": resolution.settled.value, "title": zh, "title_en": en},
        "spared": resolution.settled.spared,
        "evidence": resolution.evidence,
        "due": None if resolution.due is None else resolution.due.isoformat(),
        "notices": [_notice_json(one) for one in resolution.notices],
        "promise": _promise_json(resolution.way) if isinstance(resolution.way, Promise) else None,
    }


def _needed_json(resolution: Resolution) -> dict[str, Any]:
    """Tell what is needed, why, every way out, and the paper that will do if none is taken."""
    return {
        "code": resolution.material.code,
        "name": resolution.material.name,
        "reasons": [_hindrance_json(one) for one in resolution.hindrances],
        "paper": resolution.material.paper,
    }


def _hindrance_json(hindrance: Hindrance) -> dict[str, Any]:
    way = hindrance.way
    told = {"code": hindrance.obstacle.value, **_words(obstacle_words(hindrance.obstacle)), "detail": hindrance.detail}
    if isinstance(way, ByLicence):
        told["types"] = [describe_type(code) for code in way.types]
    if isinstance(way, Promise):
        told["promise"] = _promise_json(way)
    if isinstance(way, Later):
        told["days"] = way.days
    return told


def _promise_json(way: Promise) -> dict[str, Any]:
    return {
        "text": way.text,
        "consequences": way.consequences,
        "check": way.check,
        "check_days": way.check_days,
    }


def _notice_json(notice: Notice) -> dict[str, Any]:
    return {"code": notice.value, **_words(notice_words(notice))}


def _words(said: Wording) -> dict[str, Any]:
    return {
        "sentence": said.zh,
        "sentence_en": said.en,
        "remedy": said.remedy_zh,
        "remedy_en": said.remedy_en,
    }


def acceptance_json(acceptance: Acceptance) -> dict[str, Any]:
    """Return the JSON object of an acceptance: what its slip (受理凭证) says."""
    handover = acceptance.handover
    return {
        "number": acceptance.number.text,
        "accepted_at": timestamp(acceptance.accepted_at),
        "case": case_json(acceptance.case, acceptance.resolutions),
        "receipt": acceptance.receipt.number,
        "spared": sum(one.settled.spared for one in acceptance.resolutions),
        "dues": [_due_json(one) for one in acceptance.dues],
        "handover": None
        if handover is None
        else {
            "department": {"code": handover.to.code, "name": handover.to.name},
            "region": handover.region,
            "receipt": handover.receipt,
            "copies": [digest.hex() for digest in handover.copies],
        },
    }


def _due_json(due: Due) -> dict[str, str]:
    return {"material": due.material, "settled": due.settled.value, "by": due.by.isoformat()}


def spared_json(spared: Spared) -> dict[str, Any]:
    """Return the JSON object of a sum of the statistics; every way is there, that never taken with 0."""
    return {
        "cases": spared.cases,
        "materials": spared.materials,
        "spared": spared.spared,
        "by_way": {way.value: spared.by_way.get(way, 0) for way in Settled},
    }
