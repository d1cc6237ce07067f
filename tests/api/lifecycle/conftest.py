from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.access.principals import Role

if TYPE_CHECKING:
    from tests.api.office import Region


@pytest.fixture
def region(region: Region) -> Region:
    """A region with somebody, besides, who is a clerk and a reviewer: `both`."""
    for add in (region.add_system, region.add_operator):
        add("both", Role.ISSUER_CLERK, Role.REVIEWER)
    return region
