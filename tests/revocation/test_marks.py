from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.licence.reference import StatusRef
from ecert.revocation import UNTOUCHED, Flag, Mark, MarkPages, State
from ecert.revocation.status import MARKS
from tests.revocation.chains import MILLION, REVOKED, SUSPENDED, VALID_AGAIN, seeded

changes = st.dictionaries(
    st.integers(0, 5000) | st.integers(0, StatusRef.CAPACITY - 1), st.sampled_from(sorted(MARKS.keys() - {0}))
)


@settings(deadline=None)
@given(changes, changes)
def test_changes_lie_over_what_was_there(first: dict[int, int], second: dict[int, int]) -> None:
    before = MarkPages(first)
    after = before.with_changes(second)
    assert dict(before.items()) == dict(sorted(first.items()))
    assert list(after.items()) == sorted((first | second).items())
    assert after == MarkPages(first | second)
    assert hash(after) == hash(MarkPages(first | second))
    assert all(after.get(index) == mark for index, mark in (first | second).items())


def test_what_was_never_marked_is_zero() -> None:
    marks = MarkPages({5: REVOKED})
    assert [marks.get(index) for index in (0, 4, 5, 6, 1024, StatusRef.CAPACITY - 1)] == [0, 0, REVOKED, 0, 0, 0]


def test_untouched_pages_are_shared() -> None:
    before = MarkPages(seeded(1, 10_000, mixed=True))
    after = before.with_changes({0: REVOKED, 1: SUSPENDED, 500_000: REVOKED})
    assert sum(after._pages[number] is not before._pages[number] for number in before._pages) == 2


@pytest.mark.parametrize("bad", [0, 9, 0x40, 0x80, 255, 256, -1])
def test_a_change_is_made_whole_or_not_at_all(bad: int) -> None:
    marks = MarkPages({5: REVOKED})
    with pytest.raises(ValueError, match="a mark that is none"):
        marks.with_changes({5: VALID_AGAIN, 6: bad})
    assert marks == MarkPages({5: REVOKED})


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 1])
def test_a_million_licences_take_less_than_two_megabytes(share: float) -> None:
    marks = MarkPages(seeded(2, int(MILLION * share), mixed=True))
    assert marks.memory_bytes() <= 1_150_000


def test_marks_are_counted() -> None:
    assert MarkPages({1: REVOKED, 5000: REVOKED, 9: VALID_AGAIN}).counts() == {REVOKED: 2, VALID_AGAIN: 1}


def test_every_mark_has_a_byte_of_its_own() -> None:
    marks = [UNTOUCHED, *(Mark(state, Flag(flags)) for state in State for flags in range(4))]
    assert len({mark.pack() for mark in marks}) == len(marks) == len(MARKS) == 33
    assert all(Mark.unpack(mark.pack()) == mark for mark in marks)


def test_the_bytes_of_marks_stay_as_they_are() -> None:
    """Published bytes: a change here is a change of the wire format."""
    assert UNTOUCHED.pack() == 0
    assert Mark(State.VALID).pack() == VALID_AGAIN == 8
    assert Mark(State.REVOKED).pack() == 7
    assert Mark(State.VALID, Flag.PARENT_CHANGED).pack() == 0x18
    assert Mark(State.SUSPENDED, Flag.PARENT_CHANGED | Flag.UNDER_DISPUTE).pack() == 0x32


@pytest.mark.parametrize("byte", [9, 15, 0x10, 0x20, 0x40, 0x48, 255])
def test_a_byte_that_is_no_mark_is_refused(byte: int) -> None:
    with pytest.raises(ValueError, match="no mark"):
        Mark.unpack(byte)


def test_what_is_not_plainly_valid_was_touched() -> None:
    with pytest.raises(ValueError, match="touched"):
        Mark(State.REVOKED, touched=False)
    with pytest.raises(ValueError, match="touched"):
        Mark(State.VALID, Flag.UNDER_DISPUTE, touched=False)
