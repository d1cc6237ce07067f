"""How things stand, over HTTP, for whoever may know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.test_service import problem

if TYPE_CHECKING:
    from tests.api.office import Site


def test_a_department_counts_its_own_licences_alone(site: Site) -> None:
    site.region.provinces.issue()
    assert site.call("issuer-clerk", "GET", "/api/v1/overview").json() == {"licences": 1, "in_force": 1, "revoked": 0}
    assert site.call("other-issuer-clerk", "GET", "/api/v1/overview").json()["licences"] == 0
    assert site.call("region-operator", "GET", "/api/v1/overview").json()["licences"] == 1


def test_nobody_learns_anything(site: Site) -> None:
    problem(site.call("", "GET", "/api/v1/overview"), 401, "unauthenticated")
    site.region.keys["stranger"] = type(site.region.keys["issuer-clerk"]).generate()
    problem(site.call("stranger", "GET", "/api/v1/overview"), 401, "request-key-unknown")
