"""Options that several commands of `python -m api` share, and what they stand for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.licences.foreign import read_foreign
from ecert.cli.published import load_published
from ecert.cli.source import load_source
from ecert.errors import EcertError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from keys.passphrase import PassphraseSource
from keys.signer import load_signer
from keys.vaults import load_vault

if TYPE_CHECKING:
    from ecert.ports import Parent
    from ecert.sm2 import Signer, Vault
    from ecert.trust import Registry

LedgerOption = Annotated[
    str,
    typer.Option(
        envvar="ECERT_LEDGER",
        help="台账：文件(没有则新建)，或 postgresql:// 地址 Ledger: a file, made where there is none, or a database",
    ),
]
BundleOption = Annotated[
    Path, typer.Option(envvar="ECERT_BUNDLE", help="发布目录 Published folder: trust registry and status")
]
SignerOption = Annotated[
    str, typer.Option(envvar="ECERT_SIGNER", help="签名密钥 Signing key, file:PATH or agent:SOCKET#NAME")
]
VaultOption = Annotated[
    str | None,
    typer.Option(
        "--vault",
        envvar="ECERT_VAULT",
        help="台账的加密密钥，默认用台账文件旁的 The ledger's key, agent:SOCKET#NAME; else that in the file beside it",
    ),
]
PassphraseOption = Annotated[
    Path | None, typer.Option("--passphrase-file", help="口令文件 File with the key's passphrase")
]
JsonOption = Annotated[bool, typer.Option("--json", help="每行输出一个 JSON Print one JSON object a line")]
LicenceArgument = Annotated[str, typer.Argument(help="证照标识、记录文件或二维码 Identifier, record, code or picture")]


def open_signer(uri: str, passphrase_file: Path | None) -> Signer:
    """Open the signing key.

    Raises:
        CustodyError: it cannot be used.
    """
    source = _passphrase(passphrase_file)
    return load_signer(uri, passphrase=lambda: source.ask(uri))


def open_vault(uri: str | None, passphrase_file: Path | None) -> Vault | None:
    """Open the key that a ledger is encrypted with; None where none is named: that in the file beside the ledger.

    Raises:
        EcertError: it cannot be used.
    """
    source = _passphrase(passphrase_file)
    return None if uri is None else load_vault(uri, passphrase=lambda: source.ask(uri))


def _passphrase(file: Path | None) -> PassphraseSource:
    return PassphraseSource(environ=os.environ, variable="ECERT_PASSPHRASE", option="--passphrase-file", file=file)


def identify(licence: str, bundle: Path | None) -> Identifier:
    """Return the identifier of a licence named by its text, its code or its file.

    Raises:
        EcertError: it is none, or not sealed by a key in the registry of `bundle`.
    """
    if licence.startswith("1.2."):
        return parse_identifier(licence)
    if bundle is None:
        raise EcertError(Reason.USAGE, "name the licence by its identifier, or give --bundle to read its file by")
    return read_licence(licence, load_published(bundle)).identifier


def read_licence(source: str, registry: Registry) -> Parent:
    """Read a licence's record, code or picture, sealed by a registered key; whether it is in force is not asked.

    Raises:
        EcertError: it is none, or not sealed by a registered key that was in standing.
    """
    return read_foreign(load_source(source), registry)
