"""A page's SVG as pixels and as PDF: PNG by resvg (extra `cli`), PDF by Typst (extra `pdf`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecert.errors import IssuanceError, Reason
from ecert.ofd.drawing import number

if TYPE_CHECKING:
    from ecert.ofd.drawing import Page

RESOLUTION: Final = 200
"""Dots per inch of a page as PNG."""

_MAX_RESOLUTION: Final = 600


def svg_to_png(svg: bytes, *, resolution: int = RESOLUTION) -> bytes:
    """Draw a page's SVG as PNG.

    Raises:
        IssuanceError: a resolution not from 1 to 600 dots per inch.
    """
    import resvg_py  # noqa: PLC0415  (an extra)

    if not 0 < resolution <= _MAX_RESOLUTION:
        raise IssuanceError(Reason.LAYOUT_PICTURE_UNUSABLE, f"a resolution is 1 to {_MAX_RESOLUTION} dots per inch")
    return bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), dpi=resolution, skip_system_fonts=True))


def svg_to_pdf(svg: bytes, page: Page) -> bytes:
    """Return a page's SVG as a PDF of its size; the same SVG gives the same bytes.

    A PDF is a picture of the OFD file and must say so: see `compose.marked_as_picture`.

    Args:
        svg: The page's SVG.
        page: The page.
    """
    import typst  # noqa: PLC0415  (an extra)

    size = f"width: {number(page.width)}mm, height: {number(page.height)}mm"
    source = f'#set document(date: none)\n#set page({size}, margin: 0mm)\n#image("page.svg", {size})\n'
    files: Any = {"main.typ": source.encode(), "page.svg": svg}  # its type stubs do not know of files by name
    return bytes(typst.compile(files, format="pdf", ignore_system_fonts=True))
