"""The elder mode (长辈版) of pages: how large their text is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SIZES: Final = (18, 22, 26, 30)
"""The sizes of text in points that the elder mode (长辈版) has."""


@dataclass(frozen=True, slots=True)
class Display:
    """How somebody likes the page: `elder` is the size of its text in points, None for the usual page."""

    elder: int | None = None

    @classmethod
    def read(cls, cookie: str | None) -> Display:
        """Return the display that a cookie asks for; the usual one where it asks for none."""
        return cls(int(cookie)) if cookie in {str(size) for size in SIZES} else cls()

    @property
    def name(self) -> str:
        """As `read` takes it; empty for the usual page."""
        return "" if self.elder is None else str(self.elder)

    @property
    def smaller(self) -> int | None:
        """The next smaller size, None at the smallest."""
        return self._beside(-1)

    @property
    def larger(self) -> int | None:
        """The next larger size, None at the largest."""
        return self._beside(1)

    def _beside(self, step: int) -> int | None:
        at = (SIZES.index(self.elder) if self.elder in SIZES else 0) + step
        return SIZES[at] if 0 <= at < len(SIZES) else None
