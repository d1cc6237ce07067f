"""`python -m api backup`: a ledger's file, copied while the service runs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.backup import back_up, back_up_key, key_beside
from api.database import is_url
from api.options import JsonOption
from ecert.cli import entry
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
