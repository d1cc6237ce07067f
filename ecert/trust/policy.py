"""Freshness budgets: how old registry and status may be for a "valid", signed by the nation.

    registry/000000/common/policy.json
    {"default": {"registryMaxAge": seconds | null, "statusMaxAge": seconds | null},
     "types": {licence type code: the same}, "matters": {matter code: the same}}

What applies to a licence shown for a matter is the strictest of the three; null sets no limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_type_code
from ecert.trust.strict_json import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_POLICY: Final = 1024 * 1024
"""The longest policy in bytes."""

_MAX_AGE: Final = 10 * 366 * 86400
_MATTER: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Budget:
    """How old the evidence may be.

    Attributes:
        registry: The age of the registry, from its `issued_at`, in whole seconds; None: no limit.
        status: The age of the status list, likewise.
    """

    registry: timedelta | None = None
    status: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The budgets in force.

    Attributes:
        default: For every licence.
        types: Licence type code → budget.
        matters: Code of the matter (事项) that the licence is shown for → budget.
    """

    default: Budget = field(default_factory=Budget)
    types: Mapping[str, Budget] = field(default_factory=dict)
    matters: Mapping[str, Budget] = field(default_factory=dict)

    def budget(self, type_code: str, matter: str | None = None) -> Budget:
        """Return the strictest of what applies."""
        others = (self.types.get(type_code), None if matter is None else self.matters.get(matter))
        if others == (None, None):  # nearly always
            return self.default
        applying = [self.default, *(one for one in others if one is not None)]
        return Budget(_least(one.registry for one in applying), _least(one.status for one in applying))


def _least(ages: Iterable[timedelta | None]) -> timedelta | None:
    return min((age for age in ages if age is not None), default=None)


def encode_policy(policy: Policy) -> bytes:
    """Write the policy, and read it back as every window will.

    Raises:
        MalformedError: it would not be read back.
    """
    data = write_json(_policy_value(policy))
    parse_policy(data)
    return data


def parse_policy(data: bytes) -> Policy:
    """Read a policy from hostile bytes.

    Raises:
        MalformedError: not a policy, to the last member.
    """
    value = read_json(data, MAX_POLICY)
    try:
        policy = Policy(
            _read_budget(value["default"]),
            {_required(code, check_type_code(code) is None): _read_budget(one) for code, one in value["types"].items()},
            {
                _required(code, bool(_MATTER.fullmatch(code))): _read_budget(one)
                for code, one in value["matters"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"not a freshness policy: {error}") from error
    if _policy_value(policy) != value:
        raise MalformedError(Reason.REGISTRY_MALFORMED, "not a freshness policy: unknown members")
    return policy


def _policy_value(policy: Policy) -> dict[str, Any]:
    return {
        "default": _budget_value(policy.default),
        "types": {code: _budget_value(one) for code, one in policy.types.items()},
        "matters": {code: _budget_value(one) for code, one in policy.matters.items()},
    }


def _required(code: str, is_one: bool) -> str:  # noqa: FBT001  (the answer of the check before it)
    if not is_one:
        raise ValueError(f"{code[:64]} is not such a code")
    return code


def _read_budget(value: Any) -> Budget:
    return Budget(_read_age(value["registryMaxAge"]), _read_age(value["statusMaxAge"]))


def _read_age(value: Any) -> timedelta | None:
    if value is None:
        return None
    if type(value) is not int or not 0 < value <= _MAX_AGE:
        raise ValueError("an age is a number of seconds from 1 to ten years, or null")
    return timedelta(seconds=value)


def _budget_value(budget: Budget) -> dict[str, int | None]:
    return {"registryMaxAge": _seconds(budget.registry), "statusMaxAge": _seconds(budget.status)}


def _seconds(age: timedelta | None) -> int | None:
    return None if age is None else int(age.total_seconds())
