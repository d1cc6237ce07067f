"""What a verification receipt (核验凭据) says: which licences a window saw, for whom and for what.

    body   canonical CBOR [1, number, made at, [unit, name, region, window, operator],
                           [item code, matter, case] or null, applicant, [licence, ...], [[material, way], ...]]

Nothing personal stands in it but masked names: the values of fields are in the annotated copies that are filed beside
it, and the digests tie the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_credit_code, check_region_code
from ecert.licence.validity import to_seconds
from ecert.presentation.reading import Items, malformed
from ecert.receipt.seen import SeenLicence

if TYPE_CHECKING:
    from datetime import datetime

MAX_BODY: Final = 256 * 1024
"""The longest body in bytes."""
MAX_LICENCES: Final = 32
"""The most licences of one receipt."""
MAX_MATERIALS: Final = 64
"""The most materials of one receipt."""

_FORMAT: Final = 1
_PARTS, _PLACE_PARTS, _CASE_PARTS, _MATERIAL_PARTS = 8, 5, 3, 2
_MAX_ITEMS: Final = 16384


@dataclass(frozen=True, slots=True)
class Place:
    """Where the licences were verified, and by whom.

    Attributes:
        unit: Credit code of the relying body (用证单位), whose key signs the receipt.
        name: Its name.
        region: Where it is, 6 digits.
        window: The window as people know it, e.g. 浦东3号窗口.
        operator: The clerk's identifier.
    """

    unit: str
    name: str
    region: str
    window: str
    operator: str


@dataclass(frozen=True, slots=True)
class CaseOf:
    """The case that the licences were verified for.

    Attributes:
        item_code: Of the matter (事项).
        matter: Its name.
        number: The case's number: that of its acceptance (受理凭证号), once it was accepted.
    """

    item_code: str
    matter: str
    number: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt.

    Attributes:
        number: Its own, unique within the unit.
        made_at: When, aware UTC, whole seconds.
        place: Where and by whom.
        case: For what; None for a verification without a case.
        applicant: The applicant's name, masked; empty where nobody was identified.
        licences: At most 32 licences; some, or some materials.
        materials: Code of a material → how it was settled, in the order of the matter; see `ecert.matter`.
    """

    number: str
    made_at: datetime
    place: Place
    case: CaseOf | None
    applicant: str
    licences: tuple[SeenLicence, ...]
    materials: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        """Return the one byte form.

        Raises:
            MalformedError: RECEIPT_MALFORMED; no such receipt can be.
        """
        place, case = self.place, self.case
        data = cbor.encode(
            [
                _FORMAT,
                self.number,
                to_seconds(self.made_at),
                [place.unit, place.name, place.region, place.window, place.operator],
                None if case is None else [case.item_code, case.matter, case.number],
                self.applicant,
                [one.value() for one in self.licences],
                [[code, way] for code, way in self.materials],
            ]
        )
        Receipt.decode(data)
        return data

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """Read a body from hostile bytes.

        Raises:
            MalformedError: RECEIPT_MALFORMED; it is none.
        """
        try:
            receipt = _read(Items.decode(data, limit=MAX_BODY, length=_PARTS, items=_MAX_ITEMS))
        except MalformedError as error:
            raise MalformedError(Reason.RECEIPT_MALFORMED, f"not a verification receipt: {error.detail}") from error
        return receipt


def _read(items: Items) -> Receipt:
    if items.number(0) != _FORMAT:
        raise malformed("it is of a format of another time")
    receipt = Receipt(
        number=items.text(1),
        made_at=items.instant(2),
        place=_read_place(items.values[3]),
        case=None if items.values[4] is None else _read_case(items.values[4]),
        applicant=items.text(5, may_be_empty=True),
        licences=tuple(map(SeenLicence.read, items.many(6, MAX_LICENCES))),
        materials=tuple(map(_read_material, items.many(7, MAX_MATERIALS))),
    )
    if not receipt.licences and not receipt.materials:
        raise malformed("nothing was verified")
    if any(one.checked_at > receipt.made_at for one in receipt.licences):
        raise malformed("it was made before what it tells of")
    return receipt


def _read_place(value: cbor.Value) -> Place:
    items = Items.of(value, _PLACE_PARTS)
    place = Place(*(items.text(at) for at in range(_PLACE_PARTS)))
    if check_credit_code(place.unit) or check_region_code(place.region):
        raise malformed("the unit has no credit code, or its region no code")
    return place


def _read_case(value: cbor.Value) -> CaseOf:
    items = Items.of(value, _CASE_PARTS)
    return CaseOf(*(items.text(at) for at in range(_CASE_PARTS)))


def _read_material(value: cbor.Value) -> tuple[str, str]:
    items = Items.of(value, _MATERIAL_PARTS)
    return items.text(0), items.text(1)
