"""How the publisher fares: what it publishes, how old that is, and until when it may be relied on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import Gauge

from api.statuses import Statuses
from ecert.cli.published import REGISTRY, load_published
from ecert.errors import EcertError
from ecert.report import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from ecert.revocation import RegionStatus
    from ecert.trust import Registry
    from ecert.web.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Health:
    """What is published, as of one look.

    Attributes:
        at: When that was, UTC.
        registry: The trust registry.
        statuses: Region → its status, of the regions that publish any.
        problem: Why the registry in the folder is not the one above; None when it is.
    """

    at: datetime
    registry: Registry
    statuses: Mapping[str, RegionStatus]
    problem: EcertError | None

    @property
    def ready(self) -> bool:
        """Whether everything published may be relied on now."""
        fresh = all(status.is_fresh(self.at) for status in self.statuses.values())
        return self.problem is None and fresh and self.registry.is_fresh(self.at)

    def report(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "ready": self.ready,
            "problem": None if self.problem is None else self.problem.reason.value,
            "registry": {"version": self.registry.version}
            | self._times(self.registry.issued_at, self.registry.fresh_until),
            "regions": {
                region: {"sequence": status.sequence} | self._times(status.issued_at, status.fresh_until)
                for region, status in sorted(self.statuses.items())
            },
        }

    def _times(self, issued_at: datetime, fresh_until: datetime) -> dict[str, Any]:
        return {
            "age_seconds": int((self.at - issued_at).total_seconds()),
            "fresh": self.at <= fresh_until,
            "fresh_until": timestamp(fresh_until),
        }


class HealthDesk:
    """Looks at the published folder when it is asked; what has not changed is not read again."""

    def __init__(self, published: Path, clock: Callable[[], datetime], metrics: Metrics) -> None:
        """Load the registry.

        Raises:
            EcertError: it does not verify.
        """
        self._published = published
        self._clock = clock
        self._stamp = self._timestamp()
        self._registry = load_published(published)
        self._statuses = Statuses(published, self._registry)
        self._problem: EcertError | None = None
        self._looking = asyncio.Lock()
        self._gauges = _Gauges(metrics)

    async def look(self) -> Health:
        """Look, and set the metrics by what is seen."""
        async with self._looking:
            health = await asyncio.to_thread(self._look)
        self._gauges.set(health)
        return health

    def _look(self) -> Health:
        now, stamp = self._clock(), self._timestamp()
        if stamp != self._stamp:
            try:
                self._registry, self._problem = load_published(self._published), None
                self._statuses = Statuses(self._published, self._registry)
            except EcertError as error:
                self._problem = error
            self._stamp = stamp
        self._statuses.look(now)
        return Health(now, self._registry, dict(self._statuses.held), self._problem)

    def _timestamp(self) -> int:
        try:
            return (self._published / REGISTRY / "metadata" / "timestamp.json").stat().st_mtime_ns
        except OSError:
            return 0


class _Gauges:
    """Ages and what is left of the freshness: an alarm goes off long before it runs out."""

    def __init__(self, metrics: Metrics) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"ecert_{name}", what, labels, registry=metrics.registry)

        self._version = gauge("registry_version", "Version of the trust registry.")
        self._registry_age = gauge("registry_age_seconds", "Since the trust registry was signed.")
        self._registry_left = gauge("registry_fresh_seconds", "Until the trust registry is stale; alarm on it.")
        self._sequence = gauge("status_sequence", "Newest step of the status chain.", "region")
        self._status_age = gauge("status_age_seconds", "Since the status was signed.", "region")
        self._status_left = gauge("status_fresh_seconds", "Until the status is stale; alarm on it.", "region")

    def set(self, health: Health) -> None:
        registry, at = health.registry, health.at
        self._version.set(registry.version)
        self._registry_age.set((at - registry.issued_at).total_seconds())
        self._registry_left.set((registry.fresh_until - at).total_seconds())
        for region, status in health.statuses.items():
            self._sequence.labels(region).set(status.sequence)
            self._status_age.labels(region).set((at - status.issued_at).total_seconds())
            self._status_left.labels(region).set((status.fresh_until - at).total_seconds())
