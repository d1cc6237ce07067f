"""The catalogue of licence types: GB/T 36902 fields, life cycle, versions, the definition and layout as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta  # noqa: TC003  (named in the fields of dataclasses)
from typing import TYPE_CHECKING, Final

from api.console.views.frame import Entry
from api.console.wording import Named
from ecert.licence.codes import Phrase
from ecert.licence.types import CatalogueCategory, HolderCategory

if TYPE_CHECKING:
    from ecert.licence.types import TypeDefinition, ValidityRange


class TypeState(Named):
    """The life cycle of a version of a type."""

    DRAFT = "draft", "暂存", "Draft", "off"
    REVIEW = "review", "审核", "In review", "wait"
    PUBLISHED = "published", "发布", "Published", "good"
    DISABLED = "disabled", "停用", "Disabled", "bad"


class TypeAction(Named):
    """What can be done with a type, in the order of the buttons."""

    SUBMIT = "submit", "送审", "Submit"
    PUBLISH = "publish", "发布", "Publish"
    RETURN = "return", "退回", "Return"
    REVISE = "revise", "新建版本", "New version"
    DISABLE = "disable", "停用", "Disable", "bad"

    @property
    def explained(self) -> bool:
        """Whether a reason is asked for."""
        return self in (TypeAction.RETURN, TypeAction.DISABLE)


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One type of the list."""

    code: str
    name: Phrase
    authority: str
    holder: Phrase
    version: int
    state: TypeState
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CatalogueList:
    """All types of the region.

    Attributes:
        types: The types, in the order of their codes.
        counts: How many there are in each state.
        shown: The state that the list is narrowed to; None for all.
        may_create: Whether the operator may write a new one.
    """

    types: tuple[TypeRow, ...]
    counts: tuple[tuple[TypeState, int], ...]
    shown: TypeState | None = None
    may_create: bool = False


@dataclass(frozen=True, slots=True)
class TypeVersion:
    """One version of a type's definition; `note` says why it last came to its state, where that is told."""

    version: int
    state: TypeState
    changed_at: datetime
    changed_by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DependencyRow:
    """A type that this one depends on.

    Attributes:
        code: The other type's.
        name: What it is called.
        consequence: What the law makes of licences of this type when one of the other falls; empty for nothing.
    """

    code: str
    name: Phrase
    consequence: str


@dataclass(frozen=True, slots=True)
class FreshnessBudget:
    """How old what a window relies on may be; None where only its own signed term counts.

    Attributes:
        use: For which matter, or for all.
        registry: The oldest the trust registry may be.
        status: The oldest the status may be.
    """

    use: Phrase
    registry: timedelta | None
    status: timedelta | None


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """One mistake in a definition or layout: where, as a JSON Pointer, and what was expected there."""

    pointer: str
    expected: Phrase


@dataclass(frozen=True, slots=True)
class Editor:
    """A type as JSON, to be written.

    Attributes:
        definition: The text of the definition.
        layout: The text of the layout.
        sharing: The text of what the region settles beside them.
        etag: The state of the type that the texts were made from.
        definition_problems: What is wrong with the definition.
        layout_problems: What is wrong with the layout.
        sharing_problems: What is wrong with the rest.
    """

    definition: str
    layout: str
    sharing: str
    etag: str
    definition_problems: tuple[JsonProblem, ...] = ()
    layout_problems: tuple[JsonProblem, ...] = ()
    sharing_problems: tuple[JsonProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class TypePage:
    """One type.

    Attributes:
        code: 证照类型代码; empty for one being written for the first time.
        name: What it is called.
        state: Of the version shown.
        version: The version shown.
        entries: The fields of GB/T 36902, made by `catalogue_entries`.
        sample: Where a picture of a sample page is; empty where there is none.
        actions: What the operator may do now.
        versions: All versions, the newest first.
        depends_on: Types that this one depends on.
        shared_with: Regions that licences of it are shared with.
        budgets: How old what windows rely on may be.
        editor: The JSON to be written; None where it is only to be read.
        etag: The state of the type that the page was made from; goes with every action.
    """

    code: str
    name: Phrase
    state: TypeState
    version: int
    entries: tuple[Entry, ...]
    etag: str
    sample: str = ""
    actions: tuple[TypeAction, ...] = ()
    versions: tuple[TypeVersion, ...] = ()
    depends_on: tuple[DependencyRow, ...] = ()
    shared_with: tuple[Phrase, ...] = ()
    budgets: tuple[FreshnessBudget, ...] = ()
    editor: Editor | None = None


HOLDERS: Final = {
    HolderCategory.NATURAL: Phrase("Natural persons", "自然人"),
    HolderCategory.LEGAL: Phrase("Organisations", "法人和其他组织"),
    HolderCategory.BOTH: Phrase("Both", "自然人、法人和其他组织"),
}
"""持证主体类别 in words."""
_LEVELS: Final = {1: "国家级", 2: "省部级", 3: "地市级", 4: "区县级", 5: "其他"}
_CATEGORIES: Final = {
    CatalogueCategory.LICENCE: "证照",
    CatalogueCategory.APPROVAL: "批文",
    CatalogueCategory.PROOF: "证明",
    CatalogueCategory.MATERIAL: "材料",
    CatalogueCategory.PERSONAL_DOCUMENT: "证件",
}
_UNITS: Final = {"Y": "年", "M": "个月", "D": "天"}


def catalogue_entries(definition: TypeDefinition) -> tuple[Entry, ...]:
    """Return the fields of a type's catalogue record, by the names of GB/T 36902."""
    item, authority = definition.related_item, definition.authority
    return (
        Entry(Phrase("CertificateTypeName", "证照类型名称"), definition.name),
        Entry(Phrase("CertificateTypeCode", "证照类型代码"), definition.code, code=True),
        Entry(Phrase("CertificateDefineAuthorityName", "证照定义机构"), authority.name),
        Entry(Phrase("CertificateDefineAuthorityCode", "证照定义机构代码"), authority.code, code=True),
        Entry(Phrase("CertificateDefineAuthorityLevel", "证照定义机构级别"), _LEVELS[authority.level]),
        Entry(Phrase("ItemName", "关联事项名称"), item.name if item else ""),
        Entry(Phrase("ItemCode", "关联事项代码"), item.code or "" if item else "", code=True),
        Entry(Phrase("CertificateHolderCategory", "持证主体类别"), HOLDERS[definition.holder_category].zh),
        Entry(Phrase("ValidityRange", "有效期限范围"), "、".join(map(_span, definition.validity_ranges))),
        Entry(Phrase("CertificateIssuingAuthorityLevel", "证照颁发机构级别"), _LEVELS[definition.issuing_level]),
        Entry(Phrase("Category", "目录类别"), _CATEGORIES[definition.category]),
    )


def _span(span: ValidityRange) -> str:
    return "长期" if span.unit == "L" else f"{span.count}{_UNITS[span.unit]}"
