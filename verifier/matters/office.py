"""What a window does with a case: take it up, settle the materials, accept, have the receipt signed."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from ecert.errors import CustodyError, EcertError, MalformedError, Reason, RejectedError
from ecert.matter import Whose, accept, acceptance_json, require_complete, resolve
from ecert.matter.case import MAX_LICENCES
from ecert.presentation import Way
from ecert.receipt import assess_receipt, read_unsigned, write_unsigned
from ecert.sm2 import sm3
from ecert.verification import Outcome
from ecert.web.agent_client import open_agent_signer, open_agent_vault
from verifier.matters.case_files import files_of, pack
from verifier.matters.clerks import Clerks
from verifier.matters.drafts import MAX_BYTES, Draft, Drafts, new_case
from verifier.matters.examining import Examiner
from verifier.matters.reception import Reception, wishes
from verifier.matters.register import Entry, Register
from verifier.matters.settings import read_office
from verifier.receipt_signing import seal_believed
from verifier.regions import RegionServices

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from ecert.matter import AcceptanceNumber, Case, Matter, Person
    from ecert.presentation import Wanted
    from ecert.receipt import Receipt, ReceiptVerdict
    from verifier.desk import Desk
    from verifier.keeper import Keeper
    from verifier.matters.drafts import Presented
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
            settings: Whose window it is, what it takes, who works there, who signs its receipts.
            register: Where acceptances are filed.
            keeper: What the window holds.
            desk: Verifies licences.
            window: The window's name.
        """
        self.settings = settings
        self.register = register
        self.drafts = Drafts()
        self.clerks = Clerks(settings.clerks)
        self._arrivals = {one.id: asyncio.Lock() for one in settings.clerks}
        self.window = window or settings.name
        self.examiner = Examiner(settings, keeper, desk, self.window)
        self.reception = Reception(RegionServices(settings.connections, keeper.clock), self.examiner)
        self._keeper = keeper

    @property
    def redeemer(self) -> RegionServices | None:
        """What asks the regions' services about phones' codes; None where there are none."""
        return self.reception.services if self.settings.connections else None

    async def close(self) -> None:
        """Let go of the register and of connections."""
        await self.reception.close()
        self.register.close()

    def now(self) -> datetime:
        """Return the clock's time in whole seconds."""
        return self.examiner.now()

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
        return self._open(matter, Draft(new_case(), matter.item_code, operator, applicant, agent, self.now()))

    async def open_by_code(self, matter: Matter, operator: str, text: str, agent: Person | None) -> Draft:
        """Begin a case for whoever shows a code; where this clerk has begun one of the matter by it, return that.

        Raises:
            EcertError: the code cannot be redeemed, or does not tell who applies.
        """
        code = sm3(text.encode())
        async with self._arrivals[operator]:
            begun = self.drafts.of_code(code, operator)
            if begun is not None and begun.item_code == matter.item_code:
                return begun
            case_id = new_case()
            found = await self.reception.arrive(matter, case_id, operator, text)
            draft = Draft(
                id=case_id,
                item_code=matter.item_code,
                operator=operator,
                applicant=found.applicant,
                agent=agent or found.agent,
                touched_at=self.now(),
                presented=found.presented,
                scanned=frozenset((code,)),
            )
            return self._open(matter, draft)

    def _open(self, matter: Matter, draft: Draft) -> Draft:
        if not matter.takes(draft.applicant.code_type):
            raise EcertError(Reason.MATTER_ELSEWHERE, f"it is for applicants of the kind {matter.applicants}")
        return self.drafts.open(draft)

    async def case(self, draft: Draft) -> Case:
        """Return a case as it stands now.

        Raises:
            NotFoundError: MATTER_UNKNOWN; the matter is no longer taken.
        """
        barred = await asyncio.to_thread(self.register.follow_ups.is_barred, draft.applicant)
        return await self.examiner.case(draft, promises_barred=barred)

    def name_agent(self, draft: Draft, agent: Person | None) -> Draft:
        """Have somebody, or nobody, act for the applicant: consent is given anew, what the one before granted goes."""
        theirs = {one.evidence for one in draft.asks if one.whose == Whose.AGENT}
        return self.drafts.change(
            draft,
            self.now(),
            agent=agent,
            consent=None,
            handwriting=b"",
            grants={},
            asks=tuple(one for one in draft.asks if one.whose != Whose.AGENT),
            presented=tuple(one for one in draft.presented if one.grant is None or one.grant.evidence not in theirs),
        )

    async def scan(self, draft: Draft, text: str) -> Draft:
        """Add the licences that a code shows; one that was scanned for this case before adds nothing.

        Raises:
            EcertError: the code cannot be read or redeemed, or nothing in it can be believed.
        """
        code = sm3(text.encode())
        if code in draft.scanned:
            return draft
        draft = await self.present(draft, await self.reception.scan(draft, self._matter(draft), text))
        return self.drafts.change(draft, self.now(), scanned=draft.scanned | {code})

    async def present(self, draft: Draft, presented: Iterable[Presented]) -> Draft:
        """Add licences to a case; one that is there already is taken with what now allows its use.

        Raises:
            EcertError: there are too many, or one cannot be read.
        """
        held = {one.sealed: one for one in draft.presented}
        for one in presented:
            verdict = await self.examiner.verify(one, draft.item_code)
            if verdict.content is None and verdict.outcome is Outcome.INVALID:
                raise MalformedError(verdict.reason, "nothing in it can be believed")
            if one.way in (Way.PRINTED_CODE, Way.FILE) and one.sealed not in held:
                self.reception.report(draft, self._matter(draft), verdict, one.way)
            if one.sealed not in held or one.grant is not None:
                held[one.sealed] = one
        if len(held) > MAX_LICENCES or sum(one.size for one in held.values()) > MAX_BYTES:
            raise MalformedError(
                Reason.TOO_LARGE, f"a case has at most {MAX_LICENCES} licences and {MAX_BYTES} bytes of them"
            )
        return self.drafts.change(draft, self.now(), presented=tuple(held.values()))

    def remove(self, draft: Draft, name: str) -> Draft:
        """Take a licence out of a case, as if it had not been handed in.

        Args:
            draft: The case.
            name: SM3 of what was handed in, in hexadecimal.
        """
        gone = {one.digest for one in draft.presented if one.digest.hex() == name}
        kept = tuple(one for one in draft.presented if one.digest not in gone)
        return self.drafts.change(draft, self.now(), presented=kept, scanned=draft.scanned - gone)

    async def ask(self, draft: Draft, region: str, whose: str) -> Draft:
        """Ask a holder on the phone for all that is still needed.

        Raises:
            EcertError: nothing is that could be granted; or the region's service cannot be asked.
        """
        wanted = await self._wanted(draft, whose)
        ask = await self.reception.ask(draft, self._matter(draft), region, whose, wanted)
        return self.drafts.change(draft, self.now(), asks=(*draft.asks, ask))

    async def pull(self, draft: Draft, region: str, whose: str) -> Draft:
        """Call up all that is still needed of a holder without a phone, by consent at the counter or by law.

        Raises:
            EcertError: neither is there; nothing is wanted; or the region's service has none, or cannot be asked.
        """
        if draft.consent is None and not draft.by_law:
            raise RejectedError(Reason.CONSENT_MISSING, "")
        wanted = await self._wanted(draft, whose)
        found = await self.reception.pull(draft, self._matter(draft), region, whose, wanted)
        if not found:
            raise RejectedError(Reason.LICENCE_NOT_THERE, "")
        return await self.present(draft, found)

    async def _wanted(self, draft: Draft, whose: str) -> tuple[Wanted, ...]:
        case = await self.case(draft)
        wanted = wishes(case, resolve(case)).get(whose, ())
        if not wanted:
            raise MalformedError(Reason.FORM_INCOMPLETE, "没有需要请其授权的证照 nothing is wanted of this holder")
        return wanted

    async def look(self, draft: Draft) -> Draft:
        """Ask how the requests stand: take what was granted, let go of what was taken back.

        Raises:
            EcertError: a licence handed out cannot be read.
        """
        if not draft.asks:
            return draft
        asks, granted, gone = await self.reception.look(draft, self._matter(draft))
        kept = tuple(one for one in draft.presented if one.grant is None or one.grant.evidence not in gone)
        draft = self.drafts.change(draft, self.now(), asks=asks, presented=kept)
        return await self.present(draft, granted)

    def rely_on_law(self, draft: Draft) -> Draft:
        """Use licences on a registered basis (依职能).

        Raises:
            RejectedError: LEGAL_BASIS_MISSING; none is registered for this unit and matter.
        """
        self.examiner.require_basis(self._matter(draft))
        return self.drafts.change(draft, self.now(), by_law=True)

    def _matter(self, draft: Draft) -> Matter:
        return self.settings.matters.find(draft.item_code)

    async def accept(self, case_id: str, operator: str) -> Filed:
        """Accept a case; where it was accepted before, return that: a second click changes nothing.

        Raises:
            EcertError: CASE_UNKNOWN, MATTER_INCOMPLETE or MATTER_ELSEWHERE.
        """
        filed = await asyncio.to_thread(self.register.of_case, case_id)
        if filed is not None:
            return filed
        draft = await self.look(self.drafts.find(case_id, operator, self.now()))
        case = await self.case(draft)
        require_complete(case, resolve(case))
        region, make = self.settings.region, partial(self._make, draft, case)
        filed = await asyncio.to_thread(self.register.accept, case_id, region, case.at, make)
        self.drafts.close(case_id)
        return filed

    def package(self, filed: Filed) -> bytes:
        """Return the package of an acceptance (案卷).

        Raises:
            EcertError: a file of it cannot be opened.
        """
        listed = self.register.listed(filed.number)
        return pack(filed, ((one.name, self.register.open(filed.number, one.position)[1]) for one in listed))

    def assess(self, filed: Filed) -> ReceiptVerdict:
        """Return what verifying the receipt of an acceptance comes to now."""
        return assess_receipt(filed.receipt, self._keeper.holdings.registry, now=self._keeper.clock())

    def _make(self, draft: Draft, case: Case, number: AcceptanceNumber) -> Entry:
        acceptance = accept(case, number, f"{self.settings.unit}-{number.text}")
        receipt, signed = self._seal(acceptance.receipt)
        return Entry(acceptance, acceptance_json(acceptance), receipt, signed, files_of(acceptance, draft))

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
        EcertError: the file, a matter, the register or the key of its files cannot be used.
    """
    settings = read_office(file)
    vault = None if settings.vault is None else open_agent_vault(settings.vault)
    return Office(settings, Register(settings.register, vault), keeper, desk, window)
