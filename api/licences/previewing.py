"""The page of a licence before it is sealed: the same page, without a seal, and with a code that is no licence's."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ecert.cli.pixels import qr_modules
from ecert.issuance import prepare
from ecert.ofd.compose import FaceContent, compose, face_values
from ecert.ofd.pictures import Picture
from ecert.ofd.svg import page_text, write_svg

if TYPE_CHECKING:
    from datetime import datetime

    from api.catalogue.book import PublishedType
    from api.departments import Issuer
    from ecert.issuance import Prepared
    from ecert.licence.application import Application
    from ecert.ofd.fonts import FontSet


def prepare_one(application: Application, kind: PublishedType, issuer: Issuer, now: datetime) -> Prepared:
    """Look whether a licence could be issued now.

    Raises:
        IssuanceError: it could not.
    """
    return prepare(
        application, kind.definition, issuer.key, sealed_at=now, entropy=secrets.token_bytes, files=issuer.files
    )


def preview(prepared: Prepared, kind: PublishedType, fonts: FontSet, portal_host: str) -> bytes:
    """Return the picture of its first page, SVG.

    Raises:
        IssuanceError: it cannot be set.
    """
    portrait = prepared.application.portrait
    picture = None if portrait is None else Picture.read(portrait)
    nowhere = qr_modules(f"HTTPS://{portal_host}/")
    page = compose(kind.layout, FaceContent(face_values(prepared.fields), nowhere, picture, None), fonts)[0]
    return write_svg(page, note=page_text(page))
