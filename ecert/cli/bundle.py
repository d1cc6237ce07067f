"""What a window holds, as a folder: `anchor.pem`, `registry.cose`, and `status-<region>.cose` files.

Everything but the anchor carries its own signature and is checked at each load. The anchor is what the
window's operator pinned: whoever can replace it can replace this program, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import EcertError, NotFoundError, Reason
from ecert.revocation import Snapshot, StatusView, load_snapshot
from ecert.revocation.status import MAX_SNAPSHOT
from ecert.trust import Registry, load_registry
from ecert.trust.registry import MAX_REGISTRY
from ecert.x509 import Certificate

if TYPE_CHECKING:
    from pathlib import Path

ANCHOR: Final = "anchor.pem"
REGISTRY: Final = "registry.cose"
STATUS: Final = "status-{region}.cose"
_MAX_ANCHOR: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded bundle: a registry, the status lists that passed, and what was wrong with the others.

    Attributes:
        registry: The trust registry.
        status: A view of the status lists that verified.
        problems: File name → why it was left out. What it would have told is then missing, never guessed.
    """

    registry: Registry
    status: StatusView
    problems: dict[str, EcertError]


def load_anchor(folder: Path) -> Certificate:
    """Load the pinned national root certificate.

    Raises:
        NotFoundError: the folder has none.
        MalformedError: it is not a certificate.
    """
    return Certificate.from_pem(read_bounded(folder / ANCHOR, _MAX_ANCHOR, Reason.REGISTRY_MISSING))


def load_bundle(folder: Path) -> Bundle:
    """Load a folder. A broken status list is left out and named; a broken registry is an error.

    Raises:
        NotFoundError: there is no such folder, anchor or registry.
        MalformedError: the anchor or the registry is malformed.
        RejectedError: the registry is not signed by the anchor.
    """
    if not folder.is_dir():
        raise NotFoundError(Reason.REGISTRY_MISSING, f"there is no bundle folder {folder}")
    anchor = load_anchor(folder)
    registry = load_registry(read_bounded(folder / REGISTRY, MAX_REGISTRY, Reason.REGISTRY_MISSING), anchor)
    snapshots: dict[str, Snapshot] = {}
    problems: dict[str, EcertError] = {}
    for path in sorted(folder.glob(STATUS.format(region="*"))):
        try:
            snapshot = load_snapshot(read_bounded(path, MAX_SNAPSHOT, Reason.STATUS_MISSING), registry)
            snapshots[snapshot.region] = snapshot
        except EcertError as error:
            problems[path.name] = error
    return Bundle(registry, StatusView(snapshots), problems)
