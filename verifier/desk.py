"""Answering about a licence: from memory, and where details or evidence are wanted and there is a network, with them.

What is held decides. A page of details or a proof is asked for within a second, and the answer is given without it
when it does not come.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import envelope
from ecert.cli.pixels import read_picture
from ecert.errors import EcertError, MalformedError, Reason
from ecert.licence.face import Face
from ecert.licence.record import MAX_RECORD
from ecert.qr import decode_text
from ecert.revocation import PAGE_SIZE, state_at
from ecert.sm2 import sm3
from ecert.verification import assess, assess_many
from verifier.fetching import fetch_page, fetch_proof

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from ecert.licence.reference import StatusRef
    from ecert.revocation import RegionStatus
    from ecert.verification import Verdict
    from verifier.keeper import Keeper
    from verifier.publisher import Publisher

FETCH_SECONDS: Final = 1.0
"""How long an answer waits for what would make it better."""
DECODERS: Final = 2
"""Pictures decoded at the same time."""
AT_ONCE: Final = 32
"""Of many licences, how many are verified before others have their turn: some two milliseconds."""
MAX_WAITING: Final = 8
"""Pictures that may wait to be decoded; with more, the desk is busy."""

_MISSED_FOR: Final = 10.0
"""Seconds until what no publisher had is asked for again."""
_MISSED: Final = 1024


class BusyError(Exception):
    """Too many pictures wait to be decoded."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know.

    Attributes:
        sealed: The licence, as `ecert.verification.assess` takes it.
        matter: Item code of the matter at hand.
        evidence: Proofs that the licence existed at a time.
    """

    sealed: bytes | str | MalformedError
    matter: str | None = None
    evidence: tuple[bytes, ...] = ()


class Desk:
    """Answers questions from what a keeper holds."""

    def __init__(self, keeper: Keeper, publishers: Sequence[Publisher]) -> None:
        """Answer from `keeper`; ask `publishers` for what is missing, if there are any."""
        self._keeper = keeper
        self._publishers = tuple(publishers)
        self._pool = ThreadPoolExecutor(DECODERS, "decode")
        self._decoding = 0
        self._missed: OrderedDict[object, float] = OrderedDict()

    async def read_picture(self, data: bytes) -> str | MalformedError:
        """Return the text of the code in a picture, or why there is none.

        Raises:
            BusyError: too many wait already.
        """
        if self._decoding >= DECODERS + MAX_WAITING:
            raise BusyError
        self._decoding += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _read_picture, data)
        finally:
            self._decoding -= 1

    async def answer(self, question: Question) -> Verdict:
        """Return the verdict, by the best evidence that can be had in time."""
        verdict = self._assess(question)
        if not self._publishers or verdict.content is None or verdict.key is None:
            return verdict
        if await self._fetch_details(verdict):
            verdict = self._assess(question)
        if not question.evidence and _needs_proof(verdict):
            proof = await self._fetch_proof(question, verdict)
            if proof is not None:
                verdict = self._assess(Question(question.sealed, question.matter, (proof,)))
        return verdict

    async def answer_many(
        self, licences: Sequence[bytes | str | MalformedError], matter: str | None
    ) -> AsyncIterator[Verdict]:
        """Yield the verdict on each licence in order: the one that `answer` has, while there is time to ask for more.

        They are taken a few at a time, and whoever else waits comes between: a thread would hold the interpreter as
        long, and give it back later. What is asked of publishers takes `FETCH_SECONDS` in all, and the last answer.
        """
        until = asyncio.get_running_loop().time() + FETCH_SECONDS
        for few in (licences[at : at + AT_ONCE] for at in range(0, len(licences), AT_ONCE)):
            holdings = self._keeper.holdings
            verdicts = assess_many(
                few, registry=holdings.registry, status=holdings.status, at=self._keeper.clock(), matter=matter
            )
            wanting = [self._wants_more(verdict) for verdict in verdicts]
            for sealed, verdict, wants in zip(few, verdicts, wanting, strict=True):
                in_time = wants and asyncio.get_running_loop().time() < until
                yield await self.answer(Question(sealed, matter)) if in_time else verdict
            await asyncio.sleep(0)

    def _wants_more(self, verdict: Verdict) -> bool:
        """Tell whether a publisher may have what would make a verdict better."""
        if not self._publishers or verdict.content is None or verdict.key is None or verdict.status is None:
            return False
        wants = self._wants_page(verdict.status, verdict.key.public_key.key_id, verdict.content.status)
        return wants or _needs_proof(verdict)

    def _assess(self, question: Question) -> Verdict:
        holdings = self._keeper.holdings
        return assess(
            question.sealed,
            registry=holdings.registry,
            status=holdings.status,
            at=self._keeper.clock(),
            matter=question.matter,
            evidence=question.evidence,
        )

    async def _fetch_details(self, verdict: Verdict) -> bool:
        """Fetch the page of details that the licence's status asks for; tell whether one was taken."""
        if verdict.status is None or verdict.key is None or verdict.content is None:
            return False
        region, key_id, reference = verdict.status.region, verdict.key.public_key.key_id, verdict.content.status
        page = reference.index // PAGE_SIZE
        if not self._wants_page(verdict.status, key_id, reference):
            return False

        async def fetch(publisher: Publisher) -> bytes | None:
            return await fetch_page(publisher, region, key_id, reference.number, page)

        data = await self._first((region, key_id, reference.number, page), fetch)
        if data is None:
            return False
        try:
            return await self._keeper.take_page(data)
        except EcertError as error:
            self._keeper.note("pages", error)
            return False

    def _wants_page(self, status: RegionStatus, key_id: bytes, reference: StatusRef) -> bool:
        """Tell whether the licence has a history, and no page that says why its mark is as it is."""
        try:
            mark = status.mark(key_id, reference)
        except EcertError:
            return False
        events = self._keeper.holdings.status.events(status.region, key_id, reference)
        return mark.touched and (events is None or state_at(events, status.issued_at)[0] is not mark.state)

    async def _fetch_proof(self, question: Question, verdict: Verdict) -> bytes | None:
        if verdict.key is None or isinstance(question.sealed, MalformedError):
            return None
        if isinstance(verdict.content, Face):
            digest = verdict.content.record_digest
        else:
            data = decode_text(question.sealed) if isinstance(question.sealed, str) else question.sealed
            digest = sm3(envelope.decode(data, limit=MAX_RECORD).payload)
        region = verdict.key.region.code
        return await self._first((region, digest), lambda publisher: fetch_proof(publisher, region, digest))

    async def _first(self, what: object, fetch: Callable[[Publisher], Awaitable[bytes | None]]) -> bytes | None:
        """Return what the first publisher has that has it, None when none does in time; not asked again for a while."""
        now = asyncio.get_running_loop().time()
        if self._missed.get(what, -math.inf) + _MISSED_FOR > now:
            return None
        with suppress(EcertError, TimeoutError):
            async with asyncio.timeout(FETCH_SECONDS):
                for publisher in self._publishers:
                    data = await fetch(publisher)
                    if data is not None:
                        return data
        self._missed[what] = now
        if len(self._missed) > _MISSED:
            self._missed.popitem(last=False)
        return None

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _needs_proof(verdict: Verdict) -> bool:
    return any(check.code is Reason.ISSUER_KEY_COMPROMISED for check in verdict.checks)


def _read_picture(data: bytes) -> str | MalformedError:
    try:
        return read_picture(data)
    except MalformedError as error:
        return error
