"""What a window does with a case: verify what was handed in, settle the materials, accept, have the receipt signed."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from ecert.errors import CustodyError, EcertError, MalformedError, Reason, RejectedError
from ecert.matter import Case, Shown, accept, acceptance_json, asked_fields, require_complete, resolve
from ecert.matter.case import MAX_LICENCES
from ecert.presentation import Requester, Use, bind, grant_at_counter
from ecert.receipt import Place, read_unsigned, write_unsigned
from ecert.sm2 import sm3
from ecert.verification import Outcome
from ecert.verification.files import FileKind, assess_file, kind_of_file
from ecert.verification.files import Question as FileQuestion
from ecert.web.agent_client import open_agent_signer
from verifier.desk import Question
from verifier.matters.drafts import MAX_BYTES, Drafts
from verifier.matters.register import Entry, Register
from verifier.matters.settings import read_office
from verifier.receipt_signing import seal_believed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ecert.matter import AcceptanceNumber, Matter, Person
    from ecert.presentation import Grant
    from ecert.receipt import Receipt
    from ecert.verification import Verdict
    from verifier.desk import Desk
    from verifier.keeper import Keeper
    from verifier.matters.drafts import Draft, Presented
    from verifier.matters.register import Filed
    from verifier.matters.settings import OfficeSettings

_log = logging.getLogger("ecert.verifier")
PAUSE: Final = 10.0
"""Seconds between two tries to have waiting receipts signed."""

_PATIENCE: Final = 1.0
"""Seconds that a signature may take while somebody waits for a slip."""


class Office:
    """The window's side of accepting matters."""

    def __init__(self, settings: OfficeSettings, register: Register, keeper: Keeper, desk: Desk, window: str) -> None:
        """Work for a unit's window.

        Args:
            settings: Whose window it is, what it takes, who signs its receipts.
            register: Where acceptances are filed.
            keeper: What the window holds.
            desk: Verifies licences.
            window: The window's name.
        """
        self.settings = settings
        self.register = register
        self.drafts = Drafts()
        self._keeper = keeper
        self._desk = desk
        self.window = window or settings.name

    def close(self) -> None:
        """Let go of the register."""
        self.register.close()

    def now(self) -> datetime:
        """Return the clock's time in whole seconds."""
        return self._keeper.clock().replace(microsecond=0)

    def matters(self) -> tuple[Matter, ...]:
        """Return the matters that may be handed in here."""
        return tuple(one for one in self.settings.matters.all() if one.is_accepted_in(self.settings.region))

    def taken(self, item_code: str) -> Matter:
        """Return a matter that may be handed in here.

        Raises:
            NotFoundError: MATTER_UNKNOWN; there is none of this code.
            EcertError: MATTER_ELSEWHERE; it is handed in elsewhere.
        """
        matter = self.settings.matters.find(item_code)
        if not matter.is_accepted_in(self.settings.region):
            raise EcertError(Reason.MATTER_ELSEWHERE, f"{item_code} is handed in elsewhere")
        return matter

    def open(self, matter: Matter, operator: str, applicant: Person, agent: Person | None) -> Draft:
        """Begin a case.

        Raises:
            EcertError: MATTER_ELSEWHERE; the matter is not for such applicants.
        """
        if not matter.takes(applicant.code_type):
            raise EcertError(Reason.MATTER_ELSEWHERE, f"it is for applicants of the kind {matter.applicants}")
        return self.drafts.open(matter.item_code, operator, applicant, agent, self.now())

    async def case(self, draft: Draft) -> Case:
        """Return a case as it stands now: everything handed in is verified anew.

        Raises:
            NotFoundError: MATTER_UNKNOWN; the matter is no longer taken.
        """
        matter = self.settings.matters.find(draft.item_code)
        place = Place(self.settings.unit, self.settings.name, self.settings.region, self.window, draft.operator)
        use = Use(matter.name, matter.item_code, draft.id[:16], f"办理{matter.name}"[:200])
        verdicts = [await self._verify(one, matter.item_code) for one in draft.presented]
        shown = tuple(
            Shown(verdict, sm3(one.data), one.way, self._grant(draft, matter, use, verdict))
            for one, verdict in zip(draft.presented, verdicts, strict=True)
        )
        return Case(
            matter=matter,
            place=place,
            use=use,
            applicant=draft.applicant,
            agent=draft.agent,
            shown=shown,
            declared=draft.declared,
            promises_barred=False,
            at=self.now(),
        )

    async def _verify(self, presented: Presented, item_code: str) -> Verdict:
        sealed = presented.sealed
        if isinstance(sealed, bytes) and kind_of_file(sealed) is FileKind.OFD:
            return await asyncio.to_thread(self._verify_file, sealed, item_code)
        return await self._desk.answer(Question(sealed, item_code))

    def _verify_file(self, data: bytes, item_code: str) -> Verdict:
        """Return the verdict on the record in an OFD file: no better than that on the file."""
        now = self._keeper.clock()
        question = FileQuestion(at=now, now=now, matter=item_code)
        found = assess_file(data, FileKind.OFD, self._keeper.holdings, question)
        if found.record is None:
            raise RejectedError(found.reason if found.error else Reason.FILE_NO_LICENCE, "no licence can be read in it")
        if found.outcome is Outcome.VALID:
            return found.record
        return replace(found.record, outcome=found.outcome, reason=found.reason)

    def _grant(self, draft: Draft, matter: Matter, use: Use, verdict: Verdict) -> Grant | None:
        if draft.consent is None or verdict.content is None:
            return None
        identifier = verdict.content.identifier
        if identifier.text not in draft.grants:
            unit = Requester(self.settings.unit, self.settings.name, draft.operator)
            draft.grants[identifier.text] = grant_at_counter(
                bind(unit, use, identifier),
                asked_fields(matter, identifier.type_code),
                draft.consent,
                operator=draft.operator,
                entropy=secrets.token_bytes,
                at=self.now(),
            )
        return draft.grants[identifier.text]

    async def present(self, draft: Draft, presented: Presented) -> Draft:
        """Add a licence to a case, if it can be read.

        Raises:
            EcertError: it cannot; or it is there already.
        """
        if presented in draft.presented:
            return draft
        size = len(presented.data) + sum(len(one.data) for one in draft.presented)
        if len(draft.presented) >= MAX_LICENCES or size > MAX_BYTES:
            raise MalformedError(
                Reason.TOO_LARGE, f"a case has at most {MAX_LICENCES} licences and {MAX_BYTES} bytes of them"
            )
        verdict = await self._verify(presented, draft.item_code)
        if verdict.content is None and verdict.outcome is Outcome.INVALID:
            raise MalformedError(verdict.reason, "nothing in it can be believed")
        return self.drafts.change(draft, self.now(), presented=(*draft.presented, presented))

    async def accept(self, case_id: str) -> Filed:
        """Accept a case; where it was accepted before, return that: a second click changes nothing.

        Raises:
            EcertError: CASE_UNKNOWN, MATTER_INCOMPLETE or MATTER_ELSEWHERE.
        """
        filed = await asyncio.to_thread(self.register.of_case, case_id)
        if filed is not None:
            return filed
        case = await self.case(self.drafts.find(case_id, self.now()))
        require_complete(case, resolve(case))
        region = self.settings.region
        filed = await asyncio.to_thread(self.register.accept, case_id, region, case.at, partial(self._make, case))
        self.drafts.close(case_id)
        return filed

    def _make(self, case: Case, number: AcceptanceNumber) -> Entry:
        acceptance = accept(case, number, f"{self.settings.unit}-{number.text}")
        receipt, signed = self._seal(acceptance.receipt)
        return Entry(acceptance, acceptance_json(acceptance), receipt, signed)

    def _seal(self, receipt: Receipt) -> tuple[bytes, bool]:
        """Have a receipt signed; where that cannot be done now it waits, and says so."""
        uri = self.settings.signer
        if uri is not None:
            try:
                signer = open_agent_signer(uri, patience=_PATIENCE)
                return seal_believed(receipt, signer, self._keeper.holdings.registry, now=self.now()), True
            except (CustodyError, RejectedError) as error:
                _log.warning("a receipt waits for its signature: %s", error)
        return write_unsigned(receipt), False

    async def run(self) -> None:
        """Have receipts signed that wait for it, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.sign_waiting)
            except DBAPIError as error:
                _log.warning("the register cannot be used now: %s", error)
            await asyncio.sleep(PAUSE)

    def sign_waiting(self) -> None:
        """Try to have every receipt signed that waits for it."""
        for filed in self.register.unsigned() if self.settings.signer is not None else ():
            receipt = read_unsigned(filed.receipt)
            if receipt is None:
                continue
            data, signed = self._seal(receipt)
            if not signed:
                return
            self.register.sign(filed.number, data)


def open_office(file: Path, window: str, keeper: Keeper, desk: Desk) -> Office:
    """Open the office that a file describes, and its register.

    Raises:
        EcertError: the file, a matter or the register cannot be used.
    """
    settings = read_office(file)
    return Office(settings, Register(settings.register), keeper, desk, window)
