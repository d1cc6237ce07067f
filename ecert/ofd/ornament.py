"""Ornaments as outlines: borders of interlaced waves, fields of waves, rosettes. Pure geometry, in mm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ecert.ofd.drawing import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Box

_SINE_HANDLE: Final = 0.3642124232
"""Where the handles of a cubic curve stand that runs like half a wave of the sine, as a part of its length."""
_STRANDS: Final = 2
_LENGTH_TO_BAND: Final = 1.1
_PETALS: Final = 12
_KAPPA: Final = 4 / 3 * (math.sqrt(2) - 1)


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a straight line as a path."""
    return f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"


def rectangle(box: Box, radius: float = 0.0) -> str:
    """Return a rectangle, with rounded corners if a radius is given, as a path."""
    x, y, w, h = box
    if not radius:
        corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        return "M" + "L".join(f"{number(a)} {number(b)}" for a, b in corners) + "Z"
    k = radius * (1 - _KAPPA)
    r = radius
    points = (
        f"M{number(x + r)} {number(y)}L{number(x + w - r)} {number(y)}",
        _curve((x + w - k, y), (x + w, y + k), (x + w, y + r)),
        f"L{number(x + w)} {number(y + h - r)}",
        _curve((x + w, y + h - k), (x + w - k, y + h), (x + w - r, y + h)),
        f"L{number(x + r)} {number(y + h)}",
        _curve((x + k, y + h), (x, y + h - k), (x, y + h - r)),
        f"L{number(x)} {number(y + r)}",
        _curve((x, y + k), (x + k, y), (x + r, y)),
        "Z",
    )
    return "".join(points)


def _curve(*points: tuple[float, float]) -> str:
    return "C" + " ".join(f"{number(x)} {number(y)}" for x, y in points)


def _wave(start: tuple[float, float], end: tuple[float, float], swing: float, halves: int) -> str:
    """Return a sine wave between two points that swings to both sides, beginning to the left if `swing` > 0."""
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    step = length / halves
    handle = step * _SINE_HANDLE
    lift = swing * math.pi * _SINE_HANDLE

    def at(along: float, across: float) -> tuple[float, float]:
        return x1 + ux * along + uy * across, y1 + uy * along - ux * across

    parts = [f"M{number(x1)} {number(y1)}"]
    for index in range(halves):
        side = lift if index % 2 == 0 else -lift
        begin = index * step
        parts.append(_curve(at(begin + handle, side), at(begin + step - handle, side), at(begin + step, 0)))
    return "".join(parts)


def frame(box: Box, band: float) -> str:
    """Return a border of interlaced waves, `band` wide inside the box, between two rules, with corner rosettes."""
    x, y, w, h = box
    inner = (x + band, y + band, w - 2 * band, h - 2 * band)
    parts = [rectangle(box), rectangle(inner)]
    half = band / 2
    corners = ((x + half, y + half), (x + w - half, y + half), (x + w - half, y + h - half), (x + half, y + h - half))
    for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
        parts += _braid(start, end, band)
    parts += [rosette(cx, cy, half * 0.92) for cx, cy in corners]
    return "".join(parts)


def _braid(start: tuple[float, float], end: tuple[float, float], band: float) -> Iterator[str]:
    """Return strands between two corners, clear of the rosettes there."""
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    clear = band / 2
    begin, stop = (x1 + ux * clear, y1 + uy * clear), (x2 - ux * clear, y2 - uy * clear)
    halves = max(round((length - band) / (band * _LENGTH_TO_BAND)), 2)
    for strand in range(_STRANDS):
        swing = band * (0.4 - 0.16 * strand)
        yield _wave(begin, stop, swing, halves)
        yield _wave(begin, stop, -swing, halves)


def waves(box: Box, pitch: float) -> str:
    """Return a field of parallel waves, one every `pitch`, each second one running against the first."""
    x, y, w, h = box
    rows = int(h / pitch)
    halves = max(round(w / (pitch * 3)), 2)
    top = y + (h - (rows - 1) * pitch) / 2
    return "".join(
        _wave((x, top + row * pitch), (x + w, top + row * pitch), pitch * (0.62 if row % 2 else -0.62), halves)
        for row in range(rows)
    )


def rosette(cx: float, cy: float, radius: float) -> str:
    """Return a flower of overlapping circles within a radius."""
    petal = radius / 2
    centres = ((2 * math.pi * index / _PETALS) for index in range(_PETALS))
    return "".join(circle(cx + petal * math.cos(turn), cy + petal * math.sin(turn), petal) for turn in centres)


def circle(cx: float, cy: float, radius: float) -> str:
    """Return a circle of four curves."""
    return rectangle((cx - radius, cy - radius, 2 * radius, 2 * radius), radius)
