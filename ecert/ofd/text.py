"""Setting text in a box: line breaks as Chinese is set, and a smaller size where a long text would not fit.

Lines break between any two Chinese characters, but none begins with a closing mark or ends with an opening one;
words and numbers in Latin letters stay whole where they can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, Reason
from ecert.ofd.drawing import Run
from ecert.ofd.fonts import ASCENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Box, Colour
    from ecert.ofd.fonts import FontSet

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
    size = style.size
    while size >= style.size * style.smallest:
        lines = setter.fit(size, box)
        if lines is not None:
            smaller = setter.fit(size * _WITHOUT_WIDOW, box) if setter.ends_in_widow(lines) else None
            if smaller is not None and len(smaller) < len(lines):
                lines, size = smaller, size * _WITHOUT_WIDOW
            return tuple(setter.place(lines, size, box))
        size *= _STEP
    raise IssuanceError(
        Reason.LAYOUT_TEXT_TOO_LONG, f"a text of {len(text)} characters does not fit {box[2]:g} × {box[3]:g} mm"
    )


_Line = tuple[int, int]
"""The characters of a line: from the first to before the second index."""


class _Setter:
    """Sets one text; widths are in em."""

    def __init__(self, text: str, style: Style, fonts: FontSet) -> None:
        self._text = text
        self._style = style
        self._faces = [fonts.face(style.font, character) for character in text]
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
