"""The trust registry: who may vouch for what, each region for its own.

`ecert.trust.metadata` loads it and keeps it up to date; `slices`, `policy` and `tuf_keys` are for those who write it.
"""

from ecert.trust.members import (
    ANYWHERE,
    EntryState,
    Grant,
    Member,
    Region,
    RegisteredKey,
    Role,
    StateChange,
)
from ecert.trust.policy import Budget, Policy
from ecert.trust.registry import Registry

__all__ = [
    "ANYWHERE",
    "Budget",
    "EntryState",
    "Grant",
    "Member",
    "Policy",
    "Region",
    "RegisteredKey",
    "Registry",
    "Role",
    "StateChange",
]
