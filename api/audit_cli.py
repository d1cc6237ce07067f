"""`python -m api audit`: the log of what was done, shown and verified."""

import json
from typing import Annotated, Any

import typer

from api.audit import AuditBook
from api.ledger import SqlLedger
from api.options import BundleOption, JsonOption
from ecert.audit import AuditEntry
from ecert.cli import entry
from ecert.cli.published import load_published
from ecert.report import timestamp

audit_app = typer.Typer(help="审计日志 The audit log.", no_args_is_help=True, rich_markup_mode=None)

ExistingLedger = Annotated[str, typer.Option(envvar="ECERT_LEDGER", help="台账文件或数据库 Ledger: file or database")]


@audit_app.command()
def verify(*, ledger: ExistingLedger, bundle: BundleOption, as_json: JsonOption = False) -> int:
    """核验全部日志：逐条相链，且与每个签名的日志头相符 Verify the whole log: chained, and as it was signed for."""
    with SqlLedger(ledger, create=False) as book:
        found = AuditBook(book.database).verify(load_published(bundle))
    said = {"entries": found.entries, "signed": found.signed, "sm3": found.digest.hex()}
    entry.put(json.dumps(said) if as_json else "\t".join(map(str, said.values())))
    if found.signed < found.entries:
        entry.say(f"! 最后 {found.entries - found.signed} 条尚未签名，发布状态时签名 The last ones are not signed yet")
    return entry.OK


@audit_app.command()
def show(
    *,
    ledger: ExistingLedger,
    after: Annotated[int, typer.Option(min=0, help="只列此序号之后的 Only entries numbered higher")] = 0,
    as_json: JsonOption = False,
) -> int:
    """列出日志 Show the log."""
    with SqlLedger(ledger, create=False) as book:
        for data in AuditBook(book.database).entries(after=after):
            told = _told(AuditEntry.decode(data))
            entry.put(json.dumps(told, ensure_ascii=False) if as_json else "\t".join(map(str, told.values())))
    return entry.OK


def _told(one: AuditEntry) -> dict[str, Any]:
    return {
        "number": one.number,
        "at": timestamp(one.at),
        "who": one.who,
        "action": one.action,
        "object": one.object,
        "outcome": one.outcome,
        "details": dict(one.details),
    }
