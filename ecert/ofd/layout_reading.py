"""Reading what stands in a layout file: values, styles and items, within bounds.

Whoever writes a layout may be mistaken, or worse: no layout that is read can make a page endless work.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ecert.licence.codes import Phrase
from ecert.licence.strict_json import AN_OBJECT, Node, malformed, one_of, pointer
from ecert.ofd import ornament
from ecert.ofd.items import PLACEHOLDER, EmblemItem, Item, PathItem, PortraitItem, QrItem, TextItem
from ecert.ofd.text import Align, Style, VerticalAlign
from ecert.ofd.values import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecert.ofd.drawing import Box, Colour

MAX_DRAWN: Final = 512
"""The most texts, paths and pictures on a page; a cell of a table is two."""
MAX_PATHS: Final = 1024 * 1024
"""The longest paths in all, in characters."""

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_FONT: Final = re.compile(r"[a-z][a-z-]{0,31}")
_LARGEST: Final = 2000.0
_MOST_WAVES: Final = 20_000
_KINDS: Final = ("text", "table", "qr", "portrait", "emblem", "line", "rect", "frame", "waves", "rosette")
_FEW_ITEMS: Final = Phrase(
    f"at most {MAX_DRAWN} texts, paths and pictures, and {MAX_PATHS} characters of paths",
    f"至多 {MAX_DRAWN} 项文字、图形和图片，图形路径合计至多 {MAX_PATHS} 字符",
)
_FEW_WAVES: Final = Phrase(
    f"a pitch with 1 to {_MOST_WAVES} squares of it in the box", f"间距在框内分出 1 至 {_MOST_WAVES} 格"
)


class LayoutNode(Node):
    """Reads the kinds of value that only layouts have; as `Node`, every method raises with a JSON Pointer."""

    __slots__ = ()

    def measure(self, key: str, low: float = 0.0, high: float = _LARGEST) -> float:
        """Take a number."""
        return _number(*self._take(key), low, high)

    def measures(self, key: str, count: int | None = None) -> tuple[float, ...]:
        """Take a list of numbers: `count` of them, or at least one."""
        numbers = tuple(_number(value, at, 0.0, _LARGEST) for value, at in self._list(key))
        if not numbers or count not in (None, len(numbers)):
            raise malformed(
                self.at + pointer(key), Phrase(f"a list of {count or 'some'} numbers", f"{count or '若干'}个数的列表")
            )
        return numbers

    def box(self, key: str) -> Box:
        """Take a box: left, top, width, height."""
        x, y, w, h = self.measures(key, 4)
        return x, y, w, h

    def colour(self, key: str) -> Colour | None:
        """Take a colour; None where there is none."""
        if not self.has(key):
            return None
        text = self.text(key, _COLOUR)
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)

    def nodes(self, key: str) -> Iterator[LayoutNode]:
        """Take a list of objects."""
        return (LayoutNode(value, at) for value, at in self._list(key))

    def named(self, key: str) -> Iterator[tuple[str, LayoutNode]]:
        """Take an object of objects."""
        value, at = self._take(key)
        if not isinstance(value, dict):
            raise malformed(at, AN_OBJECT)
        return ((name, LayoutNode(one, at + pointer(name))) for name, one in value.items())

    def names(self, key: str, form: re.Pattern[str]) -> dict[str, str]:
        """Take an object of texts."""
        value, at = self._take(key)
        if not isinstance(value, dict):
            raise malformed(at, AN_OBJECT)
        node = Node(value, at)
        return {name: node.text(name, form) for name in value}


def _number(value: object, at: str, low: float, high: float) -> float:
    """Return a number; compared before it is made a float, since an integer can be too large for one."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise malformed(at, Phrase(f"a number from {low:g} to {high:g}", f"{low:g} 至 {high:g} 的数"))
    return float(value)


def bounded(items: Iterator[Item]) -> Iterator[Item]:
    """Yield items as long as no page with them would be endless work.

    Raises:
        MalformedError: there are more than `MAX_DRAWN`, or more than `MAX_PATHS` of paths.
    """
    length = 0
    for number, item in enumerate(items):
        length += len(item.path) if isinstance(item, PathItem) else 0
        if number >= MAX_DRAWN or length > MAX_PATHS:
            raise malformed("/items", _FEW_ITEMS)
        yield item


def read_style(node: LayoutNode) -> Style:
    """Read a style of texts.

    Raises:
        MalformedError: it is none.
    """
    plain = Style(node.text("font", _FONT), node.measure("size", 0.5, 100), node.colour("colour") or (0, 0, 0))
    style = replace(
        plain,
        align=node.one_of("align", Align) if node.has("align") else plain.align,
        valign=node.one_of("valign", VerticalAlign) if node.has("valign") else plain.valign,
        leading=node.measure("leading", 0.5, 10) if node.has("leading") else plain.leading,
        spacing=node.measure("spacing", 0, 10) if node.has("spacing") else plain.spacing,
        smallest=node.measure("smallest", 0.1, 1) if node.has("smallest") else plain.smallest,
    )
    node.end()
    return style


def read_item(node: LayoutNode, styles: Mapping[str, Style]) -> Iterator[Item]:
    """Read an item; a table is many.

    Raises:
        MalformedError: it is none, or names a style that is not there.
    """
    kind = next((key for key in _KINDS if node.has(key)), None)
    match kind:
        case "text":
            yield _read_text(node, styles, node.box("box"))
        case "table":
            yield from _read_table(node, styles)
        case "qr":
            yield QrItem(node.box("qr"))
        case "portrait":
            yield PortraitItem(node.box("portrait"))
        case "emblem":
            yield EmblemItem(node.box("emblem"))
        case None:
            raise malformed(node.at, one_of(_KINDS))
        case _:
            yield _paint(node, _read_path(node, kind))
    node.end()


def _read_path(node: LayoutNode, kind: str) -> str:
    match kind:
        case "line":
            return ornament.line(*node.measures("line", 4))
        case "rect":
            return _read_rectangle(node)
        case "frame":
            return _read_frame(node)
        case "waves":
            return _read_waves(node)
        case _:
            return ornament.rosette(*node.measures("rosette", 3))


def _read_frame(node: LayoutNode) -> str:
    box, band = node.box("frame"), node.measure("band", 1, 50)
    if min(box[2:]) <= 2 * band:
        raise malformed(node.at + pointer("frame"), Phrase("more than twice the band each way", "宽高各大于两倍花边宽"))
    return ornament.frame(box, band)


def _read_waves(node: LayoutNode) -> str:
    box, pitch = node.box("waves"), node.measure("pitch", 1, 50)
    across, down = box[2] / pitch, box[3] / pitch
    if min(across, down) < 1 or across * down > _MOST_WAVES:
        raise malformed(node.at + pointer("pitch"), _FEW_WAVES)
    return ornament.waves(box, pitch)


def _read_rectangle(node: LayoutNode) -> str:
    return ornament.rectangle(node.box("rect"), node.measure("radius", 0, 100) if node.has("radius") else 0.0)


def _paint(node: LayoutNode, path: str) -> PathItem:
    width = node.measure("width", 0.01, 10) if node.has("width") else 0.25
    return PathItem(path, node.colour("fill"), node.colour("stroke"), width)


def _read_text(node: Node, styles: Mapping[str, Style], box: Box) -> TextItem:
    text, name = node.text("text"), node.text("style")
    if name not in styles:
        raise malformed(node.at + pointer("style"), one_of(styles))
    if any(match[2] is not None and match[2] not in FORMATS for match in PLACEHOLDER.finditer(text)):
        expected = Phrase(f"a format out of {', '.join(FORMATS)}", f"写法为 {'、'.join(FORMATS)} 之一")
        raise malformed(node.at + pointer("text"), expected)
    return TextItem(text, styles[name], box)


def _read_table(node: LayoutNode, styles: Mapping[str, Style]) -> Iterator[Item]:
    """Read a table: a ruled rectangle and a text for each cell, `cells` row by row; `span` merges columns or rows."""
    x, y = node.measures("table", 2)
    columns, rows = node.measures("columns"), node.measures("rows")
    padding = node.measure("padding", 0, 20)
    stroke, width = node.colour("stroke"), node.measure("width", 0.01, 10)
    for cell in node.nodes("cells"):
        row, column = cell.whole("row", 0, len(rows) - 1), cell.whole("column", 0, len(columns) - 1)
        across = cell.whole("columns", 1, len(columns) - column) if cell.has("columns") else 1
        down = cell.whole("rows", 1, len(rows) - row) if cell.has("rows") else 1
        left, top = x + sum(columns[:column]), y + sum(rows[:row])
        w, h = sum(columns[column : column + across]), sum(rows[row : row + down])
        yield PathItem(ornament.rectangle((left, top, w, h)), None, stroke, width)
        if cell.has("text"):
            inner = (left + padding, top + padding / 2, w - 2 * padding, h - padding)
            yield _read_text(cell, styles, inner)
        cell.end()
