"""A licence's file: its record set on its type's page, written as OFD and sealed by its issuer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.compose import FaceContent, compose, face_values
from ecert.ofd.content import read_record
from ecert.ofd.layout import load_layout
from ecert.ofd.package import Package
from ecert.ofd.pictures import Picture
from ecert.ofd.sealing import Sealer, seal_file
from ecert.ofd.writer import LicenceDocument, write_licence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.layout import Layout
    from ecert.ofd.pictures import Modules
    from ecert.seal import Seal

_ANY_CODE: Final[Modules] = ((True,),)
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

    def require_fit(self, definition: TypeDefinition, fields: Mapping[str, FieldValue], portrait: bytes | None) -> None:
        """Require that a licence can be set, before anything of it is signed.

        Raises:
            IssuanceError: a text does not fit or has a character that no font has; or the portrait cannot be used,
                or has no place on the page of this type.
        """
        layout = self.layout(definition)
        if portrait is not None and not layout.shows_portrait:
            problem = FieldProblem("/portrait", "no portrait: this type shows none", "无照片：此类型证照没有照片")
            raise IssuanceError(Reason.APPLICATION_INVALID, "the type has no place for a portrait", (problem,))
        compose(layout, self._face(fields, portrait, _ANY_CODE), self.fonts)

    def make(
        self,
        definition: TypeDefinition,
        fields: Mapping[str, FieldValue],
        portrait: bytes | None,
        *,
        record: bytes,
        text: Callable[[str], str],
        at: datetime,
    ) -> bytes:
        """Make the file of a licence.

        Args:
            definition: Of its type.
            fields: Of its record.
            portrait: PNG or JPEG.
            record: The record, sealed.
            text: Returns the text of its QR code for a portal's host.
            at: When it is sealed, aware.

        Raises:
            IssuanceError: as `require_fit`; or the result does not verify.
            RejectedError: the seal is not in its period or does not list the certificate.
            CustodyError: the key failed.
        """
        face = self._face(fields, portrait, self.draw_code(text(self.portal_host)))
        document = LicenceDocument(definition, self.layout(definition), face, record)
        written = write_licence(document, self.fonts, at)
        sealed = seal_file(written.package, self.seal, self.sealer, centre=written.seal, others=written.others, at=at)
        data = write_package(sealed, at)
        if read_record(Package.read(data)) != record:
            raise IssuanceError(Reason.SELF_CHECK_FAILED, "the file does not carry the record that was put in it")
        return data

    def _face(self, fields: Mapping[str, FieldValue], portrait: bytes | None, code: Modules) -> FaceContent:
        picture = None if portrait is None else Picture.read(portrait)
        return FaceContent(face_values(fields), code, picture, self.emblem)
