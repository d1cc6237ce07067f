"""免证办: a licence issued in Guangdong is shown on a phone, and a matter is accepted in Shanghai without a paper.

Then it is revoked by two persons, and the window says so; the network is cut, and the window goes on.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecert.cli.pixels import read_picture
from tests.browsing import chromium
from tests.story.town import ROOT, Clerk, Holder, Operator, Town, town

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

COMPANY = "广州示例样品云图智能制造科技发展有限公司"
REGISTER = "不动产登记信息查询"
CARD = "社会保障卡申领"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town")) as found:
        yield found


def verified(file: Path, everything: Town) -> subprocess.CompletedProcess[str]:
    program, bundle = Path(sys.executable).with_name("ecert"), everything.folder / "bundle"
    command: list[str | Path] = [program, "verify", file, "--bundle", bundle]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_licence_from_the_console_to_a_receipt_and_its_revocation(
    everything: Town, browser: Browser, tmp_path: Path
) -> None:
    operator = Operator(browser, everything, "王示例")
    licence = re.sub(r"/files/.*", "", operator.issue("business-licence"))
    printed = next((everything.folder / "licences").glob("resident-identity-card-*.txt")).read_text("ascii").strip()

    holder, clerk = Holder(browser, everything, "王示例"), Clerk(browser, everything)
    holder.act_for(COMPANY)
    code = holder.show("营业执照")
    clerk.begin(REGISTER, code)
    assert "已取得加注件" in clerk.said()
    holder.page.wait_for_selector("h1:has-text('已被使用')")
    assert "浦东3号窗口" in holder.said()

    clerk.settle("不动产权证书", "已取得共享数据", number="2026-1")
    (promise := tmp_path / "promise.png").write_bytes(b"a signed promise")
    clerk.settle("查询目的说明", "告知承诺", scan=promise)
    clerk.page.dblclick("text=受理并出具凭证")
    clerk.page.wait_for_url("**/acceptances/**")
    assert "免于提交 3 份" in clerk.said()
    with clerk.page.expect_download() as download:
        clerk.page.click("text=核验凭据文件")
    download.value.save_as(receipt := tmp_path / "case.receipt")
    genuine = verified(receipt, everything)
    assert genuine.returncode == 0, genuine.stdout
    assert COMPANY[:4] in genuine.stdout
    (altered := tmp_path / "altered.receipt").write_bytes(receipt.read_bytes().replace(b"clerk-7", b"clerk-8"))
    assert verified(altered, everything).returncode == 1

    clerk.begin(CARD, code)
    assert "已经用过" in clerk.said()
    said = clerk.scan(holder.show("营业执照"))
    assert "有效" in said
    assert "手机出示" in said

    face = shown_on_the_licence(operator, licence)
    assert "有效" in clerk.scan(face)
    revoke(operator, Operator(browser, everything, "李样张"), licence)
    deadline = time.monotonic() + 30
    while "吊销" not in (said := clerk.scan(face)):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)

    clerk.context.set_offline(offline=True)
    said = clerk.scan(printed)
    assert "有效" in said
    assert "断网核验" in said
    assert re.search(r"[秒分]前|分钟前", said), said
    assert clerk.page.is_visible("#offline")
    clerk.context.set_offline(offline=False)
    clerk.page.wait_for_selector("#offline", state="hidden")
    assert "有效" in clerk.scan(printed)


def shown_on_the_licence(operator: Operator, licence: str) -> str:
    """Return the text of the code on a licence's face, as its file has it."""
    answer = operator.page.request.get(f"{operator.town.portal}{licence}/files/code.png")
    return read_picture(answer.body())


def revoke(proposer: Operator, reviewer: Operator, licence: str) -> None:
    """Revoke a licence: one person proposes it, another approves."""
    proposer.open(f"{licence}/revoke")
    proposer.page.select_option("[name='/reason_code']", "unlawful-act")
    proposer.page.fill("[name='/reason']", "样例：违法经营被吊销")
    proposer.page.fill("[name='/legal_basis']", "《中华人民共和国行政许可法》第六十九条")
    proposer.page.fill("[name='/document']", "样例市监罚〔2026〕3号")
    proposer.page.click("text=提交复核")
    proposer.page.wait_for_url("**/proposals/**")
    reviewer.page.goto(proposer.page.url)
    reviewer.page.fill("#note", "事实清楚")
    reviewer.page.click("button[formaction$='/approve']")
    reviewer.page.wait_for_selector("h2:has-text('复核')")
    assert "已通过" in reviewer.said()


def test_consent_is_asked_on_the_phone_refused_and_granted(everything: Town, browser: Browser) -> None:
    holder, clerk = Holder(browser, everything, "李样张"), Clerk(browser, everything)
    clerk.page.goto(f"{everything.matters}/matters")
    clerk.page.click("a:has-text('机动车驾驶证期满换证')")
    clerk.page.fill("#applicant-name", "李样张")
    clerk.page.fill("#applicant-code", "440000198511260030")
    clerk.page.click("form:has(#applicant-name) button[type=submit]")
    clerk.page.wait_for_url("**/cases/**")
    for press, seen in (("refused", "持证人不同意"), ("granted", "证照已取得")):
        clerk.page.select_option("select[name=region]", "440000")
        clerk.page.click("text=发送授权请求")
        clerk.page.wait_for_selector("text=等待持证人在手机上答复")
        holder.page.goto(f"{everything.portal}/holder/consents")
        assert "上海样例政务服务中心" in holder.said()
        holder.page.click(f"button[value={press}]")
        clerk.page.click("text=查询答复")
        clerk.page.wait_for_selector(f"text={seen}")
    holder.page.goto(f"{everything.portal}/holder/uses")
    assert "机动车驾驶证期满换证" in holder.said()
