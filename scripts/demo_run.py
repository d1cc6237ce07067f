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

from demo_commands import FailedError, run
from demo_tamper import write_cases

from ecert.cli.bundle import load_bundle
from ecert.cli.entry import now
from ecert.cli.pixels import draw_terminal
from ecert.cli.report import timestamp
from ecert.errors import EcertError
from ecert.licence.types import find_type
from keys.signer import load_signer

DATA = Path(__file__).parent / "demo-data"
HOST = "ZZ.EXAMPLE"
MARKER = ".ecert-demo"

REGIONS = {"440000": ("广东省", "Guangdong"), "310000": ("上海市", "Shanghai")}


@dataclass(frozen=True)
class Department:
    """An invented department with the licence types it issues, by slug."""

    region: str
    code: str
    name: str
    name_en: str
    types: tuple[str, ...]


DEPARTMENTS = (
    Department(
        "440000",
        "11440000DEMG100223",
        "广东省样例市场监督管理局",
        "Guangdong Sample Market Regulator",
        ("business-licence", "food-business-licence"),
    ),
    Department(
        "440000",
        "11440000DEMG100148",
        "广东省样例公安厅",
        "Guangdong Sample Public Security",
        ("resident-identity-card", "driving-licence", "vehicle-licence"),
    ),
    Department(
        "440000",
        "11440000DEMG10030X",
        "广东省样例民生与建设厅",
        "Guangdong Sample Social and Building Affairs",
        ("social-security-card", "construction-permit", "real-estate-certificate"),
    ),
    Department(
        "310000",
        "11310000DEMH10023M",
        "上海市样例市场监督管理局",
        "Shanghai Sample Market Regulator",
        ("business-licence", "food-business-licence", "construction-permit", "real-estate-certificate"),
    ),
    Department(
        "310000",
        "11310000DEMH10015T",
        "上海市样例公安局",
        "Shanghai Sample Public Security",
        ("resident-identity-card", "driving-licence", "vehicle-licence", "social-security-card"),
    ),
)
SEAL_MAKERS = {
    "440000": ("12440000DEMG90018F", "广东省样例印章制作中心", "Guangdong Sample Seal Maker"),
    "310000": ("12310000DEMH900192", "上海市样例印章制作中心", "Shanghai Sample Seal Maker"),
}


@dataclass
class Demo:
    """The demonstration's folders, and what happened so far."""

    out: Path
    pause: bool
    happened: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Name the folders."""
        self.home = self.out / "keys"
        self.passphrase = self.out / "keys-passphrase.txt"
        self.published = self.out / "published"
        self.bundle = self.out / "bundle"
        self.licences = self.out / "licences"
        self.verdicts = self.out / "verdicts"

    def chapter(self, zh: str, en: str) -> None:
        """Begin a chapter; with pauses, wait for Enter first."""
        if self.pause:
            input("\n  (回车继续 press Enter) ")
        print(f"\n{'─' * 78}\n{zh}\n{en}")

    def key(self, name: str) -> str:
        """Return the signing URI of a key of the ceremony."""
        return f"file:{self.home / name}.key.pem"

    def verdict(self, source: object, name: str, *, outcome: str, reason: str, at: str | None = None) -> dict[str, Any]:
        """Verify something at the window, keep the verdict, and hold it against what is expected."""
        code = {"valid": 0, "invalid": 1, "undetermined": 3}[outcome]
        moment = ("--at", at) if at else ()
        ran = run("ecert", "verify", source, "--bundle", self.bundle, *moment, "--json", expect=code, show=False)
        verdict: dict[str, Any] = json.loads(ran.out)
        (self.verdicts / f"{name}.json").write_text(ran.out, "utf-8")
        if (verdict["outcome"], verdict["reason"]) != (outcome, reason):
            raise FailedError(f"{name}: {verdict['outcome']} ({verdict['reason']}), expected {outcome} ({reason})")
        return verdict

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
    for region, (name, name_en) in REGIONS.items():
        run("keys", "init-region", "--region", region, "--name", name, "--name-en", name_en, *common)
    for d in DEPARTMENTS:
        types = [argument for slug in d.types for argument in ("--type", find_type(slug).code)]
        named = ("--region", d.region, "--code", d.code, "--name", d.name, "--name-en", d.name_en)
        run("keys", "issue-department", *named, *types, *common)
    for region, (code, name, name_en) in SEAL_MAKERS.items():
        run(
            "keys",
            "issue-seal-maker",
            "--region",
            region,
            "--code",
            code,
            "--name",
            name,
            "--name-en",
            name_en,
            *common,
        )
    run("keys", "registry", "sign", "--out", demo.published, "--days", 7, *common)
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
    demo.chapter("二 发布状态名录，启用窗口", "2 Status lists are published; a window is set up")
    for region in REGIONS:
        publish(demo, region)
    run("verifier", "pin", demo.out / "pki" / "national-root.pem", "--bundle", demo.bundle)
    run("verifier", "update", demo.published, "--bundle", demo.bundle)
    print(run("verifier", "show", "--bundle", demo.bundle).out, end="")


def publish(demo: Demo, region: str) -> None:
    """Publish a region's status list."""
    run(
        *("api", "publish", "--signer", demo.key(f"status-{region}"), "--passphrase-file", demo.passphrase),
        *("--ledger", demo.out / f"ledger-{region}.db", "--bundle", demo.published, "--days", 7),
    )


def issue(demo: Demo) -> list[tuple[Department, Path]]:
    """Issue licences of every type in both regions; return each with its issuer."""
    demo.chapter("三 各部门签发八种证照", "3 Departments issue licences of all eight types")
    applications = demo.out / "applications"
    applications.mkdir()
    issued: list[tuple[Department, Path]] = []
    for department in DEPARTMENTS:
        rows = [
            row
            for slug in department.types
            for row in json.loads((DATA / f"{slug}.json").read_text("utf-8"))
            if row["certificateAreaCode"][:2] == department.region[:2]
        ]
        file = applications / f"{department.code}.json"
        file.write_text(json.dumps(rows, ensure_ascii=False, indent=2), "utf-8")
        ran = run(
            *("api", "issue", file, "--signer", demo.key(f"department-{department.code}")),
            *("--passphrase-file", demo.passphrase, "--ledger", demo.out / f"ledger-{department.region}.db"),
            *("--bundle", demo.published, "--portal-host", HOST, "--out", demo.licences, "--json"),
        )
        records = [Path(json.loads(line)["record"]) for line in ran.out.splitlines()]
        issued += [(department, record) for record in records]
        print(f"    {department.name}: {len(records)} 张 licences")
    demo.record("签发", "issued", f"{len(issued)}")
    return issued


def verify_all(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Verify every licence at the window: its code as text, its code as picture, its record."""
    demo.chapter(
        "四 窗口扫码核验(另一地区的证照，只凭窗口持有的名录)",
        "4 A window verifies them: licences of the other region, by what it holds",
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
    """Revoke one licence in each region; the window learns of it with its next update."""
    demo.chapter("五 吊销后再核验", "5 Two licences are revoked, and verified again")
    for region in REGIONS:
        record = next(record for department, record in issued if department.region == region)
        text = record.with_suffix(".txt")
        (demo.verdicts / f"{record.stem}.json").rename(demo.verdicts / f"{record.stem}.before.json")
        run(
            *("api", "revoke", record, "--reason", "样例：违法经营被吊销", "--bundle", demo.published),
            *("--ledger", demo.out / f"ledger-{region}.db"),
        )
        publish(demo, region)
        before = demo.verdict(text, f"{record.stem}.not-updated", outcome="valid", reason="ok")
        age = before["freshness"]["status"]["age_seconds"]
        run("verifier", "update", demo.published, "--bundle", demo.bundle)
        demo.verdict(text, record.stem, outcome="invalid", reason="revoked")
        demo.verdict(record, f"{record.stem}.record", outcome="invalid", reason="revoked")
        if region == "440000":
            print(run("ecert", "verify", text, "--bundle", demo.bundle, expect=1).out)
        demo.record(
            f"吊销 {record.stem[:-21]}",
            "revoked",
            f"更新前有效 valid before the update ({age} s old), 更新后无效 invalid after",
        )


def offline(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Ask the window about a day on which everything it holds is stale."""
    demo.chapter(
        "六 断网九天：不能判断就说不能判断；已知的吊销仍然算数",
        "6 Nine days without a network: it says that it cannot tell; a revocation it knows still counts",
    )
    later = timestamp(now() + timedelta(days=9))
    revoked, still_valid = issued[0][1], issued[1][1]
    demo.verdict(
        still_valid.with_suffix(".txt"), "stale-silent", outcome="undetermined", reason="registry-stale", at=later
    )
    demo.verdict(revoked.with_suffix(".txt"), "stale-revoked", outcome="invalid", reason="revoked", at=later)
    demo.record("名录陈旧", "stale evidence", "无法判断 cannot tell; 已吊销者仍无效 the revoked one stays invalid")


def tamper(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Tamper in every way we can think of, and verify."""
    demo.chapter("七 篡改、伪造、越权、残缺", "7 Altered, forged, beyond entitlement, damaged")
    record = issued[1][1]
    insider = load_signer(
        demo.key(f"department-{DEPARTMENTS[1].code}"), passphrase=lambda: demo.passphrase.read_bytes().strip()
    )
    expected = write_cases(
        demo.out / "tampered",
        text=record.with_suffix(".txt").read_text("ascii").strip(),
        record=record.read_bytes(),
        host=HOST,
        registry=load_bundle(demo.published).registry,
        insider=insider,
        status_file=demo.published / "status-440000.cose",
    )
    for name, wanted in expected.items():
        verdict = demo.verdict(demo.out / "tampered" / name, f"tampered-{name}", **wanted)
        print(f"  {name:34} {verdict['outcome']:13} {verdict['reason']:22} {verdict['sentence']}")
    demo.record("篡改样本", "tampered samples", f"{len(expected)} 个，无一被接受 none accepted")


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
    options = parser.parse_args()
    began = time.monotonic()
    prepare(options.out)
    demo = Demo(options.out.resolve(), pause=not options.check and sys.stdin.isatty())
    demo.verdicts.mkdir()
    os.umask(0o022)
    try:
        ceremony(demo)
        windows(demo)
        issued = issue(demo)
        verify_all(demo, issued)
        revoke(demo, issued)
        offline(demo, issued)
        tamper(demo, issued)
    except (FailedError, EcertError) as error:
        sys.exit(f"✗ {error}")
    table(demo, time.monotonic() - began)


if __name__ == "__main__":
    main()
