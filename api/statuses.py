"""The status of regions as it lies in the published folder, read again only where it has changed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from api.folder import StatusFolder
from ecert.cli.published import STATUS
from ecert.errors import EcertError
from ecert.revocation import load_delta, replace
from ecert.trust import Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from ecert.revocation import RegionStatus
    from ecert.trust import Registry


class Statuses:
    """What is known of regions; what does not verify is left, and what was held stays.

    Attributes:
        held: Region → its status, of the regions that something is known of.
    """

    def __init__(self, published: Path, registry: Registry, *, without: str | None = None) -> None:
        """Begin with nothing; the region `without` is left out."""
        self._published = published
        self._registry = registry
        self._without = without
        self._hints: dict[str, int] = {}
        self.held: dict[str, RegionStatus] = {}

    def look(self, now: datetime) -> bool:
        """Take what is new in the folder; tell whether anything was."""
        changed = False
        for region in self._registry.regions:
            if region != self._without:
                changed |= self._look_at(region, now)
        return changed

    def _look_at(self, region: str, now: datetime) -> bool:
        try:
            hint = (self._published / STATUS / region / "head.json").stat().st_mtime_ns
        except OSError:
            return False
        if self._hints.get(region) == hint:
            return False
        self._hints[region] = hint
        with suppress(EcertError):
            status = self._load(region, now)
            if status is not None:
                self.held[region] = status
                return True
        return False

    def _load(self, region: str, now: datetime) -> RegionStatus | None:
        """Go on from what is held where deltas lead on, else begin again with the snapshot."""
        folder, held = StatusFolder(self._published, region), self.held.get(region)
        status = held
        while status is not None and (data := folder.read_delta(status.sequence + 1)) is not None:
            status = load_delta(data, self._registry, status, now=now)
        if status is held:
            loaded = folder.load(self._registry, now=now)
            status = replace(held, loaded[1]) if loaded else held
        return status

    def by_key(self) -> Mapping[bytes, RegionStatus]:
        """Return issuing key id → the status of its region, of all regions that something is known of."""
        return {
            key.public_key.key_id: self.held[key.region.code]
            for key in self._registry.keys()  # noqa: SIM118
            if key.member.role is Role.ISSUER and key.region.code in self.held
        }
