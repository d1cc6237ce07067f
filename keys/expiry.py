"""When each part of the published registry expires, and the alarm long before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import EcertError
from ecert.trust.strict_json import read_time
from ecert.x509 import RevocationList
from keys.records import rfc3339
from keys.repository import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

    from ecert.trust import Registry

ALARM_SHARE: Final = 3
"""The alarm is raised when less than one part in three of the lifetime is left."""


@dataclass(frozen=True)
class Expiry:
    """How long one role's metadata is still good.

    Attributes:
        role: `root`, `targets`, `snapshot`, `timestamp`, the code of a region or ministry; or `crl-national`,
            `crl-440000`: the revocation list it publishes, without which no certificate is believed.
        version: Its newest version; 0: there is none that its key signed.
        expires: Until when it is good; None: there is none.
        seconds_left: Until then, below 0 afterwards.
        alarm: Whether it is time to sign it anew.
    """

    role: str
    version: int
    expires: datetime | None
    seconds_left: int
    alarm: bool

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "role": self.role,
            "version": self.version,
            "expires": rfc3339(self.expires) if self.expires else None,
            "secondsLeft": self.seconds_left,
            "alarm": self.alarm,
        }


def expiries(repository: Repository, now: datetime) -> Iterator[Expiry]:
    """Yield every role's expiry, the national ones first.

    Raises:
        EcertError: there is no registry, or a national part of it is broken.
    """
    yield _expiry(ROOT, repository.root().signed, now)
    yield _expiry(TARGETS, repository.targets().signed, now)
    yield _expiry(SNAPSHOT, repository.snapshot(), now)
    yield _expiry(TIMESTAMP, repository.timestamp(), now)
    for code in repository.roles():
        yield _region_expiry(repository, code, now)


def _region_expiry(repository: Repository, code: str, now: datetime) -> Expiry:
    """Whatever is wrong with a region's own file is an alarm of that region, and stops nobody."""
    try:
        metadata = repository.role(code)
        return _expiry(code, metadata.signed if metadata else None, now)
    except (EcertError, KeyError, TypeError, ValueError):
        return _expiry(code, None, now)


def _expiry(role: str, signed: Root | Targets | Snapshot | Timestamp | None, now: datetime) -> Expiry:
    if signed is None:
        return Expiry(role, 0, None, 0, alarm=True)
    lifetime = signed.expires - read_time(signed.unrecognized_fields["issuedAt"])
    left = signed.expires - now
    return Expiry(role, signed.version, signed.expires, int(left.total_seconds()), left < lifetime / ALARM_SHARE)


def list_expiries(registry: Registry, now: datetime) -> Iterator[Expiry]:
    """Yield the expiry of every X.509 revocation list published.

    The registry has none that cannot be read: a region that published one is among its problems.
    """
    published = {"national": registry.national_crl} | {code: one.crl for code, one in registry.regions.items()}
    for code, der in published.items():
        crl = None if der is None else RevocationList.from_der(der)
        if crl is not None and crl.next_update is not None:
            left, lifetime = crl.next_update - now, crl.next_update - crl.this_update
            yield Expiry(
                f"crl-{code}",
                crl.number or 0,
                crl.next_update,
                int(left.total_seconds()),
                left < lifetime / ALARM_SHARE,
            )


def metrics_text(rows: list[Expiry]) -> bytes:
    """Write the expiries as metrics in the Prometheus text format, for a node exporter's textfile collector."""
    lines = ["# TYPE ecert_registry_expires_in_seconds gauge"]
    lines += [f'ecert_registry_expires_in_seconds{{role="{row.role}"}} {row.seconds_left}' for row in rows]
    lines.append("# TYPE ecert_registry_alarm gauge")
    lines += [f'ecert_registry_alarm{{role="{row.role}"}} {int(row.alarm)}' for row in rows]
    return ("\n".join(lines) + "\n").encode("ascii")
