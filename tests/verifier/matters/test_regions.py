"""A window and the service of a region, both real: codes, consent on the phone, copies, and what goes wrong."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw
from starlette.responses import RedirectResponse, Response

from ecert.errors import MalformedError, Reason
from ecert.matter import Matter, asked_fields
from ecert.presentation import Answer, DynamicCode
from ecert.qr import encode_text
from ecert.receipt import assess_receipt
from ecert.revocation import State
from ecert.sm2 import sm3
from ecert.verification import Outcome
from tests.agency import ROOT, until
from tests.agency import environment as command_environment
from tests.verifier.matters.conftest import CARD, CARD_TEXT, COMPANY, PURPOSE, RELOCATION, SCAN, Clerk, office_file
from tests.verifier.province import REGION, now
from tests.world import DATA
from verifier.matters.settings import read_office
from verifier.regions import MAX_HANDED

if TYPE_CHECKING:
    from tests.verifier.matters.conftest import City


def arrives(city: City, **shown: Any) -> str:
    """Begin a case by a code; return the page that it leads to."""
    card = city.service.issue()
    text = city.service.show(card, purpose=PURPOSE, **shown)
    city.clerk.case = city.clerk.post(f"/matters/{CARD}", data={"scan": text.lower().replace(":", "：")})
    return city.clerk.page()


def verified(city: City, name: str, data: bytes, code: int = 0) -> str:
    """Verify a file of a case as anybody does: with `ecert verify`, and what is published."""
    bundle = city.folder / "anybody"
    if not bundle.exists():
        bundle.mkdir()
        (bundle / "root.json").write_bytes(city.province.root)
    environment = command_environment()
    update = [sys.executable, "-m", "verifier", "update", str(city.province.folder), "--bundle", str(bundle)]
    subprocess.run(update, cwd=ROOT, env=environment, check=False, capture_output=True)  # Shanghai publishes nothing
    file = city.folder / name.replace("/", "-")
    file.write_bytes(data)
    verify = [str(Path(sys.executable).parent / "ecert"), "verify", str(file), "--bundle", str(bundle)]
    ran = subprocess.run(verify, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout


def problem(page: str) -> str:
    found = re.search(r'role="alert">(.*?)</section>', page, re.DOTALL)
    return "" if found is None else re.sub(r"<[^>]+>", " ", found[1])


def test_a_code_identifies_the_applicant_and_the_copy_is_filed_with_the_case(city: City) -> None:
    page = arrives(city)
    assert "出示码" in page
    assert "持证主体手机授权" in page
    assert "已取得加注件" in page
    assert "还缺 2 份材料" in page
    city.clerk.settle_the_rest()
    slip = city.clerk.accept()
    shown = city.clerk.get(slip)
    assert "王示例" not in shown
    assert "居民身份证 加注件" in shown
    registry = city.province.registry
    receipt = assess_receipt(city.clerk.http.get(f"{slip}/receipt").content, registry, now=now())
    assert receipt.outcome is Outcome.VALID
    assert receipt.receipt is not None
    (seen,) = receipt.receipt.licences
    assert seen.permission is not None
    assert seen.permission.evidence.startswith("showing:")
    package = zipfile.ZipFile(io.BytesIO(city.clerk.http.get(f"{slip}/case.zip").content))
    assert {"acceptance.json", "case.json", "receipt.bin", "copies/1.ofd", "SM3SUMS"} == set(package.namelist())
    copy = package.read("copies/1.ofd")
    assert sm3(copy) == seen.copy
    assert f"{sm3(copy).hex()}  copies/1.ofd" in package.read("SM3SUMS").decode()
    assert city.clerk.http.get(f"{slip}/files/2").content == copy
    case = json.loads(package.read("case.json"))
    assert case["applicant"]["name"] == "王示例"
    assert case["grants"][0]["ground"] == "phone"
    told = json.loads(package.read("acceptance.json"))
    assert told["case"]["applicant"]["name"] == "王*例"
    for name in ("copies/1.ofd", "receipt.bin"):
        assert "✓" in verified(city, name, package.read(name))
    tampered = package.read("receipt.bin").replace(b"clerk-7", b"clerk-8")
    verified(city, "tampered.bin", tampered, code=1)
    assert "核验凭据属实" in city.clerk.get(f"{slip}/evidence")
    kept = b"".join(file.read_bytes() for file in city.folder.glob("register.db*"))
    assert "王示例".encode() not in kept
    assert copy[:64] not in kept


def test_a_used_code_is_refused_with_when_and_where(city: City) -> None:
    text = city.service.show(city.service.issue(), purpose=PURPOSE)
    city.clerk.begin()
    city.clerk.scan(text)
    assert "还缺 2 份材料" in city.clerk.page()
    city.clerk.begin()
    said = problem(city.clerk.scan(text, 400))
    assert "这个出示码已经用过" in said
    assert re.search(r"使用时间 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d，使用窗口 浦东3号窗口", said)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"seconds": -5}, "这个出示码已过期"),
        ({"purpose": "办理别的事项"}, "授权与本次使用不符"),
        ({"fields": ("certificateHolderName",)}, ""),
    ],
)
def test_a_code_that_does_not_do_says_why(city: City, spoil: dict[str, Any], words: str) -> None:
    text = city.service.show(city.service.issue(), **{"purpose": PURPOSE} | spoil)
    city.clerk.begin()
    page = city.clerk.scan(text, 400 if words else 303)
    if words:
        assert words in problem(page)
    else:
        assert "授权与本次办理不符" in city.clerk.page()
    assert "还缺 3 份材料" in city.clerk.page()


def test_codes_of_nobody_of_other_regions_and_damaged_ones_each_have_their_sentence(city: City) -> None:
    city.clerk.begin()
    foreign = DynamicCode("330000", b"x" * 16).text("zz.example")
    unknown = DynamicCode(REGION, b"x" * 16).text("zz.example")
    away = DynamicCode("120000", b"x" * 16).text("zz.example")
    for text, words in (
        (unknown, "没有这个出示码"),
        (foreign, "没有接通该地区的服务，无法判断"),
        (away, "暂时连不上该地区的服务，无法判断"),
        (unknown[:-2] + "ZZ", "读取不完整或已损坏"),
        ("HTTPS://ZZ.EXAMPLE/O#" + unknown.partition("#")[2], "不是"),
        ("随便什么文字", ""),
    ):
        assert words in problem(city.clerk.scan(text, 400)), text
    assert "浙江省" in problem(city.clerk.scan(foreign, 400))


def test_somebody_elses_code_is_pointed_out_and_settles_nothing(city: City) -> None:
    city.clerk.begin()
    city.clerk.scan(city.service.show(city.service.issue(2), purpose=PURPOSE))
    page = city.clerk.page()
    assert "这张证照属于他人，不是申请人或经办人" in page
    assert "证照属于他人，不是申请人" in page
    assert "还缺 3 份材料" in page
    assert "发送授权请求" in page, "the applicant may grant their own all the same"
    (name,) = re.findall('name="licence" value="([0-9a-f]{64})"', page)
    city.clerk.post(f"{city.clerk.case}/licences/removal", data={"licence": name})
    assert "属于他人" not in city.clerk.page()


def test_without_an_agent_nobody_is_asked_for_theirs_and_one_is_named_with_the_code(city: City) -> None:
    city.clerk.begin(RELOCATION, **{name: "" if name.startswith("agent-") else one for name, one in COMPANY.items()})
    assert 'name="whose" value="agent"' not in city.clerk.page()
    agent = {f"agent-{name}": value for name, value in (("card", CARD_TEXT), ("name", ""), ("code", ""))}
    company = city.service.issue(0, "business-licence")
    matter = Matter.from_json((DATA / "matters/company-relocation.json").read_bytes())
    fields = asked_fields(matter, company.identifier.type_code)
    text = city.service.show(company, purpose=f"办理{matter.name}", fields=fields)
    city.clerk.case = city.clerk.post(f"/matters/{RELOCATION}", data={"scan": text} | agent)
    page = city.clerk.page()
    assert "经办人" in page
    assert "王*例" in page
    assert 'name="whose" value="agent"' in page


def test_whoever_acts_is_named_on_the_page_of_a_case_too(city: City) -> None:
    city.clerk.begin(RELOCATION, **{name: "" if name.startswith("agent-") else one for name, one in COMPANY.items()})
    said = city.clerk.post(f"{city.clerk.case}/agent", 400, data={"agent-name": "王示例", "agent-code": "1"})
    assert "经办人" in problem(said)
    assert "经办人 agent" in problem(city.clerk.post(f"{city.clerk.case}/agent", 400, data={}))
    city.clerk.post(f"{city.clerk.case}/agent", data={"agent-card": CARD_TEXT})
    page = city.clerk.page()
    assert "王*例" in page
    assert 'name="whose" value="agent"' in page
    city.service.issue()
    city.clerk.ask(whose="agent")
    city.service.answer(Answer.GRANTED)
    assert "证照已取得 1 张" in city.clerk.look()
    city.clerk.consent()
    assert "已有书面授权" in city.clerk.page()
    city.clerk.post(f"{city.clerk.case}/agent", data={"nobody": "yes"})
    page = city.clerk.page()
    for gone in ("王*例", "证照已取得", "居民身份证</b>", "已有书面授权", 'name="whose" value="agent"'):
        assert gone not in page, gone


def test_the_size_of_the_text_changes_and_the_clerk_stays_where_they_were(city: City) -> None:
    city.clerk.begin()
    (place,) = re.findall('name="page" value="([^"]+)"', city.clerk.page())
    for page, there in ((place, city.clerk.case), ("//elsewhere.example", "/"), ("/cases/../x", "/")):
        assert city.clerk.post("/display", data={"size": "22", "page": page}) == there


def test_a_company_comes_with_whoever_acts_for_it_by_one_code(city: City) -> None:
    company, person = city.service.issue(0, "business-licence"), city.service.issue()
    matter = Matter.from_json((DATA / "matters/company-relocation.json").read_bytes())
    fields = asked_fields(matter, company.identifier.type_code)
    text = city.service.show(company, person, purpose=f"办理{matter.name}", fields=fields)
    city.clerk.case = city.clerk.post(f"/matters/{RELOCATION}", data={"scan": text})
    page = city.clerk.page()
    assert "广州示例样品云图智能制造科技发展有限公司" in page
    assert "还缺 3 份材料" in page
    assert "不是申请人或经办人" not in page


def test_only_an_identity_card_or_a_business_licence_tells_who_applies(city: City) -> None:
    licence = city.service.issue(0, "driving-licence")
    address = f"/matters/{CARD}"
    shown = city.service.show(licence, purpose=PURPOSE)
    assert "这个码不能确认申请人身份" in city.clerk.post(address, 400, data={"scan": shown})
    printed = city.service.issue().text("zz.example")
    assert "照面码只有脱敏姓名" in city.clerk.post(address, 400, data={"scan": printed})
    masked = city.service.show(city.service.issue(), purpose=PURPOSE, fields=("certificateHolderName",))
    assert "勾选姓名和号码" in city.clerk.post(address, 400, data={"scan": masked})


def test_consent_on_the_phone_is_waited_for_and_brings_the_licence(city: City) -> None:
    card = city.service.issue()
    city.clerk.begin()
    city.clerk.ask()
    asked = list(city.service.asked.values())[-1]
    request = asked.consent.request
    assert asked.holder == {"code_type": "111", "code": "440000199003070024", "name": "王示例"}
    assert (request.requester.operator, request.use.purpose) == ("clerk-7", PURPOSE)
    assert [one.type_code for one in request.wanted] == [card.identifier.type_code]
    assert request.wanted[0].fields == ("certificateHolderCode", "certificateHolderName")
    page = city.clerk.page()
    assert "等待持证人在手机上答复" in page
    assert f'data-look="{city.clerk.case}/look"' in page
    assert "等待持证人在手机上答复" in city.clerk.look()
    city.service.answer(Answer.GRANTED)
    answer = city.clerk.http.post(f"{city.clerk.case}/look", headers={"Accept": "application/json"})
    assert answer.json() == {"changed": True}
    assert "等待持证人在手机上答复" in city.clerk.page(), "asking whether there is news changes nothing"
    page = city.clerk.look()
    assert "持证人已同意" in page
    assert "证照已取得" in page
    assert "还缺 2 份材料" in page
    count = len(city.service.uses)
    assert "证照已取得" in city.clerk.look()
    assert len(city.service.uses) == count
    city.clerk.settle_the_rest()
    city.service.answer(Answer.WITHDRAWN)
    assert "材料尚未齐备" in city.clerk.accept(409)
    page = city.clerk.page()
    assert "持证人已收回授权" in page
    assert "还缺 1 份材料" in page


def test_a_refusal_is_said_and_nothing_is_taken(city: City) -> None:
    city.service.issue()
    city.clerk.begin()
    city.clerk.ask()
    city.service.answer(Answer.REFUSED)
    page = city.clerk.look()
    assert "持证人不同意，请收纸质材料" in page
    assert "还缺 3 份材料" in page
    assert "没有需要请其授权的证照" in city.clerk.ask(400, whose="agent")
    assert "没有接通该地区的服务" in city.clerk.ask(400, region="330000")


def test_consent_of_somebody_without_such_a_licence_there_is_told_from_one_that_waits(city: City) -> None:
    city.clerk.begin(**{"applicant-name": "陈虚构", "applicant-code": "310000199309140049"})
    city.clerk.ask()
    city.service.answer(Answer.GRANTED)
    page = city.clerk.look()
    assert "该地区没有符合的有效证照" in page
    assert "还缺 3 份材料" in page


def endless() -> Response:
    return Response(b"x" * (MAX_HANDED + 1))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Response(status_code=503), "暂时连不上该地区的服务"),
        (Response(status_code=404), "没有给出可用的答复"),
        (Response(b"<html>", media_type="text/html"), "没有给出可用的答复"),
        (Response(b'{"licences": [{"identifier": "x", "record": "*"}]}'), "没有给出可用的答复"),
        (Response(b'{"licences": [{"identifier": "x"}]}'), "没有给出可用的答复"),
        (Response(b'{"licences": []}', headers={"Content-Encoding": "gzip"}), "没有给出可用的答复"),
        (Response(b'{"code": "request-key-unknown"}', 401), "没有给出可用的答复"),
        (Response(b'{"code": "source-unreachable"}', 422), "暂时连不上该地区的服务"),
        (RedirectResponse("http://127.0.0.1:9/"), "没有给出可用的答复"),
        (endless(), "没有给出可用的答复"),
    ],
)
def test_a_service_that_fails_is_never_a_verdict(city: City, fault: Response, words: str) -> None:
    city.clerk.begin()
    text = city.service.show(city.service.issue(), purpose=PURPOSE)
    city.service.fault = fault
    said = problem(city.clerk.scan(text, 400))
    assert words in said
    assert "无法判断" in said
    assert "纸质材料" in said
    city.service.fault = None
    city.clerk.scan(text)
    assert "还缺 2 份材料" in city.clerk.page()


def test_what_a_service_says_never_becomes_markup(city: City) -> None:
    city.clerk.begin()
    said = json.dumps({"code": "code-used", "detail": "<script>alert(1)</script>"}).encode()
    city.service.fault = Response(said, 409, media_type="application/problem+json")
    code = DynamicCode(REGION, b"x" * 16).text("zz.example")
    page = city.clerk.http.post(f"{city.clerk.case}/licences", data={"text": code}).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


def test_a_service_that_is_away_while_a_request_waits_is_said_on_the_page(city: City) -> None:
    city.service.issue()
    city.clerk.begin()
    city.clerk.ask()
    city.service.fault = Response(status_code=503)
    page = city.clerk.look()
    assert "等待持证人在手机上答复" in page
    assert "暂时连不上该地区的服务" in page
    assert not has_news(city)
    city.service.fault = None
    assert has_news(city), "it answers again"
    assert "暂时连不上该地区的服务" not in city.clerk.look()


def has_news(city: City) -> bool:
    answer = city.clerk.http.post(f"{city.clerk.case}/look", headers={"Accept": "application/json"})
    return bool(answer.json()["changed"])


def test_what_was_granted_and_cannot_be_fetched_is_said_once_and_fetched_when_asked_for(city: City) -> None:
    city.service.issue()
    city.clerk.begin()
    city.clerk.ask()
    city.service.answer(Answer.GRANTED)
    city.service.fault, city.service.fault_at = Response(status_code=503), "/licences"
    assert has_news(city)
    page = city.clerk.look()
    assert "证照尚未取得" in page
    assert "暂时连不上该地区的服务" in page
    assert not has_news(city), "the page does not ask without end"
    city.service.fault = None
    assert "证照已取得" in city.clerk.look()
    assert "还缺 2 份材料" in city.clerk.page()


def test_a_copy_for_another_purpose_is_not_filed(city: City) -> None:
    city.service.spoil_copies = True
    page = arrives(city)
    assert "随附的加注件与证照或本次用途不符" in page
    assert "已取得加注件" not in page
    assert "还缺 2 份材料" in page


def test_a_licence_revoked_after_it_was_shown_settles_nothing(city: City) -> None:
    card = city.service.issue()
    city.clerk.begin()
    city.clerk.scan(city.service.show(card, purpose=PURPOSE))
    assert "还缺 2 份材料" in city.clerk.page()
    city.window.reaches(city.province.decide(card, State.REVOKED))
    assert "出示的证照无效" in city.clerk.page()


def test_the_scan_of_a_printed_code_and_a_file_are_told_to_its_region(city: City) -> None:
    card = city.service.issue()
    city.clerk.begin()
    city.service.uses.clear()
    city.clerk.scan(card.text("zz.example"))
    until(lambda: city.service.uses)
    (use,) = city.service.uses
    assert (use["identifier"], use["way"], use["operator"]) == (card.identifier.text, "printed-code", "clerk-7")
    assert "照面码只能核验真伪" in city.clerk.page()
    city.service.uses.clear()
    for _ in range(2):
        city.clerk.present(card.record)
    until(lambda: city.service.uses)
    (use,) = city.service.uses
    assert (use["identifier"], use["way"], use["use"]["item_code"]) == (card.identifier.text, "file", CARD)


def test_what_the_scan_page_saw_is_told_without_a_clerk_or_a_matter_and_a_forgery_is_not(city: City) -> None:
    card = city.service.issue()
    city.service.uses.clear()
    text = card.text("zz.example")
    forged = encode_text(card.face[:-1] + bytes((card.face[-1] ^ 1,)), "zz.example")
    for one in (forged, text):
        city.clerk.http.post("/", data={"text": one})
    until(lambda: city.service.uses)
    (use,) = city.service.uses
    assert (use["identifier"], use["use"]) == (card.identifier.text, None)
    assert use["operator"] == use["window"]
    city.service.uses.clear()
    assert card.file is not None
    city.clerk.http.post("/", files={"picture": ("licence.ofd", card.file)})
    until(lambda: city.service.uses)
    (use,) = city.service.uses
    assert (use["identifier"], use["way"]) == (card.identifier.text, "file")


def test_a_registered_basis_allows_the_use_and_is_recorded_with_its_clerk(city: City) -> None:
    card = city.service.issue()
    city.clerk.begin()
    city.clerk.present(card.record)
    assert "尚未授权使用" in city.clerk.page()
    city.clerk.post(f"{city.clerk.case}/law")
    page = city.clerk.page()
    assert "依职能" in page
    assert "《样例社会保险办法》第七条" in page
    city.clerk.settle_the_rest()
    slip = city.clerk.accept()
    verdict = assess_receipt(city.clerk.http.get(f"{slip}/receipt").content, city.province.registry, now=now())
    assert verdict.receipt is not None
    (seen,) = verdict.receipt.licences
    assert seen.permission is not None
    assert (seen.permission.ground.value, seen.permission.evidence) == ("law", "《样例社会保险办法》第七条")
    assert verdict.receipt.place.operator == "clerk-7"
    city.clerk.begin("11440100DEMG2000444440109003000")
    said = problem(city.clerk.post(f"{city.clerk.case}/law", 400))
    assert "没有登记的调用依据" in said


def test_without_a_phone_the_licence_is_called_up_by_consent_at_the_counter(city: City) -> None:
    city.service.issue()
    city.clerk.begin()
    asked = {"region": "440000", "whose": "applicant"}
    assert "持证人尚未授权" in problem(city.clerk.post(f"{city.clerk.case}/pulls", 400, data=asked))
    city.clerk.consent()
    city.clerk.post(f"{city.clerk.case}/pulls", data=asked)
    page = city.clerk.page()
    assert "持证主体窗口书面授权" in page
    assert "已取得加注件" in page
    assert "还缺 2 份材料" in page
    assert city.service.uses[-1]["consent"]["evidence"] == sm3(SCAN["scan"][1]).hex()
    city.clerk.begin(**{"applicant-name": "陈虚构", "applicant-code": "310000199309140049"})
    city.clerk.consent()
    assert "没有其名下符合的有效证照" in problem(city.clerk.post(f"{city.clerk.case}/pulls", 400, data=asked))
    city.clerk.begin()
    city.clerk.post(f"{city.clerk.case}/law")
    assert "没有登记的调用依据" in problem(city.clerk.post(f"{city.clerk.case}/pulls", 400, data=asked))


def test_a_code_that_is_sent_twice_by_one_clerk_is_no_used_code(city: City) -> None:
    text = city.service.show(city.service.issue(), purpose=PURPOSE)
    with ThreadPoolExecutor(3) as pool:
        cases = set(pool.map(lambda _: city.clerk.post(f"/matters/{CARD}", data={"scan": text}), range(3)))
    assert len(cases) == 1
    city.clerk.begin()
    text = city.service.show(city.service.issue(), purpose=PURPOSE)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: city.clerk.scan(text), range(3)))
    assert city.clerk.page().count("出示动态码") == 1
    colleague = Clerk(city.window.url, "clerk-8")
    assert "已经用过" in colleague.post(f"/matters/{CARD}", 400, data={"scan": text})
    colleague.http.close()


def test_two_windows_at_once_and_a_double_click_lose_nothing(city: City) -> None:
    city.clerk.begin()
    codes = [city.service.show(city.service.issue(), purpose=PURPOSE) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(city.clerk.scan, codes))
    assert city.clerk.page().count("出示动态码") == 4
    city.clerk.settle_the_rest()
    with ThreadPoolExecutor(4) as pool:
        slips = list(pool.map(lambda _: city.clerk.accept(), range(4)))
    assert len(set(slips)) == 1


def drawn(*, writing: bool, width: int = 800, height: int = 420) -> bytes:
    picture = Image.new("L", (width, height), 255)
    if writing:
        ImageDraw.Draw(picture).line((30, 200, 400, 300), fill=16, width=5)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_handwriting_is_kept_with_the_case(city: City) -> None:
    city.clerk.begin()
    city.clerk.present(city.service.issue().record)
    picture, blank = drawn(writing=True), drawn(writing=False)
    large = drawn(writing=True, width=4000, height=2000)
    for wrong in (b"GIF8 of a name", b"\x89PNG\r\n\x1a\n of a name", picture[:-200], blank, large):
        files = {"scan": ("consent.png", wrong, "image/png")}
        said = city.clerk.post(f"{city.clerk.case}/consent", 400, data={"form": "handwriting"}, files=files)
        assert "手写签名须为写有签名的 PNG" in problem(said)
    right = {"scan": ("consent.png", picture, "image/png")}
    city.clerk.post(f"{city.clerk.case}/consent", data={"form": "handwriting"}, files=right)
    assert "已有手写授权" in city.clerk.page()
    city.clerk.settle_the_rest()
    package = zipfile.ZipFile(io.BytesIO(city.clerk.http.get(f"{city.clerk.accept()}/case.zip").content))
    assert package.read("consent.png") == picture
    assert json.loads(package.read("case.json"))["grants"][0]["evidence"] == f"handwriting:{sm3(picture).hex()}"
    assert "licences/1.bin" in package.namelist()


def test_a_case_that_goes_elsewhere_says_that_its_file_is_handed_over(city: City) -> None:
    city.clerk.begin("11440100DEMG2000444440109003000", **{"applicant-code": "440000198511260030"} | {
        "applicant-name": "李样张"
    })  # fmt: skip
    licence = city.service.issue(0, "driving-licence")
    matter = Matter.from_json((DATA / "matters/driving-licence-renewal.json").read_bytes())
    fields = asked_fields(matter, licence.identifier.type_code)
    city.clerk.scan(city.service.show(licence, purpose=f"办理{matter.name}", fields=fields))
    city.clerk.settle("identity", "paper", note="居民身份证原件")
    city.clerk.settle("health", "shared", source="医疗机构体检信息库", number="T-9")
    city.clerk.settle("photo", "deferred")
    slip = city.clerk.accept()
    page = city.clerk.get(slip)
    assert "请将案卷移交" in page
    package = zipfile.ZipFile(io.BytesIO(city.clerk.http.get(f"{slip}/case.zip").content))
    told = json.loads(package.read("acceptance.json"))
    assert told["handover"]["copies"] == [sm3(package.read("copies/1.ofd")).hex()]


def test_a_file_of_a_case_that_is_not_there_or_was_altered_is_not_handed_out(city: City) -> None:
    city.clerk.begin()
    city.clerk.settle("identity", "paper", note="居民身份证原件")
    city.clerk.settle_the_rest()
    slip = city.clerk.accept()
    for position in ("9", "0", "x", "²"):
        city.clerk.get(f"{slip}/files/{position}", 404)


@pytest.mark.parametrize(
    "more",
    [
        {"regions": [{"region": "440000", "service": "https://a/path"}]},
        {"regions": [{"region": "440000", "service": "http://10.0.0.5:8000"}]},
        {"regions": [{"region": "990000", "service": "https://a"}]},
        {"regions": [{"region": "440000", "service": "https://a"}] * 2},
        {"clerks": []},
        {"clerks": [{"id": "a", "name": "b", "pin": "258000"}]},
        {"unknown": 1},
    ],
)
def test_settings_with_a_mistake_are_refused(tmp_path: Path, city: City, more: dict[str, Any]) -> None:
    agents = {"caller": city.agency.uri("window"), "vault": city.agency.uri("cases")}
    with pytest.raises(MalformedError) as refused:
        read_office(office_file(tmp_path, city.agency, **agents if "regions" in more else {}, **more))
    assert refused.value.reason is Reason.MATTER_MALFORMED
