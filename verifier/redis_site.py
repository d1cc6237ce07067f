"""A site whose processes share a Redis or Valkey.

    ecert:leader                who may ask the publisher: a random token that expires
    ecert:version               the counter; `ecert:wake` is the channel on which its new value is called out
    ecert:registry              newest registry export, `ecert:registry:digest` its digest
    ecert:<region>:snapshot     newest snapshot, `ecert:<region>:base` the delta up to which it goes
    ecert:<region>:deltas       stream of deltas; an entry's id is `<sequence>-0`, so that Redis itself refuses a
                                repetition and anything out of order

Every call has a short deadline, and verifying a licence makes none: a Redis that hangs slows nobody down. Sizes are
looked at inside Redis, before anything is sent: a value planted by a stranger cannot fill a process's memory.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from ecert.bundle import MAX_BUNDLE
from ecert.errors import MalformedError, Reason
from ecert.revocation import MAX_DELTA, MAX_SNAPSHOT
from verifier.site import BATCH, DELTAS, LEASE, PoisonedError, SilentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio.client import PubSub

_PATIENCE: Final = 0.5
"""Seconds for one call."""
_LARGE: Final = 5.0
"""Seconds for a call that carries a registry or a snapshot."""
_MOST_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes of deltas in one answer."""
_WAKE: Final = "ecert:wake"
_VERSION: Final = "ecert:version"
_LEADER: Final = "ecert:leader"

_LEAD: Final = """
local ttl = redis.call('PTTL', KEYS[1])
local mine = ttl > 0 and redis.call('GET', KEYS[1]) == ARGV[1]
if mine or ttl < 0 or ttl > tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""
"""Take or renew the lease. A lease that never ends, or ends too late, was not given by us and is taken over."""

_RESIGN: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_PUT: Final = """
local found = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = found[1] and found[1][1] or (redis.call('GET', KEYS[2]) or '') .. '-0'
if last ~= ARGV[1] then return 0 end
local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], ARGV[2], 'delta', ARGV[4])
return added.err and 0 or 1
"""
"""Append a delta that follows the last one, or else the snapshot. Redis itself refuses an id that is not greater."""

_REACH: Final = """
local base = redis.call('EXISTS', KEYS[3]) == 1 and tonumber(redis.call('GET', KEYS[2]) or '')
if not base then return 0 end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if not first[1] then return base end
first, last = tonumber(first[1][1]:match('^%d+')), tonumber(last[1][1]:match('^%d+'))
if first > base + 1 or last < base then return 0 end
return last
"""
"""Tell up to which delta one can come from the snapshot."""

_READ: Final = """
local answer, size = {}, 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do
  local data = entry[2][2]
  if #data > tonumber(ARGV[3]) then return redis.error_reply('TOOLONG an entry is longer than a delta can be') end
  size = size + #data
  if size > tonumber(ARGV[4]) then break end
  answer[#answer + 1] = {entry[1], data}
end
return answer
"""
"""Read deltas, never more bytes than asked for."""


def require_redis_url(url: str) -> str:
    """Return a URL of a Redis as it may be used.

    Raises:
        MalformedError: it is not one.
    """
    try:
        parsed = urlsplit(url)
        usable = parsed.scheme in ("redis", "rediss", "unix") and bool(parsed.hostname or parsed.path)
        Redis.from_url(url)
    except ValueError:
        usable = False
    if not usable:
        raise MalformedError(Reason.USAGE, "the Redis URL is not like redis://host:6379/0")
    return url


class RedisSite:
    """One process's connection to the site's Redis."""

    def __init__(self, url: str) -> None:
        """Use the Redis at `url`; nothing is connected before it is needed."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=_LARGE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._token = secrets.token_hex(16)
        self._lead = self._redis.register_script(_LEAD)
        self._resign = self._redis.register_script(_RESIGN)
        self._put = self._redis.register_script(_PUT)
        self._reach = self._redis.register_script(_REACH)
        self._read = self._redis.register_script(_READ)
        self._wakes: PubSub | None = None

    @asynccontextmanager
    async def _speaking(self, patience: float = _PATIENCE) -> AsyncIterator[Redis]:
        """Bound what is done with Redis in time, and turn its failures into ours."""
        try:
            async with asyncio.timeout(patience):
                yield self._redis
        except ResponseError as error:
            raise PoisonedError(str(error)) from error
        except (RedisError, OSError, TimeoutError) as error:
            raise SilentError(str(error) or type(error).__name__) from error

    async def leads(self) -> bool:
        """Take or renew the lease, if nobody else has it."""
        async with self._speaking():
            return bool(await self._lead(keys=[_LEADER], args=[self._token, int(LEASE * 1000)]))

    async def resign(self) -> None:
        """Give the lease back, if this process has it."""
        async with self._speaking():
            await self._resign(keys=[_LEADER], args=[self._token])

    async def wait(self, seen: int, patience: float) -> int:
        """Return the counter once it moved, or after `patience` seconds; a call that was missed costs that long."""
        try:
            async with self._speaking(patience + _PATIENCE):
                if self._wakes is None:
                    self._wakes = self._redis.pubsub()
                    await self._wakes.subscribe(_WAKE)
                    await self._wakes.get_message(timeout=patience)
                version = await self._version()
                if version == seen:
                    await self._wakes.get_message(timeout=patience)
                    version = await self._version()
                return version
        except (SilentError, PoisonedError):
            await self._forget_channel()
            raise

    async def _version(self) -> int:
        try:
            return int(await self._redis.get(_VERSION) or 0)
        except ValueError:
            return -1

    async def _forget_channel(self) -> None:
        wakes, self._wakes = self._wakes, None
        if wakes is not None:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await wakes.aclose()  # type: ignore[no-untyped-call]

    async def _touch(self, redis: Redis) -> None:
        """Move the counter and call it out; a counter that is not a number is begun again."""
        try:
            version = await redis.incr(_VERSION)
        except ResponseError:
            version = secrets.randbelow(1 << 48)
            await redis.set(_VERSION, version)
        await redis.publish(_WAKE, version)

    async def _value(self, redis: Redis, key: str, limit: int) -> bytes | None:
        data: Any = await redis.getrange(key, 0, limit)
        if len(data) > limit:
            raise PoisonedError(f"{key} is longer than {limit} bytes")
        return data or None

    async def registry(self, known: str) -> tuple[str, bytes | None]:
        """Return the export unless it is known."""
        async with self._speaking(_LARGE) as redis:
            digest = (await self._value(redis, "ecert:registry:digest", 128) or b"").decode("ascii", "replace")
            return digest, None if digest == known else await self._value(redis, "ecert:registry", MAX_BUNDLE)

    async def put_registry(self, digest: str, export: bytes) -> None:
        """Share an export."""
        async with self._speaking(_LARGE) as redis:
            await redis.set("ecert:registry", export)
            await redis.set("ecert:registry:digest", digest)
            await self._touch(redis)

    async def snapshot(self, region: str) -> bytes | None:
        """Return a snapshot."""
        async with self._speaking(_LARGE) as redis:
            return await self._value(redis, f"ecert:{region}:snapshot", MAX_SNAPSHOT)

    async def put_snapshot(self, region: str, sequence: int, data: bytes) -> None:
        """Share a snapshot."""
        async with self._speaking(_LARGE) as redis:
            await redis.mset({f"ecert:{region}:snapshot": data, f"ecert:{region}:base": sequence})
            await self._touch(redis)

    async def deltas(self, region: str, after: int) -> list[tuple[int, bytes]]:
        """Return the next deltas."""
        async with self._speaking():
            found: list[tuple[bytes, bytes]] = await self._read(
                keys=[f"ecert:{region}:deltas"], args=[f"{after + 1}-0", BATCH, MAX_DELTA, _MOST_AT_ONCE]
            )
        return [(int(name.partition(b"-")[0]), data) for name, data in found]

    async def put_delta(self, region: str, sequence: int, data: bytes) -> bool:
        """Share a delta that follows what is there."""
        async with self._speaking() as redis:
            keys = [f"ecert:{region}:deltas", f"ecert:{region}:base"]
            added = await self._put(keys=keys, args=[f"{sequence - 1}-0", f"{sequence}-0", DELTAS, data])
            if added:
                await self._touch(redis)
            return bool(added)

    async def reach(self, region: str) -> int:
        """Return up to which delta a new member can come."""
        async with self._speaking():
            keys = [f"ecert:{region}:deltas", f"ecert:{region}:base", f"ecert:{region}:snapshot"]
            return int(await self._reach(keys=keys))

    async def discard(self, region: str) -> None:
        """Forget a region."""
        async with self._speaking() as redis:
            await redis.delete(f"ecert:{region}:snapshot", f"ecert:{region}:base", f"ecert:{region}:deltas")
            await self._touch(redis)

    async def close(self) -> None:
        """Close the connections, in little time."""
        await self._forget_channel()
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._redis.aclose()
