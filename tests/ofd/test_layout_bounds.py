"""No layout, mistaken or hostile, breaks the program or keeps it busy: it is set, or refused with its place."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import IssuanceError, MalformedError, Reason
from ecert.ofd.compose import compose
from ecert.ofd.layout import read_layout

from .licences import BUSINESS, documents

if TYPE_CHECKING:
    from ecert.ofd.fonts import FontSet

SHIPPED = json.loads(files("ecert.licence").joinpath("layouts", "business-licence.json").read_bytes())
STYLE = next(iter(SHIPPED["styles"]))
PAGE = [0, 0, 2000, 2000]
LONG = {"text": "{businessScope}" * 10, "style": STYLE, "box": PAGE}
CELL = {"row": 0, "column": 0}
ENDLESS = {
    "a field of fine waves": [{"waves": PAGE, "pitch": 1}],
    "many fields of waves": [{"waves": PAGE, "pitch": 15}] * 256,
    "many fine borders": [{"frame": PAGE, "band": 1}] * 256,
    "many tables": [{"table": [0, 0], "columns": [9], "rows": [9], "padding": 0, "width": 0.1, "cells": [CELL] * 256}]
    * 3,
    "long texts": [LONG] * 30,
    "waves without a width": [{"waves": [0, 0, 0, 9], "pitch": 1}],
    "a border as narrow as its band": [{"frame": [0, 0, 5, 5], "band": 5}],
    "a number beyond all measure": [{"line": [0, 0, 10**400, 0]}],
}


def layout(items: list[Any]) -> bytes:
    return json.dumps(SHIPPED | {"items": items}).encode()


@pytest.mark.parametrize("items", ENDLESS.values(), ids=ENDLESS)
def test_what_would_be_endless_is_refused_at_once(items: list[Any]) -> None:
    started = time.process_time()
    with pytest.raises(MalformedError) as caught:
        read_layout(layout(items), BUSINESS)
    assert caught.value.reason is Reason.LAYOUT_MALFORMED
    assert caught.value.problems[0].pointer.startswith("/items")
    assert time.process_time() - started < 1


measures = st.integers(0, 2000) | st.floats(0, 2000) | st.just(0)
boxes = st.lists(measures, min_size=4, max_size=4)
items = st.one_of(
    st.fixed_dictionaries({"waves": boxes, "pitch": st.floats(1, 50)}),
    st.fixed_dictionaries({"frame": boxes, "band": st.floats(1, 50)}),
    st.fixed_dictionaries({"rosette": st.lists(measures, min_size=3, max_size=3)}),
    st.fixed_dictionaries({"rect": boxes, "radius": st.floats(0, 100)}),
    st.fixed_dictionaries({"line": boxes}),
    st.fixed_dictionaries({"qr": boxes}),
    st.fixed_dictionaries({"text": st.text(min_size=1, max_size=9), "style": st.just(STYLE), "box": boxes}),
)


@given(st.lists(items, max_size=3))
def test_whatever_is_read_is_set_or_refused(fonts: FontSet, items: list[Any]) -> None:
    with suppress(MalformedError, IssuanceError):
        compose(read_layout(layout(items), BUSINESS), documents(BUSINESS)[0].face, fonts)
