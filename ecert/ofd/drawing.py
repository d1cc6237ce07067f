"""A page as it is drawn: text, outlines and pictures with their places in mm, x to the right and y downwards.

Whatever shows a page, the OFD writer or the SVG writer, shows these objects in this order; whatever makes a page, a
layout with its data or the reader of an OFD file, makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ecert.ofd.fonts import GlyphShape

Box = tuple[float, float, float, float]
"""x, y, width and height in mm."""
Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
Matrix = tuple[float, float, float, float, float, float]
"""a b c d e f: x' = a x + c y + e, y' = b x + d y + f."""


class Shapes(Protocol):
    """Whatever knows what characters look like: a font face, or a font embedded in a file."""

    def shape(self, character: str) -> GlyphShape:
        """Return what a character looks like."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters in one face on one line.

    Attributes:
        face: What they look like.
        text: The characters.
        x: Where the first begins, in mm.
        y: Their baseline, in mm.
        size: Of the em, in mm.
        advances: From each character to the next, in mm; the last one's own width at the end.
    """

    face: Shapes
    text: str
    x: float
    y: float
    size: float
    advances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TextObject:
    """One piece of text.

    Attributes:
        box: Where it stands.
        colour: Of its characters.
        runs: The characters.
        items: Names of the data items that it shows; empty for what every licence of a type says.
        matrix: From the measures of its runs to those of the page; None where they are the same.
    """

    box: Box
    colour: Colour
    runs: tuple[Run, ...]
    items: tuple[str, ...] = ()
    matrix: Matrix | None = None


@dataclass(frozen=True, slots=True)
class PathObject:
    """An outline.

    Attributes:
        path: In SVG's notation and mm, only the commands M L C Q A Z in capitals.
        fill: Fills it, by the nonzero rule.
        stroke: Draws its line.
        width: Of the line, in mm.
        opacity: 0 to 1.
        matrix: From its own measures to those of the page; None where they are the same.
    """

    path: str
    fill: Colour | None = None
    stroke: Colour | None = None
    width: float = 0.25
    opacity: float = 1.0
    matrix: Matrix | None = None


@dataclass(frozen=True, slots=True, repr=False)
class PictureObject:
    """A picture, stretched to its box.

    Attributes:
        box: Where it stands.
        kind: `png` or `jpg`.
        data: The file.
        items: Names of the data items that it shows.
    """

    box: Box
    kind: str
    data: bytes
    items: tuple[str, ...] = ()


PageObject = TextObject | PathObject | PictureObject


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        width: In mm.
        height: In mm.
        template: What every licence of the type shows, drawn first.
        content: What this licence shows.
    """

    width: float
    height: float
    template: tuple[PageObject, ...]
    content: tuple[PageObject, ...]


@lru_cache(maxsize=4096)
def number(value: float) -> str:
    """Write a measure in mm to the micrometre, in as few characters as it takes."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if value else "0"
