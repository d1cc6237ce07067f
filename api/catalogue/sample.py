"""A page of a type as its licences will look, with the examples of its definition, no seal, and an invented holder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.cli.pixels import qr_modules
from ecert.licence.codes import CREDIT_CODE_TYPE, HOLDER_CODE_TYPES
from ecert.licence.identifier import Identifier
from ecert.ofd.compose import FaceContent, compose
from ecert.ofd.svg import page_text, write_svg

if TYPE_CHECKING:
    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.drawing import Page
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.layout import Layout

_TEXT_OF_CODE: Final = "HTTPS://ZZ.EXAMPLE/#SAMPLE-0123456789-SAMPLE-0123456789-SAMPLE-0123456789"
_ORGANISATION: Final = ("样例示范有限责任公司", "91440106DEMX000498")
_PERSON: Final = ("张样例", "440000199003070024")
_FIRST_DAY, _LAST_DAY, _LONG_TERM = "2026-01-01", "2030-12-31", "长期"


def sample_page(definition: TypeDefinition, layout: Layout, fonts: FontSet) -> Page:
    """Set the examples on the page.

    Raises:
        IssuanceError: a text does not fit, or no font has a character of it.
    """
    return compose(layout, FaceContent(_values(definition), qr_modules(_TEXT_OF_CODE)), fonts)[0]


def draw_sample(definition: TypeDefinition, layout: Layout, fonts: FontSet) -> bytes:
    """Draw it as SVG.

    Raises:
        IssuanceError: as `sample_page`.
    """
    page = sample_page(definition, layout, fonts)
    return write_svg(page, title=f"{definition.name} 样例 Sample", note=page_text(page))


def _values(definition: TypeDefinition) -> dict[str, FieldValue]:
    examples = {field.name: field.example for field in definition.fields}
    repeated = {field.same_as.value: field.example for field in definition.fields if field.same_as}
    return _metadata(definition) | repeated | examples


def _metadata(definition: TypeDefinition) -> dict[str, FieldValue]:
    kind, authority = definition.holder_code_types[0], definition.authority
    name, code = _ORGANISATION if kind == CREDIT_CODE_TYPE else _PERSON
    ends = any(span.unit != "L" for span in definition.validity_ranges)
    return {
        "certificateName": definition.name,
        "certificateTypeName": definition.name,
        "certificateTypeCode": definition.code,
        "certificateNumber": "样例〔2026〕0001号",
        "certificateIdentifier": Identifier(definition.code, authority.code, "0" * 20, 1).text,
        "certificateIssuingAuthorityName": authority.name,
        "certificateIssuingAuthorityCode": authority.code,
        "certificateIssuedDate": _FIRST_DAY,
        "certificateHolderName": name,
        "certificateHolderCode": code,
        "certificateHolderTypeName": HOLDER_CODE_TYPES[kind].name,
        "certificateHolderTypeCode": kind,
        "certificateEffectiveDate": _FIRST_DAY,
        "certificateExpiringDate": _LAST_DAY if ends else _LONG_TERM,
        "certificateAreaCode": "440000",
    }
