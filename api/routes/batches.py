"""`/api/v1/batches`: hand in a table, see what is wrong with it, have the rest issued, fetch what came of it."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.access.guard import Visit
from api.batches.book import MOST, Batch, BatchBook
from api.batches.desk import BatchDesk, new_lock
from api.batches.parts import Intake
from api.batches.progress import follow
from api.batches.reports import errors_step, result_step
from api.batches.states import BatchState
from api.batches.uploads import MEDIA_TYPES, claimed, receive, require_table
from api.batches.workshop import Workshop
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.lifecycle.desk import Party
from api.office import Office
from ecert.errors import Reason
from ecert.web.digests import SM3
from ecert.wording import words

PATH = "/api/v1/batches"
EVENTS = "text/event-stream"
_FILE = {"schema": {"type": "string", "format": "binary"}}
NO_BUFFER = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
_Key = Annotated[str | None, Header(alias="Idempotency-Key")]


class TableProblem(BaseModel):
    """One thing wrong with the table as a whole."""

    pointer: str
    expected: str
    expected_zh: str


class Hindrance(BaseModel):
    """Why a batch was refused, or what it waits for."""

    code: str
    title: str
    title_en: str
    detail: str
    errors: list[TableProblem]


class BatchBody(BaseModel):
    """A batch.

    Attributes:
        key: Names it in addresses.
        state: validating, ready, waiting (for a second person), running, done, cancelled or refused.
        type: 证照类型代码; null where each row says so.
        name: Of the file.
        size: Of the file in bytes.
        digest: SM3 of the file, hex.
        files: Whether licences get OFD files.
        form: What the file turned out to be: form, encoding, sheet.
        columns: Its heading.
        rows: How many it has; 0 until it was read to the end.
        checked: How many rows were validated.
        good: How many of them can be issued.
        failed: How many cannot.
        issued: How many were.
        problem: Why it was refused, or what it waits for.
        proposal: The proposal that a second person decides.
    """

    key: str
    state: BatchState
    department: str
    type: str | None
    name: str
    size: int
    digest: str
    files: bool
    form: dict[str, str]
    columns: list[str]
    rows: int
    checked: int
    good: int
    failed: int
    issued: int
    problem: Hindrance | None
    proposal: str | None
    operator: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class BatchesBody(BaseModel):
    """One page of batches; `next` is the cursor of the next, empty on the last."""

    batches: list[BatchBody]
    next: str


def body_of(batch: Batch) -> BatchBody:
    """Return a batch as it goes over the wire."""
    return BatchBody(
        key=batch.key,
        state=batch.state,
        department=batch.department,
        type=batch.type_code,
        name=batch.name,
        size=batch.size,
        digest=batch.digest.hex(),
        files=batch.files,
        form=batch.form,
        columns=list(batch.columns),
        rows=batch.rows,
        checked=batch.checked,
        good=batch.good,
        failed=batch.failed,
        issued=batch.issued,
        problem=_hindrance(batch),
        proposal=batch.proposal,
        operator=batch.operator,
        created_at=batch.at,
        started_at=batch.started_at,
        ended_at=batch.ended_at,
    )


def _hindrance(batch: Batch) -> Hindrance | None:
    if not batch.problem:
        return None
    said = words(Reason(batch.problem["code"]))
    errors = [TableProblem(pointer=at, expected=en, expected_zh=zh) for at, en, zh in batch.problem["errors"]]
    return Hindrance(
        code=batch.problem["code"], title=said.zh, title_en=said.en, detail=batch.problem["detail"], errors=errors
    )


def once(ledger: SqlLedger, attempt: Attempt, now: datetime, work: Callable[[], Batch]) -> Answer:
    """Do something about a batch in one transaction with keeping the answer, unless it was done before."""

    def done() -> Answer:
        with ledger.database.transaction():
            answer = Answer(202, body_of(work()).model_dump_json().encode())
            attempt.finish(ledger, answer)
        return answer

    return attempt.once(ledger, now, done)


def router(office: Office) -> APIRouter:  # noqa: C901  (one function for each address)
    """Return the routes."""
    routes, shop = APIRouter(tags=["batches"]), Workshop(office.pool, office.departments, office.clock)

    async def enter(request: Request) -> Visit:
        """Let somebody hand in a table, before a byte of it is taken."""
        return await office.guard.admit(await office.guard.identify(request, claimed(request)), "createBatch")

    @routes.post(
        PATH,
        status_code=202,
        operation_id="createBatch",
        summary="提交表格 Hand in a table",
        response_model=BatchBody,
        openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _FILE)}},
    )
    async def create(
        request: Request,
        *,
        visit: Annotated[Visit, Depends(enter)],
        type: Annotated[str | None, Query(max_length=21, description="证照类型代码")] = None,  # noqa: A002  (its name)
        name: Annotated[str, Query(max_length=200, description="文件名 Name of the file")] = "",
        files: Annotated[bool, Query(description="是否制作 OFD Whether licences get files")] = True,
        idempotency_key: _Key = None,
    ) -> Response:
        """Take in CSV, XLSX or NDJSON; it is validated in the background."""
        require_table(request)
        named = "".join(one for one in name if one.isprintable())
        order = await office.pool.ask(
            lambda ledger: BatchDesk(shop, ledger, visit.principal, visit.scope).require_order(type, named, files=files)
        )
        key, secret, lock = await office.pool.ask(new_lock)
        with Intake(lock) as intake:
            digests = await receive(request, intake)
            address = f"{PATH}?{request.url.query}"
            attempt = Attempt.of(visit.principal.id, idempotency_key, "POST", address, digests.values[SM3])

            def keep(ledger: SqlLedger) -> Answer:
                desk = BatchDesk(shop, ledger, visit.principal, visit.scope)
                return once(ledger, attempt, office.clock(), lambda: desk.hand_in(key, secret, order, intake, digests))

            return _respond(await office.pool.ask(keep, actor=visit.principal.id))

    @routes.get(PATH, operation_id="listBatches", summary="批次列表 Batches, the newest first")
    async def find_all(
        visit: Annotated[Visit, Depends(office.guard("listBatches"))],
        cursor: Annotated[str, Query(max_length=32)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    ) -> BatchesBody:
        """Return the batches of a department."""
        found, following = await office.pool.ask(lambda ledger: BatchBook(ledger, visit.scope).list(cursor, limit))
        return BatchesBody(batches=[body_of(one) for one in found], next=following)

    @routes.get(f"{PATH}/{{key}}", operation_id="readBatch", summary="批次 One batch")
    async def read(key: str, visit: Annotated[Visit, Depends(office.guard("readBatch"))]) -> BatchBody:
        """Return how far it has come."""
        return body_of(await office.pool.ask(lambda ledger: BatchBook(ledger, visit.scope).find(key)))

    @routes.get(
        f"{PATH}/{{key}}/errors.csv",
        operation_id="readBatchErrors",
        summary="错误报告 What is wrong, by row",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def errors(key: str, visit: Annotated[Visit, Depends(office.guard("readBatchErrors"))]) -> Response:
        """Return the rows that cannot be issued, with every field that is wrong; values are masked."""
        return await table_of(office, visit, key, "errors", errors_step)

    @routes.get(
        f"{PATH}/{{key}}/result.csv",
        operation_id="readBatchResult",
        summary="结果 What came of each row",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def result(key: str, visit: Annotated[Visit, Depends(office.guard("readBatchResult"))]) -> Response:
        """Return for each row what came of it, and the licence that it became."""
        return await table_of(office, visit, key, "result", result_step)

    @routes.get(
        f"{PATH}/{{key}}/events",
        operation_id="followBatch",
        summary="进度 Progress, as it happens (SSE)",
        response_class=Response,
        responses={200: {"content": {EVENTS: {}}}},
    )
    async def events(key: str, visit: Annotated[Visit, Depends(office.guard("followBatch"))]) -> Response:
        """Send an event at every step, until the batch moves no more by itself."""
        await office.pool.ask(lambda ledger: BatchBook(ledger, visit.scope).find(key))
        return StreamingResponse(follow(office, visit.principal.id, key), media_type=EVENTS, headers=NO_BUFFER)

    @routes.post(
        f"{PATH}/{{key}}/start",
        status_code=202,
        operation_id="startBatch",
        summary="开始制发 Issue what is good of it",
        response_model=BatchBody,
    )
    async def start(
        request: Request,
        key: str,
        visit: Annotated[Visit, Depends(office.guard("startBatch"))],
        idempotency_key: _Key = None,
    ) -> Response:
        """Begin to issue; above a number set for the department, propose to: the state is then `waiting`."""
        data = await request.body()
        attempt = Attempt.of(visit.principal.id, idempotency_key, "POST", request.url.path, data)

        def begin(ledger: SqlLedger) -> Answer:
            desk = BatchDesk(shop, ledger, visit.principal, visit.scope)
            return once(ledger, attempt, office.clock(), lambda: desk.start(key))

        return _respond(await office.pool.ask(begin, actor=visit.principal.id))

    @routes.post(f"{PATH}/{{key}}/cancel", operation_id="cancelBatch", summary="取消批次 Cancel a batch")
    async def cancel(key: str, visit: Annotated[Visit, Depends(office.guard("cancelBatch"))]) -> BatchBody:
        """End it: what was issued stays so, nothing more is."""
        work = lambda ledger: BatchDesk(shop, ledger, visit.principal, visit.scope).cancel(key)  # noqa: E731
        return body_of(await office.pool.ask(work, actor=visit.principal.id))

    return routes


def _respond(answer: Answer) -> Response:
    """Return the answer about a batch that goes on by itself, and say where it is looked at."""
    headers = {"Location": f"{PATH}/{json.loads(answer.body)['key']}"} if answer.status == HTTPStatus.ACCEPTED else {}
    return Response(answer.body, answer.status, headers, media_type="application/json")


async def table_of(
    office: Office, visit: Party, key: str, name: str, step: Callable[..., tuple[str, int | None]]
) -> StreamingResponse:
    """Send a table of a batch step by step; that it is handed out is logged.

    Raises:
        NotFoundError: BATCH_UNKNOWN.
    """

    def note(ledger: SqlLedger) -> None:
        BatchBook(ledger, visit.scope).hand_out(key, f"{name}.csv", office.clock())

    await office.pool.ask(note, actor=visit.principal.id)

    async def lines() -> AsyncIterator[str]:
        after: int | None = 0
        while after is not None:
            text, after = await office.pool.ask(partial(step, batch=key, after=after))
            yield text

    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}-{key}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)
