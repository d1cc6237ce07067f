"""What a licence says, as a list for people: masked as each item's sensitivity asks, or whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.console.views.frame import Entry
from ecert.issuance import EXTENSION
from ecert.licence.application import EFFECTIVE, EXPIRING, HOLDER_CODE, HOLDER_CODE_TYPE, HOLDER_NAME, NUMBER
from ecert.licence.codes import HOLDER_CODE_TYPES, Phrase
from ecert.licence.masking import mask_code, mask_name, mask_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition


def facts(definition: TypeDefinition, fields: Mapping[str, FieldValue], *, masked: bool) -> tuple[Entry, ...]:
    """Return what a licence of a type says.

    Args:
        definition: The version of the type that it was made by.
        fields: Of its record.
        masked: Whether a person's data is masked.
    """
    return tuple(_facts(definition, fields, masked=masked))


def _facts(definition: TypeDefinition, fields: Mapping[str, FieldValue], *, masked: bool) -> Iterator[Entry]:
    name, code, number = (str(fields[key]) for key in (HOLDER_NAME, HOLDER_CODE, NUMBER))
    hide = masked and is_personal(str(fields[HOLDER_CODE_TYPE]))
    yield Entry(definition.holder_label, mask_name(name) if hide else name, hide)
    yield Entry(Phrase("Holder's code", "持证主体代码"), mask_code(code) if hide else code, hide, code=True)
    yield Entry(Phrase("Licence number", "证照编号"), mask_code(number) if hide else number, hide, code=True)
    yield Entry(Phrase("In force", "有效期"), f"{fields[EFFECTIVE]} 至 {fields[EXPIRING]}")
    for field in definition.fields:
        value = fields.get(EXTENSION + field.name)
        if value is not None and field.same_as is None:
            shown = mask_value(field, value) if masked else str(value)
            yield Entry(Phrase(field.en, field.zh), shown, shown != str(value))


def is_personal(holder_code_type: str) -> bool:
    """Tell whether a holder of this kind of code may be a person."""
    known = HOLDER_CODE_TYPES.get(holder_code_type)
    return known is None or known.category != "legal"
