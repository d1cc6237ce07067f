"""`/console/batches`: hand in a table, see what is wrong with it, have the rest issued, and look on."""

import asyncio
import csv
import io
import secrets
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.access.callers import names_of
from api.batches.book import Batch, BatchBook
from api.batches.desk import BatchDesk, new_lock
from api.batches.parts import MAX_FILE, PART, Intake
from api.batches.progress import follow
from api.batches.reports import BOM, errors_step, read_errors, result_step
from api.batches.states import BatchState
from api.batches.workshop import Workshop
from api.catalogue.book import TypeBook
from api.console.batch_words import columns_as_read, how_read, problem_lines, remaining
from api.console.forms import Option
from api.console.site import ConsoleVisit
from api.console.views import batches as views
from api.console.views.frame import Link, Section
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.office import Office
from api.routes.batches import EVENTS, NO_BUFFER, table_of
from api.tables import Limits
from ecert.errors import EcertError, Reason
from ecert.licence.application import FIELDS, KEYS, TYPE_CODE
from ecert.licence.codes import Phrase
from ecert.licence.metadata import METADATA
from ecert.licence.types import TypeDefinition
from ecert.sm2 import sm3
from ecert.web.digests import SM3
from ecert.wording import words

HERE = Section.BATCHES.path
_SHOWN: Final = 50
"""How many wrong rows a page shows."""
_LISTED: Final = 50
_LONGEST_NAME: Final = 200
_STATES: Final = {one.name: one for one in views.BatchState}
_IN_THE_FILE: Final = Option("", Phrase("From the column in the file", "以文件中的“证照类型代码”列为准"))


def router(office: Office) -> APIRouter:  # noqa: C901  (one function for each address)
    """Return the pages."""
    routes, console, desk = APIRouter(), office.console, _Desk(office)

    @routes.get(HERE)
    async def list_(
        visit: Annotated[ConsoleVisit, Depends(console.enter("listBatches"))], cursor: str = ""
    ) -> Response:
        view = await office.pool.ask(lambda ledger: desk.list(ledger, visit, cursor))
        return console.page(visit.frame(Section.BATCHES), view)

    @routes.get(f"{HERE}/new")
    async def blank(visit: Annotated[ConsoleVisit, Depends(console.enter("createBatch"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.upload(ledger, visit))
        return console.page(visit.frame(Section.BATCHES), view)

    @routes.get(f"{HERE}/templates/{{code}}.csv", dependencies=[Depends(console.enter("createBatch"))])
    async def template(code: str) -> Response:
        definition = await office.pool.ask(lambda ledger: TypeBook(ledger.database).published(code).definition)
        headers = {"Content-Disposition": f'attachment; filename="{definition.slug}.csv"'}
        return Response(empty_table(definition), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.post(f"{HERE}/new")
    async def hand_in(visit: Annotated[ConsoleVisit, Depends(console.enter("createBatch"))]) -> Response:
        try:
            key = await desk.take_in(visit)
        except EcertError as error:
            said, detail = words(error.reason), error.detail
            problem = Phrase(f"{said.en}: {detail}", said.zh)
            view = await office.pool.ask(lambda ledger: desk.upload(ledger, visit, problem))
            return console.page(visit.frame(Section.BATCHES), view, 422)
        return RedirectResponse(f"{HERE}/{key}", 303)

    @routes.get(f"{HERE}/{{key}}")
    async def read(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readBatch"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.page(ledger, visit, key))
        return console.page(visit.frame(Section.BATCHES), view)

    @routes.get(f"{HERE}/{{key}}/errors.csv")
    async def errors(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readBatchErrors"))]) -> Response:
        return await table_of(office, visit, key, "errors", errors_step)

    @routes.get(f"{HERE}/{{key}}/result.csv")
    async def result(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readBatchResult"))]) -> Response:
        return await table_of(office, visit, key, "result", result_step)

    @routes.get(f"{HERE}/{{key}}/events")
    async def events(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("followBatch"))]) -> Response:
        await office.pool.ask(lambda ledger: BatchBook(ledger, visit.scope).find(key))
        return StreamingResponse(follow(office, visit.principal.id, key), media_type=EVENTS, headers=NO_BUFFER)

    @routes.post(f"{HERE}/{{key}}/start")
    async def start(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("startBatch"))]) -> Response:
        await office.pool.ask(lambda ledger: desk.start(ledger, visit, key), actor=visit.principal.id)
        return RedirectResponse(f"{HERE}/{key}", 303)

    @routes.post(f"{HERE}/{{key}}/cancel")
    async def cancel(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("cancelBatch"))]) -> Response:
        await office.pool.ask(lambda ledger: desk.mine(ledger, visit).cancel(key), actor=visit.principal.id)
        return RedirectResponse(f"{HERE}/{key}", 303)

    return routes


class _Desk:
    """What the pages ask of the ledger."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._shop = Workshop(office.pool, office.departments, office.clock)

    def mine(self, ledger: SqlLedger, visit: ConsoleVisit) -> BatchDesk:
        return BatchDesk(self._shop, ledger, visit.principal, visit.scope)

    def list(self, ledger: SqlLedger, visit: ConsoleVisit, cursor: str) -> views.BatchList:
        found, following = BatchBook(ledger, visit.scope).list(cursor, _LISTED)
        types, people = TypeBook(ledger.database).names(), names_of(ledger.database, {one.operator for one in found})
        rows = tuple(_row(one, types, people) for one in found)
        return views.BatchList(rows, following, may_create=visit.may("createBatch"))

    def upload(self, ledger: SqlLedger, visit: ConsoleVisit, problem: Phrase | None = None) -> views.BatchUpload:
        issuer = self._office.departments.issuer(ledger, visit.principal.department or "")
        types = [one.definition for one in TypeBook(ledger.database).all_published()]
        return views.BatchUpload(
            types=(_IN_THE_FILE, *(Option(one.code, Phrase(one.name_en, one.name)) for one in types)),
            templates=tuple(_template(one) for one in types),
            max_rows=Limits().rows,
            max_megabytes=MAX_FILE // 1024**2,
            idempotency_key=secrets.token_urlsafe(16),
            makes_files=issuer.files is not None,
            problem=problem,
        )

    async def take_in(self, visit: ConsoleVisit) -> str:
        """Keep the table that was posted, once however often its form is sent; return the key of the batch.

        Raises:
            EcertError: it is none, or cannot be handed in so.
            Problem: as `Attempt`.
        """
        file, pool = visit.files.get("file"), self._office.pool
        if file is None:
            raise EcertError(Reason.TABLE_FORMAT, "choose a file")
        key, secret, lock = await pool.ask(new_lock)
        with Intake(lock) as intake:
            while piece := await file.read(PART):
                await asyncio.to_thread(intake.take, piece)
            name = (file.filename or "")[:_LONGEST_NAME]
            work = partial(self._hand_in, visit=visit, name=name, key=key, secret=secret, intake=intake)
            return await pool.ask(work, actor=visit.principal.id)

    def _hand_in(  # noqa: PLR0917  (named where it is called)
        self, ledger: SqlLedger, visit: ConsoleVisit, name: str, key: str, secret: bytes, intake: Intake
    ) -> str:
        digests, form = intake.finish(), visit.form
        if not digests:
            raise EcertError(Reason.TABLE_FORMAT, "the file is empty")
        desk, chosen = self.mine(ledger, visit), form.get("type") or None
        order = desk.require_order(chosen, name, files="files" in form)
        said = f"{chosen} {order.files}".encode() + digests.values[SM3]
        attempt = Attempt.of(visit.principal.id, form.get("idempotency_key"), "POST", f"{HERE}/new", sm3(said))

        def done() -> Answer:
            with ledger.database.transaction():
                answer = Answer(303, desk.hand_in(key, secret, order, intake, digests).key.encode())
                attempt.finish(ledger, answer)
            return answer

        return attempt.once(ledger, self._office.clock(), done).body.decode()

    def start(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> None:
        """Start a batch; a form sent twice finds it started."""
        if BatchBook(ledger, visit.scope).find(key).state is BatchState.READY:
            self.mine(ledger, visit).start(key)

    def page(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> views.BatchPage:
        batch = BatchBook(ledger, visit.scope).find(key)
        types, people = TypeBook(ledger.database).names(), names_of(ledger.database, {batch.operator})
        may_see = visit.may("readBatchErrors")
        ready = batch.state is BatchState.READY and visit.may("startBatch")
        definitions = [one.definition for one in TypeBook(ledger.database).all_published()]
        return views.BatchPage(
            row=_row(batch, types, people),
            encoding=how_read(batch),
            columns=columns_as_read(batch, definitions),
            good=batch.good,
            issued=batch.issued,
            errors=tuple(_errors(ledger, key)) if may_see else (),
            errors_download=_download(key, "errors", "下载错误清单", "Download all") if may_see else None,
            result=_download(key, "result", "下载结果", "Download the result") if _has_result(visit, batch) else None,
            remaining=remaining(batch, self._office.clock()),
            may_start=ready,
            may_cancel=not batch.state.ended and visit.may("cancelBatch"),
            two_persons=ready and self.mine(ledger, visit).takes_two(batch),
            idempotency_key=secrets.token_urlsafe(16),
            problem=problem_lines(batch),
        )


def _row(one: Batch, types: dict[str, Phrase], people: dict[str, str]) -> views.BatchRow:
    kind = types.get(one.type_code or "")
    return views.BatchRow(
        key=one.key,
        file=one.name or one.key,
        type_name="多种证照" if one.type_code is None else (kind.zh if kind else one.type_code),
        state=_STATES[one.state.name],
        rows=one.total,
        done=one.done,
        failed=one.failed,
        created_at=one.at,
        operator=people.get(one.operator, one.operator),
    )


def _template(one: TypeDefinition) -> views.TemplateRow:
    link = Link(f"{HERE}/templates/{one.code}.csv", Phrase("CSV", "CSV 模板"))
    return views.TemplateRow(Phrase(one.name_en, one.name), (link,))


def _errors(ledger: SqlLedger, key: str) -> list[views.RowError]:
    return [
        views.RowError(row, _field(field), Phrase(en, zh), shown)
        for row, explained in read_errors(ledger, key, 0, _SHOWN)
        for field, shown, zh, en in explained
    ]


def _field(title: str) -> Phrase | None:
    """Return both names of a field; None for the whole row."""
    zh, _, en = title.rpartition(" ")
    return Phrase(en, zh or en) if title else None


def _download(key: str, name: str, zh: str, en: str) -> Link:
    return Link(f"{HERE}/{key}/{name}.csv", Phrase(en, zh))


def _has_result(visit: ConsoleVisit, batch: Batch) -> bool:
    return batch.started_at is not None and batch.state.ended and visit.may("readBatchResult")


def empty_table(definition: TypeDefinition) -> str:
    """Return a table of a type that has its heading alone, by Chinese names."""
    named = {item.name: item.zh for item in METADATA}
    columns = [named[key] for key in KEYS if key not in (TYPE_CODE, FIELDS)]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow([*columns, *(field.zh for field in definition.fields)])
    return BOM + out.getvalue()
