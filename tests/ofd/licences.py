"""Licences of every type, from the demo's applications."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ecert.cli.pixels import qr_modules
from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.licence.types import load_catalogue
from ecert.ofd.archive import write_package
from ecert.ofd.compose import FaceContent
from ecert.ofd.layout import load_layout
from ecert.ofd.sealing import Sealer, seal_file
from ecert.ofd.writer import LicenceDocument, WrittenLicence, write_licence
from tests.seal import forge
from tests.seal.world import NOW, World

if TYPE_CHECKING:
    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet

TYPES = sorted(load_catalogue().values(), key=lambda one: one.slug)
BUSINESS = next(one for one in TYPES if one.slug == "business-licence")
RECORD = b"the sealed record"
LINK = "HTTPS://ZZ.EXAMPLE/#" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 7
"""As long as the code of a real licence."""
DEMO = Path(__file__).parents[2] / "scripts" / "demo-data"


@cache
def _modules() -> tuple[bytes, ...]:
    return qr_modules(LINK)


def values(definition: TypeDefinition, application: dict[str, object]) -> dict[str, FieldValue]:
    """The values of a licence as issuing makes them."""
    own = application["extendInfo"]
    assert isinstance(own, dict)
    plain = {name: value for name, value in application.items() if isinstance(value, str | int)}
    return {
        "certificateExpiringDate": "长期",
        **plain,
        **own,
        "certificateName": definition.name,
        "certificateTypeName": definition.name,
        "certificateIdentifier": f"1.2.156.3005.2.{definition.code}.11440000DEMX00001X.0123456789ABCDEFGHIJ.001.2",
        "certificateIssuingAuthorityName": "样例省市场监督管理局",
        "certificateIssuingAuthorityCode": "11440000DEMX00001X",
        "certificateIssuedDate": "2026-11-23",
        "certificateHolderTypeName": HOLDER_CODE_TYPES[str(application["certificateHolderTypeCode"])].name,
    }


def documents(definition: TypeDefinition) -> list[LicenceDocument]:
    """The demo's licences of one type."""
    applications = json.loads((DEMO / f"{definition.slug}.json").read_bytes())
    layout = load_layout(definition)
    faces = [FaceContent(values(definition, one), _modules()) for one in applications]
    return [LicenceDocument(definition, layout, face, RECORD) for face in faces]


def document(definition: TypeDefinition = BUSINESS, **changes: FieldValue) -> LicenceDocument:
    """The demo's first licence of a type, with other values."""
    first = documents(definition)[0]
    return replace(first, face=replace(first.face, values={**first.face.values, **changes}))


def written(fonts: FontSet, one: LicenceDocument) -> WrittenLicence:
    return write_licence(one, fonts, NOW)


def sealed(fonts: FontSet, world: World, one: LicenceDocument) -> bytes:
    """A sealed file."""
    made = written(fonts, one)
    sealer = Sealer(world.keys["department"], world.certificates["department"])
    return write_package(seal_file(made.package, forge.seal(world), sealer, centre=made.seal, at=NOW), NOW)
