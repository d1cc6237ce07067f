"""`/api/v1/types`: the catalogue of licence types (GB/T 36902), and the life of each version of one."""

import json
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.guard import Visit
from api.catalogue.content import TypeContent
from api.catalogue.editing import MAX_NOTE, Condition, TypeEditor
from api.catalogue.finding import Reader, TypeEvent, TypeVersion, find_version, list_events, list_types, list_versions
from api.catalogue.sample import draw_sample
from api.catalogue.sharing import Sharing
from api.catalogue.skeleton import NOTHING_SHARED, definition, layout
from api.catalogue.states import MOVES, TypeAction, TypeState
from api.catalogue.writing import write
from api.ledger import SqlLedger
from api.office import Office
from api.routes.bodies import Body, json_body
from ecert.licence.types import TypeDefinition
from ecert.ofd.layout import read_layout
from ecert.web.problems import read_json

PAGE: Final = 50
MAX_PAGE: Final = 200
_CODE: Final = "11440000DEMG100223001"
_EXAMPLE: Final[dict[str, Any]] = {
    "definition": definition(_CODE, "样例省市场监督管理局"),
    "layout": layout(_CODE),
    "sharing": {
        "regions": ["310000"],
        "budgets": [{"matter": None, "registry_max_age": 86400, "status_max_age": 3600}],
        "retention_days": 3650,
    },
}

Code = Annotated[str, Path(pattern=r"^[0-9A-Z]{18}[0-9]{3}$", examples=["11440000DEMG100223001"])]
Number = Annotated[int | None, Query(ge=1, le=65535, description="版本；默认最新 The version; by default the newest")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=256, description="读取时的 ETag The ETag that was read")
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=256, description="`*`：尚无此类型 There is no such type yet")
]


class TypeBody(Body):
    """A version of a type as it is handed in; `docs/types.md` and `docs/layouts.md` say what stands in it.

    Attributes:
        definition: Its definition; `basicInformation.version` is the version being written.
        layout: Its page.
        sharing: Regions, freshness and retention.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    definition: dict[str, Any]
    layout: dict[str, Any]
    sharing: Sharing = Field(default_factory=lambda: NOTHING_SHARED)


class NoteBody(Body):
    """Why something is done.

    Attributes:
        note: One sentence without personal data; required to return or disable a type.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "照面项缺少住所"}]})

    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class TypeSummary(BaseModel):
    """A type of the list, by its newest version.

    Attributes:
        code: 证照类型代码.
        name: Its name.
        name_en: The same in English.
        version: The newest version that the caller may see.
        state: Of that version.
        department: USCC of the department that edits it.
        authority: Who defines it.
        changed_at: When something last became of it.
    """

    code: str
    name: str
    name_en: str
    version: int
    state: TypeState
    department: str
    authority: str
    changed_at: datetime


class TypeList(BaseModel):
    """Types by code.

    Attributes:
        types: One page of them.
        next: The cursor of the next page; empty on the last.
    """

    types: list[TypeSummary]
    next: str


class VersionBody(BaseModel):
    """What there is of a type in one version.

    Attributes:
        version: Its number.
        state: Where it stands.
        changed_at: When something last became of it.
    """

    version: int
    state: TypeState
    changed_at: datetime


class EventBody(BaseModel):
    """What became of a version.

    Attributes:
        version: Its number.
        state: What it came to.
        at: When.
        by: Who did it, by identifier.
        note: Why.
    """

    version: int
    state: TypeState
    at: datetime
    by: str
    note: str


class TypeDetails(BaseModel):
    """One version of a type, and what there is of others.

    Attributes:
        definition: Its definition.
        layout: Its page.
        sharing: Regions, freshness and retention.
        code: 证照类型代码.
        version: Its number.
        state: Where it stands.
        department: USCC of the department that edits it.
        changed_at: When something last became of it.
        actions: What its state allows.
        versions: All versions that the caller may see, the newest first.
        history: What became of them, the newest first.
    """

    definition: dict[str, Any]
    layout: dict[str, Any]
    sharing: Sharing
    code: str
    version: int
    state: TypeState
    department: str
    changed_at: datetime
    actions: list[TypeAction]
    versions: list[VersionBody]
    history: list[EventBody]


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/types", tags=["types"])

    @routes.get("", operation_id="listTypes", summary="证照目录 The licence types of the region")
    async def list_(
        visit: Annotated[Visit, Depends(office.guard("listTypes"))],
        state: Annotated[TypeState | None, Query(description="只看此状态 Only these")] = None,
        cursor: Annotated[
            str, Query(pattern=r"^([0-9A-Z]{18}[0-9]{3})?$", description="上一页给出 As the last page says")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
    ) -> TypeList:
        reader = _reader(visit)
        found = await office.pool.ask(
            lambda ledger: list_types(ledger.database, reader, state, after=cursor, limit=limit + 1)
        )
        more = found[limit - 1].code if len(found) > limit else ""
        return TypeList(types=[_summary(one) for one in found[:limit]], next=more)

    @routes.get("/{code}", operation_id="readType", summary="读取证照类型 One type")
    async def read(
        visit: Annotated[Visit, Depends(office.guard("readType"))], answer: Response, code: Code, version: Number = None
    ) -> TypeDetails:
        return await office.pool.ask(lambda ledger: _details(ledger, _reader(visit), code, version, answer))

    @routes.get(
        "/{code}/preview",
        operation_id="previewType",
        summary="版面预览 A page with the examples of the definition",
        response_class=Response,
        responses={200: {"content": {"image/svg+xml": {}}}},
    )
    async def preview(
        visit: Annotated[Visit, Depends(office.guard("previewType"))], code: Code, version: Number = None
    ) -> Response:
        reader = _reader(visit)
        found = await office.pool.ask(lambda ledger: find_version(ledger.database, reader, code, version))
        drawn = await office.draw(lambda: _draw(found, office))
        return Response(drawn, media_type="image/svg+xml")

    @routes.put(
        "/{code}",
        operation_id="saveType",
        summary="暂存证照类型 Save a draft",
        openapi_extra=json_body(TypeBody),
        responses={201: {"model": TypeDetails, "description": "新的类型 A new type"}},
    )
    async def save(
        visit: Annotated[Visit, Depends(office.guard("saveType"))],
        request: Request,
        answer: Response,
        *,
        code: Code,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> TypeDetails:
        """Save the draft there is, or begin the first or the next version.

        Of a type that is there, `If-Match` carries the ETag of its newest version; of a new one, `If-None-Match: *`.
        """
        body = read_json(TypeBody, await request.body())
        content = TypeContent(write(body.definition), write(body.layout), body.sharing)
        condition = Condition(if_match, if_none_match)

        def work(ledger: SqlLedger) -> TypeDetails:
            editor = TypeEditor(ledger.database, visit.scope)
            saved = editor.save(code, content, condition, office.clock())
            answer.status_code = 201 if if_match is None else 200
            return _details(ledger, _reader(visit), code, saved.version, answer)

        return await office.pool.ask(work, actor=visit.principal.id)

    for action, operation, summary in _MOVES:
        routes.add_api_route(
            f"/{{code}}/{action}",
            _move(office, action, operation),
            methods=["POST"],
            operation_id=operation,
            summary=summary,
            openapi_extra=json_body(NoteBody),
        )
    return routes


_MOVES: Final = (
    (TypeAction.SUBMIT, "submitType", "送审 Hand in for review"),
    (TypeAction.PUBLISH, "publishType", "发布 Publish"),
    (TypeAction.RETURN, "returnType", "退回 Return to its department"),
    (TypeAction.DISABLE, "disableType", "停用 Disable"),
)


def _move(office: Office, action: TypeAction, operation: str) -> Any:
    """Return the route of an action."""

    async def move(
        visit: Annotated[Visit, Depends(office.guard(operation))],
        request: Request,
        answer: Response,
        *,
        code: Code,
        if_match: IfMatch = None,
    ) -> TypeDetails:
        body = read_json(NoteBody, await request.body())

        def work(ledger: SqlLedger) -> TypeDetails:
            editor = TypeEditor(ledger.database, visit.scope)
            moved = editor.move(code, action, Condition(if_match), office.clock(), note=body.note, fonts=office.fonts)
            return _details(ledger, _reader(visit), code, moved.version, answer)

        return await office.pool.ask(work, actor=visit.principal.id)

    return move


def _reader(visit: Visit) -> Reader:
    return Reader(visit.principal.department)


def _draw(found: TypeVersion, office: Office) -> bytes:
    definition = TypeDefinition.from_json(found.content.definition)
    return draw_sample(definition, read_layout(found.content.layout, definition), office.fonts)


def _summary(one: TypeVersion) -> TypeSummary:
    definition = TypeDefinition.from_json(one.content.definition)
    return TypeSummary(
        code=one.code,
        name=definition.name,
        name_en=definition.name_en,
        version=one.version,
        state=one.state,
        department=one.department,
        authority=definition.authority.name,
        changed_at=one.changed_at,
    )


def _details(ledger: SqlLedger, reader: Reader, code: str, version: int | None, answer: Response) -> TypeDetails:
    found = find_version(ledger.database, reader, code, version)
    seen = list_versions(ledger.database, reader, code)
    answer.headers["ETag"] = found.etag
    return TypeDetails(
        definition=json.loads(found.content.definition),
        layout=json.loads(found.content.layout),
        sharing=found.content.sharing,
        code=code,
        version=found.version,
        state=found.state,
        department=found.department,
        changed_at=found.changed_at,
        actions=[action for action, move in MOVES.items() if move.before is found.state],
        versions=[VersionBody(version=one.version, state=one.state, changed_at=one.changed_at) for one in seen],
        history=[_event(one) for one in list_events(ledger.database, seen)],
    )


def _event(one: TypeEvent) -> EventBody:
    return EventBody(version=one.version, state=one.state, at=one.at, by=one.by, note=one.note)
