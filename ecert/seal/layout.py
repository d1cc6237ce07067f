"""Where everything on a round seal stands: pure geometry, in millimetres, y downwards, the centre at (0, 0).

The name runs along the ring from left to right, upright towards the outside. Three things give way as it gets
longer, one after the other: the arc widens, the characters get narrower, and at last lower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MAX_NAME: Final = 60
"""The longest name laid out, in characters."""
MAX_CODE: Final = 24
"""The longest code line, in characters."""
MAX_TITLE: Final = 12
"""The longest title line, in characters."""

# As parts of the diameter, measured on official seals.
_RING: Final = 0.028
_NAME_GAP: Final = 0.034
_NAME_HEIGHT: Final = 0.145
_STAR: Final = 1 / 6
_STAR_GAP: Final = 0.03
_CODE_HEIGHT: Final = 0.046
_CODE_GAP: Final = 0.012
_TITLE_HEIGHT: Final = 0.1
_TITLE_BELOW: Final = 0.03

_WIDEST: Final = 0.8
"""Widest a character is drawn, relative to its height: seal script is upright."""
_NARROWEST: Final = 0.56
_FILL: Final = 0.94
"""How much of the room between two characters, measured at their feet, a character takes."""
_FULL_ARC: Final = math.radians(286)
"""The widest arc, from the first character's middle to the last one's."""
_ARC_GROWTH: Final = 6.5
_CODE_PITCH: Final = math.radians(4.6)
_CODE_MARGIN: Final = math.radians(5)
_CODE_WIDTH: Final = 0.62
_TITLE_WIDTH: Final = 0.78
_TITLE_NARROWEST: Final = 0.5


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one character goes: its middle, how it is turned, and how large it is.

    Attributes:
        x: Of the middle.
        y: Of the middle, downwards.
        turn: Clockwise, in radians; 0 is upright.
        width: Of the em box.
        height: Of the em box.
    """

    x: float
    y: float
    turn: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A seal laid out.

    Attributes:
        ring: Outer and inner radius of the ring.
        name: One cell for each character of the name.
        code: One cell for each character of the code line, along the bottom.
        title: One cell for each character of the line under the middle.
        middle: Radius of the star or emblem.
        middle_y: Where its centre is, downwards.
    """

    ring: tuple[float, float]
    name: tuple[Cell, ...]
    code: tuple[Cell, ...]
    title: tuple[Cell, ...]
    middle: float
    middle_y: float


def lay_out(diameter: float, *, name: int, code: int = 0, title: int = 0) -> Layout:
    """Lay out a seal.

    Args:
        diameter: In mm.
        name: Characters of the name along the ring, 1 to `MAX_NAME`.
        code: Characters of the code line, 0 to `MAX_CODE`.
        title: Characters of the line under the star, 0 to `MAX_TITLE`.
    """
    outer = diameter / 2
    inner = outer - _RING * diameter
    arc = _name_arc(name)
    top = inner - _NAME_GAP * diameter
    pitch = arc / max(name - 1, 1)
    height, width = _name_size(diameter, top, pitch, name)
    room = top - height
    middle_y = -_TITLE_BELOW * diameter if title else 0.0
    middle = min(_STAR * diameter, room - _STAR_GAP * diameter + middle_y)
    free = inner - (_CODE_GAP + _CODE_HEIGHT + _CODE_GAP) * diameter if code else top
    lowest = -(top - height) * math.cos(min(arc / 2 + pitch / 2, math.pi))
    return Layout(
        ring=(outer, inner),
        name=_along_top(name, arc, top - height / 2, width, height),
        code=_along_bottom(code, diameter, inner, 2 * math.pi - arc - pitch),
        title=_across(title, diameter, free if lowest < middle_y + middle else room, middle_y + middle),
        middle=middle,
        middle_y=middle_y,
    )


def _name_arc(count: int) -> float:
    """Return the angle between the middles of the first and the last character: wider for more, up to the full arc."""
    return 0.0 if count == 1 else _FULL_ARC * (1 - math.exp(-(count - 0.4) / _ARC_GROWTH))


def _name_size(diameter: float, top: float, pitch: float, count: int) -> tuple[float, float]:
    """Return height and width of the name's characters, whose feet stand closest together."""
    height = _NAME_HEIGHT * diameter
    if count == 1:
        return height, _WIDEST * height
    narrowest = pitch * _FILL * top / (_NARROWEST + pitch * _FILL)
    height = min(height, narrowest)
    return height, min(_WIDEST * height, pitch * _FILL * (top - height))


def _along_top(count: int, arc: float, radius: float, width: float, height: float) -> tuple[Cell, ...]:
    turns = [0.0] if count == 1 else [arc * (index / (count - 1) - 0.5) for index in range(count)]
    return tuple(Cell(radius * math.sin(turn), -radius * math.cos(turn), turn, width, height) for turn in turns)


def _along_bottom(count: int, diameter: float, inner: float, room: float) -> tuple[Cell, ...]:
    """Place the code line: read from left to right along the bottom, heads towards the centre."""
    if not count:
        return ()
    pitch = min(_CODE_PITCH, (room - 2 * _CODE_MARGIN) / count)
    height = _CODE_HEIGHT * diameter
    radius = inner - _CODE_GAP * diameter - height / 2
    width = min(_CODE_WIDTH * height, pitch * (radius - height / 2) * _FILL)
    turns = [pitch * (index - (count - 1) / 2) for index in range(count)]
    return tuple(Cell(radius * math.sin(turn), radius * math.cos(turn), -turn, width, height) for turn in turns)


def _across(count: int, diameter: float, room: float, below: float) -> tuple[Cell, ...]:
    """Place the title: a straight line under the middle, as wide as the circle of radius `room` allows."""
    if not count:
        return ()
    height = _TITLE_HEIGHT * diameter
    y = below + _STAR_GAP * diameter + height / 2
    half = math.sqrt(max(room**2 - (y + height / 2) ** 2, 0.0))
    width = min(_TITLE_WIDTH * height, 2 * half * _FILL / count)
    lower = min(height, width / _TITLE_NARROWEST)
    y -= (height - lower) / 2
    return tuple(Cell((index - (count - 1) / 2) * width, y, 0.0, width, lower) for index in range(count))
