"""What is handed to the scan page: a code, a picture of one, a licence's file, a record, a phone's dynamic code.

Each is told by its bytes, read within bounds, and comes to one or more sightings. Nothing is kept.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.cli.pixels import SIGNATURES
from ecert.errors import MalformedError, Reason
from ecert.presentation import CodeKind, Way, read_code
from ecert.verification.files import FileKind, FileVerdict, assess_file, kind_of_file
from ecert.verification.files import Question as FileQuestion
from ecert.wording import Wording
from verifier.desk import Question
from verifier.keystrokes import undo_keyboard

if TYPE_CHECKING:
    from ecert.verification import Verdict
    from verifier.desk import Desk
    from verifier.keeper import Keeper
    from verifier.redeeming import Redeemer, Showing

PHONE_CODE: Final = Wording(
    "这是手机上的动态码，本窗口没有连接出示服务",
    "This is a phone's dynamic code, and this window is not connected to the service that redeems it",
    "请持证人打开证照页面，出示证照上的二维码（照面码）再扫一次；或出示纸质证照、证照文件",
    "Ask for the code on the licence itself, its paper or its file",
)
OFFLINE_CODE: Final = Wording(
    "这是手机离线时出示的码，本窗口不能核验",
    "This is a code that a phone made without a network; this window cannot verify it",
    "请持证人联网后重新出示，或出示证照上的二维码（照面码）",
    "Ask the holder to go online and show it anew, or for the code on the licence itself",
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One licence or file that was seen, and what it came to.

    Attributes:
        verdict: On the licence; None where a file carries none that can be read.
        file: On the file that it came in; None where it came as a code or record.
        showing: The showing it was handed out by; None where it was not a phone's.
    """

    verdict: Verdict | None
    file: FileVerdict | None = None
    showing: Showing | None = None


class NotTakenError(Exception):
    """A code that cannot be taken here: `words` say so, and what to do instead."""

    def __init__(self, words: Wording) -> None:
        """Say it by `words`."""
        super().__init__(words.en)
        self.words = words


class Intake:
    """Sees what is handed in."""

    def __init__(self, desk: Desk, keeper: Keeper, window: str, redeemer: Redeemer | None = None) -> None:
        """Verify by `desk` and `keeper`; have dynamic codes redeemed by `redeemer`, if one is connected."""
        self._desk = desk
        self._keeper = keeper
        self._window = window
        self._redeemer = redeemer

    def without_redeemer(self) -> Intake:
        """Return one that takes no phone's code: whoever only looks must not use up what a holder shows."""
        return Intake(self._desk, self._keeper, self._window)

    async def see_text(self, typed: str) -> tuple[Sighting, ...]:
        """Return what a code's text comes to, as a gun typed it or a picture had it.

        Raises:
            NotTakenError: a phone's code that cannot be taken here.
            EcertError: a phone's code that the service refuses, or the service does not answer.
        """
        text = undo_keyboard(typed)
        kind = CodeKind.FACE
        with suppress(MalformedError):
            kind, _ = read_code(text)
        if kind is CodeKind.OFFLINE:
            raise NotTakenError(OFFLINE_CODE)
        if kind is CodeKind.DYNAMIC:
            return await self._redeem(text)
        verdict = await self._desk.answer(Question(text))
        self._report(verdict, Way.PRINTED_CODE)
        return (Sighting(verdict),)

    def _report(self, verdict: Verdict, way: Way) -> None:
        if self._redeemer is not None and self._window:
            self._redeemer.report(verdict, self._window, self._window, None, way=way)

    async def see_file(self, data: bytes) -> tuple[Sighting, ...]:
        """Return what a file comes to: a picture with a code, an OFD file, or a sealed record.

        Raises:
            BusyError: too many pictures wait already.
            NotTakenError: as for `see_text`.
            EcertError: as for `see_text`.
        """
        if data.startswith(SIGNATURES):
            read = await self._desk.read_picture(data)
            if isinstance(read, str):
                return await self.see_text(read)
            return (Sighting(await self._desk.answer(Question(read))),)
        kind = kind_of_file(data)
        if kind is not None:
            found = await asyncio.to_thread(self._assess_file, data, kind)
            if found.record is not None:
                self._report(found.record, Way.FILE)
            return (Sighting(found.record, found),)
        # What is neither picture nor file may be a record; what is not even that is no picture that can be read.
        unreadable = MalformedError(Reason.IMAGE_UNREADABLE, "neither a picture nor a licence's file")
        sealed = data if data[:1] == b"\x84" else unreadable
        verdict = await self._desk.answer(Question(sealed))
        self._report(verdict, Way.FILE)
        return (Sighting(verdict),)

    def _assess_file(self, data: bytes, kind: FileKind) -> FileVerdict:
        now = self._keeper.clock()
        return assess_file(data, kind, self._keeper.holdings, FileQuestion(at=now, now=now))

    async def _redeem(self, text: str) -> tuple[Sighting, ...]:
        if self._redeemer is None:
            raise NotTakenError(PHONE_CODE)
        showing = await self._redeemer.look(text, self._window)
        return tuple([Sighting(await self._desk.answer(Question(face)), showing=showing) for face in showing.faces])
