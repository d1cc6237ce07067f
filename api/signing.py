"""The next deltas of a chain: signed, and checked before anybody sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.revocation import RegionStatus, check_complete, load_delta, seal_delta

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ecert.revocation import ListChange, ListKey, ListState
    from ecert.sm2 import Signer
    from ecert.trust import Registry

MARKS_AT_ONCE: Final = 1_000_000
"""About the most marks in one delta, which stays below its limit in bytes: more are spread over several."""

Step = tuple[bytes, RegionStatus]
"""A sealed delta, and the status it leads to."""


def seal_steps(
    status: RegionStatus,
    changes: Sequence[ListChange],
    lists: Mapping[ListKey, ListState],
    *,
    times: tuple[datetime, datetime],
    registry: Registry,
    signer: Signer,
) -> list[Step]:
    """Sign the deltas that lead from `status` to what the ledger says; without changes, an empty one.

    Args:
        status: What was published last.
        changes: The difference.
        lists: What the ledger says of every list, made without a look at what was published.
        times: When they are issued, and until when they may be relied on; whole seconds.
        registry: By which our own work is verified.
        signer: The region's status key.

    Raises:
        RejectedError: STATUS_INCOMPLETE: they do not lead to what the ledger says.
        CustodyError: the key cannot be used.
    """
    steps: list[Step] = []
    after, (issued_at, fresh_until) = status, times
    for batch in _batches(changes):
        data = seal_delta(after, batch, issued_at=issued_at, fresh_until=fresh_until, signer=signer)
        after = load_delta(data, registry, after, now=issued_at)
        steps.append((data, after))
    every = {key: lists.get(key, listing) for key, listing in after.lists.items()}
    wanted = RegionStatus(status.region, after.sequence, after.head, issued_at, fresh_until, {**every, **lists})
    check_complete(status, [data for data, _ in steps], wanted)
    return steps


def _batches(changes: Sequence[ListChange]) -> Iterator[list[ListChange]]:
    batch: list[ListChange] = []
    marks = 0
    for change in changes:
        if batch and marks + len(change.marks) > MARKS_AT_ONCE:
            yield batch
            batch, marks = [], 0
        batch.append(change)
        marks += len(change.marks)
    yield batch
