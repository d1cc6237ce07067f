"""`python -m api`: a department issues licences, decides about them, and its region publishes their status."""

from __future__ import annotations

import json
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.applications import read_applications
from api.ledger import SqliteLedger
from api.publishing import publish as publish_status
from ecert import envelope
from ecert.cli import entry
from ecert.cli.bundle import STATUS, load_bundle
from ecert.cli.files import write_atomic
from ecert.cli.pixels import draw_png, draw_terminal
from ecert.cli.report import timestamp
from ecert.cli.source import load_source
from ecert.errors import CustodyError, EcertError, MalformedError, NotFoundError, Reason
from ecert.issuance import SealedLicence
from ecert.issuance import issue as issue_licence
from ecert.licence.face import decode_face
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.record import MAX_RECORD, decode_record
from ecert.licence.types import find_type
from ecert.ports import Decision
from ecert.qr import decode_text
from ecert.revocation import State, load_snapshot
from ecert.revocation.status import MAX_REASON
from ecert.trust import Registry, Role
from keys.passphrase import PassphraseSource
from keys.signer import load_signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecert.licence.application import Application
    from ecert.sm2 import Signer
    from ecert.trust import RegisteredKey

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="电子证照签发 Issue electronic licences.", rich_markup_mode=None
)

LedgerOption = Annotated[
    Path, typer.Option(envvar="ECERT_LEDGER", help="台账文件，没有则新建 Ledger file, made where there is none")
]
BundleOption = Annotated[
    Path, typer.Option(envvar="ECERT_BUNDLE", help="信任名录所在目录 Folder with anchor and trust registry")
]
SignerOption = Annotated[str, typer.Option(envvar="ECERT_SIGNER", help="签名密钥 Signing key, file:PATH")]
PassphraseOption = Annotated[
    Path | None, typer.Option("--passphrase-file", help="口令文件 File with the key's passphrase")
]
JsonOption = Annotated[bool, typer.Option("--json", help="每行输出一个 JSON Print one JSON object a line")]

PortalOption = Annotated[
    str, typer.Option(envvar="ECERT_PORTAL_HOST", help="二维码链接的主机名 Host in the code's link")
]
DEFAULT_PORTAL: Final = "ZZ.EXAMPLE"

_DECIDABLE: Final = {state.name.lower(): state for state in State if state is not State.INACTIVE}


@app.callback()
def _start() -> None:
    entry.start()


def _signer(uri: str, passphrase_file: Path | None) -> Signer:
    source = PassphraseSource(
        environ=os.environ, variable="ECERT_PASSPHRASE", option="--passphrase-file", file=passphrase_file
    )
    return load_signer(uri, passphrase=lambda: source.ask(uri))


def _issuer(registry: Registry, signer: Signer) -> RegisteredKey:
    key = registry.find(signer.public_key.key_id)
    if key is None or key.member.role is not Role.ISSUER:
        raise CustodyError(Reason.KEY_MISMATCH, "the signing key is not an issuer's key in the trust registry")
    registry.standing(key, entry.now())
    return key


@app.command()
def issue(
    file: Annotated[Path, typer.Argument(help="申请数据 Applications, .json or .csv")],
    *,
    signer: SignerOption,
    ledger: LedgerOption,
    bundle: BundleOption,
    out: Annotated[Path, typer.Option(help="输出目录 Folder for the licences")],
    type_name: Annotated[str | None, typer.Option("--type", help="CSV 的证照类型 Type of a CSV's rows")] = None,
    portal_host: PortalOption = DEFAULT_PORTAL,
    passphrase_file: PassphraseOption = None,
    show: Annotated[bool, typer.Option("--show", help="在终端显示二维码 Show the codes in the terminal")] = False,
    as_json: JsonOption = False,
) -> int:
    """签发证照 Issue licences: all applications of a file are checked first, then each is issued."""
    applications = read_applications(file, type_name)
    registry = load_bundle(bundle).registry
    key = _signer(signer, passphrase_file)
    issuer = _issuer(registry, key)
    out.mkdir(parents=True, exist_ok=True)
    with SqliteLedger(ledger) as book:
        for application in _progress(applications):
            definition = find_type(application.type_code)
            licence = issue_licence(
                application, definition, issuer, signer=key, ledger=book, now=entry.now, entropy=secrets.token_bytes
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
def revoke(
    licence: Annotated[str, typer.Argument(help="证照标识、记录文件或二维码 Identifier, record, code or picture")],
    *,
    reason: Annotated[str, typer.Option(help="事由，不含个人信息 Reason, without personal data")],
    ledger: LedgerOption,
    bundle: BundleOption,
    state: Annotated[str, typer.Option(help=f"决定 Decision: {', '.join(_DECIDABLE)}")] = "revoked",
    since: Annotated[str | None, typer.Option(help="生效时间 When it takes effect (RFC 3339), default now")] = None,
    as_json: JsonOption = False,
) -> int:
    """吊销、注销、撤销、暂扣或恢复证照 Revoke, cancel, withdraw, suspend or reinstate a licence.

    窗口在下一次发布状态名录后得知 Windows learn of it with the next status list published.
    """
    if state not in _DECIDABLE:
        raise EcertError(Reason.USAGE, f"{state!r} is not a state: choose one of {', '.join(_DECIDABLE)}")
    if not 0 < len(reason) <= MAX_REASON or not reason.isprintable():
        raise EcertError(Reason.USAGE, f"the reason is 1 to {MAX_REASON} printable characters")
    now = entry.now().replace(microsecond=0)
    effective = entry.parse_time(since) if since else now
    identifier = _identify(licence, bundle)
    with SqliteLedger(ledger) as book:
        book.decide(Decision(identifier, _DECIDABLE[state].value, effective, reason, now))
    if as_json:
        entry.put(json.dumps({"identifier": identifier.text, "state": state, "since": timestamp(effective)}))
    else:
        entry.put(f"{identifier.text}\t{state}\t{timestamp(effective)}")
    entry.say("已记入台账；发布状态名录(python -m api publish)后窗口可见。Recorded; windows see it once published.")
    return entry.OK


def _identify(licence: str, bundle: Path) -> Identifier:
    """Return the identifier of a licence named by its text, its code or its file."""
    if licence.startswith("1.2."):
        return parse_identifier(licence)
    source = load_source(licence)
    signed = envelope.decode(decode_text(source) if isinstance(source, str) else source, limit=MAX_RECORD)
    key = load_bundle(bundle).registry.find(signed.key_id)
    if key is None:
        raise NotFoundError(Reason.ISSUER_UNKNOWN, "the licence was sealed by a key that is not in the registry")
    signed.verify(key.public_key)
    if signed.kind is envelope.Kind.RECORD:
        return decode_record(signed.payload).identifier
    if signed.kind is envelope.Kind.FACE:
        return decode_face(signed.payload, key.member.code).identifier
    raise MalformedError(Reason.RECORD_MALFORMED, "this is another signed object, not a licence")


@app.command()
def publish(
    signer: SignerOption,
    ledger: LedgerOption,
    bundle: BundleOption,
    days: Annotated[int, typer.Option(min=1, max=31, help="可依赖的天数 Days it may be relied on")] = 7,
    passphrase_file: PassphraseOption = None,
) -> int:
    """发布本地区的状态名录到目录 Sign the region's status list and put it into the bundle folder."""
    held = load_bundle(bundle)
    key = _signer(signer, passphrase_file)
    member = held.registry.find(key.public_key.key_id)
    previous = held.status.snapshot_for(member) if member else None
    with SqliteLedger(ledger) as book:
        data = publish_status(
            book,
            held.registry,
            key,
            previous=previous,
            at=entry.now().replace(microsecond=0),
            lifetime=timedelta(days=days),
        )
    snapshot = load_snapshot(data, held.registry)
    path = bundle / STATUS.format(region=snapshot.region)
    write_atomic(path, data)
    entry.put(f"{path}\tsequence {snapshot.sequence}\tfresh until {timestamp(snapshot.fresh_until)}")
    return entry.OK


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
