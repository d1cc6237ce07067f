"""The demonstration's seals and files: made, filed, verified, drawn, copied, and altered."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from demo_commands import FailedError, run
from demo_country import DEPARTMENTS, SEAL_MAKERS
from demo_tamper import file_cases

from ecert.cli.entry import now
from ecert.licence.validity import china_day

if TYPE_CHECKING:
    from pathlib import Path

    from demo_country import Department
    from demo_run import Demo


def make_seals(demo: Demo) -> None:
    """Make every department's electronic seal, and file it with its region."""
    demo.chapter(
        "二 制作电子印章并备案：绘制、由制章机构签名、登记为在用",
        "2 Electronic seals are made and filed: drawn, signed by the seal maker, registered as active",
    )
    seals = demo.out / "seals"
    seals.mkdir()
    for department in DEPARTMENTS:
        make_seal(demo, department)
        for kind in ("esl", "svg", "png"):
            shutil.copy(demo.home / f"seal-{department.seal}.{kind}", seals)
    demo.record("印章", "seals", f"{len(DEPARTMENTS)} 枚 made and filed")


def make_seal(demo: Demo, department: Department, *options: str) -> None:
    """Make a department's seal and file it."""
    maker = SEAL_MAKERS[department.region][0]
    run(
        *("keys", "make-seal", "--maker", maker, "--department", department.code, "--code", department.seal),
        *("--level", "province", "--home", demo.home, "--passphrase-file", demo.passphrase, *options),
    )
    esl = demo.home / f"seal-{department.seal}.esl"
    run("api", "seal", "file", esl, "--ledger", demo.ledger(department.region), "--bundle", demo.published)


def remake_seal(demo: Demo, department: Department) -> None:
    """Make a seal anew for a department with a new key, and issue with it."""
    make_seal(demo, department, "--again")
    shutil.copy(demo.home / f"seal-{department.seal}.esl", demo.out / "seals" / f"seal-{department.seal}-again.esl")
    rows = json.loads((demo.out / "applications" / f"{department.code}.json").read_text("utf-8"))
    application = demo.out / "applications" / "new-seal.json"
    application.write_text(json.dumps(rows[0], ensure_ascii=False), "utf-8")
    record = demo.issue(department, application)[0]
    demo.publish(department.region)
    run("verifier", "update", demo.published, "--bundle", demo.bundle)
    demo.verdict(record.with_suffix(".txt"), record.stem, outcome="valid", reason="ok")
    demo.verdict(record.with_suffix(".ofd"), f"{record.stem}.file", outcome="valid", reason="ok")


def check_files(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Verify every licence's file and every seal; make annotated copies."""
    demo.chapter(
        "六 证照文件：核验 OFD 与印章，画成图片，制作加注件",
        "6 Licence files: OFD and seals are verified, pages drawn, annotated copies made",
    )
    for _, record in issued:
        demo.verdict(record.with_suffix(".ofd"), f"{record.stem}.file", outcome="valid", reason="ok")
    shown = issued[0][1].with_suffix(".ofd")
    run("ecert", "render", shown, demo.pages / f"{shown.stem}.png")
    print(run("ecert", "verify", shown, "--bundle", demo.bundle).out)
    for seal in sorted((demo.out / "seals").glob("*.esl")):
        demo.verdict(seal, seal.stem, outcome="valid", reason="ok")
    demo.record("证照文件", "licence files", f"{len(issued)} OFD, {len(DEPARTMENTS)} 印章 seals: 有效 valid")
    copies = demo.out / "copies"
    copies.mkdir()
    for department, record in (issued[0], issued[-1]):
        copy(demo, department, record, copies / f"{record.stem}.ofd")


def copy(demo: Demo, department: Department, record: Path, target: Path) -> None:
    """Make an annotated copy of a licence's file, draw it, and verify it."""
    run(
        *("api", "copy", record.with_suffix(".ofd"), "--for", "样例银行股份有限公司", "--cause", "开立对公账户"),
        *("--until", china_day(now()).isoformat(), "--bundle", demo.published, "--out", target),
        *("--signer", demo.key(f"department-{department.code}"), "--passphrase-file", demo.passphrase),
    )
    run("ecert", "render", target, target.with_suffix(".png"), show=False)
    verdict = demo.verdict(target, f"{record.stem}.copy", outcome="valid", reason="ok")
    if [one["verdict"] for one in verdict["signatures"]] != ["VALID", "VALID"]:
        raise FailedError(f"{target}: not both signatures verify")
    demo.record("加注件", "annotated copy", f"{target.stem[:-21]}: 两个签名均有效 both signatures verify")


def suspend_seal(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """Suspend a seal: what it sealed before stays valid, and nothing is issued with it; then cancel it for good."""
    demo.chapter(
        "十二 停用、注销印章：此前签章的仍有效",
        "12 A seal is suspended, then cancelled: what was sealed before stays valid",
    )
    department = DEPARTMENTS[2]
    ledger, seal = demo.ledger(department.region), demo.out / "seals" / f"seal-{department.seal}.esl"
    file = next(record for one, record in issued if one == department).with_suffix(".ofd")
    for command, state in (("suspend", "seal-suspended"), ("cancel", "seal-cancelled")):
        run("api", "seal", command, department.seal, "--reason", "样例：机构改革", "--ledger", ledger)
        demo.publish(department.region)
        run("verifier", "update", demo.published, "--bundle", demo.bundle)
        demo.verdict(seal, state, outcome="invalid", reason=state)
        demo.verdict(file, f"{file.stem}.after-{command}", outcome="valid", reason="ok")
    application = demo.out / "applications" / f"{department.code}.json"
    refused = demo.try_to_issue(department, application)
    if "seal-cancelled" not in refused:
        raise FailedError(f"issued with a cancelled seal: {refused}")
    print(run("api", "seal", "list", "--ledger", ledger).out, end="")
    demo.record("印章注销", "seal cancelled", "此前签章的仍有效 files sealed before stay valid")


def write_file_cases(demo: Demo, record: Path, other: Path) -> dict[str, dict[str, str]]:
    """Write altered files beside the altered codes and records; return name → outcome and reason."""
    expected: dict[str, dict[str, str]] = {}
    cases = file_cases(record.with_suffix(".ofd").read_bytes(), other.with_suffix(".ofd").read_bytes())
    for name, content, outcome, reason in cases:
        (demo.out / "tampered" / name).write_bytes(content)
        expected[name] = {"outcome": outcome, "reason": reason}
    return expected


def write_expected(demo: Demo, expected: dict[str, dict[str, str]]) -> None:
    """Leave what every altered sample must end in."""
    file = demo.out / "tampered" / "expected.json"
    file.write_text(json.dumps(expected, ensure_ascii=False, indent=2) + "\n", "utf-8")
