"""Where a licence's status stands, fixed at issuance and written into the licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

_INDEX_BITS = 20


@dataclass(frozen=True, slots=True, order=True)
class StatusRef:
    """Where a licence's status stands: a list of its issuing key, and an index in that list.

    Attributes:
        number: The list, 0..4095, counted for each issuing key.
        index: 0..2^20-1.
    """

    number: int
    index: int

    CAPACITY: ClassVar[int] = 1 << _INDEX_BITS
    """Indices in one list."""
    LISTS: ClassVar[int] = 1 << 12
    """Lists of one key."""
    PACKED: ClassVar[int] = LISTS << _INDEX_BITS
    """Packed references lie below this."""

    def pack(self) -> int:
        """Return number · 2^20 + index."""
        return self.number << _INDEX_BITS | self.index

    @classmethod
    def unpack(cls, value: int) -> StatusRef:
        """Read what `pack` wrote; `value` is below `PACKED`."""
        return cls(value >> _INDEX_BITS, value & (cls.CAPACITY - 1))
