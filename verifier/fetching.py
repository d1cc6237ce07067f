"""What is published where, and how it is asked for. Everything returned is bytes that nobody has verified yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.revocation import MAX_DELTA, MAX_PAGE, MAX_SNAPSHOT
from ecert.revocation.issued import MAX_PROOF
from ecert.revocation.seal_list import MAX_SEAL_LIST
from ecert.trust.metadata import refresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ecert.holdings import Holdings
    from ecert.trust.metadata import RegistryFiles
    from verifier.publisher import Publisher

LONGEST_WAIT: Final = 20
"""Seconds that a publisher is asked to hold back its answer while there is no news; it would do so for 25."""

_MAX_HEAD: Final = 1024
_MAX_SEQUENCE: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Head:
    """How far a region's publication has come, by the publisher's word: a hint where to look.

    Attributes:
        sequence: The newest delta.
        snapshot: The delta up to which the newest snapshot goes.
    """

    sequence: int
    snapshot: int


async def fetch_registry(
    publisher: Publisher, holdings: Holdings, now: datetime, wants: Callable[[str], bool]
) -> RegistryFiles:
    """Return the registry's files, brought up to date from those held, which are returned when nothing changed.

    Args:
        publisher: Whom to ask.
        holdings: What is held.
        now: Expired national metadata is refused, aware.
        wants: Target path → whether that slice is needed.

    Raises:
        UnreachableError: the publisher does not answer.
        EcertError: what it has is refused.
    """
    update = refresh(holdings.files or None, holdings.root, now=now, wants=wants)
    answer = None
    try:
        while True:
            wanted = update.send(answer)
            answer = await publisher.get(f"registry/{wanted.path}", wanted.limit)
    except StopIteration as done:
        files: RegistryFiles = done.value
        return files


async def fetch_head(publisher: Publisher, region: str, *, after: int, wait: int) -> Head | None:
    """Return how far a region has come, as soon as that is beyond `after`, or after `wait` seconds.

    Returns:
        None when the publisher has nothing of the region.

    Raises:
        UnreachableError: the publisher does not answer.
        MalformedError: it answers something else.
    """
    data = await publisher.get(
        f"status/{region}/head.json", _MAX_HEAD, query={"after": after, "wait": wait}, patience=wait
    )
    return None if data is None else _read_head(data, region)


def _read_head(data: bytes, region: str) -> Head:
    try:
        content: Any = json.loads(data[: _MAX_HEAD + 1])
        numbers = (content["sequence"], content["snapshot"])
    except (ValueError, TypeError, KeyError, RecursionError):
        numbers = (-1, -1)
    if not all(type(number) is int and 0 <= number < _MAX_SEQUENCE for number in numbers):
        raise MalformedError(Reason.STATUS_MALFORMED, f"the head of {region} is not one")
    return Head(*numbers)


async def fetch_snapshot(publisher: Publisher, region: str) -> bytes:
    """Return a region's newest snapshot.

    Raises:
        UnreachableError: the publisher does not answer.
        NotFoundError: there is none.
    """
    data = await publisher.get(f"status/{region}/snapshot.bin", MAX_SNAPSHOT)
    if data is None:
        raise NotFoundError(Reason.STATUS_MISSING, f"{publisher.name} has no snapshot of {region}")
    return data


async def fetch_delta(publisher: Publisher, region: str, sequence: int) -> bytes | None:
    """Return a delta, None when the publisher does not have it (any more).

    Raises:
        UnreachableError: the publisher does not answer.
    """
    return await publisher.get(f"status/{region}/deltas/{sequence}.bin", MAX_DELTA)


async def fetch_page(publisher: Publisher, region: str, key_id: bytes, number: int, page: int) -> bytes | None:
    """Return a page of details, None when there is none.

    Raises:
        UnreachableError: the publisher does not answer.
    """
    return await publisher.get(f"status/{region}/pages/{key_id.hex()}-{number}/{page}.bin", MAX_PAGE)


async def fetch_proof(publisher: Publisher, region: str, record_digest: bytes) -> bytes | None:
    """Return the proof that a licence was in the issued set, None when there is none.

    Raises:
        UnreachableError: the publisher does not answer.
    """
    return await publisher.get(f"status/{region}/issued/proofs/{record_digest.hex()}", MAX_PROOF)


async def fetch_seals(publisher: Publisher, region: str) -> bytes | None:
    """Return the status of a region's seals, None when there is none.

    Raises:
        UnreachableError: the publisher does not answer.
    """
    return await publisher.get(f"status/{region}/seals.bin", MAX_SEAL_LIST)
