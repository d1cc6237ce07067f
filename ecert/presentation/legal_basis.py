"""The register of legal bases (依职能用证): which unit may see which licences in which matter, the holder not asked.

    {"bases": [{"unit": credit code, "itemCode": …, "types": [type code, …], "fields": [name, …], "law": "《…》",
                "article": "第…条", "since": "yyyy-mm-dd", "until": "yyyy-mm-dd" | absent}, …]}

What is not in the register does not exist: there is no unit that may see everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.codes import Phrase, check_credit_code, check_type_code, parse_date
from ecert.licence.strict_json import Node, decode_json, malformed, pointer
from ecert.licence.validity import china_day
from ecert.presentation.reading import require_names

if TYPE_CHECKING:
    from datetime import date, datetime

MAX_REGISTER: Final = 1024 * 1024
"""The longest register in bytes."""

_ITEM_CODE: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_LAW: Final = re.compile(r"《[^《》]{2,80}》")
_ARTICLE: Final = re.compile(r"第\S{1,60}")
_NAME: Final = re.compile(r"(?:extendInfo\.)?[A-Za-z][0-9A-Za-z]{0,63}")


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """One basis.

    Attributes:
        unit: Credit code of the unit.
        item_code: The matter.
        types: Licence type codes it may see.
        fields: What it may read, names in ascending order.
        text: Law and article, e.g. `《中华人民共和国社会保险法》第七十七条`.
        since: The first day.
        until: The last day; None: no end is known.
    """

    unit: str
    item_code: str
    types: tuple[str, ...]
    fields: tuple[str, ...]
    text: str
    since: date
    until: date | None

    def holds(self, at: datetime) -> bool:
        """Tell whether the basis is in force at `at` (aware), by the calendar of China."""
        day = china_day(at)
        return self.since <= day and (self.until is None or day - self.until < timedelta(days=1))

    def require(self, unit: str, item_code: str, type_code: str, at: datetime) -> None:
        """Require that the basis covers a use.

        Raises:
            RejectedError: LEGAL_BASIS_MISSING; it does not.
        """
        if not self.covers(unit, item_code, type_code) or not self.holds(at):
            raise _missing(unit, item_code, type_code)

    def covers(self, unit: str, item_code: str, type_code: str) -> bool:
        """Tell whether the basis is this unit's, for this matter and this type."""
        return (self.unit, self.item_code) == (unit, item_code) and type_code in self.types


def _missing(unit: str, item_code: str, type_code: str) -> RejectedError:
    return RejectedError(
        Reason.LEGAL_BASIS_MISSING, f"none is registered for unit {unit}, matter {item_code}, licence type {type_code}"
    )


class LegalBases:
    """A register of legal bases."""

    def __init__(self, bases: tuple[LegalBasis, ...]) -> None:
        """Hold these bases."""
        self._bases = bases

    def find(self, unit: str, item_code: str, type_code: str, at: datetime) -> LegalBasis:
        """Return the basis on which a unit may see licences of a type in a matter.

        Raises:
            RejectedError: LEGAL_BASIS_MISSING; none is registered, or none in force.
        """
        for basis in self._bases:
            if basis.covers(unit, item_code, type_code) and basis.holds(at):
                return basis
        raise _missing(unit, item_code, type_code)

    @classmethod
    def from_json(cls, data: bytes) -> LegalBases:
        """Read a register: UTF-8 JSON, at most 1 MiB, no unknown key.

        Raises:
            MalformedError: DATA_MALFORMED; the detail names the JSON Pointer of the first mistake.
        """
        try:
            root = Node(decode_json(data, MAX_REGISTER))
            bases = tuple(_read_basis(node) for node in root.children("bases"))
            root.end()
        except MalformedError as error:
            raise MalformedError(Reason.DATA_MALFORMED, f"not a register of legal bases: {error.detail}") from error
        return cls(bases)


def _read_basis(node: Node) -> LegalBasis:
    unit = node.text("unit")
    if check_credit_code(unit):
        raise malformed(node.at + pointer("unit"), Phrase("a credit code", "统一社会信用代码"))
    basis = LegalBasis(
        unit=unit,
        item_code=node.text("itemCode", _ITEM_CODE),
        types=node.texts("types"),
        fields=tuple(sorted(node.texts("fields", _NAME))),
        text=node.text("law", _LAW) + node.text("article", _ARTICLE),
        since=parse_date(node.text("since")),
        until=parse_date(node.text("until")) if node.has("until") else None,
    )
    node.end()
    if any(map(check_type_code, basis.types)):
        raise malformed(node.at + pointer("types"), Phrase("licence type codes", "证照类型代码"))
    require_names(basis.fields, "the fields")
    return basis
