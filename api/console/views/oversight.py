"""Seals, the audit log, and who may call the service."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (named in the fields of dataclasses)
from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003

from api.console.forms import Option  # noqa: TC001
from api.console.views.frame import Link, Role  # noqa: TC001
from api.console.wording import Named
from ecert.licence.codes import Phrase  # noqa: TC001


class SealState(Named):
    """What a seal is in the register."""

    ACTIVE = "active", "启用", "In use", "good"
    SUSPENDED = "suspended", "停用", "Suspended", "wait"
    EXPIRED = "expired", "已到期", "Expired", "off"
    CANCELLED = "cancelled", "已注销", "Cancelled", "bad"


class SealAction(Named):
    """What can be done with a seal, in the order of the buttons."""

    SUSPEND = "suspend", "停用", "Suspend"
    REINSTATE = "reinstate", "启用", "Reinstate"
    CANCEL = "cancel", "注销", "Cancel", "bad"


@dataclass(frozen=True, slots=True)
class SealCard:
    """One seal.

    Attributes:
        key: Names it in addresses.
        name: What it says.
        code: Its registered code (印章编码).
        kind: 法定名称章, 业务专用章, ….
        department: Whose it is.
        maker: Who made it (制章机构).
        state: What it is now.
        picture: Where its picture is; empty where it cannot be shown.
        valid_from: The first day.
        valid_to: The last day.
        uses_today: How often it was applied today.
        alone_up_to: How many uses in one go need no second person.
        actions: What the operator may do with it.
        note: Why and by which document it came to its state, where that is told.
    """

    key: str
    name: str
    code: str
    kind: Phrase
    department: str
    maker: str
    state: SealState
    picture: str
    valid_from: date
    valid_to: date
    uses_today: int
    alone_up_to: int
    actions: tuple[SealAction, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class SealRegister:
    """All seals that the operator may see."""

    seals: tuple[SealCard, ...]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the log.

    Attributes:
        number: Its place in the chain.
        at: When.
        actor: Who.
        action: What, in words.
        code: The same as a code.
        about: What it was done to; never personal.
        succeeded: Whether it was done, or refused.
        digest: The first characters of its SM3 digest.
    """

    number: int
    at: datetime
    actor: str
    action: Phrase
    code: str
    about: str
    succeeded: bool
    digest: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """A signed head of the chain."""

    number: int
    digest: str
    signed_at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The log.

    Attributes:
        actors: Who may be looked for; the first option stands for all.
        actions: The actions to choose from; the first option stands for all.
        values: What the filter holds, by the names `actor`, `action`, `from`, `to`.
        rows: What is on this page, the newest first.
        whole: Whether the chain was found whole when last gone through; None where it never was.
        verified_at: When that was.
        entries: How many entries there are.
        heads: The last signed heads, the newest first.
        next_cursor: Where the next page begins; empty on the last.
    """

    actors: tuple[Option, ...]
    actions: tuple[Option, ...]
    values: Mapping[str, str]
    rows: tuple[AuditRow, ...]
    whole: bool | None
    verified_at: datetime | None
    entries: int
    heads: tuple[AuditHead, ...]
    next_cursor: str = ""


class CallerState(Named):
    """Whether a caller may call."""

    ACTIVE = "active", "启用", "Active", "good"
    ENDED = "ended", "已停用", "Ended", "bad"


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A registered system.

    Attributes:
        key: Names it in addresses.
        name: What it is called.
        department: Whose it is.
        roles: What it may do.
        key_id: Of the SM2 key it signs with.
        rate: Requests a minute.
        state: Whether it may call.
        seen_at: When it last did; None for never.
    """

    key: str
    name: str
    department: str
    roles: tuple[Role, ...]
    key_id: str
    rate: int
    state: CallerState
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """A registered operator.

    Attributes:
        key: Names them in addresses.
        name: Theirs.
        department: Where they work.
        roles: What they may do.
        state: Whether they may sign in.
        seen_at: When they last did; None for never.
    """

    key: str
    name: str
    department: str
    roles: tuple[Role, ...]
    state: CallerState
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallerList:
    """Who may call the service.

    Attributes:
        systems: Of departments.
        operators: People.
        may_end: Whether the operator may end a caller's access.
    """

    systems: tuple[SystemRow, ...]
    operators: tuple[OperatorRow, ...]
    may_end: bool = False


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """A request that could not be done.

    Attributes:
        status: Of the answer, 4xx or 5xx.
        code: Stable, never translated.
        title: What is the case.
        remedy: What to do next.
        trace_id: By which the log tells more.
        errors: Pointers and what is wrong there.
        back: Where to go from here.
    """

    status: int
    code: str
    title: Phrase
    remedy: Phrase
    trace_id: str
    errors: tuple[tuple[str, str], ...] = ()
    back: Link | None = None
