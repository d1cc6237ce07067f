"""What a scan page asks of a region's service when a phone's dynamic code was scanned, and what it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.presentation import Use, Way
    from ecert.verification import Verdict


@dataclass(frozen=True, slots=True)
class Showing:
    """A showing that was taken; nothing of it is believed before it was verified.

    Attributes:
        purpose: What the holder shows the licences for.
        made_at: When the phone made the code, aware.
        faces: The sealed faces of the licences.
    """

    purpose: str
    made_at: datetime
    faces: tuple[bytes, ...]


class Redeemer(Protocol):
    """Asks the service of the region that a dynamic code names."""

    async def look(self, text: str, window: str) -> Showing:
        """Take what a code shows, for a verdict alone: nothing but faces is handed out. Each code is good once.

        Args:
            text: The code as it was read, with the keyboard undone.
            window: The window that scans it.

        Raises:
            MalformedError: TEXT_DAMAGED; the code was not read whole.
            EcertError: CODE_UNKNOWN, CODE_USED or CODE_EXPIRED; or the region's service cannot be asked.
        """

    def report(self, verdict: Verdict, window: str, operator: str, use: Use | None, *, way: Way) -> None:
        """Let the holder read that a licence's printed code was scanned, or its file looked at; nobody waits for it.

        Args:
            verdict: What the scan came to; nothing is said of a code whose seal does not hold.
            window: The window.
            operator: The clerk; the window again where nobody has signed in.
            use: What for; None where no matter is known.
            way: PRINTED_CODE or FILE.
        """
