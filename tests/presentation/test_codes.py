from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import MalformedError, Reason
from ecert.licence.identifier import parse_identifier
from ecert.presentation import AuthCode, Binding, CodeKind, DynamicCode, Offer, read_code
from ecert.qr import ALPHABET, decode_text, encode_text
from tests.presentation.samples import IDENTITY
from tests.world import HOST, World
from verifier.keystrokes import undo_keyboard

VECTORS = json.loads((Path(__file__).parents[2] / "docs/vectors/presenting.json").read_text("utf-8"))


def dynamic(text: str) -> DynamicCode:
    kind, data = read_code(text)
    assert kind is CodeKind.DYNAMIC
    return DynamicCode.decode(data)


def outcome(text: str) -> DynamicCode | Reason:
    try:
        return dynamic(text)
    except MalformedError as error:
        return error.reason


@given(st.binary(min_size=16, max_size=16), st.sampled_from(["440000", "310000", "110000", "659001"]))
def test_a_dynamic_code_comes_back_in_any_case_and_through_a_scanner_gun(token: bytes, region: str) -> None:
    code = DynamicCode(region, token)
    text = code.text("zz.example")
    assert dynamic(text) == dynamic(text.lower()) == dynamic(undo_keyboard(text.lower() + "\r\n")) == code
    assert dynamic(undo_keyboard(text.replace(":", "：").replace("/", "、").replace(".", "。"))) == code


def test_the_three_codes_are_told_apart_by_their_text_alone() -> None:
    face = World().issue().text(HOST)
    code = DynamicCode.draw("440000", secrets.token_bytes)
    assert read_code(face) == (CodeKind.FACE, decode_text(face))
    assert read_code(code.text(HOST))[0] is CodeKind.DYNAMIC
    assert read_code(encode_text(b"x", HOST, "O")) == (CodeKind.OFFLINE, b"x")
    for text, reason in (
        (encode_text(b"x", HOST, "Z"), Reason.NOT_A_LICENCE_TEXT),
        ("https://zz.example/d?#AAA", Reason.NOT_A_LICENCE_TEXT),
        ("http://zz.example/d#AAA", Reason.NOT_A_LICENCE_TEXT),
        ("https://zz.example/d#A", Reason.TEXT_DAMAGED),
    ):
        with pytest.raises(MalformedError) as refused:
            read_code(text)
        assert refused.value.reason is reason


def test_a_dynamic_code_is_not_taken_for_the_code_on_a_face_nor_the_other_way_round() -> None:
    code = DynamicCode.draw("440000", secrets.token_bytes)
    with pytest.raises(MalformedError, match="one of a phone"):
        decode_text(code.text(HOST))
    with pytest.raises(MalformedError) as refused:
        DynamicCode.decode(decode_text(World().issue().text(HOST)))
    assert refused.value.reason is Reason.TEXT_DAMAGED


def test_every_misread_character_of_a_dynamic_code_is_noticed() -> None:
    text = DynamicCode("440000", bytes(range(16))).text(HOST)
    start = text.index("#") + 1
    mistakes = [
        text[:at] + character + text[at + 1 :]
        for at in range(start, len(text))
        for character in ALPHABET
        if character != text[at]
    ]
    found = [outcome(mistake) for mistake in mistakes]
    assert len(found) - found.count(Reason.TEXT_DAMAGED) <= 2  # 16 bits of check over some 1,300 mistakes


def test_a_cut_or_lengthened_dynamic_code_is_damaged() -> None:
    text = DynamicCode("440000", bytes(16)).text(HOST)
    for other in (text[:-1], text[:-2], text[:-3], text + "0", text + "000", text[: text.index("#") + 1]):
        with pytest.raises(MalformedError) as refused:
            dynamic(other)
        assert refused.value.reason is Reason.TEXT_DAMAGED


def test_what_a_store_keeps_does_not_show_the_code() -> None:
    code = DynamicCode.draw("440000", secrets.token_bytes)
    assert len(code.key) == 32
    assert code.token not in code.key
    assert code.key != DynamicCode("310000", code.token).key


@given(st.binary(max_size=40))
def test_any_bytes_are_a_code_or_damaged(data: bytes) -> None:
    text = encode_text(data, HOST, "D")
    found = outcome(text)
    assert found is Reason.TEXT_DAMAGED or (isinstance(found, DynamicCode) and found.text(HOST) == text)


@pytest.mark.parametrize("case", VECTORS["dynamic"], ids=lambda case: case["name"])
def test_published_dynamic_codes(case: dict[str, str]) -> None:
    if "reason" in case:
        with pytest.raises(MalformedError) as refused:
            dynamic(case["text"])
        assert refused.value.reason == case["reason"]
        return
    code = dynamic(case["text"])
    assert (code.region, code.token.hex(), code.key.hex()) == (case["region"], case["token"], case["key"])
    assert code.text(case["host"]) == case["text"]


@pytest.mark.parametrize("case", VECTORS["kinds"], ids=lambda case: case["name"])
def test_published_texts_of_every_kind(case: dict[str, str]) -> None:
    kind, data = read_code(case["text"])
    assert (kind.value, data.hex()) == (case["kind"], case["bytes"])


@pytest.mark.parametrize("case", VECTORS["authCodes"], ids=lambda case: case["name"])
def test_published_auth_codes(case: dict[str, str]) -> None:
    binding = Binding(case["requester"], parse_identifier(case["licence"]), case["itemCode"], case["purpose"])
    assert AuthCode.parse(case["code"]).is_for(binding) is bool(case["bound"])


def test_the_published_offer_is_read() -> None:
    case = VECTORS["offer"]
    offer = Offer.decode(bytes.fromhex(case["bytes"]))
    assert offer.encode().hex() == case["bytes"]
    assert (offer.purpose, [one.identifier.text for one in offer.licences]) == (case["purpose"], case["licences"])


@given(st.binary(min_size=16, max_size=16))
def test_an_auth_code_is_bound_to_every_part_of_its_use(random: bytes) -> None:
    binding = Binding("11310000DEMH10023M", IDENTITY, "SH-1", "办理")
    code = AuthCode.parse(AuthCode.draw(binding, lambda _: random).text)
    assert code.is_for(binding)
    for other in (
        Binding("11440000DEMG100223", IDENTITY, "SH-1", "办理"),
        Binding("11310000DEMH10023M", IDENTITY.next_version(), "SH-1", "办理"),
        Binding("11310000DEMH10023M", IDENTITY, "SH-2", "办理"),
        Binding("11310000DEMH10023M", IDENTITY, "SH-1", "查询"),
    ):
        assert not code.is_for(other)


@pytest.mark.parametrize("text", ["", "A" * 39, "A" * 41, "a" * 40, "1" * 40, "A" * 39 + "=", "A" * 39 + "\n"])
def test_what_is_no_auth_code_is_refused(text: str) -> None:
    with pytest.raises(MalformedError) as refused:
        AuthCode.parse(text)
    assert refused.value.reason is Reason.TEXT_DAMAGED


def test_the_example_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[2] / "docs/presenting.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    subprocess.run([sys.executable, "-c", example], check=True, timeout=60)
