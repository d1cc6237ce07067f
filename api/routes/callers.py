"""`/api/v1/callers`: who may call the service of a region."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field

from api.access.callers import MAX_NAME, Application, Caller, CallerBook, public_key_of
from api.access.guard import Visit
from api.access.principals import Kind, Role
from api.ledger import SqlLedger
from api.office import Office
from api.routes.bodies import Body, json_body
from ecert.web.problems import Code, FieldError, Problem, read_json

PATH = "/api/v1/callers"
MOST = 200
"""The most callers on a page."""
_Roles = Annotated[list[Annotated[Role, Field(strict=False)]], Field(min_length=1, max_length=len(Role))]
_Department = Annotated[str | None, Field(pattern="^[0-9A-Z]{18}$")]
_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_Rate = Annotated[int, Field(ge=1, le=1_000_000)]


class SystemBody(Body):
    """A system to be registered.

    Attributes:
        name: For people and the log.
        department: 统一社会信用代码; null for those of the region itself.
        roles: What it is there for.
        public_key: The SM2 key that it signs its requests with, PEM.
        rate: Requests a minute.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "样例市场监管业务系统",
                    "department": "11440000DEMX00001X",
                    "roles": ["issuer-clerk"],
                    "public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n",
                    "rate": 600,
                }
            ]
        }
    )

    name: _Name
    department: _Department = None
    roles: _Roles
    public_key: Annotated[str, Field(max_length=4096)]
    rate: _Rate = 600


class OperatorBody(Body):
    """A person to be registered.

    Attributes:
        name: Theirs.
        department: 统一社会信用代码; null for those of the region itself.
        roles: What they are there for.
        issuer: The identity provider where they sign in.
        subject: Who they are there (`sub`).
        rate: Requests a minute.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "王示例",
                    "department": "11440000DEMX00001X",
                    "roles": ["reviewer"],
                    "issuer": "https://id.example",
                    "subject": "4f1c2d",
                }
            ]
        }
    )

    name: _Name
    department: _Department = None
    roles: _Roles
    issuer: Annotated[str, Field(pattern=r"^https?://[!-~]{1,240}$")]
    subject: Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
    rate: _Rate = 600


class CallerBody(Body):
    """Somebody who is registered; `key_id` names a system's key, `issuer` an operator's provider."""

    id: str
    kind: Kind
    name: str
    department: str | None
    roles: list[Role]
    rate: int
    key_id: str
    issuer: str
    registered_at: datetime
    ended_at: datetime | None
    seen_at: datetime | None


class CallersBody(Body):
    """One page of callers; `next` is the cursor of the next, empty on the last."""

    callers: list[CallerBody]
    next: str


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["callers"])

    @routes.get(PATH, operation_id="listCallers", summary="接入方 Who may call")
    async def listed(
        visit: Annotated[Visit, Depends(office.guard("listCallers"))],
        cursor: Annotated[str, Query(pattern="^[a-z0-9-]{0,32}$")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    ) -> CallersBody:
        """Return them by identifier, those too whose access has ended."""
        found = await office.pool.ask(lambda ledger: _book(ledger, visit).page(cursor, limit + 1))
        following = found[limit - 1].principal.id if len(found) > limit else ""
        return CallersBody(callers=[_body(one) for one in found[:limit]], next=following)

    @routes.post(
        f"{PATH}/systems",
        status_code=201,
        operation_id="registerSystem",
        summary="登记业务系统 Register a system",
        openapi_extra=json_body(SystemBody),
    )
    async def add_system(
        request: Request, visit: Annotated[Visit, Depends(office.guard("registerSystem"))]
    ) -> CallerBody:
        """Register it; its key is no other's, now or before."""
        body = read_json(SystemBody, await request.body())
        key, new, now = public_key_of(body.public_key), _application(body), office.clock()
        return _body(
            await office.pool.ask(
                lambda ledger: _book(ledger, visit).register_system(new, key, now), actor=visit.principal.id
            )
        )

    @routes.post(
        f"{PATH}/operators",
        status_code=201,
        operation_id="registerOperator",
        summary="登记工作人员 Register a person",
        openapi_extra=json_body(OperatorBody),
    )
    async def add_operator(
        request: Request, visit: Annotated[Visit, Depends(office.guard("registerOperator"))]
    ) -> CallerBody:
        """Register them by who they are at an identity provider."""
        body = read_json(OperatorBody, await request.body())
        new, now = _application(body), office.clock()
        return _body(
            await office.pool.ask(
                lambda ledger: _book(ledger, visit).register_operator(new, body.issuer, body.subject, now),
                actor=visit.principal.id,
            )
        )

    @routes.post(f"{PATH}/{{key}}/end", status_code=204, operation_id="endCaller", summary="停用 End its access")
    async def end(key: str, visit: Annotated[Visit, Depends(office.guard("endCaller"))]) -> Response:
        """End a caller's access for good, its tokens and sessions with it; done twice, it is the same."""
        now = office.clock()
        await office.pool.ask(lambda ledger: _book(ledger, visit).end(key, now), actor=visit.principal.id)
        return Response(status_code=204)

    return routes


def _book(ledger: SqlLedger, visit: Visit) -> CallerBook:
    return CallerBook(ledger.database, visit.scope.region)


def _application(body: SystemBody | OperatorBody) -> Application:
    """Return who is to be registered.

    Raises:
        Problem: REQUEST_INVALID; a role stands twice.
    """
    if len(set(body.roles)) != len(body.roles):
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/roles", "each role once")])
    return Application(body.name, body.department, frozenset(body.roles), body.rate)


def _body(one: Caller) -> CallerBody:
    who = one.principal
    return CallerBody(
        id=who.id,
        kind=who.kind,
        name=who.name,
        department=who.department,
        roles=sorted(who.roles),
        rate=one.rate,
        key_id="" if one.key is None else one.key.key_id.hex(),
        issuer=one.issuer,
        registered_at=one.at,
        ended_at=one.ended_at,
        seen_at=one.seen_at,
    )
