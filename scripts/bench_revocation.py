"""What the status of licences costs: sizes, memory, loading, lookups, and how fast a revocation gets around.

`scripts/bench revocation` calls this. Sizes stand beside an IETF Token Status List and an X.509 CRL of the same
decisions. Propagation is measured through real processes (`bench_propagation`).
"""

from __future__ import annotations

import random
import secrets
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench_figures import figure, per_second

from ecert.licence.reference import StatusRef
from ecert.revocation import (
    ListChange,
    ListState,
    MarkPages,
    RegionStatus,
    State,
    load_delta,
    load_snapshot,
    seal_delta,
    seal_snapshot,
    token_status_list,
)
from ecert.x509 import CrlReason, Revocation, build_crl
from tests.world import ISSUER, World

if TYPE_CHECKING:
    from ecert.trust import Registry

MILLION = 1_000_000
SHARES = {"0_1pct": 0.001, "1pct": 0.01, "5pct": 0.05}
MIX = {
    State.REVOKED: 75,
    State.SUSPENDED: 10,
    State.CANCELLED: 6,
    State.WITHDRAWN: 4,
    State.SUPERSEDED: 3,
    State.TRANSFERRED: 2,
}
"""State → share in percent of a list with states mixed."""
REGION = "440000"
SEQUENCE = 2**24
"""Of a chain that is years old: its number takes its full length."""


class Bench:
    """One region's status key, and lists made up at random from a fixed seed."""

    def __init__(self) -> None:
        """Make the country, and the clock of this run."""
        self.world = World(now=datetime.now(UTC).replace(microsecond=0))
        self.registry: Registry = self.world.registry()
        self.signer = self.world.keys[f"status-{REGION}"]
        self.key_id = self.world.keys[ISSUER].public_key.key_id
        self.random = random.Random(20261125)  # noqa: S311  (a simulation, not a secret)

    def marks(self, count: int, *, covered: int = MILLION, mixed: bool = False) -> dict[int, int]:
        """Return marks of `count` licences at random."""
        indices = self.random.sample(range(covered), count)
        states = self.random.choices([*MIX], [*MIX.values()], k=count) if mixed else [State.REVOKED] * count
        return {index: state.value for index, state in zip(indices, states, strict=True)}

    def status(self, *lists: dict[int, int], covered: int = MILLION) -> RegionStatus:
        """Return a region's status with these lists, one for each."""
        now = self.world.now
        states = {(self.key_id, n): ListState(covered, MarkPages(marks)) for n, marks in enumerate(lists)}
        return RegionStatus(REGION, SEQUENCE, secrets.token_bytes(32), now, now + timedelta(days=1), states)


def sizes(bench: Bench) -> list[dict[str, Any]]:
    """Measure the bytes of a list of a million, signature included, beside what others would send."""
    figures = []
    now = bench.world.now
    for name, share in SHARES.items():
        marks = bench.marks(int(MILLION * share))
        snapshot = len(seal_snapshot(bench.status(marks), bench.signer))
        mixed = len(seal_snapshot(bench.status(bench.marks(int(MILLION * share), mixed=True)), bench.signer))
        jwt, cwt = token_status_list(
            MILLION,
            marks.items(),
            subject="https://zz.example/status/440000/0",
            issued_at=now,
            expires=now + timedelta(days=1),
            ttl=60,
            signer=bench.signer,
        )
        crl = len(bench_crl(bench, len(marks)))
        figures += [
            figure(f"snapshot_1m_{name}_bytes", snapshot, "B", "token status list, CWT", len(cwt)),
            figure(f"snapshot_1m_{name}_mixed_bytes", mixed, "B", "", None),
            figure(f"token_status_list_1m_{name}_bytes", len(cwt), "B", "the same as JWT", len(jwt)),
            figure(f"crl_1m_{name}_bytes", crl, "B", f"snapshot_1m_{name}_bytes", snapshot),
        ]
    for name, mixed in (("delta_100_bytes", False), ("delta_100_mixed_bytes", True)):
        size = len(delta_of_100(bench, mixed=mixed))
        figures.append(figure(name, size, "B", "", None))
    return figures


def bench_crl(bench: Bench, count: int) -> bytes:
    """Return an X.509 revocation list of as many entries, 16-byte serial numbers, with reasons."""
    revoked = [
        Revocation(serial=secrets.randbits(127) + 1, at=bench.world.now, reason=CrlReason.CESSATION_OF_OPERATION)
        for _ in range(count)
    ]
    return build_crl(
        issuer=bench.world.certificates[REGION],
        signer=bench.world.keys[REGION],
        number=1,
        this_update=bench.world.now,
        next_update=bench.world.now + timedelta(days=1),
        revoked=revoked,
    ).der


def delta_of_100(bench: Bench, *, mixed: bool) -> bytes:
    """Seal the delta that tells of 100 more licences of a list of a million."""
    status = bench.status(bench.marks(10_000))
    held = status.lists[bench.key_id, 0].marks
    fresh = {i: m for i, m in bench.marks(200, mixed=mixed).items() if not held.get(i)}
    changes = [ListChange(bench.key_id, 0, MILLION, dict([*fresh.items()][:100]))]
    now = bench.world.now
    return seal_delta(status, changes, issued_at=now, fresh_until=now + timedelta(days=1), signer=bench.signer)


def speed(bench: Bench, seconds: float) -> list[dict[str, Any]]:
    """Measure loading, memory and lookups: of one million, and of ten."""
    figures = []
    for name, count in (("1m", 1), ("10m", 10)):
        lists = [bench.marks(10_486, covered=StatusRef.CAPACITY, mixed=True) for _ in range(count)]
        data = seal_snapshot(bench.status(*lists, covered=StatusRef.CAPACITY), bench.signer)
        began = time.perf_counter()
        status = load_snapshot(data, bench.registry, now=bench.world.now)
        took = time.perf_counter() - began
        tracemalloc.start()
        kept = load_snapshot(data, bench.registry, now=bench.world.now)
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del kept
        figures += [
            figure(f"snapshot_{name}_licences_bytes", len(data), "B", "", None),
            figure(f"snapshot_{name}_load_ms", took * 1000, "ms", "", None),
            figure(f"status_{name}_memory_bytes", used, "B", "2 MB for each million", count * 2e6),
            figure(f"status_{name}_lookups", lookups(bench, status, seconds), "1/s", "", None),
        ]
    start = bench.status(bench.marks(10_000))
    delta = seal_delta(
        start,
        [ListChange(bench.key_id, 0, MILLION, bench.marks(100))],
        issued_at=bench.world.now,
        fresh_until=bench.world.now + timedelta(days=1),
        signer=bench.signer,
    )
    apply = per_second(lambda: load_delta(delta, bench.registry, start, now=bench.world.now), seconds)
    return [*figures, figure("delta_100_load_ms", 1000 / apply, "ms", "", None)]


def lookups(bench: Bench, status: RegionStatus, seconds: float) -> float:
    """Return how many licences a second can be looked up, at random places of random lists."""
    references = [
        StatusRef(bench.random.randrange(len(status.lists)), bench.random.randrange(StatusRef.CAPACITY))
        for _ in range(10_000)
    ]
    key_id, mark = bench.key_id, status.mark

    def ten_thousand() -> None:
        for reference in references:
            mark(key_id, reference)

    return per_second(ten_thousand, seconds) * len(references)


def measure_revocation(seconds: float, revocations: int) -> list[dict[str, Any]]:
    """Measure everything, `seconds` for each figure; propagation over as many revocations."""
    bench = Bench()
    figures = [*sizes(bench), *speed(bench, seconds)]
    if revocations:
        from bench_propagation import propagation  # noqa: PLC0415  (it starts servers)

        figures += propagation(revocations)
    return figures
