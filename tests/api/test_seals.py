"""The seal register over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.api.office import DEPARTMENT, SEAL
from tests.api.test_licences import LICENCES
from tests.api.test_service import problem
from tests.seal.forge import PICTURE

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Site

OPERATOR = "region-operator"
SEALS = "/api/v1/seals"


def decide(
    site: Site, action: str, *, who: str = OPERATOR, code: str = SEAL, reason: str = "印章遗失"
) -> httpx2.Response:
    body = {"action": action, "reason": reason, "document": "样停〔2026〕1号"}
    return site.call(who, "POST", f"{SEALS}/{code}/decisions", json=body)


def test_a_department_sees_its_own_seals_alone_and_the_region_all(site: Site) -> None:
    for who in ("issuer-clerk", "reviewer", OPERATOR):
        (one,) = site.call(who, "GET", SEALS).json()["seals"]
        assert (one["code"], one["state"], one["owner"]["code"]) == (SEAL, "active", DEPARTMENT)
        assert one["maker"]["name"].startswith("样例机构")
    assert site.call("other-issuer-clerk", "GET", SEALS).json() == {"seals": []}
    problem(site.call("auditor", "GET", SEALS), 403, "forbidden")


def test_the_picture_of_a_seal_is_its_own(site: Site) -> None:
    answer = site.call("issuer-clerk", "GET", f"{SEALS}/{SEAL}/picture")
    assert (answer.content, answer.headers["content-type"]) == (PICTURE.data, "image/png")
    hidden = problem(site.call("other-issuer-clerk", "GET", f"{SEALS}/{SEAL}/picture"), 404, "seal-unknown")
    absent = problem(site.call("other-issuer-clerk", "GET", f"{SEALS}/nothing/picture"), 404, "seal-unknown")
    assert hidden["detail"].replace(SEAL, "") == absent["detail"].replace("nothing", "")


def test_a_suspended_seal_seals_nothing_until_it_is_reinstated(site: Site) -> None:
    application = {"application": site.region.application()}
    suspended = decide(site, "suspend").json()
    assert (suspended["state"], suspended["actions"]) == ("suspended", ["reinstate", "cancel"])
    assert suspended["history"][-1]["document"] == "样停〔2026〕1号"
    assert site.post("issuer-clerk", LICENCES, application).json()["code"] == "seal-suspended"
    assert decide(site, "reinstate").json()["state"] == "active"
    assert site.post("issuer-clerk", LICENCES, application).status_code == 201


def test_a_decision_fits_the_state_of_the_seal_and_a_cancelled_one_is_so_for_good(site: Site) -> None:
    problem(decide(site, "reinstate"), 409, "seal-state-conflict")
    decide(site, "cancel")
    for action in ("suspend", "reinstate", "cancel"):
        problem(decide(site, action), 409, "seal-state-conflict")
    assert site.call(OPERATOR, "GET", SEALS).json()["seals"][0]["actions"] == []


def test_only_the_region_decides_and_says_why(site: Site) -> None:
    problem(decide(site, "suspend", who="issuer-clerk"), 403, "forbidden")
    problem(decide(site, "suspend", code="nothing"), 404, "seal-unknown")
    for reason in ("", " ", "一\n二", "长" * 201):
        body = problem(decide(site, "suspend", reason=reason), 422, "request-invalid")
        assert [one["pointer"] for one in body["errors"]] == ["/reason"]
    assert site.call(OPERATOR, "GET", SEALS).json()["seals"][0]["state"] == "active"


def test_the_page_shows_each_seal_with_its_picture_and_how_often_it_was_used_today(site: Site) -> None:
    site.post("issuer-clerk", LICENCES, {"application": site.region.application()})
    clerk = site.console("issuer-clerk")
    page = clerk.get("/console/seals").text
    assert clerk.get(f"/console/seals/{SEAL}/picture").content == PICTURE.data
    assert f'src="/console/seals/{SEAL}/picture"' in page
    assert re.search(r"今日用章.*?<dd>1</dd>", page)
    assert "变更状态" not in page
    assert "没有登记的印章" in site.console("other-issuer-clerk").get("/console/seals").text
    assert site.console("other-issuer-clerk").get(f"/console/seals/{SEAL}/picture").status_code == 404


def test_a_seal_is_suspended_in_the_page(site: Site) -> None:
    desk = site.console(OPERATOR)
    assert "变更状态" in desk.get("/console/seals").text
    sent = desk.post(f"/console/seals/{SEAL}/suspend", {"reason": "印章遗失", "document": "样停〔2026〕1号"})
    assert sent.headers["location"] == "/console/seals"
    assert "印章遗失 样停〔2026〕1号" in desk.get("/console/seals").text
    assert desk.post(f"/console/seals/{SEAL}/suspend", {"reason": "印章遗失"}).status_code == 409
    assert desk.post(f"/console/seals/{SEAL}/reinstate", {"reason": ""}).status_code == 422
    assert site.console("issuer-clerk").post(f"/console/seals/{SEAL}/reinstate", {"reason": "x"}).status_code == 403
