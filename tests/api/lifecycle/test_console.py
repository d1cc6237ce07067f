"""The life of licences in the console: decided by one person, by two, or refused where the form says why."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from api.console.posted import form_values
from api.lifecycle.actions import RULES, Action
from ecert.ofd.pictures import qr_png
from tests.api.lifecycle.motions import CLERK, LICENCES, PROPOSALS, REVIEWER, decide, issue, make_version
from tests.api.lifecycle.test_decisions import audited, state
from tests.api.lifecycle.test_versions import changed

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Desk, Site

HERE = "/console/licences"
WRONG = 'aria-invalid="true"'


def fill_in(action: Action, **more: str) -> dict[str, str]:
    """Return what somebody writes into the form of a decision."""
    written = {
        "/reason_code": RULES[action].reasons[0].value,
        "/reason": "样例事由",
        "/legal_basis": "《样例条例》第一条",
        "/document": "样字〔2026〕第 1 号",
        "/effective_at": "",
    }
    return written | {f"/{name}": value for name, value in more.items()}


def hidden(page: httpx2.Response) -> dict[str, str]:
    """Return what a form carries along."""
    assert page.status_code in (200, 422), page.text
    found = re.findall(r'<input type="hidden" name="(idempotency_key|etag)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def submit(desk: Desk, key: str, action: Action, values: dict[str, str], **files: Any) -> httpx2.Response:
    """Open the form of a decision, and send it."""
    path = f"{HERE}/{key}/{action}"
    return desk.post(path, hidden(desk.get(path)) | values, **files)


def review(desk: Desk, address: str, verb: str, note: str = "") -> httpx2.Response:
    """Open a proposal, and send what one thinks of it."""
    return desk.post(f"{address}/{verb}", hidden(desk.get(address)) | {"note": note})


def test_the_page_of_a_licence_offers_what_it_allows_to_whoever_may(site: Site) -> None:
    made = issue(site)
    offered = re.findall(
        rf'href="{HERE}/{made["key"]}/([a-z]+)"', site.console(CLERK).get(f"{HERE}/{made['key']}").text
    )
    assert offered == ["change", "renew", "reissue", "suspend", "transfer", "lost", "cancel", "withdraw", "revoke"]
    assert f"{HERE}/{made['key']}/revoke" not in site.console(REVIEWER).get(f"{HERE}/{made['key']}").text
    decide(site, made["key"], Action.SUSPEND)
    page = site.console(CLERK).get(f"{HERE}/{made['key']}").text
    assert f"{HERE}/{made['key']}/reinstate" in page
    assert f"{HERE}/{made['key']}/change" not in page


def test_a_clerk_suspends_a_licence(site: Site) -> None:
    made, desk = issue(site), site.console(CLERK)
    done = submit(desk, made["key"], Action.SUSPEND, fill_in(Action.SUSPEND, until="2031-01-01T08:00"))
    assert (done.status_code, done.headers["location"]) == (303, f"{HERE}/{made['key']}")
    page = desk.get(f"{HERE}/{made['key']}").text
    assert "样例事由" in page
    assert "2031-01-01 08:00" in page
    assert state(site, made) == "suspended"


def test_a_form_sent_twice_decides_once(site: Site) -> None:
    made, desk = issue(site), site.console(CLERK)
    path = f"{HERE}/{made['key']}/suspend"
    values = hidden(desk.get(path)) | fill_in(Action.SUSPEND)
    assert [desk.post(path, values).status_code for _ in range(2)] == [303, 303]
    assert [name for name, _ in audited(site)].count("licence.decide") == 1


def test_what_is_to_be_mended_is_shown_at_its_field(site: Site) -> None:
    made, desk = issue(site), site.console(CLERK)
    values = fill_in(Action.SUSPEND, reason="", document="", until="soon")
    page = submit(desk, made["key"], Action.SUSPEND, values)
    assert page.status_code == 422
    assert "如 2026-01-31T09:30" in page.text
    page = submit(desk, made["key"], Action.SUSPEND, values | {"/until": ""})
    assert page.text.count(WRONG) == 2
    assert "《样例条例》第一条" in page.text
    assert state(site, made) == "valid"


def test_a_licence_that_somebody_decided_about_meanwhile_is_not_decided_about_blindly(site: Site) -> None:
    made, desk = issue(site), site.console(CLERK)
    path = f"{HERE}/{made['key']}/lost"
    values = hidden(desk.get(path)) | fill_in(Action.MARK_LOST, paper_serial="粤A1")
    decide(site, made["key"], Action.SUSPEND)
    decide(site, made["key"], Action.REINSTATE)
    assert desk.post(path, values).status_code == 412


def test_a_revocation_is_proposed_by_one_person_and_approved_by_another(site: Site) -> None:
    made, desk, reviewer = issue(site), site.console(CLERK), site.console(REVIEWER)
    assert "须双人复核" in desk.get(f"{HERE}/{made['key']}/revoke").text
    address = submit(desk, made["key"], Action.REVOKE, fill_in(Action.REVOKE)).headers["location"]
    assert "您本人提出的" in desk.get(address).text
    assert address in desk.get(f"{HERE}/{made['key']}").text
    assert address in reviewer.get("/console/proposals").text
    page = reviewer.get(address).text
    for words in ("样例事由", "《样例条例》第一条", "样字〔2026〕第 1 号", "批准时生效"):
        assert words in page
    assert review(reviewer, address, "approve", "同意").headers["location"] == address
    assert state(site, made) == "revoked"
    assert "同意" in desk.get(address).text


def test_a_proposal_is_turned_down_with_a_reason(site: Site) -> None:
    made, reviewer = issue(site), site.console(REVIEWER)
    address = f"/console/proposals/{decide(site, made['key'], Action.REVOKE).json()['proposal']}"
    assert review(reviewer, address, "reject").status_code == 422
    assert review(reviewer, address, "reject", "证据不足").status_code == 303
    assert "证据不足" in reviewer.get(address).text
    assert state(site, made) == "valid"


def test_who_proposed_it_is_told_so(site: Site) -> None:
    made, desk = issue(site), site.console("both")
    address = submit(desk, made["key"], Action.REVOKE, fill_in(Action.REVOKE)).headers["location"]
    assert "您本人提出的" in desk.get(address).text
    tag = site.call(REVIEWER, "GET", address.replace("/console/", "/api/v1/")).headers["etag"]
    refused = desk.post(f"{address}/approve", {"etag": tag, "note": ""})
    assert refused.status_code == 403
    assert "second-person-needed" in refused.text


def test_a_change_is_made_from_what_the_licence_says(site: Site) -> None:
    made, desk = issue(site), site.console(CLERK)
    application = site.region.application()
    page = desk.get(f"{HERE}/{made['key']}/change").text
    assert application["extendInfo"]["domicile"] in page
    values = form_values(changed(site)) | fill_in(Action.CHANGE, paper_serial="粤A2")
    wrong = submit(desk, made["key"], Action.CHANGE, values | {"/certificateNumber": "", "/reason": ""})
    assert (wrong.status_code, wrong.text.count(WRONG)) == (422, 2)
    done = submit(desk, made["key"], Action.CHANGE, values)
    assert done.status_code == 303, done.text
    page = desk.get(done.headers["location"]).text
    assert "粤A2" in page
    assert "天河区样例路1号" in page
    assert state(site, made) == "superseded"


def test_a_portrait_is_handed_in_again_with_a_new_version(site: Site) -> None:
    portrait = qr_png((b"\1\0", b"\0\1"))
    made, desk = issue(site, "driving-licence"), site.console(CLERK)
    values = form_values(site.region.application("driving-licence")) | fill_in(Action.REISSUE)
    files = {"/portrait": ("p.png", portrait, "image/png")}
    done = submit(desk, made["key"], Action.REISSUE, values, files=files)
    assert done.status_code == 303, done.text
    assert state(site, made) == "superseded"


@pytest.mark.parametrize("path", ["revoke", "change", ""])
def test_another_department_finds_nothing(site: Site, path: str) -> None:
    made = issue(site)
    desk = site.console("other-issuer-clerk")
    assert desk.get(f"{HERE}/{made['key']}/{path}".rstrip("/")).status_code == 404
    key = decide(site, made["key"], Action.REVOKE).json()["proposal"]
    assert desk.get(f"/console/proposals/{key}").status_code == 404
    assert key not in desk.get("/console/proposals").text
    assert site.call("other-reviewer", "GET", f"{PROPOSALS}/{key}").status_code == 404
    assert make_version(site, made["key"], Action.CHANGE, {}).status_code == 422
    assert site.call(CLERK, "GET", f"{LICENCES}/{made['key']}").json()["state"] == "valid"
