"""The one page of a window: a field for the scanner gun, a picture, and the verdict in words.

Rendered here, complete without JavaScript. Outcome, icon and words say the same: colour is never the only sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecert.licence.validity import CHINA
from ecert.report import STEP_TITLES, local_time, verdict_json
from ecert.verification import Outcome, Result
from verifier.keeper import publishing_regions

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.holdings import Holdings
    from ecert.revocation import RegionStatus, StatusEvent
    from ecert.trust import Registry
    from ecert.verification import Verdict
    from ecert.wording import Wording

_HEADINGS: Final = {
    Outcome.VALID: ("✓", "有效", "VALID"),
    Outcome.INVALID: ("✕", "无效", "INVALID"),
    Outcome.UNDETERMINED: ("?", "无法判断", "CANNOT TELL"),
}
_RESULTS: Final = {
    Result.PASS: ("✓", "通过", "pass"),
    Result.FAIL: ("✕", "不通过", "fail"),
    Result.UNKNOWN: ("?", "不能确定", "unknown"),
    Result.SKIPPED: ("–", "未涉及", "skipped"),
}
_UNITS: Final = ((86400, "天", "days"), (3600, "小时", "hours"), (60, "分钟", "minutes"), (1, "秒", "seconds"))


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp at the top: `level` is good, old or none, and the words say it again."""

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


def lights(holdings: Holdings, now: datetime) -> tuple[Light, Light]:
    """Return the lamps of registry and status: whether they are held, how new they are."""
    return _registry_light(holdings.registry, now), _status_light(holdings, now)


def _registry_light(registry: Registry | None, now: datetime) -> Light:
    names = ("信任名录", "Registry")
    if registry is None:
        return Light("none", *names, "没有", "none held")
    zh, en = _aged(registry, now)
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
    (zh, en), count = _aged(oldest, now), len(held)
    words = f"{count}/{len(expected)} 个地区，最旧 {zh}", f"{count} of {len(expected)} regions, oldest {en}"
    return Light(_level(fresh), *names, *words)


def _level(fresh: bool) -> str:  # noqa: FBT001  (one thing in, one word out)
    return "good" if fresh else "old"


def _aged(evidence: Registry | RegionStatus, now: datetime) -> tuple[str, str]:
    zh, en = ago((now - evidence.issued_at).total_seconds())
    return (zh, en) if evidence.is_fresh(now) else (f"{zh}，已过时", f"{en}, stale")


class Page:
    """Renders the page for one window."""

    def __init__(self, window: str, *, takes_matters: bool = False) -> None:
        """Render for the window of this name, with a way to its matters if it takes any."""
        loader = FileSystemLoader(Path(__file__).parent / "templates")
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._template = environment.get_template("window.html")
        self._window = window
        self._takes_matters = takes_matters

    def render(
        self, holdings: Holdings, now: datetime, *, verdict: Verdict | None = None, notice: Wording | None = None
    ) -> str:
        """Return the page.

        Args:
            holdings: What the lamps speak of.
            now: The clock.
            verdict: The answer to what was scanned, if something was.
            notice: What went wrong with the request itself.
        """
        return self._template.render(
            window=self._window,
            takes_matters=self._takes_matters,
            lights=lights(holdings, now),
            verdict=None if verdict is None else _verdict(verdict),
            notice=notice,
        )


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """Return what the template shows of a verdict."""
    icon, heading, heading_en = _HEADINGS[verdict.outcome]
    return {
        **verdict_json(verdict),
        "icon": icon,
        "heading": heading,
        "heading_en": heading_en,
        "checked": clock_time(verdict.at, verdict.at),
        "known": _known(verdict),
        "decision": _decision(verdict.event),
        "steps": [
            {"check": check, "titles": STEP_TITLES[check.name], "result": _RESULTS[check.result]}
            for check in verdict.checks
        ],
    }


def _decision(event: StatusEvent | None) -> str:
    """Say since when and by what a licence is in its state; empty when that is not held."""
    if event is None:
        return ""
    since = f"自 {local_time(event.since)} 起" + (f"至 {local_time(event.until)}" if event.until else "")
    return " · ".join(text for text in (since, event.reason, event.legal_basis, event.document) if text)


def _known(verdict: Verdict) -> list[tuple[str, str]]:
    """Say as of when the evidence speaks, each in Chinese and English."""
    rows = []
    for zh, en, evidence in (
        ("状态截至", "Status as of", verdict.status),
        ("名录截至", "Registry as of", verdict.registry),
    ):
        if evidence is not None:
            time, (age, age_en) = clock_time(evidence.issued_at, verdict.now), _aged(evidence, verdict.now)
            rows.append((f"{zh} {time}，{age}", f"{en} {time}, {age_en}"))
    return rows
