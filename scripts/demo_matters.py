"""The demonstration's service window: matters of two regions accepted without a paper, by licences of both.

keys serve          signs the window's receipts, and nothing else
verifier serve      the window in Shanghai, with its matters and its register
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from demo_commands import FailedError, run
from demo_processes import Processes, free_port

if TYPE_CHECKING:
    from demo_country import Department
    from demo_run import Demo

UNIT = ("11310000DEMH70002Y", "上海样例政务服务中心", "Shanghai Sample Service Centre")
MATTERS = Path(__file__).parent / "demo-data" / "matters"
CARD, RENEWAL = "11310000DEMH2000154311014001000", "11440100DEMG2000444440109003000"
CLERK, CLERK_NAME, PIN = "clerk-7", "赵样例", "258000"
SCAN = b"a signed page, scanned"
File = tuple[str, bytes]


class Clerk:
    """Fills in the window's forms, as a browser without JavaScript would."""

    def __init__(self, url: str) -> None:
        """Sign in at a window."""
        self._url = url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(cookies)
        self.case = ""
        self.send("/sign-in", {"clerk": CLERK, "pin": PIN, "onward": "/matters"})

    def get(self, path: str) -> bytes:
        """Return a page or a file."""
        with self._browser.open(self._url + path, timeout=30) as answer:
            data: bytes = answer.read()
            return data

    def send(self, path: str, fields: dict[str, str | File], expect: int = 200) -> str:
        """Send a form; return where it leads.

        Raises:
            FailedError: it was answered otherwise than expected.
        """
        boundary = uuid.uuid4().hex
        parts = [_part(name, value) for name, value in fields.items()]
        body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        whole = body + f"--{boundary}--\r\n".encode()
        request = urllib.request.Request(self._url + path, whole, headers)  # noqa: S310  (a loopback address of ours)
        try:
            with self._browser.open(request, timeout=30) as answer:
                status, leads = answer.status, answer.url
        except urllib.error.HTTPError as error:
            status, leads = error.code, ""
        if status != expect:
            raise FailedError(f"{path} was answered with {status} where {expect} was expected")
        return str(leads).removeprefix(self._url)

    def begin(self, item_code: str, name: str, number: str) -> None:
        """Begin a case for somebody."""
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


def _part(name: str, value: str | File) -> bytes:
    if isinstance(value, str):
        return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
    head = f'Content-Disposition: form-data; name="{name}"; filename="{value[0]}"\r\n\r\n'
    return head.encode() + value[1]


def accept_matters(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Register the window's unit, start it, and let three people come to it."""
    demo.chapter(
        "十五 免证办：上海窗口凭广东证照受理，不收一张纸；核验凭据由签名代理签名",
        "15 Without paper: a window in Shanghai accepts matters by licences of Guangdong; an agent signs its receipts",
    )
    code, name, name_en = UNIT
    common = ("--home", demo.home, "--passphrase-file", demo.passphrase)
    body = ("--region", "310000", "--code", code)
    run("keys", "issue-relying-party", *body, "--name", name, "--name-en", name_en, *common)
    run("keys", "registry", "add-issuer", "--role", "relying-party", *body, "--out", demo.published, *common)
    run("keys", "registry", "sign", "--days", 7, "--out", demo.published, *common)
    run("verifier", "update", demo.published, "--bundle", demo.bundle)
    sockets, processes = Path(tempfile.mkdtemp(prefix="ecert-")), Processes(demo.out / "logs")
    try:
        clerk = Clerk(_start(demo, processes, sockets))
        _visits(demo, clerk, issued)
    finally:
        processes.stop()
        shutil.rmtree(sockets, ignore_errors=True)


def _start(demo: Demo, processes: Processes, sockets: Path) -> str:
    """Start agent and window; return the window's address."""
    folder = demo.out / "matters"
    (folder / "definitions").mkdir(parents=True)
    for file in MATTERS.glob("*.json"):
        shutil.copy(file, folder / "definitions")
    secret, socket = folder / "passphrase.txt", sockets / "agent.sock"
    secret.write_text(demo.passphrase.read_text("ascii"), "ascii")
    secret.chmod(0o600)
    audit = run("keys", "new-key", folder / "audit.key.pem", "--passphrase-file", secret, show=False).out.strip()
    policy = folder / "agent.toml"
    policy.write_text(_policy(demo, audit), "utf-8")
    policy.chmod(0o600)
    processes.python("window-agent", "keys", "serve", "--socket", socket, "--policy", policy)
    processes.wait_for(socket, "window-agent")
    office = {
        "unit": UNIT[0],
        "name": UNIT[1],
        "region": "310115",
        "matters": "definitions",
        "register": "register.db",
        "clerks": [_account()],
        "signer": f"agent:{socket}#unit",
    }
    settings = folder / "office.json"
    settings.write_text(json.dumps(office, ensure_ascii=False, indent=2), "utf-8")
    url = f"http://127.0.0.1:{(port := free_port())}"
    window = ("serve", "--bundle", demo.bundle, "--port", port, "--window", "浦东3号窗口", "--matters", settings)
    processes.python("matters-window", "verifier", *window)
    processes.wait(f"{url}/readyz", "matters-window")
    return url


def _account() -> dict[str, str]:
    """Make the clerk's account."""
    command = [sys.executable, "-m", "verifier", "clerk", CLERK, CLERK_NAME]
    root = Path(__file__).parents[1]
    made = subprocess.run(command, input=PIN, text=True, capture_output=True, check=True, cwd=root)
    account: dict[str, str] = json.loads(made.stdout)
    return account


def _policy(demo: Demo, audit: str) -> str:
    """Return the agent's policy: one key, which signs receipts alone."""
    return f"""[audit]
file = "agent.log"
key = "audit.key.pem"
passphrase_file = "passphrase.txt"
public_key = "{audit}"

[clients]
window = [{os.geteuid()}]

[keys.unit]
file = "{demo.home}/relying-party-{UNIT[0]}.key.pem"
passphrase_file = "passphrase.txt"
clients = ["window"]
kinds = ["verification-receipt"]
per_minute = 600
per_day = 10000
"""


def _visits(demo: Demo, clerk: Clerk, issued: list[tuple[Department, Path]]) -> None:
    def of(region: str, slug: str) -> Path:
        return next(r.with_suffix(".ofd") for d, r in issued if d.region == region and r.stem.startswith(slug))

    (receipts := demo.out / "receipts").mkdir()
    clerk.begin(CARD, "王示例", "440000199003070024")
    clerk.send(f"{clerk.case}/acceptance", {}, expect=409)  # everything is missing
    clerk.present(of("440000", "resident-identity-card"))
    clerk.consent()
    clerk.settle("photo", "shared", source="公安部门制证照片库", number="2026-77")
    clerk.settle("residence", "promised", scan=("promise.png", SCAN))
    _accept(demo, clerk, receipts, "广东身份证，上海受理", "a Guangdong card, accepted in Shanghai")

    clerk.begin(RENEWAL, "李样张", "440000198511260030")
    clerk.present(of("440000", "driving-licence"))
    clerk.consent()
    clerk.settle("identity", "paper", note="居民身份证原件，已核对退还")
    clerk.settle("health", "shared", source="医疗机构体检信息库", number="T-9")
    clerk.settle("photo", "deferred")
    _accept(demo, clerk, receipts, "驾驶证换证，容缺，移交广州", "renewal: one paper follows, handed over to Guangzhou")

    clerk.begin(CARD, "王示例", "440000199003070024")
    clerk.present(of("310000", "resident-identity-card"))
    clerk.consent()
    if "证照属于他人" not in clerk.get(clerk.case).decode():
        raise FailedError("somebody else's licence settled a material")
    demo.record("他人证照", "somebody else's licence", "不算数 settles nothing")
    (demo.out / "matters" / "statistics.html").write_bytes(clerk.get("/statistics"))


def _accept(demo: Demo, clerk: Clerk, receipts: Path, zh: str, en: str) -> None:
    """Accept the case; keep its slip, and its receipt, which verifies, and does not once it is altered."""
    address = clerk.send(f"{clerk.case}/acceptance", {})
    number = address.rpartition("/")[2]
    slip = clerk.get(address)
    (demo.out / "matters" / f"{number}.html").write_bytes(slip)
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
