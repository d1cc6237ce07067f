"""`python -m api batch` and `work`: tables issued from the command line, and processes that work on batches."""

import getpass
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeVar

import typer

from api.access.permissions import Scope
from api.access.principals import Kind, Principal, Role
from api.batches.book import Batch, BatchBook, Order
from api.batches.desk import BatchDesk, new_lock
from api.batches.parts import PART, Intake
from api.batches.processes import WorkerProcesses, work
from api.batches.reports import errors_step, result_step
from api.batches.states import BatchState
from api.ledger import SqlLedger
from api.options import JsonOption, PassphraseOption, open_signer, open_vault
from api.settings import load_settings
from ecert.cli import entry
from ecert.errors import EcertError, Reason
from ecert.licence.codes import check_type_code
from ecert.licence.types import find_type
from ecert.wording import words

if TYPE_CHECKING:
    from api.batches.workshop import Workshop

_T = TypeVar("_T")

_OfficeOption = Annotated[
    Path,
    typer.Option(envvar="ECERT_OFFICE", metavar="FILE.toml", help="制证服务的配置 Settings of the issuing service"),
]
_LONGEST_ACTOR = 32
_LOOK = 0.25
"""Seconds between two looks at how far a batch has come."""


def batch(
    table: Annotated[Path | None, typer.Argument(help="表格：CSV、XLSX 或 NDJSON Table")] = None,
    *,
    office: _OfficeOption,
    department: Annotated[str, typer.Option(help="颁发机构统一社会信用代码 USCC of who issues")],
    type_name: Annotated[str | None, typer.Option("--type", help="证照类型；不写则每行自带 Type of all rows")] = None,
    files: Annotated[bool, typer.Option(help="制作 OFD 文件 Make OFD files")] = True,
    resume: Annotated[str | None, typer.Option(metavar="KEY", help="继续一个批次 Go on with a batch")] = None,
    check: Annotated[bool, typer.Option("--check", help="只校验 Validate only")] = False,
    errors: Annotated[Path | None, typer.Option(help="错误报告 CSV File for the error report")] = None,
    result: Annotated[Path | None, typer.Option(help="结果 CSV File for the result")] = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="工作进程数 Worker processes")] = 2,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> int:
    """批量制发：校验表格，报告错误，制发其余各行 Validate a table, and issue what is good of it."""
    if (table is None) is (resume is None):
        raise EcertError(Reason.USAGE, "name a table, or a batch to go on with: --resume KEY")
    run = _Run(_open(office, passphrase_file), load_settings(office).region, department)
    code = None if type_name is None else _type_code(type_name)
    key = resume or run.hand_in(table or Path(), code, files=files)
    entry.say(f"批次 batch {run.look(key).key}")
    with WorkerProcesses(office, passphrase_file, workers):
        now = run.follow(key, BatchState.VALIDATING, "校验 validating")
        if now.state is BatchState.READY and not check:
            now = run.start(key)
        if not check:
            now = run.follow(key, BatchState.RUNNING, "制发 issuing")
    run.write(errors, errors_step, key)
    run.write(result, result_step, key)
    _tell(now, as_json=as_json)
    well = now.state is BatchState.DONE or (check and now.state is BatchState.READY)
    return entry.OK if well and not now.failed else entry.REFUSED


def _type_code(text: str) -> str:
    """Return the code of a type: any is left to the catalogue, and a name is one of those that come along."""
    return find_type(text).code if check_type_code(text) else text


def work_command(
    *,
    office: _OfficeOption,
    passphrase_file: PassphraseOption = None,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> int:
    """校验并制发批次，直到被要求停止 Work on batches until told to stop; on several machines at once."""
    from ecert.web.logs import start_logging  # noqa: PLC0415  (slow to load)

    start_logging()
    work(_open(office, passphrase_file), attached=attached)
    return entry.OK


def _open(office: Path, passphrase_file: Path | None) -> "Workshop":
    from api.batches.workshop import open_workshop  # noqa: PLC0415  (slow to load)

    settings = load_settings(office)
    vault = open_vault(settings.vault, passphrase_file)
    return open_workshop(settings, entry.now, signer=lambda uri: open_signer(uri, passphrase_file), vault=vault)


class _Run:
    """A batch of one department, from the command line."""

    def __init__(self, shop: "Workshop", region: str, department: str) -> None:
        self._shop, self._actor = shop, f"user:{getpass.getuser()}"[:_LONGEST_ACTOR]
        roles = frozenset({Role.ISSUER_CLERK})
        self._caller = Principal(self._actor, Kind.OPERATOR, self._actor, region, department, roles)
        self._scope = Scope(region, department)

    def _ask(self, work: Callable[[SqlLedger], _T]) -> _T:
        return self._shop.pool.do(work, self._actor)

    def hand_in(self, table: Path, type_code: str | None, *, files: bool) -> str:
        """Keep a table in the ledger, and return its key."""
        with table.open("rb") as source:
            return self._ask(lambda ledger: self._hand_in(ledger, source, Order("", type_code, table.name, files)))

    def _hand_in(self, ledger: SqlLedger, source: BinaryIO, said: Order) -> str:
        desk = BatchDesk(self._shop, ledger, self._caller, self._scope)
        order = desk.require_order(said.type_code, said.name, files=said.files)
        key, secret, lock = new_lock(ledger)
        with Intake(lock) as intake:
            while piece := source.read(PART):
                intake.take(piece)
            desk.hand_in(key, secret, order, intake, intake.finish())
        return key

    def start(self, key: str) -> Batch:
        """Begin to issue; above the number set for the department, propose to."""
        return self._ask(lambda ledger: BatchDesk(self._shop, ledger, self._caller, self._scope).start(key))

    def follow(self, key: str, state: BatchState, doing: str) -> Batch:
        """Wait while a batch is in a state, and show on a terminal how far it has come."""
        from rich.console import Console  # noqa: PLC0415  (slow to load, and only needed here)
        from rich.progress import Progress  # noqa: PLC0415

        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task(doing, total=None)
            while (now := self.look(key)).state is state:
                progress.update(bar, completed=now.done, total=now.good if now.started_at else None)
                time.sleep(_LOOK)
        return now

    def look(self, key: str) -> Batch:
        """Return how it stands."""
        return self._ask(lambda ledger: BatchBook(ledger, self._scope).find(key))

    def write(self, path: Path | None, step: Callable[..., tuple[str, int | None]], key: str) -> None:
        """Write a report where one is asked for."""
        if path is None:
            return
        after: int | None = 0
        with path.open("w", encoding="utf-8", newline="") as out:
            while after is not None:
                text, after = self._ask(partial(step, batch=key, after=after))
                out.write(text)


def _tell(now: Batch, *, as_json: bool) -> None:
    """Say what came of it."""
    counts = {"rows": now.rows, "good": now.good, "failed": now.failed, "issued": now.issued}
    said = {"batch": now.key, "state": now.state.value, **counts, "proposal": now.proposal}
    if as_json:
        entry.put(json.dumps(said | {"problem": now.problem or None}, ensure_ascii=False))
        return
    entry.put("\t".join((now.key, now.state.value, *map(str, counts.values()))))
    if now.problem:
        said_of = words(Reason(now.problem["code"]))
        entry.say(f"{now.problem['code']}: {said_of.zh}。{said_of.en}. {now.problem['detail']}")
        for pointer, expected, expected_zh in now.problem["errors"]:
            entry.say(f"  {pointer}: {expected_zh} / {expected}")
    if now.proposal:
        entry.say(f"待复核 waits for a second person: {now.proposal}")
