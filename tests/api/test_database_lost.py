"""When the database goes away, callers are told to come back; when it is there again, everything goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from tests.api.province import GUANGDONG
from tests.api.test_service import problem

if TYPE_CHECKING:
    from tests.api.office import Site

OVERVIEW = "/api/v1/overview"


def let_in(site: Site, *, allowed: bool) -> None:
    """Let nobody into the ledger's database any more, or everybody again."""
    server = site.region.provinces.server
    assert server is not None
    name = sql.Identifier(f"ledger-{GUANGDONG}")
    with psycopg.connect(server.address("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, sql.Literal(allowed)))
        if not allowed:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ended, [f"ledger-{GUANGDONG}"])


@pytest.mark.parametrize("provinces", ["postgresql"], indirect=True)
def test_callers_wait_while_the_database_is_away(site: Site) -> None:
    site.region.provinces.publish()
    assert site.call("issuer-clerk", "GET", OVERVIEW).status_code == 200
    assert site.client.get("/readyz").json()["database"] is True
    let_in(site, allowed=False)
    try:
        # A connection that was closed answers once; the next question finds that there is none to be had.
        answers = [site.call("issuer-clerk", "GET", OVERVIEW) for _ in range(8)]
        assert answers[-1].headers["retry-after"] == "5"
        problem(answers[-1], 503, "busy")
        ready = site.client.get("/readyz")
        assert (ready.status_code, ready.json()["database"]) == (503, False)
    finally:
        let_in(site, allowed=True)
    answers = [site.call("issuer-clerk", "GET", OVERVIEW) for _ in range(8)]
    assert answers[-1].status_code == 200
    assert site.client.get("/readyz").json()["database"] is True
