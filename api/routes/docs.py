"""`GET /api/v1/docs`: the OpenAPI as a page, made here: an intranet has no CDN to load a viewer from."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.permissions import PERMISSIONS
from api.console.views.frame import Role
from api.console.views.interface import Chapter, Content, InterfacePage, Parameter, Route
from api.interface import PROBLEM, operations
from api.office import Office
from ecert.licence.codes import Phrase

_REFERENCE = "#/components/schemas/"
_CHAPTERS = {
    "tokens": Phrase("Tokens", "访问令牌"),
    "licences": Phrase("Licences", "证照"),
    "proposals": Phrase("Review by a second person", "双人复核"),
    "batches": Phrase("Batches", "批量制发"),
    "showings": Phrase("Showing, consent and use", "出示、授权与用证"),
    "holder": Phrase("Holders", "持证主体"),
    "portals": Phrase("Portals of other regions", "外地门户"),
    "types": Phrase("Catalogue", "证照目录"),
    "seals": Phrase("Seals", "电子印章"),
    "overview": Phrase("Overview", "总览"),
    "callers": Phrase("Callers", "接入方"),
    "audit": Phrase("Audit", "操作审计"),
    "receipts": Phrase("Receipts of windows", "窗口回执"),
}


def router(office: Office) -> APIRouter:
    """Return the route."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/api/v1/docs")
    async def docs(request: Request) -> Response:
        console = office.console
        return console.page(console.nobody(), interface_page(request.app.openapi()))

    return routes


def interface_page(description: dict[str, Any]) -> InterfacePage:
    """Return the page of an OpenAPI description."""
    schemas = description["components"]["schemas"]
    found: dict[str, list[Route]] = {}
    for path, method, operation in operations(description):
        route = _route(path, method.upper(), operation, schemas)
        found.setdefault(operation.get("tags", [""])[0], []).append(route)
    order = sorted(found, key=lambda tag: list(_CHAPTERS).index(tag) if tag in _CHAPTERS else len(_CHAPTERS))
    chapters = (Chapter(tag, _CHAPTERS.get(tag, Phrase("", tag)), tuple(found[tag])) for tag in order)
    return InterfacePage(tuple(chapters), _json(PROBLEM["example"]))


def _route(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Route:
    name = operation["operationId"]
    held = {role.value for role in PERMISSIONS.get(name, ())}
    answers = ((status, one) for status, one in operation["responses"].items() if not status.endswith("XX"))
    return Route(
        name=name,
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", "").partition("\n\n")[0],
        roles=tuple(role for role in Role if role.value in held),
        parameters=tuple(_parameter(one, schemas) for one in operation.get("parameters", ())),
        bodies=tuple(_contents("", operation.get("requestBody", {}), schemas)),
        answers=tuple(one for status, said in answers for one in _contents(status, said, schemas)),
    )


def _parameter(one: dict[str, Any], schemas: dict[str, Any]) -> Parameter:
    about = one.get("description", "")
    schema = {name: value for name, value in _whole(one["schema"], schemas).items() if name != "title"}
    return Parameter(one["name"], one["in"], one.get("required", False), json.dumps(schema, ensure_ascii=False), about)


def _contents(status: str, said: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Content]:
    kinds = said.get("content", {})
    if status and not kinds:
        yield Content(status, "—")
    for media_type, one in kinds.items():
        schema = _whole(one.get("schema", {}), schemas)
        example = one.get("example") or next(iter(schema.get("examples", ())), schema.get("example"))
        yield Content(status, media_type, _json(schema), _json(example))


def _whole(node: Any, schemas: dict[str, Any]) -> Any:
    """Return a schema with what it refers to in its place; none here refers to itself."""
    if isinstance(node, list):
        return [_whole(one, schemas) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _whole(schemas[node["$ref"].removeprefix(_REFERENCE)], schemas)
    return {name: _whole(one, schemas) for name, one in node.items()}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
