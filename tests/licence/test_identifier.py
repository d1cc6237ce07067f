"""GB/T 36904 identifiers: public ones, and what must be refused."""

from __future__ import annotations

import contextlib
import secrets

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecert.errors import CustodyError, MalformedError, Reason
from ecert.licence.identifier import SERIAL_LENGTH, Identifier, new_serial, parse_identifier

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Met in public documents and systems; the last is computed by hand.
PUBLIC = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
    "1.2.156.3005.2.11100000MB0341032Y002.11420503087246977F.0123456789ABCDEFGHIJ.001.2",
]
REGION_AS_ISSUER = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
DOCUMENTATION_EXAMPLE = "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M"
GOOD = PUBLIC[0]

identifiers = st.builds(
    Identifier,
    type_code=st.sampled_from(["11100000000013338W011", "11100000MB0341032Y001"]),
    issuer_code=st.sampled_from(["11430000006122244L", "11220000013544541J"]),
    serial=st.text(ALPHABET, min_size=1, max_size=32),
    version=st.integers(1, 999),
)


def refusal(text: str, *, lenient: bool = False) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        parse_identifier(text, lenient=lenient)
    return caught.value


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_identifier_is_read_and_written_back(text: str) -> None:
    assert parse_identifier(text).text == str(parse_identifier(text, lenient=True)) == text


def test_segments_land_in_their_places() -> None:
    identifier = parse_identifier(GOOD)
    assert identifier == Identifier("11100000000013338W011", "11430000006122244L", "20230000403", 1)
    assert identifier.check_character == "U"


def test_a_region_code_as_issuer_is_read_leniently_and_refused_strictly() -> None:
    assert parse_identifier(REGION_AS_ISSUER, lenient=True).issuer_code == "340100"
    error = refusal(REGION_AS_ISSUER)
    assert error.reason is Reason.IDENTIFIER_MALFORMED
    assert "issuer code" in error.detail


@pytest.mark.parametrize("lenient", [False, True])
def test_the_wrong_check_character_of_a_documentation_example_is_found(*, lenient: bool) -> None:
    error = refusal(DOCUMENTATION_EXAMPLE, lenient=lenient)
    assert error.reason is Reason.IDENTIFIER_CHECK_CHARACTER
    assert error.detail == "the check character is M, the rest computes to D"


def test_a_defining_body_without_valid_credit_code_is_refused_strictly() -> None:
    text = Identifier("11100000000013338X011", "11430000006122244L", "1", 1).text
    assert "type code" in refusal(text).detail
    assert parse_identifier(text, lenient=True).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("3005", "3003"),
        GOOD.removeprefix("1.2.156.3005.2."),
        GOOD.lower(),
        GOOD + "\n",
        " " + GOOD,
        GOOD + ".1",
        GOOD.removesuffix(".U"),
        GOOD.replace(".U", "."),
        GOOD.replace(".001.", ".01."),
        GOOD.replace(".001.", ".000."),
        GOOD.replace(".001.", ".００１."),  # full-width digits
        GOOD.replace("W011", "WO11"),
        GOOD.replace("20230000403", ""),
        GOOD.replace("20230000403", "1" * 33),
        GOOD.replace("20230000403", "a1"),
        GOOD.replace("11430000006122244L", "11430"),
        GOOD.replace("11430000006122244L", "11430000006122244L0"),
        GOOD + "0" * 200,
    ],
)
def test_another_shape_is_malformed_in_both_forms(text: str) -> None:
    assert refusal(text).reason is Reason.IDENTIFIER_MALFORMED
    assert refusal(text, lenient=True).reason is Reason.IDENTIFIER_MALFORMED


@given(identifiers)
def test_parsing_the_text_gives_the_identifier_back(identifier: Identifier) -> None:
    assert parse_identifier(identifier.text) == identifier


@given(identifiers, st.data())
def test_no_single_wrong_character_goes_unnoticed(identifier: Identifier, data: st.DataObject) -> None:
    text = identifier.text
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET + "."))
    assume(other != text[at])
    assert refusal(text[:at] + other + text[at + 1 :], lenient=True).reason in {
        Reason.IDENTIFIER_MALFORMED,
        Reason.IDENTIFIER_CHECK_CHARACTER,
    }


@given(st.text(max_size=140))
def test_any_text_is_an_identifier_or_malformed(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert parse_identifier(text).text == text


def test_the_next_version_keeps_the_serial_until_999() -> None:
    identifier = parse_identifier(GOOD)
    assert identifier.next_version() == Identifier(identifier.type_code, identifier.issuer_code, identifier.serial, 2)
    last = Identifier(identifier.type_code, identifier.issuer_code, identifier.serial, 999)
    with pytest.raises(MalformedError, match="version"):
        last.next_version()


def test_a_serial_is_twenty_characters_of_the_alphabet() -> None:
    serial = new_serial(secrets.token_bytes)
    assert len(serial) == SERIAL_LENGTH
    assert set(serial) <= set(ALPHABET)
    assert serial != new_serial(secrets.token_bytes)


def test_bytes_that_would_favour_some_characters_are_thrown_away() -> None:
    draws = iter([bytes([255, 254, 253, 252] * 5), bytes(range(36, 56)), b""])
    assert new_serial(lambda _: next(draws)) == ALPHABET[:20]


def test_a_stuck_random_source_is_an_error_and_not_a_loop() -> None:
    with pytest.raises(CustodyError):
        new_serial(lambda n: b"\xff" * n)
