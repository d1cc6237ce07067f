"""Showings kept in one process: for a service that has only one, and for tries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecert.ports import Held

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class _Kept:
    held: Held
    ends_at: datetime
    forget_at: datetime


class MemoryShowings:
    """A `ShowingStore` in a dictionary. Nothing waits inside a method, so each is one step."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[bytes, _Kept] = {}

    async def put(self, key: bytes, offer: bytes, *, ends_at: datetime, forget_at: datetime, at: datetime) -> None:
        """Put up an offer, and forget what is over: showings are forgotten in the order in which they are made."""
        while self._kept and next(iter(self._kept.values())).forget_at <= at:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = _Kept(Held(offer, None), ends_at, forget_at)

    async def take(self, key: bytes, taking: bytes, *, at: datetime) -> Held | None:
        """Mark a showing as taken, and return how it stood before."""
        kept = self._find(key, at)
        if kept is None:
            return None
        held = kept.held
        if held.taken is None and at < kept.ends_at:
            kept.held = Held(held.offer, taking)
        return held

    async def look(self, key: bytes, *, at: datetime) -> Held | None:
        """Return how a showing stands."""
        kept = self._find(key, at)
        return None if kept is None else kept.held

    async def drop(self, key: bytes) -> None:
        """Take a showing down, unless a window took it: that stays known."""
        kept = self._kept.get(key)
        if kept is not None and kept.held.taken is None:
            del self._kept[key]

    def _find(self, key: bytes, at: datetime) -> _Kept | None:
        kept = self._kept.get(key)
        return kept if kept is not None and at < kept.forget_at else None
