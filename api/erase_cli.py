"""`python -m api erase`: licences whose time has come."""

import json
from typing import Annotated

import typer

from api.ledger import SqlLedger
from api.lifecycle.erasing import erase as erase_licences
from api.lifecycle.erasing import find_due, forget_requests
from api.options import JsonOption
from ecert.cli import entry


def erase(
    *,
    ledger: Annotated[str, typer.Option(envvar="ECERT_LEDGER", help="台账文件或数据库 Ledger: file or database")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只列出到期的，不删除 Say what is due, and erase nothing")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """删除到期证照的个人信息，不可恢复 Erase the personal data of licences kept as long as their type says, for good.

    记录和文件从此不能解密；台账、状态和审计日志照旧。四百天前的授权请求一并删除。
    Records and files never open again; ledger, status and log stay. Requests to holders go after 400 days.
    """
    with SqlLedger(ledger, create=False) as book:
        now = entry.now()
        for due in find_due(book.database, now):
            if not dry_run:
                erase_licences(book.database, due, now)
            said = {"type": due.type_code, "days": due.days, "licences": len(due.identifiers)}
            entry.put(json.dumps(said) if as_json else "\t".join(map(str, said.values())))
        if not dry_run:
            forget_requests(book.database, now)
    return entry.OK
