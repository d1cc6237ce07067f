from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.access.principals import Role
from tests.api.office import OTHER, Region, Site, serving
from tests.api.province import Provinces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


ON_BOTH = {"test_actions", "test_interface", "test_licences", "test_overview", "test_seals", "test_tokens"}
"""Modules whose tests all run on a ledger in a file and on one in PostgreSQL; elsewhere those that say so do."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "provinces" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def provinces(request: pytest.FixtureRequest, tmp_path: Path) -> Provinces:
    """Two provinces with ledgers in files, or in PostgreSQL where a test asks for it by parameter."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return Provinces(tmp_path)
    return Provinces(tmp_path, server=request.getfixturevalue("postgresql"))


@pytest.fixture
def region(provinces: Provinces) -> Region:
    """A region with a system and an operator of every role, named by it; those of another department: `other-…`."""
    region = Region(provinces)
    for role in (Role.ISSUER_CLERK, Role.REVIEWER, Role.CATALOGUE_MANAGER, Role.AUDITOR, Role.WINDOW):
        region.add_system(role.value, role)
        region.add_system(f"other-{role.value}", role, department=OTHER)
        region.add_operator(role.value, role)
        region.add_operator(f"other-{role.value}", role, department=OTHER)
    region.add_system(Role.PORTAL.value, Role.PORTAL, department=None)
    region.add_operator(Role.PORTAL.value, Role.PORTAL, department=None)
    region.add_system(Role.REGION_OPERATOR.value, Role.REGION_OPERATOR, department=None)
    region.add_operator(Role.REGION_OPERATOR.value, Role.REGION_OPERATOR, department=None)
    return region


@pytest.fixture
def site(region: Region) -> Iterator[Site]:
    """The issuing service over a real port."""
    with serving(region) as site:
        yield site
