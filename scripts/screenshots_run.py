"""Pictures of every page, from invented data. `scripts/screenshots` sets up and calls this."""

from __future__ import annotations

import argparse
from pathlib import Path

from screenshots_console import draw_console
from screenshots_matters import draw_matters
from screenshots_phone import draw_phone
from screenshots_window import draw_window


def main() -> None:
    """Draw the pages whose names contain what was asked for, or all."""
    parser = argparse.ArgumentParser(description="各页截图，数据为虚构 Pictures of every page, from invented data.")
    parser.add_argument("out", type=Path, help="放到哪个目录 Folder to put them in")
    parser.add_argument("--only", default="", help="只要名称含此的，手机页全画 Only names with this in them")
    parser.add_argument("--width", type=int, default=1440, help="控制台的窗口宽 Width of the console in pixels")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    draw_console(options.out, options.only, options.width)
    draw_phone(options.out)
    draw_window(options.out, options.only)
    draw_matters(options.out, options.only)


if __name__ == "__main__":
    main()
