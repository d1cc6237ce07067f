"""Versions of a licence: what says something else takes the old one's place in one step, paper and all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
from sqlalchemy import func, select, text

from api.lifecycle.actions import Action
from api.schema import completions, intents
from api.service_schema import licences
from api.settings import DepartmentSettings
from ecert.licence.identifier import parse_identifier
from ecert.licence.validity import CHINA, china_day
from ecert.revocation import State
from tests.api.lifecycle.motions import CLERK, LICENCES, decide, issue, make_version, review
from tests.api.lifecycle.test_decisions import audited, both, published, state
from tests.api.office import DEPARTMENT, SEAL, serving
from tests.api.province import now
from tests.api.test_service import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.office import Region, Site

FOOD = "food-business-licence"
BREAKS = "CREATE TRIGGER breaks BEFORE UPDATE ON idempotency BEGIN SELECT RAISE(ABORT, 'the last step fails'); END"


def changed(site: Site) -> dict[str, Any]:
    application = site.region.application()
    return application | {"extendInfo": application["extendInfo"] | {"domicile": "广东省广州市天河区样例路1号"}}


@both
def test_a_change_seals_a_new_version_and_ends_the_old_one(site: Site) -> None:
    made = issue(site, paper_serial="粤A1")
    answer = make_version(site, made["key"], Action.CHANGE, changed(site), paper_serial="粤A2")
    assert answer.status_code == 201, answer.text
    said = answer.json()
    old, new = parse_identifier(made["identifier"]), parse_identifier(said["version"]["identifier"])
    assert (said["state"], new.serial, new.version) == ("superseded", old.serial, 2)
    read = site.call(CLERK, "GET", f"{LICENCES}/{said['version']['key']}").json()
    assert (read["state"], read["paper_serial"]) == ("valid", "粤A2")
    before = site.call(CLERK, "GET", f"{LICENCES}/{made['key']}").json()
    assert (before["state"], before["paper_serial"]) == ("superseded", "粤A1")
    assert published(site, made).state is State.SUPERSEDED
    assert published(site, said["version"]).state is State.VALID
    assert ("licence.change", new.text) in audited(site)
    refused = problem(make_version(site, made["key"], Action.CHANGE, changed(site)), 409, "action-not-allowed")
    assert "nothing any more" in refused["detail"]


def test_a_new_version_is_checked_as_any_application(site: Site) -> None:
    made = issue(site)
    wrong = changed(site) | {"certificateHolderCode": "91440106DEMX000499", "certificateNumber": ""}
    refused = problem(make_version(site, made["key"], Action.CHANGE, wrong), 422, "application-invalid")
    assert "/application/certificateNumber" in {one["pointer"] for one in refused["errors"]}
    other = site.region.application("driving-licence")
    problem(make_version(site, made["key"], Action.CHANGE, other), 422, "application-invalid")
    with site.region.ledger() as ledger:
        assert ledger.database.number(select(func.count()).select_from(intents)) == 1


def test_an_attempt_that_failed_leaves_the_licence_as_it_was_and_can_be_repeated(site: Site) -> None:
    made = issue(site)
    with site.region.ledger() as ledger, ledger.database.transaction():
        ledger.database.run(text(BREAKS))
    attempts: tuple[Callable[[Site], httpx2.Response], ...] = (
        lambda site: make_version(site, made["key"], Action.CHANGE, changed(site)),
        lambda site: decide(site, made["key"], Action.SUSPEND),
        lambda site: decide(site, made["key"], Action.REVOKE),
    )
    for attempt in attempts:
        with httpx2.Client(base_url=site.client.base_url, timeout=30, trust_env=False) as client:
            problem(attempt(replace(site, client=client)), 500, "internal")
    with site.region.ledger() as ledger, ledger.database.transaction():
        ledger.database.run(text("DROP TRIGGER breaks"))
    with site.region.ledger() as ledger:
        assert ledger.database.number(select(func.count()).select_from(completions)) == 1
        assert ledger.history(parse_identifier(made["identifier"])) == ()
        assert len(list(ledger.open_intents())) == 1
    assert not [one for one in audited(site) if one[0].startswith(("licence.decide", "licence.change", "proposal"))]
    again = make_version(site, made["key"], Action.CHANGE, changed(site)).json()
    assert again["version"]["version"] == 3
    assert published(site, again["version"]).state is State.VALID


def test_paper_that_was_lost_is_not_relied_on_until_another_is_issued(site: Site) -> None:
    made = issue(site, paper_serial="粤A1")
    problem(decide(site, made["key"], Action.MARK_LOST, paper_serial="粤A9"), 422, "decision-invalid")
    assert decide(site, made["key"], Action.MARK_LOST, paper_serial="").json()["state"] == "suspended"
    assert published(site, made).state is State.SUSPENDED
    assert ("licence.lost", made["identifier"]) in audited(site)
    problem(make_version(site, made["key"], Action.CHANGE, changed(site)), 409, "action-not-allowed")
    refused = problem(make_version(site, made["key"], Action.REISSUE, changed(site)), 422, "application-invalid")
    assert [one["pointer"] for one in refused["errors"]] == ["/application/extendInfo/domicile"]
    same = site.region.application()
    said = make_version(site, made["key"], Action.REISSUE, same, paper_serial="粤A2").json()
    assert published(site, made).state is State.SUPERSEDED
    assert published(site, said["version"]).state is State.VALID


def test_paper_that_was_never_recorded_is_when_it_is_lost_and_valid_again_when_found(site: Site) -> None:
    made = issue(site)
    problem(decide(site, made["key"], Action.MARK_LOST, paper_serial=""), 422, "decision-invalid")
    assert decide(site, made["key"], Action.MARK_LOST, paper_serial="粤A7").status_code == 201
    assert site.call(CLERK, "GET", f"{LICENCES}/{made['key']}").json()["paper_serial"] == "粤A7"
    assert decide(site, made["key"], Action.REINSTATE).status_code == 201
    assert state(site, made) == "valid"


def renewed(site: Site, first: date, years: int) -> dict[str, Any]:
    application = site.region.application(FOOD)
    last = first.replace(year=first.year + years) - timedelta(days=1)
    extend = dict(application["extendInfo"])
    for name, value in extend.items():
        if value == application["certificateExpiringDate"]:
            extend[name] = last.isoformat()
    return application | {
        "certificateEffectiveDate": first.isoformat(),
        "certificateExpiringDate": last.isoformat(),
        "extendInfo": extend,
    }


def test_a_renewal_takes_effect_on_its_first_day_and_not_before(site: Site) -> None:
    today = china_day(now())
    first = renewed(site, today, 5)
    changes = {key: first[key] for key in ("certificateEffectiveDate", "certificateExpiringDate", "extendInfo")}
    made = issue(site, FOOD, **changes)
    begins = today + timedelta(days=30)
    longer = renewed(site, begins, 5)
    said = make_version(site, made["key"], Action.RENEW, longer)
    assert said.status_code == 201, said.text
    since = datetime.fromisoformat(said.json()["since"])
    assert since == datetime(begins.year, begins.month, begins.day, tzinfo=CHINA)
    assert state(site, made) == "valid"
    assert (published(site, made).state, state(site, said.json()["version"])) == (State.VALID, "inactive")


def test_a_renewal_leaves_no_gap_and_no_overlap_and_is_of_the_same_licence(site: Site) -> None:
    today = china_day(now())
    first = renewed(site, today, 5)
    changes = {key: first[key] for key in ("certificateEffectiveDate", "certificateExpiringDate", "extendInfo")}
    made = issue(site, FOOD, **changes)
    begins = today + timedelta(days=30)
    day_before = datetime(begins.year, begins.month, begins.day, tzinfo=CHINA) - timedelta(hours=1)
    for application, at in (
        (renewed(site, begins, 5), day_before),
        (renewed(site, begins - timedelta(days=3), 6), day_before),
        (first, now()),
        (renewed(site, today, 6) | {"certificateNumber": "JY10000000000000"}, now()),
    ):
        answer = make_version(site, made["key"], Action.RENEW, application, effective_at=at.isoformat())
        problem(answer, 422, "application-invalid")
    assert state(site, made) == "valid"


def test_a_department_whose_people_seal_nothing_alone_proposes_versions(region: Region) -> None:
    strict = DepartmentSettings(code=DEPARTMENT, signer=DEPARTMENT, seal=SEAL, alone_up_to=0)
    with serving(region) as site:
        made = issue(site)
    with serving(region, departments=(strict,)) as site:
        answer = make_version(site, made["key"], Action.CHANGE, changed(site), paper_serial="粤A2")
        assert answer.status_code == 202, answer.text
        key = answer.json()["proposal"]
        shown = site.call(CLERK, "GET", f"/api/v1/proposals/{key}").json()
        assert shown["content"]["application"] == changed(site)
        with site.region.ledger() as ledger:
            stored = ledger.database.run(select(licences.c.key)).all()
            assert len(stored) == 1
        assert review(site, key).json()["state"] == "approved"
        assert state(site, made) == "superseded"
        with site.region.ledger() as ledger:
            row = ledger.database.row(select(licences).where(licences.c.version == 2))
            assert row is not None
            assert row.paper_serial == "粤A2"


def test_a_licence_is_not_changed_into_somebody_elses(site: Site) -> None:
    made = issue(site)
    theirs = changed(site) | {"certificateHolderCode": "91440106DEMX00050P"}
    answer = make_version(site, made["key"], Action.CHANGE, theirs)
    problem(answer, 422, "application-invalid")
    assert state(site, made) == "valid"
