"""Pictures of the console's pages. `scripts/screenshots` has them drawn."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.api.console.samples_oversight import ALL
from tests.api.console.site import served
from tests.browsing import chromium

if TYPE_CHECKING:
    from pathlib import Path


def draw_console(out: Path, only: str, width: int) -> None:
    """Draw the pages whose names contain what was asked for."""
    samples = [sample for sample in ALL if only in sample.name]
    with served(samples) as address, chromium() as browser:
        window = browser.new_page(viewport={"width": width, "height": 1000})
        for sample in samples:
            window.goto(f"{address}/{sample.name}")
            file = out / f"{sample.name}.png"
            window.screenshot(path=file, full_page=True)
            print(file, file=sys.stderr)
