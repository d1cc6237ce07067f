"""What a window asks of a region's service when a phone's dynamic code was scanned, and what it is handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.presentation import Use


@dataclass(frozen=True, slots=True)
class HandedOut:
    """One licence that a service handed out; nothing of it is believed before it was verified.

    Attributes:
        identifier: Its identifier in text, as the service says.
        face: The sealed face; None where the service gave none.
        record: The sealed record, for a use that was granted; else None.
        file: The annotated copy (加注件) made for that use, OFD; else None.
        fields: The fields granted.
        grant: The grant's JSON object as the service gave it; None for a verdict alone.
    """

    identifier: str
    face: bytes | None = None
    record: bytes | None = None
    file: bytes | None = None
    fields: tuple[str, ...] = ()
    grant: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A showing that was taken: its purpose, when the phone made it, when it was taken, and its licences."""

    purpose: str
    made_at: datetime
    taken_at: datetime
    licences: tuple[HandedOut, ...]


class Redeemer(Protocol):
    """Asks the service of the region that a dynamic code names."""

    async def redeem(self, text: str, *, operator: str, use: Use | None = None) -> Redeemed:
        """Take what a code shows; each is good for once.

        Args:
            text: The code as it was read, with the keyboard undone.
            operator: Who scans: the clerk, or the window itself.
            use: What the licences are for; None asks for a verdict alone, and nothing but faces is handed out.

        Raises:
            MalformedError: TEXT_DAMAGED; the code was not read whole.
            EcertError: CODE_UNKNOWN, CODE_USED or CODE_EXPIRED; or SOURCE_UNREACHABLE, the service does not answer.
        """
