"""What a window is handed of a licence: its face; or the record with what was granted of it, a copy, and the grant.

The annotated copy (加注件) is of the whole page: it goes along where the holder disclosed all of it, was told so when
asked, or the ground is another.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from api.showing.bodies import Told
from api.showing.uses import UseBook
from ecert.errors import NotFoundError, Reason, VerificationError
from ecert.licence.validity import china_day
from ecert.ofd.archive import write_package
from ecert.ofd.copies import CopyNote, make_copy
from ecert.ofd.package import Package
from ecert.ofd.sealing import Sealer
from ecert.presentation import Ground, LicenceUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.departments import Issuer
    from api.ledger import SqlLedger
    from api.showing.held import Held
    from api.showing.place import Place
    from ecert.licence.identifier import Identifier
    from ecert.ofd.fonts import FontSet
    from ecert.presentation import Grant, Requester, Use, Way


class GrantBody(Told):
    """The right to use one licence: its auth code (用证码), and what it is bound to."""

    code: str
    requester: str
    item_code: str
    purpose: str
    fields: list[str]
    operator: str
    ground: Ground
    evidence: str
    since: datetime
    until: datetime


class HandedBody(Told):
    """One licence for a window; `record`, `face` and `file` are base64."""

    identifier: str
    record: str | None
    face: str | None
    file: str | None
    fields: list[str]
    grant: GrantBody | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """A window at work.

    Attributes:
        caller: The registered system, for the audit log.
        by: The unit that relies on licences, and the clerk.
        window: The window as people know it.
    """

    caller: str
    by: Requester
    window: str


@dataclass(frozen=True, slots=True)
class Handed:
    """One licence for a window.

    Attributes:
        held: The licence.
        fields: Names of what may be read in it.
        grant: What lets the window use it; None for a look at its face.
        issuer: Who seals the annotated copy; None where there is none to make.
    """

    held: Held
    fields: tuple[str, ...]
    grant: Grant | None = None
    issuer: Issuer | None = None


def issuer_of(ledger: SqlLedger, place: Place, held: Held) -> Issuer | None:
    """Return who seals the copies of a licence: its issuer, where that has a key in standing, and made a file."""
    if held.sealed.file is None:
        return None
    try:
        return place.departments.issuer(ledger, held.licence.department)
    except (NotFoundError, VerificationError):
        return None


def hand(one: Handed, by: Requester, fonts: FontSet) -> HandedBody:
    """Return a licence as a window is handed it.

    Raises:
        EcertError: the copy cannot be made.
    """
    record = one.grant is not None
    copy = None if one.grant is None or one.issuer is None else _copy(one.held, one.grant, one.issuer, by, fonts)
    return HandedBody(
        identifier=one.held.licence.identifier.text,
        record=_text(one.held.record_of(one.fields)) if record else None,
        face=_text(one.held.sealed.face),
        file=None if copy is None else _text(copy),
        fields=list(one.fields),
        grant=None if one.grant is None else _grant(one.grant),
    )


def _copy(held: Held, grant: Grant, issuer: Issuer, by: Requester, fonts: FontSet) -> bytes | None:
    if held.sealed.file is None:
        return None
    last = china_day(grant.until - timedelta(seconds=1))
    note = CopyNote(by.name, grant.binding.purpose, last, grant.since)
    made = make_copy(Package.read(held.sealed.file), note, Sealer(issuer.signer, issuer.key.certificate), fonts)
    return write_package(made, grant.since)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _grant(grant: Grant) -> GrantBody:
    return GrantBody(
        code=grant.code.text,
        requester=grant.binding.requester,
        item_code=grant.binding.item_code,
        purpose=grant.binding.purpose,
        fields=list(grant.fields),
        operator=grant.operator,
        ground=grant.ground,
        evidence=grant.evidence,
        since=grant.since,
        until=grant.until,
    )


async def hand_all(place: Place, handed: Iterable[Handed], visitor: Visitor) -> list[HandedBody]:
    """Return licences as a window is handed them, their copies made by several threads."""
    return list(await asyncio.gather(*(place.draw(partial(hand, one, visitor.by, place.fonts)) for one in handed)))


async def record(place: Place, visitor: Visitor, found: Iterable[LicenceUse]) -> None:
    """Write uses down."""
    await place.pool.ask(lambda ledger: UseBook(ledger).record(found), actor=visitor.caller)


def seen(
    licence: Identifier, way: Way, visitor: Visitor, use: Use | None, at: datetime, *, outcome: Reason = Reason.OK
) -> LicenceUse:
    """Return a use of a licence of which nothing was handed out."""
    return LicenceUse(licence, at, way, visitor.by, visitor.window, use, None, "", (), outcome)


def use_of(one: Handed, way: Way, visitor: Visitor, use: Use | None, at: datetime) -> LicenceUse:
    """Return the use of a licence that was handed out."""
    return LicenceUse(
        licence=one.held.licence.identifier,
        at=at,
        way=way,
        by=visitor.by,
        window=visitor.window,
        use=use,
        ground=None if one.grant is None else one.grant.ground,
        evidence="" if one.grant is None else one.grant.evidence,
        fields=one.fields,
        outcome=Reason.OK,
    )
