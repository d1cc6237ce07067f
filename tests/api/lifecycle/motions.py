"""What callers send to have something decided about a licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.lifecycle.actions import RULES, Action

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Site

LICENCES, PROPOSALS = "/api/v1/licences", "/api/v1/proposals"
CLERK, REVIEWER = "issuer-clerk", "reviewer"


def body(action: Action, **more: Any) -> dict[str, Any]:
    """Return the body of a decision."""
    particulars = {Action.TRANSFER: {"target_region": "310000"}, Action.MARK_LOST: {"paper_serial": "粤A1"}}
    return {
        "action": action.value,
        "reason_code": RULES[action].reasons[0].value,
        "reason": "样例事由",
        "legal_basis": "《样例条例》第一条",
        "document": "样字〔2026〕第 1 号",
        **particulars.get(action, {}),
        **more,
    }


def issue(site: Site, slug: str = "business-licence", **changes: Any) -> dict[str, Any]:
    """Issue a licence, and return what it was answered."""
    paper = changes.pop("paper_serial", "")
    application = site.region.application(slug, **changes)
    answer = site.post(CLERK, LICENCES, {"application": application, "paper_serial": paper, "file": False})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def decide(site: Site, key: str, action: Action, who: str = CLERK, **more: Any) -> httpx2.Response:
    """Ask that something be decided."""
    return site.post(who, f"{LICENCES}/{key}/decisions", body(action, **more))


def make_version(site: Site, key: str, action: Action, application: Any, **more: Any) -> httpx2.Response:
    """Ask for a new version."""
    return site.post(CLERK, f"{LICENCES}/{key}/versions", body(action, application=application, **more))


def review(site: Site, key: str, verb: str = "approve", who: str = REVIEWER, note: str = "同意") -> httpx2.Response:
    """Read a proposal, and approve or reject it."""
    tag = site.call(who, "GET", f"{PROPOSALS}/{key}").headers["etag"]
    return site.call(who, "POST", f"{PROPOSALS}/{key}/{verb}", json={"note": note}, headers={"If-Match": tag})
