"""Definitions as they are kept: the same value, and legible."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.catalogue.writing import write
from ecert.errors import MalformedError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_what_was_written_is_read_back(value: object) -> None:
    assert json.loads(write(value)) == value


def test_a_shipped_layout_has_one_item_a_line() -> None:
    shipped = files("ecert.licence").joinpath("layouts", "business-licence.json").read_bytes()
    written = write(json.loads(shipped)).decode()
    assert max(map(len, written.splitlines())) <= 125
    assert len(written.splitlines()) < 2 * len(shipped.splitlines())


def test_what_is_nested_too_deep_is_refused() -> None:
    value: object = 0
    for _ in range(5_000):
        value = [value]
    with pytest.raises(MalformedError):
        write(value)
