"""A holder's side of this region: what the ledger has of them, and what they show of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.catalogue.book import TypeBook
from api.showing.bodies import (
    ConsentBody,
    ConsentsBody,
    LicencesBody,
    LookBody,
    PhraseBody,
    PictureBody,
    RequesterBody,
    ShowingBody,
    TakenBody,
    UseBody,
    UsesBody,
    UseTold,
    WantedTold,
)
from api.showing.consents import ConsentBook
from api.showing.held import Held, HeldBook, draw, told
from api.showing.uses import UseBook
from ecert.licence.codes import Phrase
from ecert.presentation import LIFETIME, MEMORY, Answer, DynamicCode, Offer, ShownLicence, Taking
from ecert.presentation.views import title_of

if TYPE_CHECKING:
    from datetime import datetime

    from api.ledger import SqlLedger
    from api.showing.bodies import AnswerBody, DisclosureBody, KeyBody, LicenceBody, NamedBody, PageBody, ShowBody
    from api.showing.consents import Asked
    from api.showing.holders import Holder
    from api.showing.place import Place
    from ecert.ports import Held as Kept
    from ecert.presentation import Wanted

HOLDER: Final = "holder"
"""Who a holder is in the audit log: what they did is about their own licence, and says no more of them."""


@dataclass(frozen=True, slots=True)
class LocalPortal:
    """A `Portal` to the ledger of this service.

    Attributes:
        name: What the region is called.
        place: What it stands on.
    """

    name: Phrase
    place: Place

    @property
    def region(self) -> str:
        """Its code."""
        return self.place.region

    async def licences(self, holder: Holder) -> LicencesBody:
        """See `Portal`."""

        def find(ledger: SqlLedger) -> list[LicenceBody]:
            book = self._book(ledger)
            return [self._told(book.open(one)) for one in book.all_of(holder)]

        return LicencesBody(licences=await self.place.pool.ask(find))

    async def find(self, holder: Holder, asked: NamedBody) -> LicenceBody:
        """See `Portal`."""
        return await self.place.pool.ask(lambda ledger: self._told(self._book(ledger).by_key(holder, asked.licence)))

    async def reveal(self, holder: Holder, asked: DisclosureBody) -> LicenceBody:
        """See `Portal`."""

        def find(ledger: SqlLedger) -> LicenceBody:
            held = self._revealed(ledger, holder, asked)
            return told(held, self.region, self.place.departments, asked.fields)

        return await self.place.pool.ask(find, actor=HOLDER)

    async def picture(self, holder: Holder, asked: DisclosureBody) -> PictureBody:
        """See `Portal`."""
        held = await self.place.pool.ask(lambda ledger: self._revealed(ledger, holder, asked), actor=HOLDER)
        drawn = await self.place.draw(lambda: draw(held, asked.fields, self.place.fonts))
        return PictureBody(svg=drawn.decode())

    async def put_up(self, holder: Holder, session: str, asked: ShowBody) -> ShowingBody:
        """See `Portal`."""
        now = self.place.now()

        def offer(ledger: SqlLedger) -> Offer:
            book = self._book(ledger)
            held = [(book.one_of(holder, one.identifier), one.fields) for one in asked.licences]
            shown = tuple(ShownLicence(one.licence.identifier, one.disclosable(fields)) for one, fields in held)
            account = holder.index(ledger.at_rest.vault).hex()
            return Offer(account, session, asked.purpose, shown, now, now + LIFETIME)

        made = await self.place.pool.ask(offer)
        code = DynamicCode.draw(self.region, secrets.token_bytes)
        await self.place.store.put(
            code.key, made.encode(), ends_at=made.ends_at, forget_at=made.ends_at + MEMORY, at=now
        )
        return ShowingBody(
            text=code.text(self.place.portal_host),
            key=code.key.hex(),
            purpose=made.purpose,
            made_at=made.made_at,
            ends_at=made.ends_at,
        )

    async def look(self, holder: Holder, asked: KeyBody) -> LookBody:
        """See `Portal`."""
        found = await self._find(holder, asked)
        if found is None:
            return LookBody(state="gone")
        kept, offer = found
        if kept.taken is not None:
            by = Taking.decode(kept.taken)
            return LookBody(
                state="taken", taken=TakenBody(unit=by.unit, window=by.window, operator=by.operator, at=by.at)
            )
        return LookBody(state="up" if self.place.clock() < offer.ends_at else "ended")

    async def drop(self, holder: Holder, asked: KeyBody) -> None:
        """See `Portal`."""
        if await self._find(holder, asked) is not None:
            await self.place.store.drop(bytes.fromhex(asked.key))

    async def consents(self, holder: Holder, asked: PageBody) -> ConsentsBody:
        """See `Portal`."""
        now = self.place.now()

        def find(ledger: SqlLedger) -> ConsentsBody:
            found, following = ConsentBook(ledger).all_of(holder, asked.cursor)
            return ConsentsBody(consents=[consent_told(ledger, one, now) for one in found], next=following)

        return await self.place.pool.ask(find)

    async def answer(self, holder: Holder, name: str, asked: AnswerBody) -> ConsentBody:
        """See `Portal`."""
        now, answer = self.place.now(), Answer(asked.answer)

        def keep(ledger: SqlLedger) -> ConsentBody:
            return consent_told(ledger, ConsentBook(ledger).answer(name, holder, answer, now), now)

        return await self.place.pool.ask(keep, actor=HOLDER)

    async def uses(self, holder: Holder, asked: PageBody) -> UsesBody:
        """See `Portal`."""

        def find(ledger: SqlLedger) -> UsesBody:
            found, following = UseBook(ledger).of(self._book(ledger).every_version(holder), asked.cursor)
            return UsesBody(uses=[UseTold.model_validate(one) for one in found], next=following)

        return await self.place.pool.ask(find)

    async def _find(self, holder: Holder, asked: KeyBody) -> tuple[Kept, Offer] | None:
        """Return a showing of a holder; another's is as if it were not there."""
        kept = await self.place.store.look(bytes.fromhex(asked.key), at=self.place.clock())
        if kept is None:
            return None
        offer = Offer.decode(kept.offer)
        account = await self.place.pool.ask(lambda ledger: holder.index(ledger.at_rest.vault).hex())
        return (kept, offer) if offer.holder == account else None

    def _revealed(self, ledger: SqlLedger, holder: Holder, asked: DisclosureBody) -> Held:
        """Return a licence, and log that its holder looks at more of it than its mask."""
        book = self._book(ledger)
        held = book.one_of(holder, asked.identifier)
        if asked.fields:
            book.note(held, "licence.reveal")
        return held

    def _book(self, ledger: SqlLedger) -> HeldBook:
        return HeldBook(ledger, self.region, self.place.clock())

    def _told(self, held: Held) -> LicenceBody:
        return told(held, self.region, self.place.departments)


def consent_told(ledger: SqlLedger, asked: Asked, now: datetime) -> ConsentBody:
    """Return a request as its holder is told of it."""
    consent, request = asked.consent, asked.consent.request
    who, use = request.requester, request.use
    return ConsentBody(
        id=request.id,
        requester=RequesterBody(code=who.code, name=who.name, operator=who.operator),
        use=UseBody(matter=use.matter, item_code=use.item_code, business_no=use.business_no, purpose=use.purpose),
        wanted=[_wanted(ledger, one) for one in request.wanted],
        answer=consent.standing(now),
        asked_at=request.asked_at,
        answered_at=consent.answered_at,
        answer_by=request.answer_by,
        until=request.until,
    )


def _wanted(ledger: SqlLedger, one: Wanted) -> WantedTold:
    definition = TypeBook(ledger.database).in_law(one.type_code)
    if definition is None:
        title, titles = Phrase(one.type_code, one.type_code), list(one.fields)
    else:
        title = Phrase(definition.name_en, definition.name)
        titles = [title_of(definition, name).zh for name in one.fields]
    return WantedTold(type=one.type_code, title=PhraseBody.of(title), fields=list(one.fields), titles=titles)
