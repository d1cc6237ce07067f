"""The pages of a window that accepts matters, as a process of its own, used as a browser without JavaScript would."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ecert.errors import Reason
from ecert.qr import encode_text
from ecert.receipt import assess_receipt, read_unsigned
from ecert.revocation import State
from ecert.verification import Outcome
from tests.agency import until
from tests.verifier.matters.conftest import CARD, COMPANY, RELOCATION, SCAN, UNIT, WANG, Clerk, Town
from tests.verifier.province import Province, now


def accepted(clerk: Clerk) -> int:
    found = re.search(r"<dd>(\d+) 件", clerk.get("/statistics"))
    return int(found[1]) if found else 0


def test_a_case_is_accepted_without_paper_and_its_receipt_says_it_is_unsigned(province: Province, clerk: Clerk) -> None:
    licence = province.issue(slug="resident-identity-card")
    clerk.begin()
    page = clerk.page()
    assert "还缺 3 份材料" in page
    assert "近期二寸白底照片一张" in page
    clerk.present(licence.record)
    assert "持证主体尚未授权使用" in clerk.page()
    clerk.consent()
    assert "还缺 2 份材料" in clerk.page()
    clerk.settle_the_rest()
    assert "材料齐备，可以受理" in clerk.page()
    slip = clerk.get(clerk.accept())
    number = re.search(r"SL310115\d{14}[0-9A-Z]", slip)
    assert number is not None
    assert "免于提交 4 份" in slip
    assert "尚未签名" in slip
    assert "王示例" not in slip
    assert "尚未签名" in clerk.get(f"/acceptances/{number[0]}/evidence")
    data = clerk.http.get(f"/acceptances/{number[0]}/receipt")
    receipt = read_unsigned(data.content)
    assert receipt is not None
    assert receipt.case is not None
    assert (receipt.case.number, receipt.place.unit, receipt.place.window) == (number[0], UNIT, "浦东3号窗口")
    assert [one.identifier for one in receipt.licences] == [licence.identifier.text]
    assert "-unsigned" in data.headers["content-disposition"]
    statistics = clerk.get("/statistics")
    assert "电子证照" in statistics
    assert "上海样例人力资源和社会保障局" in statistics


def test_receipts_are_signed_by_the_agent_and_those_that_waited_as_soon_as_it_is_back(town: Town, clerk: Clerk) -> None:
    def accepted_receipt() -> tuple[str, bytes]:
        clerk.begin()
        clerk.settle("identity", "paper", note="居民身份证原件")
        clerk.settle_the_rest()
        slip = clerk.accept()
        return slip, clerk.http.get(f"{slip}/receipt").content

    slip, waiting = accepted_receipt()
    assert assess_receipt(waiting, town.province.registry, now=now()).reason is Reason.RECEIPT_UNSIGNED
    town.agency.start()
    _, signed = accepted_receipt()
    assert assess_receipt(signed, town.province.registry, now=now()).outcome is Outcome.VALID
    until(lambda: "✓ 已签名" in clerk.get(slip), 60)
    later = assess_receipt(clerk.http.get(f"{slip}/receipt").content, town.province.registry, now=now())
    assert later.outcome is Outcome.VALID
    assert later.receipt == read_unsigned(waiting)
    town.agency.stop()


def test_a_second_click_and_the_back_button_make_no_second_acceptance(clerk: Clerk) -> None:
    before = accepted(clerk)
    clerk.begin()
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle_the_rest()
    first = clerk.accept()
    assert clerk.accept() == first
    assert clerk.http.get(clerk.case).headers["location"] == first
    assert clerk.post(f"{clerk.case}/law") == first, "another tab that is still open"
    assert accepted(clerk) == before + 1
    clerk.begin()
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle_the_rest()
    assert clerk.accept() != first


def test_nothing_is_accepted_while_anything_is_missing(clerk: Clerk) -> None:
    before = accepted(clerk)
    clerk.begin()
    assert "材料尚未齐备" in clerk.accept(409)
    assert accepted(clerk) == before


def test_a_licence_revoked_meanwhile_is_noticed_before_acceptance(town: Town, province: Province, clerk: Clerk) -> None:
    licence = province.issue(slug="resident-identity-card")
    clerk.begin()
    clerk.present(licence.record)
    clerk.consent()
    clerk.settle_the_rest()
    assert "材料齐备" in clerk.page()
    town.window.reaches(province.decide(licence, State.REVOKED))
    page = clerk.page()
    assert "还缺 1 份材料" in page
    assert "出示的证照无效" in page
    clerk.accept(409)


def test_somebody_elses_licence_a_printed_code_and_a_forged_record_do_not_settle_anything(
    province: Province, clerk: Clerk
) -> None:
    clerk.begin()
    clerk.consent()
    clerk.present(province.issue(2, "resident-identity-card").record)
    assert "证照属于他人，不是申请人" in clerk.page()
    clerk.begin()
    licence = province.issue(slug="resident-identity-card")
    text = encode_text(licence.face, "zz.example")
    clerk.post(f"{clerk.case}/licences", data={"text": text.lower().replace(":", "：")})
    assert "照面码只能核验真伪" in clerk.page()
    forged = licence.record[:-1] + bytes([licence.record[-1] ^ 1])
    assert 'role="alert"' in clerk.present(forged, 400)
    assert 'role="alert"' in clerk.present(b"not a licence", 400)


def test_a_case_holds_only_so_many_licences(province: Province, clerk: Clerk) -> None:
    clerk.begin()
    face = province.issue(slug="resident-identity-card").face
    for number in range(33):
        # The same licence in other bytes: its QR code's text with another host.
        text = encode_text(face, f"z{number}.example")
        status = 303 if number < 32 else 400
        clerk.post(f"{clerk.case}/licences", status, data={"text": text})
    assert "内容超出允许的大小" in clerk.post(f"{clerk.case}/licences", 400, data={"text": text})


def test_what_was_declared_can_be_undone(clerk: Clerk) -> None:
    clerk.begin()
    ways: list[tuple[str, dict[str, Any]]] = [
        ("deferred", {}),
        ("reused", {"source": "旧办件", "number": "1"}),
        ("paper", {"note": "照片"}),
    ]
    for way, more in ways:
        clerk.settle("photo", way, **more)
        assert "还缺 2 份材料" in clerk.page()
        clerk.settle("photo", "undo")
        assert "还缺 3 份材料" in clerk.page()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"applicant-code": "440000199003070025"}, "申请人 applicant"),
        ({"applicant-name": ""}, "姓名或名称"),
        ({"applicant-type": "000"}, "申请人 applicant"),
        ({"applicant-card": "王示例|男|汉"}, "读卡内容无法识别"),
        ({"agent-name": "李样张", "agent-code": "1", "agent-type": "111"}, "经办人"),
        ({"applicant-type": "001", "applicant-code": "91440106DEMX000498"}, "kind natural"),
    ],
)
def test_a_form_with_a_mistake_says_which_entry_it_is(clerk: Clerk, changes: dict[str, str], what: str) -> None:
    assert what in clerk.post(f"/matters/{CARD}", 400, data=WANG | changes)


def test_what_is_handed_in_elsewhere_or_is_no_matter_is_refused(clerk: Clerk) -> None:
    assert "公司设立登记" not in clerk.get("/matters")
    assert "企业跨省迁移登记" in clerk.get("/matters")
    assert "本窗口不收这个事项" in clerk.get("/matters/11440000DEMG2000524440131006000", 409)
    assert "没有这个事项" in clerk.get("/matters/nothing", 404)
    clerk.get("/acceptances/SL31011520261125000001A", 404)
    clerk.begin()
    clerk.settle("no-such-material", "paper", 404, note="x")
    clerk.settle("photo", "bribe", 400)


def test_forms_of_other_sites_are_refused(clerk: Clerk) -> None:
    clerk.begin()
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert clerk.http.post(f"{clerk.case}/acceptance", headers=headers).status_code == 403
    ours = {"Origin": str(clerk.http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert clerk.http.post(f"/matters/{CARD}", data=WANG, headers=ours).status_code == 303


def test_nothing_typed_in_becomes_markup_and_no_page_may_be_framed_or_stored(clerk: Clerk) -> None:
    nasty = "<script>alert(1)</script>"
    answer = clerk.http.post(f"/matters/{CARD}", data=WANG | {"applicant-name": nasty})
    clerk.case = answer.headers["location"]
    clerk.settle("photo", "paper", note='"><img src=x onerror=alert(1)>')
    answer = clerk.http.get(clerk.case)
    assert "<script>" not in answer.text
    assert "<img" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_company_that_moves_is_handed_over_to_where_it_is_handled(province: Province, clerk: Clerk) -> None:
    licence, card = province.issue(), province.issue(slug="resident-identity-card")
    clerk.begin(RELOCATION, **COMPANY)
    clerk.consent()
    clerk.present(licence.record)
    clerk.present(card.record)
    clerk.settle("premises", "promised", files=SCAN)
    clerk.settle("resolution", "paper", note="股东会决议原件")
    clerk.settle("tax", "shared", source="税务部门", number="Q-1")
    slip = clerk.get(clerk.accept())
    assert "移交办理" in slip
    assert "广东样例市场监督管理局" in slip
    assert re.search(r"经办人.*王\*例 4400\*+0024", slip)
    assert "上海市 310115 → 广东省 440000" in clerk.get("/statistics")


def test_a_restart_forgets_what_was_open_and_keeps_what_was_accepted(town: Town, clerk: Clerk) -> None:
    clerk.begin()
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle_the_rest()
    slip = clerk.accept()
    clerk.begin()
    town.window.kill()
    town.window.start()
    assert "窗口人员登录" in clerk.get(slip, 401)
    clerk.sign_in()
    assert "受理凭证" in clerk.get(slip)
    clerk.get(clerk.case, 404)


def test_nothing_personal_is_in_the_register(town: Town, clerk: Clerk) -> None:
    clerk.begin()
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle_the_rest()
    clerk.accept()
    kept = b"".join(file.read_bytes() for file in town.folder.glob("register.db*"))
    assert "王*例".encode() in kept
    assert "王示例".encode() not in kept
    assert b"440000199003070024" not in kept
