"""Whoever signs the registry, and a window that follows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ecert.cli.published import folder_reader
from ecert.trust.metadata import RegistryFiles, drive, load_registry, refresh
from keys.ceremony import Ceremony
from keys.registry import RegistryActs
from keys.registry_keys import RegistryKeys
from tests.keys.conftest import DEPARTMENT, TYPE, Clock

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ecert.trust import Registry
    from keys.names import KeyName

PASSPHRASE = b"registry: a long one"
WEEK = timedelta(days=7)


@dataclass
class Office:
    """Who signs the registry: a ceremony directory, its clock, the published folder; and one window."""

    home: Path
    out: Path
    clock: Clock = field(default_factory=Clock)
    held: RegistryFiles | None = None

    @property
    def ceremony(self) -> Ceremony:
        return Ceremony(self.home, now=self.clock)

    @property
    def acts(self) -> RegistryActs:
        keys = RegistryKeys(self.home, lambda _: PASSPHRASE, lambda _: PASSPHRASE)
        return RegistryActs(self.out, self.ceremony, keys, self.clock())

    def publish(self) -> Registry:
        return self.acts.publish(WEEK)

    @property
    def metadata(self) -> Path:
        return self.out / "registry" / "metadata"

    def update(self) -> Registry:
        """Bring the window up to date; it pinned the first root, and keeps what it held."""
        root = (self.metadata / "1.root.json").read_bytes()
        steps = refresh(self.held, root, now=self.clock())
        self.held = drive(steps, folder_reader(self.out))
        return load_registry(self.held, root)

    def new_window(self) -> Registry:
        """Load what is published, as a window does that has only the first root."""
        return Office(self.home, self.out, self.clock).update()

    def key_id(self, name: KeyName = DEPARTMENT) -> bytes:
        public_key = self.ceremony.entry(name).certificate.public_key
        assert public_key is not None
        return public_key.key_id

    def entitled(self, registry: Registry, at: datetime, key_id: bytes | None = None) -> str | None:
        key = registry.find(key_id or self.key_id())
        assert key is not None
        return key.entitlement_problem(TYPE, "440106", at)
