"""How every material of a case is settled, and what stands in the way where one is not.

For each material its ways are tried in their order, and the first that works settles it. Where none does, paper that
was handed in settles it; and else it is still needed, with why each way did not work: all of it is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from ecert.licence.validity import china_day
from ecert.matter.licences import Candidate, find_licence
from ecert.matter.ways import ByLicence, BySharing, Cancelled, IssuedOnline, Later, Promise, Reuse, Settled
from ecert.matter.words import Obstacle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ecert.matter.case import Case, Reference, Shown
    from ecert.matter.definition import Material
    from ecert.matter.ways import Way
    from ecert.matter.words import Notice


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why one way of a material did not work.

    Attributes:
        way: The way.
        obstacle: Why.
        detail: What exactly, in words or codes; may be empty.
    """

    way: Way
    obstacle: Obstacle
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """One material and how it is settled.

    Attributes:
        material: The material.
        settled: How; NEEDED where it is not.
        evidence: What shows it: a licence's identifier, a reference, a digest, the paper; may be empty.
        way: The way that worked; None for paper, and where none did.
        shown: The licence used; None without one.
        due: Until when something follows: the material itself, or the check of a promise.
        notices: What a clerk should look at.
        hindrances: Why the ways tried before did not work.
    """

    material: Material
    settled: Settled
    evidence: str = ""
    way: Way | None = None
    shown: Shown | None = None
    due: date | None = None
    notices: tuple[Notice, ...] = ()
    hindrances: tuple[Hindrance, ...] = ()


@dataclass(frozen=True, slots=True)
class _Works:
    settled: Settled
    evidence: str
    due: date | None = None
    licence: Candidate | None = None


_Tried: TypeAlias = "_Works | Hindrance"


def resolve(case: Case) -> tuple[Resolution, ...]:
    """Settle every material of a case as far as it can be, in the order of the matter."""
    return tuple(_resolve(material, case) for material in case.matter.materials)


def _resolve(material: Material, case: Case) -> Resolution:
    hindrances: list[Hindrance] = []
    for way in material.ways:
        tried = _try(way, material.code, case)
        if isinstance(tried, _Works):
            found = tried.licence
            return Resolution(
                material=material,
                settled=tried.settled,
                evidence=tried.evidence,
                way=way,
                shown=None if found is None else found.shown,
                due=tried.due,
                notices=() if found is None else found.notices,
                hindrances=tuple(hindrances),
            )
        hindrances.append(tried)
    paper = case.declared.paper.get(material.code)
    if paper is not None:
        return Resolution(material, Settled.PAPER, paper, hindrances=tuple(hindrances))
    return Resolution(material, Settled.NEEDED, hindrances=tuple(hindrances))


def _try(way: Way, code: str, case: Case) -> _Tried:
    declared = case.declared
    tried: _Tried
    match way:
        case Cancelled(basis):
            tried = _Works(Settled.CANCELLED, basis)
        case ByLicence():
            tried = _by_licence(way, code, case)
        case BySharing():
            tried = _by_reference(way, declared.shared, code, Settled.SHARED, Obstacle.NOT_SHARED)
        case IssuedOnline():
            tried = _by_reference(way, declared.issued, code, Settled.ISSUED_ONLINE, Obstacle.NOT_ISSUED)
        case Reuse():
            tried = _by_reuse(way, code, case)
        case Promise():
            tried = _by_promise(way, code, case)
        case Later():
            tried = _later(way, code, case)
    return tried


def _by_licence(way: ByLicence, code: str, case: Case) -> _Tried:
    found = find_licence(way, case, case.declared.same_person.get(code))
    if not isinstance(found, Candidate):
        obstacle, detail = found
        return Hindrance(way, obstacle, detail)
    return _Works(Settled.LICENCE, found.identifier, licence=found)


def _by_reference(
    way: Way, references: Mapping[str, Reference], code: str, settled: Settled, obstacle: Obstacle
) -> _Tried:
    found = references.get(code)
    return Hindrance(way, obstacle) if found is None else _Works(settled, f"{found.source} {found.number}")


def _by_reuse(way: Reuse, code: str, case: Case) -> _Tried:
    earlier = case.declared.earlier.get(code)
    if earlier is None:
        return Hindrance(way, Obstacle.NO_EARLIER)
    age = china_day(case.at) - earlier.on
    if not timedelta(0) <= age <= timedelta(days=way.within_days):
        return Hindrance(way, Obstacle.EARLIER_TOO_OLD, f"{earlier.on}; {way.within_days} 日内 days")
    return _Works(Settled.REUSED, f"{earlier.source} {earlier.number}")


def _by_promise(way: Promise, code: str, case: Case) -> _Tried:
    if case.promises_barred:
        return Hindrance(way, Obstacle.PROMISE_BARRED)
    signed = case.declared.promises.get(code)
    if signed is None:
        return Hindrance(way, Obstacle.NOT_PROMISED, way.text)
    return _Works(Settled.PROMISED, signed, china_day(case.at) + timedelta(days=way.check_days))


def _later(way: Later, code: str, case: Case) -> _Tried:
    if code not in case.declared.deferred:
        return Hindrance(way, Obstacle.NOT_DEFERRED, f"{way.days} 日内 days")
    return _Works(Settled.DEFERRED, "", china_day(case.at) + timedelta(days=way.days))
