"""One byte for each licence of a list, immutable: pages of 1,024 bytes, held only where something is marked."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from ecert.revocation.status import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAGE_BITS: Final = 10
_PAGE_SIZE: Final = 1 << _PAGE_BITS
_OFFSET: Final = _PAGE_SIZE - 1
_BLANK: Final = bytes(_PAGE_SIZE)
_MARKED: Final = re.compile(rb"[^\x00]")


class MarkPages:
    """A value: changes make another one, which shares every page that they do not touch.

    At most about 1.1 MB for a million licences, however many are marked.
    """

    __slots__ = ("_pages",)

    def __init__(self, marks: Mapping[int, int] | None = None) -> None:
        """Begin with index → mark byte; every other index is 0."""
        self._pages: dict[int, bytes] = _changed({}, marks or {})

    def get(self, index: int) -> int:
        """Return the mark byte of an index, 0 where none was set."""
        return self._pages.get(index >> _PAGE_BITS, _BLANK)[index & _OFFSET]

    def with_changes(self, changes: Mapping[int, int]) -> MarkPages:
        """Return the marks after `changes`, index → mark byte; these marks stay as they are.

        Raises:
            ValueError: a byte that is no mark, or 0: what was touched never becomes untouched.
        """
        after = MarkPages()
        after._pages = _changed(self._pages, changes)
        return after

    def items(self) -> Iterator[tuple[int, int]]:
        """Yield (index, mark byte) of every marked index, in order."""
        for number in sorted(self._pages):
            page, base = self._pages[number], number << _PAGE_BITS
            for match in _MARKED.finditer(page):
                offset = match.start()
                yield base + offset, page[offset]

    def counts(self) -> dict[int, int]:
        """Return mark byte → how many indices have it, without those that have none."""
        everything = b"".join(self._pages.values())
        return {byte: count for byte in MARKS if byte and (count := everything.count(byte))}

    def memory_bytes(self) -> int:
        """Return the bytes of memory these marks take."""
        return sys.getsizeof(self._pages) + sum(map(sys.getsizeof, self._pages.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MarkPages) and self._pages == other._pages

    def __hash__(self) -> int:
        return hash(frozenset(self._pages.items()))


def _changed(pages: dict[int, bytes], changes: Mapping[int, int]) -> dict[int, bytes]:
    """Return a copy of `pages` in which the touched ones are replaced."""
    if not MARKS.keys() - {0} >= set(changes.values()):
        raise ValueError("a mark that is none")
    opened: dict[int, bytearray] = {}
    for index, mark in changes.items():
        number = index >> _PAGE_BITS
        page = opened.get(number)
        if page is None:
            page = opened[number] = bytearray(pages.get(number, _BLANK))
        page[index & _OFFSET] = mark
    return pages | {number: bytes(page) for number, page in opened.items()}
