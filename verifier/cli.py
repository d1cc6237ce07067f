"""`python -m verifier`: what a window holds, how it came there, and how old it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecert.cli import entry
from ecert.cli.bundle import ANCHOR, load_bundle
from ecert.cli.files import read_bounded, write_atomic
from ecert.cli.report import local_time
from ecert.errors import EcertError, Reason
from ecert.x509 import Certificate
from verifier.update import update as take_over

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="窗口持有的名录 What a window holds.", rich_markup_mode=None
)

BundleOption = Annotated[Path, typer.Option(envvar="ECERT_BUNDLE", help="窗口的名录目录 The window's folder")]
_MAX_ANCHOR = 64 * 1024


@app.callback()
def _start() -> None:
    entry.start()


@app.command()
def pin(
    anchor: Annotated[Path, typer.Argument(help="国家根证书 National root certificate, PEM")], bundle: BundleOption
) -> int:
    """固定信任锚：窗口启用时做一次 Pin the trust anchor: once, when a window is set up."""
    if (bundle / ANCHOR).exists():
        raise EcertError(Reason.KEY_EXISTS, f"{bundle / ANCHOR} is pinned already; a new anchor needs a new folder")
    certificate = Certificate.from_pem(read_bounded(anchor, _MAX_ANCHOR, Reason.USAGE))
    if certificate.public_key is None:
        raise EcertError(Reason.CERTIFICATE_MALFORMED, "the certificate has no SM2 key")
    bundle.mkdir(parents=True, exist_ok=True)
    write_atomic(bundle / ANCHOR, certificate.to_pem())
    entry.put(f"{bundle / ANCHOR}\t{certificate.public_key.key_id.hex()}")
    entry.say("请当面或电话与发布方核对密钥标识。Compare the key id with its publisher by another channel.")
    return entry.OK


@app.command()
def update(
    source: Annotated[Path, typer.Argument(help="发布方的目录 The publisher's folder")], bundle: BundleOption
) -> int:
    """更新名录：先核验，从不倒退 Take over a publisher's files: verified first, never anything older."""
    refused = False
    for name, error in take_over(source, bundle):
        entry.put(f"{name}\t{'refused' if error else 'taken'}")
        if error:
            refused = True
            entry.say(entry.explain(error))
    return entry.REFUSED if refused else entry.OK


@app.command()
def show(bundle: BundleOption) -> int:
    """查看持有的名录及其新旧 Show what is held, and how old it is. Exit code 3 when any of it is stale."""
    held, now = load_bundle(bundle), entry.now()
    registry = held.registry
    rows = [("registry", registry.version, registry.issued_at, registry.fresh_until, registry.is_fresh(now))]
    rows += [
        (f"status-{region}", snapshot.sequence, snapshot.issued_at, snapshot.fresh_until, snapshot.is_fresh(now))
        for region, snapshot in held.status.snapshots.items()
    ]
    for name, number, issued, until, fresh in rows:
        age = "新鲜 fresh" if fresh else "陈旧 stale"
        entry.put(f"{name}\t{number}\t{local_time(issued)}\t{local_time(until)}\t{age}")
    for name, problem in held.problems.items():
        entry.say(f"{name}: {entry.explain(problem)}")
    return entry.OK if all(row[-1] for row in rows) and not held.problems else entry.CANNOT_TELL
