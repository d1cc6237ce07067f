from __future__ import annotations

import time
from math import log2

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecert.errors import MalformedError, Reason
from ecert.licence.reference import StatusRef
from ecert.revocation import Mark, decode_marks, encode_marks
from ecert.revocation.status import MARKS
from tests.revocation.chains import MILLION, REVOKED, SUSPENDED, VALID_AGAIN, seeded

BYTES = sorted(MARKS.keys() - {0})


@st.composite
def lists(draw: st.DrawFn) -> tuple[dict[int, int], int]:
    covered = draw(st.integers(1, 5000) | st.integers(1, StatusRef.CAPACITY))
    some = draw(st.lists(st.sampled_from(BYTES), min_size=1, max_size=32))
    marks = draw(st.dictionaries(st.integers(0, covered - 1), st.sampled_from(some), max_size=200))
    return marks, covered


@settings(deadline=None)
@given(lists())
@example(({}, 0))
@example((dict.fromkeys(range(1000), REVOKED), 1000))
@example(({index: BYTES[index % len(BYTES)] for index in range(1000)}, 1000))
@example(({StatusRef.CAPACITY - 1: VALID_AGAIN}, StatusRef.CAPACITY))
def test_what_was_written_is_read_back(sample: tuple[dict[int, int], int]) -> None:
    marks, covered = sample
    read = decode_marks(encode_marks(marks, covered), covered)
    assert read == marks
    assert list(read) == sorted(marks)


def assert_one_encoding(data: bytes, covered: int) -> None:
    try:
        marks = decode_marks(data, covered)
    except MalformedError:
        return
    assert encode_marks(marks, covered) == data


@given(st.binary(max_size=64), st.integers(0, 2000) | st.integers(0, StatusRef.CAPACITY))
@settings(max_examples=1000, deadline=None)
def test_any_bytes_are_refused_or_are_the_one_encoding_of_what_they_say(data: bytes, covered: int) -> None:
    assert_one_encoding(data, covered)


@given(lists(), st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=1000, deadline=None)
def test_a_changed_byte_is_refused_or_says_something_else(
    sample: tuple[dict[int, int], int], place: int, flip: int
) -> None:
    marks, covered = sample
    data = bytearray(encode_marks(marks, covered))
    if data:
        data[place % len(data)] ^= flip
        assert_one_encoding(bytes(data), covered)


@settings(deadline=None)
@given(lists(), st.binary(min_size=1, max_size=3))
def test_bytes_behind_are_refused(sample: tuple[dict[int, int], int], tail: bytes) -> None:
    marks, covered = sample
    if marks:
        with pytest.raises(MalformedError):
            decode_marks(encode_marks(marks, covered) + tail, covered)


def test_cut_short_anywhere_is_refused() -> None:
    data = encode_marks(seeded(1, 300, mixed=True), MILLION)
    for length in range(1, len(data)):
        with pytest.raises(MalformedError):
            decode_marks(data[:length], MILLION)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("00", "count"),
        ("8000", "count"),
        ("81 00 07 80", "count"),
        ("ffffffff7f 07 80", "count"),
        ("65 07 80", "101 marks among 100"),
        ("01", "marks do not end"),
        ("01" + "87" * 40, "marks do not end"),
        ("01 00 80", "marks in order"),
        ("01 09 80", "marks in order"),
        ("01 40 80", "marks in order"),
        ("02 87 02 01 01 80", "marks in order"),
        ("02 82 02 01 01 80", "marks in order"),
        ("02 82 07", "complete code"),
        ("02 82 07 01", "complete code"),
        ("02 82 07 00 01 80", "complete code"),
        ("02 82 07 01 02 80", "complete code"),
        ("02 82 07 20 20 80", "complete code"),
        ("02 82 07 01 01 00 00", "cut short among the gaps"),
        ("02 07", "fewer or more bits"),
        ("01 07 00", "cut short among the gaps"),
        ("01 07" + "00" * 200000, "fewer or more bits"),
        ("01 07 03", "left over"),
        ("01 07 02 00", "left over"),
        ("02 82 07 01 01 02 0c", "the code is not the one"),
    ],
)
def test_what_is_not_the_one_encoding_is_refused_for_what_it_is(data: str, what: str) -> None:
    with pytest.raises(MalformedError, match=what) as refusal:
        decode_marks(bytes.fromhex(data), 100)
    assert refusal.value.reason is Reason.STATUS_MALFORMED


def test_an_index_that_is_not_covered_is_named_as_such() -> None:
    data = encode_marks({99: REVOKED, 100: REVOKED}, 100)
    with pytest.raises(MalformedError, match="outside the 100") as refusal:
        decode_marks(data, 100)
    assert refusal.value.reason is Reason.STATUS_INCOMPLETE


def test_a_claim_of_many_marks_takes_no_memory() -> None:
    with pytest.raises(MalformedError, match="fewer or more bits"):
        decode_marks(bytes.fromhex("ffff3f 07 00"), StatusRef.CAPACITY)


def test_the_written_form_stays_as_it_is() -> None:
    """Published bytes: a change here is a change of the wire format."""
    assert encode_marks({}, 1000) == b""
    assert encode_marks({5: REVOKED}, 1000).hex() == "010702c0"
    assert (
        encode_marks({5: REVOKED, 700: SUSPENDED, 701: REVOKED, 999: 0x18}, 1000).hex() == "048287180201020ad802983298"
    )


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_list_of_a_million_is_near_the_least_it_can_be(share: float, *, mixed: bool) -> None:
    count = int(MILLION * share)
    data = encode_marks(seeded(3, count, mixed=mixed), MILLION)
    assert len(data) <= _entropy_bytes(share, mixed=mixed) * (1.05 if mixed else 1.03) + 20


def _entropy_bytes(share: float, *, mixed: bool) -> float:
    """Bytes that a million independent licences take at the least; states 75/10/6/4/3/2 take 1.337 bits each."""
    places = -share * log2(share) - (1 - share) * log2(1 - share)
    return MILLION * (places + (1.337 * share if mixed else 0)) / 8


@pytest.mark.parametrize(("count", "seconds"), [(10_000, 0.03), (50_000, 0.12)])
def test_a_list_of_a_million_is_read_in_a_moment(count: int, seconds: float) -> None:
    data = encode_marks(seeded(4, count, mixed=True), MILLION)
    assert min(_seconds_to_read(data) for _ in range(5)) < seconds


def _seconds_to_read(data: bytes) -> float:
    start = time.perf_counter()
    decode_marks(data, MILLION)
    return time.perf_counter() - start


@given(st.sampled_from(BYTES))
def test_every_mark_has_one_byte(byte: int) -> None:
    assert Mark.unpack(byte).pack() == byte
    assert Mark.unpack(byte).touched
