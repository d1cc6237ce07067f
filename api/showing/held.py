"""A holder's licences in the ledger: found by who holds them, told masked, and drawn as their pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from api.access.permissions import Scope
from api.catalogue.book import PublishedType, TypeBook
from api.licences.book import MOST, Licence, LicenceBook, Question
from api.licences.files import read_sealed
from api.licences.standing import Standing
from api.service_schema import licences
from api.showing.bodies import ItemBody, LicenceBody, PhraseBody
from ecert import envelope
from ecert.errors import NotFoundError, Reason
from ecert.licence.application import HOLDER_NAME, NUMBER
from ecert.licence.codes import Phrase
from ecert.licence.record import MAX_RECORD, decode_record, disclose, read_fields
from ecert.ofd.compose import FaceContent, compose, face_values
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.svg import page_text, write_svg
from ecert.presentation import show, with_kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.departments import Departments
    from api.ledger import SqlLedger
    from api.showing.holders import Holder
    from ecert.issuance import SealedLicence
    from ecert.licence.fields import FieldValue
    from ecert.licence.identifier import Identifier
    from ecert.ofd.fonts import FontSet

_OVER: Final = (Standing.SUPERSEDED, Standing.TRANSFERRED)
"""What another licence stands in the place of, and nobody is shown any more."""


@dataclass(frozen=True, slots=True)
class Held:
    """A licence of a holder, opened.

    Attributes:
        licence: As the ledger lists it.
        sealed: As it was sealed.
        fields: All that it says.
        kind: The version of its type that it was made by.
    """

    licence: Licence
    sealed: SealedLicence
    fields: Mapping[str, FieldValue]
    kind: PublishedType

    def disclosable(self, names: Collection[str]) -> tuple[str, ...]:
        """Return those names that it has, in ascending order."""
        return tuple(sorted(set(names) & self.fields.keys()))

    def is_whole(self, names: Collection[str]) -> bool:
        """Tell whether these are all the items that its holder may disclose."""
        return all(one.name in names for one in show(self.kind.definition, self.fields))

    def record_of(self, names: Collection[str]) -> bytes:
        """Return its sealed record with these fields in it, and no others; with a number, of what kind it is."""
        sealed = envelope.decode(self.sealed.record, limit=MAX_RECORD)
        return replace(sealed, unprotected=disclose(sealed.unprotected, with_kind(names))).encode()


class HeldBook:
    """The licences of one region, as their holders see them."""

    def __init__(self, ledger: SqlLedger, region: str, now: datetime) -> None:
        """Look at `now`."""
        self._ledger = ledger
        self._book = LicenceBook(ledger, Scope(region, None), now)

    def all_of(self, holder: Holder) -> list[Licence]:
        """Return the newest version of each licence of a holder, those that another stands in the place of left out."""
        return [one for one in self._versions(holder) if one.standing not in _OVER]

    def every_version(self, holder: Holder) -> list[Identifier]:
        """Return the identifiers of all versions of all licences of a holder."""
        return [one.identifier for one in self._versions(holder)]

    def _versions(self, holder: Holder) -> Iterator[Licence]:
        asked, cursor, more = Question(holder_code=holder.code), "", True
        while more:
            page, cursor = self._book.search(asked, cursor, MOST)
            yield from (one for one in page if _is_of(one, holder))
            more = bool(cursor)

    def one_of(self, holder: Holder, identifier: str) -> Held:
        """Return one licence of a holder by its identifier, opened.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; they hold none like that. LICENCE_ERASED.
        """
        return self._one(holder, licences.c.identifier == identifier)

    def by_key(self, holder: Holder, key: str) -> Held:
        """Return one licence of a holder by what names it in addresses.

        Raises:
            NotFoundError: as `one_of`.
        """
        return self._one(holder, licences.c.key == key)

    def _one(self, holder: Holder, condition: ColumnElement[bool]) -> Held:
        mine = licences.c.holder_index == self._ledger.at_rest.holder_index(holder.code)
        row = self._ledger.database.row(select(licences.c.key).where(condition, mine))
        found = None if row is None else self._book.find(row.key)
        if found is None or not _is_of(found, holder) or found.standing in _OVER:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "you hold no such licence here")
        return self.open(found)

    def open(self, licence: Licence) -> Held:
        """Open a licence.

        Raises:
            NotFoundError: LICENCE_ERASED.
        """
        sealed = read_sealed(self._ledger, licence)
        signed = envelope.decode(sealed.record, limit=MAX_RECORD)
        record = decode_record(signed.payload)
        fields = read_fields(signed.unprotected, record.digests)
        kind = TypeBook(self._ledger.database).version(record.identifier.type_code, record.type_version)
        return Held(licence, sealed, fields, kind)

    def note(self, held: Held, action: str) -> None:
        """Write to the audit log that a holder looked at more of a licence than its mask."""
        self._book.note_use(action, held.licence.identifier)


def _is_of(licence: Licence, holder: Holder) -> bool:
    """Tell whether a licence that was found by a holder's code is of their kind of code."""
    return licence.summary is not None and licence.summary.holder_code_type == holder.code_type


def told(held: Held, region: str, departments: Departments, disclosed: Collection[str] = ()) -> LicenceBody:
    """Return a licence as its holder is told of it."""
    licence, definition = held.licence, held.kind.definition
    items = show(definition, held.fields, frozenset(disclosed))
    shown = {one.name: one.value for one in items}
    return LicenceBody(
        key=licence.key,
        identifier=licence.identifier.text,
        type=licence.identifier.type_code,
        title=PhraseBody.of(Phrase(definition.name_en, definition.name)),
        region=region,
        department=PhraseBody.of(departments.name(licence.department)),
        number=shown[NUMBER],
        holder=shown[HOLDER_NAME],
        state=licence.standing,
        effective=licence.effective,
        expiring=licence.expiring,
        file=held.sealed.file is not None,
        items=[
            ItemBody(name=one.name, title=one.title, title_en=one.title_en, value=one.value, masked=one.masked)
            for one in items
        ],
    )


def draw(held: Held, disclosed: Collection[str], fonts: FontSet) -> bytes:
    """Return the first page of a licence with its seal, SVG: as it was made where all of it is disclosed, else masked.

    The masked page has neither portrait nor face code: both say what the mask hides.

    Raises:
        NotFoundError: LICENCE_NOT_FOUND; it was issued without a file, and so without a page.
    """
    if held.sealed.file is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "this licence was issued without a file")
    original = read_pages(Package.read(held.sealed.file), fonts)[0]
    items = show(held.kind.definition, held.fields, frozenset(disclosed))
    if not any(one.masked for one in items):
        return write_svg(original.page, original.stamps, note=page_text(original.page))
    values = dict(held.fields) | {one.name: one.value for one in items if one.masked}
    content = FaceContent(face_values(values), (b"\0",))
    page = compose(held.kind.layout, content, fonts)[0]
    return write_svg(page, original.stamps, note=page_text(page))
