"""The demonstration's story at the service window: matters of two regions accepted without a paper."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
import uuid
import zipfile
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

from demo_commands import FailedError, run
from demo_holders import Phone
from demo_window import CLERK, ServiceWindow, register_unit

from ecert.cli.pixels import draw_png

if TYPE_CHECKING:
    from pathlib import Path

    from demo_country import Department
    from demo_office import Offices
    from demo_run import Demo

CARD, RENEWAL = "11310000DEMH2000154311014001000", "11440100DEMG2000444440109003000"
SCAN = b"a signed page, scanned"
File = tuple[str, bytes]


class Clerk:
    """Fills in the window's forms, as a browser without JavaScript would."""

    def __init__(self, url: str) -> None:
        """Work at a window."""
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.case = ""

    def get(self, path: str) -> bytes:
        """Return a page or a file."""
        with self._opener.open(self._url + path, timeout=30) as answer:
            data: bytes = answer.read()
            return data

    def send(self, path: str, fields: dict[str, str | File], expect: int = 200) -> str:
        """Send a form; return where it leads.

        Raises:
            FailedError: it was answered otherwise than expected.
        """
        status, leads, page = self._sent(path, fields)
        if status != expect:
            raise FailedError(f"{path} was answered with {status} where {expect} was expected: {_said(page)}")
        return leads.removeprefix(self._url)

    def refused(self, path: str, fields: dict[str, str | File]) -> str:
        """Send a form that cannot be taken; return the page that says why."""
        status, _, page = self._sent(path, fields)
        if status != 400:  # noqa: PLR2004
            raise FailedError(f"{path} was answered with {status} where it had to be refused")
        return page

    def _sent(self, path: str, fields: dict[str, str | File]) -> tuple[int, str, str]:
        boundary = uuid.uuid4().hex
        parts = [_part(name, value) for name, value in fields.items()]
        body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        whole = body + f"--{boundary}--\r\n".encode()
        request = urllib.request.Request(self._url + path, whole, headers)  # noqa: S310  (a loopback address of ours)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, str(answer.url), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, "", error.read().decode()

    def begin(self, item_code: str, name: str, number: str) -> None:
        """Begin a case for somebody whose identity card a reader has read."""
        card = f"姓名 {name}|公民身份号码 {number}|有效期限 2020.01.02-2040.01.02"
        self.case = self.send(f"/matters/{item_code}", {"applicant-card": card})

    def present(self, file: Path, expect: int = 200) -> None:
        """Hand a licence in."""
        self.send(f"{self.case}/licences", {"file": (file.name, file.read_bytes())}, expect)

    def consent(self) -> None:
        """Record the holder's consent."""
        self.send(f"{self.case}/consent", {"form": "paper", "scan": ("consent.png", SCAN)})

    def settle(self, code: str, way: str, **more: str | File) -> None:
        """Settle a material."""
        self.send(f"{self.case}/materials/{code}", {**more, "way": way})


def _said(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL).split())[:600]


def _part(name: str, value: str | File) -> bytes:
    if isinstance(value, str):
        return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
    head = f'Content-Disposition: form-data; name="{name}"; filename="{value[0]}"\r\n\r\n'
    return head.encode() + value[1]


def accept_matters(demo: Demo, offices: Offices, issued: list[tuple[Department, Path]]) -> None:
    """Register the window's unit, start it, and let people come to it: with a phone and without."""
    demo.chapter(
        "十四 免证办：上海窗口凭广东证照受理，不收一张纸；手机亮证、授权，核验凭据由签名代理签名",
        "14 Without paper: a window in Shanghai accepts matters by licences that phones of Guangdong show",
    )
    register_unit(demo)
    (demo.out / "presentations").mkdir()
    (demo.out / "receipts").mkdir()
    with ServiceWindow(demo, offices) as window:
        visit = Visit(demo, offices.offices["440000"].origin, window)
        visit.shows_on_the_phone()
        visit.consents_on_the_phone()
        visit.comes_without_a_phone(issued)
        visit.leave()


class Visit:
    """People at the window."""

    def __init__(self, demo: Demo, portal: str, window: ServiceWindow) -> None:
        """Begin the clerk's day; phones are signed in at `portal`."""
        self._demo, self._portal, self._window = demo, portal, window
        self.clerk = Clerk(window.url)
        self.clerk.send("/sign-in", {"clerk": CLERK[0], "pin": window.pin, "onward": "/matters"})
        self._kept = demo.out / "presentations"

    def shows_on_the_phone(self) -> None:
        """Show an identity card by a dynamic code, which is good once; be accepted by it."""
        phone, clerk = Phone(self._portal, "holder-wang"), self.clerk
        abroad = Phone(self._portal, "holder-zhao").licences("310000")
        self._demo.record("一人一档", "licences of all regions", f"广东手机页上的上海证照 of Shanghai: {len(abroad)}")
        self._keep("licences.json", phone.call("GET", "/licences"))
        shown = phone.show("440000", self._card(phone))
        self._keep("showing.json", shown)
        (self._kept / "dynamic-code.txt").write_text(shown["text"] + "\n", "ascii")
        (self._kept / "dynamic-code.png").write_bytes(draw_png(shown["text"]))
        clerk.case = clerk.send(f"/matters/{CARD}", {"scan": shown["text"]})
        again = clerk.refused(f"/matters/{RENEWAL}", {"scan": shown["text"]})
        if "已经用过" not in again:
            raise FailedError("a dynamic code was good twice")
        seen = phone.call("GET", f"/showings/440000/{shown['key']}")
        if seen["state"] != "taken":
            raise FailedError(f"the phone is told that its code is {seen['state']}")
        self._keep("taken.json", seen)
        self._demo.record("动态码", "dynamic code", f"一次有效 good once; {seen['taken']['window']}")
        clerk.settle("photo", "shared", source="公安部门制证照片库", number="2026-77")
        clerk.settle("residence", "promised", scan=("promise.png", SCAN))
        self._accept("手机亮证，广东身份证，上海受理", "shown on the phone: a Guangdong card, accepted in Shanghai")

    @staticmethod
    def _card(phone: Phone) -> dict[str, Any]:
        return next(one for one in phone.licences("440000") if one["title"]["zh"] == "居民身份证")

    def consents_on_the_phone(self) -> None:
        """Be asked on the phone; refuse once, grant once, and read who used what."""
        phone, clerk = Phone(self._portal, "holder-li"), self.clerk
        clerk.begin(RENEWAL, "李样张", "440000198511260030")
        self._ask(phone, "refused")
        if "持证人不同意" not in clerk.get(clerk.case).decode():
            raise FailedError("the window does not say that consent was refused")
        self._demo.record("拒绝授权", "consent refused", "窗口如实显示 said at the window")
        self._keep("consent.json", self._ask(phone, "granted"))
        clerk.settle("identity", "paper", note="居民身份证原件，已核对退还")
        clerk.settle("health", "shared", source="医疗机构体检信息库", number="T-9")
        clerk.settle("photo", "deferred")
        self._accept(
            "手机授权，驾驶证换证，容缺，移交广州", "consent on the phone; one paper follows, handed over to Guangzhou"
        )
        self._keep("uses.json", phone.call("GET", "/uses"))

    def _ask(self, phone: Phone, answer: str) -> dict[str, Any]:
        self.clerk.send(f"{self.clerk.case}/asks", {"region": "440000", "whose": "applicant"})
        answered = phone.answer("440000", answer)
        self.clerk.send(f"{self.clerk.case}/look", {})
        return answered

    def comes_without_a_phone(self, issued: list[tuple[Department, Path]]) -> None:
        """Consent on paper, by the file of a licence; somebody else's settles nothing."""
        clerk = self.clerk

        def of(region: str, slug: str) -> Path:
            return next(r.with_suffix(".ofd") for d, r in issued if d.region == region and r.stem.startswith(slug))

        clerk.begin(CARD, "王示例", "440000199003070024")
        clerk.send(f"{clerk.case}/acceptance", {}, expect=409)  # everything is missing
        clerk.present(of("310000", "resident-identity-card"))
        clerk.consent()
        if "证照属于他人" not in clerk.get(clerk.case).decode():
            raise FailedError("somebody else's licence settled a material")
        self._demo.record("他人证照", "somebody else's licence", "不算数 settles nothing")
        clerk.present(of("440000", "resident-identity-card"))
        clerk.settle("photo", "shared", source="公安部门制证照片库", number="2026-78")
        clerk.settle("residence", "promised", scan=("promise.png", SCAN))
        self._accept("没有手机：纸质授权，凭证照文件受理", "without a phone: consent on paper, accepted by the file")

    def leave(self) -> None:
        """Keep what the window counted."""
        (self._demo.out / "matters" / "statistics.html").write_bytes(self.clerk.get("/statistics"))

    def _keep(self, name: str, content: Any) -> None:
        (self._kept / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")

    def _accept(self, zh: str, en: str) -> None:
        _accept(self._demo, self.clerk, self._demo.out / "receipts", zh, en)


def _check_package(demo: Demo, package: Path, data: bytes) -> None:
    """Keep what is handed over with a case; every annotated copy in it verifies."""
    package.write_bytes(data)
    with zipfile.ZipFile(package) as content:
        for name in content.namelist():
            if name.startswith("copies/"):
                copy = package.with_name(f"{package.stem}-{name.replace('/', '-')}")
                copy.write_bytes(content.read(name))
                run("ecert", "verify", copy, "--bundle", demo.bundle, show=False)


def _accept(demo: Demo, clerk: Clerk, receipts: Path, zh: str, en: str) -> None:
    """Accept the case; keep its slip, and its receipt, which verifies, and does not once it is altered."""
    address = clerk.send(f"{clerk.case}/acceptance", {})
    number = address.rpartition("/")[2]
    slip = clerk.get(address)
    (demo.out / "matters" / f"{number}.html").write_bytes(slip)
    _check_package(demo, demo.out / "matters" / f"{number}.zip", clerk.get(f"{address}/case.zip"))
    receipt = receipts / f"{number}.receipt"
    receipt.write_bytes(clerk.get(f"{address}/receipt"))
    ran = run("ecert", "verify", receipt, "--bundle", demo.bundle)
    print(ran.out)
    tampered = receipts / f"{number}.tampered"
    tampered.write_bytes(receipt.read_bytes().replace(b"clerk-7", b"clerk-8"))
    run("ecert", "verify", tampered, "--bundle", demo.bundle, expect=1)
    spared = re.search(r"免于提交 (\d+) 份", slip.decode())
    if spared is None:
        raise FailedError(f"the slip {number} does not say what was spared")
    demo.record(
        zh, en, f"{number}，免于提交 {spared[1]} 份 spared；凭据属实 receipt genuine，改动者被拒 altered: refused"
    )
