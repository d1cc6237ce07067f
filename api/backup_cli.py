"""`python -m api backup`, a ledger's file copied while the service runs, and `restored`, once one was put back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.backup import back_up, back_up_key, key_beside
from api.chain import ChainBook
from api.database import is_url
from api.folder import StatusFolder
from api.ledger import SqlLedger
from api.options import BundleOption, JsonOption, LedgerOption
from api.restoring import Loss, find_loss, take_up
from ecert.cli import entry
from ecert.cli.published import load_published
from ecert.errors import EcertError, Reason


def backup(
    *,
    ledger: Annotated[str, typer.Option(envvar="ECERT_LEDGER", help="台账文件 Ledger's file")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="备份文件，不覆盖 The backup; nothing is overwritten")],
    key_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="台账旁密钥的备份，须在另一目录 Copy of the key beside it, in another folder"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """备份台账文件，服务不停 Copy a ledger's file while others write to it; says what the copy holds."""
    if is_url(ledger):
        raise EcertError(
            Reason.USAGE, "a database is backed up by its own means: pg_dump --format=custom, or WAL archives"
        )
    if key_out is not None and key_out.parent.resolve() == out.parent.resolve():
        raise EcertError(Reason.USAGE, "a key beside its backup protects nothing: name another folder by --key-out")
    source = Path(ledger)
    holding = asdict(back_up(source, out))
    if key_out is not None:
        back_up_key(source, key_out)
    elif key_beside(source).exists():
        entry.say(f"! 密钥不在备份里，请另存另处(--key-out)：{key_beside(source)}")
        entry.say("  The key is not in the backup, and nothing opens without it: keep a copy elsewhere")
    told = {"backup": str(out)} | holding
    entry.put(json.dumps(told) if as_json else "\t".join(map(str, told.values())))
    return entry.OK


def restored(*, ledger: LedgerOption, bundle: BundleOption, as_json: JsonOption = False) -> int:
    """恢复备份后、启动服务前：缺了什么，从哪里继续 After a restore, before anything is started: what is missing.

    退出码 Exit code 0 什么也不缺 nothing is missing, 1 缺 something is.
    """
    registry, now = load_published(bundle), entry.now()
    with SqlLedger(ledger, create=False) as book:
        region = ChainBook(book.database).region
        if region is None:
            raise EcertError(Reason.USAGE, f"{ledger} has never published anything: there is nothing to go on from")
        folder = StatusFolder(bundle, region)
        loss = find_loss(book, folder, registry, now)
        take_up(book, folder, registry, now=now)
    told = asdict(loss)
    entry.put(
        json.dumps(told)
        if as_json
        else "\t".join(str(len(one) if isinstance(one, tuple) else one) for one in told.values())
    )
    _say(loss)
    return entry.REFUSED if loss else entry.OK


def _say(loss: Loss) -> None:
    if loss.licences:
        entry.say(f"! 备份之后签发的至少 {loss.licences} 张证照不在台账里；它们仍可核验，但不能再作决定")
        entry.say(
            f"  At least {loss.licences} licences issued since are not in it: they verify, and cannot be decided about"
        )
    for one in loss.undecided:
        entry.say(f"! {one} 有已公布的决定不在台账里：按文书以原生效时间(--since)重新录入，在此之前不能发布")
        entry.say("  A decision about it was published and is not here: enter it again, as of then (--since)")
    if loss.unknown:
        entry.say(f"! {loss.unknown} 张不在台账里的证照带有已公布的决定，保持不变")
        entry.say(f"  {loss.unknown} licences that are not in it bear a published decision, which stays")
