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
from ecert.licence.strict_json import decode_json, malformed
from ecert.ofd.items import PortraitItem, TextItem
from ecert.ofd.layout_reading import LayoutNode, bounded, read_item, read_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.licence.types import TypeDefinition
    from ecert.ofd.items import Item

MAX_LAYOUT: Final = 256 * 1024
"""The longest layout file in bytes."""
MAX_CHARACTERS: Final = 100_000
"""The most characters that the texts of a page can have in all, each value as long as it may be."""

_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_SHORT_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{0,31}")
_SMALLEST: Final = 10.0
_EACH_NAMED: Final = Phrase(
    "a short name for every type-specific item, and no other", "每个照面项各有一个短名，别无其他"
)
_FEW_CHARACTERS: Final = Phrase(
    f"texts of at most {MAX_CHARACTERS} characters in all, values as long as they may be",
    f"各项取最长值时，文字合计至多 {MAX_CHARACTERS} 字",
)
_NAMED_ONCE: Final = Phrase("each short name once", "短名互不相同")
_METADATA: Final = frozenset(item.name for item in METADATA if item.name)


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

    @property
    def shows_portrait(self) -> bool:
        """Whether the page has a place for the holder's portrait."""
        return any(isinstance(item, PortraitItem) for item in self.items)

    @classmethod
    def from_json(cls, data: bytes) -> Layout:
        """Read a layout file: UTF-8 JSON, at most 256 KiB, no unknown key.

        Raises:
            MalformedError: LAYOUT_MALFORMED; the detail names the JSON Pointer of the first mistake.
        """
        try:
            return _read_layout(LayoutNode(decode_json(data, MAX_LAYOUT)))
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
            ("/items", _FEW_CHARACTERS, self._characters(definition) > MAX_CHARACTERS),
            ("/shortNames", _EACH_NAMED, set(self.short_names) != fields),
            ("/shortNames", _NAMED_ONCE, len(set(names)) != len(names)),
        )
        for at, expected, wrong in problems:
            if wrong:
                problem = FieldProblem(at, expected.en, expected.zh)
                raise MalformedError(Reason.LAYOUT_MALFORMED, f"{at}: expected {expected.en}", (problem,))

    def _characters(self, definition: TypeDefinition) -> int:
        """Return how many characters its texts have in all when each value is as long as it may be."""
        longest = {item.name: item.max_length for item in METADATA} | {
            one.name: one.max_length for one in definition.fields
        }
        texts = (item for item in self.items if isinstance(item, TextItem))
        return sum(len(one.text) + sum(longest.get(name, 0) for name in one.names) for one in texts)


def _read_layout(root: LayoutNode) -> Layout:
    code, version = root.text("type", _CODE), root.whole("version", 1, 65535)
    width, height = root.measures("page", 2)
    if min(width, height) < _SMALLEST:
        raise malformed("/page", Phrase(f"at least {_SMALLEST:g} mm each way", f"宽高各至少 {_SMALLEST:g} 毫米"))
    seal_x, seal_y = root.measures("seal", 2)
    styles = {name: read_style(node) for name, node in root.named("styles")}
    items = tuple(bounded(item for node in root.nodes("items") for item in read_item(node, styles)))
    short_names = root.names("shortNames", _SHORT_NAME)
    root.end()
    return Layout(code, version, width, height, (seal_x, seal_y), items, short_names)


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
