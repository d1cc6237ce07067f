from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from api.showing.memory import MemoryShowings
from api.showing.redis_store import RedisShowings
from ecert.errors import Reason, RejectedError, UndeterminedError
from ecert.ports import Held
from ecert.presentation import LIFETIME, MEMORY, DynamicCode, redeem
from tests.presentation.samples import TAKING, offer
from tests.verifier.servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ecert.ports import ShowingStore

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ShowingStore]:
    if request.param == "memory":
        yield MemoryShowings()
        return
    server = RedisServer(tmp_path)
    server.start()
    showings = RedisShowings(server.url)
    yield showings
    await showings.close()
    server.stop()


def start() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def put(store: ShowingStore, at: datetime, lifetime: timedelta = LIFETIME) -> DynamicCode:
    code = DynamicCode.draw("440000", secrets.token_bytes)
    made = offer(made_at=at, ends_at=at + lifetime)
    await store.put(code.key, made.encode(), ends_at=made.ends_at, forget_at=made.ends_at + MEMORY, at=at)
    return code


async def test_a_code_is_taken_once_and_then_known_as_used(store: ShowingStore) -> None:
    at = start()
    code = await put(store, at)
    made = redeem(await store.take(code.key, TAKING.encode(), at=at + SECOND), at + SECOND)
    assert made == offer(made_at=at, ends_at=at + LIFETIME)
    for _ in range(2):
        with pytest.raises(RejectedError) as refused:
            redeem(await store.take(code.key, b"another", at=at + 2 * SECOND), at + 2 * SECOND)
        assert refused.value.reason is Reason.CODE_USED


async def test_of_fifty_windows_that_scan_at_once_one_gets_the_licence(store: ShowingStore) -> None:
    at = start()
    code = await put(store, at)
    found = await asyncio.gather(*(store.take(code.key, f"window {n}".encode(), at=at) for n in range(50)))
    assert sum(held is not None and held.taken is None for held in found) == 1
    assert len({held.taken for held in found if held is not None and held.taken is not None}) == 1


async def test_a_code_whose_time_is_over_is_not_marked_and_stays_expired(store: ShowingStore) -> None:
    at = start()
    code = await put(store, at)
    for _ in range(2):
        with pytest.raises(RejectedError) as refused:
            redeem(await store.take(code.key, TAKING.encode(), at=at + LIFETIME), at + LIFETIME)
        assert refused.value.reason is Reason.CODE_EXPIRED


async def test_a_look_changes_nothing_and_shows_who_took_it(store: ShowingStore) -> None:
    at = start()
    code = await put(store, at)
    encoded = offer(made_at=at, ends_at=at + LIFETIME).encode()
    assert await store.look(code.key, at=at) == Held(encoded, None)
    await store.take(code.key, TAKING.encode(), at=at)
    assert await store.look(code.key, at=at) == Held(encoded, TAKING.encode())
    assert await store.look(secrets.token_bytes(32), at=at) is None


async def test_what_is_taken_down_and_what_was_never_put_up_is_unknown(store: ShowingStore) -> None:
    at = start()
    code = await put(store, at)
    await store.drop(code.key)
    await store.drop(code.key)
    assert await store.take(code.key, TAKING.encode(), at=at) is None
    taken = await put(store, at)
    await store.take(taken.key, TAKING.encode(), at=at)
    await store.drop(taken.key)
    held = await store.look(taken.key, at=at)
    assert held is not None
    assert held.taken == TAKING.encode()
    assert await store.take(secrets.token_bytes(32), TAKING.encode(), at=at) is None


async def test_a_showing_is_forgotten_in_the_end(store: ShowingStore) -> None:
    at = datetime.now(UTC)
    key, forget_at = secrets.token_bytes(32), at + timedelta(milliseconds=200)
    await store.put(key, b"offer", ends_at=at + timedelta(milliseconds=100), forget_at=forget_at, at=at)
    await asyncio.sleep(0.25)
    later = datetime.now(UTC)
    assert await store.take(key, b"taking", at=later) is None
    assert await store.look(key, at=later) is None


async def test_a_store_in_memory_does_not_grow_for_ever() -> None:
    store = MemoryShowings()
    at = start()
    for n in range(2000):
        await put(store, at + n * SECOND)
    assert len(store._kept) <= (LIFETIME + MEMORY) / SECOND + 1


async def test_a_lost_or_hanging_redis_is_said_to_be_unreachable(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    store = RedisShowings(server.url)
    code = await put(store, start())
    server.freeze()
    with pytest.raises(UndeterminedError) as refused:
        await store.take(code.key, TAKING.encode(), at=start())
    assert refused.value.reason is Reason.SOURCE_UNREACHABLE
    server.thaw()
    server.stop()
    with pytest.raises(UndeterminedError):
        await put(store, start())


async def test_two_processes_share_what_is_shown(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    phone, window = RedisShowings(server.url), RedisShowings(server.url)
    at = start()
    code = await put(phone, at)
    assert redeem(await window.take(code.key, TAKING.encode(), at=at), at).holder == "account-1"
    seen = await phone.look(code.key, at=at)
    assert seen is not None
    assert seen.taken == TAKING.encode()
    await phone.close()
    await window.close()
    server.stop()
