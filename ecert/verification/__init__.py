"""The verification of a licence, as numbered steps. `docs/verification.md` lists the same numbers.

 1 format         the bytes are one sealed record, in its one canonical form
 2 registry       a trust registry is held, and fresh
 3 issuer-key     the key id names a key in it
 4 seal           the seal covers exactly these bytes; only then is the content decoded
 5 content        the content decodes canonically to a possible licence
 6 fields         every disclosed field is the one that was sealed
 7 entitlement    the issuer named is the key's owner, and entitled to this type and area
 8 certificate    the issuer's certificate led to the trust anchor when the licence was sealed
 9 validity       the licence is in force
10 status-list    a status list that covers it is held, and fresh
11 status         the licence is not revoked, suspended, cancelled, ...

A step fails, passes, cannot tell ("unknown"), or is skipped because it has nothing to look at. One failure
makes the licence invalid; with none, one "unknown" makes the outcome undetermined. Evidence that is stale
is believed only where time cannot mend it: a revocation, a broken seal, the end of validity.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert import envelope
from ecert.errors import (
    EcertError,
    MalformedError,
    Reason,
    RejectedError,
    UndeterminedError,
    VerificationError,
)
from ecert.licence.face import MAX_FACE, Face, decode_face
from ecert.licence.record import MAX_RECORD, Record, decode_record, read_fields
from ecert.qr import decode_text
from ecert.revocation import State, StatusView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.trust import RegisteredKey, Registry

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a licence's time of sealing may lie ahead of the verifier's clock."""

STEPS: Final = (
    "format",
    "registry",
    "issuer-key",
    "seal",
    "content",
    "fields",
    "entitlement",
    "certificate",
    "validity",
    "status-list",
    "status",
)
"""The steps' names; a step's number is its position, from 1."""

_STATE_REASONS: Final = {
    State.INACTIVE: Reason.INACTIVE,
    State.SUSPENDED: Reason.SUSPENDED,
    State.SUPERSEDED: Reason.SUPERSEDED,
    State.TRANSFERRED: Reason.TRANSFERRED,
    State.CANCELLED: Reason.CANCELLED,
    State.WITHDRAWN: Reason.WITHDRAWN,
    State.REVOKED: Reason.REVOKED,
}
_COMPROMISE: Final = {"key_compromise", "ca_compromise"}


class Outcome(StrEnum):
    """What a window is told. There is no fourth."""

    VALID = "valid"
    INVALID = "invalid"
    UNDETERMINED = "undetermined"


class Result(StrEnum):
    """What one step came to."""

    PASS = "pass"  # noqa: S105  (the result of a check, not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered step with its result; `code` is `ok`, or why it did not pass."""

    number: int
    name: str
    result: Result
    code: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer about one licence at one instant.

    Attributes:
        outcome: Valid, invalid, or undetermined.
        reason: `ok`, or the code of the step that decided.
        checks: All steps, in order.
        at: The instant it speaks of, UTC.
        content: The face or record, once its seal was verified; None before that.
        fields: Disclosed fields of a record, each matched with its digest.
        key: The registered key that sealed it, once found.
        registry: The registry consulted; None when none was held.
        status: The snapshot's region is `key`'s; the view it came from.
    """

    outcome: Outcome
    reason: Reason
    checks: tuple[Check, ...]
    at: datetime
    content: Face | Record | None
    fields: Mapping[str, FieldValue]
    key: RegisteredKey | None
    registry: Registry | None
    status: StatusView


@dataclass(frozen=True, slots=True)
class VerifiedLicence:
    """A licence that passed every step, with the evidence."""

    content: Face | Record
    fields: Mapping[str, FieldValue]
    key: RegisteredKey
    verdict: Verdict


class _Run:
    """One verification: runs steps, keeps what they found, and stops relying on what failed."""

    def __init__(self, registry: Registry | None, status: StatusView, at: datetime) -> None:
        self.registry = registry
        self.status = status
        self.at = at
        self.checks: list[Check] = []
        self.sealed: envelope.Envelope | None = None
        self.key: RegisteredKey | None = None
        self.seal_holds = False
        self.content: Face | Record | None = None
        self.fields: Mapping[str, FieldValue] = {}

    def step(self, action: Callable[[], bool]) -> None:
        """Run the next step; `action` returns False when it has nothing to look at, and raises to refuse."""
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
    def read(self, load: Callable[[], bytes]) -> bool:
        sealed = envelope.decode(load(), limit=MAX_RECORD)
        if sealed.kind not in (envelope.Kind.FACE, envelope.Kind.RECORD):
            raise MalformedError(Reason.RECORD_MALFORMED, "this is another signed object, not a licence")
        self.sealed = sealed
        return True

    # 2
    def consult_registry(self) -> bool:
        if self.registry is None:
            raise UndeterminedError(Reason.REGISTRY_MISSING, "no trust registry is held")
        if not self.registry.is_fresh(self.at):
            raise UndeterminedError(
                Reason.REGISTRY_STALE, f"the registry held was fresh until {self.registry.fresh_until:%F %T}Z"
            )
        return True

    # 3
    def find_key(self) -> bool:
        if self.sealed is None or self.registry is None:
            return False
        self.key = self.registry.find(self.sealed.key_id)
        if self.key is None:
            raise UndeterminedError(
                Reason.ISSUER_UNKNOWN, f"no registered issuer has the key {self.sealed.key_id.hex()}"
            )
        return True

    # 4
    def check_seal(self) -> bool:
        if self.sealed is None or self.key is None:
            return False
        try:
            self.sealed.verify(self.key.public_key)
        except RejectedError as error:
            raise RejectedError(Reason.SEAL_BAD, "the seal does not fit these bytes") from error
        self.seal_holds = True
        return True

    # 5
    def decode_content(self) -> bool:
        if self.sealed is None or self.key is None or not self.seal_holds:
            return False
        if self.sealed.kind is envelope.Kind.RECORD:
            self.content = decode_record(self.sealed.payload)
        else:
            self.content = decode_face(self.sealed.payload, self.key.member.code)
        return True

    # 6
    def read_disclosed(self) -> bool:
        if self.sealed is None or not isinstance(self.content, Record):
            return False
        self.fields = read_fields(self.sealed.unprotected, self.content.digests)
        return bool(self.fields)

    # 7
    def check_entitlement(self) -> bool:
        if self.content is None or self.key is None:
            return False
        identifier = self.content.identifier
        if identifier.issuer_code != self.key.member.code:
            raise RejectedError(Reason.ISSUER_MISMATCH, "the issuer named is not the owner of the sealing key")
        area = self.content.area_code if isinstance(self.content, Record) else None
        problem = self.key.entitlement_problem(identifier.type_code, area)
        if problem is None:
            return True
        if self.registry is not None and not self.registry.is_fresh(self.at):
            raise UndeterminedError(Reason.REGISTRY_STALE, f"by a stale registry, {problem}")
        raise RejectedError(Reason.ISSUER_NOT_ENTITLED, problem)

    # 8
    def check_certificate(self) -> bool:
        if self.content is None or self.key is None or self.registry is None:
            return False
        path = self.registry.standing(self.key, self.content.sealed_at)
        for revocation in path.revocations:
            if revocation.reason.name.lower() in _COMPROMISE and revocation.at <= self.at:
                # The sealing time is the signer's own claim: whoever stole the key can claim any.
                raise UndeterminedError(
                    Reason.ISSUER_KEY_COMPROMISED, f"the sealing key was compromised at {revocation.at:%F %T}Z"
                )
        return True

    # 9
    def check_validity(self) -> bool:
        if self.content is None:
            return False
        if self.content.sealed_at > self.at + CLOCK_SKEW:
            raise RejectedError(Reason.SEALED_IN_FUTURE, f"sealed at {self.content.sealed_at:%F %T}Z")
        validity = self.content.validity
        if self.at < validity.begins():
            raise RejectedError(Reason.NOT_YET_IN_FORCE, f"in force from {validity.start}")
        ends = validity.ends()
        if ends is not None and self.at >= ends:
            raise RejectedError(Reason.EXPIRED, f"was in force until {validity.end}")
        return True

    # 10
    def consult_status(self) -> bool:
        if self.content is None or self.key is None:
            return False
        self.status.state_at(self.key, self.content.status, self.at)
        snapshot = self.status.snapshot_for(self.key)
        if snapshot is not None and not snapshot.is_fresh(self.at):
            raise UndeterminedError(
                Reason.STATUS_STALE, f"the status list held was fresh until {snapshot.fresh_until:%F %T}Z"
            )
        return True

    # 11
    def check_status(self) -> bool:
        evidence = self.checks[-1]
        if self.content is None or self.key is None or evidence.code not in (Reason.OK, Reason.STATUS_STALE):
            return False
        event = self.status.state_at(self.key, self.content.status, self.at)
        if event is None or event.state is State.VALID:
            return evidence.code is Reason.OK
        detail = f"{event.state.name.lower()} since {event.since:%F %T}Z" + (
            f": {event.reason}" if event.reason else ""
        )
        if evidence.code is Reason.STATUS_STALE and not event.state.ends:
            raise UndeterminedError(_STATE_REASONS[event.state], f"by a stale list, {detail}")
        raise RejectedError(_STATE_REASONS[event.state], detail)


def _assess(load: Callable[[], bytes], registry: Registry | None, status: StatusView, at: datetime) -> Verdict:
    run = _Run(registry, status, at)
    run.step(lambda: run.read(load))
    for action in (
        run.consult_registry,
        run.find_key,
        run.check_seal,
        run.decode_content,
        run.read_disclosed,
        run.check_entitlement,
        run.check_certificate,
        run.check_validity,
        run.consult_status,
        run.check_status,
    ):
        run.step(action)
    outcome, reason = _decide(run.checks)
    return Verdict(outcome, reason, tuple(run.checks), at, run.content, run.fields, run.key, registry, status)


def _decide(checks: list[Check]) -> tuple[Outcome, Reason]:
    for result, outcome in ((Result.FAIL, Outcome.INVALID), (Result.UNKNOWN, Outcome.UNDETERMINED)):
        for check in checks:
            if check.result is result:
                return outcome, check.code
    return Outcome.VALID, Reason.OK


def assess(
    sealed: bytes | str | MalformedError, *, registry: Registry | None, status: StatusView, at: datetime
) -> Verdict:
    """Run every step over a sealed licence and say what each came to. Never raises for what it is given.

    Args:
        sealed: The bytes of a sealed face or record, or the text of a QR code, or the error that reading
            it from a file or picture ended in.
        registry: The trust registry held, if any.
        status: The status lists held.
        at: The instant the verdict speaks of, aware.
    """
    return _assess(lambda: _sealed_bytes(sealed), registry, status, at)


def _sealed_bytes(sealed: bytes | str | MalformedError) -> bytes:
    if isinstance(sealed, MalformedError):
        raise sealed
    if isinstance(sealed, bytes):
        return sealed
    data = decode_text(sealed)
    if len(data) > MAX_FACE:
        raise MalformedError(Reason.TOO_LARGE, f"a face record has at most {MAX_FACE} bytes")
    return data


def verify(sealed: bytes | str, *, registry: Registry | None, status: StatusView, at: datetime) -> VerifiedLicence:
    """Verify a sealed licence; arguments as for `assess`.

    Raises:
        MalformedError: not a sealed licence.
        RejectedError: it is invalid.
        UndeterminedError: it cannot be told.
    """
    verdict = assess(sealed, registry=registry, status=status, at=at)
    if verdict.outcome is Outcome.VALID and verdict.content is not None and verdict.key is not None:
        return VerifiedLicence(verdict.content, verdict.fields, verdict.key, verdict)
    decisive = next(check for check in verdict.checks if check.code is verdict.reason)
    raise _error_for(verdict, decisive)


def _error_for(verdict: Verdict, decisive: Check) -> EcertError:
    if decisive.number == 1:
        return MalformedError(decisive.code, decisive.detail)
    kind: type[VerificationError] = RejectedError if verdict.outcome is Outcome.INVALID else UndeterminedError
    return kind(decisive.code, decisive.detail)
