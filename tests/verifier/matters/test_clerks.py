"""Who may use the pages: clerks who are signed in, each with the cases that are their own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest

from ecert.errors import MalformedError, Reason, RejectedError
from tests.agency import ROOT
from tests.agency import environment as command_environment
from tests.verifier.matters.conftest import CARD, CLERKS, Clerk
from tests.verifier.province import now
from verifier.matters.clerks import IDLE, LOCKED_FOR, SHIFT, TRIES, Account, Clerks, Pin

if TYPE_CHECKING:
    from tests.verifier.matters.conftest import Town

PIN = Pin.make("258000")


def test_nothing_is_shown_to_whoever_is_not_signed_in(town: Town, clerk: Clerk) -> None:
    clerk.begin()
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle_the_rest()
    slip = clerk.accept()
    clerk.begin()
    stranger = httpx2.Client(base_url=town.window.url)
    for path in (
        "/matters",
        f"/matters/{CARD}",
        clerk.case,
        slip,
        f"{slip}/receipt",
        f"{slip}/case.zip",
        "/statistics",
    ):
        answer = stranger.get(path)
        assert (answer.status_code, "窗口人员登录" in answer.text) == (401, True), path
        assert f'name="onward" value="{path}"' in answer.text
    for path in (f"{clerk.case}/acceptance", f"{clerk.case}/licences", f"{clerk.case}/look", f"/matters/{CARD}"):
        assert stranger.post(path, data={}).status_code == 401, path
    stranger.close()


def test_a_case_is_its_clerks_alone(town: Town, clerk: Clerk) -> None:
    clerk.begin()
    colleague = Clerk(town.window.url, "clerk-8")
    colleague.case = clerk.case
    assert "没有这个办件" in colleague.get(clerk.case, 404)
    colleague.settle("photo", "paper", 404, note="照片")
    colleague.accept(404)
    colleague.http.close()
    assert "还缺 3 份材料" in clerk.page()


def test_signing_in_leads_on_within_the_window_and_nowhere_else(town: Town) -> None:
    with httpx2.Client(base_url=town.window.url) as browser:
        entries = {"clerk": "clerk-7", "pin": CLERKS["clerk-7"][1]}
        for onward, leads in (
            ("/statistics", "/statistics"),
            ("https://evil.example/", "/matters"),
            ("//evil.example", "/matters"),
            ("/matters/../../x", "/matters"),
        ):
            answer = browser.post("/sign-in", data=entries | {"onward": onward})
            assert answer.headers["location"] == leads
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        elsewhere = browser.post("/sign-in", data=entries, headers={"Sec-Fetch-Site": "cross-site"})
        assert elsewhere.status_code == 403


def test_who_signed_out_is_out_whatever_cookie_the_browser_kept(town: Town) -> None:
    clerk = Clerk(town.window.url)
    kept = dict(clerk.http.cookies)
    clerk.post("/sign-out")
    assert httpx2.get(f"{town.window.url}/matters", cookies=kept).status_code == 401
    clerk.http.close()


def test_wrong_pins_are_refused_and_lock_the_account_for_a_while(town: Town) -> None:
    def tried(pin: str, name: str = "clerk-9") -> str:
        return httpx2.post(f"{town.window.url}/sign-in", data={"clerk": name, "pin": pin}, timeout=30).text

    assert "工号或口令不正确" in tried("000000", "nobody")
    for _ in range(TRIES):
        assert "工号或口令不正确" in tried("000000")
    assert "口令连续输错" in tried(CLERKS["clerk-9"][1])


def test_whoever_tries_pins_elsewhere_keeps_no_clerk_out() -> None:
    clerks, at = Clerks([Account("a", "甲", PIN)]), now()
    for _ in range(TRIES):
        with pytest.raises(RejectedError):
            clerks.check("a", "000000", "10.0.2.1", at)
    with pytest.raises(RejectedError) as refusal:
        clerks.check("a", "258000", "10.0.2.1", at)
    assert refusal.value.reason is Reason.CLERK_LOCKED
    assert clerks.check("a", "258000", "10.0.0.1", at).id == "a"


def test_a_lock_ends_and_a_right_pin_forgets_the_wrong_ones() -> None:
    clerks, at = Clerks([Account("a", "甲", PIN)]), now()

    def refused(pin: str, when: timedelta = timedelta()) -> str:
        with pytest.raises(RejectedError) as error:
            clerks.check("a", pin, "10.0.0.1", at + when)
        return error.value.reason.value

    for _ in range(TRIES - 1):
        assert refused("000000") == "clerk-unknown"
    assert clerks.check("a", "258000", "10.0.0.1", at).name == "甲"
    for _ in range(TRIES):
        assert refused("000000") == "clerk-unknown"
    assert refused("258000", LOCKED_FOR) == "clerk-locked"
    assert clerks.check("a", "258000", "10.0.0.1", at + LOCKED_FOR + timedelta(seconds=1)).id == "a"


def test_a_session_holds_at_its_address_while_it_is_used_and_for_a_shift() -> None:
    clerks, at = Clerks([Account("a", "甲", PIN)]), now()
    account = clerks.check("a", "258000", "10.0.0.1", at)
    token = clerks.begin(account, "10.0.0.1", at)
    assert clerks.find(token, "10.0.0.2", at) is None
    assert clerks.find("another", "10.0.0.1", at) is None
    late = at
    while late - at <= SHIFT:
        assert clerks.find(token, "10.0.0.1", late) is account
        late += IDLE
    assert clerks.find(token, "10.0.0.1", late) is None
    token = clerks.begin(account, "10.0.0.1", at)
    assert clerks.find(token, "10.0.0.1", at + IDLE + timedelta(seconds=1)) is None
    clerks.end(token)
    assert clerks.find(token, "10.0.0.1", at) is None


def test_the_command_makes_an_account() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "verifier", "clerk", "clerk-7", "赵样例"],
        input="258000\n", cwd=ROOT, env=command_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(ran.stdout)
    assert (told["id"], told["name"]) == ("clerk-7", "赵样例")
    assert Pin.parse(told["pin"]).is_right("258000")
    assert not Pin.parse(told["pin"]).is_right("258001")
    assert "258000" not in ran.stdout


@pytest.mark.parametrize(
    "text",
    ["", "258000", "scrypt$15$8$1$AAAA$AAAA", PIN.text[:-4] + "!!!!", PIN.text + "x"],
    ids=["nothing", "a PIN", "too short", "no base64", "too long"],
)
def test_what_is_no_pin_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        Pin.parse(text)


@pytest.mark.parametrize("pin", ["", "12345", "x" * 65])
def test_a_pin_has_a_length(pin: str) -> None:
    with pytest.raises(MalformedError):
        Pin.make(pin)
