from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ecert.errors import NotFoundError
from ecert.licence.codes import CITIZEN_ID_TYPE
from ecert.matter import Identified, Person
from verifier.matters.drafts import IDLE, MAX_DRAFTS, Draft, Drafts, new_case

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def begun(drafts: Drafts, operator: str, at: datetime) -> str:
    person = Person("王示例", "440000199003070024", CITIZEN_ID_TYPE, Identified.CARD_READER)
    return drafts.open(Draft(new_case(), "11310000DEMH2000154311014001000", operator, person, None, at)).id


def test_a_case_is_its_clerks_until_it_was_idle_too_long() -> None:
    drafts = Drafts()
    case = begun(drafts, "clerk-1", NOW)
    assert drafts.find(case, "clerk-1", NOW + IDLE).id == case
    with pytest.raises(NotFoundError):
        drafts.find(case, "clerk-2", NOW)
    with pytest.raises(NotFoundError):
        drafts.find(case, "clerk-1", NOW + IDLE + SECOND)


def test_cases_that_came_back_after_they_were_pushed_out_are_pushed_out_again() -> None:
    drafts = Drafts()
    first = [drafts.find(begun(drafts, "clerk-1", NOW), "clerk-1", NOW) for _ in range(MAX_DRAFTS)]
    for _ in range(20):
        begun(drafts, "clerk-1", NOW + SECOND)
    for one in first[:20]:
        drafts.change(one, NOW + SECOND)
    begun(drafts, "clerk-1", NOW + SECOND)
    assert len(drafts) == MAX_DRAFTS


def test_a_clerk_who_begins_more_and_more_loses_their_own_and_nobody_elses() -> None:
    drafts = Drafts()
    others = begun(drafts, "clerk-1", NOW)
    mine = [begun(drafts, "clerk-2", NOW + number * SECOND) for number in range(1, MAX_DRAFTS + 10)]
    now = NOW + MAX_DRAFTS * SECOND
    assert drafts.find(others, "clerk-1", now).id == others
    for number, case in enumerate(mine):
        if number < len(mine) - (MAX_DRAFTS - 1):
            with pytest.raises(NotFoundError):
                drafts.find(case, "clerk-2", now)
        else:
            assert drafts.find(case, "clerk-2", now).id == case
