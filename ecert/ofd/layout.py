"""Layouts: how the face of a licence type is set on its page, as data; one JSON file for each type.

A layout has a page size, named text styles, and items that are drawn in order. `docs/layouts.md` shows how to write
one. Texts may hold `{name}` or `{name:format}` for the value of a data item, by its JSON name: a metadata item of
GB/T 36903, or a type-specific item. Items with such a value differ from licence to licence; all others are the same on
every licence of the type. All measures are in mm, from the top left corner of the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from ecert.errors import FieldProblem, MalformedError, NotFoundError, Reason
from ecert.licence.codes import Phrase
from ecert.licence.metadata import METADATA
from ecert.licence.strict_json import AN_OBJECT, Node, decode_json, malformed, one_of, pointer
from ecert.ofd import ornament
from ecert.ofd.text import Align, Style, VerticalAlign
from ecert.ofd.values import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecert.licence.types import TypeDefinition
    from ecert.ofd.drawing import Box, Colour

MAX_LAYOUT: Final = 256 * 1024
"""The longest layout file in bytes."""
PLACEHOLDER: Final = re.compile(r"\{([a-z][0-9A-Za-z]*)(?::([a-z]+))?\}")
"""A value inside a text: the item's name, and how it is written."""

_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_FONT: Final = re.compile(r"[a-z][a-z-]{0,31}")
_SHORT_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{0,31}")
_LARGEST: Final = 2000.0
_KINDS: Final = ("text", "table", "qr", "portrait", "emblem", "line", "rect", "frame", "waves", "rosette")
_EACH_NAMED: Final = Phrase(
    "a short name for every type-specific item, and no other", "每个照面项各有一个短名，别无其他"
)
_NAMED_ONCE: Final = Phrase("each short name once", "短名互不相同")
_METADATA: Final = frozenset(item.name for item in METADATA if item.name)


@dataclass(frozen=True, slots=True)
class TextItem:
    """A text with or without values, set in a box."""

    text: str
    style: Style
    box: Box

    @property
    def names(self) -> tuple[str, ...]:
        """The data items whose values it shows, in order."""
        return tuple(match[1] for match in PLACEHOLDER.finditer(self.text))

    @property
    def may_continue(self) -> bool:
        """Whether it may go on on another page: it ends with its one value, as that stands."""
        found = list(PLACEHOLDER.finditer(self.text))
        ends = len(found) == 1 and found[0].end() == len(self.text) and found[0][2] is None
        return ends and self.style.align is not Align.SPREAD


@dataclass(frozen=True, slots=True)
class PathItem:
    """A line, rectangle or ornament; `path` as in `PathObject`."""

    path: str
    fill: Colour | None
    stroke: Colour | None
    width: float


@dataclass(frozen=True, slots=True)
class QrItem:
    """The place of the QR code."""

    box: Box


@dataclass(frozen=True, slots=True)
class PortraitItem:
    """The place of the holder's portrait."""

    box: Box


@dataclass(frozen=True, slots=True)
class EmblemItem:
    """The place of the emblem that a deployment may supply."""

    box: Box


Item = TextItem | PathItem | QrItem | PortraitItem | EmblemItem


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How licences of a type look. One that is read twice is two: templates are kept by identity.

    Attributes:
        type_code: 证照类型代码 of the type.
        version: Of this layout, 1 to 65535.
        width: Of the page.
        height: Of the page.
        seal: Where the middle of the seal stands.
        items: What is drawn, in order.
        short_names: Short names in files of the type-specific items, by their JSON names, without `KZ_`.
        names: What the data items are called in Chinese, by their JSON names; known once it is a type's.
    """

    type_code: str
    version: int
    width: float
    height: float
    seal: tuple[float, float]
    items: tuple[Item, ...]
    short_names: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: bytes) -> Layout:
        """Read a layout file: UTF-8 JSON, at most 256 KiB, no unknown key.

        Raises:
            MalformedError: LAYOUT_MALFORMED; the detail names the JSON Pointer of the first mistake.
        """
        try:
            return _read_layout(_LayoutNode(decode_json(data, MAX_LAYOUT)))
        except MalformedError as error:
            raise MalformedError(Reason.LAYOUT_MALFORMED, error.detail, error.problems) from error

    def check(self, definition: TypeDefinition) -> None:
        """Hold the layout against its type: it shows only items that the type has, and every one has a short name.

        Raises:
            MalformedError: LAYOUT_MALFORMED; it says what does not fit.
        """
        fields = {field.name for field in definition.fields}
        shown = {name for item in self.items if isinstance(item, TextItem) for name in item.names}
        names = list(self.short_names.values())
        strange = ", ".join(sorted(shown - fields - _METADATA))
        problems = (
            ("/type", Phrase("the code of its type", "所属证照类型的代码"), self.type_code != definition.code),
            ("/items", Phrase(f"items of the type, not {strange}", f"该类型有的项，没有 {strange}"), bool(strange)),
            ("/shortNames", _EACH_NAMED, set(self.short_names) != fields),
            ("/shortNames", _NAMED_ONCE, len(set(names)) != len(names)),
        )
        for at, expected, wrong in problems:
            if wrong:
                problem = FieldProblem(at, expected.en, expected.zh)
                raise MalformedError(Reason.LAYOUT_MALFORMED, f"{at}: expected {expected.en}", (problem,))


class _LayoutNode(Node):
    """Reads the kinds of value that only layouts have."""

    __slots__ = ()

    def measure(self, key: str, low: float = 0.0, high: float = _LARGEST) -> float:
        value, at = self._take(key)
        if not _is_number(value) or not low <= float(value) <= high:  # type: ignore[arg-type]
            raise malformed(at, _number_within(low, high))
        return float(value)  # type: ignore[arg-type]

    def measures(self, key: str, count: int | None = None) -> tuple[float, ...]:
        """Take a list of numbers: `count` of them, or at least one."""
        numbers = tuple((value, at) for value, at in self._list(key))
        for value, at in numbers:
            if not _is_number(value) or not 0 <= float(value) <= _LARGEST:  # type: ignore[arg-type]
                raise malformed(at, _number_within(0, _LARGEST))
        if not numbers or count not in (None, len(numbers)):
            raise malformed(
                self.at + pointer(key), Phrase(f"a list of {count or 'some'} numbers", f"{count or '若干'}个数的列表")
            )
        return tuple(float(value) for value, _ in numbers)  # type: ignore[arg-type]

    def box(self, key: str) -> Box:
        x, y, w, h = self.measures(key, 4)
        return x, y, w, h

    def colour(self, key: str) -> Colour | None:
        if not self.has(key):
            return None
        text = self.text(key, _COLOUR)
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)

    def nodes(self, key: str) -> Iterator[_LayoutNode]:
        return (_LayoutNode(value, at) for value, at in self._list(key))

    def named(self, key: str) -> Iterator[tuple[str, _LayoutNode]]:
        """Take an object of objects."""
        value, at = self._take(key)
        if not isinstance(value, dict):
            raise malformed(at, AN_OBJECT)
        return ((name, _LayoutNode(one, at + pointer(name))) for name, one in value.items())

    def names(self, key: str, form: re.Pattern[str]) -> dict[str, str]:
        """Take an object of texts."""
        value, at = self._take(key)
        if not isinstance(value, dict):
            raise malformed(at, AN_OBJECT)
        node = Node(value, at)
        return {name: node.text(name, form) for name in value}


def _number_within(low: float, high: float) -> Phrase:
    return Phrase(f"a number from {low:g} to {high:g}", f"{low:g} 至 {high:g} 的数")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_layout(root: _LayoutNode) -> Layout:
    code, version = root.text("type", _CODE), root.whole("version", 1, 65535)
    width, height = root.measures("page", 2)
    seal_x, seal_y = root.measures("seal", 2)
    styles = {name: _read_style(node) for name, node in root.named("styles")}
    items = tuple(item for node in root.nodes("items") for item in _read_item(node, styles))
    short_names = root.names("shortNames", _SHORT_NAME)
    root.end()
    return Layout(code, version, width, height, (seal_x, seal_y), items, short_names)


def _read_style(node: _LayoutNode) -> Style:
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


def _read_item(node: _LayoutNode, styles: Mapping[str, Style]) -> Iterator[Item]:
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


def _read_path(node: _LayoutNode, kind: str) -> str:
    match kind:
        case "line":
            return ornament.line(*node.measures("line", 4))
        case "rect":
            return _read_rectangle(node)
        case "frame":
            return ornament.frame(node.box("frame"), node.measure("band", 1, 50))
        case "waves":
            return ornament.waves(node.box("waves"), node.measure("pitch", 1, 50))
        case _:
            return ornament.rosette(*node.measures("rosette", 3))


def _read_rectangle(node: _LayoutNode) -> str:
    return ornament.rectangle(node.box("rect"), node.measure("radius", 0, 100) if node.has("radius") else 0.0)


def _paint(node: _LayoutNode, path: str) -> PathItem:
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


def _read_table(node: _LayoutNode, styles: Mapping[str, Style]) -> Iterator[Item]:
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


@cache
def load_layout(definition: TypeDefinition) -> Layout:
    """Return the layout shipped for a type.

    Raises:
        NotFoundError: TYPE_UNKNOWN; none is shipped.
        MalformedError: LAYOUT_MALFORMED; the shipped file is damaged.
    """
    path = files("ecert.licence").joinpath("layouts", f"{definition.slug}.json")
    if not path.is_file():
        raise NotFoundError(Reason.TYPE_UNKNOWN, f"no layout is shipped for {definition.slug}")
    return read_layout(path.read_bytes(), definition)


def read_layout(data: bytes, definition: TypeDefinition) -> Layout:
    """Read the layout of a type.

    Raises:
        MalformedError: LAYOUT_MALFORMED; it is none, or names what the type does not have.
    """
    layout = Layout.from_json(data)
    layout.check(definition)
    names = {item.name: item.zh for item in METADATA if item.name} | {one.name: one.zh for one in definition.fields}
    return replace(layout, names=names)
