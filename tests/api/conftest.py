from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.province import Provinces

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def provinces(tmp_path: Path) -> Provinces:
    return Provinces(tmp_path)
