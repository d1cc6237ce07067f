from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert import cbor
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.ports import Held
from ecert.presentation import Offer, ShownLicence, Taking, redeem
from tests.presentation.samples import AT, ESTATE, FIELDS, IDENTITY, TAKING, offer

SECOND = timedelta(seconds=1)


def test_what_was_put_up_is_redeemed_until_its_time_is_over() -> None:
    held = Held(offer().encode(), None)
    for at in (AT, AT + 59 * SECOND):
        assert redeem(held, at) == offer()
    with pytest.raises(RejectedError) as refused:
        redeem(held, AT + 60 * SECOND)
    assert refused.value.reason is Reason.CODE_EXPIRED


def test_a_used_code_says_where_and_when_it_was_used() -> None:
    with pytest.raises(RejectedError, match="2026-11-25 02:30:05Z, at 浦东3号窗口") as refused:
        redeem(Held(offer().encode(), TAKING.encode()), AT + 10 * SECOND)
    assert refused.value.reason is Reason.CODE_USED


def test_a_code_that_nobody_shows_is_unknown() -> None:
    with pytest.raises(RejectedError) as refused:
        redeem(None, AT)
    assert refused.value.reason is Reason.CODE_UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": AT + timedelta(seconds=61)},
        {"ends_at": AT},
        {"ends_at": AT + timedelta(milliseconds=1500)},
        {"made_at": AT.replace(tzinfo=None)},
        {"licences": ()},
        {"licences": (ShownLicence(IDENTITY), ShownLicence(IDENTITY))},
        {"licences": tuple(ShownLicence(replace(IDENTITY, version=one)) for one in range(1, 18))},
        {"purpose": ""},
        {"purpose": "办" * 201},
        {"holder": "a\nb"},
        {"session": ""},
    ],
)
def test_no_phone_puts_up_what_is_out_of_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        offer(**changes)
    assert refused.value.reason is Reason.DATA_MALFORMED


def test_several_licences_with_what_each_discloses_come_back_from_their_bytes() -> None:
    both = offer(licences=(ShownLicence(IDENTITY, FIELDS), ShownLicence(ESTATE)))
    assert Offer.decode(both.encode()) == both
    assert Taking.decode(TAKING.encode()) == TAKING


@given(st.binary(max_size=300))
def test_any_bytes_of_a_store_are_refused_or_what_they_say(data: bytes) -> None:
    for kind in (Offer, Taking):
        try:
            assert kind.decode(data).encode() == data
        except MalformedError:
            continue


@given(st.data())
def test_a_changed_value_in_a_store_never_comes_back_out_of_bounds(data: st.DataObject) -> None:
    values = cbor.decode(offer().encode(), limit=10_000, reason=Reason.DATA_MALFORMED)
    assert isinstance(values, list)
    at = data.draw(st.integers(0, len(values) - 1))
    values[at] = data.draw(st.one_of(st.integers(0, 2**40), st.text(max_size=300), st.binary(max_size=9), st.none()))
    try:
        found = Offer.decode(cbor.encode(values))
    except MalformedError:
        return
    assert found.ends_at - found.made_at <= timedelta(seconds=60)
    assert len(found.purpose) <= 200
