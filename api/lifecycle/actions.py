"""What can be done about a licence, and when: one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, Reason
from ecert.revocation import ReasonCode, State

if TYPE_CHECKING:
    from collections.abc import Mapping


class Action(StrEnum):
    """What can be done. Stored and put on the wire: append, never rename."""

    CHANGE = "change"
    """变更: a new version that says something else."""
    RENEW = "renew"
    """延续: a new version with other days."""
    REISSUE = "reissue"
    """补发: a new version that says the same, after the paper was lost."""
    SUSPEND = "suspend"
    """暂扣."""
    REINSTATE = "reinstate"
    """恢复: what was suspended, lost or inactive is valid again."""
    TRANSFER = "transfer"
    """转出."""
    MARK_LOST = "lost"
    """挂失: the paper was lost; until it is found or another one issued, the licence is not to be relied on."""
    CANCEL = "cancel"
    """注销."""
    WITHDRAW = "withdraw"
    """撤销."""
    REVOKE = "revoke"
    """吊销."""


class Condition(StrEnum):
    """What a licence is, as far as it matters for what may be done about it."""

    VALID = "valid"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"
    LOST = "lost"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rule:
    """When an action may be taken, and what it does.

    Attributes:
        of: What the licence may be.
        becomes: What it is afterwards: of a new version the one before it.
        reasons: Why it is usually done; `ReasonCode.OTHER` always goes.
    """

    of: frozenset[Condition]
    becomes: State
    reasons: tuple[ReasonCode, ...]

    @property
    def makes_version(self) -> bool:
        """Whether another version takes the licence's place."""
        return self.becomes is State.SUPERSEDED

    @property
    def takes_two(self) -> bool:
        """Whether a second person must approve: what ends a licence for good, with nothing in its place."""
        return self.becomes.ends and not self.makes_version


_VALID, _INACTIVE, _SUSPENDED = Condition.VALID, Condition.INACTIVE, Condition.SUSPENDED
_LOST, _EXPIRED = Condition.LOST, Condition.EXPIRED
_FRAUD, _UNLAWFUL, _ERROR = ReasonCode.OBTAINED_BY_FRAUD, ReasonCode.UNLAWFUL_ACT, ReasonCode.ISSUED_IN_ERROR
_REQUEST, _PARENT, _LAW = ReasonCode.HOLDER_REQUEST, ReasonCode.PARENT_FELL, ReasonCode.LAW_CHANGED
_INQUIRY, _CLOSED = ReasonCode.UNDER_INVESTIGATION, ReasonCode.INVESTIGATION_CLOSED
_ENDED_HOLDER, _TOO_LATE = ReasonCode.HOLDER_ENDED, ReasonCode.EXPIRED


def _rule(becomes: State, of: tuple[Condition, ...], *reasons: ReasonCode) -> Rule:
    return Rule(frozenset(of), becomes, reasons)


RULES: Final[Mapping[Action, Rule]] = {
    Action.CHANGE: _rule(State.SUPERSEDED, (_VALID,), ReasonCode.CHANGED, _ERROR, _LAW),
    Action.RENEW: _rule(State.SUPERSEDED, (_VALID, _EXPIRED), ReasonCode.RENEWED),
    Action.REISSUE: _rule(State.SUPERSEDED, (_VALID, _LOST), ReasonCode.LOST, _REQUEST),
    Action.SUSPEND: _rule(State.SUSPENDED, (_VALID, _SUSPENDED, _LOST), _INQUIRY, _UNLAWFUL, _REQUEST, _PARENT),
    Action.REINSTATE: _rule(State.VALID, (_SUSPENDED, _LOST, _INACTIVE), _CLOSED, _REQUEST),
    Action.TRANSFER: _rule(State.TRANSFERRED, (_VALID,), ReasonCode.MOVED),
    Action.MARK_LOST: _rule(State.SUSPENDED, (_VALID,), ReasonCode.LOST),
    Action.CANCEL: _rule(
        State.CANCELLED,
        (_VALID, _INACTIVE, _SUSPENDED, _LOST, _EXPIRED),
        *(_REQUEST, _TOO_LATE, _ENDED_HOLDER, _PARENT, _LAW),
    ),
    Action.WITHDRAW: _rule(State.WITHDRAWN, (_VALID, _INACTIVE, _SUSPENDED, _LOST, _EXPIRED), _FRAUD, _ERROR, _LAW),
    Action.REVOKE: _rule(State.REVOKED, (_VALID, _INACTIVE, _SUSPENDED, _LOST), _UNLAWFUL, _FRAUD),
}
"""What has ended allows nothing: no decision follows one that ends a licence for good."""


def allowed(condition: Condition) -> tuple[Action, ...]:
    """Return what may be done about a licence, in the order of the table."""
    return tuple(action for action, rule in RULES.items() if condition in rule.of)


def require_allowed(action: Action, condition: Condition) -> None:
    """Require that the table has the action for what a licence is.

    Raises:
        IssuanceError: ACTION_NOT_ALLOWED; it says what may be done instead.
    """
    if condition not in RULES[action].of:
        instead = ", ".join(allowed(condition)) or "nothing any more"
        raise IssuanceError(
            Reason.ACTION_NOT_ALLOWED, f"the licence is {condition.value} by then: what may be done is {instead}"
        )
