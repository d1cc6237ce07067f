"""What the agent answers: each request is held against the policy, written down, and only then done."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, EcertError, MalformedError, NotFoundError, Reason
from ecert.sm2 import sign_all, sm3
from ecert.web.agent_wire import MAX_BATCH
from keys.agent import tally
from keys.agent.approvals import day_of, load_approval
from keys.agent.kinds import recognise
from keys.agent.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.cbor import Value
    from ecert.sm2 import Signer
    from keys.agent.journal import Journal
    from keys.agent.policy import KeyPolicy, Policy
    from keys.vault_file import VaultKeys

CONNECT: Final = "connect"
_log = logging.getLogger("ecert.agent")
UNKNOWN: Final = "unknown"
_ACTIONS: Final = ("open", "count", tally.SIGN, tally.APPROVE, tally.VAULT)


class Desk:
    """Answers requests; several threads ask it."""

    def __init__(
        self,
        policy: Policy,
        keys: Mapping[str, Signer],
        vaults: Mapping[str, VaultKeys],
        journal: Callable[[Callable[..., None]], Journal],
        now: Callable[[], datetime],
    ) -> None:
        """Take the unlocked keys.

        Args:
            policy: What holds for them.
            keys: By the policy's names.
            vaults: By the policy's names.
            journal: Opens the log, and tells what is in it.
            now: The clock.

        Raises:
            EcertError: an approver's key is one that the agent holds; or the log cannot be gone on with.
        """
        held = {key.public_key for key in keys.values()}
        own = [name for name, public_key in policy.approvers.items() if public_key in held]
        if own:
            raise CustodyError(Reason.KEY_MISMATCH, f"the key of the approver {own[0]} must not be held by the agent")
        self._policy, self._keys, self._vaults, self._now = policy, keys, vaults, now
        self._tally = Tally()
        self.journal = journal(self._tally.restore)
        self._lock = threading.Lock()
        self._noted: set[tuple[str, str, str, Reason]] = set()
        self._minute = 0

    def knows(self, uid: int) -> bool:
        """Tell whether a user's processes may ask at all."""
        return uid in self._policy.clients

    def note_stranger(self, uid: int) -> None:
        """Write down that somebody asked who may not."""
        self._note(f"uid/{uid}", CONNECT, f"uid/{uid}", Reason.AGENT_CALLER_REFUSED)

    def answer(self, uid: int, request: Value) -> Value:
        """Return the reply to a request of a user's process, see `ecert.web.agent_wire`."""
        client = self._policy.clients[uid]
        who = f"{client}/{uid}"
        try:
            try:
                return [None, self._do(client, who, request)]
            except EcertError as error:
                self._refused(who, request, error.reason)
                return [error.reason.value, error.detail]
        except OSError as error:
            _log.exception("the log cannot be written")
            return [Reason.INTERNAL.value, f"the agent's log cannot be written ({error.strerror}): nothing is signed"]

    def _do(self, client: str, who: str, request: Value) -> Value:
        match request:
            case ["open", str() as name]:
                return self._key(client, name)[1].public_key.point
            case ["sign", str() as name, bytes() as key_id, list() as texts]:
                return self._sign(client, who, name, key_id, texts)
            case ["count", str() as name]:
                return self._count(name)
            case ["approve", str() as name, bytes() as approval]:
                return self._approve(who, name, approval)
            case ["vault", str() as name]:
                return self._hand_out(client, who, name)
        raise MalformedError(Reason.AGENT_REQUEST_MALFORMED, "not a request of this version")

    def _key(self, client: str, name: str) -> tuple[KeyPolicy, Signer]:
        policy = self._policy.keys.get(name)
        if policy is None:
            raise NotFoundError(Reason.KEY_NOT_FOUND, f"the agent has no key {name[:64]!r}")
        if client not in policy.clients:
            raise CustodyError(Reason.AGENT_CALLER_REFUSED, f"{client} may not use {name}")
        return policy, self._keys[name]

    def _sign(self, client: str, who: str, name: str, key_id: bytes, texts: list[Value]) -> Value:
        policy, signer = self._key(client, name)
        messages = [one for one in texts if isinstance(one, bytes)]
        if len(messages) != len(texts) or not 0 < len(texts) <= MAX_BATCH:
            raise MalformedError(Reason.AGENT_REQUEST_MALFORMED, f"1 to {MAX_BATCH} texts are signed at once")
        if key_id != signer.public_key.key_id:
            raise CustodyError(Reason.KEY_MISMATCH, f"the key {name} is another one now: start anew to use it")
        number = self._allow(policy, who, messages, key_id)
        signatures = sign_all(signer, messages)
        self.journal.settle(number)
        return list(signatures)

    def _allow(self, policy: KeyPolicy, who: str, messages: list[bytes], key_id: bytes) -> int:
        """Count the texts and write them down, all of them or none; return the number of the entry."""
        kinds = Counter(recognise(one, key_id) for one in messages)
        foreign = kinds.keys() - policy.kinds
        if foreign:
            what = f"{policy.name} signs nothing of kind {', '.join(sorted(foreign))}"
            raise CustodyError(Reason.AGENT_KIND_REFUSED, what)
        details: dict[str, str | int] = {kind.value: count for kind, count in kinds.items()}
        details[tally.DIGEST] = sm3(b"".join(map(sm3, messages))).hex()
        with self._lock:
            self._tally.sign(policy, kinds, self._now())
            return self.journal.write(who, tally.SIGN, policy.name, details=details)

    def _approvable(self, name: str) -> KeyPolicy:
        policy = self._policy.keys.get(name)
        if policy is None or policy.alone_per_day is None:
            raise NotFoundError(Reason.KEY_NOT_FOUND, f"no key {name[:64]!r} is used with the approval of others")
        return policy

    def _count(self, name: str) -> Value:
        policy = self._approvable(name)
        with self._lock:
            approved, signed = self._tally.today(policy, self._now())
        return [self._keys[name].public_key.key_id, approved, dict(signed.items())]

    def _approve(self, who: str, name: str, approval: bytes) -> Value:
        policy, at = self._approvable(name), self._now()
        giver, given = load_approval(approval, {one: self._policy.approvers[one] for one in policy.approvers})
        if (given.key_id, given.day) != (self._keys[name].public_key.key_id, day_of(at)):
            raise CustodyError(Reason.AGENT_APPROVAL_BAD, f"it is for another key than {name}, or another day")
        digest = sm3(approval).hex()
        details: dict[str, str | int] = {
            "approver": giver,
            tally.DAY: given.day,
            tally.COUNT: given.count,
            tally.DIGEST: digest,
        }
        with self._lock:
            if self._tally.approve(policy, digest, given.count, at):
                self.journal.settle(self.journal.write(who, tally.APPROVE, name, details=details))
            return self._tally.approved(policy)

    def _hand_out(self, client: str, who: str, name: str) -> Value:
        policy = self._policy.vaults.get(name)
        if policy is None:
            raise NotFoundError(Reason.KEY_NOT_FOUND, f"the agent has no ledger's key {name[:64]!r}")
        if client not in policy.clients:
            raise CustodyError(Reason.AGENT_CALLER_REFUSED, f"{client} may not have {name}")
        keys = self._vaults[name]
        with self._lock:
            self._tally.hand_out(policy, self._now())
            number = self.journal.write(who, tally.VAULT, name, details={"version": keys.current})
        self.journal.settle(number)
        versions: dict[int | str, Value] = {version: key for version, key in keys.versions.items()}  # noqa: C416
        return [keys.current, versions, keys.index_key]

    def _refused(self, who: str, request: Value, reason: Reason) -> None:
        """Write down that something was not done; what names nothing known is not worth a line."""
        match request:
            case [str() as action, str() as name, *_] if name in self._keys or name in self._vaults:
                self._note(who, action if action in _ACTIONS else UNKNOWN, name, reason)

    def _note(self, who: str, action: str, thing: str, reason: Reason) -> None:
        """Write a refusal down, the same one once a minute."""
        minute = int(self._now().timestamp()) // 60
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._noted.clear()
            if (who, action, thing, reason) not in self._noted:
                self._noted.add((who, action, thing, reason))
                self.journal.write(who, action, thing, reason.value)
