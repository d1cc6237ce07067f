"""A site of two windows with a real Redis and a real publisher, through everything that Redis can do to them.

Each test ends the same way: both windows learn of the next decision. What a window holds never gets worse meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from ecert.revocation import State
from tests.verifier.province import REGION, Province
from tests.verifier.windows import Window, run, running, until
from verifier.redis_site import RedisSite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.verifier.servers import PublishingServer, RedisServer

STREAM = f"ecert:{REGION}:deltas"
SNAPSHOT = f"ecert:{REGION}:snapshot"
RECOVERS = 25.0
"""Seconds in which a site is as before, whatever happened."""


@asynccontextmanager
async def connected(server: RedisServer) -> AsyncIterator[Redis]:
    redis = Redis.from_url(server.url, protocol=2)
    try:
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def site(province: Province, publisher: PublishingServer, redis: RedisServer) -> AsyncIterator[list[Window]]:
    windows = [Window(province, RedisSite(redis.url), publisher.url) for _ in range(2)]
    async with running(*windows):
        for window in windows:
            await window.reaches(1)
        await until(lambda: any(window.refresher.site.leading for window in windows))
        yield windows


async def both_learn(province: Province, windows: list[Window], seconds: float = RECOVERS) -> float:
    """Decide something, and wait until every window knows; return how long the last one took."""
    sequence = await asyncio.to_thread(province.advance, {province.status.sequence: 7})
    return max([await window.reaches(sequence, seconds) for window in windows])


async def site_has_all(province: Province, redis: RedisServer) -> None:
    """Wait until the site has the whole chain again, for a window that begins now."""
    reader = RedisSite(redis.url)
    try:
        async with asyncio.timeout(RECOVERS):
            while True:
                try:
                    if await reader.reach(REGION) == province.status.sequence:
                        return
                except Exception:  # noqa: BLE001, S110  (whatever it is, it has to go away in time)
                    pass
                await asyncio.sleep(0.05)
    finally:
        await reader.close()


def test_one_asks_the_publisher_and_both_know_within_a_second(
    province: Province, publisher: PublishingServer, redis_server: RedisServer
) -> None:
    async def body() -> None:
        async with site(province, publisher, redis_server) as windows:
            await asyncio.sleep(1)
            publisher.requests.clear()
            for _ in range(10):
                assert await both_learn(province, windows) < 1
            deltas = [path for path in publisher.requests if "/deltas/" in path]
            assert len(deltas) == len(set(deltas)) == 10
            assert [window.refresher.site.leading for window in windows].count(True) == 1

    run(body())


def test_another_leads_when_the_leader_is_gone(
    province: Province, publisher: PublishingServer, redis_server: RedisServer
) -> None:
    async def body() -> None:
        first, second = (Window(province, RedisSite(redis_server.url), publisher.url) for _ in range(2))
        async with running(second):
            async with running(first):
                await first.reaches(1)
                await second.reaches(1)
            await both_learn(province, [second])
            await until(lambda: second.refresher.site.leading)

    run(body())


def test_a_window_that_begins_later_takes_everything_from_the_site(
    province: Province, publisher: PublishingServer, redis_server: RedisServer
) -> None:
    async def body() -> None:
        async with site(province, publisher, redis_server) as windows:
            for _ in range(5):
                await both_learn(province, windows)
            await site_has_all(province, redis_server)
            publisher.requests.clear()
            late = Window(province, RedisSite(redis_server.url), publisher.url)
            async with running(late):
                assert await late.reaches(province.status.sequence) < 2
            assert not [path for path in publisher.requests if path.endswith(("snapshot.bin", ".root.json"))]

    run(body())


def test_a_window_without_a_publisher_knows_what_its_site_knows(
    province: Province, publisher: PublishingServer, redis_server: RedisServer
) -> None:
    async def body() -> None:
        reader = Window(province, RedisSite(redis_server.url))
        async with running(reader), site(province, publisher, redis_server) as windows:
            await reader.reaches(1)
            assert await both_learn(province, [*windows, reader]) < 1
            assert not reader.refresher.site.leading

    run(body())


async def down(redis: RedisServer, windows: list[Window], province: Province) -> None:
    await asyncio.to_thread(redis.stop)
    assert await both_learn(province, windows) < RECOVERS
    await asyncio.to_thread(redis.start)


async def frozen(redis: RedisServer, windows: list[Window], province: Province) -> None:
    redis.freeze()
    try:
        await both_learn(province, windows)
    finally:
        redis.thaw()


async def flushed(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.flushall()


async def restarted_with_old_data(redis: RedisServer, windows: list[Window], province: Province) -> None:
    async with connected(redis) as client:
        await client.save()
    await both_learn(province, windows)
    await both_learn(province, windows)
    await asyncio.to_thread(redis.stop)
    await asyncio.to_thread(redis.start)


async def with_a_forged_delta(redis: RedisServer, _: object, province: Province) -> None:
    async with connected(redis) as client:
        await client.xadd(STREAM, {"delta": b"forged"}, id=f"{province.status.sequence + 1}-0")
        await client.publish("ecert:wake", "1")
        await client.incr("ecert:version")


async def with_a_far_id(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.xadd(STREAM, {"delta": b"forged"}, id="99999999999-0")


async def with_a_replayed_delta(redis: RedisServer, _: object, province: Province) -> None:
    async with connected(redis) as client:
        await client.xadd(STREAM, {"delta": province.deltas[0]}, id=f"{province.status.sequence + 1}-0")


async def with_an_entry_without_a_delta(redis: RedisServer, _: object, province: Province) -> None:
    async with connected(redis) as client:
        await client.xadd(STREAM, {"a": b"b", "c": b"d"}, id=f"{province.status.sequence + 1}-7")


async def with_something_else_in_the_place_of_the_stream(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.set(STREAM, "not a stream")


async def with_a_forged_snapshot(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.set(SNAPSHOT, b"forged")
        await client.delete(STREAM)


async def with_an_emptied_stream(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.xtrim(STREAM, maxlen=0, approximate=False)


async def with_a_forged_registry(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.set("ecert:registry", b"forged")
        await client.set("ecert:registry:digest", "f0")
        await client.incr("ecert:version")


async def with_a_lease_that_never_ends(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.set("ecert:leader", "a stranger")


async def with_a_counter_that_is_none(redis: RedisServer, *_: object) -> None:
    async with connected(redis) as client:
        await client.set("ecert:version", "many")


CHAOS: list[Callable[[Any, Any, Any], Awaitable[None]]] = [
    down,
    frozen,
    flushed,
    restarted_with_old_data,
    with_a_forged_delta,
    with_a_far_id,
    with_a_replayed_delta,
    with_an_entry_without_a_delta,
    with_something_else_in_the_place_of_the_stream,
    with_a_forged_snapshot,
    with_an_emptied_stream,
    with_a_forged_registry,
    with_a_lease_that_never_ends,
    with_a_counter_that_is_none,
]


@pytest.mark.parametrize("chaos", CHAOS, ids=lambda chaos: chaos.__name__)
def test_a_site_recovers_by_itself_from_a_redis(
    province: Province,
    publisher: PublishingServer,
    redis_server: RedisServer,
    chaos: Callable[[Any, Any, Any], Awaitable[None]],
) -> None:
    async def body() -> None:
        async with site(province, publisher, redis_server) as windows:
            await both_learn(province, windows)
            held = [window.keeper.holdings for window in windows]
            await chaos(redis_server, windows, province)
            for window, before in zip(windows, held, strict=True):
                after = window.keeper.holdings
                assert after.registry is not None
                assert before.registry is not None
                assert after.registry.version >= before.registry.version
                assert after.status.regions[REGION].sequence >= before.status.regions[REGION].sequence
            await both_learn(province, windows)
            await site_has_all(province, redis_server)
            assert await both_learn(province, windows) < 2

    run(body())


def test_a_poisoned_cache_never_takes_a_revocation_back(
    province: Province, publisher: PublishingServer, redis_server: RedisServer
) -> None:
    async def body() -> None:
        licence = province.issue()
        reference, before = province.reference(licence), province.snapshot
        async with site(province, publisher, redis_server) as windows:
            sequence = await asyncio.to_thread(province.decide, licence, State.REVOKED)
            for window in windows:
                await window.reaches(sequence)
            async with connected(redis_server) as client:
                await client.flushall()
                await client.set(SNAPSHOT, before)
                await client.set("ecert:registry", province.export)
            for window in windows:
                mark = window.keeper.holdings.status.regions[REGION].mark(province.key_id, reference)
                assert mark.state is State.REVOKED
            await both_learn(province, windows)

    run(body())


def test_a_trimmed_stream_is_made_up_for_by_the_snapshot(
    province: Province, publisher: PublishingServer, redis_server: RedisServer
) -> None:
    async def body() -> None:
        async with site(province, publisher, redis_server) as windows:
            late = Window(province, RedisSite(redis_server.url), publisher.url)
            for _ in range(6):
                await both_learn(province, windows)
            await site_has_all(province, redis_server)
            province.publish_snapshot()
            async with connected(redis_server) as client:
                await client.mset({SNAPSHOT: province.snapshot, f"ecert:{REGION}:base": province.status.sequence})
                await both_learn(province, windows)
                await client.xtrim(STREAM, maxlen=1, approximate=False)
            publisher.requests.clear()
            async with running(late):
                assert await late.reaches(province.status.sequence) < 2
            assert not [path for path in publisher.requests if path.endswith("snapshot.bin")]

    run(body())
