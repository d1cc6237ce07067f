from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecert.cli.fonts import load_fonts
from ecert.errors import IssuanceError
from tests.seal.world import World

if TYPE_CHECKING:
    from ecert.ofd.fonts import FontSet


@pytest.fixture(scope="session")
def fonts() -> FontSet:
    try:
        return load_fonts()
    except IssuanceError as error:
        pytest.skip(error.detail)


@pytest.fixture(scope="session")
def world() -> World:
    return World.build()
