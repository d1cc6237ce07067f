"""The texts that the cells of a workbook share (ECMA-376, part 1, 18.4), packed: a table may have millions of them."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, Final

from api.tables.rows import bad_table
from api.tables.xml_events import Element, local, read_elements
from ecert.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_STRINGS: Final = 8_000_000
MAX_STRING_BYTES: Final = 256 * 1024 * 1024
"""The most bytes of UTF-8 that all shared texts have together: they are the one thing kept in memory."""
_LONGEST: Final = 1024 * 1024

_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """The shared texts by their numbers."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("I", [0])

    @classmethod
    def read(cls, pieces: Iterable[bytes]) -> SharedStrings:
        """Read the part that holds them.

        Raises:
            MalformedError: TABLE_TOO_LARGE, TABLE_UNSAFE or TABLE_DAMAGED.
        """
        strings = cls()
        for element in read_elements(pieces, ("si",), _LONGEST):
            strings._add(text_of(element))
        return strings

    def _add(self, text: str) -> None:
        self._text += text.encode("utf-8")
        self._ends.append(len(self._text))
        if len(self._text) > MAX_STRING_BYTES or len(self._ends) > MAX_STRINGS + 1:
            raise bad_table(
                Reason.TABLE_TOO_LARGE,
                f"the workbook has more than {MAX_STRINGS} texts or {MAX_STRING_BYTES} bytes of them",
            )

    def __getitem__(self, number: str) -> str:
        """Return the text with a number, as a cell writes it.

        Raises:
            MalformedError: TABLE_DAMAGED; no text has this number.
        """
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1  # noqa: PLR2004
        if not 0 <= at < len(self._ends) - 1:
            raise bad_table(Reason.TABLE_DAMAGED, "a cell of the workbook names a text that is not there")
        return self._text[self._ends[at] : self._ends[at + 1]].decode("utf-8")


def text_of(element: Element) -> str:
    """Return the text of a shared or inline string: plain, or in runs; how it is read aloud (`rPh`) is left away."""
    parts: list[str] = []
    for child in element:
        name = local(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts += (run.text or "" for run in child if local(run) == "t")
    text = "".join(parts)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
