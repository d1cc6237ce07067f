"""Showings in a Redis or Valkey that all processes share.

    ecert:showing:<key>    hash: offer, ends (milliseconds since 1970), taken; forgotten by Redis itself

Taking is one script: Redis runs nothing else meanwhile, so one of any number of windows gets the code. Time is the
caller's: the same clock by which the offer's end was told. What a stranger planted is refused where it is decoded.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ecert.errors import Reason, UndeterminedError
from ecert.ports import Held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

_PATIENCE: Final = 1.0
"""Seconds for one call."""

_TAKE: Final = """
local held = redis.call('HMGET', KEYS[1], 'offer', 'ends', 'taken')
if held[1] and not held[3] and tonumber(ARGV[2]) < tonumber(held[2]) then
  redis.call('HSET', KEYS[1], 'taken', ARGV[1])
end
return held
"""
_DROP: Final = """
if redis.call('HEXISTS', KEYS[1], 'taken') == 0 then
  redis.call('DEL', KEYS[1])
end
"""


class RedisShowings:
    """A `ShowingStore` in Redis."""

    def __init__(self, url: str) -> None:
        """Use the Redis at `url`; nothing is connected before it is needed."""
        self._redis = Redis.from_url(
            url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 0), protocol=2
        )
        self._take = self._redis.register_script(_TAKE)
        self._drop = self._redis.register_script(_DROP)

    @asynccontextmanager
    async def _speaking(self) -> AsyncIterator[Redis]:
        try:
            async with asyncio.timeout(_PATIENCE):
                yield self._redis
        except (RedisError, OSError, TimeoutError) as error:
            raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "the store of showings does not answer") from error

    async def put(self, key: bytes, offer: bytes, *, ends_at: datetime, forget_at: datetime, at: datetime) -> None:
        """Put up an offer."""
        async with self._speaking() as redis, redis.pipeline(transaction=True) as steps:
            steps.hset(_name(key), mapping={"offer": offer, "ends": _milliseconds(ends_at)})
            steps.pexpire(_name(key), _milliseconds(forget_at) - _milliseconds(at))
            await steps.execute()

    async def take(self, key: bytes, taking: bytes, *, at: datetime) -> Held | None:
        """Mark a showing as taken, and return how it stood before."""
        async with self._speaking():
            offer, _, taken = await self._take(keys=[_name(key)], args=[taking, _milliseconds(at)])
        return None if offer is None else Held(offer, taken)

    async def look(self, key: bytes, *, at: datetime) -> Held | None:  # noqa: ARG002  (Redis forgets by itself)
        """Return how a showing stands."""
        async with self._speaking() as redis:
            found: Any = await redis.hmget(_name(key), ["offer", "taken"])
        return None if found[0] is None else Held(*found)

    async def drop(self, key: bytes) -> None:
        """Take a showing down, unless a window took it: that stays known."""
        async with self._speaking():
            await self._drop(keys=[_name(key)])

    async def close(self) -> None:
        """Close the connections."""
        async with self._speaking() as redis:
            await redis.aclose()


def _name(key: bytes) -> str:
    return f"ecert:showing:{key.hex()}"


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
