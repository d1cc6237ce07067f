"""Four eyes (双人复核): what one person proposed and another approves or rejects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (named in the fields of dataclasses)

from api.console.views.frame import Entry  # noqa: TC001
from api.console.wording import Named


class ProposalState(Named):
    """What has become of a proposal."""

    OPEN = "open", "待复核", "Waiting", "wait"
    APPROVED = "approved", "已通过", "Approved", "good"
    REJECTED = "rejected", "已驳回", "Rejected", "bad"
    LAPSED = "lapsed", "已失效", "Lapsed", "off"


class Subject(Named):
    """What is proposed."""

    CHANGE = "change", "变更证照", "Change a licence"
    RENEW = "renew", "延续证照", "Renew a licence"
    REISSUE = "reissue", "补发证照", "Issue a licence again"
    SUSPEND = "suspend", "暂扣证照", "Suspend a licence"
    REINSTATE = "reinstate", "恢复证照", "Reinstate a licence"
    TRANSFER = "transfer", "转出证照", "Transfer a licence"
    MARK_LOST = "lost", "挂失证照", "Mark a licence lost"
    CANCEL = "cancel", "注销证照", "Cancel a licence"
    WITHDRAW = "withdraw", "撤销证照", "Withdraw a licence"
    REVOKE = "revoke", "吊销证照", "Revoke a licence"
    SEAL_USE = "seal-use", "批量用章", "Use a seal many times"


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """One proposal of the list.

    Attributes:
        key: Names it in addresses.
        subject: What is proposed.
        about: The licence or batch, in a few masked words.
        proposer: Who proposed it.
        proposed_at: When.
        state: What has become of it.
        own: Whether the operator proposed it, and so cannot approve it.
    """

    key: str
    subject: Subject
    about: str
    proposer: str
    proposed_at: datetime
    state: ProposalState
    own: bool


@dataclass(frozen=True, slots=True)
class ProposalList:
    """The proposals of a department, those that wait first.

    Attributes:
        rows: What is on this page.
        next_cursor: Where the next page begins; empty on the last.
    """

    rows: tuple[ProposalRow, ...]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """One proposal.

    Attributes:
        row: As in the list.
        facts: Reason, legal basis, document number, effective time, and what changes.
        about: What it is about, masked.
        about_address: Where that is; empty where it has no page.
        picture: Where the picture of the licence, or of its new version, is; empty where there is none, or where it
            would show what is masked beside it.
        may_decide: Whether the operator is a reviewer of the department; says nothing of own proposals.
        etag: The state of the licence that it was proposed from.
        idempotency_key: Makes a form sent twice one decision.
        decided_by: Who approved or rejected it; empty while it waits.
        decided_at: When.
        note: What they wrote.
    """

    row: ProposalRow
    facts: tuple[Entry, ...]
    about: tuple[Entry, ...]
    about_address: str
    picture: str
    may_decide: bool
    etag: str
    idempotency_key: str
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""
