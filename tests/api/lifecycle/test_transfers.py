"""Licences that come from another region are issued here once, and only when they were let go there."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from api.schema import completions
from ecert.licence.identifier import parse_identifier
from ecert.revocation import State
from tests.api.lifecycle.motions import CLERK, LICENCES
from tests.api.lifecycle.test_decisions import audited, both, published, state
from tests.api.province import SHANGHAI, now
from tests.api.test_service import problem

if TYPE_CHECKING:
    import httpx2

    from ecert.issuance import SealedLicence
    from tests.api.office import Site

PATH = f"{LICENCES}/transfers"


@pytest.fixture
def abroad(site: Site) -> SealedLicence:
    """A licence of another region, published there."""
    made = site.region.provinces.issue(region=SHANGHAI)
    site.region.provinces.publish(SHANGHAI)
    return made


def let_go(site: Site, licence: SealedLicence, becomes: State = State.TRANSFERRED) -> None:
    provinces = site.region.provinces
    provinces.now = now() + timedelta(seconds=1)
    provinces.decide(licence, becomes, SHANGHAI)
    provinces.publish(SHANGHAI)


def bring(site: Site, licence: SealedLicence, key: str | None = None, **changes: Any) -> httpx2.Response:
    record = changes.pop("record", b64encode(licence.record).decode())
    shanghai = site.region.provinces.applied("business-licence", SHANGHAI)
    body = {
        "record": record,
        "reason": "迁入",
        "legal_basis": "《样例条例》第一条",
        "document": "样字〔2026〕第 1 号",
        "application": shanghai | {"certificateAreaCode": "440106"} | changes.pop("application", {}),
        "paper_serial": "粤A1",
    }
    return site.post(CLERK, PATH, body | changes, key=key)


@both
def test_a_licence_that_was_let_go_is_issued_here_and_says_where_from(site: Site, abroad: SealedLicence) -> None:
    let_go(site, abroad)
    answer = bring(site, abroad, "once-and-once-only")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert state(site, made) == "valid"
    with site.region.ledger() as ledger:
        (arrived,) = ledger.history(parse_identifier(made["identifier"]))
    assert arrived.reason.startswith("自上海市（310000）转入，原证照 ")
    assert abroad.identifier.text not in arrived.reason
    assert ("licence.transfer-in", made["identifier"]) in audited(site)
    mark = published(site, made)
    assert (mark.state, mark.touched) == (State.VALID, True)
    assert bring(site, abroad, "once-and-once-only").content == answer.content
    problem(bring(site, abroad), 409, "ledger-conflict")
    with site.region.ledger() as ledger:
        assert ledger.database.number(select(func.count()).select_from(completions)) == 1


def test_a_licence_still_in_force_elsewhere_does_not_come_here(site: Site, abroad: SealedLicence) -> None:
    refused = problem(bring(site, abroad), 409, "action-not-allowed")
    assert "in region 310000 the licence is valid" in refused["detail"]
    let_go(site, abroad, State.REVOKED)
    problem(bring(site, abroad), 409, "action-not-allowed")


def test_what_is_not_known_is_not_believed(site: Site) -> None:
    unpublished = site.region.provinces.issue(region=SHANGHAI)
    problem(bring(site, unpublished), 422, "status-missing")


def test_only_the_same_licence_of_another_region_comes(site: Site, abroad: SealedLicence) -> None:
    own = site.region.provinces.issue()
    problem(bring(site, own), 422, "decision-invalid")
    problem(bring(site, abroad, record="????"), 422, "request-invalid")
    problem(bring(site, abroad, record=b64encode(abroad.face).decode()), 422, "decision-invalid")
    altered = abroad.record[:-1] + bytes([abroad.record[-1] ^ 1])
    assert bring(site, abroad, record=b64encode(altered).decode()).status_code == 422
    let_go(site, abroad)
    theirs = site.region.application()
    refused = problem(bring(site, abroad, application=theirs), 422, "application-invalid")
    assert "/application/certificateHolderCode" in {one["pointer"] for one in refused["errors"]}
    problem(bring(site, abroad, reason="持证人 11010519491231002X"), 422, "decision-invalid")
