from __future__ import annotations

import timeit
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta

import pytest

from ecert.errors import Reason, RejectedError, UndeterminedError
from ecert.licence.reference import StatusRef
from ecert.revocation import (
    PAGE_SIZE,
    UNTOUCHED,
    Flag,
    ListState,
    Mark,
    MarkPages,
    RegionStatus,
    State,
    StatusEvent,
    StatusPage,
    StatusView,
    replace,
    state_at,
)
from ecert.revocation.view import MAX_PAGES
from tests.revocation.chains import ISSUER, LIST, MILLION, REVOKED, SUSPENDED, VALID_AGAIN, WEEK, seeded
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI

STATUS = RegionStatus(
    region=GUANGDONG,
    sequence=7,
    head=bytes(32),
    issued_at=NOW,
    fresh_until=NOW + WEEK,
    lists={LIST: ListState(1000, MarkPages({1: REVOKED, 5: VALID_AGAIN, 9: 0x32, 999: REVOKED}))},
)
EVENT = StatusEvent(State.REVOKED, NOW, NOW)


def page(number: int = 0, sequence: int = 7, region: str = GUANGDONG) -> StatusPage:
    return StatusPage(region, *LIST, number, sequence, NOW, {number * PAGE_SIZE + 1: (EVENT,)})


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 6, number, hour, tzinfo=UTC)


# One licence.


def test_a_licence_has_the_mark_of_its_index() -> None:
    assert STATUS.mark(ISSUER, StatusRef(0, 0)) is UNTOUCHED
    assert STATUS.mark(ISSUER, StatusRef(0, 1)) == Mark(State.REVOKED)
    assert STATUS.mark(ISSUER, StatusRef(0, 5)) == Mark(State.VALID)
    assert STATUS.mark(ISSUER, StatusRef(0, 9)) == Mark(State.SUSPENDED, Flag.PARENT_CHANGED | Flag.UNDER_DISPUTE)


@pytest.mark.parametrize(
    ("key_id", "reference"),
    [(ISSUER, StatusRef(0, 1000)), (ISSUER, StatusRef(1, 1)), (bytes(8), StatusRef(0, 1))],
)
def test_what_is_not_covered_is_never_good(key_id: bytes, reference: StatusRef) -> None:
    with pytest.raises(UndeterminedError) as refused:
        STATUS.mark(key_id, reference)
    assert refused.value.reason is Reason.STATUS_NOT_COVERED


def test_a_mark_is_looked_up_in_a_moment() -> None:
    listing = ListState(MILLION, MarkPages(seeded(1, 50_000, mixed=True)))
    status = changed(STATUS, lists={LIST: listing})
    reference = StatusRef(0, 999_999)
    seconds = min(timeit.repeat(lambda: status.mark(ISSUER, reference), number=20_000, repeat=5)) / 20_000
    assert seconds < 2e-6
    assert status.memory_bytes() < 1_150_000


def test_a_status_knows_how_many_licences_have_which_mark() -> None:
    more = changed(STATUS, lists={**STATUS.lists, (ISSUER, 1): ListState(5, MarkPages({4: REVOKED}))})
    assert more.counts() == {
        Mark(State.REVOKED): 3,
        Mark(State.VALID): 1,
        Mark(State.SUSPENDED, Flag.PARENT_CHANGED | Flag.UNDER_DISPUTE): 1,
    }


def test_a_status_is_fresh_until_it_says() -> None:
    assert STATUS.is_fresh(NOW + WEEK)
    assert not STATUS.is_fresh(NOW + WEEK + timedelta(seconds=1))
    assert not RegionStatus.beginning(GUANGDONG).is_fresh(NOW)


# A region never goes back.


def test_a_newer_status_replaces_what_is_held() -> None:
    newer = changed(STATUS, sequence=8, head=b"\x01" * 32)
    assert replace(None, STATUS) is STATUS
    assert replace(STATUS, newer) is newer
    assert replace(STATUS, changed(STATUS)) == STATUS


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (changed(STATUS, sequence=6), Reason.STATUS_ROLLBACK),
        (changed(STATUS, head=b"\x01" * 32), Reason.STATUS_ROLLBACK),
        (changed(STATUS, region=SHANGHAI, sequence=8), Reason.STATUS_FOREIGN),
    ],
)
def test_what_is_held_is_not_replaced_by(offered: RegionStatus, reason: Reason) -> None:
    with pytest.raises(RejectedError) as refused:
        replace(STATUS, offered)
    assert refused.value.reason is reason


def test_a_view_holds_one_status_for_each_region() -> None:
    other = changed(STATUS, region=SHANGHAI, sequence=1)
    view = StatusView().replaced(STATUS).replaced(other)
    assert (view.of(GUANGDONG), view.of(SHANGHAI), view.of("110000")) == (STATUS, other, None)
    with pytest.raises(RejectedError):
        view.replaced(changed(STATUS, sequence=6))


# Details.


def test_details_are_found_by_index() -> None:
    view = StatusView().with_page(page()).with_page(page(2))
    assert view.events(GUANGDONG, ISSUER, StatusRef(0, 1)) == (EVENT,)
    assert view.events(GUANGDONG, ISSUER, StatusRef(0, 2)) == ()
    assert view.events(GUANGDONG, ISSUER, StatusRef(0, 2 * PAGE_SIZE + 1)) == (EVENT,)


@pytest.mark.parametrize(
    ("region", "key_id", "reference"),
    [
        (GUANGDONG, ISSUER, StatusRef(0, PAGE_SIZE)),
        (GUANGDONG, ISSUER, StatusRef(1, 1)),
        (GUANGDONG, bytes(8), StatusRef(0, 1)),
        (SHANGHAI, ISSUER, StatusRef(0, 1)),
    ],
)
def test_without_the_page_nothing_is_known_of_the_details(region: str, key_id: bytes, reference: StatusRef) -> None:
    assert StatusView().with_page(page()).events(region, key_id, reference) is None


def test_an_older_page_never_replaces_a_newer_one() -> None:
    view = StatusView().with_page(page(sequence=7))
    assert view.with_page(page(sequence=6)) is view
    assert view.with_page(page(sequence=8)).pages[page().key].sequence == 8


def test_the_pages_taken_last_are_kept() -> None:
    keys = [(number.to_bytes(8, "big"), 0) for number in range(MAX_PAGES)]
    full = StatusView(pages={changed(page(), key_id=key[0]).key: page() for key in keys})
    view = full.with_page(page())
    assert len(view.pages) == MAX_PAGES
    assert (GUANGDONG, keys[0], 0) not in view.pages
    assert (GUANGDONG, keys[1], 0) in view.pages
    assert page().key in view.pages


# Decisions in time.


def event(state: State, since: int, decided: int | None = None, until: int | None = None) -> StatusEvent:
    return StatusEvent(state, day(since), day(decided or since), day(until) if until else None)


SUSPENSION, LIFTED, REVOCATION = event(State.SUSPENDED, 5), event(State.VALID, 10), event(State.REVOKED, 20)


@pytest.mark.parametrize(
    ("at", "state", "rests_on"),
    [
        (day(4, 23), State.VALID, None),
        (day(5), State.SUSPENDED, SUSPENSION),
        (day(9, 23), State.SUSPENDED, SUSPENSION),
        (day(10), State.VALID, LIFTED),
        (day(20), State.REVOKED, REVOCATION),
        (day(30), State.REVOKED, REVOCATION),
    ],
)
def test_the_last_decision_in_effect_rules(at: datetime, state: State, rests_on: StatusEvent | None) -> None:
    assert state_at([SUSPENSION, LIFTED, REVOCATION], at) == (state, rests_on)


def test_a_decision_that_ran_out_leaves_the_one_before_it() -> None:
    first, second = event(State.INACTIVE, 2), event(State.SUSPENDED, 5, until=10)
    assert state_at([first, second], day(9, 23)) == (State.SUSPENDED, second)
    assert state_at([first, second], day(10)) == (State.INACTIVE, first)
    assert state_at([second], day(10)) == (State.VALID, None)


def test_a_later_decision_rules_though_it_reaches_further_back() -> None:
    lifted_from_before = event(State.VALID, 3, decided=8)
    assert state_at([SUSPENSION, lifted_from_before], day(9)) == (State.VALID, lifted_from_before)


@pytest.mark.parametrize("later", [event(State.VALID, 25), event(State.SUSPENDED, 22), event(State.CANCELLED, 25)])
def test_a_licence_that_ended_never_comes_back(later: StatusEvent) -> None:
    assert state_at([REVOCATION, later], day(28)) == (State.REVOKED, REVOCATION)


def test_an_ending_decided_ahead_takes_effect_whatever_is_decided_meanwhile() -> None:
    ahead, meanwhile = event(State.CANCELLED, 20, decided=1), event(State.SUSPENDED, 5)
    assert state_at([ahead, meanwhile], day(6)) == (State.SUSPENDED, meanwhile)
    assert state_at([ahead, meanwhile], day(20)) == (State.CANCELLED, ahead)
    sooner = event(State.REVOKED, 7)
    assert state_at([ahead, meanwhile, sooner], day(21)) == (State.REVOKED, sooner)


def test_only_these_states_can_be_followed_by_another() -> None:
    assert {state for state in State if not state.ends} == {State.VALID, State.INACTIVE, State.SUSPENDED}
    assert State.SUSPENDED.value == SUSPENDED
