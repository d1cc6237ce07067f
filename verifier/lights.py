"""The lamps at the top of a window's page: what it knows, how old that is, and whether it can reach its publishers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.licence.validity import CHINA
from verifier.keeper import publishing_regions

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.holdings import Holdings
    from ecert.revocation import RegionStatus
    from ecert.trust import Registry
    from verifier.keeper import Keeper, Trouble

_UNITS: Final = ((86400, "天", "days"), (3600, "小时", "hours"), (60, "分钟", "minutes"), (1, "秒", "seconds"))


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp: `level` is good, old or none, and the words say it again."""

    level: str
    title: str
    title_en: str
    words: str
    words_en: str


def ago(seconds: float) -> tuple[str, str]:
    """Return a length of time in words, Chinese and English, in its largest unit, rounded down."""
    seconds = max(0, int(seconds))
    size, zh, en = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    count = seconds // size
    return f"{count} {zh}前", f"{count} {en if count != 1 else en[:-1]} ago"


def clock_time(instant: datetime, now: datetime) -> str:
    """Return a time as read from a clock in China, with its date unless that is today's."""
    local, today = instant.astimezone(CHINA), now.astimezone(CHINA).date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M:%S}"


def aged(evidence: Registry | RegionStatus, now: datetime) -> tuple[str, str]:
    """Return how old evidence is, in Chinese and English, and that it is stale where it is."""
    zh, en = ago((now - evidence.issued_at).total_seconds())
    return (zh, en) if evidence.is_fresh(now) else (f"{zh}，已过时", f"{en}, stale")


def lights(keeper: Keeper, *, online: bool) -> tuple[Light, ...]:
    """Return the lamps of registry and status, and of the way to the publishers where there are any."""
    holdings, now = keeper.holdings, keeper.clock()
    known = (_registry_light(holdings.registry, now), _status_light(holdings, now))
    return (*known, _network_light(list(keeper.troubles.items()), now)) if online else known


def _registry_light(registry: Registry | None, now: datetime) -> Light:
    names = ("信任名录", "Registry")
    if registry is None:
        return Light("none", *names, "没有", "none held")
    zh, en = aged(registry, now)
    return Light(
        _level(registry.is_fresh(now)), *names, f"第 {registry.version} 版，{zh}", f"version {registry.version}, {en}"
    )


def _status_light(holdings: Holdings, now: datetime) -> Light:
    names = ("状态名录", "Status")
    held = holdings.status.regions
    if not held:
        return Light("none", *names, "没有", "none held")
    expected = {*held, *publishing_regions(holdings)}
    oldest = min(held.values(), key=lambda status: status.issued_at)
    fresh = len(held) == len(expected) and all(status.is_fresh(now) for status in held.values())
    (zh, en), count = aged(oldest, now), len(held)
    words = f"{count}/{len(expected)} 个地区，最旧 {zh}", f"{count} of {len(expected)} regions, oldest {en}"
    return Light(_level(fresh), *names, *words)


def _network_light(troubles: list[tuple[str, Trouble]], now: datetime) -> Light:
    names = ("发布方", "Publisher")
    since = [trouble.since for part, trouble in troubles if part.startswith(("registry", "status/"))]
    if not since:
        return Light("good", *names, "已连接", "connected")
    zh, en = ago((now - min(since)).total_seconds())
    return Light("old", *names, f"取不到新数据，始于 {zh}", f"nothing new can be had, since {en}")


def _level(fresh: bool) -> str:  # noqa: FBT001  (one thing in, one word out)
    return "good" if fresh else "old"
