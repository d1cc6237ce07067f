"""A window's side of this region: it takes what a phone shows, and tells of the printed codes that it scanned.

Every way ends in the record of uses, whatever came of it (`ecert.presentation.uses`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from api.access.permissions import Scope
from api.licences.book import LicenceBook
from api.service_schema import licences
from api.showing.bodies import Told
from api.showing.handing import Handed, HandedBody, Visitor, hand_all, issuer_of, record, seen, use_of
from api.showing.held import HeldBook
from api.showing.uses import UseBook
from ecert import envelope
from ecert.errors import MalformedError, NotFoundError, Reason, RejectedError
from ecert.licence.face import MAX_FACE, decode_face
from ecert.presentation import (
    CodeKind,
    DynamicCode,
    Offer,
    Taking,
    Use,
    Way,
    bind,
    grant_by_showing,
    read_code,
    redeem,
)
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from api.ledger import SqlLedger
    from api.showing.place import Place
    from ecert.licence.identifier import Identifier
    from ecert.ports import Held as Kept
    from ecert.trust import Registry

USE_OF_A_SHOWING: Final = timedelta(days=30)
"""How long a window may use what was shown to it: as long as a case usually takes."""


class RedeemedBody(Told):
    """What a window took: licences shown for a purpose."""

    purpose: str
    made_at: datetime
    taken_at: datetime
    licences: list[HandedBody]


@dataclass(frozen=True, slots=True)
class Counter:
    """What windows do with codes.

    Attributes:
        place: What it stands on.
    """

    place: Place

    async def redeem(self, visitor: Visitor, text: str, use: Use | None) -> RedeemedBody:
        """Take what a dynamic code shows, once; everything is ready before the code is used up.

        Raises:
            MalformedError: the text is no dynamic code, or damaged.
            RejectedError: CODE_UNKNOWN, CODE_USED, CODE_EXPIRED; GRANT_MISMATCH, it is shown for another purpose, and
                the code may still be used.
            UndeterminedError: SOURCE_UNREACHABLE; the store does not answer.
        """
        code = self._read(text)
        now = self.place.now()
        kept = await self.place.store.look(code.key, at=now)
        offer = await self._require(kept, visitor, use, now)
        handed = await self.place.pool.ask(
            lambda ledger: self._shown(ledger, offer, code.key, visitor=visitor, use=use, now=now)
        )
        told = await hand_all(self.place, handed, visitor)
        taking = Taking(visitor.by.code, visitor.window, visitor.by.operator, now)
        await self._require(await self.place.store.take(code.key, taking.encode(), at=now), visitor, use, now)
        await record(self.place, visitor, (use_of(one, Way.SHOWING, visitor, use, now) for one in handed))
        return RedeemedBody(purpose=offer.purpose, made_at=offer.made_at, taken_at=now, licences=told)

    def _read(self, text: str) -> DynamicCode:
        kind, data = read_code(text)
        if kind is not CodeKind.DYNAMIC:
            raise MalformedError(Reason.NOT_A_LICENCE_TEXT, f"a {kind} code is not redeemed: it is no dynamic code")
        code = DynamicCode.decode(data)
        if code.region != self.place.region:
            raise RejectedError(Reason.CODE_UNKNOWN, f"it is a code of region {code.region}: ask its service")
        return code

    async def _require(self, kept: Kept | None, visitor: Visitor, use: Use | None, now: datetime) -> Offer:
        """Return what is shown; a use that came to nothing is recorded where it is known of which licences."""
        try:
            return redeem(kept, now)
        except RejectedError as error:
            if kept is not None:
                shown = Offer.decode(kept.offer).licences
                failed = [seen(one.identifier, Way.SHOWING, visitor, use, now, outcome=error.reason) for one in shown]
                await record(self.place, visitor, failed)
            raise

    def _shown(
        self, ledger: SqlLedger, offer: Offer, key: bytes, *, visitor: Visitor, use: Use | None, now: datetime
    ) -> list[Handed]:
        book = LicenceBook(ledger, Scope(self.place.region, None), now)
        held = HeldBook(ledger, self.place.region, now)
        found = []
        for one in offer.licences:
            opened = held.open(book.find(_key(ledger, one.identifier)))
            if use is None:
                found.append(Handed(opened, one.fields))
                continue
            grant = grant_by_showing(
                bind(visitor.by, use, one.identifier),
                offer,
                key,
                operator=visitor.by.operator,
                entropy=secrets.token_bytes,
                at=now,
                until=now + USE_OF_A_SHOWING,
            )
            issuer = issuer_of(ledger, self.place, opened) if opened.is_whole(one.fields) else None
            found.append(Handed(opened, one.fields, grant, issuer))
        return found

    async def report(self, visitor: Visitor, licence: Identifier | bytes, way: Way, use: Use | None) -> None:
        """Record that a window scanned a printed code or looked at a file: of the licence of an identifier or a face.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; it is none of this region.
            MalformedError: the face is none.
        """
        now = self.place.now()

        def keep(ledger: SqlLedger) -> None:
            mine = _by_face(ledger, self.place.registry.get(), licence) if isinstance(licence, bytes) else licence
            _key(ledger, mine)
            UseBook(ledger).record([seen(mine, way, visitor, use, now)])

        await self.place.pool.ask(keep, actor=visitor.caller)


def _key(ledger: SqlLedger, identifier: Identifier) -> str:
    """Return what names a licence in addresses.

    Raises:
        NotFoundError: LICENCE_NOT_FOUND; it was never issued here.
    """
    row = ledger.database.row(select(licences.c.key).where(licences.c.identifier == identifier.text))
    if row is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no licence of this region has this identifier")
    return str(row.key)


def _by_face(ledger: SqlLedger, registry: Registry, face: bytes) -> Identifier:
    signed = envelope.decode(face, limit=MAX_FACE)
    key = registry.find(signed.key_id)
    if key is not None:
        identifier = decode_face(signed.payload, key.member.code).identifier
        row = ledger.database.row(select(licences.c.face_digest).where(licences.c.identifier == identifier.text))
        if row is not None and row.face_digest == sm3(signed.payload):
            return identifier
    raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no licence of this region has this face")
