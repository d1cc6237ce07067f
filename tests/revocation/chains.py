"""A region that publishes, and values for tests of what it publishes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ecert.revocation import ListChange, ListKey, RegionStatus, load_delta, seal_delta, seal_snapshot
from tests.revocation.small_country import GUANGDONG, NOW, Country

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.sm2 import PrivateKey

ISSUER = bytes.fromhex("0011223344556677")
LIST: ListKey = (ISSUER, 0)
WEEK = timedelta(days=7)
MILLION = 1_000_000
REVOKED, SUSPENDED, VALID_AGAIN = 0x07, 0x02, 0x08
MIXED = {7: 75, 2: 10, 5: 6, 6: 4, 3: 3, 4: 2}
"""State → share in percent."""


def change(marks: Mapping[int, int] | None = None, covered: int = 1000, key: ListKey = LIST) -> ListChange:
    return ListChange(*key, covered, marks or {})


def seeded(seed: int, count: int, *, mixed: bool, covered: int = MILLION) -> dict[int, int]:
    rng = random.Random(seed)  # noqa: S311  (test data, not secrets)
    indices = rng.sample(range(covered), count)
    states = rng.choices([*MIXED], [*MIXED.values()], k=count) if mixed else [REVOKED] * count
    return dict(zip(indices, states, strict=True))


@dataclass
class Publisher:
    """The status of Guangdong, step by step; `deltas` are all that were sealed."""

    country: Country
    signer_name: str = f"status-{GUANGDONG}"
    status: RegionStatus = field(default_factory=lambda: RegionStatus.beginning(GUANGDONG))
    deltas: list[bytes] = field(default_factory=list)
    now: datetime = NOW

    @property
    def signer(self) -> PrivateKey:
        return self.country.keys[self.signer_name]

    def seal(self, *changes: ListChange) -> bytes:
        return seal_delta(self.status, changes, issued_at=self.now, fresh_until=self.now + WEEK, signer=self.signer)

    def publish(self, *changes: ListChange) -> bytes:
        data = self.seal(*changes)
        self.status = load_delta(data, self.country.registry(), self.status, now=self.now)
        self.deltas.append(data)
        return data

    def snapshot(self) -> bytes:
        return seal_snapshot(self.status, self.signer)
