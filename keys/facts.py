"""The public facts beside a key, from which the trust registry is built: who it is, and what it may issue.

They are JSON files that an operator may read and, for `types` and `areas`, edit; they are checked on every read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ecert.errors import MalformedError, Reason
from ecert.licence.codes import (
    REGION_CODE,
    Phrase,
    area_prefix,
    check_credit_code,
    check_region_code,
    check_text,
    check_type_code,
)
from ecert.trust import ANYWHERE
from keys.names import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FACTS: Final = 256 * 1024
"""The most bytes of a facts file."""

_MAX_NAME: Final = 46
"""The most characters of a Chinese name: in a certificate it follows the USCC in O, which has at most 64."""
_MAX_NAME_EN: Final = 128
CREDIT_CODE_LENGTH: Final = 18
"""The characters of a USCC; the first of a licence type's code are its domain, the USCC of who defines it."""


def _require(problem: Phrase | None, what: str) -> None:
    if problem is not None:
        raise MalformedError(Reason.FIELD_INVALID, f"{what}: expected {problem.en} ({problem.zh})")


def require_name(name: str) -> str:
    """Return a Chinese name that can stand in a certificate and on a page.

    Raises:
        MalformedError: it is empty, longer than 46 characters, or holds what cannot be seen.
    """
    _require(check_text(name, _MAX_NAME), "name")
    return name


@dataclass(frozen=True)
class RegionFacts:
    """A region's authority.

    Attributes:
        region: Its GB/T 2260 code, 6 digits; of a ministry with vertical administration (垂直管理), its USCC.
        name: Chinese name, at most 46 characters.
        name_en: English name, at most 128 characters.
    """

    region: str
    name: str
    name_en: str

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            MalformedError: one is not what it should be.
        """
        _require((check_credit_code if self.is_ministry else check_region_code)(self.region), "region")
        require_name(self.name)
        _require(check_text(self.name_en, _MAX_NAME_EN), "name in English")

    @property
    def is_ministry(self) -> bool:
        """Whether `region` is a ministry's USCC."""
        return len(self.region) == CREDIT_CODE_LENGTH

    def as_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {"region": self.region, "name": self.name, "nameEn": self.name_en}


@dataclass(frozen=True)
class SealMakerFacts(RegionFacts):
    """A body that makes seals for a region; `code` is its USCC."""

    code: str

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            MalformedError: one is not what it should be.
        """
        super().__post_init__()
        _require(check_credit_code(self.code), "code")

    def as_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {"region": self.region, "code": self.code, "name": self.name, "nameEn": self.name_en}


@dataclass(frozen=True)
class DepartmentFacts(SealMakerFacts):
    """A department that issues licences for a region.

    Attributes:
        types: Licence type codes it may issue, at least one, sorted.
        areas: Digits with which a licence's area code must begin, e.g. `44` or `440106`; sorted, inside the region.
    """

    types: tuple[str, ...]
    areas: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            MalformedError: one is not what it should be.
        """
        super().__post_init__()
        if not self.types or not self.areas:
            raise MalformedError(Reason.FIELD_INVALID, "a department has at least one type and one area")
        for code in self.types:
            _require(check_type_code(code), "type")
        if self.is_ministry:
            self._check_ministry()
            return
        for area in self.areas:
            if not area.startswith(area_prefix(self.region)):
                raise MalformedError(
                    Reason.FIELD_INVALID, f"area {area} does not lie in region {self.region}, which vouches for it"
                )
            _require(REGION_CODE if len(area) % 2 else check_region_code(area.ljust(6, "0")), "area")

    def _check_ministry(self) -> None:
        if self.areas != (ANYWHERE,):
            raise MalformedError(Reason.FIELD_INVALID, "under a ministry, a department issues for the whole country")
        foreign = [code for code in self.types if not code.startswith(self.region)]
        if foreign:
            raise MalformedError(Reason.FIELD_INVALID, f"type {foreign[0]} is not defined by ministry {self.region}")

    def as_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {**super().as_json(), "types": list(self.types), "areas": list(self.areas)}


Facts: TypeAlias = RegionFacts | SealMakerFacts | DepartmentFacts


def department_facts(
    *, region: str, code: str, name: str, name_en: str, types: Iterable[str], areas: Iterable[str]
) -> DepartmentFacts:
    """Put together a department's facts; without areas, it may issue for its whole region.

    Raises:
        MalformedError: a value is not what it should be.
    """
    everywhere = ANYWHERE if len(region) == CREDIT_CODE_LENGTH else area_prefix(region)
    prefixes = {area_prefix(area) for area in areas} or {everywhere}
    return DepartmentFacts(
        region=region,
        code=code,
        name=name,
        name_en=name_en,
        types=tuple(sorted(set(types))),
        areas=tuple(sorted(prefixes)),
    )


def encode_facts(facts: Facts) -> bytes:
    """Write the file: UTF-8 JSON, indented, ending in a newline."""
    return json.dumps(facts.as_json(), ensure_ascii=False, indent=2).encode() + b"\n"


def decode_facts(kind: Kind, data: bytes) -> Facts:
    """Read the file of a region, a department or a seal maker.

    Raises:
        MalformedError: not JSON, or not exactly the members `encode_facts` writes with sound values.
    """
    try:
        value = json.loads(data)
        facts = _read(kind, value)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise MalformedError(Reason.DATA_MALFORMED, f"not the public facts of a {kind}: {error}") from error
    if facts.as_json() != value:
        raise MalformedError(Reason.DATA_MALFORMED, f"the public facts of a {kind} hold unknown members")
    return facts


def _read(kind: Kind, value: Any) -> Facts:
    region, name, name_en = (_text(value, member) for member in ("region", "name", "nameEn"))
    if kind is Kind.REGION:
        return RegionFacts(region, name, name_en)
    if kind is not Kind.DEPARTMENT:
        return SealMakerFacts(region, name, name_en, _text(value, "code"))
    return DepartmentFacts(
        region, name, name_en, _text(value, "code"), types=_texts(value, "types"), areas=_texts(value, "areas")
    )


def _text(value: Any, member: str) -> str:
    text = value[member]
    if not isinstance(text, str):
        raise TypeError(f"{member} is not text")
    return text


def _texts(value: Any, member: str) -> tuple[str, ...]:
    items = value[member]
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise TypeError(f"{member} is not a list of texts")
    return tuple(items)
