"""`python -m keys vault`: the key of data at rest, while no agent is looking: it reads the file when it starts."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keys.options import PassphraseFile, passphrase_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.vault_file import VaultKeys

app = typer.Typer(help="存储加密密钥 / The key of data at rest.", no_args_is_help=True, rich_markup_mode=None)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="密钥文件 / the vault file")]


@app.command(help="建立 / Make one: new, or from the key beside a ledger's file.")
def new(
    file: FileArgument,
    *,
    local: Annotated[
        Path | None, typer.Option(metavar="LEDGER.db.key", help="接管台账旁的密钥 / take over the key beside a ledger")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a vault file."""
    from keys.passphrase import require_strong  # noqa: PLC0415  (`--help` answers without loading these)
    from keys.vault_file import local_keys, new_keys, write_vault_file  # noqa: PLC0415

    keys = new_keys() if local is None else local_keys(local)
    passphrase = require_strong(passphrase_source(passphrase_file).ask(file.name, new=True))
    write_vault_file(file, keys, passphrase, replacing=False)
    _tell(file, keys)


@app.command(help="轮换：加一个新版本；重启代理后 python -m api vault rotate / Add a version and use it from now on.")
def rotate(file: FileArgument, passphrase_file: PassphraseFile = None) -> None:
    """Rotate."""
    _change(file, passphrase_file, lambda keys: keys.rotated())


@app.command(help="弃用一个旧版本，其下的数据从此打不开 / Forget a version: what is under it is lost.")
def retire(
    file: FileArgument,
    *,
    version: Annotated[int, typer.Option(min=1, help="版本 / the version")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Retire a version."""
    _change(file, passphrase_file, lambda keys: keys.retired(version))


def _change(file: Path, passphrase_file: Path | None, change: "Callable[[VaultKeys], VaultKeys]") -> None:
    from keys.vault_file import open_vault_file, write_vault_file  # noqa: PLC0415  (as above)

    ask = partial(passphrase_source(passphrase_file).ask, file.name)
    passphrase = ask()
    keys = change(open_vault_file(file, lambda: passphrase))
    write_vault_file(file, keys, passphrase, replacing=True)
    _tell(file, keys)


def _tell(file: Path, keys: "VaultKeys") -> None:
    typer.echo(f"{file}\t{keys.current}\t{','.join(map(str, sorted(keys.versions)))}")
