from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.province import Provinces

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def provinces(request: pytest.FixtureRequest, tmp_path: Path) -> Provinces:
    """Two provinces with ledgers in files, or in PostgreSQL where a test asks for it by parameter."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return Provinces(tmp_path)
    return Provinces(tmp_path, server=request.getfixturevalue("postgresql"))
