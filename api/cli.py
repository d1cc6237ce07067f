"""`python -m api`: a department issues licences, decides about them, and its region publishes their status."""

from pathlib import Path
from typing import Annotated

import typer

from api.audit_cli import audit_app
from api.backup_cli import backup, restored
from api.batch_cli import batch, work_command
from api.callers_cli import callers_app
from api.development_cli import development_provider
from api.erase_cli import erase
from api.issue_cli import copy, export, issue
from api.issued import IssuedBook
from api.ledger import SqlLedger
from api.migrate_cli import migrate
from api.options import LedgerOption, LicenceArgument, identify
from api.register_cli import seal_app, windows_app
from api.serve_cli import serve
from api.status_cli import answer, publish, revoke, tasks_app
from api.vault_cli import vault_app
from ecert.cli import entry
from ecert.cli.files import write_atomic
from ecert.report import timestamp

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="电子证照签发 Issue electronic licences.", rich_markup_mode=None
)

_COMMANDS = (
    *(migrate, backup, restored, issue, export, copy, revoke, publish, answer, erase),
    *(batch, serve, development_provider),
)
for command in _COMMANDS:
    app.command()(command)
app.command("work")(work_command)
app.add_typer(tasks_app, name="tasks")
app.add_typer(audit_app, name="audit")
app.add_typer(seal_app, name="seal")
app.add_typer(windows_app, name="windows")
app.add_typer(callers_app, name="callers")
app.add_typer(vault_app, name="vault")


@app.callback()
def _start() -> None:
    entry.start()


@app.command()
def pending(*, ledger: LedgerOption) -> int:
    """列出没有完成的签发意图(无害) List intents that never became a licence: harmless, and worth a look."""
    with SqlLedger(ledger) as book:
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
    with SqlLedger(ledger, create=False) as book:
        proof = IssuedBook(book.database).prove_licence(identifier)
    write_atomic(out, proof)
    entry.put(f"{identifier.text}\t{out}")
    return entry.OK
