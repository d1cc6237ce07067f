"""Commands about the status of licences: decide, publish, answer, follow up."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from api.answering import answer_question
from api.decisions import make_decision
from api.ledger import SqlLedger
from api.options import (
    BundleOption,
    JsonOption,
    LedgerOption,
    LicenceArgument,
    PassphraseOption,
    SignerOption,
    identify,
    open_signer,
)
from api.publishing import Published, Publisher
from api.tasks import TaskBook
from api.watching import watch
from ecert.cli import entry
from ecert.cli.files import write_atomic
from ecert.cli.published import REGISTRY, load_published
from ecert.errors import EcertError, Reason
from ecert.report import timestamp
from ecert.revocation import ReasonCode, State
from ecert.sm2 import Signer

DECIDABLE: Final = {state.name.lower(): state for state in State}
"""The states that a department may decide, as they are typed."""


def revoke(
    licence: LicenceArgument,
    *,
    reason: Annotated[str, typer.Option(help="事由，不含个人信息 Reason, without personal data")],
    ledger: LedgerOption,
    bundle: BundleOption,
    state: Annotated[str, typer.Option(help=f"决定 Decision: {', '.join(DECIDABLE)}")] = "revoked",
    reason_code: Annotated[ReasonCode, typer.Option(help="事由代码 Reason as a code")] = ReasonCode.OTHER,
    legal_basis: Annotated[str, typer.Option(help="法律依据 The law and article it rests on")] = "",
    document: Annotated[str, typer.Option(help="文号 Number of the decision")] = "",
    since: Annotated[str | None, typer.Option(help="生效时间 When it takes effect (RFC 3339), default now")] = None,
    until: Annotated[
        str | None, typer.Option(help="暂扣、失效的截止时间 When suspended or inactive ends by itself (RFC 3339)")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """吊销、注销、撤销、暂扣或恢复证照 Revoke, cancel, withdraw, suspend or reinstate (--state valid) a licence.

    窗口在下一次发布状态名录后得知 Windows learn of it with the next status list published.
    """
    if state not in DECIDABLE:
        raise EcertError(Reason.USAGE, f"{state!r} is not a state: choose one of {', '.join(DECIDABLE)}")
    decision = make_decision(
        identify(licence, bundle),
        DECIDABLE[state],
        now=entry.now(),
        reason=reason,
        since=entry.parse_time(since) if since else None,
        until=entry.parse_time(until) if until else None,
        reason_code=reason_code,
        legal_basis=legal_basis,
        document=document,
    )
    with SqlLedger(ledger) as book:
        book.decide(decision)
    told = {"identifier": decision.identifier.text, "state": state, "since": timestamp(decision.since)}
    entry.put(json.dumps(told) if as_json else "\t".join(told.values()))
    entry.say("已记入台账；发布状态名录(python -m api publish)后窗口可见。Recorded; windows see it once published.")
    return entry.OK


def publish(
    *,
    signer: SignerOption,
    ledger: LedgerOption,
    bundle: BundleOption,
    days: Annotated[int, typer.Option(min=1, max=31, help="可依赖的天数 Days it may be relied on")] = 7,
    hours: Annotated[
        int | None, typer.Option(min=1, max=744, help="可依赖的小时数，代替天数 Hours, instead of days")
    ] = None,
    watch_pause: Annotated[
        float | None,
        typer.Option(
            "--watch",
            metavar="SECONDS",
            min=0.02,
            max=60,
            help="持续发布：每隔若干秒查看台账，有变动立即发布 Keep publishing; seconds between looks at the ledger",
        ),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0.1, max=86400, help="无变动时每隔若干秒续期 Seconds between renewals without news")
    ] = 60,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> int:
    """发布本地区的状态名录到发布目录 Sign what changed in the region's status, and put it into the published folder."""
    key = open_signer(signer, passphrase_file)
    lifetime = timedelta(hours=hours) if hours else timedelta(days=days)
    if timedelta(seconds=every) >= lifetime:
        raise EcertError(Reason.USAGE, "it must be renewed before it is stale: --every is too long")
    opened = partial(_opened, key, ledger, bundle, lifetime)
    if watch_pause is None:
        with opened() as (publisher, _):
            _tell(publisher.publish(entry.now()), as_json=as_json)
        return entry.OK
    timestamp_file = bundle / REGISTRY / "metadata" / "timestamp.json"
    for published in watch(
        opened,
        timestamp_file,
        clock=entry.now,
        pause=watch_pause,
        every=timedelta(seconds=every),
        complain=_complain,
    ):
        _tell(published, as_json=as_json)
    return entry.OK


@contextmanager
def _opened(key: Signer, ledger: str, bundle: Path, lifetime: timedelta) -> Iterator[tuple[Publisher, SqlLedger]]:
    with SqlLedger(ledger, actor=f"key:{key.public_key.key_id.hex()}") as book:
        publisher = Publisher(book, load_published(bundle), key, bundle, lifetime=lifetime)
        publisher.resume(entry.now())
        yield publisher, book


def _tell(published: Published | None, *, as_json: bool) -> None:
    if published is None:
        return
    until = timestamp(published.fresh_until)
    if as_json:
        told = {"path": str(published.path), "sequence": published.sequence, "fresh_until": until}
        entry.put(json.dumps(told | {"changed": published.changed}, ensure_ascii=False))
    else:
        entry.put(f"{published.path}\tsequence {published.sequence}\tfresh until {until}")
    sys.stdout.flush()


def _complain(error: Exception) -> None:
    entry.say(entry.explain(error) if isinstance(error, EcertError) else f"{type(error).__name__}: {error}")


def answer(
    licence: LicenceArgument,
    *,
    at: Annotated[str, typer.Option(help="所问的时间 The instant asked about (RFC 3339)")],
    out: Annotated[Path, typer.Option(help="答复文件 File for the answer")],
    signer: SignerOption,
    ledger: LedgerOption,
    bundle: BundleOption,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> int:
    """签发“某日是否有效”的状态证明 Sign the answer to "what was its state on that day?"."""
    key, registry = open_signer(signer, passphrase_file), load_published(bundle)
    identifier = identify(licence, bundle)
    with SqlLedger(ledger, create=False) as book:
        data, said = answer_question(book, registry, key, identifier, entry.parse_time(at), now=entry.now())
    write_atomic(out, data)
    told = {"identifier": identifier.text, "at": timestamp(said.asked_at), "state": said.state.name.lower()}
    entry.put(json.dumps(told | {"answer": str(out)}) if as_json else "\t".join((*told.values(), str(out))))
    return entry.OK


tasks_app = typer.Typer(help="关联证照变更的待办 Tasks from licences that others depend on.", rich_markup_mode=None)


@tasks_app.callback(invoke_without_command=True)
def tasks(
    context: typer.Context,
    ledger: Annotated[str | None, typer.Option(envvar="ECERT_LEDGER", help="台账 Ledger")] = None,
    as_json: JsonOption = False,  # noqa: FBT002  (a flag of the command line)
) -> None:
    """列出待办 List the open tasks: number, licence, department, the licence it depends on, what that became, when."""
    if context.invoked_subcommand is not None:
        return
    if ledger is None:
        raise EcertError(Reason.USAGE, "name the ledger: --ledger FILE")
    with SqlLedger(ledger, create=False) as book:
        for task in TaskBook(book.database).tasks():
            told = {
                "task": task.number,
                "licence": task.child.text,
                "department": task.child.issuer_code,
                "depends_on": task.parent.text,
                "state": task.state.name.lower(),
                "at": timestamp(task.at),
            }
            entry.put(json.dumps(told) if as_json else "\t".join(map(str, told.values())))


@tasks_app.command()
def done(
    number: Annotated[int, typer.Argument(help="待办编号 The task's number")],
    *,
    ledger: LedgerOption,
) -> int:
    """办结一项待办；标记随下一次发布消失 Say that a task is done; the flag goes with the next publication."""
    with SqlLedger(ledger, create=False) as book:
        TaskBook(book.database).finish(number, entry.now().replace(microsecond=0))
    return entry.OK
