"""What the demonstration does through a region's issuing service."""

from __future__ import annotations

import json
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from demo_applications import applications_of
from demo_commands import FailedError, run
from demo_country import DEPARTMENTS, REGIONS
from demo_holders import people
from demo_network import network_of
from demo_office import ROLES, Offices
from demo_window import CLERK, ServiceWindow, register_unit

from ecert.cli.pixels import draw_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from demo_country import Department
    from demo_office import Answer, Office
    from demo_run import Demo


def serve_departments(demo: Demo, offices: Offices) -> None:
    """Issue, revoke by two persons, and issue a batch through a region's service; its keys are with the agent."""
    demo.chapter(
        "十三 制证服务：业务系统以 SM2 签名的请求制发、双人吊销、批量制发；密钥只在签名代理",
        "13 The issuing service: signed requests issue, two persons revoke, a batch; keys stay with the signing agent",
    )
    department = DEPARTMENTS[0]
    office = offices.offices[department.region]
    row = applications_of(department, "business-licence")[0]
    made = expect(office.call("业务系统", "POST", "/api/v1/licences", {"application": row}), 201)
    print(f"  POST {office.origin}/api/v1/licences -> 201 {made['identifier']}")
    record = demo.licences / f"service-{made['key']}.bin"
    for kind, suffix in (("record", ".bin"), ("ofd", ".ofd"), ("code", ".png")):
        got = office.call("业务系统", "GET", made["files"][kind])
        record.with_suffix(suffix).write_bytes(got.data)
    record.with_suffix(".txt").write_text(made["code"] + "\n", "ascii")
    demo.draw(record.with_suffix(".ofd"))
    demo.publish(department.region)
    run("verifier", "update", demo.published, "--bundle", demo.bundle, show=False)
    demo.verdict(record.with_suffix(".ofd"), f"{record.stem}.ofd", outcome="valid", reason="ok")
    demo.verdict(record.with_suffix(".txt"), record.stem, outcome="valid", reason="ok")
    demo.record("制证服务", "issued by the service", "记录、OFD、二维码，均有效 record, file, code: valid")
    revoke_by_two(demo, office, made["key"], record)
    issue_batch(demo, office, department)


def expect(answer: Answer, status: int) -> Any:
    """Return the body of an answer that must have a status."""
    if answer.status != status:
        raise FailedError(f"{answer.status} where {status} was expected: {answer.data.decode()[:500]}")
    return answer.body


def revoke_by_two(demo: Demo, office: Office, key: str, record: Path) -> None:
    """Propose a revocation, try to approve it oneself, let somebody else approve it."""
    motion = {
        "action": "revoke",
        "reason_code": "unlawful-act",
        "reason": "样例：违法经营被吊销",
        "legal_basis": "《中华人民共和国行政许可法》第六十九条",
        "document": "样例市监罚〔2026〕2号",
    }
    proposed = expect(office.call("业务系统", "POST", f"/api/v1/licences/{key}/decisions", motion), 202)
    address = proposed["address"]
    expect(office.approve("业务系统", address, ""), 403)
    expect(office.approve("复核系统", address, "事实清楚，同意"), 200)
    demo.publish(office.region)
    run("verifier", "update", demo.published, "--bundle", demo.bundle, show=False)
    demo.verdict(record.with_suffix(".txt"), f"{record.stem}.revoked", outcome="invalid", reason="revoked")
    demo.record("双人吊销", "revoked by two persons", "提议人不得自批；复核后生效 proposer refused, reviewer approved")


def issue_batch(demo: Demo, office: Office, department: Department) -> None:
    """Issue a table with one bad row through the region's workers."""
    rows = [applications_of(department, "business-licence")[0] for _ in range(60)]
    rows[30] = {**rows[30], "certificateHolderCode": "91440106DEMX000499"}
    table = demo.out / "applications" / "batch.ndjson"
    table.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), "utf-8")
    errors, result = demo.out / "batch-errors.csv", demo.out / "batch-result.csv"
    run(
        *("api", "batch", table, "--office", office.settings, "--department", department.code, "--workers", 0),
        *("--errors", errors, "--result", result, "--json"),
        expect=1,  # a row was bad
    )
    issued = result.read_text("utf-8-sig").count("1.2.156.3005.2.")
    if issued != len(rows) - 1:
        raise FailedError(f"{issued} of {len(rows) - 1} rows of the batch were issued")
    demo.record("批量制发", "batch", f"{len(rows)} 行：{issued} 制发，1 行有误已报告 issued, one bad row reported")


def keep_up(demo: Demo) -> None:
    """Keep publisher, windows and issuing services up over what was issued, and say where and as whom to enter."""
    demo.chapter("五 全部服务保持运行，Ctrl-C 结束", "5 Everything stays up; Ctrl-C ends it")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    register_unit(demo)
    with (
        network_of(demo) as network,
        Offices(demo) as offices,
        ServiceWindow(demo, offices, network.publisher) as window,
    ):
        for region, office in offices.offices.items():
            name, name_en = REGIONS[region]
            print(f"\n  {name} {name_en}")
            print(f"    控制台 console   {office.origin}/console")
            print(f"    手机 phone       {office.origin}/holder")
            print(f"    接口 API         {office.origin}/api/v1/docs")
        print("\n  工作人员 operators: " + "、".join(f"{name} ({role})" for name, _, role in ROLES.values()))
        print("  持证人 holders:    " + "、".join(f"{one['name']} ({one['about']})" for one in people()))
        for number, url in enumerate(network.urls, 1):
            print(f"  窗口 window {number}    {url}/")
        print(f"  免证办 matters     {window.url}/matters  ({CLERK[0]}，口令 PIN {window.pin})")
        _write_addresses(demo, offices, network.urls, window)
        phone = f"{offices.offices['440000'].origin}/holder"
        print(f"\n  手机页面 the phone page: {phone}\n")
        print(draw_terminal(phone))
        print("  产物在 artefacts in", demo.out, flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()


def _write_addresses(demo: Demo, offices: Offices, windows: list[str], window: ServiceWindow) -> None:
    """Leave for programs what is printed for people; with the clerk's PIN in it, it is their owner's alone."""
    said = {
        "regions": {region: office.origin for region, office in offices.offices.items()},
        "windows": windows,
        "matters": window.url,
        "clerk": {"id": CLERK[0], "pin": window.pin},
        "operators": {subject: name for subject, (name, *_) in ROLES.items()},
        "holders": {one["subject"]: one["name"] for one in people()},
    }
    whole = demo.out / "serving.part"
    whole.touch(0o600)
    whole.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", "utf-8")
    whole.rename(demo.out / "serving.json")
