"""Masking: how a name, a code or a field's value is shown to somebody who may not see all of it.

A mask is for people to recognise their own licence by. It is not encryption, and it keeps the length of a name
or code; where even that would tell something, the value is replaced by three stars.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ecert.licence.fields import Check, Kind, Sensitivity

if TYPE_CHECKING:
    from ecert.licence.fields import FieldDefinition, FieldValue

HIDDEN: Final = "***"
"""Stands for a sensitive value, whatever its length."""

_STAR: Final = "*"
_KEPT: Final = 4
_ONE_NAME: Final = re.compile(r"[^^,，、]+")
_SEPARATORS: Final = frozenset("·•・‧ -'’")
_BOTH_ENDS: Final = 3


def _mask_one_name(name: str) -> str:
    letters = [at for at, character in enumerate(name) if character not in _SEPARATORS]
    shown = set(letters[:1]) if len(letters) > 1 else set()
    if len(letters) >= _BOTH_ENDS:
        shown.add(letters[-1])
    hidden = set(letters) - shown
    return "".join(_STAR if at in hidden else character for at, character in enumerate(name))


def mask_name(name: str) -> str:
    """Mask a natural person's name: 张三 → 张*, 张小三 → 张*三, longer → first, stars, last.

    Of a name of one character nothing is shown. Middle dots, spaces, hyphens and apostrophes inside a name stay.
    Names joined by `^` or a comma are masked one by one.
    """
    return _ONE_NAME.sub(lambda found: _mask_one_name(found.group()), name)


def mask_code(code: str) -> str:
    """Mask a code: at most the first 4 and the last 4 characters stay, and never more than half of it."""
    kept = min(_KEPT, len(code) // 4)
    return code[:kept] + _STAR * (len(code) - 2 * kept) + code[len(code) - kept :]


def mask_value(field: FieldDefinition, value: FieldValue) -> str:
    """Show a field's value as its sensitivity allows.

    Public values stay as they are. Personal codes are masked like codes and personal texts like names; personal
    dates, numbers and choices, of which a part would tell too much, are hidden as sensitive values are.
    """
    if field.sensitivity is Sensitivity.PUBLIC:
        return str(value)
    if field.sensitivity is Sensitivity.PERSONAL and isinstance(value, str):
        if field.kind is Kind.CODE or field.check is not Check.NONE:
            return mask_code(value)
        if field.kind is Kind.TEXT:
            return mask_name(value)
    return HIDDEN
