"""What stands around every page: who is signed in, where they may go, what was just done."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.console.wording import Named
from ecert.licence.codes import Phrase  # noqa: TC001  (named in the fields of dataclasses)

HOME = "/console"
"""Where the console is; every address of it begins with this."""


class Role(Named):
    """What an operator is there for, as shown to people."""

    CATALOGUE_MANAGER = "catalogue-manager", "目录管理员", "Catalogue manager"
    ISSUER_CLERK = "issuer-clerk", "制证员", "Issuer clerk"
    REVIEWER = "reviewer", "复核员", "Reviewer"
    AUDITOR = "auditor", "审计员", "Auditor"
    REGION_OPERATOR = "region-operator", "地区管理员", "Region operator"
    WINDOW = "window", "用证窗口", "Window"
    PORTAL = "portal", "外地门户", "Portal"


class Section(Named):
    """The entries of the navigation, in their order; the number of each is its access key."""

    DASHBOARD = "dashboard", "工作台", "Dashboard"
    ISSUE = "issue", "制发证照", "Issue"
    LICENCES = "licences", "证照查询", "Licences"
    BATCHES = "batches", "批量制发", "Batches"
    PROPOSALS = "proposals", "双人复核", "Review"
    CATALOGUE = "catalogue", "证照目录", "Catalogue"
    SEALS = "seals", "电子印章", "Seals"
    AUDIT = "audit", "操作审计", "Audit"
    CALLERS = "callers", "接入管理", "Callers"

    @property
    def path(self) -> str:
        """Its address."""
        return HOME if self is Section.DASHBOARD else f"{HOME}/{self.value}"

    @property
    def access_key(self) -> int:
        """The digit that goes there, with the browser's key for access keys."""
        return list(Section).index(self) + 1


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in.

    Attributes:
        name: The person's name.
        department: The department, or the region for those of the region itself.
        roles: What they are there for.
    """

    name: str
    department: Phrase
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What has just been done, or could not be; shown once, above the page.

    Attributes:
        words: One sentence.
        tone: good, wait or bad.
    """

    words: Phrase
    tone: str = "good"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page.

    Attributes:
        operator: Who is signed in; None where nobody is.
        csrf_token: Goes into every form.
        sections: Where the operator may go.
        here: Where the page belongs.
        waiting: How many proposals wait for a review by the operator.
        development: Whether this is a development service, which every page then says.
        notice: What has just been done.
    """

    operator: Operator | None
    csrf_token: str = field(repr=False)
    sections: tuple[Section, ...] = ()
    here: Section | None = None
    waiting: int = 0
    development: bool = False
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Something to go to or to download.

    Attributes:
        address: Where it is, on this service.
        words: What it is called.
        note: A few words more, such as its size; may be empty.
    """

    address: str
    words: Phrase
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list of facts.

    Attributes:
        label: What it is.
        value: The fact, for people; empty where there is none.
        masked: Whether part of it is hidden.
        code: Whether it is a code, which is set in equal widths.
    """

    label: Phrase
    value: str
    masked: bool = False
    code: bool = False
