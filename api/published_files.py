"""Files of the published folder, as they are served: plain paths only, bounded, and with strong entity tags."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import EcertError, Reason
from ecert.revocation import MAX_SNAPSHOT
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE: Final = MAX_SNAPSHOT
"""The longest file that is served, in bytes."""
MAX_HELD: Final = 128 * 1024 * 1024
"""The most bytes of files held in memory."""
_SMALL: Final = 64 * 1024
"""Files up to this length in bytes are read at once: handing them to a thread takes longer."""
_PATH: Final = re.compile(r"(?:registry|status)(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,7}")
_FOR_EVER: Final = re.compile(
    r"status/[^/]+/(?:(?:deltas|issued/heads)/[0-9]+\.bin|types/[0-9a-f]{64}\.json)|registry/targets/.+"
)

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class File:
    """A published file.

    Attributes:
        data: All of it.
        tag: Its entity tag, in quotes.
        for_ever: Whether it never changes: a delta, a head, a file named by its hash.
    """

    data: bytes
    tag: str
    for_ever: bool


class PublishedFiles:
    """The published folder. Files are read again only when they have changed on disk."""

    def __init__(self, folder: Path) -> None:
        """Serve what lies below `folder`."""
        self.folder = folder.resolve()
        self._held: OrderedDict[str, tuple[Stamp, File]] = OrderedDict()
        self._size = 0
        self._reading = asyncio.Lock()

    async def find(self, path: str) -> File | None:
        """Return a file; None when there is none of that name, or none that is published.

        Args:
            path: Below the folder, e.g. `status/440000/snapshot.bin`. Hostile.
        """
        if not _PATH.fullmatch(path):
            return None
        file = self.folder / path
        stamp = _stamp(file)
        if stamp is None or stamp[2] > MAX_FILE:
            return None
        held = self._find_held(path, stamp)
        if held is not None:
            return held
        if stamp[2] <= _SMALL:
            return self._read(path, file, stamp)
        async with self._reading:  # many windows ask for a new snapshot at once: it is read once
            return self._find_held(path, stamp) or await asyncio.to_thread(self._read, path, file, stamp)

    def _find_held(self, path: str, stamp: Stamp) -> File | None:
        held = self._held.get(path)
        if held is None or held[0] != stamp:
            return None
        self._held.move_to_end(path)
        return held[1]

    def _read(self, path: str, file: Path, stamp: Stamp) -> File | None:
        if not file.resolve().is_relative_to(self.folder):
            return None
        try:
            data = read_bounded(file, MAX_FILE, Reason.SOURCE_UNREACHABLE)
        except EcertError:
            return None
        found = File(data, f'"{sm3(data).hex()}"', _FOR_EVER.fullmatch(path) is not None)
        self._hold(path, stamp, found)
        return found

    def _hold(self, path: str, stamp: Stamp, found: File) -> None:
        replaced = self._held.pop(path, None)
        self._size += len(found.data) - (len(replaced[1].data) if replaced else 0)
        self._held[path] = (stamp, found)
        while self._size > MAX_HELD:
            self._size -= len(self._held.popitem(last=False)[1][1].data)


def _stamp(file: Path) -> Stamp | None:
    """Return what changes when a file does; None when it is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if file.is_file() else None
