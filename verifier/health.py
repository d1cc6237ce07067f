"""How a window fares, for people, load balancers and alarms: what it holds, how old that is, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from ecert.report import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client import Metric

    from ecert.revocation import RegionStatus
    from ecert.trust import Registry
    from verifier.keeper import Keeper, Trouble
    from verifier.receipts import Receipts
    from verifier.refresh import Refresher


@dataclass(frozen=True, slots=True)
class Health:
    """Reads how a process fares; `receipts` is None in one that sends none."""

    keeper: Keeper
    refresher: Refresher
    receipts: Receipts | None = None

    @property
    def ready(self) -> bool:
        """Whether a registry with keys is held: without, no licence can be told from another."""
        registry = self.keeper.holdings.registry
        return registry is not None and bool(registry.keys())

    def report(self) -> dict[str, Any]:
        """Return everything, as JSON."""
        holdings, now = self.keeper.holdings, self.keeper.clock()
        return {
            "ready": self.ready,
            "registry": _registry_report(holdings.registry, now),
            "status": {region: _status_report(holdings.status.of(region), now) for region in self._regions()},
            "online": bool(self.refresher.publishers),
            "leading": self.refresher.site.leading,
            "troubles": {
                **{part: _trouble_report(trouble) for part, trouble in self.keeper.troubles.items()},
                **{part: {"reason": e.reason.value, "detail": e.detail} for part, e in holdings.problems.items()},
            },
            "refusals": {reason.value: count for reason, count in self.keeper.refusals.items()},
            "receipts": None if self.receipts is None else {"sent": self.receipts.sent, "failed": self.receipts.failed},
        }

    def _regions(self) -> list[str]:
        return sorted({*self.keeper.regions(), *self.keeper.holdings.status.regions})

    def collect(self) -> Iterator[Metric]:
        """Return the same for Prometheus; ages are seconds, and an alarm belongs on `..._fresh_seconds`."""
        holdings, now = self.keeper.holdings, self.keeper.clock()
        yield _gauge("ready", "Whether a registry with keys is held.", float(self.ready))
        yield _gauge(
            "leading", "Whether this process asks the publishers for its site.", float(self.refresher.site.leading)
        )
        yield _gauge("troubles", "Parts that are not well.", len(self.keeper.troubles) + len(holdings.problems))
        if holdings.registry is not None:
            registry = holdings.registry
            yield _gauge("registry_version", "Version of the trust registry held.", registry.version)
            yield _gauge("registry_age_seconds", "Since it was signed.", _seconds(registry.issued_at, now))
            yield _gauge("registry_fresh_seconds", "Until it is stale.", -_seconds(registry.fresh_until, now))
            yield _gauge("registry_keys", "Keys in it.", len(registry.keys()))
            yield _gauge("registry_regions", "Regions in it.", len(registry.regions))
            yield _gauge("trust_anchors", "National roots held.", 1)
        yield from self._collect_status(now)
        refusals = CounterMetricFamily("ecert_refusals", "What was offered and not taken.", labels=("reason",))
        for reason, count in self.keeper.refusals.items():
            refusals.add_metric((reason.value,), count)
        yield refusals
        if self.receipts is not None:
            receipts = CounterMetricFamily("ecert_receipts", "Receipts of propagation.", labels=("result",))
            receipts.add_metric(("sent",), self.receipts.sent)
            receipts.add_metric(("failed",), self.receipts.failed)
            yield receipts

    def _collect_status(self, now: datetime) -> Iterator[Metric]:
        regions = self.keeper.holdings.status.regions.items()
        for name, words, value in (
            ("status_sequence", "Sequence number of a region's status.", lambda status: status.sequence),
            ("status_age_seconds", "Since it was signed.", lambda status: _seconds(status.issued_at, now)),
            ("status_fresh_seconds", "Until it is stale.", lambda status: -_seconds(status.fresh_until, now)),
            ("status_memory_bytes", "Memory that its marks take.", lambda status: status.memory_bytes()),
        ):
            family = GaugeMetricFamily(f"ecert_{name}", words, labels=("region",))
            for region, status in regions:
                family.add_metric((region,), value(status))
            yield family


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ecert_{name}", words, value=value)


def _seconds(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()


def _trouble_report(trouble: Trouble) -> dict[str, str]:
    return {"reason": trouble.reason.value, "detail": trouble.detail, "since": timestamp(trouble.since)}


def _registry_report(registry: Registry | None, now: datetime) -> dict[str, Any] | None:
    if registry is None:
        return None
    return {
        "version": registry.version,
        **_age(registry, now),
        "anchors": 1,
        "keys": len(registry.keys()),
        "regions": len(registry.regions),
    }


def _status_report(status: RegionStatus | None, now: datetime) -> dict[str, Any] | None:
    return None if status is None else {"sequence": status.sequence, **_age(status, now)}


def _age(evidence: Registry | RegionStatus, now: datetime) -> dict[str, Any]:
    return {
        "issued_at": timestamp(evidence.issued_at),
        "fresh_until": timestamp(evidence.fresh_until),
        "age_seconds": max(0, int(_seconds(evidence.issued_at, now))),
        "fresh": evidence.is_fresh(now),
    }
