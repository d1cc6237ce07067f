"""`python -m api vault`: the key that a ledger is encrypted with, rotated."""

import json
from typing import Annotated

import typer

from api.ledger import SqlLedger
from api.options import JsonOption, PassphraseOption, open_vault
from api.vault_rotation import rotate as encrypt_anew
from api.vault_rotation import versions
from ecert.cli import entry

vault_app = typer.Typer(help="台账的加密密钥 The ledger's key.", no_args_is_help=True, rich_markup_mode=None)

ExistingLedger = Annotated[str, typer.Option(envvar="ECERT_LEDGER", help="台账文件或数据库 Ledger: file or database")]
NeededVault = Annotated[
    str, typer.Option("--vault", envvar="ECERT_VAULT", help="台账的加密密钥 The ledger's key, agent:SOCKET#NAME")
]


@vault_app.command()
def rotate(*, ledger: ExistingLedger, vault: NeededVault, passphrase_file: PassphraseOption = None) -> int:
    """轮换之后，用新版本重新加密；可中断、可重复 After a rotation, encrypt anew; may be interrupted and repeated."""
    key = open_vault(vault, passphrase_file)
    with SqlLedger(ledger, create=False, vault=key) as book:
        bad = encrypt_anew(book.database, book.at_rest.vault, entry.now, lambda done: entry.say(f"{done} …"))
        counts = versions(book.database)
    _tell(counts)
    for one in bad:
        entry.say(f"! {one}: 打不开，未改动 cannot be opened, and was left")
    return entry.REFUSED if bad else entry.OK


@vault_app.command()
def show(*, ledger: ExistingLedger, as_json: JsonOption = False) -> int:
    """列出各密钥版本下有多少数据：没有数据的旧版本才可弃用 How much is under each key version."""
    with SqlLedger(ledger, create=False) as book:
        counts = versions(book.database)
    if as_json:
        entry.put(json.dumps(counts))
    else:
        _tell(counts)
    return entry.OK


def _tell(counts: dict[int, int]) -> None:
    for version, count in sorted(counts.items()):
        entry.put(f"{version}\t{count}")
