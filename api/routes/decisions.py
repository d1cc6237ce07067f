"""`/api/v1/licences/{key}/decisions` and `/versions`: what becomes of a licence."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access.guard import Visit
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.licences.issuing import MAX_PAPER_SERIAL
from api.lifecycle.actions import Action
from api.lifecycle.desk import Decided, LifeCycleDesk, Outcome
from api.lifecycle.house import house_of
from api.lifecycle.motions import Motion
from api.office import Office
from api.routes.bodies import Body, json_body
from api.routes.licences import PATH
from ecert.revocation import MAX_DOCUMENT, MAX_REASON, ReasonCode, State
from ecert.web.problems import read_json

_WHY: dict[str, Any] = {
    "reason": "立案调查期间暂扣",
    "legal_basis": "《中华人民共和国行政许可法》第六十九条",
    "document": "样市监决字〔2026〕第 0317 号",
}
_SUSPEND: dict[str, Any] = {
    "action": "suspend",
    "reason_code": "under-investigation",
    "until": "2026-12-25T00:00:00+08:00",
} | _WHY
_RENEW: dict[str, Any] = {
    "action": "renew",
    "reason_code": "renewed",
    "reason": "有效期届满前申请延续",
    "legal_basis": "《中华人民共和国行政许可法》第五十条",
    "document": "样市监延字〔2026〕第 0021 号",
    "paper_serial": "粤A00012346",
    "application": {
        "certificateTypeCode": "11100000MB0341032Y001",
        "certificateNumber": "91440106DEMX000498",
        "certificateHolderName": "广州示例智能制造有限公司",
        "certificateHolderCode": "91440106DEMX000498",
        "certificateHolderTypeCode": "001",
        "certificateEffectiveDate": "2026-01-15",
        "certificateExpiringDate": None,
        "certificateAreaCode": "440106",
        "extendInfo": {},
    },
}
_Sentence = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
_Document = Annotated[str, Field(min_length=1, max_length=MAX_DOCUMENT)]
_Paper = Annotated[str, Field(max_length=MAX_PAPER_SERIAL)]
_Decision = Literal[
    Action.SUSPEND,
    Action.REINSTATE,
    Action.TRANSFER,
    Action.MARK_LOST,
    Action.CANCEL,
    Action.WITHDRAW,
    Action.REVOKE,
]
_Version = Literal[Action.CHANGE, Action.RENEW, Action.REISSUE]
_Name = Annotated[str | None, Header(description="Names the operation, 8 to 64 visible ASCII characters")]
_Tag = Annotated[str | None, Header(description="The licence's ETag when it was looked at")]


class _Why(Body):
    reason_code: ReasonCode
    reason: _Sentence
    legal_basis: _Sentence
    document: _Document
    effective_at: AwareDatetime | None = None


class DecisionBody(_Why):
    """What is to be decided. Reason, legal basis and document number are published: nothing personal goes there.

    Attributes:
        action: 暂扣、恢复、转出、挂失、注销、撤销、吊销.
        reason_code: 事由代码.
        reason: 事由, one sentence.
        legal_basis: 法律依据, the law and its article.
        document: 文号.
        effective_at: 生效时间; left out: at once.
        until: 暂扣至, of a suspension that ends by itself.
        target_region: 转往地区, of a transfer, six digits.
        paper_serial: 纸质证照印制号 of the paper that was lost.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_SUSPEND]})

    action: _Decision
    until: AwareDatetime | None = None
    target_region: Annotated[str, Field(pattern=r"^(?:[0-9]{6})?$")] = ""
    paper_serial: _Paper = ""


class VersionBody(_Why):
    """What a new version says, and why there is one.

    Attributes:
        action: 变更、延续、补发.
        reason_code: 事由代码.
        reason: 事由, one sentence.
        legal_basis: 法律依据, the law and its article.
        document: 文号.
        effective_at: 生效时间; left out: on the new version's first day in force, or at once when that is past.
        paper_serial: 纸质证照印制号 of the paper that comes with it; empty where none does.
        application: The whole application, as to issue a licence.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_RENEW]})

    action: _Version
    paper_serial: _Paper = ""
    application: dict[str, Any]


class VersionMade(BaseModel):
    """The version that took a licence's place."""

    key: str
    identifier: str
    version: int


class DecidedBody(BaseModel):
    """What was decided, and is recorded; published with the next status list.

    Attributes:
        key: Names the licence in addresses.
        identifier: 证照标识.
        state: What it is from `since` on.
        since: When that takes effect.
        until: When it ends by itself.
        version: What takes its place.
    """

    key: str
    identifier: str
    state: str
    since: datetime
    until: datetime | None
    version: VersionMade | None


class ProposedBody(BaseModel):
    """What waits for a second person: the key of the proposal, and its address."""

    proposal: str
    address: str


PROPOSALS = "/api/v1/proposals"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"model": ProposedBody, "description": "提交复核 Waits for a second person"}
}


def _answer(outcome: Outcome) -> Answer:
    """Return what a motion is answered: 201 where it was decided, 202 where it waits."""
    if not isinstance(outcome, Decided):
        waits = ProposedBody(proposal=outcome.key, address=f"{PROPOSALS}/{outcome.key}")
        return Answer(202, waits.model_dump_json().encode())
    decision, made = outcome.decision, outcome.version
    version = None
    if made is not None:
        version = VersionMade(key=made.key, identifier=made.identifier.text, version=made.identifier.version)
    body = DecidedBody(
        key=outcome.subject.key,
        identifier=outcome.subject.identifier.text,
        state=State(decision.state).name.lower(),
        since=decision.since,
        until=decision.until,
        version=version,
    )
    return Answer(201, body.model_dump_json().encode())


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["licences"])
    house = house_of(office)

    async def take(request: Request, visit: Visit, name: str | None, tag: str | None, body: _Why) -> Response:
        attempt = Attempt.of(visit.principal.id, name, "POST", request.url.path, await request.body())
        motion = Motion(**body.model_dump())
        about = None if tag is None else tag.strip('"')

        def answer(ledger: SqlLedger) -> Answer:
            answers: list[Answer] = []

            def keep(outcome: Outcome) -> None:
                answers.append(_answer(outcome))
                attempt.finish(ledger, answers[0])

            LifeCycleDesk(house, ledger, visit).take(request.path_params["key"], motion, keep, about)
            return answers[0]

        made = await office.pool.ask(
            lambda ledger: attempt.once(ledger, office.clock(), lambda: answer(ledger)), actor=visit.principal.id
        )
        return Response(made.body, made.status, media_type="application/json")

    @routes.post(
        f"{PATH}/{{key}}/decisions",
        status_code=201,
        operation_id="decideLicence",
        summary="暂扣、恢复、转出、挂失、注销、撤销、吊销 Decide what becomes of a licence",
        response_model=DecidedBody,
        responses=_RESPONSES,
        openapi_extra=json_body(DecisionBody),
    )
    async def decide(
        request: Request,
        key: Annotated[str, Path(max_length=32)],  # noqa: ARG001  (of the address)
        visit: Annotated[Visit, Depends(office.guard("decideLicence"))],
        idempotency_key: _Name = None,
        if_match: _Tag = None,
    ) -> Response:
        """Decide at once (201); or, what ends it for good, propose it to a second person (202)."""
        body = read_json(DecisionBody, await request.body())
        return await take(request, visit, idempotency_key, if_match, body)

    @routes.post(
        f"{PATH}/{{key}}/versions",
        status_code=201,
        operation_id="changeLicence",
        summary="变更、延续、补发 Issue a new version, which takes the licence's place",
        response_model=DecidedBody,
        responses=_RESPONSES,
        openapi_extra=json_body(VersionBody),
    )
    async def change(
        request: Request,
        key: Annotated[str, Path(max_length=32)],  # noqa: ARG001  (of the address)
        visit: Annotated[Visit, Depends(office.guard("changeLicence"))],
        idempotency_key: _Name = None,
        if_match: _Tag = None,
    ) -> Response:
        """Seal the new version and end the old one in one step; or propose it, where one person may seal nothing."""
        body = read_json(VersionBody, await request.body())
        return await take(request, visit, idempotency_key, if_match, body)

    return routes
