"""What a verification comes to: checks, and the verdict over them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ecert.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from ecert.licence.face import Face
    from ecert.licence.fields import FieldValue
    from ecert.licence.record import Record
    from ecert.revocation import Flag, RegionStatus, StatusEvent
    from ecert.trust import RegisteredKey, Registry


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
        now: The instant by which the age of its evidence is told, UTC; never before `at`.
        content: The face or record, once its seal was verified; None before that.
        fields: Disclosed fields of a record, each matched with its digest.
        key: The registered key that sealed it, once found.
        registry: The registry consulted; None when none was held.
        status: What was held of the status of the key's region; None when nothing was.
        event: The decision that the licence's state rests on, where its details were held.
        flags: What else the status list says of it, e.g. that a licence it depends on has changed.
    """

    outcome: Outcome
    reason: Reason
    checks: tuple[Check, ...]
    at: datetime
    now: datetime
    content: Face | Record | None
    fields: Mapping[str, FieldValue]
    key: RegisteredKey | None
    registry: Registry | None
    status: RegionStatus | None
    event: StatusEvent | None
    flags: Flag


@dataclass(frozen=True, slots=True)
class VerifiedLicence:
    """A licence that passed every step, with the evidence."""

    content: Face | Record
    fields: Mapping[str, FieldValue]
    key: RegisteredKey
    verdict: Verdict


def decide(problems: Collection[Check]) -> tuple[Outcome, Reason]:
    """Return the outcome, and its reason: the first failure, else the first thing not told, else valid."""
    if not problems:
        return Outcome.VALID, Reason.OK
    for result, outcome in ((Result.FAIL, Outcome.INVALID), (Result.UNKNOWN, Outcome.UNDETERMINED)):
        for check in problems:
            if check.result is result:
                return outcome, check.code
    return Outcome.VALID, Reason.OK
