"""A drawn seal as pixels: PNG on a transparent ground, by Pillow."""

from __future__ import annotations

import math
from bisect import bisect_left
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from fontTools.pens.basePen import BasePen
from PIL import Image, ImageChops, ImageDraw

from ecert.errors import IssuanceError, Reason
from ecert.seal.picture import COLOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecert.seal.picture import SealDrawing

RESOLUTION: Final = 400
"""Dots per inch of the pictures inside seals."""

_MAX_RESOLUTION: Final = 1200
_OVERSAMPLING: Final = 4
_STEPS: Final = (4, 128)
"""Straight lines that stand for one curve, least and most: about one for every `_STEP` pixels, before they shrink."""
_STEP: Final = 12.0
_NEUTRAL: Final = 128
_MM_PER_INCH: Final = 25.4


def seal_png(drawing: SealDrawing, *, resolution: int = RESOLUTION) -> bytes:
    """Return a PNG, square, red on transparent, with its resolution written in.

    Raises:
        IssuanceError: a resolution not from 1 to 1200 dots per inch.
    """
    if not 0 < resolution <= _MAX_RESOLUTION:
        raise IssuanceError(Reason.SEAL_FIELD_INVALID, f"a resolution is 1 to {_MAX_RESOLUTION} dots per inch")
    pixels = max(round(drawing.diameter / _MM_PER_INCH * resolution), 1)
    scale = pixels * _OVERSAMPLING / drawing.diameter
    coverage = Image.new("L", (pixels * _OVERSAMPLING,) * 2)
    for shape in drawing.shapes:
        _fill(coverage, _polygons(shape, scale))
    covered = coverage.reduce(_OVERSAMPLING)
    levels = sorted(set(covered.tobytes()))
    picture = Image.frombytes("P", covered.size, covered.point(_numbers(levels)).tobytes())
    picture.putpalette(COLOUR * len(levels))
    out = BytesIO()
    picture.save(out, "PNG", optimize=True, transparency=bytes(levels), dpi=(resolution, resolution))
    return out.getvalue()


def _numbers(levels: Sequence[int]) -> list[int]:
    """Return for every coverage its number among those there are: each is one red of a palette, more or less opaque."""
    return [bisect_left(levels, coverage) for coverage in range(256)]


class _FlatteningPen(BasePen):  # type: ignore[misc]  # fontTools is untyped
    """Collects polygons: every contour, its curves as straight lines."""

    def __init__(self, scale: float) -> None:
        super().__init__(None)
        self._scale = scale
        self.polygons: list[list[tuple[float, float]]] = []

    def _add(self, point: tuple[float, float]) -> None:
        self.polygons[-1].append((point[0] * self._scale, point[1] * self._scale))

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self.polygons.append([])
        self._add(pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add(pt)

    def _curveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]) -> None:  # noqa: N802
        start: tuple[float, float] = self._getCurrentPoint()
        length = self._scale * sum(math.dist(a, b) for a, b in ((start, pt1), (pt1, pt2), (pt2, pt3)))
        steps = min(max(math.ceil(length / _STEP), _STEPS[0]), _STEPS[1])
        for step in range(1, steps + 1):
            t = step / steps
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            points = (start, pt1, pt2, pt3)
            x, y = (sum(w * p[axis] for w, p in zip(weights, points, strict=True)) for axis in (0, 1))
            self._add((x, y))


def _polygons(shape: Sequence[tuple[str, Any]], scale: float) -> list[list[tuple[float, float]]]:
    pen = _FlatteningPen(scale)
    for operator, operands in shape:
        getattr(pen, operator)(*operands)
    return [polygon for polygon in pen.polygons if len(polygon) > 2]  # noqa: PLR2004  (a line fills nothing)


def _fill(coverage: Image.Image, polygons: list[list[tuple[float, float]]]) -> None:
    """Fill by the nonzero rule: outlines that run one way count up, the other way down; what is not zero is red."""
    if not polygons:
        return
    points = [point for polygon in polygons for point in polygon]
    left, top = (math.floor(min(point[axis] for point in points)) for axis in (0, 1))
    right, bottom = (math.ceil(max(point[axis] for point in points)) + 1 for axis in (0, 1))
    count = Image.new("L", (right - left, bottom - top), _NEUTRAL)
    for polygon in polygons:
        mask = Image.new("L", count.size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in polygon], fill=1)
        change = ImageChops.add if _area(polygon) > 0 else ImageChops.subtract
        count = change(count, mask)
    inside = count.point([0 if value == _NEUTRAL else 255 for value in range(256)])
    coverage.paste(255, (left, top), inside)


def _area(polygon: list[tuple[float, float]]) -> float:
    following = polygon[1:] + polygon[:1]
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(polygon, following, strict=True))
