"""Who may supply which target: the tree of delegated roles, and the search in it as TUF specifies it (5.6.7).

Beyond TUF:

- A role is named after the region or ministry it speaks for, and can never speak for more than that name covers,
  whatever its delegator allows it.
- What a role lists outside its bounds is not passed over in silence: the role is refused.
- A region delegates to regions inside it only, and never under a name that was delegated at a higher level.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.codes import area_prefix
from ecert.trust.places import COMMON, NATION, is_role_code, within_role
from ecert.trust.slices import MAX_SLICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tuf.api.metadata import DelegatedRole, TargetFile, Targets

TOP: Final = "targets"
"""The name of the national role that all delegation begins with."""
MAX_ROLES: Final = 4096
"""The most roles of one registry."""
MAX_LEVELS: Final = 4
"""The most levels of roles: nation, province, city, county."""

_MAX_FILES: Final = 1024
"""The most slices of one role: a few uses of some hundred domains."""
_MAX_BYTES: Final = 128 * 1024 * 1024
"""The most bytes of all slices of one role."""
_MAX_OF_REGION: Final = 512
"""The most roles that a region delegates to: no province has as many cities and counties."""
_MAX_PATTERNS: Final = 64
_PATTERN: Final = re.compile(r"registry/[0-9?]{6}/(?:\*|[0-9A-Za-z]{1,18})/(?:\*|[a-z-]{1,32})\.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NATIONAL: Final = f"registry/{NATION}/{COMMON}/"


@dataclass(frozen=True, slots=True)
class Delegation:
    """The word of one role about another.

    Attributes:
        role: Who is trusted.
        terminating: Whether a search that comes this way never looks further.
        form: The target paths it is trusted for.
    """

    role: str
    terminating: bool
    form: re.Pattern[str]

    def covers(self, path: str) -> bool:
        """Tell whether the role is trusted for a target path."""
        return self.form.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class TrustedRole:
    """A targets role whose metadata was verified and lies inside its bounds.

    Attributes:
        name: `targets`, or the code it was delegated under.
        chain: The delegations that lead to it.
        targets: Target path → length and hashes.
        delegations: Whom it trusts in turn, in order.
        expires: Until when it and every role above it is good, aware UTC.
    """

    name: str
    chain: tuple[Delegation, ...]
    targets: Mapping[str, TargetFile]
    delegations: tuple[Delegation, ...]
    expires: datetime


def read_role(targets: Targets, delegation: Delegation | None, parent: TrustedRole | None) -> TrustedRole:
    """Take verified metadata for the role it was delegated to.

    Args:
        targets: The metadata.
        delegation: How it was delegated; None for the national role.
        parent: Who delegated it; None for the national role.

    Raises:
        MalformedError: TOO_LARGE; or REGISTRY_MALFORMED, e.g. a target without an SM3 hash.
        RejectedError: REGISTRY_OUT_OF_BOUNDS, it speaks for what is not its own.
    """
    name = TOP if delegation is None else delegation.role
    chain = () if parent is None or delegation is None else (*parent.chain, delegation)
    if len(targets.targets) > _MAX_FILES:
        raise MalformedError(Reason.TOO_LARGE, f"{name}: more than {_MAX_FILES} targets")
    if sum(target.length for target in targets.targets.values()) > _MAX_BYTES:
        raise MalformedError(Reason.TOO_LARGE, f"{name}: more than {_MAX_BYTES} bytes of targets")
    for path, target in targets.targets.items():
        if not _within(name, chain, path):
            raise RejectedError(Reason.REGISTRY_OUT_OF_BOUNDS, f"{name} lists {path[:120]}, which is not its own")
        _require_hashes(path, target)
    expires = targets.expires if parent is None else min(parent.expires, targets.expires)
    return TrustedRole(name, chain, targets.targets, _read_delegations(name, targets), expires)


def _within(name: str, chain: tuple[Delegation, ...], path: str) -> bool:
    if name == TOP:
        return path.startswith(_NATIONAL)
    return within_role(name, path) and all(delegation.covers(path) for delegation in chain)


def _require_hashes(path: str, target: TargetFile) -> None:
    hashes = target.hashes
    if hashes.keys() != {"sha256", "sm3"} or not all(map(_SHA256.fullmatch, hashes.values())):
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"{path} does not have one SHA-256 and one SM3 hash")
    if target.length > MAX_SLICE:
        raise MalformedError(Reason.TOO_LARGE, f"{path} is announced with {target.length} bytes")


def _read_delegations(name: str, targets: Targets) -> tuple[Delegation, ...]:
    if targets.delegations is None:
        return ()
    if targets.delegations.roles is None:
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"{name} delegates to hash bins, which have no place here")
    if len(targets.delegations.roles) > (MAX_ROLES if name == TOP else _MAX_OF_REGION):
        raise MalformedError(Reason.TOO_LARGE, f"{name} delegates to {len(targets.delegations.roles)} others")
    return tuple(_read_delegation(name, role) for role in targets.delegations.roles.values())


def _read_delegation(name: str, role: DelegatedRole) -> Delegation:
    paths = role.paths
    if not isinstance(role.name, str):
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"{name} delegates to something that is not a name")
    if not isinstance(paths, list) or len(paths) > _MAX_PATTERNS or not all(map(_PATTERN.fullmatch, paths)):
        raise MalformedError(
            Reason.REGISTRY_MALFORMED, f"{name} delegates to {role.name[:40]} by something other than registry paths"
        )
    if name != TOP and not _lies_below(role.name, name):
        raise RejectedError(
            Reason.REGISTRY_OUT_OF_BOUNDS, f"{name} delegates to {role.name[:40]}, which does not lie inside it"
        )
    forms = (re.escape(path).replace(r"\?", "[^/]").replace(r"\*", "[^/]*") for path in paths)
    return Delegation(role.name, bool(role.terminating), re.compile("|".join(forms) or "(?!)"))


def _lies_below(role: str, above: str) -> bool:
    """Tell whether one region lies inside another; a ministry has none inside it."""
    both_regions = is_role_code(role) and len(role) == len(above) == len(NATION)
    return both_regions and role != above and role.startswith(area_prefix(above))


def find_supplier(path: str, roles: Mapping[str, TrustedRole]) -> TrustedRole | None:
    """Return the role whose word about a target counts: the first in preorder; None when nobody's does.

    Args:
        path: The target path.
        roles: The roles that could be verified, by name. One that could not has nothing to say, but a terminating
            delegation to it still ends the search.
    """
    to_visit = [TOP]
    while to_visit:
        role = roles.get(to_visit.pop())
        if role is None:
            continue
        if path in role.targets:
            return role
        children = []
        for delegation in role.delegations:
            if delegation.covers(path):
                children.append(delegation.role)
                if delegation.terminating:
                    to_visit.clear()
                    break
        to_visit.extend(reversed(children))
    return None


def supplied(roles: Mapping[str, TrustedRole]) -> Iterator[tuple[str, TargetFile, TrustedRole]]:
    """Yield every target with the role that supplies it, sorted by path."""
    for path in sorted({path for role in roles.values() for path in role.targets}):
        role = find_supplier(path, roles)
        if role is not None:
            yield path, role.targets[path], role
