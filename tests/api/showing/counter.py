"""Windows and holders of a region: who shows, who scans, who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from api.showing.holders import Holder
from api.showing.sessions import Account, HolderSessionBook
from ecert.report import timestamp
from tests.api.office import DEPARTMENT
from tests.api.province import now

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Site

CARD = "11100000000013127D001"
WANG = Holder("111", "440000199003070024", "王示例")
LI = Holder("111", "440000198511260030", "李样张")
COMPANY = Holder("001", "91440106DEMX000498", "广州示例样品云图智能制造科技发展有限公司")
USE = {
    "matter": "社会保障卡申领",
    "item_code": "SH-SBK-01",
    "business_no": "20261125-0001",
    "purpose": "办理社会保障卡申领",
}
AT_THE_WINDOW = {"window": "浦东3号窗口", "operator": "clerk-7"}
NAMES = ["certificateHolderCode", "certificateHolderName"]


def issue(site: Site, application: dict[str, Any], who: str = "issuer-clerk") -> str:
    """Issue a licence, and return its identifier."""
    made = site.post(who, "/api/v1/licences", {"application": application})
    assert made.status_code == 201, made.text
    identifier: str = made.json()["identifier"]
    return identifier


def ask(site: Site, holder: Holder, who: str = "window", **changes: Any) -> httpx2.Response:
    """Ask a holder for consent to read two fields of an identity card."""
    body = {
        "requester": {"code": DEPARTMENT, "name": "样例用证单位", "operator": "clerk-7"},
        "use": USE,
        "wanted": [{"type": CARD, "fields": NAMES}],
        "holder": holder.json(),
        "answer_by": timestamp(now() + timedelta(minutes=5)),
        "until": timestamp(now() + timedelta(days=1)),
    }
    return site.call(who, "POST", "/api/v1/consents", json=body | changes)


def redeem(site: Site, text: str, who: str = "window", **changes: Any) -> httpx2.Response:
    """Scan a dynamic code for a matter."""
    body = {"text": text, "use": USE} | AT_THE_WINDOW | changes
    return site.call(who, "POST", "/api/v1/showings/redeem", json=body)


@dataclass
class Phone:
    """An app of a holder who has signed in."""

    site: Site
    token: str

    @classmethod
    def of(cls, site: Site, person: Holder = WANG, *organisations: Holder) -> Phone:
        """Sign somebody in, as if the provider had just said who they are."""
        account, at = Account(person, organisations), site.office.clock()
        return cls(site, site.office.pool.do(lambda ledger: HolderSessionBook(ledger).begin(account, at)))

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Call the API of holders, and return what it says; nothing where it says nothing."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.site.client.request(method, f"/api/v1/holder{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def licences(self) -> list[dict[str, Any]]:
        """Return the licences of this region."""
        found: list[dict[str, Any]] = self.call("GET", "/licences")["regions"][0]["licences"]
        return found

    def show(self, *identifiers: str, status: int = 201, fields: list[str] = NAMES, **changes: Any) -> Any:
        """Put licences up."""
        shown = [{"identifier": one, "fields": fields} for one in identifiers]
        return self.call("POST", "/showings", {"region": "440000", "licences": shown} | changes, status)

    def look(self, key: str) -> Any:
        """Ask whether a code was taken."""
        return self.call("GET", f"/showings/440000/{key}")

    def uses(self) -> list[dict[str, Any]]:
        """Return the uses in this region."""
        found: list[dict[str, Any]] = self.call("GET", "/uses")["regions"][0]["uses"]
        return found
