"""The shipped layouts, each with the demo's licences, and what a layout file may not be."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from ecert.errors import IssuanceError, MalformedError, Reason
from ecert.ofd.compose import compose
from ecert.ofd.drawing import Page, PictureObject, TextObject
from ecert.ofd.items import TextItem
from ecert.ofd.layout import Layout, load_layout

from .licences import BUSINESS, TYPES, document, documents

if TYPE_CHECKING:
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.drawing import Box
    from ecert.ofd.fonts import FontSet

ALL = pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
FILE = files("ecert.licence").joinpath("layouts", "business-licence.json").read_bytes()


def ink(item: TextObject) -> Box:
    """Where the characters of a text really stand."""
    left = min(run.x for run in item.runs)
    right = max(run.x + sum(run.advances[:-1]) + run.size * run.face.shape(run.text[-1]).advance for run in item.runs)
    top = min(run.y - 0.88 * run.size for run in item.runs)
    bottom = max(run.y + 0.12 * run.size for run in item.runs)
    return left, top, right - left, bottom - top


def overlap(one: Box, other: Box) -> bool:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return across > 0.01 and down > 0.01


def boxes(page: Page) -> list[tuple[str, Box]]:
    objects = (*page.template, *page.content)
    texts = [("".join(run.text for run in one.runs), ink(one)) for one in objects if isinstance(one, TextObject)]
    return texts + [(one.items[0], one.box) for one in objects if isinstance(one, PictureObject) and one.items]


@ALL
def test_a_layout_shows_every_item_of_its_type(definition: TypeDefinition) -> None:
    shown = {name for item in load_layout(definition).items if isinstance(item, TextItem) for name in item.names}
    assert shown >= {field.name for field in definition.fields}
    assert shown >= {"certificateHolderName", "certificateIdentifier"}


@ALL
def test_nothing_on_a_page_overlaps_or_leaves_it(definition: TypeDefinition, fonts: FontSet) -> None:
    for one in documents(definition):
        page = compose(one.layout, one.face, fonts)[0]
        found = boxes(page)
        for name, (x, y, w, h) in found:
            assert x >= 0 <= y, name
            assert x + w <= page.width, name
            assert y + h <= page.height, name
        assert [(a[0], b[0]) for a, b in combinations(found, 2) if overlap(a[1], b[1])] == []


@ALL
def test_long_values_are_set_smaller_and_overlap_nothing(definition: TypeDefinition, fonts: FontSet) -> None:
    longer = {field.name: "样例文字，" * 4 for field in definition.fields if field.kind == "text"}
    scopes = {name: "样例文字，" * 50 for name in ("businessScope", "businessItems", "notes") if name in longer}
    one = document(definition, **longer | scopes, certificateHolderName="样例有限公司" * 6)
    found = boxes(compose(one.layout, one.face, fonts)[0])
    assert [(a[0], b[0]) for a, b in combinations(found, 2) if overlap(a[1], b[1])] == []


def test_a_character_that_no_font_has_is_refused_with_its_item(fonts: FontSet) -> None:
    one = document(BUSINESS, legalRepresentative="王\U000e01f0")
    with pytest.raises(IssuanceError) as caught:
        compose(one.layout, one.face, fonts)[0]
    assert caught.value.reason is Reason.LAYOUT_TEXT_UNDRAWABLE
    assert "legalRepresentative" in caught.value.detail
    assert "U+E01F0" in caught.value.detail


def changed(pointer: str, value: Any) -> bytes:
    root = json.loads(FILE)
    *path, last = pointer.split("/")
    node = root
    for step in path:
        node = node[int(step) if isinstance(node, list) else step]
    node[int(last) if isinstance(node, list) else last] = value
    return json.dumps(root).encode()


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("colour", "red"),
        ("type", "营业执照"),
        ("version", 0),
        ("page", [297]),
        ("page", [297, "210"]),
        ("seal", [-1, 0]),
        ("styles/title", []),
        ("styles/title/size", True),
        ("styles/title/size", 1e9),
        ("styles/title/align", "justify"),
        ("styles/title/colour", "#FFFFFF"),
        ("styles/title/weight", "bold"),
        ("items", {}),
        ("items/0", {"ellipse": [0, 0, 1, 1]}),
        ("items/0/depth", 1),
        ("items/0/rect", [0, 0, 1]),
        ("items/5", {"text": "甲", "style": "none", "box": [0, 0, 1, 1]}),
        ("items/5", {"text": "{creditCode:roman}", "style": "title", "box": [0, 0, 1, 1]}),
        ("shortNames/creditCode", "tyshxydm"),
    ],
)
def test_a_mistake_in_a_layout_is_named_by_its_place(pointer: str, value: Any) -> None:
    with pytest.raises(MalformedError) as caught:
        Layout.from_json(changed(pointer, value))
    assert caught.value.reason is Reason.LAYOUT_MALFORMED
    assert caught.value.detail.startswith("/" + pointer.rpartition("/")[0])


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("type", "11100000000013127D001"),
        ("items/5", {"text": "{nothing}", "style": "title", "box": [0, 0, 1, 1]}),
        ("shortNames", {"creditCode": "A"}),
        ("shortNames/creditCode", "LX"),
    ],
)
def test_a_layout_that_does_not_fit_its_type_is_refused(pointer: str, value: Any) -> None:
    layout = Layout.from_json(changed(pointer, value))
    with pytest.raises(MalformedError) as caught:
        layout.check(BUSINESS)
    assert caught.value.reason is Reason.LAYOUT_MALFORMED
