"""The trust registry of the published folder, as it is now: loaded again when a newer one was put there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ecert.cli.published import REGISTRY, load_published

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.trust import Registry


class CurrentRegistry:
    """Looks at the folder whenever it is asked, and reads it when it has changed."""

    def __init__(self, published: Path) -> None:
        """Load the registry.

        Raises:
            EcertError: it does not verify.
        """
        self._published = published
        self._lock = threading.Lock()
        self._stamp = self._timestamp()
        self._registry = load_published(published)

    def get(self) -> Registry:
        """Return the newest registry that verifies.

        Raises:
            EcertError: a newer one was put there, and does not.
        """
        with self._lock:
            stamp = self._timestamp()
            if stamp != self._stamp:
                self._registry, self._stamp = load_published(self._published), stamp
            return self._registry

    def _timestamp(self) -> int:
        try:
            return (self._published / REGISTRY / "metadata" / "timestamp.json").stat().st_mtime_ns
        except OSError:
            return 0
