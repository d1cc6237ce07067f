"""How a window is given licences that no phone shows to it: by consent on the phone, at the counter, or by law.

Whatever the ground, each licence is handed out with its grant, and its holder sees the use (`Way.PULL`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from api.licences.standing import Standing
from api.showing.consents import ConsentBook
from api.showing.handing import Handed, hand_all, issuer_of, record, use_of
from api.showing.held import HeldBook
from ecert.errors import MalformedError, Reason
from ecert.presentation import (
    Consent,
    Ground,
    Request,
    Way,
    bind,
    grant_at_counter,
    grant_by_law,
    grant_by_phone,
)
from ecert.presentation.consent import MAX_USE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from api.ledger import SqlLedger
    from api.showing.consents import Asked
    from api.showing.handing import HandedBody, Visitor
    from api.showing.holders import Holder
    from api.showing.place import Place
    from ecert.licence.identifier import Identifier
    from ecert.presentation import CounterConsent, Grant, Use, Wanted

USE_BY_LAW: Final = timedelta(days=1)
"""How long a window may use what the law lets it see: it may ask again as long as the basis is in force."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What windows may ask of the holders of one region, or about them.

    Attributes:
        place: What it stands on.
    """

    place: Place

    async def ask(
        self,
        visitor: Visitor,
        use: Use,
        wanted: tuple[Wanted, ...],
        holder: Holder,
        *,
        answer_by: datetime,
        until: datetime,
    ) -> Consent:
        """Ask a holder for consent; nothing tells whether there is such a holder.

        Raises:
            MalformedError: the request is out of bounds.
        """
        request = Request(ConsentBook.name(), visitor.by, use, wanted, self.place.now(), answer_by, until)
        await self.place.pool.ask(lambda ledger: ConsentBook(ledger).ask(request, holder), actor=visitor.caller)
        return Consent(request)

    async def consent(self, unit: str, name: str) -> Consent:
        """Return a request of a unit.

        Raises:
            NotFoundError: CONSENT_UNKNOWN.
        """
        asked = await self.place.pool.ask(lambda ledger: ConsentBook(ledger).of_unit(name, unit))
        return asked.consent

    async def pull(self, visitor: Visitor, name: str) -> list[HandedBody]:
        """Return what a holder consented to: each of their licences of the types asked for that stands now.

        Raises:
            NotFoundError: CONSENT_UNKNOWN.
            RejectedError: CONSENT_MISSING, CONSENT_REFUSED or CONSENT_LAPSED.
        """
        now = self.place.now()

        def find(ledger: SqlLedger) -> tuple[Asked, list[Handed]]:
            asked = ConsentBook(ledger).of_unit(name, visitor.by.code)
            asked.consent.require_granted(now)
            request = asked.consent.request

            def grant(licence: Identifier, _: tuple[str, ...]) -> Grant:
                return grant_by_phone(asked.consent, licence, secrets.token_bytes, now)

            return asked, list(self._held(ledger, asked.holder, request.wanted, grant, now))

        asked, handed = await self.place.pool.ask(find)
        return await self._hand(visitor, asked.consent.request.use, handed, now)

    async def pull_at_counter(
        self, visitor: Visitor, use: Use, wanted: tuple[Wanted, ...], holder: Holder, consent: CounterConsent
    ) -> list[HandedBody]:
        """Return the licences of a holder who consented at the counter, on paper or in handwriting that is kept.

        Raises:
            MalformedError: the consent reaches no further than now, or too far.
        """
        now = self.place.now()
        if consent.until > now + MAX_USE:
            raise MalformedError(Reason.DATA_MALFORMED, "consent at the counter lasts at most 366 days")

        def grant(licence: Identifier, fields: tuple[str, ...]) -> Grant:
            return grant_at_counter(
                bind(visitor.by, use, licence),
                fields,
                consent,
                operator=visitor.by.operator,
                entropy=secrets.token_bytes,
                at=now,
            )

        handed = await self.place.pool.ask(lambda ledger: list(self._held(ledger, holder, wanted, grant, now)))
        return await self._hand(visitor, use, handed, now)

    async def pull_by_law(
        self, visitor: Visitor, use: Use, wanted: tuple[Wanted, ...], holder: Holder
    ) -> list[HandedBody]:
        """Return the licences of a holder that a registered basis lets this unit see in this matter (依职能).

        Raises:
            RejectedError: LEGAL_BASIS_MISSING, for one of the types none is registered; GRANT_MISMATCH, it covers less.
        """
        now = self.place.now()
        bases = {
            one.type_code: self.place.bases.find(visitor.by.code, use.item_code, one.type_code, now) for one in wanted
        }

        def grant(licence: Identifier, fields: tuple[str, ...]) -> Grant:
            binding = bind(visitor.by, use, licence)
            made = grant_by_law(
                binding,
                bases[licence.type_code],
                operator=visitor.by.operator,
                entropy=secrets.token_bytes,
                at=now,
                until=now + USE_BY_LAW,
            )
            made.require(binding, fields, now)
            return made

        handed = await self.place.pool.ask(lambda ledger: list(self._held(ledger, holder, wanted, grant, now)))
        return await self._hand(visitor, use, handed, now)

    def _held(
        self,
        ledger: SqlLedger,
        holder: Holder,
        wanted: tuple[Wanted, ...],
        grant: Callable[[Identifier, tuple[str, ...]], Grant],
        now: datetime,
    ) -> Iterator[Handed]:
        """Yield each licence of a holder that is wanted and stands, with its grant."""
        book = HeldBook(ledger, self.place.region, now)
        fields = {one.type_code: one.fields for one in wanted}
        for licence in book.all_of(holder):
            asked = fields.get(licence.identifier.type_code)
            if asked is not None and licence.standing is Standing.VALID:
                opened = book.open(licence)
                granted = grant(licence.identifier, asked)
                whole = granted.ground is not Ground.LAW or opened.is_whole(asked)  # the law names what may be read
                issuer = issuer_of(ledger, self.place, opened) if whole else None
                yield Handed(opened, opened.disclosable(asked), granted, issuer)

    async def _hand(self, visitor: Visitor, use: Use, handed: list[Handed], now: datetime) -> list[HandedBody]:
        told = await hand_all(self.place, handed, visitor)
        await record(self.place, visitor, (use_of(one, Way.PULL, visitor, use, now) for one in handed))
        return told
