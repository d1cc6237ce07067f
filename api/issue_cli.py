"""Commands that make licences and their files: `issue`, `export`, `copy`."""

import json
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from api.applications import read_applications
from api.audit import AuditBook
from api.departments import registered, time_stamper
from api.ledger import SqlLedger
from api.options import (
    BundleOption,
    JsonOption,
    LedgerOption,
    PassphraseOption,
    SignerOption,
    VaultOption,
    open_signer,
    open_vault,
    read_licence,
)
from api.seals import SealBook
from ecert.cli import entry
from ecert.cli.files import read_bounded, write_atomic
from ecert.cli.fonts import load_fonts
from ecert.cli.pixels import draw_png, draw_terminal, qr_modules
from ecert.cli.published import load_published, load_published_holdings
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.issuance import SealedLicence, require_page
from ecert.issuance import issue as issue_licence
from ecert.licence.application import Application
from ecert.licence.codes import parse_date
from ecert.licence.identifier import parse_identifier
from ecert.licence.types import find_type
from ecert.licence_file import FileMaker
from ecert.ofd.archive import write_package
from ecert.ofd.copies import CopyNote, make_copy
from ecert.ofd.package import MAX_FILE, Package
from ecert.ofd.sealing import Sealer
from ecert.seal import Seal
from ecert.trust import RegisteredKey, Role
from ecert.verification.files import FileKind, Question, assess_file

PortalOption = Annotated[
    str, typer.Option(envvar="ECERT_PORTAL_HOST", help="二维码链接的主机名 Host in the code's link")
]
FontsOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="字体目录，默认用系统的 Noto CJK Folder with Noto CJK fonts")
]
DEFAULT_PORTAL: Final = "ZZ.EXAMPLE"
_MAX_SEAL: Final = 2 * 1024 * 1024


def _usable_seal(path: Path, ledger: str) -> Seal:
    """Read a seal that, by the register of the ledger, may be used now.

    Raises:
        RejectedError: it is suspended or cancelled.
    """
    seal = Seal.decode(read_bounded(path, _MAX_SEAL, Reason.USAGE))
    with SqlLedger(ledger) as book:
        filed = SealBook(book.database).may_be_used(seal.info.code, entry.now())
    if not filed:
        entry.say(f"! 印章 {seal.info.code} 未在本台账备案，窗口将无法判断")
        entry.say(f"  The seal {seal.info.code} is not filed here: windows cannot tell its state")
    return seal


def issue(
    file: Annotated[Path, typer.Argument(help="申请数据 Applications: .json, .csv, .xlsx or .ndjson")],
    *,
    signer: SignerOption,
    ledger: LedgerOption,
    vault: VaultOption = None,
    bundle: BundleOption,
    out: Annotated[Path, typer.Option(help="输出目录 Folder for the licences")],
    parent: Annotated[
        list[str] | None,
        typer.Option(help="所依赖的外地证照文件，可重复 A licence of another ledger that these depend on; repeat"),
    ] = None,
    type_name: Annotated[str | None, typer.Option("--type", help="表格的证照类型 Type of a table's rows")] = None,
    seal: Annotated[
        Path | None, typer.Option(metavar="FILE.esl", help="电子印章：同时制作 OFD 文件 The seal: makes OFD files too")
    ] = None,
    tsa: Annotated[str | None, typer.Option(metavar="URI", help="时间戳密钥 Key of a time-stamping authority")] = None,
    fonts: FontsOption = None,
    portal_host: PortalOption = DEFAULT_PORTAL,
    passphrase_file: PassphraseOption = None,
    show: Annotated[bool, typer.Option("--show", help="在终端显示二维码 Show the codes in the terminal")] = False,
    as_json: JsonOption = False,
) -> int:
    """签发证照 Issue licences: all applications of a file are checked first, then each is issued."""
    applications = read_applications(file, type_name)
    registry = load_published(bundle)
    key = open_signer(signer, passphrase_file)
    issuer = registered(registry, key, Role.ISSUER, entry.now())
    files = None
    if seal is not None:
        stamp = None if tsa is None else time_stamper(registry, open_signer(tsa, passphrase_file), entry.now)
        files = FileMaker(
            seal=_usable_seal(seal, ledger),
            sealer=Sealer(key, issuer.certificate, stamp),
            fonts=load_fonts(fonts),
            draw_code=qr_modules,
            portal_host=portal_host,
        )
    foreign = {one.identifier: one for one in (read_licence(source, registry) for source in parent or ())}
    _require_pages(applications, issuer, files)
    out.mkdir(parents=True, exist_ok=True)
    data_key = open_vault(vault, passphrase_file)
    with SqlLedger(ledger, actor=f"key:{key.public_key.key_id.hex()}", vault=data_key) as book:
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
                files=files,
            )
            text = _put_out(licence, out, portal_host, as_json=as_json)
            if show:
                entry.say(draw_terminal(text))
    return entry.OK


def _require_pages(applications: list[Application], issuer: RegisteredKey, files: FileMaker | None) -> None:
    """Require that every licence can be set on its page.

    Raises:
        IssuanceError: one cannot; it says which.
    """
    for number, application in enumerate(applications, start=1):
        try:
            require_page(application, find_type(application.type_code), issuer, files, at=entry.now())
        except IssuanceError as error:
            detail = f"application {number} of {len(applications)}: {error.detail}; none was issued"
            raise IssuanceError(error.reason, detail, error.problems) from error


def _put_out(licence: SealedLicence, out: Path, portal_host: str, *, as_json: bool) -> str:
    """Write a licence's record, text, picture and file, and say where; return the text."""
    definition = find_type(licence.identifier.type_code)
    path = out / f"{definition.slug}-{licence.identifier.serial}.bin"
    text = licence.text(portal_host)
    write_atomic(path, licence.record, mode=0o600)
    write_atomic(path.with_suffix(".txt"), f"{text}\n".encode("ascii"))
    write_atomic(path.with_suffix(".png"), draw_png(text))
    if licence.file is not None:
        write_atomic(path.with_suffix(".ofd"), licence.file, mode=0o600)
    _tell(licence, definition.name, path, as_json=as_json)
    return text


def _tell(licence: SealedLicence, type_name: str, path: Path, *, as_json: bool) -> None:
    if as_json:
        file = None if licence.file is None else str(path.with_suffix(".ofd"))
        said = {"identifier": licence.identifier.text, "record": str(path), "file": file}
        entry.put(json.dumps(said, ensure_ascii=False))
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


def export(
    licence: Annotated[str, typer.Argument(help="证照标识 Identifier")],
    *,
    ledger: LedgerOption,
    vault: VaultOption = None,
    out: Annotated[Path, typer.Option(help="输出目录 Folder for the licence")],
    passphrase_file: PassphraseOption = None,
    portal_host: PortalOption = DEFAULT_PORTAL,
    as_json: JsonOption = False,
) -> int:
    """从台账重新取出已签发的证照文件 Write an issued licence's files again, from the ledger."""
    identifier = parse_identifier(licence)
    with SqlLedger(ledger, vault=open_vault(vault, passphrase_file)) as book:
        known, file = book.find(identifier), book.file(identifier)
        with book.database.transaction():
            AuditBook(book.database).record("licence.export", identifier.text, entry.now())
    if known.record is None or known.face is None:
        raise NotFoundError(Reason.LICENCE_NOT_FOUND, "the licence was intended, but never issued")
    out.mkdir(parents=True, exist_ok=True)
    found = SealedLicence(identifier, known.record, known.face, file)
    _put_out(found, out, portal_host, as_json=as_json)
    return entry.OK


def copy(
    file: Annotated[Path, typer.Argument(metavar="FILE.ofd", help="证照文件 The licence's file")],
    *,
    creator: Annotated[str, typer.Option("--for", help="谁要用 Who asks for it")],
    cause: Annotated[str, typer.Option(help="用途 What for")],
    until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="使用期限 The last day it may be used")],
    signer: SignerOption,
    bundle: BundleOption,
    out: Annotated[Path, typer.Option(help="加注件文件 File for the copy")],
    fonts: FontsOption = None,
    passphrase_file: PassphraseOption = None,
) -> int:
    """制作加注件：注明谁、为何、到何时，原件不变 Make an annotated copy; the licence's own seal stays good."""
    now = entry.now().replace(microsecond=0)
    held = load_published_holdings(bundle, now)
    data = read_bounded(file, MAX_FILE, Reason.USAGE)
    assess_file(data, FileKind.OFD, held, Question(at=now, now=now)).require()
    key = open_signer(signer, passphrase_file)
    issuer = registered(load_published(bundle), key, Role.ISSUER, entry.now())
    note = CopyNote(creator, cause, parse_date(until), now)
    made = make_copy(Package.read(data), note, Sealer(key, issuer.certificate), load_fonts(fonts))
    write_atomic(out, write_package(made, now), mode=0o600)
    entry.put(str(out))
    return entry.OK
