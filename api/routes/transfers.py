"""`/api/v1/licences/transfers`: a licence that comes from another region (转入)."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import ConfigDict, Field

from api.access.guard import Visit
from api.catalogue.book import TypeBook
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.licences.issuing import MAX_PAPER_SERIAL, Order, in_the_body, issue_one, require_alone
from api.lifecycle.deciding import People
from api.lifecycle.motions import text_problems
from api.lifecycle.transfers import Ground, note_arrival, read_arrival, require_same
from api.office import Office
from api.routes.bodies import Body, json_body, unpacked_record
from api.routes.licences import PATH, IssuedBody, issued
from ecert.errors import IssuanceError, Reason
from ecert.licence.application import parse_application
from ecert.ports import Completion
from ecert.revocation import MAX_DOCUMENT, MAX_REASON
from ecert.web.problems import read_json

_ARRIVALS = f"{PATH}/transfers"
_EXAMPLE: dict[str, Any] = {
    "record": "hEOhASag…",
    "reason": "持证主体迁入本地区",
    "legal_basis": "《样例条例》第十二条",
    "document": "样市监转字〔2026〕第 0008 号",
    "application": {},
}


class TransferBody(Body):
    """A licence that another region transferred out, to be issued here.

    Attributes:
        record: Its sealed record, base64: the holder has it.
        reason: 事由, one sentence, published.
        legal_basis: 法律依据, published.
        document: 文号, published.
        application: What is issued here, as to issue any licence; of the same type and holder.
        paper_serial: 纸质证照印制号; empty where there is no paper.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    record: Annotated[str, Field(max_length=64 * 1024)]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON // 2)]
    legal_basis: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
    document: Annotated[str, Field(min_length=1, max_length=MAX_DOCUMENT)]
    application: dict[str, Any]
    paper_serial: Annotated[str, Field(max_length=MAX_PAPER_SERIAL)] = ""


def router(office: Office) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["licences"])

    @routes.post(
        _ARRIVALS,
        status_code=201,
        operation_id="transferLicenceIn",
        summary="转入 Issue a licence that another region transferred out",
        response_model=IssuedBody,
        openapi_extra=json_body(TransferBody),
    )
    async def take_in(
        request: Request,
        visit: Annotated[Visit, Depends(office.guard("transferLicenceIn"))],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Issue it, once; its history says where it came from."""
        data = await request.body()
        attempt = Attempt.of(visit.principal.id, idempotency_key, "POST", _ARRIVALS, data)
        body = read_json(TransferBody, data)
        answer = await office.pool.ask(
            lambda ledger: attempt.once(ledger, office.clock(), lambda: _take_in(office, ledger, visit, body, attempt)),
            actor=visit.principal.id,
        )
        return Response(answer.body, answer.status, media_type="application/json")

    return routes


def _take_in(office: Office, ledger: SqlLedger, visit: Visit, body: TransferBody, attempt: Attempt) -> Answer:
    settings = office.settings
    ground = _ground(body)
    record, published = unpacked_record(body.record, "/record"), Path(settings.published)
    arrival = read_arrival(record, office.registry.get(), published, settings.region, office.clock())
    answers: list[Answer] = []

    def keep(done: Completion) -> None:
        note_arrival(ledger, done, arrival, ground, People(visit.principal.id))
        answers.append(issued(ledger, done, settings.portal_host))
        attempt.finish(ledger, answers[0])

    with in_the_body():
        application = parse_application(body.application)
        require_same(arrival, application)
        kind = TypeBook(ledger.database).published(application.type_code)
        issuer = office.departments.issuer(ledger, visit.principal.department or "")
        require_alone(issuer)
        issue_one(ledger, issuer, Order(application, kind, {}, body.paper_serial), office.clock, also=keep)
    return answers[0]


def _ground(body: TransferBody) -> Ground:
    problems = tuple(text_problems(body.reason, body.legal_basis, body.document))
    if problems:
        raise IssuanceError(Reason.DECISION_INVALID, f"{len(problems)} problem(s) in the decision", problems)
    return Ground(body.reason, body.legal_basis, body.document)
