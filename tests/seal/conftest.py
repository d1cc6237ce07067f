from __future__ import annotations

import pytest

from .world import World


@pytest.fixture(scope="session")
def _built() -> World:
    return World.build()


@pytest.fixture
def world(_built: World) -> World:
    """Keys cost time and are made once; what is revoked or certified anew is each test's own."""
    return World(dict(_built.keys), dict(_built.certificates))
