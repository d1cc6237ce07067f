"""Today's scans at one window, in memory: counted, and the last of them told again. Names are masked, no code kept."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.licence.validity import china_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

SHOWN: Final = 8
"""How many of the day's scans are told again."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan as it may be told again.

    Attributes:
        at: When.
        kind: `valid`, `invalid`, `undetermined` or `unread`.
        title: The licence's type in Chinese; empty where none was read.
        holder: The holder's name as the verdict showed it, a natural person's masked; empty where none was read.
        region: The issuer's region; empty where none was read.
        sentence: What the verdict said.
    """

    at: datetime
    kind: str
    title: str
    holder: str
    region: str
    sentence: str


class Scans:
    """The scans of one day; the next day begins with none."""

    def __init__(self) -> None:
        """Begin with none."""
        self._day: date | None = None
        self._last: deque[Scan] = deque(maxlen=SHOWN)
        self._counts: Counter[str] = Counter()

    def add(self, scan: Scan) -> None:
        """Count a scan, and remember it for a while."""
        self._turn(scan.at)
        self._last.appendleft(scan)
        self._counts[scan.kind] += 1

    def last(self, now: datetime) -> Sequence[Scan]:
        """Return the last scans of the day, newest first."""
        self._turn(now)
        return tuple(self._last)

    def counts(self, now: datetime) -> Mapping[str, int]:
        """Return how many scans of the day were of each kind."""
        self._turn(now)
        return dict(self._counts)

    def _turn(self, now: datetime) -> None:
        if china_day(now) != self._day:
            self._day = china_day(now)
            self._last.clear()
            self._counts.clear()
