"""Licences: found, looked at, and decided about."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (named in the fields of dataclasses)
from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003

from api.console.forms import Form, Option  # noqa: TC001
from api.console.views.frame import Entry, Link  # noqa: TC001
from api.console.wording import Named
from ecert.licence.codes import Phrase  # noqa: TC001


class LicenceState(Named):
    """What a licence is now; expiry is computed when the page is made."""

    VALID = "valid", "有效", "Valid", "good"
    INACTIVE = "inactive", "未激活", "Inactive", "wait"
    SUSPENDED = "suspended", "暂扣", "Suspended", "wait"
    EXPIRED = "expired", "已过期", "Expired", "off"
    SUPERSEDED = "superseded", "已变更作废", "Superseded", "off"
    TRANSFERRED = "transferred", "已转出", "Transferred", "off"
    CANCELLED = "cancelled", "已注销", "Cancelled", "bad"
    WITHDRAWN = "withdrawn", "已撤销", "Withdrawn", "bad"
    REVOKED = "revoked", "已吊销", "Revoked", "bad"


class Action(Named):
    """What can be decided about a licence, in the order of the buttons."""

    CHANGE = "change", "变更", "Change"
    RENEW = "renew", "延续", "Renew"
    REISSUE = "reissue", "补发", "Issue again"
    SUSPEND = "suspend", "暂扣", "Suspend"
    REINSTATE = "reinstate", "恢复", "Reinstate"
    TRANSFER = "transfer", "转出", "Transfer out"
    MARK_LOST = "lost", "挂失", "Mark lost"
    CANCEL = "cancel", "注销", "Cancel", "bad"
    WITHDRAW = "withdraw", "撤销", "Withdraw", "bad"
    REVOKE = "revoke", "吊销", "Revoke", "bad"


@dataclass(frozen=True, slots=True)
class LicenceRow:
    """One licence found.

    Attributes:
        key: Names it in addresses; tells nothing personal.
        type_name: 证照类型名称.
        number: 证照编号, masked where it is a person's.
        holder: 持证主体, masked where it is a person.
        state: What it is now.
        effective: The first day in force.
        expiring: The last; None for 长期.
        issued_at: When it was sealed.
    """

    key: str
    type_name: str
    number: str
    holder: str
    state: LicenceState
    effective: date
    expiring: date | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Search:
    """The search form, with what was found.

    The form is posted, since a number or a code may be a person's: neither ever stands in an address.

    Attributes:
        types: The types to choose from; the first option stands for all.
        values: What the form holds, by the names `type`, `state`, `number`, `holder_code`, `from`, `to`.
        rows: What was found; None before a search.
        next_cursor: Where the next page begins; empty on the last.
        problem: Why the search could not be made.
    """

    types: tuple[Option, ...]
    values: Mapping[str, str]
    rows: tuple[LicenceRow, ...] | None = None
    next_cursor: str = ""
    problem: Phrase | None = None


@dataclass(frozen=True, slots=True)
class LicenceVersion:
    """One version of a licence (版本号).

    Attributes:
        key: Names that version in addresses.
        version: 1 to 999.
        state: What it is now.
        issued_at: When it was sealed.
    """

    key: str
    version: int
    state: LicenceState
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One decision of a licence's history.

    Attributes:
        state: The state from then on.
        since: When it takes effect.
        until: When it ends; None where no end is known.
        reason: Why, in words.
        legal_basis: The law and article.
        document: The number of the decision (文号).
        operator: Who proposed it.
        reviewer: Who approved it; empty where no second person was needed.
    """

    state: LicenceState
    since: datetime
    until: datetime | None
    reason: str
    legal_basis: str
    document: str
    operator: str
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class LicencePage:
    """One licence.

    Attributes:
        key: Names it in addresses.
        type_name: What type it is.
        identifier: 证照标识, GB/T 36904.
        state: What it is now.
        flags: What stands beside the state, e.g. 关联证照已变更.
        picture: Where the picture of its page is; empty while it would show what is masked beside it.
        qr: Where the picture of the QR code is.
        facts: Metadata and items of the face, masked unless `revealed`.
        may_reveal: Whether the operator may see what is masked; seeing it is logged.
        revealed: Whether the facts are shown whole.
        actions: What the operator may decide now.
        versions: All versions, the newest first.
        history: All decisions, the newest first.
        paper_serial: 纸质证照印制号; empty where there is no paper.
        downloads: The files.
        pending: Names the proposal that waits for review; None where none does.
    """

    key: str
    type_name: Phrase
    identifier: str
    state: LicenceState
    picture: str
    qr: str
    facts: tuple[Entry, ...]
    versions: tuple[LicenceVersion, ...]
    history: tuple[StatusEntry, ...]
    downloads: tuple[Link, ...]
    actions: tuple[Action, ...] = ()
    flags: tuple[Phrase, ...] = ()
    paper_serial: str = ""
    may_reveal: bool = False
    revealed: bool = False
    pending: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The form to decide about a licence.

    Attributes:
        key: Names the licence in addresses.
        action: What is to be decided.
        summary: Which licence it is, in a few masked lines.
        forms: Reason, legal basis, document and time; for a change or a renewal the new face as well.
        two_persons: Whether somebody else must approve it before it takes effect.
        idempotency_key: Makes a form sent twice one decision.
        etag: The state of the licence that the form was made from.
    """

    key: str
    action: Action
    summary: tuple[Entry, ...]
    forms: tuple[Form, ...]
    two_persons: bool
    idempotency_key: str
    etag: str
