"""How verification grows: with the keys in use, the licences in a region, the size of a batch and the threads."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_figures import figure, rate
from bench_sm2 import BATCH, INNER, MESSAGE, Sm2Bench
from line_chart import line_chart

from ecert.revocation.marks import MarkPages
from ecert.revocation.view import ListState, StatusView
from ecert.sm2 import PrivateKey, verify_many
from ecert.verification import Outcome, assess
from tests.world import HOST, World

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES = Path(__file__).parents[1] / "docs/pictures"
KEYS = (1, 10, 100, 500, 1000, 2000, 5000)
LICENCES = (10**3, 10**4, 10**5, 10**6, 10**7)
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
THREADS = (1, 2, 4)
USES = 64
MARKED_EVERY = 100
LIST = 1 << 20
PER_SECOND = "核验/秒 verifications a second"

Line = list[tuple[float, float]]


def measure_growth(seconds: float) -> list[dict[str, Any]]:
    """Measure all four, draw them into docs/pictures, and return the points as figures."""
    charts: dict[str, tuple[str, str, dict[str, Line]]] = {
        "batch": ("每批签名数 size of a batch", "签名 signatures", {"一核 one core": by_batch(seconds)}),
        "threads": (
            "线程数 threads, batches of 256",
            "线程 threads",
            {"两核 two cores": by_threads(seconds)},
        ),
        "licences": (
            "地区证照总数，全流程核验 licences in a region, whole verifications",
            "证照 licences",
            {"二维码到结论 code to verdict": by_licences(seconds)},
        ),
        "keys": ("签发密钥数，均匀出现 issuer keys, met equally often", "密钥 keys", by_keys(seconds)),
    }
    figures = []
    for name, (title, x_label, lines) in charts.items():
        (PICTURES / f"growth-{name}.svg").write_text(line_chart(title, x_label, PER_SECOND, lines), "utf-8")
        for line, points in lines.items():
            figures += [figure(f"growth_{name} {line} {x:,}", y, "1/s", "", None) for x, y in points]
    return figures


def best(action: Callable[[], object], seconds: float) -> float:
    """Return the best of three rates: the one that other programs disturbed least."""
    action()
    return max(rate(action, seconds / 3) for _ in range(3))


def by_batch(seconds: float) -> Line:
    """Verify batches of growing size under one key."""
    bench = Sm2Bench()
    bench.warm()
    points: Line = []
    for size in BATCHES:
        claims = [(bench.public, bench.signature, MESSAGE)] * size
        points.append((size, size * best(lambda claims=claims: verify_many(claims), seconds)))  # type: ignore[misc]
    return points


def by_threads(seconds: float) -> Line:
    """Verify batches on several threads; by wall time, so other programs disturb this most."""
    bench = Sm2Bench()
    bench.warm()
    return [(threads, max(bench.by_threads(threads, seconds / 10) for _ in range(10))) for threads in THREADS]


def by_licences(seconds: float) -> Line:
    """Verify one licence from its text, in a region with so many, one in a hundred of them revoked."""
    world = World()
    text, registry = world.issue().text(HOST), world.registry()
    plain = world.status(registry)
    (region, status), *_ = ((code, one) for code, one in plain.regions.items() if one.lists)
    ((key_id, number), listing), *_ = status.lists.items()
    points: Line = []
    for count in LICENCES:
        lists = {
            (key_id, number + turn): ListState(max(LIST, listing.covered), marks(min(LIST, count - at)))
            for turn, at in enumerate(range(0, count, LIST))
        }
        view = StatusView({**plain.regions, region: replace(status, lists=lists)})

        def check(view: StatusView = view) -> None:
            for _ in range(INNER):
                verdict = assess(text, registry=registry, status=view, at=world.now)
                assert verdict.outcome is Outcome.VALID  # noqa: S101

        points.append((count, INNER * best(check, seconds)))
    return points


def marks(count: int) -> MarkPages:
    """Mark one licence in a hundred as revoked, never the first."""
    return MarkPages(dict.fromkeys(range(MARKED_EVERY - 1, count, MARKED_EVERY), 6))


def by_keys(seconds: float) -> dict[str, Line]:
    """Verify under keys that all come equally often, once their tables are built."""
    claims = []
    for _ in range(KEYS[-1]):
        key = PrivateKey.generate()
        claims.append((key.public_key, key.sign(MESSAGE), MESSAGE))
    chance = random.Random(1)  # noqa: S311  (an order that every run has again)
    single: Line = []
    batch: Line = []
    for count in KEYS:
        order = [chance.choice(claims[:count]) for _ in range(max(10_000, count))]
        for _ in range(USES * count // len(order) + 2):
            verify_many(order)

        def one_by_one(order: list[Any] = order) -> None:
            for public, signature, message in order[:2000]:
                public.verify(signature, message)

        def in_batches(order: list[Any] = order) -> None:
            for at in range(0, 2560, BATCH):
                verify_many(order[at : at + BATCH])

        single.append((count, 2000 * best(one_by_one, seconds)))
        batch.append((count, 2560 * best(in_batches, seconds)))
    return {"每批 256 in batches": batch, "逐个 one by one": single}
