"""The verification of a licence, as numbered steps. `docs/verification.md` lists the same numbers.

 1 format         the bytes are one sealed record, in its one canonical form
 2 registry       a trust registry is held, and fresh
 3 issuer-key     the key id names a key in it
 4 seal           the seal covers exactly these bytes; only then is the content decoded
 5 content        the content decodes canonically to a possible licence
 6 fields         every disclosed field is the one that was sealed
 7 entitlement    the issuer named is the key's owner, and was entitled to this type and area when it sealed
 8 certificate    the issuer's certificate led to the trust anchor when the licence was sealed; after a theft of
                  its key, evidence not its own shows that the licence existed before
 9 validity       the licence is in force
10 status-list    a status list that covers it is held, and fresh
11 status         the licence is not revoked, suspended, cancelled, ...
12 freshness      what is held is as new as the policy for this type and matter asks

A step fails, passes, cannot tell ("unknown"), or is skipped because it has nothing to look at. One failure
makes the licence invalid; with none, one "unknown" makes the outcome undetermined. Evidence that is stale
is believed only where time cannot mend it: a revocation, a broken seal, the end of validity.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ecert.errors import EcertError, MalformedError, Reason, RejectedError, UndeterminedError, VerificationError
from ecert.licence.face import MAX_FACE
from ecert.qr import decode_text
from ecert.sm2 import verify_many
from ecert.verification.steps import CLOCK_SKEW, STEPS, Run
from ecert.verification.verdict import Check, Outcome, Result, Verdict, VerifiedLicence, decide

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ecert.revocation import StatusView
    from ecert.trust import Registry

__all__ = [
    "CLOCK_SKEW",
    "STEPS",
    "Check",
    "Outcome",
    "Result",
    "Verdict",
    "VerifiedLicence",
    "assess",
    "assess_many",
    "verify",
]


def assess(
    sealed: bytes | str | MalformedError,
    *,
    registry: Registry | None,
    status: StatusView,
    at: datetime,
    now: datetime | None = None,
    matter: str | None = None,
    evidence: Sequence[bytes] = (),
) -> Verdict:
    """Run every step over a sealed licence and say what each came to. Never raises for what it is given.

    Args:
        sealed: The bytes of a sealed face or record, or the text of a QR code, or the error that reading
            it from a file or picture ended in.
        registry: The trust registry held, if any.
        status: The status lists held.
        at: The instant the verdict speaks of, aware.
        now: The clock, by which the age of the evidence is told; `at` when not given, and never before it.
        matter: Item code of the service matter at hand, whose freshness policy counts too.
        evidence: What shows that the licence existed before its issuer's key was stolen: proofs of the issued set.
    """
    run = Run(registry=registry, status=status, at=at, now=max(at, now or at), matter=matter, evidence=evidence)
    run.begin(lambda: _sealed_bytes(sealed))
    run.finish(run.verify_seal)
    return _verdict(run)


def assess_many(
    sealed: Sequence[bytes | str | MalformedError],
    *,
    registry: Registry | None,
    status: StatusView,
    at: datetime,
    now: datetime | None = None,
    matter: str | None = None,
) -> list[Verdict]:
    """Return the verdict of `assess` on each of many licences, in order; their seals are verified all at once.

    The GIL is free while they are. Arguments as for `assess`; how many there are is the caller's to bound.
    """
    now = max(at, now or at)
    runs = [Run(registry=registry, status=status, at=at, now=now, matter=matter, evidence=()) for _ in sealed]
    for run, one in zip(runs, sealed, strict=True):
        run.begin(partial(_sealed_bytes, one))
    claims = [run.claim for run in runs]
    problems = iter(verify_many([claim for claim in claims if claim is not None], raw=True))
    for run, claim in zip(runs, claims, strict=True):
        run.finish(partial(_raise, None if claim is None else next(problems)))
    return [_verdict(run) for run in runs]


def _raise(problem: MalformedError | RejectedError | None) -> None:
    if problem is not None:
        raise problem


def _verdict(run: Run) -> Verdict:
    outcome, reason = decide(run.problems)
    return Verdict(
        outcome=outcome,
        reason=reason,
        checks=tuple(run.checks),
        at=run.at,
        now=run.now,
        content=run.content,
        fields=run.fields,
        key=run.key,
        registry=run.registry,
        status=run.status,
        event=run.event,
        flags=run.flags,
    )


def _sealed_bytes(sealed: bytes | str | MalformedError) -> bytes:
    if isinstance(sealed, MalformedError):
        raise sealed
    if isinstance(sealed, bytes):
        return sealed
    data = decode_text(sealed)
    if len(data) > MAX_FACE:
        raise MalformedError(Reason.TOO_LARGE, f"a face record has at most {MAX_FACE} bytes")
    return data


def verify(
    sealed: bytes | str,
    *,
    registry: Registry | None,
    status: StatusView,
    at: datetime,
    now: datetime | None = None,
    matter: str | None = None,
    evidence: Sequence[bytes] = (),
) -> VerifiedLicence:
    """Verify a sealed licence; arguments as for `assess`.

    Raises:
        MalformedError: not a sealed licence.
        RejectedError: it is invalid.
        UndeterminedError: it cannot be told.
    """
    verdict = assess(sealed, registry=registry, status=status, at=at, now=now, matter=matter, evidence=evidence)
    if verdict.outcome is Outcome.VALID and verdict.content is not None and verdict.key is not None:
        return VerifiedLicence(verdict.content, verdict.fields, verdict.key, verdict)
    decisive = next(check for check in verdict.checks if check.code is verdict.reason)
    raise _error_for(verdict, decisive)


def _error_for(verdict: Verdict, decisive: Check) -> EcertError:
    if decisive.number == 1:
        return MalformedError(decisive.code, decisive.detail)
    kind: type[VerificationError] = RejectedError if verdict.outcome is Outcome.INVALID else UndeterminedError
    return kind(decisive.code, decisive.detail)
