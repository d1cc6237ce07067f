"""What may be used once only: nonces of signed requests, identifiers of assertions. One memory for all processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ecert.errors import Reason, UndeterminedError

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX: Final = "ecert:once:"
_SWEEP: Final = 1024
"""Uses between two looks for what has expired."""


class MemoryOnce:
    """Remembers in this process, which must be the only one. It holds no more than callers use in five minutes."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Tell the time by `clock`."""
        self._clock = clock
        self._until: dict[tuple[str, str], datetime] = {}
        self._uses = 0

    async def seen(self, nonce: str, keyid: str, until: datetime) -> bool:
        """See `ecert.web.message_signatures.Nonces`."""
        now = self._clock()
        self._uses += 1
        if self._uses % _SWEEP == 0:
            self._until = {name: end for name, end in self._until.items() if end >= now}
        if self._until.get((keyid, nonce), datetime.min.replace(tzinfo=UTC)) >= now:
            return True
        self._until[keyid, nonce] = until
        return False


class RedisOnce:
    """Remembers in Redis, for all processes."""

    def __init__(self, address: str, clock: Callable[[], datetime]) -> None:
        """Use the Redis at an address."""
        self._redis = Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2)
        self._clock = clock

    async def seen(self, nonce: str, keyid: str, until: datetime) -> bool:
        """See `ecert.web.message_signatures.Nonces`.

        Raises:
            UndeterminedError: SOURCE_UNREACHABLE; without a memory a replay could not be told from the first.
        """
        seconds = max(1, int((until - self._clock()).total_seconds()) + 1)
        try:
            return not await self._redis.set(f"{_PREFIX}{keyid}:{nonce}", b"1", nx=True, ex=seconds)
        except RedisError as error:
            raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "the memory of nonces does not answer") from error

    async def close(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose()
