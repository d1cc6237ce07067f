"""`python -m keys`: the ceremony at the command line. Data goes to stdout, words to stderr.

Exit status: 0 done, 1 refused, 2 used wrongly.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ecert.cli.settings import refuse_unknown_variables
from ecert.errors import EcertError, Reason
from keys.agent_cli import approve, audit_app, new_key, serve
from keys.facts import RegionFacts, SealMakerFacts, department_facts
from keys.names import KeyName, Kind
from keys.options import (
    DEFAULT_HOME,
    REVOCATION_REASONS,
    AsJson,
    ChineseName,
    Code,
    EnglishName,
    Home,
    IssuerPassphraseFile,
    KeyNameArgument,
    PassphraseFile,
    Region,
    existing_ceremony,
    issuer_source,
    open_ceremony,
    parse_reason,
    parse_time,
    passphrase_source,
    print_json,
    report,
)
from keys.registry_cli import app as registry_app
from keys.seal_cli import make_seal
from keys.vault_cli import app as vault_app
from keys.wording import CRL_CHANGED, REPLACED, STATUS_KEY_NOTE, refusal

app = typer.Typer(
    help="密钥仪式：建立根与地区、签发部门与制章机构证书、轮换、吊销。\n\n"
    "The key ceremony: root, regions, departments, seal makers; rotation and revocation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


app.add_typer(registry_app, name="registry")
app.add_typer(audit_app, name="audit")
app.add_typer(vault_app, name="vault")
app.command("serve", help="签名代理：按策略代进程签名 / Hold keys for web processes, and sign what a policy allows.")(
    serve
)
app.command("new-key", help="建立批准人或审计日志的密钥 / Make an approver's key, or that of the agent's log.")(new_key)
app.command("approve", help="批准某把密钥今天多签若干 / Let a key sign more today than one person may.")(approve)
app.command("make-seal", help="制作电子印章 / Draw a department's seal and sign it with the seal maker's key.")(
    make_seal
)


@app.callback()
def main(
    engine: Annotated[
        str,
        typer.Option(
            "--engine", envvar="ECERT_ENGINE", metavar="auto|openssl|gmssl", help="SM2 密码引擎 / the SM2 engine"
        ),
    ] = "auto",
) -> None:
    """Settle what holds for every command, before any file is touched."""
    from ecert.sm2 import use_engine  # noqa: PLC0415  (`--help` answers without loading an engine)

    refuse_unknown_variables(os.environ)
    if engine != "auto":
        use_engine(engine)


@app.command("init-national", help="建立国家根 / Make the national root: key, certificate, empty revocation list.")
def init_national(*, name: ChineseName, home: Home = DEFAULT_HOME, passphrase_file: PassphraseFile = None) -> None:
    """Make the national root."""
    source = passphrase_source(passphrase_file)
    done = open_ceremony(home).init_national(name=name, passphrase=partial(source.ask, "national-root", new=True))
    report(home, done)


@app.command("init-region", help="建立地区 / Make a region's authority and the key that signs its status lists.")
def init_region(
    *,
    region: Region,
    name: ChineseName,
    name_en: EnglishName,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
    status_passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--status-passphrase-file", metavar="FILE", help="状态签发密钥的口令文件 / file with the status key's own"
        ),
    ] = None,
    issuer_passphrase_file: IssuerPassphraseFile = None,
) -> None:
    """Make a region."""
    source = passphrase_source(passphrase_file)
    own = status_passphrase_file is not None
    status = passphrase_source(status_passphrase_file, "--status-passphrase-file") if own else source
    done = open_ceremony(home).init_region(
        RegionFacts(region=region, name=name, name_en=name_en),
        passphrase=partial(source.ask, f"region-{region}", new=True),
        status_passphrase=partial(status.ask, f"status-{region}", new=True),
        issuer_passphrase=partial(issuer_source(issuer_passphrase_file, source).ask, "national-root"),
    )
    report(home, done)
    if source.given and not own:
        typer.echo(STATUS_KEY_NOTE, err=True)


@app.command("issue-department", help="签发部门证书 / Make a department's key, certified by its region.")
def issue_department(
    *,
    region: Region,
    code: Code,
    name: ChineseName,
    name_en: EnglishName,
    types: Annotated[
        list[str],
        typer.Option("--type", metavar="CODE", help="可签发的证照类型代码，可重复 / licence type; repeat"),
    ],
    areas: Annotated[
        list[str] | None,
        typer.Option("--area", metavar="440100", help="可签发的地区，默认全区 / area; repeat; default: all"),
    ] = None,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
    issuer_passphrase_file: IssuerPassphraseFile = None,
) -> None:
    """Make a department."""
    facts = department_facts(region=region, code=code, name=name, name_en=name_en, types=types, areas=areas or ())
    _issue_body(Kind.DEPARTMENT, facts, home, passphrase_file, issuer_passphrase_file)


def _issue_body(
    kind: Kind, facts: SealMakerFacts, home: Path, passphrase_file: Path | None, issuer_passphrase_file: Path | None
) -> None:
    """Make the key of a body that its region certifies."""
    source = passphrase_source(passphrase_file)
    done = open_ceremony(home).issue_body(
        KeyName(kind, facts.code),
        facts,
        passphrase=partial(source.ask, f"{kind}-{facts.code}", new=True),
        issuer_passphrase=partial(issuer_source(issuer_passphrase_file, source).ask, f"region-{facts.region}"),
    )
    report(home, done)


def _command_for(kind: Kind) -> Callable[..., None]:
    """Return the command that makes the key of such a body."""

    def issue(
        *,
        region: Region,
        code: Code,
        name: ChineseName,
        name_en: EnglishName,
        home: Home = DEFAULT_HOME,
        passphrase_file: PassphraseFile = None,
        issuer_passphrase_file: IssuerPassphraseFile = None,
    ) -> None:
        facts = SealMakerFacts(region=region, code=code, name=name, name_en=name_en)
        _issue_body(kind, facts, home, passphrase_file, issuer_passphrase_file)

    return issue


for _kind, _zh, _en in (
    (Kind.SEAL_MAKER, "制章机构", "seal maker"),
    (Kind.TSA, "时间戳机构", "time-stamping authority"),
    (Kind.RELYING_PARTY, "用证单位", "relying party"),
):
    app.command(f"issue-{_kind}", help=f"签发{_zh}证书 / Make the key of a {_en}, certified by its region.")(
        _command_for(_kind)
    )


@app.command(help="轮换密钥 / Replace a status, department or seal-maker key; the old certificate stays on file.")
def rotate(
    name: KeyNameArgument,
    *,
    compromised_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="密钥泄露时间，使旧证书自此吊销 / when the old key leaked: revokes it from then on"
        ),
    ] = None,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
    issuer_passphrase_file: IssuerPassphraseFile = None,
) -> None:
    """Replace a key."""
    source = passphrase_source(passphrase_file)
    ceremony, key_name = open_ceremony(home), KeyName.parse(name)
    issuer = issuer_source(issuer_passphrase_file, source)
    done = ceremony.rotate(
        key_name,
        passphrase=partial(source.ask, name, new=True),
        issuer_passphrase=partial(issuer.ask, str(ceremony.issuer_of(key_name))),
        compromised_at=parse_time(compromised_at) if compromised_at else None,
    )
    report(home, done)
    typer.echo(REPLACED, err=True)
    if compromised_at:
        typer.echo(CRL_CHANGED, err=True)


@app.command(help="吊销证书 / Put a certificate on its issuer's revocation list. It cannot be undone.")
def revoke(
    name: KeyNameArgument,
    *,
    reason: Annotated[str, typer.Option(metavar="|".join(REVOCATION_REASONS), help="吊销原因 / why")],
    at: Annotated[
        str, typer.Option(metavar="TIME", help="自何时起不可信：RFC 3339 时间或 now / since when: RFC 3339, or now")
    ],
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
    issuer_passphrase_file: IssuerPassphraseFile = None,
) -> None:
    """Revoke a certificate."""
    ceremony, key_name = open_ceremony(home), KeyName.parse(name)
    issuer = issuer_source(issuer_passphrase_file, passphrase_source(passphrase_file))
    done = ceremony.revoke(
        key_name,
        reason=parse_reason(reason),
        at=parse_time(at),
        issuer_passphrase=partial(issuer.ask, str(ceremony.issuer_of(key_name))),
    )
    report(home, done)
    typer.echo(CRL_CHANGED, err=True)


@app.command("sign-crl", help="重签吊销列表 / Sign a revocation list anew before it goes stale (30 days).")
def sign_crl(name: KeyNameArgument, home: Home = DEFAULT_HOME, passphrase_file: PassphraseFile = None) -> None:
    """Renew a revocation list."""
    done = open_ceremony(home).sign_crl(
        KeyName.parse(name), passphrase=partial(passphrase_source(passphrase_file).ask, name)
    )
    report(home, done)


@app.command("list", help="列出全部证书 / List every certificate in the directory.")
def list_all(home: Home = DEFAULT_HOME, *, as_json: AsJson = False) -> None:
    """List the directory."""
    rows = [entry.as_json() for entry in existing_ceremony(home).entries()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        name = (row["facts"] or {}).get("name", "")
        typer.echo(f"{row['name']}\t{row['standing']}\t{row['keyId']}\t{row['notAfter']}\t{name}".rstrip("\t"))


@app.command(help="查看一个证书 / Show one certificate, its key file's mode, and whether it is revoked.")
def show(name: KeyNameArgument, home: Home = DEFAULT_HOME, *, as_json: AsJson = False) -> None:
    """Show one certificate."""
    value = existing_ceremony(home).entry(KeyName.parse(name)).as_json()
    if as_json:
        print_json(value)
        return
    for key, item in value.items():
        typer.echo(f"{key}: {json.dumps(item, ensure_ascii=False) if isinstance(item, dict) else item or '-'}")


def run() -> None:
    """Run the command line: every refusal becomes two lines and an exit status, never a traceback.

    With `python -X dev -m keys`, an unexpected error keeps its traceback.
    """
    warnings.showwarning = _show_warning
    try:
        app(prog_name="python -m keys")
    except EcertError as error:
        typer.echo(refusal(error), err=True)
        sys.exit(2 if error.reason is Reason.USAGE else 1)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        typer.echo(f"{Reason.INTERNAL}: 程序内部错误 / internal error: {type(error).__name__}: {error}", err=True)
        sys.exit(1)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    typer.echo(f"注意 / warning: {message}", err=True)
