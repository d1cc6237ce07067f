"""A licence's file: its record set on its type's page, written as OFD and sealed by its issuer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.compose import FaceContent, compose, face_values, with_code
from ecert.ofd.content import read_record
from ecert.ofd.layout import load_layout
from ecert.ofd.package import Package
from ecert.ofd.pictures import Picture
from ecert.ofd.sealing import Sealer, seal_file
from ecert.ofd.writer import LicenceDocument, write_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.drawing import Page
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.layout import Layout
    from ecert.ofd.pictures import Modules
    from ecert.seal import Seal

_ANY_CODE: Final[Modules] = (b"\1",)
"""Stands for a licence's code before there is one: codes are drawn at the size of their place."""


@dataclass(frozen=True, slots=True)
class FileMaker:
    """Makes the files of one issuer.

    Attributes:
        seal: The issuer's electronic seal.
        sealer: The key that applies it, with the certificate that the seal lists.
        fonts: What pages are set in.
        draw_code: Draws the text of a QR code.
        portal_host: The host in that text.
        emblem: Supplied by the deployment; without one its place stays empty.
        layout: Returns the layout of a type; by default that shipped for it.
    """

    seal: Seal
    sealer: Sealer
    fonts: FontSet
    draw_code: Callable[[str], Modules]
    portal_host: str
    emblem: Picture | None = None
    layout: Callable[[TypeDefinition], Layout] = load_layout

    def set_page(self, definition: TypeDefinition, fields: Mapping[str, FieldValue], portrait: bytes | None) -> SetPage:
        """Set a licence on its page, before anything of it is signed.

        Args:
            definition: Of its type.
            fields: Of its record.
            portrait: PNG or JPEG.

        Raises:
            IssuanceError: a text does not fit or has a character that no font has; or the portrait cannot be used,
                or has no place on the page of this type.
        """
        layout = self.layout(definition)
        if portrait is not None and not layout.shows_portrait:
            problem = FieldProblem("/portrait", "no portrait: this type shows none", "无照片：此类型证照没有照片")
            raise IssuanceError(Reason.APPLICATION_INVALID, "the type has no place for a portrait", (problem,))
        picture = None if portrait is None else Picture.read(portrait)
        face = FaceContent(face_values(fields), _ANY_CODE, picture, self.emblem)
        return SetPage(self, definition, layout, face, compose(layout, face, self.fonts))


@dataclass(frozen=True, slots=True)
class SetPage:
    """A licence on its page; only its code is still another.

    Attributes:
        maker: Makes its file.
        definition: Of its type.
        layout: Of its type.
        face: What the page shows.
        pages: As they are drawn.
    """

    maker: FileMaker
    definition: TypeDefinition
    layout: Layout
    face: FaceContent
    pages: tuple[Page, ...]

    def make(self, record: bytes, text: Callable[[str], str], at: datetime) -> bytes:
        """Make the file of the licence.

        Args:
            record: The record, sealed.
            text: Returns the text of its QR code for a portal's host.
            at: When it is sealed, aware.

        Raises:
            IssuanceError: the result does not verify.
            RejectedError: the seal is not in its period or does not list the certificate.
            CustodyError: the key failed.
        """
        maker = self.maker
        pages = with_code(self.pages, maker.draw_code(text(maker.portal_host)))
        document = LicenceDocument(self.definition, self.layout, self.face, record)
        written = write_pages(document, pages, maker.fonts, at)
        centre, others = written.seal, written.others
        sealed = seal_file(written.package, maker.seal, maker.sealer, centre=centre, others=others, at=at)
        data = write_package(sealed, at)
        if read_record(Package.read(data)) != record:
            raise IssuanceError(Reason.SELF_CHECK_FAILED, "the file does not carry the record that was put in it")
        return data
