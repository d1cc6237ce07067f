"""Pictures of the console's pages. `scripts/screenshots` calls this."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.api.console.samples_oversight import ALL
from tests.api.console.site import served
from tests.browsing import chromium


def main() -> None:
    """Draw the pages whose names contain what was asked for, or all."""
    parser = argparse.ArgumentParser(
        description="控制台各页截图，数据为虚构 Pictures of the console's pages, from invented data."
    )
    parser.add_argument("out", type=Path, help="放到哪个目录 Folder to put them in")
    parser.add_argument("--only", default="", help="只要名称含此的 Only names with this in them")
    parser.add_argument("--width", type=int, default=1440, help="窗口宽 Width of the window in pixels")
    options, _ = parser.parse_known_args()
    options.out.mkdir(parents=True, exist_ok=True)
    samples = [sample for sample in ALL if options.only in sample.name]
    with served(samples) as address, chromium() as browser:
        window = browser.new_page(viewport={"width": options.width, "height": 1000})
        for sample in samples:
            window.goto(f"{address}/{sample.name}")
            file = options.out / f"{sample.name}.png"
            window.screenshot(path=file, full_page=True)
            print(file, file=sys.stderr)


if __name__ == "__main__":
    main()
