"""Licences issued, found and handed out over HTTP."""

from __future__ import annotations

import io
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from api.access.permissions import Scope
from api.audit import AuditBook
from api.console.audit_words import ACTIONS
from api.idempotency import Answer, Attempt
from api.licences.book import LicenceBook, Question
from api.licences.standing import Standing
from api.settings import DepartmentSettings
from ecert.audit import AuditEntry
from ecert.cli.pixels import read_picture
from ecert.cli.published import load_published_holdings
from ecert.revocation import State
from ecert.verification import Outcome
from ecert.verification.files import FileKind, assess_file
from ecert.verification.files import Question as Asked
from ecert.web.problems import Problem
from tests.api.office import DEPARTMENT, SEAL, Region, serving
from tests.api.province import GUANGDONG, now
from tests.api.test_service import problem

if TYPE_CHECKING:
    from tests.api.office import Site

LICENCES = "/api/v1/licences"
ROOT = Path(__file__).parents[2]


def issue(site: Site, slug: str = "business-licence", **more: Any) -> dict[str, Any]:
    changes = more.pop("changes", {})
    answer = site.post("issuer-clerk", LICENCES, {"application": site.region.application(slug, **changes)} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def count(region: Region) -> int:
    with region.ledger() as ledger:
        return len(LicenceBook(ledger, Scope(GUANGDONG, None), now()).search(Question(), "", 100)[0])


def test_a_licence_is_issued_with_record_file_and_code(site: Site) -> None:
    made = issue(site, paper_serial="粤A00012345")
    record = site.call("issuer-clerk", "GET", made["files"]["record"])
    assert record.content == b64decode(made["record"])
    code = site.call("issuer-clerk", "GET", made["files"]["code"])
    assert read_picture(code.content) == made["code"]
    ofd = site.call("issuer-clerk", "GET", made["files"]["ofd"])
    assert ofd.headers["content-type"] == "application/ofd"
    site.region.provinces.publish()
    moment = now() + timedelta(seconds=1)
    held = load_published_holdings(site.region.provinces.published, moment)
    verdict = assess_file(ofd.content, FileKind.OFD, held, Asked(at=moment, now=moment))
    # The register of seals is published with its signer; here it is not, so that windows cannot tell of the seal.
    assert verdict.outcome in (Outcome.VALID, Outcome.UNDETERMINED)
    assert site.call("issuer-clerk", "GET", made["files"]["picture"]).text.startswith("<svg")
    pixels = Image.open(io.BytesIO(site.call("issuer-clerk", "GET", made["files"]["pixels"]).content))
    assert pixels.width > 500
    read = site.call("issuer-clerk", "GET", f"{LICENCES}/{made['key']}").json()
    assert (read["identifier"], read["state"]) == (made["identifier"], "valid")
    assert (read["department"], read["paper_serial"], read["version"]) == (DEPARTMENT, "粤A00012345", 1)


def test_a_record_alone_has_no_file(site: Site) -> None:
    made = issue(site, file=False)
    assert set(made["files"]) == {"record", "code"}
    problem(site.call("issuer-clerk", "GET", f"{LICENCES}/{made['key']}/licence.ofd"), 404, "licence-not-found")


def test_the_same_request_again_is_answered_as_the_first_time(site: Site) -> None:
    body = {"application": site.region.application()}
    first = site.post("issuer-clerk", LICENCES, body, key="once-and-once-only")
    again = site.post("issuer-clerk", LICENCES, body, key="once-and-once-only")
    assert (again.status_code, again.content) == (201, first.content)
    assert count(site.region) == 1
    other = body | {"paper_serial": "1"}
    problem(site.post("issuer-clerk", LICENCES, other, key="once-and-once-only"), 422, "idempotency-key-reused")
    problem(site.call("issuer-clerk", "POST", LICENCES, json=body), 400, "idempotency-key-missing")
    assert count(site.region) == 1


def test_anothers_idempotency_key_is_not_there(site: Site) -> None:
    body = {"application": site.region.application()}
    made = site.post("issuer-clerk", LICENCES, body, key="once-and-once-only").json()
    answer = site.post("other-issuer-clerk", LICENCES, body, key="once-and-once-only")
    problem(answer, 404, "issuer-unknown")
    assert made["key"] not in answer.text


def test_a_refused_application_names_each_field_and_leaves_nothing(site: Site) -> None:
    wrong = site.region.application(certificateHolderCode="91440106DEMX000499", certificateAreaCode="44")
    body = problem(
        site.post("issuer-clerk", LICENCES, {"application": wrong}, key="a-key-of-mine"), 422, "application-invalid"
    )
    assert {one["pointer"] for one in body["errors"]} >= {"/application/certificateAreaCode"}
    assert count(site.region) == 0
    right = {"application": site.region.application()}
    assert site.post("issuer-clerk", LICENCES, right, key="a-key-of-mine").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"application": 1},
        {"application": {}, "extra": 1},
        {"application": {}, "paper_serial": "x" * 65},
        {"application": {}, "parents": ["%"]},
        {"application": {}, "file": "yes"},
    ],
)
def test_another_shape_is_refused(site: Site, body: Any) -> None:
    answer = site.post("issuer-clerk", LICENCES, body)
    assert answer.status_code == 422
    assert count(site.region) == 0


def test_a_body_that_is_too_long_is_refused(site: Site) -> None:
    answer = site.call("issuer-clerk", "POST", LICENCES, content=b" " * (1 << 20) + b"{}", key="a-key-of-mine")
    problem(answer, 413, "too-large")


def test_licences_are_found_by_whole_values_and_pages_follow_each_other(site: Site) -> None:
    made = [issue(site, file=False)["key"] for _ in range(5)]
    application = site.region.application()
    question = {"number": application["certificateNumber"], "limit": 2}
    found: list[str] = []
    cursor = ""
    while True:
        page = site.call("issuer-clerk", "POST", f"{LICENCES}/search", json=question | {"cursor": cursor}).json()
        found += [one["key"] for one in page["licences"]]
        cursor = page["next"]
        if not cursor:
            break
    assert sorted(found) == sorted(made)
    for wanted, number in (
        ({"holder_code": application["certificateHolderCode"]}, 5),
        ({"holder_code": "91440106DEMX000499"}, 0),
        ({"state": "valid", "type": application["certificateTypeCode"]}, 5),
        ({"state": "revoked"}, 0),
        ({"issued_from": "2020-01-01", "issued_to": "2020-12-31"}, 0),
    ):
        page = site.call("issuer-clerk", "POST", f"{LICENCES}/search", json=wanted).json()
        assert len(page["licences"]) == number
    problem(site.call("issuer-clerk", "POST", f"{LICENCES}/search", json={"cursor": "x"}), 422, "usage")


def test_what_is_anothers_is_answered_as_what_is_not_there(site: Site) -> None:
    made = issue(site)
    for name in ("", "/licence.ofd", "/record.bin", "/code.png", "/face.svg"):
        mine = site.call("other-issuer-clerk", "GET", f"{LICENCES}/{made['key']}{name}")
        nobodys = site.call("other-issuer-clerk", "GET", f"{LICENCES}/{'A' * 22}{name}")
        bodies = [problem(one, 404, "licence-not-found") | {"trace_id": ""} for one in (mine, nobodys)]
        assert bodies[0] == bodies[1]
    page = site.call("other-issuer-clerk", "POST", f"{LICENCES}/search", json={}).json()
    assert page == {"licences": [], "next": ""}


def test_persons_are_masked(site: Site) -> None:
    application = site.region.application("driving-licence")
    made = issue(site, "driving-licence", file=False)
    read = site.call("issuer-clerk", "GET", f"{LICENCES}/{made['key']}")
    assert application["certificateHolderName"] not in read.text
    assert application["certificateNumber"] not in read.text
    assert "*" in read.json()["holder"]


def test_what_was_decided_shows_at_its_time(region: Region) -> None:
    provinces = region.provinces
    licence = provinces.issue()
    later = provinces.now + timedelta(days=3)
    provinces.decide(licence, State.SUSPENDED, until=provinces.now + timedelta(days=1))
    provinces.decide(licence, State.REVOKED, since=later)
    with region.ledger() as ledger:
        for days, standing in ((0, Standing.SUSPENDED), (2, Standing.VALID), (4, Standing.REVOKED)):
            at = provinces.now + timedelta(days=days, seconds=1)
            found, _ = LicenceBook(ledger, Scope(GUANGDONG, None), at).search(Question(), "", 10)
            assert [one.standing for one in found] == [standing]


def test_the_log_knows_who_read_what(site: Site) -> None:
    made = issue(site)
    site.call("issuer-clerk", "GET", made["files"]["ofd"])
    with site.region.ledger() as ledger:
        assert any(b"licence.read" in one for one in AuditBook(ledger.database).entries())


def test_the_log_knows_who_looked_a_holder_up_and_not_whom(site: Site) -> None:
    issue(site, file=False)
    code = site.region.application()["certificateHolderCode"]
    for question in ({"holder_code": code}, {"type": "x" * 21}, {"holder_code": "nobody"}):
        site.call("issuer-clerk", "POST", f"{LICENCES}/search", json=question)
    with site.region.ledger() as ledger:
        entries = [AuditEntry.decode(one) for one in AuditBook(ledger.database).entries()]
        looked = [one for one in entries if one.action == "licence.search"]
        assert [one.details for one in looked] == [{"found": 1}, {"found": 0}]
        assert looked[0].object == f"holder:{ledger.at_rest.holder_index(code).hex()}"
        assert not any(code.encode() in one for one in AuditBook(ledger.database).entries())


def test_every_action_with_words_is_documented() -> None:
    page = (ROOT / "docs" / "audit.md").read_text("utf-8")
    for action, words in ACTIONS.items():
        assert f"|`{action}`|{words.zh} {words.en}|" in page


def test_where_nobody_seals_alone_one_licence_is_not_issued_by_one_person(region: Region) -> None:
    strict = DepartmentSettings(code=DEPARTMENT, signer=DEPARTMENT, seal=SEAL, alone_up_to=0)
    with serving(region, departments=(strict,)) as site:
        answer = site.post("issuer-clerk", LICENCES, {"application": region.application()})
        problem(answer, 403, "second-person-needed")
    assert count(region) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"issued_to": "9999-12-31"},
        {"issued_from": "0001-01-01"},
        {"issued_from": "9999-12-31", "issued_to": "0001-01-01"},
    ],
)
def test_days_at_the_ends_of_the_calendar_are_days(site: Site, asked: dict[str, str]) -> None:
    assert site.call("issuer-clerk", "POST", f"{LICENCES}/search", json=asked).status_code == 200


def test_an_attempt_that_was_given_up_finishes_nothing_any_more(region: Region) -> None:
    first, second = (Attempt.of("caller", "once-and-once-only", "POST", LICENCES, b"") for _ in range(2))
    with region.ledger() as ledger:
        assert first.begin(ledger, now()) is None
        assert second.begin(ledger, now() + timedelta(minutes=6)) is None
        with pytest.raises(Problem, match="409"):
            first.finish(ledger, Answer(201, b"first"))
        first.abandon(ledger)
        second.finish(ledger, Answer(201, b"second"))
        assert second.begin(ledger, now() + timedelta(minutes=6)) == Answer(201, b"second")
