"""Where a batch stands, and where each of its rows does."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class BatchState(StrEnum):
    """Stored, but for `waiting`, and put on the wire: append, never rename.

    A batch waits that is ready and has a proposal that nobody decided yet: so it cannot wait for what is not there.
    """

    VALIDATING = "validating"
    READY = "ready"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    REFUSED = "refused"

    @property
    def moves(self) -> bool:
        """Whether it changes by itself."""
        return self in (BatchState.VALIDATING, BatchState.RUNNING)

    @property
    def ended(self) -> bool:
        """Whether it never changes again."""
        return self in (BatchState.DONE, BatchState.CANCELLED, BatchState.REFUSED)


class RowState(IntEnum):
    """Stored: append, never renumber."""

    GOOD = 1
    WRONG = 2
    ISSUED = 3
    FAILED = 4

    @property
    def word(self) -> str:
        """Its name on the wire; a good row of a batch that was cancelled stays `good`, and was not issued."""
        return self.name.lower()
