from __future__ import annotations

import pytest

from .world import World


@pytest.fixture(scope="session")
def _built() -> World:
    return World.build()


@pytest.fixture
def world(_built: World) -> World:
    """The PKI is built once, for keys cost time; the clock is each test's own."""
    return World(_built.root, _built.region, _built.department_key, _built.department, strangers=_built.strangers)
