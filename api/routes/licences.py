"""`/api/v1/licences`: issue one, find them again, hand out their files."""

from base64 import b64encode
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from api.access.guard import Visit
from api.catalogue.book import TypeBook
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.licences.book import MOST, Licence, LicenceBook, Question
from api.licences.files import FileName, hand_out, make_file
from api.licences.foreign import read_foreign
from api.licences.issuing import MAX_PAPER_SERIAL, Order, in_the_body, issue_one, require_alone
from api.licences.shown import shown
from api.licences.standing import Standing
from api.lifecycle.subjects import find_subject
from api.office import Office
from api.routes.bodies import Body, json_body, unpacked_record
from api.service_schema import licences
from ecert.issuance import SealedLicence
from ecert.licence.application import MAX_PARENTS, parse_application
from ecert.ports import Completion
from ecert.web.problems import read_json

PATH = "/api/v1/licences"
_EXAMPLE: dict[str, Any] = {
    "application": {
        "certificateTypeCode": "11100000MB0341032Y001",
        "certificateNumber": "91440106DEMX000498",
        "certificateHolderName": "广州示例智能制造有限公司",
        "certificateHolderCode": "91440106DEMX000498",
        "certificateHolderTypeCode": "001",
        "certificateEffectiveDate": "2026-01-15",
        "certificateExpiringDate": None,
        "certificateAreaCode": "440106",
        "extendInfo": {
            "creditCode": "91440106DEMX000498",
            "enterpriseType": "有限责任公司（自然人独资）",
            "legalRepresentative": "王示例",
            "establishmentDate": "2026-01-15",
            "businessTerm": "长期",
            "domicile": "广东省广州市天河区示例路408号",
            "businessScope": "虚构软件开发；示例设备制造。",
            "registrationAuthority": "广东省样例市场监督管理局",
            "registrationDate": "2026-01-15",
        },
    },
    "paper_serial": "粤A00012345",
}
_Base64 = Annotated[str, Field(max_length=64 * 1024)]


class IssueBody(Body):
    """What is to be issued.

    Attributes:
        application: 申请数据, by the English names of GB/T 36903 (`docs/types.md`).
        parents: Sealed records of licences of other regions that it depends on, base64.
        paper_serial: 纸质证照印制号; empty where there is no paper.
        file: Whether it gets a sealed OFD file, where its department has a seal.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    application: dict[str, Any]
    parents: Annotated[tuple[_Base64, ...], Field(max_length=MAX_PARENTS)] = ()
    paper_serial: Annotated[str, Field(max_length=MAX_PAPER_SERIAL)] = ""
    file: bool = True


class SearchBody(Body):
    """What is looked for, by whole values: none of it ever stands in an address.

    Attributes:
        number: 证照编号.
        holder_code: 持证主体代码.
        type: 证照类型代码.
        state: What the licence is now.
        issued_from: The first day of sealing, in China.
        issued_to: The last.
        cursor: `next` of the page before; empty for the first.
        limit: The most licences on a page.
    """

    number: Annotated[str, Field(max_length=128)] = ""
    holder_code: Annotated[str, Field(max_length=256)] = ""
    type: Annotated[str, Field(max_length=21)] = ""
    state: Annotated[Standing | None, Field(strict=False)] = None
    issued_from: Annotated[date | None, Field(strict=False)] = None
    issued_to: Annotated[date | None, Field(strict=False)] = None
    cursor: Annotated[str, Field(max_length=300)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class IssuedBody(BaseModel):
    """A licence just issued: `record` is the sealed record, base64; `code` the text of its QR code."""

    key: str
    identifier: str
    issued_at: datetime
    record: str
    code: str
    files: dict[str, str]


class LicenceBody(BaseModel):
    """A licence as lists show it: number and holder masked where it is a person's."""

    key: str
    identifier: str
    type: str
    version: int
    department: str
    number: str
    holder: str
    effective: date
    expiring: date | None
    issued_at: datetime
    state: Standing
    paper_serial: str
    files: dict[str, str]


class FoundBody(BaseModel):
    """One page of licences; `next` is the cursor of the next, empty on the last."""

    licences: list[LicenceBody]
    next: str


def addresses(key: str, *, file: bool) -> dict[str, str]:
    """Return the addresses of a licence's files by their kinds."""
    names = {"record": FileName.RECORD, "code": FileName.CODE}
    if file:
        names |= {"ofd": FileName.OFD, "picture": FileName.PICTURE, "pixels": FileName.PIXELS}
    return {kind: f"{PATH}/{key}/{name.value}" for kind, name in names.items()}


def body_of(licence: Licence, *, file: bool = True) -> LicenceBody:
    """Return a licence as it goes over the wire."""
    number, holder = shown(licence.summary)
    return LicenceBody(
        key=licence.key,
        identifier=licence.identifier.text,
        type=licence.identifier.type_code,
        version=licence.identifier.version,
        department=licence.department,
        number=number,
        holder=holder,
        effective=licence.effective,
        expiring=licence.expiring,
        issued_at=licence.issued_at,
        state=licence.standing,
        paper_serial=licence.paper_serial,
        files=addresses(licence.key, file=file),
    )


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["licences"])

    @routes.post(
        PATH,
        status_code=201,
        operation_id="issueLicence",
        summary="制发一份证照 Issue one licence: record, file and code",
        response_model=IssuedBody,
        openapi_extra=json_body(IssueBody),
    )
    async def issue(
        request: Request,
        visit: Annotated[Visit, Depends(office.guard("issueLicence"))],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Issue it, once: the same request again, under the same key, is answered as the first time."""
        data = await request.body()
        attempt = Attempt.of(visit.principal.id, idempotency_key, "POST", PATH, data)
        body = read_json(IssueBody, data)
        answer = await office.pool.ask(
            lambda ledger: attempt.once(ledger, office.clock(), lambda: _issue(office, ledger, visit, body, attempt)),
            actor=visit.principal.id,
        )
        return Response(answer.body, answer.status, media_type="application/json")

    @routes.post(
        f"{PATH}/search",
        operation_id="findLicences",
        summary="查询证照 Find licences",
        openapi_extra=json_body(SearchBody),
    )
    async def search(request: Request, visit: Annotated[Visit, Depends(office.guard("findLicences"))]) -> FoundBody:
        """Find a department's licences by whole values, the newest first; that a holder was looked up is logged."""
        body = read_json(SearchBody, await request.body())
        asked = Question(body.number, body.holder_code, body.type, body.state, body.issued_from, body.issued_to)
        found, following = await office.pool.ask(
            lambda ledger: LicenceBook(ledger, visit.scope, office.clock()).look_up(asked, body.cursor, body.limit),
            actor=visit.principal.id,
        )
        return FoundBody(licences=[body_of(one) for one in found], next=following)

    @routes.get(f"{PATH}/{{key}}", operation_id="readLicence", summary="证照信息 One licence")
    async def read(
        key: str, response: Response, visit: Annotated[Visit, Depends(office.guard("readLicence"))]
    ) -> LicenceBody:
        """Return what a list says of it; its ETag changes with every decision about it."""

        def look(ledger: SqlLedger) -> tuple[Licence, str]:
            tag = find_subject(ledger, visit.scope, key).etag
            return LicenceBook(ledger, visit.scope, office.clock()).find(key), tag

        found, tag = await office.pool.ask(look)
        response.headers["ETag"] = f'"{tag}"'
        return body_of(found)

    @routes.get(
        f"{PATH}/{{key}}/{{name}}",
        operation_id="readLicenceFile",
        summary="证照文件 A file of a licence",
        response_class=Response,
    )
    async def file(
        key: str, name: FileName, visit: Annotated[Visit, Depends(office.guard("readLicenceFile"))]
    ) -> Response:
        """Return a file; that it was handed out is logged."""

        def take(ledger: SqlLedger) -> SealedLicence:
            return hand_out(ledger, LicenceBook(ledger, visit.scope, office.clock()), key, name)

        sealed = await office.pool.ask(take, actor=visit.principal.id)
        made = await office.draw(lambda: make_file(sealed, name, office.settings.portal_host, office.fonts))
        return Response(made.data, media_type=made.media_type)

    return routes


def _issue(office: Office, ledger: SqlLedger, visit: Visit, body: IssueBody, attempt: Attempt) -> Answer:
    answers: list[Answer] = []

    def keep(done: Completion) -> None:
        answers.append(issued(ledger, done, office.settings.portal_host))
        attempt.finish(ledger, answers[0])

    with in_the_body():
        order = _order(office, ledger, body)
        issuer = office.departments.issuer(ledger, visit.principal.department or "")
        require_alone(issuer)
        if not body.file:
            issuer = replace(issuer, files=None)
        issue_one(ledger, issuer, order, office.clock, also=keep)
    return answers[0]


def _order(office: Office, ledger: SqlLedger, body: IssueBody) -> Order:
    application = parse_application(body.application)
    kind = TypeBook(ledger.database).published(application.type_code)
    registry = office.registry.get()
    texts = enumerate(body.parents)
    parents = [read_foreign(unpacked_record(text, f"/parents/{number}"), registry) for number, text in texts]
    return Order(application, kind, {one.identifier: one for one in parents}, body.paper_serial)


def issued(ledger: SqlLedger, done: Completion, portal_host: str) -> Answer:
    """Return what is answered about a licence just issued, in the transaction that completes it."""
    query = select(licences.c.key).where(licences.c.identifier == done.identifier.text)
    key = ledger.database.run(query).scalar_one()
    sealed = SealedLicence(done.identifier, done.record, done.face, done.file)
    body = IssuedBody(
        key=key,
        identifier=done.identifier.text,
        issued_at=done.at.replace(microsecond=0),
        record=b64encode(done.record).decode(),
        code=sealed.text(portal_host),
        files=addresses(key, file=done.file is not None),
    )
    return Answer(201, body.model_dump_json().encode())
