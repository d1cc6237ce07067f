"""`ecert render`: a page of an OFD file as a picture, with the seals on it. Nothing is verified by drawing it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path  # noqa: TC003  (typer reads annotations at run time)
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecert.cli import entry
from ecert.cli.files import read_bounded, write_atomic
from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.pages import ReadPage

_ENDINGS: Final = (".svg", ".png", ".pdf")


def render(
    source: Annotated[Path, typer.Argument(metavar="FILE.ofd", help="OFD 文件 OFD file")],
    target: Annotated[Path, typer.Argument(metavar="OUT.svg|png|pdf", help="图片，按扩展名 Picture, by its ending")],
    *,
    page: Annotated[int, typer.Option(min=1, help="第几页 Which page")] = 1,
    resolution: Annotated[int, typer.Option(min=1, max=600, help="PNG 每英寸点数 Dots per inch of a PNG")] = 200,
    fonts: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="字体目录，默认用系统的 Noto CJK Folder with Noto CJK fonts")
    ] = None,
) -> int:
    """画出一页及其印章，不核验 Draw a page and its seals, without verifying any of it."""
    from ecert.cli.fonts import load_fonts  # noqa: PLC0415  (`--help` answers without loading any of these)
    from ecert.ofd.package import MAX_FILE, Package  # noqa: PLC0415
    from ecert.ofd.pages import read_pages  # noqa: PLC0415

    ending = target.suffix.lower()
    if ending not in _ENDINGS:
        raise EcertError(Reason.USAGE, f"{target.name} does not end in {', '.join(_ENDINGS)}")
    package = Package.read(read_bounded(source, MAX_FILE, Reason.NOT_OFD))
    letters = load_fonts(fonts)
    pages = read_pages(package, letters)
    if page > len(pages):
        raise EcertError(Reason.USAGE, f"the file has {len(pages)} page(s)")
    write_atomic(target, _draw(pages[page - 1], ending, letters, resolution))
    entry.say("! 只画出内容，未经核验 Drawn, not verified")
    return entry.OK


def _draw(read: ReadPage, ending: str, letters: FontSet, resolution: int) -> bytes:
    from ecert.ofd.compose import marked_as_picture  # noqa: PLC0415
    from ecert.ofd.raster import svg_to_pdf, svg_to_png  # noqa: PLC0415
    from ecert.ofd.svg import page_text, write_svg  # noqa: PLC0415

    shown = read.page
    if ending == ".pdf":
        if find_spec("typst") is None:
            raise EcertError(Reason.USAGE, "PDF needs the extra `pdf`: pip install 'ecert[pdf]'")
        shown = marked_as_picture(shown, letters)
    svg = write_svg(shown, read.stamps, note=page_text(shown))
    if ending == ".svg":
        return svg
    return svg_to_pdf(svg, shown) if ending == ".pdf" else svg_to_png(svg, resolution=resolution)
