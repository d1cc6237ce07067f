"""The verification of a receipt, as numbered steps, however many years later.

1 format        the bytes are one receipt, in its one canonical form
2 signed        it is signed; one made without a network is not, until its window signs it
3 registry      a trust registry is held, and fresh
4 signer-key    the key id names a key in it
5 signature     the signature covers exactly these bytes; only then is the content decoded
6 content       the content decodes canonically to a possible receipt
7 signer        the key is the relying party's (用证单位) that the receipt names
8 certificate   its certificate led to the trust anchor when the receipt was signed, and the key was not stolen
9 time          it is not from the future

Failures, "unknown" and skipped steps count as for licences (`ecert.verification`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import envelope
from ecert.errors import MalformedError, Reason, RejectedError, UndeterminedError
from ecert.receipt.sealing import KIND, MAX_RECEIPT, read_payload, read_unsigned
from ecert.trust import Role
from ecert.verification import CLOCK_SKEW, Check, Outcome, Result
from ecert.verification.bodies import standing
from ecert.verification.verdict import decide

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ecert.receipt.content import Receipt
    from ecert.trust import RegisteredKey, Registry

STEPS: Final = (
    "format",
    "signed",
    "registry",
    "signer-key",
    "signature",
    "content",
    "signer",
    "certificate",
    "time",
)
"""The steps in order."""


@dataclass(frozen=True, slots=True)
class ReceiptVerdict:
    """The whole answer about one receipt.

    Attributes:
        outcome: Genuine, not genuine, or it cannot be told.
        reason: `ok`, or the code of the step that decided.
        checks: All steps, in order.
        now: When it was verified, aware UTC.
        receipt: What it says, once its signature was verified; of an unsigned one what it claims.
        signed_at: When it was signed; None where that is not known.
        key: The registered key that signed it, once found.
    """

    outcome: Outcome
    reason: Reason
    checks: tuple[Check, ...]
    now: datetime
    receipt: Receipt | None
    signed_at: datetime | None
    key: RegisteredKey | None


def assess_receipt(data: bytes, registry: Registry | None, *, now: datetime) -> ReceiptVerdict:
    """Run every step over a receipt and say what each came to. Never raises for what it is given.

    Args:
        data: Hostile bytes.
        registry: The trust registry held, if any.
        now: The clock, aware.
    """
    run = _Run(data, registry, now)
    for action in (
        run.read,
        run.require_signed,
        run.consult_registry,
        run.find_key,
        run.check_signature,
        run.decode_content,
        run.check_signer,
        run.check_certificate,
        run.check_time,
    ):
        run.step(action)
    outcome, reason = decide(run.checks)
    return ReceiptVerdict(outcome, reason, tuple(run.checks), now, run.receipt, run.signed_at, run.key)


class _Run:
    """One verification. Every step returns whether it had something to look at, and raises to refuse."""

    def __init__(self, data: bytes, registry: Registry | None, now: datetime) -> None:
        self.checks: list[Check] = []
        self.receipt: Receipt | None = None
        self.signed_at: datetime | None = None
        self.key: RegisteredKey | None = None
        self._data = data
        self._registry = registry
        self._now = now
        self._signed: envelope.Envelope | None = None
        self._holds = False

    def step(self, action: Callable[[], bool]) -> None:
        number = len(self.checks) + 1
        result, code, detail = Result.PASS, Reason.OK, ""
        try:
            if not action():
                result = Result.SKIPPED
        except UndeterminedError as error:
            result, code, detail = Result.UNKNOWN, error.reason, error.detail
        except (MalformedError, RejectedError) as error:
            result, code, detail = Result.FAIL, error.reason, error.detail
        self.checks.append(Check(number, STEPS[number - 1], result, code, detail))

    # 1
    def read(self) -> bool:
        self.receipt = read_unsigned(self._data)
        if self.receipt is not None:
            return True
        try:
            signed = envelope.decode(self._data, limit=MAX_RECEIPT)
        except MalformedError as error:
            raise MalformedError(Reason.RECEIPT_MALFORMED, error.detail) from error
        if signed.kind is not KIND:
            raise MalformedError(Reason.RECEIPT_MALFORMED, "this is another signed object")
        self._signed = signed
        return True

    # 2
    def require_signed(self) -> bool:
        if self.receipt is not None:
            raise UndeterminedError(Reason.RECEIPT_UNSIGNED, "anybody could have written it")
        return self._signed is not None

    # 3
    def consult_registry(self) -> bool:
        if self._registry is None:
            raise UndeterminedError(Reason.REGISTRY_MISSING, "no trust registry is held")
        if not self._registry.is_fresh(self._now):
            raise UndeterminedError(
                Reason.REGISTRY_STALE, f"the registry held was fresh until {self._registry.fresh_until:%F %T}Z"
            )
        return True

    # 4
    def find_key(self) -> bool:
        if self._signed is None or self._registry is None:
            return False
        self.key = self._registry.find(self._signed.key_id)
        if self.key is None:
            raise UndeterminedError(
                Reason.RECEIPT_SIGNER_UNKNOWN, f"no registered body has the key {self._signed.key_id.hex()}"
            )
        return True

    # 5
    def check_signature(self) -> bool:
        if self._signed is None or self.key is None:
            return False
        try:
            self._signed.verify(self.key.public_key)
        except RejectedError as error:
            raise RejectedError(Reason.RECEIPT_SIGNATURE_BAD, "the signature does not fit these bytes") from error
        self._holds = True
        return True

    # 6
    def decode_content(self) -> bool:
        if self._signed is None or not self._holds:
            return False
        self.receipt, self.signed_at = read_payload(self._signed.payload)
        return True

    # 7
    def check_signer(self) -> bool:
        if self.receipt is None or self.key is None:
            return False
        member = self.key.member
        if member.role is not Role.RELYING_PARTY:
            raise RejectedError(Reason.RECEIPT_SIGNER_NOT_ENTITLED, f"the key belongs to a {member.role.value}")
        if member.code != self.receipt.place.unit:
            raise RejectedError(
                Reason.RECEIPT_SIGNER_NOT_ENTITLED, f"{member.code} signed it, and it names {self.receipt.place.unit}"
            )
        return True

    # 8
    def check_certificate(self) -> bool:
        if self.signed_at is None or self.key is None or self._registry is None:
            return False
        try:
            standing(self._registry, self.key, self.signed_at, self._now)
        except RejectedError as error:
            if error.reason is Reason.ISSUER_NOT_ENTITLED:
                raise RejectedError(Reason.RECEIPT_SIGNER_NOT_ENTITLED, error.detail) from error
            raise
        stolen_at = self._registry.compromised_at(self.key)
        if stolen_at is not None and stolen_at <= self._now:  # whoever stole it can claim any time of signing
            raise UndeterminedError(Reason.RECEIPT_KEY_COMPROMISED, f"its key was stolen at {stolen_at:%F %T}Z")
        return True

    # 9
    def check_time(self) -> bool:
        if self.receipt is None:
            return False
        latest = self.signed_at or self.receipt.made_at
        if latest > self._now + CLOCK_SKEW:
            raise RejectedError(Reason.RECEIPT_FROM_FUTURE, f"it is of {latest:%F %T}Z, and it is {self._now:%F %T}Z")
        return True
