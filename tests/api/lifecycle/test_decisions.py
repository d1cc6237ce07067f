"""Decisions about licences over HTTP: recorded at once or by two persons, published, all of it or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from api.audit import AuditBook
from api.lifecycle.actions import Action
from api.service_schema import deciders, licences
from ecert.audit import AuditEntry
from ecert.licence.identifier import parse_identifier
from ecert.revocation import State
from tests.api.lifecycle.motions import CLERK, LICENCES, PROPOSALS, REVIEWER, decide, issue, make_version, review
from tests.api.province import now
from tests.api.test_service import problem

if TYPE_CHECKING:
    from ecert.revocation import Mark
    from tests.api.office import Site

ENDS = {
    Action.TRANSFER: State.TRANSFERRED,
    Action.CANCEL: State.CANCELLED,
    Action.WITHDRAW: State.WITHDRAWN,
    Action.REVOKE: State.REVOKED,
}
both = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)


def state(site: Site, made: dict[str, Any]) -> str:
    return str(site.call(CLERK, "GET", f"{LICENCES}/{made['key']}").json()["state"])


def published(site: Site, made: dict[str, Any]) -> Mark:
    """Return what windows learn of a licence."""
    provinces = site.region.provinces
    provinces.now = now() + timedelta(seconds=1)
    provinces.publish()
    with site.region.ledger() as ledger:
        intent = ledger.issued(parse_identifier(made["identifier"]))
    return provinces.window().mark(intent.key_id, intent.status)


def audited(site: Site) -> list[tuple[str, str]]:
    with site.region.ledger() as ledger:
        entries = list(map(AuditEntry.decode, AuditBook(ledger.database).entries()))
    return [(one.action, one.object) for one in entries]


@both
def test_a_suspension_takes_one_person_and_reaches_the_status_list(site: Site) -> None:
    made = issue(site)
    answer = decide(site, made["key"], Action.SUSPEND)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert (said["key"], said["identifier"], said["state"]) == (made["key"], made["identifier"], "suspended")
    assert state(site, made) == "suspended"
    assert published(site, made).state is State.SUSPENDED
    assert decide(site, made["key"], Action.REINSTATE).json()["state"] == "valid"
    assert published(site, made).state is State.VALID
    with site.region.ledger() as ledger:
        rows = ledger.database.run(select(deciders)).all()
        history = ledger.history(parse_identifier(made["identifier"]))
    clerk = site.region.systems[CLERK]
    assert [(row.operator, row.reviewer) for row in rows] == [(clerk, "")] * 2
    first = history[0]
    assert (first.legal_basis, first.document, first.reason) == (
        "《样例条例》第一条",
        "样字〔2026〕第 1 号",
        "样例事由",
    )


@both
@pytest.mark.parametrize("action", ENDS)
def test_what_ends_a_licence_takes_two_persons(site: Site, action: Action) -> None:
    made = issue(site)
    answer = decide(site, made["key"], action)
    assert answer.status_code == 202, answer.text
    key = answer.json()["proposal"]
    assert answer.json()["address"] == f"{PROPOSALS}/{key}"
    assert (state(site, made), published(site, made).state) == ("valid", State.VALID)
    approved = review(site, key)
    assert approved.status_code == 200, approved.text
    assert (approved.json()["state"], approved.json()["decided_by"]) == ("approved", site.region.systems[REVIEWER])
    assert state(site, made) == ENDS[action].name.lower()
    assert published(site, made).state is ENDS[action]
    with site.region.ledger() as ledger:
        row = ledger.database.run(select(deciders)).one()
    assert (row.operator, row.reviewer) == (site.region.systems[CLERK], site.region.systems[REVIEWER])
    actions = [entry for entry in audited(site) if entry[1] == made["identifier"]]
    names = [name for name, _ in actions if name != "licence.read"]
    assert names == ["licence.issue", "proposal.open", "proposal.read", "licence.decide", "proposal.approve"]


def test_a_proposal_can_be_turned_down_with_a_reason(site: Site) -> None:
    made = issue(site)
    key = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    problem(review(site, key, "reject", note=" "), 422, "decision-invalid")
    rejected = review(site, key, "reject", note="证据不足")
    assert (rejected.json()["state"], rejected.json()["note"]) == ("rejected", "证据不足")
    assert state(site, made) == "valid"
    problem(review(site, key), 409, "proposal-decided")
    assert decide(site, made["key"], Action.REVOKE).status_code == 202


def test_who_proposed_it_cannot_approve_it(site: Site) -> None:
    made = issue(site)
    key = decide(site, made["key"], Action.REVOKE, who="both").json()["proposal"]
    assert site.call("both", "GET", f"{PROPOSALS}/{key}").json()["own"] is True
    problem(review(site, key, who="both"), 403, "second-person-needed")
    assert state(site, made) == "valid"
    assert review(site, key).json()["state"] == "approved"


def test_a_clerk_reads_proposals_and_approves_none(site: Site) -> None:
    made = issue(site)
    key = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    problem(review(site, key, who=CLERK), 403, "forbidden")
    problem(decide(site, made["key"], Action.SUSPEND, who=REVIEWER), 403, "forbidden")


def test_a_proposal_about_a_licence_that_changed_meanwhile_lapses(site: Site) -> None:
    made = issue(site)
    key = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    assert decide(site, made["key"], Action.SUSPEND).status_code == 201
    refused = problem(review(site, key), 409, "proposal-stale")
    assert "propose anew" in refused["remedy_en"]
    assert site.call(CLERK, "GET", f"{PROPOSALS}/{key}").json()["state"] == "lapsed"
    assert state(site, made) == "suspended"
    assert review(site, decide(site, made["key"], Action.REVOKE).json()["proposal"]).json()["state"] == "approved"


def test_two_proposals_about_one_licence_do_not_wait_at_once(site: Site) -> None:
    made = issue(site)
    first = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    refused = problem(decide(site, made["key"], Action.WITHDRAW), 409, "proposal-pending")
    assert first in refused["detail"]
    decide(site, made["key"], Action.SUSPEND)
    assert decide(site, made["key"], Action.WITHDRAW).status_code == 202
    assert site.call(CLERK, "GET", f"{PROPOSALS}/{first}").json()["state"] == "lapsed"


def test_a_review_says_what_was_looked_at(site: Site) -> None:
    key = decide(site, issue(site)["key"], Action.REVOKE).json()["proposal"]
    path = f"{PROPOSALS}/{key}/approve"
    problem(site.call(REVIEWER, "POST", path, json={}), 428, "precondition-required")
    problem(site.call(REVIEWER, "POST", path, json={}, headers={"If-Match": '"0"'}), 412, "precondition-failed")


def test_the_same_decision_again_is_answered_as_the_first_time(site: Site) -> None:
    made = issue(site)
    path = f"{LICENCES}/{made['key']}/decisions"
    body = {
        "action": "suspend",
        "reason_code": "other",
        "reason": "样例",
        "legal_basis": "样例",
        "document": "样例",
    }
    first = site.post(CLERK, path, body, key="once-and-once-only")
    again = site.post(CLERK, path, body, key="once-and-once-only")
    assert (again.status_code, again.content) == (201, first.content)
    with site.region.ledger() as ledger:
        assert len(ledger.history(parse_identifier(made["identifier"]))) == 1
    problem(site.call(CLERK, "POST", path, json=body), 400, "idempotency-key-missing")


def test_nobody_of_another_department_learns_that_a_licence_is_there(site: Site) -> None:
    made = issue(site)
    key = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    theirs = decide(site, made["key"], Action.SUSPEND, who="other-issuer-clerk")
    nothing = decide(site, "A" * 22, Action.SUSPEND, who="other-issuer-clerk")
    problem(theirs, 404, "licence-not-found")
    assert theirs.json() | {"trace_id": ""} == nothing.json() | {"trace_id": ""}
    for who in ("other-issuer-clerk", "other-reviewer"):
        theirs, nothing = (site.call(who, "GET", f"{PROPOSALS}/{one}") for one in (key, "A" * 22))
        problem(theirs, 404, "proposal-not-found")
        assert theirs.json() | {"trace_id": ""} == nothing.json() | {"trace_id": ""}
        assert site.call(who, "GET", PROPOSALS).json() == {"proposals": [], "next": ""}
    answer = site.call("other-reviewer", "POST", f"{PROPOSALS}/{key}/approve", json={}, headers={"If-Match": '"0"'})
    problem(answer, 404, "proposal-not-found")


def test_the_list_has_what_waits_first_page_by_page(site: Site) -> None:
    keys = [decide(site, issue(site)["key"], Action.REVOKE).json()["proposal"] for _ in range(5)]
    for key in keys[3:]:
        review(site, key, "reject", note="否")
    found, cursor = [], ""
    while True:
        page = site.call(REVIEWER, "GET", f"{PROPOSALS}?limit=2&cursor={cursor}").json()
        found += [one["key"] for one in page["proposals"]]
        cursor = page["next"]
        if not cursor:
            break
    assert found == [keys[2], keys[1], keys[0], keys[4], keys[3]]
    waiting = site.call(REVIEWER, "GET", f"{PROPOSALS}?state=open").json()["proposals"]
    assert [one["key"] for one in waiting] == [keys[2], keys[1], keys[0]]
    problem(site.call(REVIEWER, "GET", f"{PROPOSALS}?cursor=zzz"), 422, "usage")


def test_a_decision_that_says_too_little_or_too_much_is_refused_with_places(site: Site) -> None:
    made = issue(site)
    later = (now() + timedelta(days=2)).isoformat()
    for more, place in (
        ({"reason_code": "lost"}, "/reason_code"),
        ({"reason": "持证人 11010519491231002X 申请"}, "/reason"),
        ({"reason": "联系 13800138000"}, "/reason"),
        ({"document": "一\n二"}, "/document"),
        ({"legal_basis": " "}, "/legal_basis"),
        ({"effective_at": "2020-01-01T00:00:00Z"}, "/effective_at"),
        ({"effective_at": "2099-01-01T00:00:00Z"}, "/effective_at"),
        ({"effective_at": later, "until": (now() + timedelta(days=1)).isoformat()}, "/until"),
        ({"target_region": "310000"}, "/target_region"),
        ({"paper_serial": "粤A1"}, "/paper_serial"),
    ):
        refused = problem(decide(site, made["key"], Action.SUSPEND, **more), 422, "decision-invalid")
        assert [one["pointer"] for one in refused["errors"]] == [place], more
    strange: tuple[dict[str, Any], ...] = ({"effective_at": "2026-01-01T00:00:00"}, {"effective_at": 5}, {"x": 1})
    for more in strange:
        problem(decide(site, made["key"], Action.SUSPEND, **more), 422, "request-invalid")
    for region in ("", "440000", "990000", "310100"):
        problem(decide(site, made["key"], Action.TRANSFER, target_region=region), 422, "decision-invalid")
    assert state(site, made) == "valid"


def test_a_decision_takes_effect_when_it_says(site: Site) -> None:
    made = issue(site)
    until = now() + timedelta(days=30)
    since = now() + timedelta(days=3)
    said = decide(site, made["key"], Action.SUSPEND, effective_at=since.isoformat(), until=until.isoformat()).json()
    assert (said["since"], said["until"]) == (f"{since:%FT%TZ}", f"{until:%FT%TZ}")
    assert state(site, made) == "valid"
    assert published(site, made).state is State.VALID
    refused = problem(make_version(site, made["key"], Action.CHANGE, {}), 409, "action-not-allowed")
    assert "suspended by then" in refused["detail"]
    assert decide(site, made["key"], Action.REINSTATE).status_code == 201
    with site.region.ledger() as ledger:
        row = ledger.database.run(select(licences)).one()
    assert row.state == State.VALID.value


def test_where_a_licence_moves_to_is_published(site: Site) -> None:
    made = issue(site)
    review(site, decide(site, made["key"], Action.TRANSFER).json()["proposal"])
    with site.region.ledger() as ledger:
        history = ledger.history(parse_identifier(made["identifier"]))
    assert history[0].reason == "转往上海市（310000）：样例事由"


def test_what_became_of_a_licence_is_told_with_what_may_become_of_it(site: Site) -> None:
    made = issue(site)
    path = f"{LICENCES}/{made['key']}/decisions"
    blank = site.call(CLERK, "GET", path).json()
    assert (blank["state"], blank["decisions"], blank["proposal"]) == ("valid", [], None)
    assert blank["actions"][:3] == ["change", "renew", "reissue"]
    decide(site, made["key"], Action.SUSPEND)
    key = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    told = site.call(REVIEWER, "GET", path)
    assert (told.json()["state"], told.json()["proposal"]) == ("suspended", key)
    assert told.headers["etag"] == site.call(CLERK, "GET", f"{LICENCES}/{made['key']}").headers["etag"]
    review(site, key)
    over = site.call(CLERK, "GET", path).json()
    assert (over["actions"], over["proposal"]) == ([], None)
    first, last = over["decisions"]
    assert (first["operator"], first["reviewer"]) == (site.region.systems[CLERK], "")
    assert (last["state"], last["reviewer"]) == ("revoked", site.region.systems[REVIEWER])
    assert [one["state"] for one in over["versions"]] == ["revoked"]
    problem(site.call("other-issuer-clerk", "GET", path), 404, "licence-not-found")


def test_a_licence_that_was_looked_at_before_is_not_decided_about_blindly(site: Site) -> None:
    made = issue(site)
    path = f"{LICENCES}/{made['key']}"
    tag = site.call(CLERK, "GET", path).headers["etag"]
    assert decide(site, made["key"], Action.SUSPEND).status_code == 201
    body = {"action": "reinstate", "reason_code": "other", "reason": "样", "legal_basis": "样", "document": "样"}
    problem(site.post(CLERK, f"{path}/decisions", body, **{"If-Match": tag}), 412, "precondition-failed")
    tag = site.call(CLERK, "GET", path).headers["etag"]
    assert site.post(CLERK, f"{path}/decisions", body, **{"If-Match": tag}).status_code == 201


@both
@pytest.mark.parametrize("strange", ["%00", "a%00b", "%F0%9F%98%80", "%2E%2E", "A" * 500])
def test_a_strange_address_leads_nowhere(site: Site, strange: str) -> None:
    for path in (f"{LICENCES}/{strange}", f"{PROPOSALS}/{strange}"):
        assert site.call(CLERK, "GET", path).status_code in (404, 422)
    assert decide(site, strange, Action.SUSPEND).status_code in (404, 422)
    for path in (f"/licences/{strange}", f"/licences/{strange}/revoke", f"/proposals/{strange}"):
        assert site.console(CLERK).get(f"/console{path}").status_code in (404, 422)
    for cursor in ("MSAwIAA", "MSA5OTk5OTk5OTk5OTk5OTk5OTk5OTkgQQ"):
        problem(site.call(CLERK, "GET", f"{PROPOSALS}?cursor={cursor}"), 422, "usage")
