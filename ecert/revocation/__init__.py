"""Status of licences: what regions publish, and the view of it that a verifier holds."""

from ecert.revocation.status import (
    Snapshot,
    State,
    StatusEvent,
    StatusList,
    StatusView,
    encode_snapshot,
    load_snapshot,
)

__all__ = ["Snapshot", "State", "StatusEvent", "StatusList", "StatusView", "encode_snapshot", "load_snapshot"]
