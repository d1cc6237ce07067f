"""Commands about the seal register, and about the windows that rely on what is published."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.chain import ChainBook
from api.ledger import SqliteLedger
from api.options import JsonOption, LedgerOption
from api.seals import SealBook
from api.windows import Propagation, WindowBook, propagation_json
from ecert.cli import entry
from ecert.errors import EcertError, Reason
from ecert.report import timestamp
from ecert.revocation.seal_list import SealEvent, SealState

seal_app = typer.Typer(help="印章状态 The seal register.", no_args_is_help=True, rich_markup_mode=None)
windows_app = typer.Typer(help="用证窗口 Registered windows.", no_args_is_help=True, rich_markup_mode=None)

_STATES = {state.name.lower(): state for state in SealState}


@seal_app.command()
def decide(
    code: Annotated[str, typer.Argument(help="印章编码 The seal's code (esID)")],
    *,
    state: Annotated[str, typer.Option(help=f"决定 Decision: {', '.join(_STATES)}")],
    reason: Annotated[str, typer.Option(help="事由，不含个人信息 Reason, without personal data")],
    ledger: LedgerOption,
    document: Annotated[str, typer.Option(help="文号 Number of the decision")] = "",
    since: Annotated[str | None, typer.Option(help="生效时间 When it takes effect (RFC 3339), default now")] = None,
) -> int:
    """备案、停用或注销印章 File, suspend or cancel a seal; published with the next status list."""
    if state not in _STATES:
        raise EcertError(Reason.USAGE, f"{state!r} is not a seal's state: choose one of {', '.join(_STATES)}")
    now = entry.now().replace(microsecond=0)
    effective = entry.parse_time(since).replace(microsecond=0) if since else now
    event = SealEvent(_STATES[state], effective, now, reason, document)
    with SqliteLedger(ledger) as book:
        SealBook(book.database).decide(code, event)
    entry.put(f"{code}\t{state}\t{timestamp(effective)}")
    return entry.OK


@windows_app.command()
def add(
    name: Annotated[str, typer.Argument(help="窗口名称 The window's name")],
    *,
    ledger: LedgerOption,
    operator: Annotated[
        bool, typer.Option("--operator", help="运维：可查看各窗口回执 An operator, who may read all receipts")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """登记窗口；令牌只显示这一次 Register a window; its token is shown this once."""
    with SqliteLedger(ledger) as book:
        token = WindowBook(book.database).add(name, operator=operator, at=entry.now().replace(microsecond=0))
    entry.put(json.dumps({"window": name, "token": token}, ensure_ascii=False) if as_json else token)
    return entry.OK


@windows_app.command(name="list")
def list_windows(
    *,
    ledger: Annotated[
        list[Path],
        typer.Option(envvar="ECERT_LEDGER", help="台账，可重复；窗口登记在第一个 Ledgers; windows are in the first"),
    ],
    as_json: JsonOption = False,
) -> int:
    """各地区状态传到了多少窗口 How far the newest status of each ledger's region has come."""
    with SqliteLedger(ledger[0], create=False) as home:
        book = WindowBook(home.database)
        for path in ledger:
            with SqliteLedger(path, create=False) as one:
                propagation = book.propagation(ChainBook(one.database))
            if propagation is not None:
                entry.put(
                    json.dumps(propagation_json(propagation), ensure_ascii=False) if as_json else _said(propagation)
                )
    return entry.OK


def _said(propagation: Propagation) -> str:
    region, sequence = propagation.region, propagation.sequence
    said = (
        f"{propagation.windows:,} 个窗口中 {propagation.reached:,} 个已有状态 {region} #{sequence}"
        f" · {propagation.reached:,} of {propagation.windows:,} windows have status {region} #{sequence}"
    )
    if propagation.behind:
        since = timestamp(propagation.behind[0].since)
        said += f"; {len(propagation.behind):,} 个落后 are behind, since {since}:"
    lines = [f"  {one.window}\t#{one.sequence}\tsince {timestamp(one.since)}" for one in propagation.behind]
    return "\n".join((said, *lines))
