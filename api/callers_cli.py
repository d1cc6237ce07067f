"""`python -m api callers`: who may call the service of a region, before anybody can sign in to say so."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api.access.callers import MAX_PUBLIC_KEY, Application, Caller, CallerBook, public_key_of
from api.access.principals import Role
from api.chain import ChainBook
from api.database import Database
from api.options import JsonOption, LedgerOption
from ecert.cli import entry
from ecert.cli.files import read_bounded
from ecert.errors import Reason
from ecert.report import timestamp
from ecert.sm2 import PublicKey

callers_app = typer.Typer(help="接入方 Who may call the service.", no_args_is_help=True, rich_markup_mode=None)

NameArgument = Annotated[str, typer.Argument(help="名称 Its name")]
RegionOption = Annotated[str, typer.Option(envvar="ECERT_REGION", help="地区代码 Code of the region, 6 digits")]
RoleOption = Annotated[list[Role], typer.Option(help="角色，可重复 Role, may be given again")]
DepartmentOption = Annotated[
    str | None, typer.Option(help="部门统一社会信用代码；地区本级则不填 USCC of the department; none: the region's own")
]
RateOption = Annotated[int, typer.Option(min=1, max=1_000_000, help="每分钟请求数 Requests a minute")]


@callers_app.command()
def add_system(
    name: NameArgument,
    *,
    key: Annotated[Path, typer.Option(help="SM2 公钥，PEM Its public key")],
    role: RoleOption,
    ledger: LedgerOption,
    region: RegionOption,
    department: DepartmentOption = None,
    rate: RateOption = 600,
    as_json: JsonOption = False,
) -> int:
    """登记业务系统；请求以该密钥签名 Register a system, which signs its requests with this key."""
    public_key, new = _read_key(key), Application(name, department, frozenset(role), rate)
    with Database(ledger) as book:
        _put(_callers(book, region).register_system(new, public_key, entry.now()), as_json=as_json)
    return entry.OK


@callers_app.command()
def add_operator(
    name: NameArgument,
    *,
    issuer: Annotated[str, typer.Option(help="身份提供方 The identity provider's issuer identifier")],
    subject: Annotated[str, typer.Option(help="其在提供方的标识 Who they are there (sub)")],
    role: RoleOption,
    ledger: LedgerOption,
    region: RegionOption,
    department: DepartmentOption = None,
    rate: RateOption = 600,
    as_json: JsonOption = False,
) -> int:
    """登记工作人员，由身份提供方认证 Register a person, who signs in at an identity provider."""
    new = Application(name, department, frozenset(role), rate)
    with Database(ledger) as book:
        _put(_callers(book, region).register_operator(new, issuer, subject, entry.now()), as_json=as_json)
    return entry.OK


@callers_app.command()
def end(
    caller: Annotated[str, typer.Argument(help="接入方标识 Its identifier, as `list` shows it")],
    *,
    ledger: LedgerOption,
    region: RegionOption,
) -> int:
    """停用，不可恢复；令牌与会话立即失效 End its access for good, its tokens and sessions with it."""
    with Database(ledger, create=False) as book:
        _callers(book, region).end(caller, entry.now())
    entry.put(caller)
    return entry.OK


@callers_app.command(name="list")
def list_callers(*, ledger: LedgerOption, region: RegionOption, as_json: JsonOption = False) -> int:
    """列出接入方 List them."""
    with Database(ledger, create=False) as book:
        for one in _callers(book, region).all():
            _put(one, as_json=as_json)
    return entry.OK


def _callers(ledger: Database, region: str) -> CallerBook:
    ChainBook(ledger).bind(region)
    return CallerBook(ledger, region)


def _read_key(path: Path) -> PublicKey:
    return public_key_of(read_bounded(path, MAX_PUBLIC_KEY, Reason.USAGE))


def _put(one: Caller, *, as_json: bool) -> None:
    who = one.principal
    said: dict[str, Any] = {
        "id": who.id,
        "kind": who.kind.value,
        "name": who.name,
        "department": who.department or "",
        "roles": sorted(role.value for role in who.roles),
        "key_id": "" if one.key is None else one.key.key_id.hex(),
        "ended_at": "" if one.ended_at is None else timestamp(one.ended_at),
    }
    plain = (" ".join(value) if isinstance(value, list) else value for value in said.values())
    entry.put(json.dumps(said, ensure_ascii=False) if as_json else "\t".join(plain))
