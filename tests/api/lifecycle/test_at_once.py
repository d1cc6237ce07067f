"""Several people at the same licence at the same moment: one of them decides, the others are told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2
from sqlalchemy import func, select

from api.lifecycle.actions import Action
from api.schema import completions, decisions
from tests.api.lifecycle.motions import PROPOSALS, REVIEWER, decide, issue, make_version
from tests.api.lifecycle.test_decisions import both, state
from tests.api.lifecycle.test_versions import changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.office import Site

MANY = 6


def at_once(site: Site, work: Callable[[Site], httpx2.Response]) -> list[int]:
    """Do the same several times at once, each over a connection of its own; return the statuses, sorted."""

    def one(_: int) -> int:
        with httpx2.Client(base_url=site.client.base_url, timeout=60, trust_env=False) as client:
            return work(replace(site, client=client)).status_code

    with ThreadPoolExecutor(MANY) as threads:
        return sorted(threads.map(one, range(MANY)))


def count(site: Site) -> tuple[int, int]:
    with site.region.ledger() as ledger:
        issued = ledger.database.number(select(func.count()).select_from(completions))
        return issued, ledger.database.number(select(func.count()).select_from(decisions))


@both
def test_one_of_many_approvals_carries_it_out(site: Site) -> None:
    made = issue(site)
    path = f"{PROPOSALS}/{decide(site, made['key'], Action.REVOKE).json()['proposal']}"
    tag = {"If-Match": site.call(REVIEWER, "GET", path).headers["etag"]}
    statuses = at_once(site, lambda site: site.call(REVIEWER, "POST", f"{path}/approve", json={}, headers=tag))
    assert statuses == [200] + [409] * (MANY - 1)
    assert (state(site, made), count(site)) == ("revoked", (1, 1))


@both
def test_one_of_many_versions_takes_the_place_of_a_licence(site: Site) -> None:
    made, application = issue(site), changed(site)
    statuses = at_once(site, lambda site: make_version(site, made["key"], Action.CHANGE, application))
    assert statuses == [201] + [409] * (MANY - 1)
    assert (state(site, made), count(site)) == ("superseded", (2, 1))


@both
def test_one_of_many_proposals_waits(site: Site) -> None:
    made = issue(site)
    statuses = at_once(site, lambda site: decide(site, made["key"], Action.REVOKE))
    assert statuses == [202] + [409] * (MANY - 1)
