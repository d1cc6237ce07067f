"""Where holdings lie on disk: a window's folder with `root.json` and `bundle.bin`, or one offline bundle file.

Everything but the root carries its own signature and is checked at each load. The root is what the window's
operator pinned: whoever can replace it can replace this program, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.bundle import MAX_BUNDLE
from ecert.cli.files import read_bounded
from ecert.errors import NotFoundError, Reason
from ecert.holdings import Holdings, load_holdings

if TYPE_CHECKING:
    from pathlib import Path

ROOT: Final = "root.json"
"""The pinned root metadata, in a window's folder or beside a bundle file."""
BUNDLE: Final = "bundle.bin"
"""What the window holds, in its folder."""
MAX_ROOT: Final = 512 * 1024
"""The longest root metadata in bytes."""


def load_root(folder: Path) -> bytes:
    """Read the pinned root.

    Raises:
        NotFoundError: the folder has none.
        MalformedError: it is longer than 512 KiB.
    """
    return read_bounded(folder / ROOT, MAX_ROOT, Reason.REGISTRY_MISSING)


def load_bundle(path: Path) -> Holdings:
    """Load a window's folder, or a bundle file with its root beside it. What is broken in it is named, and left out.

    Raises:
        NotFoundError: there is no such folder or file, or no root.
        EcertError: the root, the bundle or the registry in it does not verify.
    """
    if not path.exists():
        raise NotFoundError(Reason.REGISTRY_MISSING, f"there is no bundle {path}")
    file, folder = (path / BUNDLE, path) if path.is_dir() else (path, path.parent)
    root = load_root(folder)
    if not file.exists():
        return Holdings(root)
    return load_holdings(root, read_bounded(file, MAX_BUNDLE, Reason.REGISTRY_MISSING))
