"""Setting text: what stays together, what gives way, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import IssuanceError, Reason
from ecert.ofd.fonts import FontFace, FontSet
from ecert.ofd.text import Align, Style, VerticalAlign, set_text
from tests.seal.fonts import small_font

if TYPE_CHECKING:
    from ecert.ofd.drawing import Run

LETTERS = "甲乙丙丁戊"
CLOSING, OPENING = "，。；：？！）》", "（《"
DIGITS = "0123456789"
SET = FontSet({"song": FontFace(small_font(*LETTERS, *CLOSING, *OPENING, *DIGITS, " "))})
STYLE = Style("song", 4.0, (0, 0, 0), leading=1.5, smallest=0.5)
"""Every character is half an em wide: 2 mm."""


def lines(runs: tuple[Run, ...]) -> list[str]:
    found: dict[float, str] = {}
    for run in runs:
        found[run.y] = found.get(run.y, "") + run.text
    return list(found.values())


@given(st.text(st.sampled_from(LETTERS + DIGITS), min_size=1, max_size=60), st.floats(9, 60))
def test_every_character_is_set_in_order_within_the_box(text: str, width: float) -> None:
    box = (10.0, 20.0, width, 60.0)
    runs = set_text(text, replace(STYLE, valign=VerticalAlign.TOP), box, SET)
    assert "".join(run.text for run in runs) == text
    for run in runs:
        assert run.x >= box[0] - 1e-6
        assert run.x + sum(run.advances) <= box[0] + box[2] + 1e-4
        assert box[1] <= run.y <= box[1] + box[3]


@given(st.text(st.sampled_from(LETTERS), min_size=1, max_size=8), st.sampled_from(CLOSING), st.floats(8.1, 40))
def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(text: str, mark: str, width: float) -> None:
    runs = set_text(f"{text}{mark}《{text}》" * 2, STYLE, (0.0, 0.0, width, 80.0), SET)
    for line in lines(runs):
        assert line[0] not in CLOSING
        assert line[-1] not in OPENING


def test_a_number_is_not_broken_where_a_line_has_room_for_it() -> None:
    assert lines(set_text("甲乙丙20260101", STYLE, (0.0, 0.0, 20.0, 20.0), SET)) == ["甲乙丙", "20260101"]


def test_a_number_longer_than_a_line_is_broken() -> None:
    assert "".join(lines(set_text(DIGITS * 3, STYLE, (0.0, 0.0, 9.0, 60.0), SET))) == DIGITS * 3


def test_a_text_too_long_for_its_size_is_set_smaller_and_at_last_refused() -> None:
    box = (0.0, 0.0, 20.0, 4.0)
    assert set_text("甲" * 10, STYLE, box, SET)[0].size == 4
    assert 2 <= set_text("甲" * 18, STYLE, box, SET)[0].size < 4
    with pytest.raises(IssuanceError) as caught:
        set_text("甲" * 60, STYLE, box, SET)
    assert caught.value.reason is Reason.LAYOUT_TEXT_TOO_LONG


@pytest.mark.parametrize(("align", "start"), [(Align.LEFT, 10), (Align.CENTER, 18), (Align.RIGHT, 26)])
def test_a_line_stands_where_its_alignment_says(align: Align, start: float) -> None:
    (run,) = set_text("甲乙", replace(STYLE, align=align), (10.0, 0.0, 20.0, 4.0), SET)
    assert run.x == pytest.approx(start)


def test_a_spread_text_reaches_from_edge_to_edge() -> None:
    (run,) = set_text("甲乙丙", replace(STYLE, align=Align.SPREAD), (10.0, 0.0, 20.0, 4.0), SET)
    assert run.x == pytest.approx(10)
    assert run.x + sum(run.advances[:-1]) + 2 == pytest.approx(30)


def test_a_character_no_font_has_is_refused_by_name() -> None:
    with pytest.raises(IssuanceError) as caught:
        set_text("甲𰻝", STYLE, (0.0, 0.0, 20.0, 4.0), SET)
    assert caught.value.reason is Reason.LAYOUT_TEXT_UNDRAWABLE
    assert "𰻝 (U+30EDD)" in caught.value.detail


def test_a_rare_character_is_set_in_the_fallback_font() -> None:
    rare = FontFace(small_font("𰻝", family="Rare"))
    runs = set_text("甲𰻝乙", STYLE, (0.0, 0.0, 20.0, 4.0), FontSet({"song": SET.face("song", "甲")}, [rare]))
    assert [run.text for run in runs] == ["甲", "𰻝", "乙"]
    assert [run.face is rare for run in runs] == [False, True, False]


def test_a_role_without_a_font_is_refused() -> None:
    with pytest.raises(IssuanceError) as caught:
        set_text("甲", replace(STYLE, font="kai"), (0.0, 0.0, 20.0, 4.0), SET)
    assert caught.value.reason is Reason.LAYOUT_FONT_UNUSABLE


@pytest.mark.parametrize("data", [b"", b"not a font", b"ttcf" + bytes(40), b"OTTO" + b"\xff" * 64])
def test_what_is_no_font_is_refused(data: bytes) -> None:
    with pytest.raises(IssuanceError) as caught:
        FontFace(data)
    assert caught.value.reason is Reason.LAYOUT_FONT_UNUSABLE
