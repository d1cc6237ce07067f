from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.revocation.chains import Publisher
from tests.revocation.small_country import Country

if TYPE_CHECKING:
    from ecert.trust import Registry


@pytest.fixture(scope="module")
def country() -> Country:
    return Country()


@pytest.fixture
def registry(country: Country) -> Registry:
    country.revoked.clear()
    return country.registry()


@pytest.fixture
def publisher(country: Country) -> Publisher:
    country.revoked.clear()
    return Publisher(country)
