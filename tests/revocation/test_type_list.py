"""The signed catalogue: what is read back, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert import cbor, envelope
from ecert.errors import EcertError, MalformedError, Reason
from ecert.licence.types import load_catalogue
from ecert.revocation.seal_list import SealStatusList, seal_seal_list
from ecert.revocation.type_list import (
    MAX_SHARING,
    ListedBudget,
    ListedState,
    ListedType,
    TypeList,
    load_type_list,
    seal_type_list,
)
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI, Country

STATUS = f"status-{GUANGDONG}"
CODES = sorted(load_catalogue())
ONE = ListedType(
    CODES[0],
    1,
    ListedState.DISABLED,
    NOW - timedelta(days=9),
    b"d" * 32,
    b"l" * 32,
    ("310000", "440100"),
    (ListedBudget(None, 86400, 3600), ListedBudget("M-1", None, 300)),
)
TYPES = (ONE, replace(ONE, version=2, state=ListedState.PUBLISHED, regions=(), budgets=()), replace(ONE, code=CODES[1]))
LISTING = TypeList(GUANGDONG, 7, NOW, NOW + timedelta(days=1), TYPES)


@pytest.fixture(scope="module")
def country() -> Country:
    return Country()


def sealed(country: Country, signer: str = STATUS, **changes: Any) -> bytes:
    return seal_type_list(replace(LISTING, **changes), country.keys[signer])


def refusal(data: bytes, country: Country, held: TypeList | None = None) -> Reason:
    with pytest.raises(EcertError) as caught:
        load_type_list(data, country.registry(), now=NOW, held=held)
    return caught.value.reason


def test_a_list_reads_back(country: Country) -> None:
    assert load_type_list(sealed(country), country.registry(), now=NOW, held=LISTING) == LISTING
    assert LISTING.find(CODES[0], 2) == TYPES[1]
    assert LISTING.find(CODES[1], 2) is None
    assert LISTING.is_fresh(NOW + timedelta(days=1))
    assert not LISTING.is_fresh(NOW + timedelta(days=1, seconds=1))


def test_only_the_regions_status_key_speaks_for_it_and_never_backwards(country: Country) -> None:
    assert refusal(sealed(country, f"status-{SHANGHAI}"), country) is Reason.STATUS_FOREIGN
    assert refusal(sealed(country, GUANGDONG), country) is Reason.STATUS_SIGNATURE_BAD
    assert refusal(sealed(country, sequence=6), country, LISTING) is Reason.STATUS_ROLLBACK
    assert refusal(sealed(country, types=TYPES[:2]), country, LISTING) is Reason.STATUS_ROLLBACK
    assert refusal(sealed(country, issued_at=NOW + timedelta(hours=1)), country) is Reason.STATUS_FROM_FUTURE
    seals = SealStatusList(GUANGDONG, 7, NOW, NOW + timedelta(days=1), {})
    assert refusal(seal_seal_list(seals, country.keys[STATUS]), country) is Reason.STATUS_MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"types": TYPES[::-1]},
        {"types": (ONE, ONE)},
        {"types": (replace(ONE, code="x"),)},
        {"types": (replace(ONE, version=0),)},
        {"types": (replace(ONE, definition=b"short"),)},
        {"types": (replace(ONE, regions=("99",)),)},
        {"types": (replace(ONE, regions=("310000",) * (MAX_SHARING + 1)),)},
        {"fresh_until": NOW - timedelta(days=1)},
    ],
)
def test_a_list_that_nobody_would_read_is_not_signed(country: Country, changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        sealed(country, **changes)


def test_no_changed_byte_verifies(country: Country) -> None:
    data, registry = sealed(country), country.registry()
    for at in range(0, len(data), 7):
        with pytest.raises(EcertError):
            load_type_list(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], registry, now=NOW)


@given(st.recursive(st.none() | st.integers(0, 99) | st.text(max_size=9) | st.binary(max_size=33), st.lists))
def test_any_signed_value_is_a_list_or_malformed(country: Country, value: Any) -> None:
    at = int(NOW.timestamp())
    payload = cbor.encode([int(GUANGDONG), at, 1, at, value])
    signed = envelope.seal(envelope.Kind.TYPE_LIST, payload, country.keys[STATUS]).encode()
    with suppress(MalformedError):
        assert load_type_list(signed, country.registry(), now=NOW).types == ()
