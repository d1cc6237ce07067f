"""How what a window holds is replaced: verified first, never by anything older, each file whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert.cli.bundle import REGISTRY, STATUS, load_anchor
from ecert.cli.files import read_bounded, write_atomic
from ecert.errors import EcertError, NotFoundError, Reason, RejectedError
from ecert.revocation import Snapshot, load_snapshot
from ecert.revocation.status import MAX_SNAPSHOT
from ecert.trust import Registry, load_registry
from ecert.trust.registry import MAX_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecert.x509 import Certificate


def update(source: Path, bundle: Path) -> Iterator[tuple[str, EcertError | None]]:
    """Take over a publisher's files, one by one: (file name, None when taken, or why it was not).

    A registry that is refused ends the update, and what is held stays. Status lists stand for themselves.

    Args:
        source: Folder with `registry.cose` and `status-<region>.cose`. Its anchor, if any, is not looked at.
        bundle: The window's folder, with its pinned `anchor.pem`.

    Raises:
        NotFoundError: the window has no anchor, or the source no registry.
        MalformedError: one of them does not parse.
        RejectedError: the registry is not signed by the window's anchor, or is older than the one held.
    """
    registry = _take_registry(source, bundle, load_anchor(bundle))
    yield REGISTRY, None
    for path in sorted(source.glob(STATUS.format(region="*"))):
        try:
            _take_status(path, bundle, registry)
            yield path.name, None
        except EcertError as error:
            yield path.name, error


def _take_registry(source: Path, bundle: Path, anchor: Certificate) -> Registry:
    data = read_bounded(source / REGISTRY, MAX_REGISTRY, Reason.REGISTRY_MISSING)
    offered = load_registry(data, anchor)
    try:
        held = load_registry(read_bounded(bundle / REGISTRY, MAX_REGISTRY, Reason.REGISTRY_MISSING), anchor)
    except NotFoundError:
        held = None
    if held and offered.version < held.version:
        raise RejectedError(Reason.REGISTRY_ROLLBACK, f"version {offered.version} is offered, {held.version} is held")
    write_atomic(bundle / REGISTRY, data)
    return offered


def _take_status(path: Path, bundle: Path, registry: Registry) -> None:
    data = read_bounded(path, MAX_SNAPSHOT, Reason.STATUS_MISSING)
    offered = load_snapshot(data, registry)
    target = bundle / STATUS.format(region=offered.region)
    held = _held_status(target, registry)
    if held and offered.sequence < held.sequence:
        raise RejectedError(Reason.STATUS_ROLLBACK, f"sequence {offered.sequence} is offered, {held.sequence} is held")
    write_atomic(target, data)


def _held_status(path: Path, registry: Registry) -> Snapshot | None:
    """Return what is held; a file that no longer verifies is as good as none."""
    try:
        return load_snapshot(read_bounded(path, MAX_SNAPSHOT, Reason.STATUS_MISSING), registry)
    except EcertError:
        return None
