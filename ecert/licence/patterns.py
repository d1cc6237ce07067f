r"""Regular expressions in type definitions: a part of what `re` takes, in which no text can take long to match.

Whoever writes a definition may not bring the service to a stop: `(a+)+` tries exponentially many ways. So the ways in
which a pattern can try a text are counted before it is ever used, and the engine is given none with too many.

    pattern = branch *("|" branch)      branch = *(atom [repeat])      repeat = ? * + {n} {n,m}
    atom    = a character, "." , an escape such as \d or \., a class [...], or a group (?:pattern)
"""

from __future__ import annotations

import re
from typing import Final

MOST_WAYS: Final = 100_000
"""In so many ways a pattern may try a text."""
LONGEST: Final = 2000
"""How often at most a character can be repeated: as often as a value is long."""

_ATOM: Final = re.compile(
    r"\\[dDwWsS]|\\[^0-9A-Za-z]|\[\^?(?:\\[dDwWsS]|\\[^0-9A-Za-z]|[^\[\]\\])+\]|[^\\\[\](){}?*+|^$]"
)
_REPEAT: Final = re.compile(r"\?|\*|\+|\{([0-9]{1,4})(?:,([0-9]{1,4}))?\}")
_DEEPEST: Final = 8


def is_harmless(pattern: str) -> bool:
    """Tell whether a pattern is written as above, and tries no text in more than `MOST_WAYS` ways."""
    reader = _Reader(pattern)
    try:
        ways = reader.pattern(0)
    except ValueError:
        return False
    return reader.at == len(pattern) and ways <= MOST_WAYS


class _Reader:
    """Reads a pattern and counts its ways; they never get further than one beyond `MOST_WAYS`."""

    def __init__(self, pattern: str) -> None:
        self.at = 0
        self._text = pattern

    def pattern(self, depth: int) -> int:
        """Return the ways of a pattern: those of all its branches.

        Raises:
            ValueError: something else stands there.
        """
        ways = self._branch(depth)
        while self._text.startswith("|", self.at):
            self.at += 1
            ways += self._branch(depth)
        return _capped(ways)

    def _branch(self, depth: int) -> int:
        ways = 1
        while self.at < len(self._text) and self._text[self.at] not in "|)":
            ways = _capped(ways * self._repeated(self._atom(depth)))
        return ways

    def _atom(self, depth: int) -> int:
        if self._text.startswith("(?:", self.at):
            if depth == _DEEPEST:
                raise ValueError("too deep")
            self.at += 3
            ways = self.pattern(depth + 1)
            if not self._text.startswith(")", self.at):
                raise ValueError("a group that does not end")
            self.at += 1
            return ways
        self._take(_ATOM)
        return 1

    def _repeated(self, ways: int) -> int:
        found = _REPEAT.match(self._text, self.at)
        if found is None:
            return ways
        self.at = found.end()
        low, high = _bounds(found)
        if not low <= high <= LONGEST:
            raise ValueError("not such a number of times")
        return _repeats(ways, low, high)

    def _take(self, form: re.Pattern[str]) -> None:
        found = form.match(self._text, self.at)
        if found is None:
            raise ValueError("no such atom")
        self.at = found.end()


def _bounds(repeat: re.Match[str]) -> tuple[int, int]:
    match repeat[0]:
        case "?":
            return 0, 1
        case "*":
            return 0, LONGEST
        case "+":
            return 1, LONGEST
        case _:
            return int(repeat[1]), int(repeat[2] or repeat[1])


def _repeats(ways: int, low: int, high: int) -> int:
    """Return the ways of something repeated: as often as may be, each time in every way."""
    if ways == 1:
        return high - low + 1
    total, product = 0, 1
    for times in range(high + 1):
        total += product if times >= low else 0
        product = _capped(product * ways)
        if total > MOST_WAYS:
            break
    return _capped(total)


def _capped(ways: int) -> int:
    return min(ways, MOST_WAYS + 1)
