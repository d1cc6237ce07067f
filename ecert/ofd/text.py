"""Setting text in a box: line breaks as Chinese is set, and a smaller size where a long text would not fit.

Lines break between any two Chinese characters, but none begins with a closing mark or ends with an opening one;
words and numbers in Latin letters stay whole where they can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, Reason
from ecert.ofd.drawing import Run
from ecert.ofd.fonts import ASCENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Box, Colour
    from ecert.ofd.fonts import FontSet

FLOOR: Final = 2.2
"""The smallest size in mm that a text is set in so as to fit: about six points."""

_UNITS: Final = re.compile(r"[（《「『“‘【〔(]*(?:[!-'*-~]+|.)[，。、；：？！）》」』”’】〕％)·]*")
_STEP: Final = 0.96
"""Each try at a smaller size is this part of the one before."""
_TOLERANCE: Final = 1e-6
_WIDOW: Final = 2
_WITHOUT_WIDOW: Final = 0.88


class Align(StrEnum):
    """How a line stands in its box; `spread` spaces its characters over the whole width, as labels are set."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"
    SPREAD = "spread"


class VerticalAlign(StrEnum):
    """How the lines stand in their box."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class Style:
    """How text is set.

    Attributes:
        font: The role of the font, e.g. `song`.
        size: Of the em, in mm.
        colour: Of the characters.
        align: How lines stand.
        valign: How the block of lines stands.
        leading: From line to line, in em.
        spacing: Added after every character, in em.
        smallest: The smallest size a long text may be set in, as a part of `size`.
    """

    font: str
    size: float
    colour: Colour
    align: Align = Align.LEFT
    valign: VerticalAlign = VerticalAlign.MIDDLE
    leading: float = 1.35
    spacing: float = 0.0
    smallest: float = 0.6


def set_text(text: str, style: Style, box: Box, fonts: FontSet) -> tuple[Run, ...]:
    """Set a text in a box, at the largest size not over the style's at which it fits.

    A last line of one or two characters is avoided where a slightly smaller size does without it.

    Raises:
        IssuanceError: LAYOUT_TEXT_TOO_LONG, it does not fit at the smallest size; or no font has a character.
    """
    setter = _Setter(text, style, fonts)
    size, smallest = style.size, style.size * style.smallest
    while size >= smallest:
        lines = setter.fit(size, box)
        if lines is not None:
            may = setter.ends_in_widow(lines) and size * _WITHOUT_WIDOW >= min(smallest, FLOOR)
            smaller = setter.fit(size * _WITHOUT_WIDOW, box) if may else None
            if smaller is not None and len(smaller) < len(lines):
                lines, size = smaller, size * _WITHOUT_WIDOW
            return tuple(setter.place(lines, size, box))
        size *= _STEP
    raise IssuanceError(
        Reason.LAYOUT_TEXT_TOO_LONG, f"a text of {len(text)} characters does not fit {box[2]:g} × {box[3]:g} mm"
    )


def begin_text(text: str, style: Style, box: Box, fonts: FontSet, mark: str = "") -> tuple[tuple[Run, ...], str]:
    """Set as much of a text as a box holds at the style's smallest size, though not below `FLOOR`.

    Args:
        text: All of it.
        style: How it is set; never spread.
        box: Where.
        fonts: In what.
        mark: Ends what was set where something is left.

    Returns:
        What was set, and what is left.

    Raises:
        IssuanceError: no font has a character, or the box does not hold the mark.
    """
    size = max(style.size * style.smallest, min(style.size, FLOOR))
    setter = _Setter(text, style, fonts)
    lines = setter.first_lines(size, box)
    if lines[-1][1] == len(text):
        return tuple(setter.place(lines, size, box)), ""
    cut = setter.cut_for(mark, lines[-1], box[2] / size)
    kept = _Setter(text[:cut] + mark, style, fonts)
    return tuple(kept.place(kept.first_lines(size, box), size, box)), text[cut:].lstrip(" ")


_Line = tuple[int, int]
"""The characters of a line: from the first to before the second index."""


class _Setter:
    """Sets one text; widths are in em."""

    def __init__(self, text: str, style: Style, fonts: FontSet) -> None:
        self._text = text
        self._style = style
        self._font = partial(fonts.face, style.font)
        self._faces = [self._font(character) for character in text]
        advances = (face.advance(character) + style.spacing for face, character in zip(self._faces, text, strict=True))
        self._ends = list(accumulate(advances, initial=0.0))
        self._units = [match.span() for match in _UNITS.finditer(text)]

    def _width(self, start: int, stop: int) -> float:
        """Return the width of characters, without blanks at their end and without the last one's spacing."""
        while stop > start and self._text[stop - 1] == " ":
            stop -= 1
        return self._ends[stop] - self._ends[start] - self._style.spacing

    def fit(self, size: float, box: Box) -> list[_Line] | None:
        """Return the lines that a text takes at a size, or None where they do not fit."""
        width = box[2] / size + _TOLERANCE
        if self._style.align is Align.SPREAD:
            lines = [(0, len(self._text))] if self._width(0, len(self._text)) <= width else []
        else:
            lines = list(self._break(width))
        height = ((len(lines) - 1) * self._style.leading + 1) * size
        return lines if lines and height <= box[3] + _TOLERANCE else None

    def first_lines(self, size: float, box: Box) -> list[_Line]:
        """Return the lines of a text that a box holds at a size, at least one."""
        count = int((box[3] / size - 1 + _TOLERANCE) / self._style.leading) + 1
        return list(self._break(box[2] / size + _TOLERANCE))[: max(count, 1)]

    def cut_for(self, mark: str, line: _Line, width: float) -> int:
        """Return where a text ends so that a mark still fits behind it on its last line."""
        room = width - sum(self._font(one).advance(one) + self._style.spacing for one in mark)
        start, stop = line
        while stop > start and self._width(start, stop) > room:
            stop -= 1
        if stop == start:
            raise IssuanceError(Reason.LAYOUT_TEXT_TOO_LONG, "there is no place for the mark that a text goes on")
        return stop

    def _break(self, width: float) -> Iterator[_Line]:
        line = 0
        for start, stop in self._units:
            if self._width(line, stop) <= width:
                continue
            if start > line and self._width(start, stop) <= width:
                yield line, start
                line = start
                continue
            for at in range(max(start, line + 1), stop):  # longer than a line: it breaks anywhere
                if self._width(line, at + 1) > width:
                    yield line, at
                    line = at
        yield line, len(self._text)

    def ends_in_widow(self, lines: list[_Line]) -> bool:
        start, stop = lines[-1]
        return len(lines) > 1 and stop - start <= _WIDOW

    def place(self, lines: list[_Line], size: float, box: Box) -> Iterator[Run]:
        x, y, width, height = box
        pitch = self._style.leading * size
        slack = height - (len(lines) - 1) * pitch - size
        down = {VerticalAlign.TOP: 0.0, VerticalAlign.MIDDLE: slack / 2, VerticalAlign.BOTTOM: slack}
        baseline = y + down[self._style.valign] + ASCENT * size
        for index, line in enumerate(lines):
            yield from self._place_line(line, size, x, width, baseline + index * pitch)

    def _place_line(self, line: _Line, size: float, x: float, width: float, baseline: float) -> Iterator[Run]:
        style = self._style
        start, stop = line
        spacing = style.spacing * size
        slack = width - self._width(start, stop) * size
        if style.align is Align.SPREAD and stop - start > 1:
            spacing += slack / (stop - start - 1)
        elif style.align is not Align.LEFT:
            x += slack / (1 if style.align is Align.RIGHT else 2)
        for face, group in groupby(range(start, stop), key=self._faces.__getitem__):
            text = "".join(self._text[at] for at in group)
            advances = tuple(face.advance(one) * size + spacing for one in text)
            yield Run(face, text, x, baseline, size, advances)
            x += sum(advances)
