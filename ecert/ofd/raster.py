"""A page's SVG as pixels and as PDF: PNG by resvg (extra `cli`), PDF by Typst (extra `pdf`)."""

from __future__ import annotations

from typing import Final

from ecert.errors import IssuanceError, Reason

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
