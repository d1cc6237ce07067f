"""What the processes of one site share, so that one of them asks the publisher and all of them know.

A site holds the newest registry export, a snapshot and a row of deltas for each region, one counter that moves with
every change, and who may ask the publisher at the moment. Nothing in it is believed: each process verifies what it
takes, as if a stranger had handed it over. A site that fails, lies or forgets costs time, never a wrong verdict.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Protocol

from ecert.errors import EcertError, MalformedError, Reason

DELTAS: Final = 1024
"""How many deltas of a region a site keeps."""
BATCH: Final = 256
"""The most deltas handed out in one answer."""
LEASE: Final = 5.0
"""Seconds for which one process may ask the publisher, unless it asks for more time."""


class SilentError(EcertError):
    """The site cannot be reached, or not in time."""

    def __init__(self, detail: str) -> None:
        """Say what happened."""
        super().__init__(Reason.SOURCE_UNREACHABLE, f"the site's cache: {detail}")


class PoisonedError(MalformedError):
    """What the site holds there is not what a process of ours put there."""

    def __init__(self, detail: str) -> None:
        """Say what was found."""
        super().__init__(Reason.DATA_MALFORMED, f"the site's cache: {detail}")


class Site(Protocol):
    """One process's view of its site.

    Every method raises `SilentError` when the site cannot be reached, and readers `PoisonedError` when what it
    holds cannot be read.
    """

    async def leads(self) -> bool:
        """Tell whether this process may ask the publisher for the next `LEASE` seconds."""

    async def resign(self) -> None:
        """Let another process lead, at once."""

    async def wait(self, seen: int, patience: float) -> int:
        """Return the counter as soon as it is not `seen` any more, or after `patience` seconds."""

    async def registry(self, known: str) -> tuple[str, bytes | None]:
        """Return the digest of the newest export, and the export unless its digest is `known`."""

    async def put_registry(self, digest: str, export: bytes) -> None:
        """Share a registry export; `digest` tells one from another and proves nothing."""

    async def snapshot(self, region: str) -> bytes | None:
        """Return a region's snapshot."""

    async def put_snapshot(self, region: str, sequence: int, data: bytes) -> None:
        """Share a region's snapshot, which goes up to delta `sequence`."""

    async def deltas(self, region: str, after: int) -> list[tuple[int, bytes]]:
        """Return at most `BATCH` deltas with their sequence numbers: the next ones held after `after`, ascending."""

    async def put_delta(self, region: str, sequence: int, data: bytes) -> bool:
        """Share the delta that follows what is there; False, and nothing happens, when this one does not."""

    async def reach(self, region: str) -> int:
        """Return up to which delta a new member can come from here, 0 when it finds no way from a snapshot."""

    async def discard(self, region: str) -> None:
        """Forget all of a region's status."""

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(slots=True)
class _Region:
    snapshot: bytes | None = None
    base: int = 0
    deltas: OrderedDict[int, bytes] = field(default_factory=OrderedDict)


class Memory:
    """What a `LocalSite` shares: everything in this process."""

    def __init__(self) -> None:
        """Begin empty."""
        self.version = 0
        self.registry: tuple[str, bytes | None] = ("", None)
        self.regions: dict[str, _Region] = {}
        self.leader: tuple[LocalSite | None, float] = (None, 0)
        self.changed = asyncio.Condition()

    async def touch(self) -> None:
        """Move the counter and wake who waits."""
        async with self.changed:
            self.version += 1
            self.changed.notify_all()


class LocalSite:
    """A site of one process, possibly with several windows in it; what there is without Redis."""

    def __init__(self, memory: Memory | None = None) -> None:
        """Share `memory`, or nothing with anybody."""
        self._memory = memory or Memory()

    async def leads(self) -> bool:
        """Tell whether this member leads; the first to ask does, until it is silent for a lease."""
        leader, until = self._memory.leader
        now = asyncio.get_running_loop().time()
        if leader is self or now >= until:
            self._memory.leader = (self, now + LEASE)
            return True
        return False

    async def resign(self) -> None:
        """Let another member lead."""
        if self._memory.leader[0] is self:
            self._memory.leader = (None, 0)

    async def wait(self, seen: int, patience: float) -> int:
        """Return the counter once it moved, or after `patience` seconds."""
        try:
            async with asyncio.timeout(patience), self._memory.changed:
                await self._memory.changed.wait_for(lambda: self._memory.version != seen)
        except TimeoutError:
            pass
        return self._memory.version

    async def registry(self, known: str) -> tuple[str, bytes | None]:
        """Return the export unless it is known."""
        digest, export = self._memory.registry
        return digest, None if digest == known else export

    async def put_registry(self, digest: str, export: bytes) -> None:
        """Keep an export."""
        self._memory.registry = (digest, export)
        await self._memory.touch()

    def _region(self, region: str) -> _Region:
        return self._memory.regions.setdefault(region, _Region())

    async def snapshot(self, region: str) -> bytes | None:
        """Return a snapshot."""
        return self._region(region).snapshot

    async def put_snapshot(self, region: str, sequence: int, data: bytes) -> None:
        """Keep a snapshot."""
        self._region(region).snapshot, self._region(region).base = data, sequence
        await self._memory.touch()

    async def deltas(self, region: str, after: int) -> list[tuple[int, bytes]]:
        """Return the next deltas."""
        return [item for item in self._region(region).deltas.items() if item[0] > after][:BATCH]

    async def put_delta(self, region: str, sequence: int, data: bytes) -> bool:
        """Keep a delta that follows what is there."""
        held = self._region(region)
        if held.snapshot is None or sequence != next(reversed(held.deltas), held.base) + 1:
            return False
        held.deltas[sequence] = data
        if len(held.deltas) > DELTAS:
            held.deltas.popitem(last=False)
        await self._memory.touch()
        return True

    async def reach(self, region: str) -> int:
        """Return up to which delta a new member can come."""
        held = self._region(region)
        first, last = next(iter(held.deltas), held.base), next(reversed(held.deltas), held.base)
        return last if held.snapshot is not None and first <= held.base + 1 and last >= held.base else 0

    async def discard(self, region: str) -> None:
        """Forget a region."""
        self._memory.regions.pop(region, None)
        await self._memory.touch()

    async def close(self) -> None:
        """Do nothing."""
