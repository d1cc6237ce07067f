"""`python -m keys registry`: the signed trust registry, from a ceremony directory."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ecert.cli import entry
from ecert.cli.bundle import ANCHOR, REGISTRY
from ecert.cli.files import read_bounded, write_atomic
from ecert.cli.report import timestamp
from ecert.errors import NotFoundError, Reason
from ecert.trust import Registry, load_registry
from ecert.trust.registry import MAX_REGISTRY
from ecert.x509 import Certificate
from keys.names import NATIONAL_ROOT
from keys.options import DEFAULT_HOME, Home, PassphraseFile, existing_ceremony, passphrase_source
from keys.registry import build_registry
from keys.signer import open_key_file

app = typer.Typer(help="信任名录 / The trust registry.", no_args_is_help=True, rich_markup_mode=None)


@app.command(help="签发信任名录 / Sign the registry of everybody in the directory, with the national root's key.")
def sign(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="发布目录 / folder it is published in")],
    days: Annotated[int, typer.Option(min=1, max=31, help="可依赖的天数 / days it may be relied on")] = 7,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign the registry, and put the root's certificate beside it."""
    ceremony = existing_ceremony(home)
    root = ceremony.entry(NATIONAL_ROOT).certificate
    source = passphrase_source(passphrase_file)
    signer = open_key_file(home / NATIONAL_ROOT.key, partial(source.ask, str(NATIONAL_ROOT)))
    data = build_registry(
        ceremony.entries(),
        signer,
        previous=_previous(out, root),
        at=entry.now().replace(microsecond=0),
        lifetime=timedelta(days=days),
    )
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / ANCHOR, root.to_pem())
    write_atomic(out / REGISTRY, data)
    registry = load_registry(data, root)
    typer.echo(f"{out / REGISTRY}\tversion {registry.version}\tfresh until {timestamp(registry.fresh_until)}")


def _previous(out: Path, root: Certificate) -> Registry | None:
    try:
        return load_registry(read_bounded(out / REGISTRY, MAX_REGISTRY, Reason.REGISTRY_MISSING), root)
    except NotFoundError:
        return None
