"""From the revocation log to a region's signed status snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert import envelope
from ecert.errors import CustodyError, Reason
from ecert.licence.reference import StatusRef
from ecert.licence.validity import to_seconds
from ecert.revocation import Snapshot, State, StatusEvent, StatusList, encode_snapshot
from ecert.trust import RegisteredKey, Registry, Role

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from ecert.ports import RevocationLog
    from ecert.sm2 import Signer


def status_key(registry: Registry, signer: Signer) -> RegisteredKey:
    """Return the registered status key that `signer` holds.

    Raises:
        CustodyError: the signer's key is not a region's status key.
    """
    key = registry.find(signer.public_key.key_id)
    if key is None or key.member.role is not Role.STATUS:
        raise CustodyError(Reason.KEY_MISMATCH, "the signing key is not a region's status key in the registry")
    return key


def publish(
    log: RevocationLog,
    registry: Registry,
    signer: Signer,
    *,
    previous: Snapshot | None,
    at: datetime,
    lifetime: timedelta,
) -> bytes:
    """Sign a snapshot of everything decided so far about the licences of a region's issuers.

    Every issuing key of the region is covered, those that sealed nothing yet included, so that silence about
    a licence issued after the snapshot is an answer too, as long as the snapshot is fresh.

    Args:
        log: The decisions.
        registry: Who issues in the region.
        signer: The region's status key.
        previous: The snapshot this one follows, if any.
        at: Now, UTC.
        lifetime: How long silence in it may be relied on.

    Raises:
        CustodyError: the signer is not a status key, or failed.
    """
    region = status_key(registry, signer).region.code
    issuers = [key.public_key.key_id for key in registry.keys() if _issues_in(key, region)]  # noqa: SIM118
    entries: dict[tuple[bytes, int], dict[int, list[StatusEvent]]] = {
        (key_id, number): {} for key_id in issuers for number in range(_lists(log, key_id))
    }
    for key_id, reference, decision in log.decisions(issuers):
        events = entries[key_id, reference.number].setdefault(reference.index, [])
        events.append(StatusEvent(State(decision.state), decision.since, decision.reason))
    snapshot = Snapshot(
        region=region,
        # The time, so that a publisher that lost its last snapshot never falls back behind what windows hold.
        sequence=max(previous.sequence + 1 if previous else 1, to_seconds(at)),
        issued_at=at,
        fresh_until=at + lifetime,
        lists={
            list_key: StatusList(
                StatusRef.CAPACITY,
                {index: tuple(sorted(events, key=lambda event: event.since)) for index, events in listing.items()},
            )
            for list_key, listing in entries.items()
        },
    )
    return envelope.seal(envelope.Kind.STATUS, encode_snapshot(snapshot), signer).encode()


def _issues_in(key: RegisteredKey, region: str) -> bool:
    return key.member.role is Role.ISSUER and key.region.code == region


def _lists(log: RevocationLog, key_id: bytes) -> int:
    """Return how many lists of a key are in use; the first always is."""
    return max(0, log.allocated(key_id) - 1) // StatusRef.CAPACITY + 1
