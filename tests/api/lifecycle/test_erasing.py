"""Licences are erased when their type says, and not before: then nothing personal of them opens."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from api.lifecycle.actions import Action
from api.lifecycle.erasing import erase, find_due
from api.service_schema import data_keys, licences, proposals, types
from ecert.licence.identifier import parse_identifier
from ecert.licence.types import find_type
from ecert.revocation import State
from tests.api.lifecycle.motions import CLERK, LICENCES, PROPOSALS, decide, issue, review
from tests.api.lifecycle.test_decisions import audited, both, published
from tests.api.province import now
from tests.api.test_commands import api
from tests.api.test_service import problem

if TYPE_CHECKING:
    from datetime import datetime

    from tests.api.office import Region, Site

KEPT = 30
BUSINESS = find_type("business-licence").code


def keep_for(region: Region, days: int | None, code: str = BUSINESS) -> None:
    sharing = json.dumps({"regions": [], "budgets": [], "retention_days": days})
    with region.ledger() as ledger, ledger.database.transaction():
        ledger.database.run(update(types).where(types.c.code == code).values(sharing=sharing))


def due(region: Region, at: datetime) -> set[str]:
    with region.ledger() as ledger:
        return {one for some in find_due(ledger.database, at) for one in some.identifiers}


def erase_all(region: Region, at: datetime) -> None:
    with region.ledger() as ledger:
        for some in find_due(ledger.database, at):
            erase(ledger.database, some, at)


def revoke(site: Site, made: dict[str, Any]) -> None:
    assert review(site, decide(site, made["key"], Action.REVOKE).json()["proposal"]).status_code == 200


@both
def test_what_has_ended_long_enough_is_erased_and_never_opens_again(site: Site) -> None:
    region, gone, kept = site.region, issue(site), issue(site)
    keep_for(region, KEPT)
    revoke(site, gone)
    assert due(region, now() + timedelta(days=KEPT - 1)) == set()
    later = now() + timedelta(days=KEPT, hours=1)
    assert due(region, later) == {gone["identifier"]}
    erase_all(region, later)
    assert due(region, later) == set()
    problem(site.call(CLERK, "GET", gone["files"]["record"]), 404, "licence-erased")
    assert site.call(CLERK, "GET", kept["files"]["record"]).status_code == 200
    found = site.call(CLERK, "POST", f"{LICENCES}/search", json={"number": "91440106DEMX000498"}).json()["licences"]
    assert [one["identifier"] for one in found] == [kept["identifier"]]
    with region.ledger() as ledger:
        row = ledger.database.run(select(licences).where(licences.c.identifier == gone["identifier"])).one()
        assert (row.summary, row.number_index, row.holder_index) == (None, None, None)
        assert list(ledger.database.run(select(data_keys.c.identifier)).scalars()) == [kept["identifier"]]
        assert ledger.database.run(select(proposals.c.content)).scalar_one() == b""
        assert ledger.history(parse_identifier(gone["identifier"]))
    assert ("licence.erase", gone["identifier"]) in audited(site)
    assert published(site, gone).state is State.REVOKED


def test_a_type_that_says_nothing_keeps_its_licences(site: Site) -> None:
    revoke(site, issue(site))
    assert due(site.region, now() + timedelta(days=36500)) == set()


def test_what_is_only_suspended_is_kept_and_what_has_expired_is_not(site: Site) -> None:
    suspended, food = issue(site), issue(site, "food-business-licence")
    for code in (BUSINESS, find_type("food-business-licence").code):
        keep_for(site.region, KEPT, code)
    decide(site, suspended["key"], Action.SUSPEND)
    assert due(site.region, now() + timedelta(days=10)) == set()
    assert due(site.region, now() + timedelta(days=3650)) == {food["identifier"]}


def test_what_waits_about_an_erased_licence_lapses(site: Site) -> None:
    food = issue(site, "food-business-licence")
    keep_for(site.region, KEPT, find_type("food-business-licence").code)
    key = decide(site, food["key"], Action.REVOKE).json()["proposal"]
    erase_all(site.region, now() + timedelta(days=3650))
    shown = site.call(CLERK, "GET", f"{PROPOSALS}/{key}").json()
    assert (shown["state"], shown["content"]) == ("lapsed", {})
    assert site.console(CLERK).get(f"/console/proposals/{key}").status_code == 200
    assert site.console(CLERK).get("/console/proposals").status_code == 200


@pytest.mark.parametrize("dry", [True, False])
def test_the_command_says_what_it_erased(site: Site, dry: bool) -> None:  # noqa: FBT001
    made = issue(site, "food-business-licence")
    code = find_type("food-business-licence").code
    keep_for(site.region, 1, code)
    with site.region.ledger() as ledger, ledger.database.transaction():
        long_ago = now().date() - timedelta(days=9)
        ledger.database.run(update(licences).values(expiring=long_ago))
    arguments = ["erase", "--ledger", site.region.provinces.ledger(), "--json", *(["--dry-run"] if dry else [])]
    assert json.loads(api(*arguments)[0]) == {"type": code, "days": 1, "licences": 1}
    assert due(site.region, now()) == ({made["identifier"]} if dry else set())
