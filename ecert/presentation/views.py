"""What a holder or a window is shown of a licence: every item of its face by name, masked unless it is disclosed.

Masked by default, on the holder's own phone too: others look over a shoulder. The rules for a value are those of
`ecert.licence.masking`; this page adds whose name and number are masked, and which items have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.issuance import EXTENSION
from ecert.licence.application import (
    AREA_CODE,
    EFFECTIVE,
    EXPIRING,
    HOLDER_CODE,
    HOLDER_CODE_TYPE,
    HOLDER_NAME,
    NUMBER,
)
from ecert.licence.codes import HOLDER_CODE_TYPES, Phrase
from ecert.licence.masking import mask_code, mask_name, mask_value
from ecert.licence.metadata import find_item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition

EVERYTHING_MASKED: Final = frozenset[str]()
"""Nothing is disclosed."""

_HOLDER: Final = (HOLDER_NAME, NUMBER, HOLDER_CODE)
_PLAIN: Final = (EFFECTIVE, EXPIRING, AREA_CODE)
_ENGLISH: Final = {
    NUMBER: "Number",
    HOLDER_CODE: "Holder's code",
    EFFECTIVE: "In force from",
    EXPIRING: "In force until",
    AREA_CODE: "Area",
}


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One item as it is shown.

    Attributes:
        name: Its English name, as in the record.
        title: What its face calls it, in Chinese.
        title_en: The same in English.
        value: As it may be shown.
        masked: Whether that is less than the whole.
    """

    name: str
    title: str
    title_en: str
    value: str
    masked: bool


def show(
    definition: TypeDefinition, fields: Mapping[str, FieldValue], disclosed: Collection[str] = EVERYTHING_MASKED
) -> tuple[ShownItem, ...]:
    """Return the items of a licence in the order of its face; those it does not have are left out.

    Args:
        definition: Of its type.
        fields: What its record holds, or discloses.
        disclosed: Names of what is shown whole.
    """
    return tuple(
        ShownItem(
            name, title, title_en, whole if name in disclosed else masked, name not in disclosed and masked != whole
        )
        for name, title, title_en, whole, masked in _items(definition, fields)
    )


def _items(definition: TypeDefinition, fields: Mapping[str, FieldValue]) -> Iterator[tuple[str, str, str, str, str]]:
    private = not _is_organisation(str(fields.get(HOLDER_CODE_TYPE, "")))
    for name in _HOLDER:
        if name in fields:
            whole = str(fields[name])
            mask = mask_name if name == HOLDER_NAME else mask_code
            title, title_en = _titles(definition, name)
            yield name, title, title_en, whole, mask(whole) if private else whole
    for field in definition.fields:
        name = EXTENSION + field.name
        if name in fields:
            yield name, field.zh, field.en, str(fields[name]), mask_value(field, fields[name])
    for name in _PLAIN:
        if name in fields:
            title, title_en = _titles(definition, name)
            yield name, title, title_en, str(fields[name]), str(fields[name])


def _is_organisation(code_type: str) -> bool:
    known = HOLDER_CODE_TYPES.get(code_type)
    return known is not None and known.category == "legal"


def _titles(definition: TypeDefinition, name: str) -> tuple[str, str]:
    if name == HOLDER_NAME:
        return definition.holder_label.zh, definition.holder_label.en
    return find_item(name).zh, _ENGLISH[name]


def with_kind(names: Collection[str]) -> frozenset[str]:
    """Return fields that are disclosed, with what goes along: a holder's number says of what kind it is."""
    return frozenset((*names, HOLDER_CODE_TYPE) if HOLDER_CODE in names else names)


def title_of(definition: TypeDefinition, name: str) -> Phrase:
    """Return what a face calls an item, by its name in the record; the name itself, where the type has none like it."""
    for field in definition.fields:
        if name == EXTENSION + field.name:
            return Phrase(field.en, field.zh)
    if name in (*_HOLDER, *_PLAIN):
        title, title_en = _titles(definition, name)
        return Phrase(title_en, title)
    return Phrase(name, name)
