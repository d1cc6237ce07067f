"""`python -m keys serve`, `new-key`, `approve` and `audit`: the signing agent, and those who watch over it."""

import grp
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecert.errors import EcertError, Reason
from keys.options import AsJson, PassphraseFile, parse_time, passphrase_source, print_json

if TYPE_CHECKING:
    from ecert.audit import AuditEntry

SocketOption = Annotated[Path, typer.Option("--socket", envvar="ECERT_AGENT", help="套接字 / the agent's socket")]
PolicyOption = Annotated[Path, typer.Option("--policy", metavar="POLICY.toml", help="策略 / the policy")]

audit_app = typer.Typer(help="签名代理的审计日志 / The agent's own log.", no_args_is_help=True, rich_markup_mode=None)


def serve(
    *,
    socket: SocketOption,
    policy: PolicyOption,
    group: Annotated[
        str | None, typer.Option(help="可连接的用户组，默认只有本用户 / group that may connect, else the owner alone")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Hold keys, and sign what the policy allows, until told to stop."""
    from ecert.web.logs import start_logging  # noqa: PLC0415  (`--help` answers without loading these)
    from keys.agent import running  # noqa: PLC0415

    start_logging()
    desk = running.open_desk(policy, passphrase_source(passphrase_file).ask, partial(parse_time, "now"))
    running.serve(desk, socket, _group(group), lambda: typer.echo(f"就绪 / ready: {socket}", err=True))


def _group(name: str | None) -> int | None:
    try:
        return None if name is None else grp.getgrnam(name).gr_gid
    except KeyError:
        raise EcertError(Reason.USAGE, f"there is no group {name!r} on this machine") from None


def new_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="私钥文件 / file for the key")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the key of an approver, or of the agent's log."""
    from keys.making import new_key as draw  # noqa: PLC0415  (as above)
    from keys.private_files import write_private  # noqa: PLC0415

    key, pem = draw(passphrase_source(passphrase_file).ask(file.name, new=True))
    write_private(file, pem)
    typer.echo(key.public_key.point.hex())


def approve(
    name: Annotated[str, typer.Argument(metavar="KEY", help="策略中的密钥名 / the key's name in the policy")],
    *,
    count: Annotated[int, typer.Option(min=1, help="今天每类可再签多少 / how many more of each kind, today")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="批准人的私钥 / the approver's key")],
    socket: SocketOption,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Let a key sign more today than one person may have signed."""
    from ecert.web.agent_client import Agent  # noqa: PLC0415  (as above)
    from keys.agent.approvals import Approval, day_of, seal_approval  # noqa: PLC0415
    from keys.signer import open_key_file  # noqa: PLC0415

    agent = Agent(str(socket))
    match agent.ask("count", name):
        case [bytes() as key_id, int(), dict() as signed]:
            pass
        case _:
            raise EcertError(Reason.AGENT_UNREACHABLE, "what answers is not a signing agent of this version")
    signer = open_key_file(key, partial(passphrase_source(passphrase_file).ask, key.name))
    day = day_of(parse_time("now"))
    approved = agent.ask("approve", name, seal_approval(Approval(key_id, day, count), signer))
    typer.echo(f"{name}\t{key_id.hex()}\t{day}\t{approved!r}")
    told = ", ".join(f"{kind} {number!r}" for kind, number in signed.items())
    typer.echo(f"今天已签 signed today: {told}；另准 approved beyond: {approved!r}", err=True)


@audit_app.command("verify", help="核验全部日志 / Verify the whole log: chained, and as its heads were signed.")
def audit_verify(*, policy: PolicyOption, as_json: AsJson = False) -> None:
    """Verify the log."""
    entries, signed = _walk(policy, lambda _: None)
    if as_json:
        print_json({"entries": entries, "signed": signed})
    else:
        typer.echo(f"{entries}\t{signed}")
    if signed < entries:
        typer.echo(f"! 最后 {entries - signed} 条尚未签名 / the last ones are not signed yet", err=True)


@audit_app.command("show", help="列出日志 / Show the log.")
def audit_show(*, policy: PolicyOption, as_json: AsJson = False) -> None:
    """Show the log, verified while it is read."""
    _walk(policy, _show_json if as_json else _show_line)


def _walk(policy: Path, show: Any) -> tuple[int, int]:
    from keys.agent.journal import verify  # noqa: PLC0415  (as above)
    from keys.agent.policy import load_policy  # noqa: PLC0415

    audit = load_policy(policy).audit
    try:
        return verify(audit.file, audit.public_key, show)
    except OSError as error:
        raise EcertError(Reason.USAGE, f"the log {audit.file} cannot be read: {error.strerror}") from error


def _told(one: "AuditEntry") -> dict[str, Any]:
    return {
        "number": one.number,
        "at": one.at.isoformat(),
        "who": one.who,
        "action": one.action,
        "object": one.object,
        "outcome": one.outcome,
        "details": dict(one.details),
    }


def _show_json(one: "AuditEntry") -> None:
    print_json(_told(one))


def _show_line(one: "AuditEntry") -> None:
    typer.echo("\t".join(map(str, _told(one).values())))
