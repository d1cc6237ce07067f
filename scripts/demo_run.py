"""The demonstration. `scripts/demo` sets up and calls this; every step is a command that a user has."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from demo_applications import DATA, applications_of
from demo_commands import FailedError, run
from demo_country import DEPARTMENTS, HOST, REGIONS, SEAL_MAKERS, TSAS, Department
from demo_files import check_files, make_seals, suspend_seal, write_expected, write_file_cases
from demo_matters import accept_matters
from demo_network import network_of
from demo_office import Offices
from demo_processes import StartError
from demo_service import keep_up, serve_departments
from demo_tamper import write_attacks, write_cases
from demo_theft import compromise

from ecert.cli.entry import now
from ecert.cli.pixels import draw_terminal
from ecert.cli.published import load_published
from ecert.errors import EcertError
from ecert.licence.types import find_type
from ecert.report import timestamp
from keys.signer import load_signer

MARKER = ".ecert-demo"


@dataclass
class Demo:
    """The demonstration's folders, and what happened so far."""

    out: Path
    pause: bool
    happened: list[tuple[str, str, str]] = field(default_factory=list)
    propagation: list[float] = field(default_factory=list)
    old_timestamp: bytes = b""

    def __post_init__(self) -> None:
        """Name the folders."""
        self.home = self.out / "keys"
        self.passphrase = self.out / "keys-passphrase.txt"
        self.published = self.out / "published"
        self.bundle = self.out / "bundle"
        self.second = self.out / "second-window"
        self.root = self.published / "registry" / "metadata" / "1.root.json"
        self.licences = self.out / "licences"
        self.pages = self.out / "pages"
        self.verdicts = self.out / "verdicts"

    def ledger(self, region: str) -> Path:
        """Return the ledger of a region's departments."""
        return self.out / f"ledger-{region}.db"

    def issue(self, department: Department, file: Path) -> list[Path]:
        """Issue every application of a file; return the records' paths."""
        ran = run("api", "issue", file, *self._issuing(department))
        records = [Path(json.loads(line)["record"]) for line in ran.out.splitlines()]
        for record in records:
            self.draw(record.with_suffix(".ofd"))
        return records

    def draw(self, file: Path) -> None:
        """Draw a licence's page as SVG, PNG and PDF."""
        for picture in (self.pages / f"{file.stem}.svg", self.pages / f"{file.stem}.png", file.with_suffix(".pdf")):
            run("ecert", "render", file, picture, show=False)

    def try_to_issue(self, department: Department, file: Path) -> str:
        """Try to issue where that must be refused; return what was said."""
        return run("api", "issue", file, *self._issuing(department), expect=1).err

    def _issuing(self, department: Department) -> tuple[object, ...]:
        return (
            *("--signer", self.key(f"department-{department.code}"), "--passphrase-file", self.passphrase),
            *("--ledger", self.ledger(department.region), "--bundle", self.published),
            *("--seal", self.home / f"seal-{department.seal}.esl"),
            *("--tsa", self.key(f"tsa-{TSAS[department.region][0]}")),
            *("--portal-host", HOST, "--out", self.licences, "--json"),
        )

    def publish(self, region: str) -> None:
        """Publish a region's status list."""
        run(
            *("api", "publish", "--signer", self.key(f"status-{region}"), "--passphrase-file", self.passphrase),
            *("--ledger", self.ledger(region), "--bundle", self.published, "--days", 7),
        )

    def chapter(self, zh: str, en: str) -> None:
        """Begin a chapter; with pauses, wait for Enter first."""
        if self.pause:
            input("\n  (回车继续 press Enter) ")
        print(f"\n{'─' * 78}\n{zh}\n{en}")

    def key(self, name: str) -> str:
        """Return the signing URI of a key of the ceremony."""
        return f"file:{self.home / name}.key.pem"

    def verdict(
        self, source: object, name: str, *, outcome: str, reason: str, options: tuple[object, ...] = ()
    ) -> dict[str, Any]:
        """Verify something at the window, keep the verdict, and hold it against what is expected."""
        code = {"valid": 0, "invalid": 1, "undetermined": 3}[outcome]
        ran = run("ecert", "verify", source, "--bundle", self.bundle, *options, "--json", expect=code, show=False)
        verdict: dict[str, Any] = json.loads(ran.out)
        (self.verdicts / f"{name}.json").write_text(ran.out, "utf-8")
        if (verdict["outcome"], verdict["reason"]) != (outcome, reason):
            raise FailedError(f"{name}: {verdict['outcome']} ({verdict['reason']}), expected {outcome} ({reason})")
        return verdict

    def verdict_again(self, record: Path, *, reason: str) -> None:
        """Verify a licence that is no longer valid, its code and its record; the verdict of before stays beside."""
        (self.verdicts / f"{record.stem}.json").rename(self.verdicts / f"{record.stem}.before.json")
        self.verdict(record.with_suffix(".txt"), record.stem, outcome="invalid", reason=reason)
        self.verdict(record, f"{record.stem}.record", outcome="invalid", reason=reason)

    def record(self, zh: str, en: str, result: str) -> None:
        """Note one thing that happened, for the table at the end."""
        self.happened.append((zh, en, result))
        print(f"  {zh} {en}: {result}")


def ceremony(demo: Demo) -> None:
    """Build the national root, two regions, departments and seal makers; sign the registry."""
    demo.chapter(
        "一 密钥仪式：国家根、两个地区、部门、制章机构",
        "1 The key ceremony: national root, two regions, departments, seal makers",
    )
    demo.passphrase.write_text(secrets.token_urlsafe(24) + "\n", "ascii")
    demo.passphrase.chmod(0o600)
    common = ("--home", demo.home, "--passphrase-file", demo.passphrase)
    run("keys", "init-national", "--name", "国家电子证照样例根", *common)
    out = ("--out", demo.published)
    run("keys", "registry", "init", "--root-keys", 3, "--threshold", 2, *out, *common)
    demo.old_timestamp = demo.root.with_name("timestamp.json").read_bytes()
    for region, (name, name_en) in REGIONS.items():
        run("keys", "init-region", "--region", region, "--name", name, "--name-en", name_en, *common)
        run("keys", "registry", "add-region", "--region", region, *out, *common)
    for d in DEPARTMENTS:
        types = [argument for slug in d.types for argument in ("--type", find_type(slug).code)]
        named = ("--region", d.region, "--code", d.code, "--name", d.name, "--name-en", d.name_en)
        run("keys", "issue-department", *named, *types, *common)
        run("keys", "registry", "add-issuer", "--region", d.region, "--code", d.code, *out, *common)
    for role, bodies in (("seal-maker", SEAL_MAKERS), ("tsa", TSAS)):
        for region, (code, name, name_en) in bodies.items():
            body = ("--region", region, "--code", code)
            run("keys", f"issue-{role}", *body, "--name", name, "--name-en", name_en, *common)
            run("keys", "registry", "add-issuer", "--role", role, *body, *out, *common)
    run("keys", "registry", "sign", "--days", 7, *out, *common)
    print(run("keys", "registry", "status", *out).out, end="")
    pki = demo.out / "pki"
    pki.mkdir()
    names = {
        "national-root": "national-root",
        "department": f"department-{DEPARTMENTS[0].code}",
        "seal-maker": f"seal-maker-{SEAL_MAKERS['440000'][0]}",
        **{f"region-{region}": f"region-{region}" for region in REGIONS},
    }
    for name, source in names.items():
        shutil.copy(demo.home / f"{source}.pem", pki / f"{name}.pem")
    for crl in demo.home.glob("*.crl.pem"):
        shutil.copy(crl, pki / crl.name)
    count = len(json.loads(run("keys", "list", "--home", demo.home, "--json").out))
    demo.record("证书", "certificates", str(count))


def windows(demo: Demo) -> None:
    """Publish the first status lists; set a window up with the anchor and everything published."""
    demo.chapter("三 发布状态名录，启用窗口", "3 Status lists are published; a window is set up")
    for region in REGIONS:
        demo.publish(region)
    for window in (demo.bundle, demo.second):
        run("verifier", "pin", demo.root, "--bundle", window)
        run("verifier", "update", demo.published, "--bundle", window)
    print(run("verifier", "show", "--bundle", demo.bundle).out, end="")


def issue(demo: Demo) -> list[tuple[Department, Path]]:
    """Issue licences of every type in both regions; return each with its issuer."""
    demo.chapter("四 各部门签发八种证照", "4 Departments issue licences of all eight types")
    applications = demo.out / "applications"
    applications.mkdir()
    issued: list[tuple[Department, Path]] = []
    for department in DEPARTMENTS:
        rows = [row for slug in department.types for row in applications_of(department, slug)]
        file = applications / f"{department.code}.json"
        file.write_text(json.dumps(rows, ensure_ascii=False, indent=2), "utf-8")
        records = demo.issue(department, file)
        issued += [(department, record) for record in records]
        print(f"    {department.name}: {len(records)} 张 licences")
    demo.record("签发", "issued", f"{len(issued)}")
    return issued


def verify_all(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Verify every licence at the window: its code as text, its code as picture, its record."""
    demo.chapter(
        "五 窗口扫码核验(另一地区的证照，只凭窗口持有的名录)",
        "5 A window verifies them: licences of the other region, by what it holds",
    )
    department, shown = issued[0]
    text = shown.with_suffix(".txt").read_text("ascii").strip()
    print(f"\n{department.name}:{shown.stem}\n{text}\n")
    print(draw_terminal(text))
    print(run("ecert", "verify", shown.with_suffix(".png"), "--bundle", demo.bundle).out)
    for _, record in issued:
        demo.verdict(record.with_suffix(".txt"), record.stem, outcome="valid", reason="ok")
        demo.verdict(record, f"{record.stem}.record", outcome="valid", reason="ok")
    for _, record in issued[:3]:
        demo.verdict(record.with_suffix(".png"), f"{record.stem}.picture", outcome="valid", reason="ok")
    demo.record("核验有效", "verified valid", f"{len(issued)} 码 codes, {len(issued)} 记录 records, 3 图 pictures")


def revoke(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Revoke one licence in each region while publisher and windows run, each a process of its own."""
    demo.chapter(
        "七 发布方与两个窗口各自运行；吊销几秒内到窗口",
        "7 A publisher and two windows run by themselves; a revocation reaches both within seconds",
    )
    chosen = {region: next(r for d, r in issued if d.region == region) for region in REGIONS}
    with network_of(demo) as network:
        print(f"  缓存 cache: {network.cache}; 窗口 windows: {', '.join(network.urls)}")
        for region, record in chosen.items():
            text = record.with_suffix(".txt").read_text("ascii").strip()
            before = network.verdict(0, text)
            if before["outcome"] != "valid":
                raise FailedError(f"{record.stem}: {before['reason']} before it was revoked")
            began = time.monotonic()
            run(
                *("api", "revoke", record, "--reason", "样例：违法经营被吊销", "--bundle", demo.published),
                *("--reason-code", "unlawful-act", "--document", "样例市监罚〔2026〕1号"),
                *("--legal-basis", "《中华人民共和国行政许可法》第六十九条", "--ledger", demo.ledger(region)),
            )
            seconds = network.seconds_until(text, "revoked", began)
            shown = " / ".join(f"{one:.2f} s" for one in seconds)
            demo.record(f"吊销 {record.stem[:-21]}", "revoke -> revoked", f"两窗口 both windows: {shown}")
            demo.propagation += seconds
    for region, record in chosen.items():
        run("verifier", "update", demo.published, "--bundle", demo.bundle)
        demo.verdict_again(record, reason="revoked")
        if region == "440000":
            print(run("ecert", "verify", record.with_suffix(".txt"), "--bundle", demo.bundle, expect=1).out)


def depend(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Issue a licence that depends on another, suspend the parent, see the flag; then answer about the time before."""
    demo.chapter(
        "八 关联证照：营业执照暂扣，食品经营许可证带上标记；出具“某时是否有效”的签名答复",
        "8 A licence depends on another: the parent falls, the child is flagged; a signed answer about a past instant",
    )
    department = DEPARTMENTS[0]
    parent = [r for d, r in issued if d == department and r.stem.startswith("business-licence")][1]
    identifier = json.loads(run("ecert", "inspect", parent, "--json", show=False).out)["identifier"]
    row = json.loads((DATA / "food-business-licence.json").read_text("utf-8"))[0]
    application = demo.out / "applications" / "dependent.json"
    application.write_text(json.dumps({**row, "parentIdentifiers": [identifier]}, ensure_ascii=False), "utf-8")
    child = demo.issue(department, application)[0]
    valid_at = timestamp(now())
    demo.publish(department.region)
    time.sleep(1.1)  # instants are whole seconds: the decision comes after the one that is asked about
    where = ("--ledger", demo.ledger(department.region), "--bundle", demo.published)
    suspended = ("--state", "suspended", "--reason-code", "under-investigation")
    run("api", "revoke", parent, *suspended, "--reason", "样例：立案调查期间暂扣", *where)
    demo.publish(department.region)
    run("verifier", "update", demo.published, "--bundle", demo.bundle)
    verdict = demo.verdict(child.with_suffix(".txt"), child.stem, outcome="valid", reason="ok")
    demo.verdict(child, f"{child.stem}.record", outcome="valid", reason="ok")
    demo.verdict_again(parent, reason="suspended")
    if [flag["code"] for flag in verdict["flags"]] != ["parent-changed"]:
        raise FailedError(f"{child.stem}: the flag is missing: {verdict['flags']}")
    print(run("api", "tasks", "--ledger", demo.ledger(department.region)).out, end="")
    demo.record("关联证照", "dependent licence", "有效并标记 valid, flagged 关联证照已变更")
    answer = demo.out / "answer.bin"
    signing = ("--signer", demo.key(f"status-{department.region}"), "--passphrase-file", demo.passphrase)
    run("api", "answer", parent, "--at", valid_at, "--out", answer, *signing, *where)
    print(run("ecert", "answer", answer, "--bundle", demo.bundle).out, end="")
    demo.record("某日是否有效", "signed answer", f"{valid_at}: valid")


def offline(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Make the offline bundle; ask about a day on which everything in it is stale."""
    demo.chapter(
        "九 离线包；断网九天：不能判断就说不能判断；已知的吊销仍然算数",
        "9 The offline bundle; nine days without a network: it says that it cannot tell; a revocation it knows counts",
    )
    bundle = demo.out / "bundle.bin"
    run("verifier", "bundle", "--bundle", demo.bundle, "--source", demo.published, "--out", bundle)
    shutil.copy(demo.root, demo.out / "root.json")
    later = timestamp(now() + timedelta(days=9))
    revoked, still_valid = issued[0][1].with_suffix(".txt"), issued[2][1].with_suffix(".txt")
    ran = run("ecert", "verify", still_valid, "--bundle", bundle, "--json", show=False)
    if json.loads(ran.out)["outcome"] != "valid":
        raise FailedError(f"by the offline bundle: {ran.out}")
    at = ("--at", later)
    demo.verdict(still_valid, "stale-silent", outcome="undetermined", reason="registry-stale", options=at)
    demo.verdict(revoked, "stale-revoked", outcome="invalid", reason="revoked", options=at)
    demo.record("离线包", "offline bundle", f"{bundle.stat().st_size:,} B")
    demo.record("名录陈旧", "stale evidence", "无法判断 cannot tell; 已吊销者仍无效 the revoked one stays invalid")


def tamper(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Tamper in every way we can think of, and verify."""
    demo.chapter("十一 篡改、伪造、越权、残缺", "11 Altered, forged, beyond entitlement, damaged")
    record = issued[2][1]
    insider = load_signer(
        demo.key(f"department-{DEPARTMENTS[1].code}"), passphrase=lambda: demo.passphrase.read_bytes().strip()
    )
    expected = write_cases(
        demo.out / "tampered",
        text=record.with_suffix(".txt").read_text("ascii").strip(),
        record=record.read_bytes(),
        host=HOST,
        registry=load_published(demo.published),
        insider=insider,
        status_file=demo.published / "status" / "440000" / "snapshot.bin",
    )
    expected |= write_file_cases(demo, issued[2][1], issued[-1][1])
    write_expected(demo, expected)
    for name, wanted in expected.items():
        verdict = demo.verdict(demo.out / "tampered" / name, f"tampered-{name}", **wanted)
        print(f"  {name:34} {verdict['outcome']:13} {verdict['reason']:22} {verdict['sentence']}")
    demo.record("篡改样本", "tampered samples", f"{len(expected)} 个，无一被接受 none accepted")
    attacks = write_attacks(
        demo.out / "attacks", demo.published, old_timestamp=demo.old_timestamp, bundle=demo.out / "bundle.bin"
    )
    for name, wanted in attacks.items():
        ran = run("verifier", "update", demo.out / "attacks" / name, "--bundle", demo.second, expect=1, show=False)
        if wanted not in ran.err:
            raise FailedError(f"{name}: expected {wanted}, got {ran.err}")
        print(f"  {name:34} 未采用 not taken   {wanted}")
    run("verifier", "update", demo.published, "--bundle", demo.second)
    run("ecert", "verify", record, "--bundle", demo.second, show=False)
    demo.record("名录攻击", "attacks on the lists", f"{len(attacks)} 种，无一被采用 none taken")


def audit(demo: Demo) -> None:
    """Verify what each ledger's log says was done."""
    demo.chapter("十五 核验审计日志", "15 The audit logs are verified")
    for region in REGIONS:
        demo.publish(region)
        ran = run("api", "audit", "verify", "--ledger", demo.ledger(region), "--bundle", demo.published, "--json")
        found = json.loads(ran.out)
        if found["signed"] != found["entries"]:
            raise FailedError(f"the log of {region} is signed up to {found['signed']} of {found['entries']} entries")
        demo.record(f"审计日志 {region}", "audit log", f"{found['entries']} 条，完整 entries, whole")


def leave(demo: Demo) -> None:
    """Leave the registry and the status of every region where one looks for them."""
    for name in ("registry", "status"):
        shutil.copytree(demo.published / name, demo.out / name)


def table(demo: Demo, seconds: float) -> None:
    """Print what happened."""
    from rich.console import Console  # noqa: PLC0415  (only for the last page)
    from rich.table import Table  # noqa: PLC0415

    rows = Table(title=f"发生了什么 What happened ({seconds:.1f} s)", title_justify="left")
    for heading in ("步骤", "step", "结果 result"):
        rows.add_column(heading)
    for row in demo.happened:
        rows.add_row(*row)
    print()
    Console().print(rows)
    if demo.propagation:
        print(f"\n从吊销到两个窗口的结论 from revoke to a verdict of revoked: {max(demo.propagation):.2f} s")
    print(f"\n产物在 Artefacts in {demo.out}")


def prepare(out: Path) -> None:
    """Make an empty folder for the artefacts; only a folder of an earlier demonstration is emptied."""
    if out.exists():
        if any(out.iterdir()) and not (out / MARKER).exists():
            sys.exit(f"{out} 不是演示目录，未改动。{out} is not empty and not a demonstration's: left alone.")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARKER).touch()


def main() -> None:
    """Run all chapters."""
    parser = argparse.ArgumentParser(description="演示 The main job, end to end.")
    parser.add_argument(
        "--check",
        action="store_true",
        help="不提问；全部结论符合预期才返回 0 No questions, exit 0 only if all is as expected",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo-out"), help="产物目录 Folder for what it leaves (default demo-out)"
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="签发后保持全部服务运行，给出地址与账号 Issue, then keep all services up, with addresses and accounts",
    )
    options = parser.parse_args()
    began = time.monotonic()
    prepare(options.out)
    demo = Demo(options.out.resolve(), pause=not (options.check or options.serve) and sys.stdin.isatty())
    demo.verdicts.mkdir()
    demo.pages.mkdir()
    os.umask(0o022)
    try:
        ceremony(demo)
        make_seals(demo)
        windows(demo)
        issued = issue(demo)
        if options.serve:
            keep_up(demo)
            return
        verify_all(demo, issued)
        check_files(demo, issued)
        revoke(demo, issued)
        depend(demo, issued)
        offline(demo, issued)
        compromise(demo, issued)
        tamper(demo, issued)
        suspend_seal(demo, issued)
        with Offices(demo) as offices:
            serve_departments(demo, offices)
            accept_matters(demo, offices, issued)
        audit(demo)
        leave(demo)
    except (FailedError, StartError, EcertError) as error:
        sys.exit(f"✗ {error}")
    table(demo, time.monotonic() - began)


if __name__ == "__main__":
    main()
