"""Continuation pages (续页): the rest of texts that their place on a licence's page cannot hold.

Each has the licence's name, number and identifier at its head, then each item's name with the rest of its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, Reason
from ecert.ofd import ornament
from ecert.ofd.drawing import Page, PathObject, TextObject
from ecert.ofd.text import FLOOR, Align, Style, VerticalAlign, begin_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecert.licence.fields import FieldValue
    from ecert.ofd.drawing import Box, Colour, PageObject
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.layout import Layout

MARK: Final = "（续见附页）"
"""Ends what stands on the licence's own page."""

_MOST: Final = 20
"""More pages than the longest licence takes."""
_BLACK: Final[Colour] = (29, 26, 22)
_GREY: Final[Colour] = (110, 104, 96)
_WIDE: Final = 190.0
"""Pages narrower than this, in mm, are set smaller."""
_NARROW_SCALE: Final = 0.75
_MARGIN: Final = 20.0
_SEAL: Final = 30.0
"""From the edges of what is printed to the middle of the seal."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of one item's text."""

    name: str
    text: str


def seal_place(layout: Layout) -> tuple[float, float]:
    """Return where the middle of the seal belongs on a continuation page, in mm."""
    sheet = _Sheet(layout)
    return layout.width - sheet.margin - _SEAL, layout.height - sheet.margin - _SEAL


def continue_texts(
    layout: Layout, values: dict[str, FieldValue], rests: Sequence[Rest], fonts: FontSet
) -> Iterator[Page]:
    """Set what is left of texts on pages of their own.

    Args:
        layout: Of the licence; its page's size is theirs, too.
        values: Of the licence.
        rests: What is left, in order.
        fonts: What it is set in.

    Raises:
        IssuanceError: no font has a character, or there is more than `_MOST` pages hold.
    """
    sheet, left = _Sheet(layout), list(rests)
    for number in range(1, _MOST + 1):
        if not left:
            return
        objects = sheet.head(values, number, fonts)
        left = sheet.fill(left, objects, fonts)
        yield Page(layout.width, layout.height, (), tuple(objects))
    raise IssuanceError(Reason.LAYOUT_TEXT_TOO_LONG, f"the texts take more than {_MOST} continuation pages")


class _Sheet:
    """The measures of a continuation page."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._scale = scale = 1.0 if layout.width >= _WIDE else _NARROW_SCALE
        self.margin = _MARGIN * scale
        self._width = layout.width - 2 * self.margin
        self._title = Style("song-bold", 8 * scale, _BLACK, align=Align.CENTER, smallest=1.0)
        self._number = Style("hei", 3.6 * scale, _BLACK, smallest=1.0)
        self._small = Style("hei", max(2.6 * scale, FLOOR), _GREY, smallest=1.0)
        self._foot = Style("hei", max(2.6 * scale, FLOOR), _GREY, align=Align.CENTER, smallest=1.0)
        self._heading = Style("hei-bold", 4.4 * scale, _BLACK, smallest=1.0)
        self._body = Style("song", 4.2 * scale, _BLACK, valign=VerticalAlign.TOP, leading=1.5, smallest=1.0)

    def head(self, values: dict[str, FieldValue], number: int, fonts: FontSet) -> list[PageObject]:
        y, unit = self.margin, self._scale
        lines = (
            (self._title, f"{values.get('certificateName', '')} 附页", 12.0),
            (self._number, f"证照编号 {values.get('certificateNumber', '')}", 7.0),
            (self._small, f"证照标识 {values.get('certificateIdentifier', '')}", 5.0),
        )
        objects: list[PageObject] = []
        for style, text, height in lines:
            objects.append(self._set(text, style, y, height * unit, fonts))
            y += height * unit
        self._top = y + 6 * unit
        rule = ornament.line(self.margin, y + 1, self.margin + self._width, y + 1)
        objects.append(PathObject(rule, stroke=_GREY, width=0.3))
        foot = self._layout.height - self.margin * 0.6
        objects.append(self._set(f"附页 第 {number} 页", self._foot, foot, 4 * unit, fonts))
        return objects

    def fill(self, rests: list[Rest], objects: list[PageObject], fonts: FontSet) -> list[Rest]:
        """Set as much as the page holds; return what is left."""
        y, unit = self._top, self._scale
        bottom = self._layout.height - self.margin
        heading, gap = 8 * unit, 5 * unit
        for index, rest in enumerate(rests):
            room = bottom - y - heading
            if room < 2 * self._body.size * self._body.leading:
                return rests[index:]
            name = self._layout.names.get(rest.name, rest.name)
            objects.append(self._set(f"{name}（续）", self._heading, y, heading, fonts))
            box = (self.margin, y + heading, self._width, room)
            runs, left = begin_text(rest.text, self._body, box, fonts)
            objects.append(TextObject(box, self._body.colour, runs, (rest.name,)))
            if left:
                return [Rest(rest.name, left), *rests[index + 1 :]]
            y = max(run.y for run in runs) + gap
        return []

    def _set(self, text: str, style: Style, y: float, height: float, fonts: FontSet) -> TextObject:
        """Set a line; one that is too long ends with dots: it stands in full elsewhere."""
        box: Box = (self.margin, y, self._width, height)
        runs, _ = begin_text(text, style, box, fonts, "…")
        return TextObject(box, style.colour, runs)
