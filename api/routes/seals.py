"""`/api/v1/seals`: the seal register of the region (《电子印章管理办法》)."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.access.guard import Visit
from api.ledger import SqlLedger
from api.office import Office
from api.routes.bodies import Body, json_body
from api.seal_register import MEDIA_TYPES, RegisteredSeal, SealAction, SealRegister
from ecert.revocation import MAX_DOCUMENT, MAX_REASON
from ecert.revocation.seal_list import MAX_CODE, SealEvent
from ecert.trust import Member
from ecert.web.problems import Code, Problem, read_json

_STATES: Final = "active 启用, suspended 停用, cancelled 已注销"


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("printable characters, no space at either end 可见字符，首尾无空格")
    return text


SealCode = Annotated[str, Path(min_length=1, max_length=MAX_CODE, description="印章编码", examples=["44000000000017"])]
Text = Annotated[str, AfterValidator(_printable)]


class BodyBody(BaseModel):
    """A body of the registry.

    Attributes:
        code: USCC.
        name: Its name.
    """

    code: str
    name: str


class SealEventBody(BaseModel):
    """A decision about a seal.

    Attributes:
        state: The state from `since` on.
        since: When it takes effect.
        decided_at: When it was decided.
        reason: Why.
        document: The number of the decision.
    """

    state: Annotated[str, Field(description=_STATES)]
    since: datetime
    decided_at: datetime
    reason: str
    document: str


class SealBody(BaseModel):
    """A seal.

    Attributes:
        code: 印章编码.
        name: What it says.
        kind: 1 法定名称章, 2 财务专用章, 3 发票专用章, 4 合同专用章, 5 名章.
        owner: Whose key may apply it.
        maker: Who made it.
        state: What it is now.
        not_before: The first instant at which it may be applied.
        not_after: The last.
        actions: What may be decided about it.
        history: What was, in order.
    """

    code: str
    name: str
    kind: int
    owner: BodyBody | None
    maker: BodyBody | None
    state: Annotated[str, Field(description=_STATES)]
    not_before: datetime
    not_after: datetime
    actions: list[SealAction]
    history: list[SealEventBody]


class SealListBody(BaseModel):
    """The register.

    Attributes:
        seals: All that the caller may see, by code.
    """

    seals: list[SealBody]


class SealDecisionBody(Body):
    """A decision about a seal; it is published with the next status, and binds from now on.

    Attributes:
        action: What is decided.
        reason: Why, in one sentence without personal data.
        document: The number of the decision's document.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"action": "suspend", "reason": "印章遗失，先行停用", "document": "样停〔2026〕1号"}]
        }
    )

    action: SealAction
    reason: Annotated[Text, Field(min_length=1, max_length=MAX_REASON)]
    document: Annotated[Text, Field(max_length=MAX_DOCUMENT)] = ""


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/seals", tags=["seals"])

    def register(ledger: SqlLedger, visit: Visit) -> SealRegister:
        return SealRegister(ledger.database, office.registry.get(), visit.scope)

    @routes.get("", operation_id="listSeals", summary="电子印章 The seal register")
    async def list_(visit: Annotated[Visit, Depends(office.guard("listSeals"))]) -> SealListBody:
        now = office.clock()
        found = await office.pool.ask(lambda ledger: register(ledger, visit).all(now))
        return SealListBody(seals=[_body(one) for one in found])

    @routes.get(
        "/{code}/picture",
        operation_id="readSealPicture",
        summary="印模 The picture of a seal",
        response_class=Response,
        responses={200: {"content": {kind: {} for kind in sorted(set(MEDIA_TYPES.values()))}}},
    )
    async def picture(visit: Annotated[Visit, Depends(office.guard("readSealPicture"))], code: SealCode) -> Response:
        now = office.clock()
        return picture_of(await office.pool.ask(lambda ledger: register(ledger, visit).find(code, now)))

    @routes.post(
        "/{code}/decisions",
        operation_id="decideSeal",
        summary="停用、启用、注销印章 Suspend, reinstate or cancel",
        openapi_extra=json_body(SealDecisionBody),
    )
    async def decide(
        visit: Annotated[Visit, Depends(office.guard("decideSeal"))], code: SealCode, request: Request
    ) -> SealBody:
        body, now = read_json(SealDecisionBody, await request.body()), office.clock()
        decided = await office.pool.ask(
            lambda ledger: register(ledger, visit).decide(code, body.action, body.reason, body.document, now),
            actor=visit.principal.id,
        )
        return _body(decided)

    return routes


def picture_of(one: RegisteredSeal) -> Response:
    """Return the picture of a seal as an answer.

    Raises:
        Problem: NOT_FOUND; it is of a kind that browsers do not show.
    """
    picture = one.seal.info.picture
    if picture.kind not in MEDIA_TYPES:
        raise Problem(Code.NOT_FOUND, f"the picture is of the kind {picture.kind}, which is not shown")
    return Response(picture.data, media_type=MEDIA_TYPES[picture.kind])


def _body(one: RegisteredSeal) -> SealBody:
    info = one.seal.info
    return SealBody(
        code=info.code,
        name=info.name,
        kind=info.kind,
        owner=_of(one.owner),
        maker=_of(one.maker),
        state=one.state.name.lower(),
        not_before=info.not_before,
        not_after=info.not_after,
        actions=one.actions(),
        history=[_event(event) for event in one.history],
    )


def _of(member: Member | None) -> BodyBody | None:
    return None if member is None else BodyBody(code=member.code, name=member.name)


def _event(event: SealEvent) -> SealEventBody:
    return SealEventBody(
        state=event.state.name.lower(),
        since=event.since,
        decided_at=event.decided_at,
        reason=event.reason,
        document=event.document,
    )
