"""`python -m verifier`: what a window holds, how it came there, how old it is, and the window's service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecert.cli import entry
from ecert.cli.bundle import BUNDLE, MAX_ROOT, ROOT, load_bundle
from ecert.cli.files import read_bounded, write_atomic
from ecert.errors import EcertError, Reason, UndeterminedError
from ecert.report import local_time
from ecert.sm2 import sm3
from verifier.clerk_cli import clerk
from verifier.dev_cert import dev_cert
from verifier.keeper import Keeper, publishing_regions, require_root
from verifier.receipt_cli import sign_receipts
from verifier.update import gather_from, update_from

if TYPE_CHECKING:
    from ecert.revocation import RegionStatus, SealStatusList
    from ecert.trust import Registry

app = typer.Typer(no_args_is_help=True, add_completion=False, help="窗口 The window.", rich_markup_mode=None)

BundleOption = Annotated[Path, typer.Option(envvar="ECERT_BUNDLE", help="窗口的目录 The window's folder")]
RegionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        envvar="ECERT_REGIONS",
        metavar="440000",
        help="只取这些地区的名录，可重复 Only these regions; repeat",
    ),
]


app.command()(sign_receipts)
app.command()(clerk)
app.command()(dev_cert)


@app.callback()
def _start() -> None:
    entry.start()


@app.command()
def pin(root: Annotated[Path, typer.Argument(help="根元数据 Root metadata, root.json")], bundle: BundleOption) -> int:
    """固定信任根：窗口启用时做一次 Pin the root of trust: once, when a window is set up."""
    if (bundle / ROOT).exists():
        raise EcertError(Reason.KEY_EXISTS, f"{bundle / ROOT} is pinned already; a new root needs a new folder")
    data = read_bounded(root, MAX_ROOT, Reason.USAGE)
    require_root(data)
    bundle.mkdir(parents=True, exist_ok=True)
    write_atomic(bundle / ROOT, data)
    entry.put(f"{bundle / ROOT}\t{sm3(data).hex()}")
    entry.say("请当面或电话与发布方核对 SM3 指纹。Compare the SM3 fingerprint with its publisher by another channel.")
    return entry.OK


@app.command()
def update(
    source: Annotated[str, typer.Argument(help="发布目录、URL 或离线包 Published folder, URL, or bundle file")],
    bundle: BundleOption,
    region: RegionOption = None,
) -> int:
    """更新所持：先核验，从不倒退 Take over what is newer: verified first, never anything older."""
    keeper = Keeper(load_bundle(bundle), entry.now, regions=region or ())
    outcomes = update_from(keeper, source)
    write_atomic(bundle / BUNDLE, keeper.holdings.encode())
    for part, error in outcomes:
        entry.put(f"{part}\t{'refused' if error else 'taken'}")
        if error:
            entry.say(entry.explain(error))
    return entry.REFUSED if any(error for _, error in outcomes) else entry.OK


@app.command()
def show(bundle: BundleOption) -> int:
    """查看所持及其新旧 Show what is held, and how old it is. Exit code 3 when any of it is stale or missing."""
    held, now = load_bundle(bundle), entry.now()
    if held.registry is None:
        raise UndeterminedError(Reason.REGISTRY_MISSING, f"nothing is held in {bundle} yet: run update")
    parts: dict[str, tuple[int, Registry | RegionStatus | SealStatusList]] = {
        "registry": (held.registry.version, held.registry)
    }
    parts |= {f"status/{region}": (status.sequence, status) for region, status in held.status.regions.items()}
    parts |= {f"seals/{region}": (listing.sequence, listing) for region, listing in held.seals.items()}
    for name, (number, part) in parts.items():
        age = "新鲜 fresh" if part.is_fresh(now) else "陈旧 stale"
        entry.put(f"{name}\t{number}\t{local_time(part.issued_at)}\t{local_time(part.fresh_until)}\t{age}")
    missing = [region for region in publishing_regions(held) if held.status.of(region) is None]
    for region in missing:
        entry.put(f"status/{region}\t-\t-\t-\t没有 missing")
    for name, problem in held.problems.items():
        entry.say(f"{name}: {entry.explain(problem)}")
    well = all(part.is_fresh(now) for _, part in parts.values()) and not held.problems and not missing
    return entry.OK if well else entry.CANNOT_TELL


@app.command()
def bundle(
    bundle: BundleOption,
    out: Annotated[Path, typer.Option(help="离线包文件 The bundle file")],
    source: Annotated[
        str | None,
        typer.Option(help="先由此更新，并收入全部变动详情 Update from here first, with all details"),
    ] = None,
) -> int:
    """制作离线包：一个文件，窗口所需俱全 Make one offline file with everything a window needs."""
    keeper = Keeper(load_bundle(bundle), entry.now)
    outcomes = gather_from(keeper, source) if source else []
    for part, error in outcomes:
        if error:
            entry.say(f"! {part}: {entry.explain(error)}")
    if keeper.holdings.registry is None:
        raise UndeterminedError(Reason.REGISTRY_MISSING, f"nothing is held in {bundle} to make a bundle of")
    data = keeper.holdings.encode()
    write_atomic(out, data)
    entry.put(f"{out}\t{len(data)}\t{sm3(data).hex()}")
    return entry.REFUSED if any(error for _, error in outcomes) else entry.OK


@app.command()
def serve(
    *,
    bundle: BundleOption,
    publisher: Annotated[
        list[str] | None, typer.Option(envvar="ECERT_PUBLISHERS", help="发布方，可重复；不给则离线 Publisher; repeat")
    ] = None,
    redis: Annotated[
        str | None, typer.Option(envvar="ECERT_REDIS", help="同一站点共用的缓存 The site's cache, redis://…")
    ] = None,
    host: Annotated[str, typer.Option(help="监听地址 Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 Port")] = 8450,
    window: Annotated[str, typer.Option(envvar="ECERT_WINDOW", help="窗口名称 Name of this window")] = "",
    region: RegionOption = None,
    matters: Annotated[
        Path | None,
        typer.Option(envvar="ECERT_MATTERS", help="受理事项的设置文件 The file that makes it accept matters"),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(envvar="ECERT_TLS_CERT", help="TLS 证书，PEM；不给则为 HTTP TLS certificate, PEM")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="ECERT_TLS_KEY", help="TLS 证书的私钥，PEM Its private key, PEM")
    ] = None,
) -> int:
    """运行窗口服务：页面与接口 Run the window: its page and its interface."""
    from verifier.services import Settings, build_services, read_token  # noqa: PLC0415  (slow to load)
    from verifier.serving import require_tls, serve_window  # noqa: PLC0415

    tls = require_tls(tls_cert, tls_key)
    settings = Settings(
        bundle, tuple(publisher or ()), redis, window, read_token(os.environ), tuple(region or ()), matters
    )
    serve_window(build_services(settings, entry.now), host, port, tls)
    return entry.OK
