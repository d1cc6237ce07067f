from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request

from api.access.limits import STRANGERS_A_MINUTE, RateLimits
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

from tests.verifier.servers import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def spend(limits: RateLimits, caller: str, times: int, per_minute: int) -> int:
    return await spent(lambda: limits.take(caller, per_minute), times)


async def spent(take: Callable[[], Awaitable[None]], times: int) -> int:
    taken = 0
    refused: set[tuple[object, ...]] = set()
    for _ in range(times):
        try:
            await take()
        except Problem as problem:
            refusal = (problem.code, problem.status_code, 1 <= int((problem.headers or {})["Retry-After"]) <= 60)
            refused.add(refusal)
            continue
        taken += 1
    assert refused <= {(Code.RATE_LIMITED, 429, True)}
    return taken


async def test_a_caller_gets_so_many_a_minute_and_takes_nothing_from_others() -> None:
    limits = RateLimits(None)
    assert await spend(limits, "one", 20, 12) == 12
    assert await spend(limits, "other", 20, 12) == 12


async def test_one_address_does_not_use_up_what_all_strangers_have() -> None:
    limits = RateLimits(None)

    async def begun(host: str, times: int) -> int:
        request = Request({"type": "http", "client": (host, 1)})
        return await spent(lambda: limits.take_unknown("sign-in", request), times)

    part = STRANGERS_A_MINUTE // 20
    assert await begun("192.0.2.1", part + 5) == part
    assert await begun("2001:db8::1", part - 1) == part - 1
    assert await begun("2001:db8::ffff", 2) == 1
    assert await begun("::ffff:192.0.2.1", 1) == 0
    assert await begun("fe80::1%eth0", 1) == 1
    assert sum([await begun(f"198.51.100.{last}", part) for last in range(20)]) == STRANGERS_A_MINUTE - 2 * part - 1


async def test_processes_count_together_over_redis_and_a_lost_redis_stops_nobody(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    first, second = RateLimits(server.url), RateLimits(server.url)
    assert await spend(first, "one", 8, 12) + await spend(second, "one", 8, 12) == 12
    server.stop()
    assert await spend(first, "one", 3, 12) == 3
    await first.close()
    await second.close()
