"""Pictures of the files that were handed in just now: known by an address that nobody can guess, and soon forgotten."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ecert.cli.fonts import load_fonts
from ecert.errors import EcertError
from ecert.ofd.pages import read_pages
from ecert.ofd.raster import svg_to_png
from ecert.ofd.svg import page_text, write_svg

if TYPE_CHECKING:
    from ecert.ofd.package import Package

KEPT: Final = 8
"""The most files whose pictures are to be had."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of those files in all; the newest is kept whatever its size, which its upload bounds."""
MAX_SIDE: Final = 1000.0
"""The longest side of a page in mm that is drawn: a hostile page could else be a picture of any size."""
KEPT_SECONDS: Final = 300.0
"""How long a picture is to be had."""
RESOLUTION: Final = 110
"""Dots per inch: a page is readable on a screen, and drawn in a moment."""


class Drawings:
    """Keeps files for their first page to be drawn when a browser asks for it; the page does not wait for it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._packages: OrderedDict[str, tuple[float, Package]] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def keep(self, package: Package) -> str:
        """Keep a file for a while, and return the name of its picture."""
        name = secrets.token_urlsafe(16)
        self._packages[name] = (time.monotonic(), package)
        while len(self._packages) > KEPT or (len(self._packages) > 1 and self._size() > MAX_BYTES):
            self._packages.popitem(last=False)
        return name

    def _size(self) -> int:
        return sum(len(part) for _, package in tuple(self._packages.values()) for part in package.parts.values())

    def draw(self, name: str) -> bytes | None:
        """Return the first page as PNG, with its seals; None where it is not kept, or is none that is drawn here."""
        since, package = self._packages.get(name, (0.0, None))
        if package is None or time.monotonic() - since > KEPT_SECONDS:
            self._packages.pop(name, None)
            return None
        with self._one_at_a_time:
            try:
                first = read_pages(package, load_fonts())[0]
                if max(first.page.width, first.page.height) > MAX_SIDE:
                    return None
                return svg_to_png(
                    write_svg(first.page, first.stamps, note=page_text(first.page)), resolution=RESOLUTION
                )
            except (EcertError, IndexError):
                return None
