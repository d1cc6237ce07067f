"""One contract, run over the site in memory and the one in a real Redis."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from verifier.redis_site import RedisSite
from verifier.site import BATCH, DELTAS, LEASE, LocalSite, Memory, PoisonedError, SilentError, Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.verifier.servers import RedisServer

    Body = Callable[[Site, Site], Awaitable[None]]
    Run = Callable[[Body], None]


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return what runs a test's body over two members of one site."""

    def in_memory() -> tuple[Site, Site]:
        shared = Memory()
        return LocalSite(shared), LocalSite(shared)

    def in_redis() -> tuple[Site, Site]:
        server = request.getfixturevalue("redis_server")
        return RedisSite(server.url), RedisSite(server.url)

    if request.param == "redis":
        request.getfixturevalue("redis_server")

    async def both(body: Body) -> None:
        first, second = (in_memory if request.param == "memory" else in_redis)()
        try:
            await body(first, second)
        finally:
            await first.close()
            await second.close()

    return lambda body: asyncio.run(both(body))


def test_what_one_puts_the_other_reads(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        await first.put_registry("d1", b"export")
        await first.put_snapshot("440000", 6, b"snapshot")
        await first.put_delta("440000", 7, b"seven")
        await first.put_delta("440000", 8, b"eight")
        assert await second.registry("") == ("d1", b"export")
        assert await second.registry("d1") == ("d1", None)
        assert await second.snapshot("440000") == b"snapshot"
        assert await second.deltas("440000", 0) == [(7, b"seven"), (8, b"eight")]
        assert await second.deltas("440000", 7) == [(8, b"eight")]
        assert await second.deltas("440000", 8) == []
        assert await second.reach("440000") == 8

    run(body)


def test_an_empty_site_says_so(run: Run) -> None:
    async def body(first: Site, _: Site) -> None:
        assert await first.registry("") == ("", None)
        assert await first.snapshot("440000") is None
        assert await first.deltas("440000", 0) == []
        assert await first.reach("440000") == 0

    run(body)


def test_regions_do_not_mix(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        await first.put_snapshot("440000", 0, b"g")
        await first.put_delta("440000", 1, b"g")
        assert await second.deltas("310000", 0) == []
        assert await second.snapshot("310000") is None
        assert await second.reach("310000") == 0

    run(body)


def test_only_the_delta_that_follows_is_taken(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        assert not await first.put_delta("440000", 5, b"five")
        await first.put_snapshot("440000", 4, b"up to four")
        assert not await first.put_delta("440000", 6, b"six")
        assert await first.put_delta("440000", 5, b"five")
        assert not await second.put_delta("440000", 5, b"another five")
        assert not await second.put_delta("440000", 4, b"four")
        assert not await second.put_delta("440000", 7, b"seven")
        assert await first.deltas("440000", 0) == [(5, b"five")]

    run(body)


def test_a_snapshot_that_the_deltas_do_not_follow_leads_nowhere(run: Run) -> None:
    async def body(first: Site, _: Site) -> None:
        await first.put_snapshot("440000", 4, b"up to four")
        assert await first.reach("440000") == 4
        await first.put_delta("440000", 5, b"five")
        await first.put_snapshot("440000", 5, b"up to five")
        assert await first.reach("440000") == 5
        await first.put_snapshot("440000", 2, b"up to two")
        assert await first.reach("440000") == 0
        await first.put_snapshot("440000", 9, b"up to nine")
        assert await first.reach("440000") == 0

    run(body)


def test_one_member_leads_until_it_resigns_or_is_silent(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        assert await first.leads()
        assert not await second.leads()
        assert await first.leads()
        await second.resign()
        assert not await second.leads()
        await first.resign()
        assert await second.leads()
        assert not await first.leads()
        await asyncio.sleep(LEASE + 0.2)
        assert await first.leads()

    run(body)


def test_who_waits_is_woken_at_once_and_never_waits_for_ever(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        seen = await second.wait(-1, 0.1)
        started = time.monotonic()
        assert await second.wait(seen, 0.3) == seen
        assert 0.2 < time.monotonic() - started < 1
        waiting = asyncio.create_task(second.wait(seen, 10))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await first.put_snapshot("440000", 1, b"x")
        assert await waiting != seen
        assert time.monotonic() - started < 0.5

    run(body)


def test_a_region_is_forgotten_on_demand(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        await first.put_snapshot("440000", 8, b"x")
        await first.put_delta("440000", 9, b"x")
        await second.discard("440000")
        assert await first.deltas("440000", 0) == []
        assert await first.snapshot("440000") is None
        await first.put_snapshot("440000", 2, b"y")
        await first.put_delta("440000", 3, b"y")
        assert await second.deltas("440000", 0) == [(3, b"y")]

    run(body)


def test_an_answer_has_a_bounded_number_of_deltas_and_the_row_a_bounded_length(run: Run) -> None:
    async def body(first: Site, second: Site) -> None:
        await first.put_snapshot("440000", 0, b"begins")
        for number in range(1, DELTAS + 300):
            await first.put_delta("440000", number, b"%d" % number)
        batch = await second.deltas("440000", 0)
        assert len(batch) == BATCH
        assert batch[0][0] > 1
        assert (await second.deltas("440000", DELTAS + 298))[0] == (DELTAS + 299, b"%d" % (DELTAS + 299))

    run(body)


def with_redis(server: RedisServer, body: Callable[[RedisSite], Awaitable[None]]) -> None:
    async def scenario() -> None:
        site = RedisSite(server.url)
        try:
            await body(site)
        finally:
            await site.close()

    asyncio.run(scenario())


def test_a_redis_that_is_down_is_silent_and_comes_back(redis_server: RedisServer) -> None:
    async def body(site: RedisSite) -> None:
        await site.put_snapshot("440000", 0, b"begins")
        await site.put_delta("440000", 1, b"x")
        redis_server.stop()
        for call in (
            site.leads(),
            site.wait(0, 0.1),
            site.registry(""),
            site.deltas("440000", 0),
            site.reach("440000"),
        ):
            with pytest.raises(SilentError):
                await call
        redis_server.start()
        assert await site.deltas("440000", 0) == []
        assert await site.leads()

    with_redis(redis_server, body)


def test_a_redis_that_hangs_is_silent_within_a_second(redis_server: RedisServer) -> None:
    async def body(site: RedisSite) -> None:
        await site.put_snapshot("440000", 0, b"begins")
        await site.put_delta("440000", 1, b"x")
        redis_server.freeze()
        for call in (site.leads(), site.deltas("440000", 0), site.put_delta("440000", 2, b"y"), site.wait(0, 0.1)):
            started = time.monotonic()
            with pytest.raises(SilentError):
                await call
            assert time.monotonic() - started < 1.5
        redis_server.thaw()
        assert await site.deltas("440000", 0)
        assert await site.leads()

    with_redis(redis_server, body)


def test_what_a_stranger_put_in_our_place_is_named_and_can_be_discarded(redis_server: RedisServer) -> None:
    async def body(site: RedisSite) -> None:
        redis = site._redis
        await redis.set("ecert:440000:deltas", "not a stream")
        await redis.hset("ecert:440000:snapshot", "not", "a string")
        await redis.set("ecert:440000:base", 8)
        for call in (site.deltas("440000", 0), site.reach("440000"), site.snapshot("440000")):
            with pytest.raises(PoisonedError):
                await call
        await site.discard("440000")
        assert await site.deltas("440000", 0) == []
        await redis.xadd("ecert:440000:deltas", {"delta": b"x" * (5 << 20)}, id="9-0")
        with pytest.raises(PoisonedError):
            await site.deltas("440000", 0)

    with_redis(redis_server, body)


def test_a_counter_that_is_not_a_number_is_begun_again(redis_server: RedisServer) -> None:
    async def body(site: RedisSite) -> None:
        await site._redis.set("ecert:version", "many")
        seen = await site.wait(0, 0.1)
        await site.put_snapshot("440000", 1, b"x")
        assert await site.wait(seen, 0.1) not in (seen, -1)

    with_redis(redis_server, body)


def test_a_lease_without_an_end_is_taken_over(redis_server: RedisServer) -> None:
    async def body(site: RedisSite) -> None:
        await site._redis.set("ecert:leader", "a stranger")
        assert await site.leads()

    with_redis(redis_server, body)
