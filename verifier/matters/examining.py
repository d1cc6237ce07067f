"""A case as it stands: everything handed in is verified anew, and what allows its use is found."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.matter import ByLicence, Case, Shown, asked_fields
from ecert.presentation import Requester, Use, bind, grant_at_counter, grant_by_law
from ecert.receipt import Place
from ecert.sm2 import sm3
from ecert.verification import Outcome
from ecert.verification.files import FileKind, assess_file, kind_of_file
from ecert.verification.files import Question as FileQuestion
from verifier.desk import Question
from verifier.matters.forms import CONSENT_LASTS

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.licence.identifier import Identifier
    from ecert.matter import Matter
    from ecert.presentation import Grant
    from ecert.verification import Verdict
    from ecert.verification.files import FileVerdict
    from verifier.desk import Desk
    from verifier.keeper import Keeper
    from verifier.matters.drafts import Draft, Presented
    from verifier.matters.settings import OfficeSettings


def use_of(matter: Matter, case_id: str) -> Use:
    """Return what licences are used for in a case; the case is named by the beginning of its identifier alone."""
    return Use(matter.name, matter.item_code, case_id[:16], f"办理{matter.name}"[:200])


class Examiner:
    """Looks at cases for one window."""

    def __init__(self, settings: OfficeSettings, keeper: Keeper, desk: Desk, window: str) -> None:
        """Look by what the window holds."""
        self.window = window
        self._settings = settings
        self._keeper = keeper
        self._desk = desk

    def now(self) -> datetime:
        """Return the clock's time in whole seconds."""
        return self._keeper.clock().replace(microsecond=0)

    def requester(self, operator: str) -> Requester:
        """Return who asks for licences."""
        return Requester(self._settings.unit, self._settings.name, operator)

    async def case(self, draft: Draft, *, promises_barred: bool) -> Case:
        """Return a case as it stands now.

        Raises:
            NotFoundError: MATTER_UNKNOWN; the matter is no longer taken.
        """
        unit, matter = self._settings, self._settings.matters.find(draft.item_code)
        use = use_of(matter, draft.id)
        verdicts = [await self.verify(one, matter.item_code) for one in draft.presented]
        shown = tuple(
            Shown(verdict, sm3(one.data), one.way, self._grant(draft, matter, use, one, verdict), _digest(one.copy))
            for one, verdict in zip(draft.presented, verdicts, strict=True)
        )
        return Case(
            matter=matter,
            place=Place(unit.unit, unit.name, unit.region, self.window, draft.operator),
            use=use,
            applicant=draft.applicant,
            agent=draft.agent,
            shown=shown,
            declared=draft.declared,
            promises_barred=promises_barred,
            at=self.now(),
        )

    async def verify(self, presented: Presented, item_code: str) -> Verdict:
        """Return the verdict on a licence that was handed in; of an OFD file, no better than that on the file."""
        sealed = presented.sealed
        if not isinstance(sealed, bytes) or kind_of_file(sealed) is not FileKind.OFD:
            return await self._desk.answer(Question(sealed, item_code))
        found = await asyncio.to_thread(self._assess_file, sealed, item_code)
        if found.record is None:
            raise RejectedError(found.reason if found.error else Reason.FILE_NO_LICENCE, "no licence can be read in it")
        if found.outcome is Outcome.VALID:
            return found.record
        return replace(found.record, outcome=found.outcome, reason=found.reason)

    async def with_copy(self, presented: Presented, copy: bytes, use: Use) -> Presented:
        """Return a licence with its annotated copy, if that is one of this licence and for this use."""
        if not copy:
            return presented
        try:
            await self._require_copy(presented, copy, use)
        except EcertError as error:
            return replace(presented, trouble=error)
        return replace(presented, copy=copy)

    async def _require_copy(self, presented: Presented, copy: bytes, use: Use) -> None:
        licence = await self.verify(presented, use.item_code)
        found = await asyncio.to_thread(self._assess_file, copy, use.item_code)
        record, note = found.record, found.note
        if licence.content is None or record is None or record.content is None or note is None:
            raise MalformedError(Reason.COPY_MISMATCH, "no annotated copy of a licence")
        if record.content.identifier != licence.content.identifier or note.cause != use.purpose:
            raise MalformedError(Reason.COPY_MISMATCH, "it is of another licence, or for another purpose")
        if found.outcome is Outcome.INVALID and licence.outcome is not Outcome.INVALID:
            raise MalformedError(Reason.COPY_MISMATCH, found.reason.value)

    def _assess_file(self, data: bytes, item_code: str) -> FileVerdict:
        now = self._keeper.clock()
        return assess_file(data, FileKind.OFD, self._keeper.holdings, FileQuestion(at=now, now=now, matter=item_code))

    def _grant(self, draft: Draft, matter: Matter, use: Use, presented: Presented, verdict: Verdict) -> Grant | None:
        """Return what allows the use of a licence: what it came with, else consent at the counter, else the law."""
        if presented.grant is not None or verdict.content is None:
            return presented.grant
        identifier = verdict.content.identifier
        if identifier.text not in draft.grants:
            made = self._make_grant(draft, matter, use, identifier)
            if made is None:
                return None
            draft.grants[identifier.text] = made
        return draft.grants[identifier.text]

    def _make_grant(self, draft: Draft, matter: Matter, use: Use, licence: Identifier) -> Grant | None:
        binding, now = bind(self.requester(draft.operator), use, licence), self.now()
        if draft.consent is not None:
            return grant_at_counter(
                binding,
                asked_fields(matter, licence.type_code),
                draft.consent,
                operator=draft.operator,
                entropy=secrets.token_bytes,
                at=now,
            )
        if not draft.by_law:
            return None
        try:
            basis = self._settings.bases.find(binding.requester, binding.item_code, licence.type_code, now)
        except RejectedError:
            return None
        return grant_by_law(
            binding,
            basis,
            operator=draft.operator,
            entropy=secrets.token_bytes,
            at=now,
            until=now + CONSENT_LASTS,
        )

    def require_basis(self, matter: Matter) -> None:
        """Require that the unit may see some licence of a matter without asking its holder.

        Raises:
            RejectedError: LEGAL_BASIS_MISSING; no basis is registered for it, or none in force.
        """
        ways = (way for material in matter.materials for way in material.ways if isinstance(way, ByLicence))
        types = list(dict.fromkeys(code for way in ways for code in way.types))
        missing = RejectedError(Reason.LEGAL_BASIS_MISSING, matter.item_code)
        for code in types:
            try:
                self._settings.bases.find(self._settings.unit, matter.item_code, code, self.now())
            except RejectedError as error:
                missing = error
            else:
                return
        raise missing


def _digest(copy: bytes) -> bytes:
    return sm3(copy) if copy else b""
