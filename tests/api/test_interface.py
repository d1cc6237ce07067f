"""The interface is what its OpenAPI says, whatever is sent to it, and its page shows all of it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.access.permissions import PERMISSIONS
from api.access.principals import Role
from tests.api.access.test_tokens import ask
from tests.api.access.test_walk import Things

if TYPE_CHECKING:
    from tests.api.office import Site

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 15
"""Requests to each operation: enough to find something, few enough to be sent every time."""
OF_DEPARTMENT = frozenset({Role.ISSUER_CLERK, Role.REVIEWER, Role.CATALOGUE_MANAGER, Role.AUDITOR, Role.WINDOW})
OF_REGION = frozenset({Role.REGION_OPERATOR, Role.AUDITOR, Role.PORTAL})
ENDLESS = "followBatch"
"""Goes on for as long as the batch does: asked only for what is not there."""


class Tried:
    """Sends requests to one operation after the other, about things that are there and things that are not."""

    def __init__(self, site: Site) -> None:
        self.things = Things(site)
        site.region.add_system("department", *OF_DEPARTMENT, rate=1_000_000)
        site.region.add_system(
            "region", Role.REGION_OPERATOR, Role.AUDITOR, Role.PORTAL, department=None, rate=1_000_000
        )
        self.tokens = {who: ask(site, who).json()["access_token"] for who in ("department", "region")}
        self.statuses: dict[str, set[int]] = {}
        self.wrong: list[str] = []

    def operation(self, operation: Any) -> None:
        name = operation.definition.raw["operationId"]
        statuses = self.statuses.setdefault(name, set())
        names = {} if name == ENDLESS else self.things.names(operation.path) | {"name": "record.bin"}
        who = "department" if PERMISSIONS.get(name, {}).keys() & OF_DEPARTMENT else "region"
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if name in PERMISSIONS else {}

        @seed(7)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), there=st.booleans())
        def send(case: Any, *, there: bool) -> None:
            if there:
                case.path_parameters = {**case.path_parameters, **_known(case.path_parameters, names)}
                headers["Idempotency-Key"] = secrets.token_urlsafe(12)
            statuses.add(case.call_and_validate(headers=headers, checks=CHECKS, timeout=20).status_code)

        try:
            send()
        except BaseExceptionGroup as group:
            self.wrong += [f"{operation.label}: {one}" for one in group.exceptions]


def _known(parameters: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in names.items() if name in parameters}


def test_whatever_is_sent_the_answers_are_what_the_description_says(site: Site) -> None:
    schema = schemathesis.openapi.from_url(f"{site.client.base_url}/api/v1/openapi.json")
    tried = Tried(site)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        tried.operation(found.ok())
    assert not tried.wrong, "\n\n".join(tried.wrong)
    assert PERMISSIONS.keys() <= tried.statuses.keys()
    reads = {name for name in PERMISSIONS if name.startswith(("read", "list", "find")) and name != "readBatchResult"}
    assert {name for name in reads if 200 not in tried.statuses[name]} == set()


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(site: Site) -> None:
    page = site.client.get("/api/v1/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    for paths in site.client.get("/api/v1/openapi.json").json()["paths"].values():
        for said in paths.values():
            assert f'id="{said["operationId"]}"' in page.text
    assert "//" not in page.text.replace("http://www.w3.org", "").partition("<main")[0]
