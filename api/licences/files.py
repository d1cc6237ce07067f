"""What a licence is handed out as: the sealed record, the file, the code, and pictures of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from api.catalogue.book import TypeBook
from ecert import envelope
from ecert.cli.pixels import draw_png
from ecert.errors import NotFoundError, Reason
from ecert.issuance import SealedLicence
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.raster import svg_to_png
from ecert.ofd.svg import page_text, write_svg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.ledger import SqlLedger
    from api.licences.book import Licence, LicenceBook
    from ecert.licence.fields import FieldValue
    from ecert.licence.identifier import Identifier
    from ecert.licence.record import Record
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.pages import ReadPage

_DPI: Final = 150


class FileName(StrEnum):
    """The files of a licence, as addresses name them."""

    OFD = "licence.ofd"
    RECORD = "record.bin"
    CODE = "code.png"
    TEXT = "code.txt"
    PICTURE = "face.svg"
    PIXELS = "face.png"


_MEDIA_TYPES: Final = {
    FileName.OFD: "application/ofd",
    FileName.RECORD: "application/cose",
    FileName.CODE: "image/png",
    FileName.TEXT: "text/plain; charset=us-ascii",
    FileName.PICTURE: "image/svg+xml",
    FileName.PIXELS: "image/png",
}


@dataclass(frozen=True, slots=True)
class LicenceFile:
    """One of them, with its media type."""

    data: bytes
    media_type: str


def read_sealed(ledger: SqlLedger, licence: Licence) -> SealedLicence:
    """Return a licence as it was sealed.

    Raises:
        NotFoundError: LICENCE_ERASED.
    """
    record, face = _read_records(ledger, licence.identifier)
    return SealedLicence(licence.identifier, record, face, ledger.file(licence.identifier))


def _read_records(ledger: SqlLedger, identifier: Identifier) -> tuple[bytes, bytes]:
    known = ledger.find(identifier)
    if known.record is None or known.face is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "the licence was intended, but never issued")
    return known.record, known.face


def sealed_fields(ledger: SqlLedger, identifier: Identifier) -> Mapping[str, FieldValue]:
    """Return what a licence says.

    Raises:
        NotFoundError: LICENCE_ERASED.
    """
    return _opened(_read_records(ledger, identifier)[0])[1]


def _opened(data: bytes) -> tuple[Record, Mapping[str, FieldValue]]:
    signed = envelope.decode(data, limit=MAX_RECORD)
    record = decode_record(signed.payload)
    return record, read_fields(signed.unprotected, record.digests)


def hand_out(ledger: SqlLedger, book: LicenceBook, key: str, name: FileName) -> SealedLicence:
    """Return the licence that a file is made of, and write to the audit log that it is handed out.

    Raises:
        NotFoundError: LICENCE_NOT_FOUND or LICENCE_ERASED.
    """
    licence = book.find(key)
    sealed = read_sealed(ledger, licence)
    book.note_use("licence.read", licence.identifier, file=name.value)
    return sealed


def read_fields_of(
    ledger: SqlLedger, licence: Licence
) -> tuple[SealedLicence, Mapping[str, FieldValue], TypeDefinition]:
    """Return a licence as it was sealed, all that it says, and the version of its type that it was made by.

    Raises:
        NotFoundError: LICENCE_ERASED.
    """
    sealed = read_sealed(ledger, licence)
    record, fields = _opened(sealed.record)
    kind = TypeBook(ledger.database).version(record.identifier.type_code, record.type_version)
    return sealed, fields, kind.definition


def make_file(sealed: SealedLicence, name: FileName, portal_host: str, fonts: FontSet) -> LicenceFile:
    """Make one of the files of a licence.

    Raises:
        NotFoundError: LICENCE_NOT_FOUND; it was issued without a file, and so without a page.
    """
    return LicenceFile(_make(sealed, name, portal_host, fonts), _MEDIA_TYPES[name])


def _make(sealed: SealedLicence, name: FileName, portal_host: str, fonts: FontSet) -> bytes:
    match name:
        case FileName.OFD:
            return _file(sealed)
        case FileName.RECORD:
            return sealed.record
        case FileName.CODE:
            return draw_png(sealed.text(portal_host))
        case FileName.TEXT:
            return sealed.text(portal_host).encode("ascii")
        case FileName.PICTURE:
            return _draw(_first_page(sealed, fonts))
        case FileName.PIXELS:
            return svg_to_png(_draw(_first_page(sealed, fonts)), resolution=_DPI)


def _file(sealed: SealedLicence) -> bytes:
    if sealed.file is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "this licence was issued without a file")
    return sealed.file


def _first_page(sealed: SealedLicence, fonts: FontSet) -> ReadPage:
    return read_pages(Package.read(_file(sealed)), fonts)[0]


def _draw(page: ReadPage) -> bytes:
    return write_svg(page.page, page.stamps, note=page_text(page.page))
