"""Matters (政务服务事项) as data: what each asks for, and for every material the ways of not handing it in.

One matter is one JSON file of at most 256 KiB without unknown keys; `docs/matters.md` describes it. What the rules of
acceptance forbid cannot even be written down: a promise (告知承诺) that 国发〔2022〕5号 rules out, or a principal
material that is handed in later (容缺).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.licence.codes import HOLDER_CODE_TYPES, Phrase, area_prefix, check_credit_code, check_region_code
from ecert.licence.strict_json import Node, decode_json, malformed, pointer
from ecert.licence.types import HolderCategory
from ecert.matter.ways import Later, Promise, Way, read_way

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_MATTER: Final = 256 * 1024
"""The longest definition of a matter in bytes."""
MAX_MATERIALS: Final = 64
"""The most materials of one matter."""
MAX_WAYS: Final = 8
"""The most ways of one material."""

_ITEM_CODE: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_NAME: Final = re.compile(r"\S(?:.{0,126}\S)?")
_REGION: Final = re.compile(r"[0-9]{6}")
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class Exclusion(StrEnum):
    """The categories in which 国发〔2022〕5号 rules promises (告知承诺) out."""

    NATIONAL_SECURITY = "national-security"
    STATE_SECRETS = "state-secrets"
    PUBLIC_SAFETY = "public-safety"
    FINANCIAL_SUPERVISION = "financial-supervision"
    ENVIRONMENT = "environment"
    HEALTH_LIFE_PROPERTY = "health-life-property"
    FOREIGN_AFFAIRS = "foreign-affairs"


@dataclass(frozen=True, slots=True)
class Department:
    """The department that handles a matter.

    Attributes:
        code: Its credit code, 18 characters.
        name: Its name.
    """

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Material:
    """One material (申请材料).

    Attributes:
        code: Short and stable, e.g. `identity`.
        name: As the guide to the matter calls it.
        principal: Whether it is a principal material (主要材料): those are never handed in later.
        paper: What is handed in where nothing else works: the paper fallback.
        ways: In the order in which they are tried.
    """

    code: str
    name: str
    principal: bool
    paper: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter.

    Attributes:
        item_code: 事项编码, at most 64 characters.
        name: Its name, at most 128 characters.
        department: Who handles it.
        region: Where it is handled (办理地), 6 digits.
        accepted_in: Where it may be handed in (收件地): regions, 6 digits each, with all that lies in them.
        applicants: Who may apply.
        days: Within how many working days it is promised to be done.
        exclusions: The categories that it falls in, of those that rule promises out.
        materials: 1 to 64.
    """

    item_code: str
    name: str
    department: Department
    region: str
    accepted_in: tuple[str, ...]
    applicants: HolderCategory
    days: int
    exclusions: tuple[Exclusion, ...]
    materials: tuple[Material, ...]

    def takes(self, code_type: str) -> bool:
        """Tell whether an applicant with this kind of holder code may apply."""
        known = HOLDER_CODE_TYPES.get(code_type)
        return known is not None and self.applicants in (HolderCategory.BOTH, known.category)

    def is_accepted_in(self, region: str) -> bool:
        """Tell whether a window in this region takes it."""
        return any(region.startswith(area_prefix(one)) for one in self.accepted_in)

    def is_handled_in(self, region: str) -> bool:
        """Tell whether a window in this region is where it is handled, so that nothing is handed over."""
        return region.startswith(area_prefix(self.region))

    @property
    def cross_region(self) -> bool:
        """Whether it may be handed in outside the region where it is handled."""
        return not all(self.is_handled_in(one) for one in self.accepted_in)

    @classmethod
    def from_json(cls, data: bytes) -> Matter:
        """Read a definition: UTF-8 JSON, no unknown key.

        Raises:
            MalformedError: MATTER_MALFORMED; the detail names the JSON Pointer of the first mistake.
        """
        try:
            return _read(Node(decode_json(data, MAX_MATTER)))
        except MalformedError as error:
            raise MalformedError(Reason.MATTER_MALFORMED, error.detail) from error


class Matters:
    """The matters that a window takes, by item code."""

    def __init__(self, matters: Iterable[Matter]) -> None:
        """Hold these matters.

        Raises:
            MalformedError: MATTER_MALFORMED; two have one item code.
        """
        matters = tuple(matters)
        self._by_code = {one.item_code: one for one in matters}
        if len(self._by_code) != len(matters):
            raise MalformedError(Reason.MATTER_MALFORMED, "two matters have the same item code")

    def all(self) -> tuple[Matter, ...]:
        """Return all, by item code."""
        return tuple(self._by_code[code] for code in sorted(self._by_code))

    def find(self, item_code: str) -> Matter:
        """Return the matter of an item code.

        Raises:
            NotFoundError: MATTER_UNKNOWN; there is none.
        """
        try:
            return self._by_code[item_code]
        except KeyError:
            raise NotFoundError(Reason.MATTER_UNKNOWN, "no matter has this item code") from None


def _read(root: Node) -> Matter:
    matter = Matter(
        item_code=root.text("itemCode", _ITEM_CODE),
        name=root.text("name", _NAME),
        department=_read_department(root.child("department")),
        region=root.text("region", _REGION),
        accepted_in=root.texts("acceptedIn", _REGION),
        applicants=root.one_of("applicants", HolderCategory),
        days=root.whole("days", 0, 366),
        exclusions=_read_exclusions(root),
        materials=tuple(map(_read_material, root.children("materials"))),
    )
    root.end()
    for key, codes in (("region", (matter.region,)), ("acceptedIn", matter.accepted_in)):
        if any(map(check_region_code, codes)):
            raise malformed(pointer(key), Phrase("region codes of GB/T 2260", "GB/T 2260 行政区划代码"))
    _check_materials(matter)
    return matter


def _read_department(node: Node) -> Department:
    department = Department(node.text("code"), node.text("name"))
    node.end()
    if check_credit_code(department.code):
        raise malformed(node.at + pointer("code"), Phrase("a credit code", "统一社会信用代码"))
    return department


def _read_exclusions(root: Node) -> tuple[Exclusion, ...]:
    if not root.has("exclusions"):
        return ()
    return tuple(map(Exclusion, root.texts("exclusions", re.compile("|".join(Exclusion)))))


def _read_material(node: Node) -> Material:
    material = Material(
        code=node.text("code", _CODE),
        name=node.text("name"),
        principal=node.flag("principal"),
        paper=node.text("paper"),
        ways=tuple(map(read_way, node.children("ways"))),
    )
    node.end()
    if len(material.ways) > MAX_WAYS:
        raise malformed(node.at + pointer("ways"), Phrase(f"at most {MAX_WAYS} ways", f"至多 {MAX_WAYS} 种方式"))
    return material


def _check_materials(matter: Matter) -> None:
    """Refuse what the rules of acceptance forbid, and materials that cannot be told apart."""
    codes = {material.code for material in matter.materials}
    if not 1 <= len(matter.materials) <= MAX_MATERIALS or len(codes) != len(matter.materials):
        raise malformed(
            "/materials",
            Phrase(f"1 to {MAX_MATERIALS} materials with different codes", f"1 至 {MAX_MATERIALS} 项代码不同的材料"),
        )
    for index, material in enumerate(matter.materials):
        at = pointer("materials", str(index), "ways")
        if material.principal and any(isinstance(way, Later) for way in material.ways):
            raise malformed(at, Phrase("no way of handing in later: it is a principal material", "主要材料不得容缺"))
        if matter.exclusions and any(isinstance(way, Promise) for way in material.ways):
            excluded = ", ".join(matter.exclusions)
            raise malformed(
                at,
                Phrase(
                    f"no promise: 国发〔2022〕5号 rules promises out where a matter falls under {excluded}",
                    f"不得告知承诺：国发〔2022〕5号排除 {excluded}",
                ),
            )
