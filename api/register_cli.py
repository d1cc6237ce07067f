"""Commands about the seal register, and about the windows that rely on what is published."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.chain import ChainBook
from api.ledger import SqlLedger
from api.options import BundleOption, JsonOption, LedgerOption
from api.seals import SealBook
from api.windows import Propagation, WindowBook, propagation_json
from ecert.cli import entry
from ecert.cli.files import read_bounded
from ecert.cli.published import load_published
from ecert.errors import NotFoundError, Reason
from ecert.report import timestamp
from ecert.revocation.seal_list import SealEvent, SealState
from ecert.seal import Seal, assess_seal
from ecert.sm2 import sm3
from ecert.verification.bodies import RegisteredBodies
from ecert.x509 import Purpose

seal_app = typer.Typer(help="印章状态 The seal register.", no_args_is_help=True, rich_markup_mode=None)
windows_app = typer.Typer(help="用证窗口 Registered windows.", no_args_is_help=True, rich_markup_mode=None)

_MAX_SEAL = 2 * 1024 * 1024
_COMMANDS = {SealState.SUSPENDED: "suspend", SealState.ACTIVE: "resume", SealState.CANCELLED: "cancel"}


CodeArgument = Annotated[str, typer.Argument(help="印章编码 The seal's code (esID)")]
ReasonOption = Annotated[str, typer.Option(help="事由，不含个人信息 Reason, without personal data")]
DocumentOption = Annotated[str, typer.Option(help="文号 Number of the decision")]
SinceOption = Annotated[str | None, typer.Option(help="生效时间 When it takes effect (RFC 3339), default now")]


def _decision(state: SealState, help_text: str) -> None:
    """Add the command that records one kind of decision, named by what is done."""

    @seal_app.command(name=_COMMANDS[state], help=f"{help_text}; published with the next status list.")
    def decide(
        code: CodeArgument,
        *,
        reason: ReasonOption,
        ledger: LedgerOption,
        document: DocumentOption = "",
        since: SinceOption = None,
    ) -> int:
        now = entry.now().replace(microsecond=0)
        effective = entry.parse_time(since).replace(microsecond=0) if since else now
        with SqlLedger(ledger) as book:
            seals = SealBook(book.database)
            if not seals.entries().get(code):
                raise NotFoundError(Reason.SEAL_STATUS_MISSING, f"no seal {code} is filed here: seal file FILE.esl")
            seals.decide(code, SealEvent(state, effective, now, reason, document))
        entry.put(f"{code}\t{state.name.lower()}\t{timestamp(effective)}")
        return entry.OK


_decision(SealState.SUSPENDED, "停用印章 Suspend a seal")
_decision(SealState.ACTIVE, "恢复印章 Let a suspended seal be used again")
_decision(SealState.CANCELLED, "注销印章，不可恢复 Cancel a seal, for good")


@seal_app.command()
def file(
    seal: Annotated[Path, typer.Argument(metavar="FILE.esl", help="电子印章文件 The seal")],
    *,
    ledger: LedgerOption,
    bundle: BundleOption,
) -> int:
    """备案印章：核验制章机构与用章单位后登记为在用 File a seal: verified, then active since it was made."""
    now = entry.now().replace(microsecond=0)
    registry = load_published(bundle)
    bodies = RegisteredBodies(registry, now)
    read = Seal.decode(read_bounded(seal, _MAX_SEAL, Reason.USAGE))
    assess_seal(read, validate=bodies, at=now).require()
    for certificate in read.info.certificates:
        bodies(certificate, at=now, purpose=Purpose.LICENCE)
    with SqlLedger(ledger) as book:
        SealBook(book.database).file(read, now)
    entry.put(f"{read.info.code}\t{read.info.name}\t{timestamp(read.info.created)}")
    return entry.OK


@seal_app.command(name="list")
def list_seals(*, ledger: LedgerOption, as_json: JsonOption = False) -> int:
    """列出已备案的印章及其状态 List the seals filed, and the state of each."""
    with SqlLedger(ledger, create=False) as home:
        book = SealBook(home.database)
        entries = book.entries()
        for seal in book.filed():
            last = entries[seal.info.code][-1]
            said = {
                "code": seal.info.code,
                "name": seal.info.name,
                "sm3": sm3(seal.der).hex(),
                "not_after": timestamp(seal.info.not_after),
                "state": last.state.name.lower(),
                "since": timestamp(last.since),
            }
            entry.put(json.dumps(said, ensure_ascii=False) if as_json else "\t".join(said.values()))
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
    with SqlLedger(ledger) as book:
        token = WindowBook(book.database).add(name, operator=operator, at=entry.now().replace(microsecond=0))
    entry.put(json.dumps({"window": name, "token": token}, ensure_ascii=False) if as_json else token)
    return entry.OK


@windows_app.command(name="list")
def list_windows(
    *,
    ledger: Annotated[
        list[str],
        typer.Option(envvar="ECERT_LEDGER", help="台账，可重复；窗口登记在第一个 Ledgers; windows are in the first"),
    ],
    as_json: JsonOption = False,
) -> int:
    """各地区状态传到了多少窗口 How far the newest status of each ledger's region has come."""
    with SqlLedger(ledger[0], create=False) as home:
        book = WindowBook(home.database)
        for path in ledger:
            with SqlLedger(path, create=False) as one:
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
