"""The ways in which a material need not be handed in on paper, as a matter's definition offers them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from ecert.licence.codes import Phrase, check_type_code
from ecert.licence.strict_json import malformed, one_of, pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ecert.licence.strict_json import Node

_FIELD: Final = re.compile(r"(?:extendInfo\.)?[A-Za-z][0-9A-Za-z]{0,63}")
_LAW: Final = re.compile(r"\S.{1,199}")
_YEARS: Final = 3660
_MONTHS: Final = 90


class Settled(StrEnum):
    """How a material was settled. Stored and put into receipts: append, never rename."""

    CANCELLED = "cancelled"
    LICENCE = "licence"
    SHARED = "shared"
    ISSUED_ONLINE = "issued-online"
    REUSED = "reused"
    PROMISED = "promised"
    DEFERRED = "deferred"
    PAPER = "paper"
    NEEDED = "needed"

    @property
    def spared(self) -> bool:
        """Whether the applicant was spared handing it in: now, and later."""
        return self not in (Settled.DEFERRED, Settled.PAPER, Settled.NEEDED)


class Whose(StrEnum):
    """Whose licence a material is."""

    APPLICANT = "applicant"
    AGENT = "agent"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """直接取消: it is no longer asked for.

    Attributes:
        basis: The document that says so.
    """

    basis: str


@dataclass(frozen=True, slots=True)
class ByLicence:
    """An electronic licence of any region, verified now, used under a grant.

    Attributes:
        types: The licence types that will do, 21 characters each.
        fields: What is read in it, besides whose it is; names in ascending order.
        whose: Whose it must be.
        soon_days: A licence that ends within so many days is pointed out.
    """

    types: tuple[str, ...]
    fields: tuple[str, ...]
    whose: Whose
    soon_days: int


@dataclass(frozen=True, slots=True)
class BySharing:
    """数据共享: a department asks another.

    Attributes:
        source: Who is asked, by name.
    """

    source: str


@dataclass(frozen=True, slots=True)
class IssuedOnline:
    """线上开具: the body that would write the paper writes it to the window.

    Attributes:
        source: Who issues it.
    """

    source: str


@dataclass(frozen=True, slots=True)
class Reuse:
    """An earlier submission of the same applicant is used again.

    Attributes:
        within_days: How old it may be.
    """

    within_days: int


@dataclass(frozen=True, slots=True)
class Promise:
    """告知承诺: the applicant is told what is required and promises to meet it.

    Attributes:
        text: What is promised.
        consequences: Of a promise that is not true.
        check: How it is checked afterwards.
        check_days: Within how many days.
    """

    text: str
    consequences: str
    check: str
    check_days: int


@dataclass(frozen=True, slots=True)
class Later:
    """容缺: the matter is accepted without it, and it is handed in within so many days."""

    days: int


Way: TypeAlias = "Cancelled | ByLicence | BySharing | IssuedOnline | Reuse | Promise | Later"


def read_way(node: Node) -> Way:
    """Read one way.

    Raises:
        MalformedError: TYPE_MALFORMED; it is none.
    """
    kind = node.one_of("way", Settled)
    if kind not in _READERS:
        raise malformed(node.at + pointer("way"), one_of(_READERS))
    way = _READERS[kind](node)
    node.end()
    return way


def _read_licence(node: Node) -> ByLicence:
    types = node.texts("types")
    if any(map(check_type_code, types)):
        raise malformed(node.at + pointer("types"), Phrase("licence type codes", "证照类型代码"))
    fields = tuple(sorted(node.texts("fields", _FIELD))) if node.has("fields") else ()
    return ByLicence(types, fields, node.one_of("whose", Whose), node.whole("soonDays", 0, 366))


def _read_promise(node: Node) -> Promise:
    days = node.whole("checkDays", 1, _YEARS)
    return Promise(node.text("text"), node.text("consequences"), node.text("check"), days)


_READERS: Final[Mapping[Settled, Callable[[Node], Way]]] = {
    Settled.CANCELLED: lambda node: Cancelled(node.text("basis", _LAW)),
    Settled.LICENCE: _read_licence,
    Settled.SHARED: lambda node: BySharing(node.text("source")),
    Settled.ISSUED_ONLINE: lambda node: IssuedOnline(node.text("source")),
    Settled.REUSED: lambda node: Reuse(node.whole("withinDays", 1, _YEARS)),
    Settled.PROMISED: _read_promise,
    Settled.DEFERRED: lambda node: Later(node.whole("days", 1, _MONTHS)),
}
