"""How often a caller may call: so many requests a minute, counted in one process or, over Redis, in all of them."""

from __future__ import annotations

import logging
import math
import time
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from fastapi import Request
    from limits.aio.storage import Storage

_log = logging.getLogger("ecert.api")
_PREFIX: Final = "ecert:rate"
STRANGERS_A_MINUTE: Final = 3000
"""How many requests of one kind those may make together who are not recognised yet, such as beginning to sign in."""
_ADDRESSES: Final = 20
"""How many addresses it takes to use that up."""


class RateLimits:
    """Counts requests by caller."""

    def __init__(self, redis: str | None) -> None:
        """Count in the Redis at an address, or in this process."""
        self._pool = ConnectionPool.from_url(redis) if redis else None
        self._limiter = SlidingWindowCounterRateLimiter(self._storage(redis))

    def _storage(self, redis: str | None) -> Storage:
        if redis is None:
            return MemoryStorage()
        return RedisStorage(
            f"async+{redis}",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # declared for plain values alone
        )

    async def close(self) -> None:
        """Let go of the counter."""
        if self._pool is not None:
            await self._pool.disconnect()

    async def take_unknown(self, what: str, request: Request) -> None:
        """Count one request of somebody who is not recognised yet: one address gets a part, so that others get theirs.

        Args:
            what: What for.
            request: Where it comes from tells who it may be.

        Raises:
            Problem: RATE_LIMITED.
        """
        await self.take(f"{what}-{_network(request)}", STRANGERS_A_MINUTE // _ADDRESSES)
        await self.take(what, STRANGERS_A_MINUTE)

    async def take(self, caller: str, per_minute: int) -> None:
        """Count one request.

        A counter that does not answer stops nobody: it protects the service, and not what is in it.

        Args:
            caller: Who calls; an identifier, never personal data.
            per_minute: How many they may make.

        Raises:
            Problem: RATE_LIMITED, with Retry-After; there were too many.
        """
        item = RateLimitItemPerMinute(per_minute)
        try:
            if await self._limiter.hit(item, caller):
                return
            window = await self._limiter.get_window_stats(item, caller)
        except StorageError as error:
            _log.warning("requests are not counted: %s", error)
            return
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        raise Problem(
            Code.RATE_LIMITED, f"at most {per_minute} requests a minute", headers={"Retry-After": str(seconds)}
        )


def _network(request: Request) -> str:
    """Return what one subscriber has: an IPv4 address, or the first 64 bits of one of IPv6."""
    host = "" if request.client is None else request.client.host.partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return host
