"""Licence types as data: what a type is called, who may hold it, how long it runs, what its face says.

A definition file follows the chapters of the per-type standards (C0293-2024 is the pattern): basic
information, holder information, type-specific information, catalogue, management. `docs/types.md` shows how
to write one. The definitions shipped here are package data in `catalogue/`, one file per type.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ecert.errors import NotFoundError, Reason
from ecert.licence.codes import HOLDER_CODE_TYPES, Phrase, check_credit_code, check_type_code
from ecert.licence.dependencies import Dependency, read_dependencies
from ecert.licence.fields import FieldDefinition, read_field
from ecert.licence.metadata import METADATA
from ecert.licence.strict_json import Node, decode_json, malformed, pointer

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEFINITION: Final = 256 * 1024
"""The longest definition file in bytes."""

_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_CREDIT_CODE: Final = re.compile(r"[0-9A-Z]{18}")
_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_HOLDER_CODE: Final = re.compile(r"[0-9]{3}")
_RANGE: Final = re.compile(r"0/L|[1-9][0-9]{0,2}/[YMD]")
_ITEM_CODE: Final = re.compile(r"[0-9A-Za-z]{1,31}")
_MAX_TYPE_VERSION: Final = 65535
_MONTHS: Final = 12
_RESERVED: Final = frozenset(name for item in METADATA for name in (item.zh, item.name) if name)


class HolderCategory(StrEnum):
    """Who may hold a licence of a type (持证主体类别)."""

    NATURAL = "natural"
    LEGAL = "legal"
    BOTH = "both"


class PrintedName(StrEnum):
    """How the printed code shows the holder's name: in full, or masked where the holder is a natural person."""

    FULL = "full"
    MASKED = "masked"


class CatalogueCategory(StrEnum):
    """The catalogue's division of types: 证照, 批文, 证明, 材料, 证件."""

    LICENCE = "licence"
    APPROVAL = "approval"
    PROOF = "proof"
    MATERIAL = "material"
    PERSONAL_DOCUMENT = "personal-document"


@dataclass(frozen=True, slots=True)
class ValidityRange:
    """One span that licences of a type may run (有效期限范围), GB/T 36902: `n/Y`, `n/M`, `n/D`, or `0/L` for 长期.

    Attributes:
        count: 1 to 999; 0 for 长期.
        unit: `Y` years, `M` months, `D` days, `L` long-term.
    """

    count: int
    unit: str

    @property
    def text(self) -> str:
        """The notation, e.g. `5/Y`."""
        return f"{self.count}/{self.unit}"

    @classmethod
    def parse(cls, text: str) -> ValidityRange:
        """Read the notation.

        Raises:
            MalformedError: TYPE_MALFORMED; another notation.
        """
        if not _RANGE.fullmatch(text):
            raise malformed(
                "", Phrase("a validity range such as 5/Y, 6/M, 90/D or 0/L", "有效期限，如 5/Y、6/M、90/D、0/L")
            )
        count, unit = text.split("/")
        return cls(int(count), unit)

    def admits(self, effective: date, expiring: date | None) -> bool:
        """Tell whether a licence may run from `effective` to `expiring` (`None`: 长期).

        Both ways of writing the last day are taken: 5/Y from 2026-01-01 runs to 2030-12-31 or to 2031-01-01.
        """
        if self.unit == "L" or expiring is None:
            return self.unit == "L" and expiring is None
        end = self._end(effective)
        return expiring in (end, end - timedelta(days=1))

    def _end(self, effective: date) -> date:
        if self.unit == "D":
            return effective + timedelta(days=self.count)
        months = effective.month - 1 + self.count * (_MONTHS if self.unit == "Y" else 1)
        year, month = effective.year + months // _MONTHS, months % _MONTHS + 1
        return date(year, month, min(effective.day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class DefiningAuthority:
    """The body that defines a type (证照定义机构).

    Attributes:
        name: Its Chinese name.
        code: Its credit code, 18 characters.
        level: 1 national, 2 ministry or province, 3 city, 4 county, 5 other.
    """

    name: str
    code: str
    level: int


@dataclass(frozen=True, slots=True)
class RelatedItem:
    """The government service item that issues licences of a type (关联事项); its code where it is known."""

    name: str
    code: str | None


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """One licence type.

    Attributes:
        code: 证照类型代码, 21 characters, GB/T 36904.
        version: Of this definition, 1 to 65535; written into every licence made by it.
        slug: Its short English name in file names and commands.
        name: 证照类型名称.
        name_en: The same in English.
        sample_code: True where `code` is a stand-in of ours and not the code nationally registered.
        authority: The defining body.
        holder_category: Who may hold it.
        holder_code_types: The kinds of holder code it takes, three digits each.
        holder_label: What its face calls the holder, e.g. 名称 or 权利人.
        validity_ranges: The spans it may run.
        issuing_level: 1 to 5, as in `DefiningAuthority.level`: the lowest level that issues it.
        related_item: The service item, if any.
        category: Where the catalogue keeps it.
        printed_name: How the printed code shows the holder's name.
        fields: Its type-specific items in the order of its face.
        depends_on: The types that its licences depend on, each once.
    """

    code: str
    version: int
    slug: str
    name: str
    name_en: str
    sample_code: bool
    authority: DefiningAuthority
    holder_category: HolderCategory
    holder_code_types: tuple[str, ...]
    holder_label: Phrase
    validity_ranges: tuple[ValidityRange, ...]
    issuing_level: int
    related_item: RelatedItem | None
    category: CatalogueCategory
    printed_name: PrintedName
    fields: tuple[FieldDefinition, ...]
    depends_on: tuple[Dependency, ...] = ()

    def dependency(self, type_code: str) -> Dependency | None:
        """Return how licences of this type depend on those of another; None when they do not."""
        return next((one for one in self.depends_on if one.type_code == type_code), None)

    def masks_name(self, holder_code_type: str) -> bool:
        """Tell whether the printed code masks the holder's name: unless this kind of code is an organisation's."""
        known = HOLDER_CODE_TYPES.get(holder_code_type)
        organisation = known is not None and known.category == "legal"
        return self.printed_name is PrintedName.MASKED and not organisation

    @classmethod
    def from_json(cls, data: bytes) -> TypeDefinition:
        """Read a definition file: UTF-8 JSON, at most 256 KiB, no unknown key.

        Raises:
            MalformedError: TYPE_MALFORMED; the detail names the JSON Pointer of the first mistake.
        """
        root = Node(decode_json(data, MAX_DEFINITION))
        basic, holder = root.child("basicInformation"), root.child("holderInformation")
        catalogue, management = root.child("catalogue"), root.child("management")
        definition = cls(
            code=_read_code(basic, "code", _CODE),
            version=basic.whole("version", 1, _MAX_TYPE_VERSION),
            slug=basic.text("slug", _SLUG),
            name=basic.text("name"),
            name_en=basic.text("nameEn"),
            sample_code=basic.flag("sampleCode"),
            authority=_read_authority(catalogue.child("definingAuthority")),
            holder_category=holder.one_of("category", HolderCategory),
            holder_code_types=holder.texts("codeTypes", _HOLDER_CODE),
            holder_label=_read_label(holder.child("label")),
            validity_ranges=tuple(ValidityRange.parse(text) for text in catalogue.texts("validityRanges", _RANGE)),
            issuing_level=catalogue.whole("issuingLevel", 1, 5),
            related_item=_read_related_item(catalogue.child("relatedItem")) if catalogue.has("relatedItem") else None,
            category=catalogue.one_of("category", CatalogueCategory),
            printed_name=management.one_of("printedName", PrintedName),
            fields=tuple(read_field(node) for node in root.children("typeSpecificInformation")),
            depends_on=read_dependencies(management),
        )
        for node in (root, basic, holder, catalogue, management):
            node.end()
        _check_consistency(definition)
        return definition


def _read_code(node: Node, key: str, form: re.Pattern[str]) -> str:
    code = node.text(key, form)
    expected = (check_type_code if form is _CODE else check_credit_code)(code)
    if expected:
        raise malformed(node.at + pointer(key), expected)
    return code


def _read_authority(node: Node) -> DefiningAuthority:
    authority = DefiningAuthority(node.text("name"), _read_code(node, "code", _CREDIT_CODE), node.whole("level", 1, 5))
    node.end()
    return authority


def _read_label(node: Node) -> Phrase:
    label = Phrase(en=node.text("en"), zh=node.text("zh"))
    node.end()
    return label


def _read_related_item(node: Node) -> RelatedItem:
    item = RelatedItem(node.text("name"), node.text("code", _ITEM_CODE) if node.has("code") else None)
    node.end()
    return item


def _check_consistency(definition: TypeDefinition) -> None:
    """Refuse what each chapter allows by itself and the others contradict."""
    if not definition.code.startswith(definition.authority.code):
        expected = Phrase("a code that begins with the defining authority's", "以证照定义机构代码开头的类型代码")
        raise malformed("/basicInformation/code", expected)
    if definition.dependency(definition.code):
        raise malformed("/management/dependsOn", Phrase("other types than this one", "本类型以外的类型"))
    _check_holder(definition)
    seen = set(_RESERVED)
    for index, field in enumerate(definition.fields):
        for key, name in (("name", field.name), ("zh", field.zh)):
            if name in seen:
                once = Phrase("a name used only once", "不与公共项或其他项重复的名称")
                raise malformed(pointer("typeSpecificInformation", str(index), key), once)
            seen.add(name)


def _check_holder(definition: TypeDefinition) -> None:
    known = [HOLDER_CODE_TYPES[code] for code in definition.holder_code_types if code in HOLDER_CODE_TYPES]
    categories = {code_type.category for code_type in known}
    category = definition.holder_category
    wanted = {"natural", "legal"} if category is HolderCategory.BOTH else {category.value}
    if len(known) != len(definition.holder_code_types) or categories != wanted:
        expected = Phrase("known codes of the holder category", "持证主体类别可用的代码类型")
        raise malformed("/holderInformation/codeTypes", expected)
    if category is not HolderCategory.LEGAL and definition.printed_name is not PrintedName.MASKED:
        expected = Phrase("masked, since natural persons may hold it", "masked：自然人可以持有")
        raise malformed("/management/printedName", expected)


@cache
def load_catalogue() -> Mapping[str, TypeDefinition]:
    """Return the definitions shipped with this package, by type code.

    Raises:
        MalformedError: TYPE_MALFORMED; a shipped file is damaged.
    """
    directory = files("ecert.licence").joinpath("catalogue")
    paths = sorted((path for path in directory.iterdir() if path.name.endswith(".json")), key=lambda path: path.name)
    definitions = [TypeDefinition.from_json(path.read_bytes()) for path in paths]
    return MappingProxyType({definition.code: definition for definition in definitions})


def find_type(text: str) -> TypeDefinition:
    """Return the shipped definition whose code, slug or Chinese name is `text`.

    Raises:
        NotFoundError: TYPE_UNKNOWN; there is none.
    """
    catalogue = load_catalogue()
    for definition in catalogue.values():
        if text in (definition.code, definition.slug, definition.name):
            return definition
    known = ", ".join(definition.slug for definition in catalogue.values())
    raise NotFoundError(Reason.TYPE_UNKNOWN, f"no such licence type; known are {known}")
