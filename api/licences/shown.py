"""How a licence is shown in a list: masked, where it is a person's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.licence.masking import mask_code, mask_name

if TYPE_CHECKING:
    from api.at_rest import Summary

ERASED = "***"
"""Stands for what was erased."""


def shown(summary: Summary | None) -> tuple[str, str]:
    """Return a licence's number and its holder's name; both masked unless an organisation holds it."""
    if summary is None:
        return ERASED, ERASED
    known = HOLDER_CODE_TYPES.get(summary.holder_code_type)
    if known is not None and known.category == "legal":
        return summary.number, summary.holder
    return mask_code(summary.number), mask_name(summary.holder)
