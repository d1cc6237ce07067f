"""A phone shows, a window takes; a window asks, a holder answers; every use is there for the holder to read."""

from __future__ import annotations

import json
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from api.service_schema import consents, holder_sessions, uses
from api.showing import consents as request_lists
from api.showing import uses as use_lists
from api.showing.sessions import IDLE
from ecert import envelope
from ecert.cli.published import load_published_holdings
from ecert.errors import Reason
from ecert.licence.identifier import parse_identifier
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.ofd.copies import read_note
from ecert.ofd.package import Package
from ecert.presentation import AuthCode, Binding, DynamicCode, LicenceUse, Requester, Way
from ecert.report import timestamp
from ecert.verification import Outcome, assess
from ecert.verification.files import FileKind, Question, assess_file
from tests.api.office import DEPARTMENT, OTHER, serving
from tests.api.province import GUANGDONG, now
from tests.api.showing.counter import AT_THE_WINDOW, CARD, COMPANY, LI, NAMES, USE, WANG, Phone, ask, issue, redeem
from tests.verifier.servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from tests.api.office import Region, Site


@pytest.fixture
def card(site: Site) -> str:
    """The identifier of an identity card of 王示例, with its page."""
    return issue(site, site.region.application("resident-identity-card"))


def test_what_is_shown_is_taken_once_with_record_copy_and_grant_and_the_phone_is_told(site: Site, card: str) -> None:
    phone = Phone.of(site)
    everything = sorted(one["name"] for one in phone.licences()[0]["items"])
    shown = phone.show(card, fields=everything)
    assert phone.look(shown["key"]) == {"state": "up", "taken": None}
    taken = redeem(site, shown["text"])
    assert taken.status_code == 200, taken.text
    (handed,) = taken.json()["licences"]
    assert (handed["identifier"], handed["fields"]) == (card, everything)
    record = envelope.decode(b64decode(handed["record"]), limit=MAX_RECORD)
    assert site.region.provinces.registry.find(record.key_id) is not None
    grant = handed["grant"]
    binding = Binding(DEPARTMENT, parse_identifier(card), USE["item_code"], USE["purpose"])
    assert AuthCode.parse(grant["code"]).is_for(binding)
    assert (grant["ground"], grant["evidence"]) == ("phone", f"showing:{shown['key']}")
    note = read_note(Package.read(b64decode(handed["file"])))
    assert note is not None
    assert (note.creator, note.cause) == ("window", USE["purpose"])
    assert verdict(site, b64decode(handed["file"])) == "valid"
    told = phone.look(shown["key"])
    assert told["state"] == "taken"
    assert told["taken"]["window"] == AT_THE_WINDOW["window"]
    again = redeem(site, shown["text"])
    assert (again.status_code, again.json()["code"]) == (409, "code-used")
    assert AT_THE_WINDOW["window"] in again.json()["detail"]
    outcomes = [(one["way"]["code"], one["outcome"], one["fields"]) for one in phone.uses()]
    assert outcomes == [("showing", "code-used", []), ("showing", "ok", everything)]
    assert phone.uses()[1]["ground"]["evidence"] == f"showing:{shown['key']}"


def test_a_window_gets_what_the_holder_disclosed_and_nothing_else(site: Site, card: str) -> None:
    (handed,) = redeem(site, Phone.of(site).show(card)["text"]).json()["licences"]
    assert handed["file"] is None
    sealed = envelope.decode(b64decode(handed["record"]), limit=MAX_RECORD)
    read = read_fields(sealed.unprotected, decode_record(sealed.payload).digests)
    assert sorted(read) == [*NAMES, "certificateHolderTypeCode"]
    site.region.provinces.publish()
    held = load_published_holdings(site.region.provinces.published, now())
    told = assess(b64decode(handed["record"]), registry=held.registry, status=held.status, at=now())
    assert told.outcome is Outcome.VALID


def verdict(site: Site, file: bytes) -> str:
    """Return what a window makes of a file, by what the region publishes."""
    site.region.provinces.publish()
    at = now()
    held = load_published_holdings(site.region.provinces.published, at)
    return assess_file(file, FileKind.OFD, held, Question(at=at, now=at)).outcome.value


def test_a_look_without_a_use_hands_out_the_face_alone(site: Site, card: str) -> None:
    phone = Phone.of(site)
    (handed,) = redeem(site, phone.show(card)["text"], use=None).json()["licences"]
    assert handed["record"] is handed["file"] is handed["grant"] is None
    assert envelope.decode(b64decode(handed["face"]), limit=MAX_RECORD)
    assert phone.uses()[0]["use"] is None


def test_of_many_windows_at_once_one_gets_the_code(site: Site, card: str) -> None:
    text = Phone.of(site).show(card)["text"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda who: redeem(site, text, who), ["window", "other-window"] * 4))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 7


def test_a_purpose_that_the_holder_chose_binds_the_window_and_leaves_the_code_good(site: Site, card: str) -> None:
    text = Phone.of(site).show(card, purpose="租房签约")["text"]
    refused = redeem(site, text)
    assert (refused.status_code, refused.json()["code"]) == (409, "grant-mismatch")
    assert redeem(site, text, use=USE | {"purpose": "租房签约"}).status_code == 200


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (DynamicCode(GUANGDONG, b"0" * 16).text("zz.example"), 404, "code-unknown"),
        (DynamicCode("310000", b"0" * 16).text("zz.example"), 404, "code-unknown"),
        (DynamicCode(GUANGDONG, b"0" * 16).text("zz.example")[:-3], 400, "text-damaged"),
        ("HTTPS://ZZ.EXAMPLE/#ABC", 422, "not-a-licence-text"),
        ("ignore me", 422, "not-a-licence-text"),
    ],
)
def test_forged_foreign_and_damaged_codes_are_told_apart(site: Site, text: str, status: int, code: str) -> None:
    refused = redeem(site, text)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_a_code_that_is_renewed_taken_down_or_of_another_identity_is_good_no_longer(site: Site, card: str) -> None:
    phone = Phone.of(site, WANG, COMPANY)
    first, second = phone.show(card), phone.show(card)
    assert redeem(site, first["text"]).json()["code"] == "code-unknown"
    phone.call("DELETE", f"/showings/440000/{second['key']}", status=204)
    assert redeem(site, second["text"]).json()["code"] == "code-unknown"
    third = phone.show(card)
    phone.call("POST", "/identity", {"number": 1})
    assert redeem(site, third["text"]).json()["code"] == "code-unknown"
    phone.call("POST", "/identity", {"number": 0})
    last = phone.show(card)
    phone.call("DELETE", "/session", status=204)
    assert redeem(site, last["text"]).json()["code"] == "code-unknown"
    phone.call("GET", "/licences", status=401)


def test_nobody_shows_looks_at_or_takes_down_what_is_anothers(site: Site, card: str) -> None:
    mine, other = Phone.of(site), Phone.of(site, LI)
    shown = mine.show(card)
    other.show(card, status=404)
    assert other.look(shown["key"])["state"] == "gone"
    other.call("DELETE", f"/showings/440000/{shown['key']}", status=204)
    assert redeem(site, shown["text"]).status_code == 200
    assert other.licences() == other.uses() == []


def test_licences_are_masked_until_one_item_after_the_other_is_revealed(site: Site, card: str) -> None:
    phone = Phone.of(site)
    (one,) = phone.licences()
    assert (one["holder"], one["number"], one["state"]) == ("王*例", "4400**********0024", "valid")
    assert WANG.code not in str(phone.licences())
    asked = {"region": "440000", "identifier": card, "fields": ["certificateHolderName"]}
    revealed = {item["name"]: item for item in phone.call("POST", "/licences/reveal", asked)["items"]}
    assert revealed["certificateHolderName"]["value"] == "王示例"
    assert revealed["certificateHolderCode"]["masked"]
    drawn = phone.call("POST", "/licences/picture", asked | {"fields": []})["svg"]
    assert drawn.startswith("<svg")
    assert WANG.code not in drawn
    assert WANG.name not in drawn


def test_consent_is_asked_granted_pulled_as_often_as_wanted_and_withdrawn(site: Site, card: str) -> None:
    phone = Phone.of(site)
    asked = ask(site, WANG)
    assert asked.status_code == 201, asked.text
    name = asked.json()["id"]
    pull = f"/api/v1/consents/{name}/licences"
    assert site.call("window", "POST", pull, json=AT_THE_WINDOW).json()["code"] == "consent-missing"
    (request,) = phone.call("GET", "/consents")["regions"][0]["consents"]
    assert request["use"] == USE
    assert request["wanted"][0]["titles"] == ["持证主体代码", "姓名"]
    for _ in range(2):
        phone.call("POST", f"/consents/440000/{name}/answer", {"answer": "granted"})
    assert site.call("window", "GET", f"/api/v1/consents/{name}").json()["answer"] == "granted"
    for _ in range(2):
        pulled = site.call("window", "POST", pull, json=AT_THE_WINDOW)
        assert pulled.status_code == 200, pulled.text
        (handed,) = pulled.json()["licences"]
        assert (handed["identifier"], handed["grant"]["evidence"]) == (card, f"request:{name}")
        assert handed["file"]
    assert [one["way"]["code"] for one in phone.uses()] == ["pull", "pull"]
    phone.call("POST", f"/consents/440000/{name}/answer", {"answer": "withdrawn"})
    refused = site.call("window", "POST", pull, json=AT_THE_WINDOW)
    assert (refused.status_code, refused.json()["code"]) == (409, "consent-refused")


def test_a_refusal_stands_and_a_request_lapses(site: Site, card: str) -> None:
    phone = Phone.of(site)
    name = ask(site, WANG).json()["id"]
    phone.call("POST", f"/consents/440000/{name}/answer", {"answer": "refused"})
    changed = phone.call("POST", f"/consents/440000/{name}/answer", {"answer": "granted"}, 409)
    assert changed["code"] == "consent-answered"
    refused = site.call("window", "POST", f"/api/v1/consents/{name}/licences", json=AT_THE_WINDOW)
    assert (refused.status_code, refused.json()["code"]) == (409, "consent-refused")
    assert card not in refused.text


def test_asking_tells_nobody_whether_there_is_such_a_holder_and_others_see_no_request(site: Site, card: str) -> None:
    there, nowhere = ask(site, WANG).json(), ask(site, LI).json()
    different = {"id", "asked_at", "answer_by", "until"}
    assert {k: v for k, v in there.items() if k not in different} == {
        k: v for k, v in nowhere.items() if k not in different
    }
    assert card
    name = there["id"]
    assert site.call("other-window", "GET", f"/api/v1/consents/{name}").status_code == 404
    Phone.of(site, LI).call("POST", f"/consents/440000/{name}/answer", {"answer": "granted"}, 404)
    assert ask(site, WANG, "other-window").status_code == 403
    assert OTHER != DEPARTMENT


def test_without_a_phone_consent_is_kept_at_the_counter_and_the_holder_sees_the_use(site: Site, card: str) -> None:
    signed = {"form": "paper", "evidence": "a" * 64, "until": timestamp(now() + timedelta(days=1))}
    pulled = pull(site, consent=signed)
    assert pulled.status_code == 200, pulled.text
    (handed,) = pulled.json()["licences"]
    assert (handed["identifier"], handed["fields"]) == (card, NAMES)
    assert (handed["grant"]["ground"], handed["grant"]["evidence"]) == ("counter", "paper:" + "a" * 64)
    assert Phone.of(site).uses()[0]["ground"]["code"] == "counter"
    for wrong in ({"evidence": ""}, {"form": "said so"}, {"until": timestamp(now() + timedelta(days=400))}):
        assert pull(site, consent=signed | wrong).status_code == 422
    assert pull(site, consent=signed, holder=LI.json()).json() == {"licences": []}


def test_the_law_opens_to_a_unit_what_is_registered_for_it_and_nothing_else(region: Region, tmp_path: Path) -> None:
    basis = {
        "unit": DEPARTMENT,
        "itemCode": USE["item_code"],
        "types": [CARD],
        "fields": ["certificateHolderName"],
        "law": "《样例社会保险办法》",
        "article": "第七条",
        "since": "2026-01-01",
    }
    (tmp_path / "bases.json").write_text(json.dumps({"bases": [basis]}), "utf-8")
    with serving(region, legal_bases=str(tmp_path / "bases.json")) as site:
        issue(site, region.application("resident-identity-card"))
        name = [{"type": CARD, "fields": ["certificateHolderName"]}]
        pulled = pull(site, wanted=name)
        assert pulled.status_code == 200, pulled.text
        assert pulled.json()["licences"][0]["grant"]["evidence"] == "《样例社会保险办法》第七条"
        assert pulled.json()["licences"][0]["file"] is None, "the whole page has more than the law opens"
        use = Phone.of(site).uses()[0]
        assert (use["ground"]["code"], use["by"]["operator"]) == ("law", "clerk-7")
        assert pull(site).json()["code"] == "grant-mismatch"
        elsewhere = pull(site, wanted=name, use=USE | {"item_code": "GD-ANY-01"})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "legal-basis-missing")
        assert pull(site, "other-window", wanted=name).json()["code"] == "legal-basis-missing"


def pull(site: Site, who: str = "window", **changes: Any) -> httpx2.Response:
    body = {"use": USE, "wanted": [{"type": CARD, "fields": NAMES}], "holder": WANG.json(), "consent": None}
    return site.call(who, "POST", "/api/v1/pulls", json=body | AT_THE_WINDOW | changes)


def test_a_printed_code_and_a_file_are_kept_by_identifier_or_face(site: Site, card: str) -> None:
    phone = Phone.of(site)
    (handed,) = redeem(site, phone.show(card)["text"], use=None).json()["licences"]
    for named, way in (({"identifier": card}, "printed-code"), ({"face": handed["face"]}, "file")):
        body = named | AT_THE_WINDOW | {"use": None, "way": way}
        assert site.call("window", "POST", "/api/v1/uses", json=body).status_code == 202
    assert [one["way"]["code"] for one in phone.uses()] == ["file", "printed-code", "showing"]
    both = {"identifier": card, "face": handed["face"], "use": None, "way": "printed-code"} | AT_THE_WINDOW
    assert site.call("window", "POST", "/api/v1/uses", json=both).status_code == 422
    pulled = {"identifier": card, "use": None, "way": "pull"} | AT_THE_WINDOW
    assert site.call("window", "POST", "/api/v1/uses", json=pulled).status_code == 422
    foreign = both | {"face": None, "identifier": card[:-5] + card[-5:].replace("001", "002")}
    assert site.call("window", "POST", "/api/v1/uses", json=foreign).status_code in (404, 422)


def test_every_use_and_every_request_is_on_a_page_of_its_list_once(site: Site, card: str) -> None:
    phone, by, at = Phone.of(site), Requester(DEPARTMENT, "样例用证单位", "clerk-7"), now()
    scan = LicenceUse(parse_identifier(card), at, Way.PRINTED_CODE, by, "窗口", None, None, "", (), Reason.OK)
    made = [scan] * (use_lists.PAGE * 2 + 5)
    site.office.pool.do(lambda ledger: use_lists.UseBook(ledger).record(made))
    asked = [ask(site, WANG).json()["id"] for _ in range(request_lists.PAGE + 3)]
    uses, requests = list(pages(phone, "uses")), list(pages(phone, "consents"))
    assert [len(one) for one in uses] == [use_lists.PAGE, use_lists.PAGE, 5]
    assert [len(one) for one in requests] == [request_lists.PAGE, 3]
    assert sorted(one["id"] for page in requests for one in page) == sorted(asked)
    for query in ("?cursor=MQ", "?region=44", "?region=440000&cursor=MQ&more=1"):
        assert phone.call("GET", f"/uses{query}", status=422)["code"] == "request-invalid"
    assert phone.call("GET", "/uses?region=440000&cursor=!", status=422)["code"] == "usage"
    assert list(pages(Phone.of(site, LI), "uses")) == [[]]


def pages(phone: Phone, what: str) -> Iterator[list[Any]]:
    cursor = ""
    while True:
        query = f"?{urlencode({'region': '440000', 'cursor': cursor})}" if cursor else ""
        told = phone.call("GET", f"/{what}{query}")["regions"][0]
        yield told[what]
        cursor = told["next"]
        if not cursor:
            return


def test_nothing_personal_stands_open_in_the_ledger_or_in_the_log(site: Site, card: str) -> None:
    phone = Phone.of(site, WANG, COMPANY)
    ask(site, WANG)
    redeem(site, phone.show(card)["text"])
    with site.region.ledger() as ledger:
        for table in (holder_sessions, consents, uses):
            said = repr(ledger.database.run(select(table)).all())
            for word in (WANG.code, WANG.name, COMPANY.code, USE["matter"]):
                assert word not in said
                assert word.encode().decode("latin-1") not in said


def test_a_session_that_was_left_alone_is_over(site: Site) -> None:
    phone = Phone.of(site)
    with site.region.ledger() as ledger:
        before = site.office.clock() - IDLE - timedelta(seconds=1)
        ledger.database.run(update(holder_sessions).values(used_at=before))
    phone.call("GET", "/session", status=401)


def test_two_processes_over_one_redis_give_a_code_to_one_window(region: Region, tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    with serving(region, redis=server.url) as one, serving(region, redis=server.url) as two:
        text = Phone.of(one).show(issue(one, region.application("resident-identity-card")))["text"]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda site: redeem(site, text), [one, two] * 4))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        server.stop()
        dark = redeem(one, text)
        assert (dark.status_code, dark.json()["code"]) == (503, "source-unreachable")
