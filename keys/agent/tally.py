"""How often each key was used: in this minute, and on this day; and what was approved beyond."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, Reason
from keys.agent.approvals import day_of
from keys.agent.kinds import Tbs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ecert.audit import AuditEntry
    from keys.agent.policy import KeyPolicy, VaultPolicy

SIGN: Final = "sign"
APPROVE: Final = "approve"
VAULT: Final = "vault"
DIGEST: Final = "sm3"
DAY: Final = "day"
COUNT: Final = "count"
"""Actions in the agent's log, and names of their details: what was counted is found there after a restart."""

_HANDED_OUT: Final = "handed-out"


class Tally:
    """Counts by key and kind. A day is Beijing's; a minute is one of the clock, and forgotten by a restart."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._day, self._minute = "", 0
        self._today: Counter[tuple[str, str]] = Counter()
        self._now: Counter[tuple[str, str]] = Counter()
        self._approved: dict[str, dict[str, int]] = {}

    def _turn(self, at: datetime) -> None:
        """Forget what was counted before this minute and this day."""
        day, minute = day_of(at), int(at.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._now.clear()
        if day != self._day:
            self._day = day
            self._today.clear()
            self._approved.clear()

    def restore(self, entry: AuditEntry) -> None:
        """Take in what an earlier run of the agent wrote down as done."""
        if entry.outcome != "ok":
            return
        self._turn(entry.at)
        details = entry.details
        if entry.action == SIGN:
            kinds = {name: count for name, count in details.items() if name in set(Tbs) and isinstance(count, int)}
            self._today.update({(entry.object, name): count for name, count in kinds.items()})
        elif entry.action == VAULT:
            self._today[entry.object, _HANDED_OUT] += 1
        elif entry.action == APPROVE and details.get(DAY) == self._day:
            self._approved.setdefault(entry.object, {})[str(details[DIGEST])] = int(details[COUNT])

    def sign(self, key: KeyPolicy, kinds: Mapping[Tbs, int], at: datetime) -> None:
        """Count signatures, all of them or none.

        Raises:
            CustodyError: AGENT_RATE_EXCEEDED or AGENT_APPROVAL_NEEDED; they would be too many.
        """
        self._turn(at)
        for kind, count in kinds.items():
            self._require(key, kind, count)
        for kind, count in kinds.items():
            self._now[key.name, kind] += count
            self._today[key.name, kind] += count

    def _require(self, key: KeyPolicy, kind: Tbs, count: int) -> None:
        today = self._today[key.name, kind] + count
        if self._now[key.name, kind] + count > key.per_minute:
            raise _exceeded(f"{key.name} signs at most {key.per_minute} of kind {kind} a minute")
        if today > key.per_day:
            raise _exceeded(f"{key.name} signs at most {key.per_day} of kind {kind} a day")
        if key.alone_per_day is not None and today > key.alone_per_day + self.approved(key):
            raise CustodyError(
                Reason.AGENT_APPROVAL_NEEDED,
                f"{key.name} would have signed {today} of kind {kind} today, {key.alone_per_day} may be signed alone "
                f"and {self.approved(key)} more are approved: python -m keys approve {key.name} --count NUMBER",
            )

    def approved(self, key: KeyPolicy) -> int:
        """Return how many signatures of each kind were approved beyond what may be signed alone, on this day."""
        return sum(self._approved.get(key.name, {}).values())

    def today(self, key: KeyPolicy, at: datetime) -> tuple[int, dict[str, int]]:
        """Return how many more were approved on this day, and how many of each kind were signed."""
        self._turn(at)
        return self.approved(key), {kind.value: self._today[key.name, kind] for kind in sorted(key.kinds)}

    def approve(self, key: KeyPolicy, digest: str, count: int, at: datetime) -> bool:
        """Let a key sign more today; False where this very approval counts already."""
        self._turn(at)
        mine = self._approved.setdefault(key.name, {})
        if digest in mine:
            return False
        mine[digest] = count
        return True

    def hand_out(self, vault: VaultPolicy, at: datetime) -> None:
        """Count a handing out of a ledger's key.

        Raises:
            CustodyError: AGENT_RATE_EXCEEDED.
        """
        self._turn(at)
        if self._today[vault.name, _HANDED_OUT] >= vault.per_day:
            raise _exceeded(f"{vault.name} is handed out at most {vault.per_day} times a day")
        self._today[vault.name, _HANDED_OUT] += 1


def _exceeded(what: str) -> CustodyError:
    return CustodyError(Reason.AGENT_RATE_EXCEEDED, what)
