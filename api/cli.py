"""`python -m api`: a department issues licences, decides about them, and its region publishes their status."""

import json
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from api.applications import read_applications
from api.issued import IssuedBook
from api.ledger import SqliteLedger
from api.options import (
    BundleOption,
    JsonOption,
    LedgerOption,
    LicenceArgument,
    PassphraseOption,
    SignerOption,
    identify,
    open_signer,
    read_licence,
)
from api.register_cli import seal_app, windows_app
from api.serve_cli import serve
from api.status_cli import answer, publish, revoke, tasks_app
from ecert.cli import entry
from ecert.cli.files import write_atomic
from ecert.cli.pixels import draw_png, draw_terminal
from ecert.cli.published import load_published
from ecert.errors import CustodyError, NotFoundError, Reason
from ecert.issuance import SealedLicence
from ecert.issuance import issue as issue_licence
from ecert.licence.application import Application
from ecert.licence.identifier import parse_identifier
from ecert.licence.types import find_type
from ecert.report import timestamp
from ecert.sm2 import Signer
from ecert.trust import RegisteredKey, Registry, Role

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="电子证照签发 Issue electronic licences.", rich_markup_mode=None
)

PortalOption = Annotated[
    str, typer.Option(envvar="ECERT_PORTAL_HOST", help="二维码链接的主机名 Host in the code's link")
]
DEFAULT_PORTAL: Final = "ZZ.EXAMPLE"

for command in (revoke, publish, answer, serve):
    app.command()(command)
app.add_typer(tasks_app, name="tasks")
app.add_typer(seal_app, name="seal")
app.add_typer(windows_app, name="windows")


@app.callback()
def _start() -> None:
    entry.start()


def _issuer(registry: Registry, signer: Signer) -> RegisteredKey:
    key = registry.find(signer.public_key.key_id)
    if key is None or key.member.role is not Role.ISSUER:
        raise CustodyError(Reason.KEY_MISMATCH, "the signing key is not an issuer's key in the trust registry")
    registry.standing(key, entry.now())
    return key


@app.command()
def issue(
    file: Annotated[Path, typer.Argument(help="申请数据 Applications: .json, .csv, .xlsx or .ndjson")],
    *,
    signer: SignerOption,
    ledger: LedgerOption,
    bundle: BundleOption,
    out: Annotated[Path, typer.Option(help="输出目录 Folder for the licences")],
    parent: Annotated[
        list[str] | None,
        typer.Option(help="所依赖的外地证照文件，可重复 A licence of another ledger that these depend on; repeat"),
    ] = None,
    type_name: Annotated[str | None, typer.Option("--type", help="表格的证照类型 Type of a table's rows")] = None,
    portal_host: PortalOption = DEFAULT_PORTAL,
    passphrase_file: PassphraseOption = None,
    show: Annotated[bool, typer.Option("--show", help="在终端显示二维码 Show the codes in the terminal")] = False,
    as_json: JsonOption = False,
) -> int:
    """签发证照 Issue licences: all applications of a file are checked first, then each is issued."""
    applications = read_applications(file, type_name)
    registry = load_published(bundle)
    key = open_signer(signer, passphrase_file)
    issuer = _issuer(registry, key)
    foreign = {one.identifier: one for one in (read_licence(source, registry) for source in parent or ())}
    out.mkdir(parents=True, exist_ok=True)
    with SqliteLedger(ledger) as book:
        for application in _progress(applications):
            definition = find_type(application.type_code)
            licence = issue_licence(
                application,
                definition,
                issuer,
                signer=key,
                ledger=book,
                now=entry.now,
                entropy=secrets.token_bytes,
                foreign=foreign,
            )
            text = _put_out(licence, out, portal_host, as_json=as_json)
            if show:
                entry.say(draw_terminal(text))
    return entry.OK


def _put_out(licence: SealedLicence, out: Path, portal_host: str, *, as_json: bool) -> str:
    """Write a licence's record, text and picture, and say where; return the text."""
    definition = find_type(licence.identifier.type_code)
    path = out / f"{definition.slug}-{licence.identifier.serial}.bin"
    text = licence.text(portal_host)
    write_atomic(path, licence.record, mode=0o600)
    write_atomic(path.with_suffix(".txt"), f"{text}\n".encode("ascii"))
    write_atomic(path.with_suffix(".png"), draw_png(text))
    _tell(licence, definition.name, path, as_json=as_json)
    return text


def _tell(licence: SealedLicence, type_name: str, path: Path, *, as_json: bool) -> None:
    if as_json:
        entry.put(json.dumps({"identifier": licence.identifier.text, "record": str(path)}, ensure_ascii=False))
    else:
        entry.put(f"{licence.identifier.text}\t{type_name}\t{path}")


def _progress(applications: list[Application]) -> Iterable[Application]:
    """Show a bar for many, on a terminal."""
    if len(applications) < 10 or not sys.stderr.isatty():  # noqa: PLR2004  (fewer are done before a bar is read)
        return applications
    return _bar(applications)


def _bar(applications: list[Application]) -> Iterator[Application]:
    from rich.console import Console  # noqa: PLC0415  (slow to load, and only needed here)
    from rich.progress import track  # noqa: PLC0415

    yield from track(applications, "签发 issuing", console=Console(stderr=True))


@app.command()
def export(
    licence: Annotated[str, typer.Argument(help="证照标识 Identifier")],
    *,
    ledger: LedgerOption,
    out: Annotated[Path, typer.Option(help="输出目录 Folder for the licence")],
    portal_host: PortalOption = DEFAULT_PORTAL,
    as_json: JsonOption = False,
) -> int:
    """从台账重新取出已签发的证照文件 Write an issued licence's files again, from the ledger."""
    identifier = parse_identifier(licence)
    with SqliteLedger(ledger) as book:
        known = book.find(identifier)
    if known.record is None or known.face is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "the licence was intended, but never issued")
    out.mkdir(parents=True, exist_ok=True)
    found = SealedLicence(identifier, known.record, known.face)
    _put_out(found, out, portal_host, as_json=as_json)
    return entry.OK


@app.command()
def pending(*, ledger: LedgerOption) -> int:
    """列出没有完成的签发意图(无害) List intents that never became a licence: harmless, and worth a look."""
    with SqliteLedger(ledger) as book:
        for intent in book.open_intents():
            entry.put(f"{intent.identifier.text}\t{timestamp(intent.at)}")
    return entry.OK


@app.command()
def evidence(
    licence: LicenceArgument,
    *,
    ledger: LedgerOption,
    out: Annotated[Path, typer.Option(help="证据文件 File for the evidence")],
    bundle: Annotated[
        Path | None, typer.Option(envvar="ECERT_BUNDLE", help="发布目录 Published folder, to read a licence's file by")
    ] = None,
) -> int:
    """取出签发证据：该证照已在本地区的签发总集中 Put out the evidence that a licence was issued, and by when."""
    identifier = identify(licence, bundle)
    with SqliteLedger(ledger, create=False) as book:
        proof = IssuedBook(book.database).prove_licence(identifier)
    write_atomic(out, proof)
    entry.put(f"{identifier.text}\t{out}")
    return entry.OK
