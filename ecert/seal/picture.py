"""The picture of a round red seal as outlines: ring, star or emblem, name along the ring, title, code line.

Everything is filled outlines in one colour, and so looks the same wherever it is drawn: `SealDrawing.svg` writes it
as SVG, `ecert.seal.raster` as PNG.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from fontTools.misc.transform import Identity, Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.recordingPen import RecordingPen
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path import parse_path

from ecert.errors import IssuanceError, Reason
from ecert.seal.layout import MAX_CODE, MAX_NAME, MAX_TITLE, Cell, Layout, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecert.seal.font import SealFont

COLOUR: Final = (0xD7, 0x00, 0x0F)
"""Seal red, as RGB."""

_DIAMETERS: Final = (20, 80)
_MAX_EMBLEM: Final = 512 * 1024
_KAPPA: Final = 4 / 3 * (math.sqrt(2) - 1)
"""Length of the handles with which four cubic curves make a circle."""
_STAR_POINTS: Final = 5
_STAR_WAIST: Final = math.sin(math.pi / 10) / math.sin(7 * math.pi / 10)
"""Inner radius of a regular five-point star whose outer radius is 1."""
_DECIMALS: Final = 3


class SealLevel(StrEnum):
    """Whose seal it is, which settles its default size."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    TOWNSHIP = "township"
    SPECIAL = "special"

    @property
    def diameter(self) -> int:
        """The diameter in mm (国发〔1999〕25号, domain.md 2.2); 专用章 have at most 45, and 42 in use."""
        return _LEVEL_DIAMETERS[self]


_LEVEL_DIAMETERS: Final = {
    SealLevel.PROVINCE: 50,
    SealLevel.PREFECTURE: 45,
    SealLevel.TOWNSHIP: 42,
    SealLevel.SPECIAL: 42,
}


@dataclass(frozen=True, slots=True)
class Emblem:
    """What a deployment puts in the middle instead of the star: an SVG path (`d`), in any units, y downwards."""

    path: str


@dataclass(frozen=True, slots=True)
class SealDesign:
    """What a seal shows.

    Attributes:
        name: The body's full legal name, along the ring; 1 to 60 characters.
        diameter: In mm, 20 to 80.
        code: The seal's code along the bottom, at most 24 characters; "" for none.
        title: A line under the star, as `业务专用章`, at most 12 characters; "" for none.
        emblem: Instead of the star.
    """

    name: str
    diameter: int
    code: str = ""
    title: str = ""
    emblem: Emblem | None = None

    def require_sound(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            IssuanceError: it says what.
        """
        low, high = _DIAMETERS
        texts = (self.name, self.code, self.title)
        rules = (
            (f"the name has 1 to {MAX_NAME} characters", 0 < len(self.name) <= MAX_NAME),
            (f"the code line has at most {MAX_CODE} characters", len(self.code) <= MAX_CODE),
            (f"the title has at most {MAX_TITLE} characters", len(self.title) <= MAX_TITLE),
            ("every character can be seen", all(text.isprintable() for text in texts)),
            (f"the diameter is {low} to {high} mm", low <= self.diameter <= high),
        )
        problem = next((what for what, good in rules if not good), None)
        if problem is not None:
            raise IssuanceError(Reason.SEAL_FIELD_INVALID, problem)


@dataclass(frozen=True, slots=True, repr=False)
class SealDrawing:
    """A seal as filled outlines (nonzero), in mm, x right and y down from the top left corner.

    Attributes:
        diameter: Width and height, in mm.
        shapes: Ring, middle and characters; each is what a fontTools RecordingPen recorded.
    """

    diameter: int
    shapes: tuple[Sequence[tuple[str, Any]], ...]

    def path(self) -> str:
        """Return everything as one SVG path (`d`), in mm."""
        pen = SVGPathPen(None, ntos=_number)
        for shape in self.shapes:
            _replay(shape, pen)
        commands: str = pen.getCommands()
        return commands

    def svg(self) -> bytes:
        """Return an SVG file whose size is the seal's in mm."""
        side, colour = self.diameter, "#{:02x}{:02x}{:02x}".format(*COLOUR)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}mm" height="{side}mm" viewBox="0 0 {side} {side}">'
            f'<path fill="{colour}" d="{self.path()}"/></svg>\n'
        ).encode()


def draw_seal(design: SealDesign, font: SealFont) -> SealDrawing:
    """Draw a seal.

    Raises:
        IssuanceError: the design is not sound, the font lacks a character or is broken, or the emblem is no path.
    """
    design.require_sound()
    layout = lay_out(design.diameter, name=len(design.name), code=len(design.code), title=len(design.title))
    shapes = [_ring(layout), _middle(design.emblem, layout)]
    lines = ((design.name, layout.name), (design.code, layout.code), (design.title, layout.title))
    for text, cells in lines:
        shapes += [_character(font, character, cell) for character, cell in zip(text, cells, strict=True)]
    centre = Identity.translate(design.diameter / 2, design.diameter / 2)
    return SealDrawing(design.diameter, tuple(_moved(shape, centre) for shape in shapes))


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def _replay(shape: Sequence[tuple[str, Any]], pen: Any) -> None:
    for operator, operands in shape:
        getattr(pen, operator)(*operands)


def _moved(shape: Sequence[tuple[str, Any]], transform: Transform) -> Sequence[tuple[str, Any]]:
    pen = RecordingPen()
    _replay(shape, TransformPen(pen, transform))
    return tuple(pen.value)


def _ring(layout: Layout) -> Sequence[tuple[str, Any]]:
    pen = RecordingPen()
    outer, inner = layout.ring
    _circle(pen, outer, 1)
    _circle(pen, inner, -1)
    return tuple(pen.value)


def _circle(pen: Any, radius: float, direction: int) -> None:
    """Draw a circle of four curves; the one that runs the other way cuts a hole."""
    handle = _KAPPA * radius
    corners = [(1, 0), (0, direction), (-1, 0), (0, -direction)]
    pen.moveTo((radius, 0.0))
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        pen.curveTo(
            (x1 * radius + x2 * handle, y1 * radius + y2 * handle),
            (x2 * radius + x1 * handle, y2 * radius + y1 * handle),
            (x2 * radius, y2 * radius),
        )
    pen.closePath()


def _middle(emblem: Emblem | None, layout: Layout) -> Sequence[tuple[str, Any]]:
    place = Identity.translate(0, layout.middle_y)
    if emblem is None:
        pen = RecordingPen()
        pen.moveTo((0.0, -layout.middle))
        for point in _star_points(layout.middle):
            pen.lineTo(point)
        pen.closePath()
        return _moved(tuple(pen.value), place)
    shape = _emblem_outline(emblem)
    bounds = BoundsPen(None)
    _replay(shape, bounds)
    left, top, right, bottom = bounds.bounds or (0.0,) * 4
    size = math.hypot(right - left, bottom - top)
    if not 0 < size < math.inf:
        raise IssuanceError(Reason.SEAL_FIELD_INVALID, "the emblem's path draws nothing, or has no end")
    scale = 2 * layout.middle / size
    return _moved(shape, place.scale(scale).translate(-(left + right) / 2, -(top + bottom) / 2))


def _star_points(radius: float) -> Iterator[tuple[float, float]]:
    """Yield the corners of an upright star after its topmost, clockwise, points and waist in turn."""
    for index in range(1, 2 * _STAR_POINTS):
        angle = math.pi * index / _STAR_POINTS
        length = radius * (_STAR_WAIST if index % 2 else 1)
        yield length * math.sin(angle), -length * math.cos(angle)


def _emblem_outline(emblem: Emblem) -> Sequence[tuple[str, Any]]:
    if len(emblem.path) > _MAX_EMBLEM:
        raise IssuanceError(Reason.SEAL_FIELD_INVALID, "the emblem's path is longer than 512 KiB")
    pen = RecordingPen()
    try:
        parse_path(emblem.path, pen)
    except (ValueError, IndexError, TypeError, AssertionError, ZeroDivisionError) as error:
        raise IssuanceError(Reason.SEAL_FIELD_INVALID, f"the emblem is not an SVG path: {error}") from error
    return tuple(pen.value)


def _character(font: SealFont, character: str, cell: Cell) -> Sequence[tuple[str, Any]]:
    """Fit a character into its cell: from em units, y up, to mm, y down; a narrow one is not drawn out."""
    glyph = font.glyph(character)
    width = min(cell.width / glyph.advance, cell.height) if glyph.advance else cell.width
    place = Identity.translate(cell.x, cell.y).rotate(cell.turn).scale(width, -cell.height)
    return _moved(glyph.outline, place.translate(-glyph.advance / 2, -0.5))
