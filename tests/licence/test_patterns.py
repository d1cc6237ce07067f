"""Patterns that could keep the engine busy are none."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.licence.patterns import LONGEST, is_harmless
from ecert.licence.types import load_catalogue

HARMLESS = (
    "[0-9]{4}-[0-9]{6}",
    "(?:A[123]|B[12]|[DEFMNP]){1,6}",
    "[一-鿿][A-HJ-NP-Z][0-9]{5,6}",
    r"\d+(?:\.\d{1,2})?",
    r"第[0-9]+号\(临\)",
    "",
)
HARMFUL = (
    "(?:a+)+b",
    "(?:a|a)*b",
    "(?:a?){40}a{40}",
    "a?" * 60 + "a" * 60,
    "(?:a|a)" * 30 + "b",
    "a*a*b",
    "(?:(?:a{0,50}){0,50}){0,50}b",
)
FOREIGN = (
    "(a)",
    "(?=a)",
    r"(?:a)\1",
    "^a",
    "a$",
    "a{,3}",
    "a{3",
    "a**",
    "[a",
    "[]a]",
    "a)",
    "(?:a",
    "a{2001}",
    r"\b",
    "a{3,2}",
)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_definitions_need_is_taken(pattern: str) -> None:
    assert is_harmless(pattern)
    re.compile(pattern)


def test_so_is_every_pattern_that_is_shipped() -> None:
    patterns = [field.pattern for one in load_catalogue().values() for field in one.fields if field.pattern]
    assert patterns
    assert all(map(is_harmless, patterns))


@pytest.mark.parametrize("pattern", HARMFUL)
def test_what_may_take_for_ever_is_refused(pattern: str) -> None:
    assert not is_harmless(pattern)


@pytest.mark.parametrize("pattern", FOREIGN)
def test_what_is_not_needed_is_refused(pattern: str) -> None:
    assert not is_harmless(pattern)


@given(st.text("a|(?:)+*{}0123,[]-.", max_size=40))
def test_whatever_is_taken_is_quick_on_the_worst_of_texts(pattern: str) -> None:
    if not is_harmless(pattern):
        return
    started = time.process_time()
    re.compile(pattern).fullmatch("a" * LONGEST + "!")
    assert time.process_time() - started < 2
