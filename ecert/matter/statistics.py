"""How many submissions were spared (免于提交), by matter, by department and by region."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ecert.matter.ways import Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ecert.matter.acceptance import Acceptance


@dataclass(frozen=True, slots=True)
class Count:
    """What one acceptance adds to the statistics; nothing personal is in it.

    Attributes:
        item_code: The matter's.
        matter: The matter's name.
        department: The name of the department that handles it.
        region: Where it was accepted (收件地), 6 digits.
        handled_in: Where it is handled (办理地), 6 digits.
        settled: How each material was settled.
    """

    item_code: str
    matter: str
    department: str
    region: str
    handled_in: str
    settled: tuple[Settled, ...]

    @classmethod
    def of(cls, acceptance: Acceptance) -> Self:
        """Take down an acceptance."""
        matter = acceptance.case.matter
        settled = tuple(one.settled for one in acceptance.resolutions)
        accepted_in, handled_in = acceptance.case.place.region, matter.region
        return cls(matter.item_code, matter.name, matter.department.name, accepted_in, handled_in, settled)


@dataclass(frozen=True, slots=True)
class Spared:
    """The sum over some acceptances.

    Attributes:
        cases: How many were accepted.
        materials: How many materials they asked for.
        by_way: How each was settled, and how often.
    """

    cases: int
    materials: int
    by_way: Mapping[Settled, int]

    @property
    def spared(self) -> int:
        """How many materials nobody had to hand in."""
        return sum(count for way, count in self.by_way.items() if way.spared)


def tally(counts: Iterable[Count], key: Callable[[Count], str]) -> dict[str, Spared]:
    """Add up acceptances by a key, e.g. `lambda one: one.region`; in ascending order of it."""
    groups: dict[str, list[Count]] = {}
    for one in counts:
        groups.setdefault(key(one), []).append(one)
    return {name: _sum(groups[name]) for name in sorted(groups)}


def _sum(counts: list[Count]) -> Spared:
    ways = Counter(way for one in counts for way in one.settled)
    return Spared(len(counts), ways.total(), {way: ways[way] for way in Settled if ways[way]})
