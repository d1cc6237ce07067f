"""What follows an acceptance, and finding acceptances again: on the pages of a window, and in its register."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from ecert.licence.validity import china_day
from ecert.matter import Identified, Person
from ecert.sm2 import Vault
from tests.verifier.matters.conftest import CARD, RELOCATION, SCAN, Clerk
from tests.verifier.province import now
from verifier.matters.clerks import IDLE, Account, Clerks, Pin
from verifier.matters.follow_ups import FollowUps
from verifier.matters.register import Register

if TYPE_CHECKING:
    from pathlib import Path

    from tests.verifier.matters.conftest import City, Town

LI = {"applicant-name": "李样张", "applicant-code": "440000198511260030"}


def accepted(clerk: Clerk, residence: str = "promised", **applicant: str) -> str:
    clerk.begin(**applicant)
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle("photo", "deferred")
    if residence == "promised":
        clerk.settle("residence", "promised", files=SCAN)
    else:
        clerk.settle("residence", "paper", note="居住证")
    return clerk.accept()


def waiting(clerk: Clerk) -> str:
    page = clerk.get("/acceptances")
    return page[page.index("待跟进") : page.index("已受理")]


def test_what_is_to_follow_is_listed_until_it_was_handed_in_or_checked(clerk: Clerk) -> None:
    slip = accepted(clerk)
    page = clerk.get(slip)
    assert page.count("前补交") == 2, "on the slip, and in what follows"
    assert page.count("前核查") == 2
    assert slip in waiting(clerk)
    said = clerk.post(f"{slip}/dues/photo", 400, data={"found": "handed-in", "note": " "})
    assert "收到的材料或核查情况" in said
    clerk.post(f"{slip}/dues/photo", 400, data={"found": "perhaps", "note": "照片"})
    assert "刚才已登记了别的结果" in clerk.post(f"{slip}/dues/photo", 409, data={"found": "false", "note": "照片"})
    clerk.post(f"{slip}/dues/nothing", 404, data={"found": "handed-in", "note": "照片"})
    for _ in range(2):
        clerk.post(f"{slip}/dues/photo", data={"found": "handed-in", "note": "纸质照片一张"})
    page = clerk.get(slip)
    assert page.count("已补交") == 1
    assert "clerk-7" in page
    assert waiting(clerk).count(slip) == 1
    clerk.post(f"{slip}/dues/residence", data={"found": "true", "note": "与派出所核对"})
    assert slip not in waiting(clerk)
    assert "核查属实" in clerk.get(slip)


def test_whoever_promised_falsely_promises_nothing_until_that_is_mended(city: City) -> None:
    clerk = city.clerk
    slip = accepted(clerk, **LI)
    clerk.begin(**LI)
    clerk.settle("identity", "paper", note="居民身份证原件")
    clerk.settle("photo", "deferred")
    clerk.settle("residence", "promised", files=SCAN)
    assert "材料齐备" in clerk.page()
    clerk.post(f"{slip}/dues/residence", data={"found": "false", "note": "查无此住址"})
    page = clerk.get(slip)
    assert "✕ 承诺不实" in page
    assert "clerk-7 查无此住址" in page
    assert "曾作虚假承诺" in clerk.page(), "a case that was open already"
    clerk.accept(409)
    clerk.begin()
    assert "曾作虚假承诺" not in clerk.page(), "somebody else may"
    stale = clerk.post(f"{slip}/dues/residence", 409, data={"found": "true", "note": "属实"})
    assert "刚才已登记了别的结果" in stale
    clerk.post(f"{slip}/dues/residence", data={"found": "mended", "note": "已补正"})
    page = clerk.get(slip)
    assert page.index("承诺不实") < page.index("✓ 信用已修复"), "nothing that was noted is gone"
    clerk.begin(**LI)
    assert "曾作虚假承诺" not in clerk.page()
    number = slip.rpartition("/")[2]
    with sqlite3.connect(city.folder / "register.db") as file:
        found = file.execute("select position, found, note from findings where number = ?", (number,)).fetchall()
        assert [one[:2] for one in found] == [(1, "false"), (2, "mended")]
        assert not any("查无此住址".encode() in note for _, _, note in found)
        holders = dict(file.execute("select material, holder from dues where number = ?", (number,)).fetchall())
    assert {material: len(holder) for material, holder in holders.items()} == {"photo": 0, "residence": 16}


def test_a_number_is_known_again_however_it_is_typed(tmp_path: Path) -> None:
    engine, vault = create_engine(f"sqlite:///{tmp_path / 'register.db'}"), Vault({1: bytes(16)}, 1, bytes(32))
    index = FollowUps(engine, vault)._index
    small, wide = (Person("李样张", code, "414", Identified.TYPED) for code in ("e12345678", "Ｅ12345678"))
    assert index(small) == index(wide)
    assert index(small) != index(replace(small, code_type="413"))


def test_several_processes_open_a_new_register_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        registers = list(pool.map(lambda _: Register(tmp_path / "register.db", None), range(8)))
    assert [one.follow_ups.waiting() for one in registers] == [[]] * 8
    for one in registers:
        one.close()


def test_what_is_overdue_is_told(town: Town, clerk: Clerk) -> None:
    slip = accepted(clerk, residence="paper")
    with sqlite3.connect(town.folder / "register.db") as file:
        file.execute("update dues set by = '2026-01-02' where number = ?", (slip.rpartition("/")[2],))
    assert re.search(r"1 项逾期", clerk.get("/acceptances"))
    assert "! 已逾期" in waiting(clerk)
    assert "已逾期" in clerk.get(slip)
    clerk.post(f"{slip}/dues/photo", data={"found": "handed-in", "note": "纸质照片"})
    assert "逾期" not in waiting(clerk)


def test_acceptances_are_found_again_by_their_numbers_and_listed_newest_first(clerk: Clerk) -> None:
    first, second = accepted(clerk), accepted(clerk)
    page = clerk.get("/acceptances")
    assert page.rindex(second) < page.rindex(first)
    number = first.rpartition("/")[2]
    assert clerk.http.get("/acceptances", params={"number": f" {number.lower()} "}).headers["location"] == first
    wrong = number[:-1] + ("1" if number[-1] == "0" else "0")
    for bad in (wrong, "SL", "'; --"):
        answer = clerk.http.get("/acceptances", params={"number": bad})
        assert answer.status_code == 400
        assert "这不是受理凭证号" in answer.text
    older = clerk.http.get("/acceptances", params={"before": second.rpartition("/")[2]}).text
    assert older[older.index("已受理") :].count(second) == 0
    assert first in older


def test_the_statistics_of_some_days(clerk: Clerk) -> None:
    accepted(clerk)
    today = china_day(now()).isoformat()
    assert "应交材料" in clerk.get(f"/statistics?since={today}&until={today}")
    assert "这段时间没有受理" in clerk.get("/statistics?until=2020-01-01")
    assert "这段时间没有受理" in clerk.get("/statistics?since=2120-01-01")
    for bad in ("2026-02-30", "x", "2026-1-1"):
        assert "日期 date" in clerk.get(f"/statistics?since={bad}", 400)


def test_a_clerk_finds_the_cases_in_hand_again_and_only_their_own(town: Town, clerk: Clerk) -> None:
    clerk.begin()
    page = clerk.get("/matters")
    assert clerk.case in page
    assert "王*例" in page
    other = Clerk(town.window.url, "clerk-8")
    assert clerk.case not in other.get("/matters")
    other.http.close()


def test_what_was_typed_is_still_there_after_a_mistake(city: City) -> None:
    clerk = city.clerk
    typed = {"applicant-name": '"王示例', "applicant-code": "440000199003070025", "applicant-type": "111"}
    said = clerk.post(f"/matters/{CARD}", 400, data=typed)
    assert 'value=""王示例"' in said, "and escaped: the page was unescaped for this comparison"
    assert 'value="440000199003070025"' in said
    agent = {"agent-name": "王示例", "agent-code": "1", "agent-type": "111"}
    said = clerk.post(f"/matters/{RELOCATION}", 400, data={"scan": "nothing"} | agent)
    assert 'name="agent-name" maxlength="128" value="王示例"' in said


def test_a_form_that_cannot_be_read_and_a_register_in_use_are_told_as_pages(town: Town, clerk: Clerk) -> None:
    clerk.begin()
    many = {f"field-{at}": "x" for at in range(40)}
    assert "表单无法读取" in clerk.post(f"{clerk.case}/law", 400, data=many)
    with sqlite3.connect(town.folder / "register.db") as file:
        clerk.settle("identity", "paper", note="居民身份证原件")
        clerk.settle_the_rest()
        file.execute("begin immediate")
        said = clerk.post(f"{clerk.case}/acceptance", 503)
        file.rollback()
    assert "登记簿暂时无法使用" in said
    assert "材料齐备" in clerk.page()
    clerk.accept()


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in() -> None:
    clerks, at = Clerks([Account("clerk-7", "赵样例", Pin.make("258000"))]), now()
    token = clerks.begin(clerks.check("clerk-7", "258000", "::1", at), "::1", at)
    assert clerks.find(token, "::1", at + IDLE, working=False) is not None
    assert clerks.find(token, "::1", at + 2 * IDLE) is None
