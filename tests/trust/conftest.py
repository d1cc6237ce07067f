"""One country for all tests of the trust registry; its keys are slow to make, and nobody changes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.trust.country import Country

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def country() -> Country:
    return Country(NOW)
