"""Reading a published folder: `registry/`, a TUF repository with consistent snapshots, and `status/` of each region.

The registry asks for files one by one, as `ecert.trust.metadata.refresh` yields them; a folder answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from ecert.errors import NotFoundError, Reason
from ecert.holdings import Holdings
from ecert.revocation import MAX_DELTA, MAX_SNAPSHOT
from ecert.revocation.seal_list import MAX_SEAL_LIST
from ecert.trust.metadata import Wanted, drive, load_registry, refresh

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.trust import Registry
    from ecert.trust.metadata import RegistryFiles

Reader: TypeAlias = Callable[[Wanted], bytes | None]
"""Brings what is wanted, or None when there is none; of a file that is too long, one byte more than wanted."""

REGISTRY: Final = "registry"
"""The registry's folder in a published folder."""
STATUS: Final = "status"
"""The folder with a folder for each region's status."""

_ROOT: Final = re.compile(r"([1-9][0-9]{0,8})\.root\.json")
_MAX_ROOT: Final = 512 * 1024
_NEVER_EXPIRED: Final = datetime(1970, 1, 1, tzinfo=UTC)


def folder_reader(folder: Path) -> Reader:
    """Return a reader of the registry in a published folder. What it brings, nobody has verified yet."""

    def read(wanted: Wanted) -> bytes | None:
        return _read(folder / REGISTRY / wanted.path, wanted.limit)

    return read


def oldest_root(folder: Path) -> bytes:
    """Return the first root metadata of a published folder: every later one is verified from it.

    Raises:
        NotFoundError: there is none.
    """
    metadata = folder / REGISTRY / "metadata"
    names = [path.name for path in metadata.iterdir()] if metadata.is_dir() else []
    versions = [int(match[1]) for name in names if (match := _ROOT.fullmatch(name))]
    data = _read(metadata / f"{min(versions)}.root.json", _MAX_ROOT) if versions else None
    if data is None:
        raise NotFoundError(Reason.REGISTRY_MISSING, f"{folder} has no {REGISTRY}/metadata/1.root.json")
    return data


def read_registry(folder: Path, root: bytes | None = None) -> RegistryFiles:
    """Read a published folder's registry, verified along the way; expiry shows as age.

    Args:
        folder: The published folder.
        root: The pinned root metadata; None for a publisher, whose own folder this is: its oldest root.

    Raises:
        NotFoundError: something is missing.
        MalformedError: something is not what it should be.
        RejectedError: something is not signed as it must be, or does not belong to the rest.
    """
    steps = refresh(None, root or oldest_root(folder), now=_NEVER_EXPIRED)
    return drive(steps, folder_reader(folder))


def load_published(folder: Path) -> Registry:
    """Load the registry of a published folder, for those who publish in it.

    Raises:
        EcertError: as `read_registry`.
    """
    root = oldest_root(folder)
    return load_registry(read_registry(folder, root), root)


def load_published_holdings(folder: Path, now: datetime) -> Holdings:
    """Load everything of a published folder that a window would hold, details of licences aside.

    Raises:
        EcertError: the registry, or a region's status, does not verify.
    """
    root = oldest_root(folder)
    held = Holdings(root).take_registry(read_registry(folder, root))
    for region in held.registry.regions if held.registry else ():
        held = _take_status(held, folder / STATUS / region, region, now)
    return held


def _take_status(held: Holdings, folder: Path, region: str, now: datetime) -> Holdings:
    snapshot, seals = _read(folder / "snapshot.bin", MAX_SNAPSHOT), _read(folder / "seals.bin", MAX_SEAL_LIST)
    if seals is not None:
        held = held.take_seals(region, seals, now)
    if snapshot is None:
        return held
    held = held.take_snapshot(region, snapshot, now)
    sequence = held.status.regions[region].sequence + 1
    while (delta := _read(folder / "deltas" / f"{sequence}.bin", MAX_DELTA)) is not None:
        held = held.take_delta(region, delta, now)
        sequence += 1
    return held


def _read(path: Path, limit: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
