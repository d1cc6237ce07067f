"""The published folder over HTTP: plain Starlette routes, since every window asks them all day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from api.heads import LONGEST_WAIT
from ecert.web.problems import Code, FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from api.published_files import File
    from api.services import Services

MEDIA_TYPES: Final = {
    ".json": "application/json",
    ".bin": "application/cose",
    ".jwt": "application/statuslist+jwt",
    ".cwt": "application/statuslist+cwt",
}
_ASK_AGAIN: Final = "no-cache"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NUMBER: Final = re.compile(r"[0-9]{1,16}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def routes(services: Services) -> list[Route]:
    """Return the routes, the most specific first."""

    async def head(request: Request) -> Response:
        after, wait = _number(request, "after", 1 << 53), _number(request, "wait", LONGEST_WAIT + 1)
        return _answer(request, await services.heads.find(request.path_params["region"], after=after, wait=wait))

    async def proof(request: Request) -> Response:
        region, digest = request.path_params["region"], request.path_params["digest"]
        if not _DIGEST.fullmatch(digest):
            raise Problem(Code.NOT_FOUND)
        data = await services.ledgers.ask(lambda books: books.prove(region, bytes.fromhex(digest)))
        return Response(data, media_type=MEDIA_TYPES[".bin"], headers={"Cache-Control": _ASK_AGAIN})

    async def file(request: Request) -> Response:
        return _answer(request, await services.files.find(request.url.path.removeprefix("/")))

    return [
        _route("/status/{region}/head.json", head),
        _route("/status/{region}/issued/proofs/{digest}", proof),
        _route("/status/{path:path}", file),
        _route("/registry/{path:path}", file),
    ]


def _route(path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    """Make a route that names itself to whoever counts requests."""

    async def named(request: Request) -> Response:
        request.scope["route"] = route
        return await answer(request)

    route = Route(path, named, methods=["GET"])
    return route


def _number(request: Request, name: str, limit: int) -> int:
    """Return a number from the query; 0 when it is not there."""
    text = request.query_params.get(name, "0")
    if not _NUMBER.fullmatch(text) or int(text) >= limit:
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError(f"/{name}", f"a whole number below {limit}")])
    return int(text)


def _answer(request: Request, found: File | None) -> Response:
    """Answer with a file, or that the caller has it already."""
    if found is None:
        raise Problem(Code.NOT_FOUND)
    headers = {"ETag": found.tag, "Cache-Control": _FOR_EVER if found.for_ever else _ASK_AGAIN}
    tags = request.headers.get("if-none-match", "")
    if tags.strip() == "*" or found.tag in (tag.strip().removeprefix("W/") for tag in tags.split(",")):
        return Response(status_code=304, headers=headers)
    suffix = request.url.path[request.url.path.rfind(".") :]
    return Response(found.data, media_type=MEDIA_TYPES.get(suffix, "application/octet-stream"), headers=headers)
