from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.qr import decode_text, encode_text
from verifier.keystrokes import undo_keyboard

SEALED = bytes(range(256))
TEXT = encode_text(SEALED, "zz.example")


def widened(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)


@pytest.mark.parametrize(
    ("what", "typed"),
    [
        ("nothing happened to it", TEXT),
        ("CapsLock flipped the case", TEXT.swapcase()),
        ("a Chinese input method widened the punctuation", TEXT.translate({58: "：", 46: "。", 47: "、", 35: "＃"})),
        (
            "another one did it its own way",
            TEXT.translate({58: "：", 46: "．", 47: "／", 42: "＊", 43: "＋", 45: "－"}),
        ),
        ("full-width mode widened everything", widened(TEXT)),
        ("full-width mode and CapsLock", widened(TEXT.swapcase())),
        ("Japanese half-width punctuation", TEXT.translate({46: "｡", 47: "､"})),
        ("Enter at the end", TEXT + "\r\n"),
        ("Tab at the end", TEXT + "\t"),
        ("the gun broke it into lines", "\n".join(TEXT[at : at + 40] for at in range(0, len(TEXT), 40))),
        ("ideographic spaces around it", f"\u3000{TEXT}\u3000"),
        ("start and end of text", f"\x02{TEXT}\x03"),
        ("a chat program's zero-width space", TEXT[:30] + "\u200b" + TEXT[30:] + "\ufeff"),
    ],
)
def test_a_code_is_read_although(what: str, typed: str) -> None:
    assert undo_keyboard(typed) == TEXT, what
    assert decode_text(undo_keyboard(typed)) == SEALED


def test_a_yen_sign_was_a_dollar() -> None:
    assert undo_keyboard("￥1¥2") == "$1$2"


def test_characters_that_no_keyboard_makes_of_a_code_stay_and_are_refused_later() -> None:
    assert undo_keyboard("×一ß") == "×一ß"


@given(st.text(max_size=300))
def test_any_text_comes_out_no_longer_and_a_second_time_unchanged(typed: str) -> None:
    once = undo_keyboard(typed)
    assert len(once) <= len(typed)
    assert undo_keyboard(once) == once


@given(st.binary(max_size=400))
def test_every_code_survives_the_worst_keyboard(sealed: bytes) -> None:
    text = encode_text(sealed, "zz.example")
    broken = "".join(widened(part.swapcase()) + secrets.choice(["", " ", "\n", "\t", "\u3000"]) for part in text)
    assert decode_text(undo_keyboard(broken)) == sealed
