"""Signing in, and the first page after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003  (named in the fields of dataclasses)

from api.console.views.frame import Role  # noqa: TC001
from api.console.views.licences import LicenceState  # noqa: TC001
from ecert.licence.codes import Phrase  # noqa: TC001


@dataclass(frozen=True, slots=True)
class DevelopmentAccount:
    """An invented operator of the development provider.

    Attributes:
        address: Where signing in as this account begins.
        name: The person's name.
        department: Theirs.
        roles: What they are there for.
    """

    address: str
    name: str
    department: Phrase
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to come in.

    Attributes:
        unified: Where signing in with the unified identity begins; None where it is not set up.
        accounts: Accounts of the development provider; none in production.
        problem: Why an attempt has just failed.
    """

    unified: str | None
    accounts: tuple[DevelopmentAccount, ...] = ()
    problem: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """How things stand.

    Attributes:
        today: The day it is, in China.
        issued_today: Licences issued on it.
        in_force: Licences valid now.
        expiring_soon: Those of them that end within `soon_days`.
        soon_days: How near the end counts as soon.
        revoked: Licences revoked (吊销) so far.
        waiting: Proposals waiting for a review.
        batches_running: Batches being validated or issued.
        per_day: Days and how many licences were issued on each, the oldest first.
        by_type: Type codes, names, and how many licences there are of each, the most first.
        by_state: States and how many licences are in each.
    """

    today: date
    issued_today: int
    in_force: int
    expiring_soon: int
    soon_days: int
    revoked: int
    waiting: int
    batches_running: int
    per_day: tuple[tuple[date, int], ...]
    by_type: tuple[tuple[Phrase, int], ...]
    by_state: tuple[tuple[LicenceState, int], ...]
