"""`python -m keys registry`: the trust registry, made and signed from a ceremony directory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from ecert.cli import entry
from ecert.cli.files import read_bounded, write_atomic
from ecert.cli.published import load_published, read_registry
from ecert.errors import EcertError, Reason
from ecert.report import timestamp
from ecert.sm2 import sm3
from ecert.trust import ANYWHERE, Policy, Registry, Role
from ecert.trust.metadata import export_files
from ecert.trust.policy import MAX_POLICY, parse_policy
from keys.expiry import ALARM_SHARE, Expiry, expiries, list_expiries, metrics_text
from keys.members import ROLES, Terms, parse_change
from keys.names import KeyName, Kind
from keys.options import (
    DEFAULT_HOME,
    AsJson,
    Home,
    PassphraseFile,
    existing_ceremony,
    parse_time,
    passphrase_source,
    print_json,
)
from keys.registry import RegistryActs
from keys.registry_keys import RegistryKeys
from keys.repository import SNAPSHOT, TARGETS, TIMESTAMP, Repository
from keys.wording import refusal

app = typer.Typer(help="信任名录 / The trust registry.", no_args_is_help=True, rich_markup_mode=None)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="发布目录 / the published folder")]
RegionCode = Annotated[
    str | None, typer.Option("--region", metavar="440000", help="行政区划代码 / GB/T 2260 code of a region")
]
Ministry = Annotated[
    str | None,
    typer.Option("--ministry", metavar="USCC", help="垂直管理部委 / a ministry with vertical administration"),
]
Code = Annotated[str, typer.Option("--code", metavar="USCC", help="统一社会信用代码 / unified social credit code")]
_WHO: Final = {str(kind): role for kind, role in ROLES.items()}
BodyRole = Annotated[str, typer.Option("--role", metavar="|".join(_WHO), help="机构类别 / what it is registered as")]


@contextmanager
def _acts(out: Path, home: Path, keys: RegistryKeys) -> Iterator[RegistryActs]:
    """Work on the published folder, alone."""
    acts = RegistryActs(out, existing_ceremony(home), keys, entry.now())
    with acts.repository.locked():
        yield acts


def _keys(home: Path, passphrase_file: Path | None) -> RegistryKeys:
    source = passphrase_source(passphrase_file)
    return RegistryKeys(home, source.ask, partial(source.ask, new=True))


def _told(registry: Registry) -> None:
    """Say what is published now, and what in it is not believed."""
    typer.echo(f"registry\tversion {registry.version}\tfresh until {timestamp(registry.fresh_until)}")
    for code, problem in registry.problems.items():
        typer.echo(f"注意 / warning: {code}: {problem}", err=True)


@app.command(help="建立信任名录 / Make the registry: root keys, online keys, a first publication.")
def init(
    *,
    out: Out,
    root_keys: Annotated[int, typer.Option(min=1, max=9, help="根密钥数 / root keys")] = 3,
    threshold: Annotated[int, typer.Option(min=1, max=9, help="根签名门限 / how many of them sign")] = 2,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the registry."""
    out.mkdir(parents=True, exist_ok=True)
    with _acts(out, home, _keys(home, passphrase_file)) as acts:
        pinned = acts.init(root_keys=root_keys, threshold=threshold)
    typer.echo(f"{pinned}\tSM3 {sm3(pinned.read_bytes()).hex()}")
    typer.echo(
        "根密钥 registry-root-*.key.pem 移到离线介质，分人分柜保管；窗口固定上面的文件，SM3 用另一条渠道核对。\n"
        "Move the root keys off line, each with another person; windows pin the file above, its SM3 told by another "
        "channel.",
        err=True,
    )


@app.command("add-region", help="让地区或部委加入 / Let a region or ministry in: its role's key and delegation.")
def add_region(
    *,
    out: Out,
    region: RegionCode = None,
    ministry: Ministry = None,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Let a region in."""
    with _acts(out, home, _keys(home, passphrase_file)) as acts:
        typer.echo(str(acts.add_region(_one(region, ministry))))
    _unseen()


@app.command("add-issuer", help="登记机构 / Register a body with its region: a department, or by --role another.")
def add_issuer(
    *,
    out: Out,
    code: Code,
    region: RegionCode = None,
    ministry: Ministry = None,
    role: BodyRole = "department",
    shared_with: Annotated[
        list[str] | None, typer.Option("--shared-with", metavar="310000", help="共享地区，默认全部 / regions; repeat")
    ] = None,
    status_url: Annotated[str | None, typer.Option(help="状态发布地址 / where its status is published")] = None,
    service_url: Annotated[str | None, typer.Option(help="服务地址 / its service")] = None,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Register a body."""
    name = KeyName(Kind(_known(role)), code)
    wanted = _one(region, ministry)
    certified_by = existing_ceremony(home).issuer_of(name).code
    if certified_by != wanted:
        raise EcertError(Reason.USAGE, f"{name} was certified by {certified_by}, not by {wanted}")
    urls = {"status": status_url, "service": service_url}
    terms = Terms(tuple(shared_with or (ANYWHERE,)), {kind: url for kind, url in urls.items() if url})
    with _acts(out, home, _keys(home, passphrase_file)) as acts:
        acts.add_member(name, terms)
    typer.echo(f"{name}\t{wanted}")
    _unseen()


@app.command("end-issuer", help="终止、暂停或恢复登记 / End, suspend or revive a registration as of a date.")
def end_issuer(
    *,
    out: Out,
    code: Code,
    at: Annotated[str, typer.Option(metavar="TIME", help="自何时起：RFC 3339 时间或 now / since when")],
    reason: Annotated[str, typer.Option(help="原因，不含个人信息 / why, without personal data")],
    state: Annotated[
        str, typer.Option(metavar="ended|suspended|active", help="状态 / the state from then on")
    ] = "ended",
    role: BodyRole = "department",
    region: RegionCode = None,
    ministry: Ministry = None,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """End a right: licences sealed before stay valid."""
    change = parse_change(state, parse_time(at), reason)
    with _acts(out, home, _keys(home, passphrase_file)) as acts:
        acts.change_state(_one(region, ministry), _WHO[_known(role)], code, change)
    typer.echo(f"{code}\t{state}\t{timestamp(change.since)}")
    _unseen()


@app.command(help="签发并发布 / Sign everything that is due with the keys that are here, and publish it.")
def sign(
    *,
    out: Out,
    role: Annotated[
        list[str] | None, typer.Option(help="只签这些角色 / only these: 440000, targets, snapshot, timestamp; repeat")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=31, help="可依赖的天数 / days it may be relied on")] = 7,
    hours: Annotated[int | None, typer.Option(min=1, max=744, help="可依赖的小时数 / hours, instead")] = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="新鲜度政策 / freshness policy, JSON")] = None,
    watch: Annotated[
        float | None, typer.Option(min=1.0, help="每隔多少秒重签时间戳 / re-sign the timestamp every so often")
    ] = None,
    metrics: Annotated[Path | None, typer.Option(metavar="FILE", help="到期指标文件 / Prometheus text file")] = None,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign and publish; with --watch, keep the timestamp fresh with its key alone."""
    lifetime = timedelta(hours=hours) if hours else timedelta(days=days)
    keys = _keys(home, passphrase_file)
    if watch is None:
        with _acts(out, home, keys) as acts:
            _sign_once(acts, keys, role, lifetime, policy)
        _measure(out, metrics)
        return
    if role or policy:
        raise EcertError(Reason.USAGE, "--watch signs the timestamp alone: leave --role and --policy out")
    if watch * ALARM_SHARE > lifetime.total_seconds():
        raise EcertError(Reason.USAGE, f"--watch {watch:g} is too seldom for a timestamp good for {lifetime}")

    def renew() -> None:
        with _acts(out, home, keys) as acts:
            _told(acts.publish(lifetime, new_snapshot=False))

    renew()
    while True:
        _measure(out, metrics)
        time.sleep(watch)
        _persist(renew)


def _persist(act: Callable[[], None]) -> None:
    """Let the job live through whatever it meets: the alarm tells of what lasts."""
    try:
        act()
    except EcertError as error:
        typer.echo(refusal(error), err=True)


def _sign_once(
    acts: RegistryActs, keys: RegistryKeys, roles: list[str] | None, lifetime: timedelta, policy: Path | None
) -> None:
    regions = acts.repository.roles()
    wanted = roles or [one for one in (*regions, TARGETS, SNAPSHOT, TIMESTAMP) if keys.has(one)]
    unknown = set(wanted) - {*regions, TARGETS, SNAPSHOT, TIMESTAMP}
    if unknown:
        raise EcertError(Reason.USAGE, f"the registry has no role {', '.join(sorted(unknown))}")
    if policy and TARGETS not in wanted:
        raise EcertError(Reason.USAGE, "a policy is signed with the key of targets, which is not here or not asked for")
    for code in regions:
        if code in wanted:
            typer.echo(f"{code}\t{'signed' if acts.sign_region(code) else 'nothing due'}")
    if TARGETS in wanted:
        typer.echo(f"{TARGETS}\t{'signed' if acts.sign_targets(_read_policy(policy)) else 'nothing due'}")
    if TIMESTAMP in wanted:
        _told(acts.publish(lifetime, new_snapshot=SNAPSHOT in wanted))
    else:
        _unseen()


def _read_policy(path: Path | None) -> Policy | None:
    return None if path is None else parse_policy(read_bounded(path, MAX_POLICY, Reason.USAGE))


def _measure(out: Path, metrics: Path | None) -> None:
    if metrics is not None:
        _persist(lambda: write_atomic(metrics, metrics_text(_expiries(out, load_published(out)))))


def _expiries(out: Path, registry: Registry) -> list[Expiry]:
    now = entry.now()
    return [*expiries(Repository(out, now), now), *list_expiries(registry, now)]


@app.command("rotate-root", help="换根密钥 / Sign the next root: one root key replaced, or only renewed.")
def rotate_root(
    *,
    out: Out,
    replace: Annotated[int | None, typer.Option(min=1, max=9, help="换第几把 / which key is replaced")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="不换钥，只续期 / no key is replaced: only renewed")] = False,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign the next root."""
    if keep == (replace is not None):
        raise EcertError(Reason.USAGE, "say which: --replace N, or --keep")
    with _acts(out, home, _keys(home, passphrase_file)) as acts:
        typer.echo(str(acts.rotate_root(replace)))
    typer.echo("窗口下次更新时自动接受 / windows take it with their next update", err=True)


@app.command(help="换名录密钥 / Replace the registry key of a region, a ministry, targets, snapshot or timestamp.")
def rotate(
    role: Annotated[str, typer.Argument(help="440000、部委代码、targets、snapshot、timestamp / the role")],
    *,
    out: Out,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Replace a role's key."""
    with _acts(out, home, _keys(home, passphrase_file)) as acts:
        acts.rotate(role)
    typer.echo(f"{role}\trotated")
    _unseen()


@app.command(help="名录各部分何时到期 / When each part expires. Exit code 3 when one is due.")
def status(*, out: Out, as_json: AsJson = False) -> None:
    """Show expiries and counts."""
    registry = load_published(out)
    rows = _expiries(out, registry)
    members = (member for region in registry.regions.values() for member in region.members)
    issuers = len({member.code for member in members if member.role is Role.ISSUER})
    if as_json:
        print_json(
            {
                "version": registry.version,
                "regions": list(registry.regions),
                "issuers": issuers,
                "keys": len(registry.keys()),
                "problems": {code: str(problem) for code, problem in registry.problems.items()},
                "roles": [row.as_json() for row in rows],
            }
        )
    else:
        for row in rows:
            until = timestamp(row.expires) if row.expires else "-"
            alarm = "到期 due" if row.alarm else "正常 fine"
            typer.echo(f"{row.role}\t{row.version}\t{until}\t{row.seconds_left} s\t{alarm}")
        typer.echo(f"regions {len(registry.regions)}\tissuers {issuers}\tkeys {len(registry.keys())}")
        for code, problem in registry.problems.items():
            typer.echo(f"注意 / warning: {code}: {problem}", err=True)
    if any(row.alarm for row in rows):
        raise typer.Exit(entry.CANNOT_TELL)


@app.command(help="导出离线文件 / Write the whole registry as one file, every part under its own signature.")
def export(file: Annotated[Path, typer.Argument(help="文件 / the file")], *, out: Out) -> None:
    """Export the registry."""
    write_atomic(file, export_files(read_registry(out)))
    typer.echo(str(file))


def _known(role: str) -> str:
    if role not in _WHO:
        raise EcertError(Reason.USAGE, f"{role!r} is no role: choose {', '.join(_WHO)}")
    return role


def _one(region: str | None, ministry: str | None) -> str:
    given = [code for code in (region, ministry) if code]
    if len(given) != 1:
        raise EcertError(Reason.USAGE, "name one: --region CODE, or --ministry USCC")
    return given[0]


def _unseen() -> None:
    typer.echo(
        "运行 registry sign 后窗口可见 / windows see it after the next registry sign",
        err=True,
    )
