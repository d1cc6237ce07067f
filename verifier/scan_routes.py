"""The addresses of the scan page and the public page."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from ecert.errors import EcertError, Reason, UndeterminedError
from ecert.web.display import Display
from ecert.web.problems import Code, Problem
from ecert.wording import Wording, words
from verifier.desk import BusyError
from verifier.details import detail_of
from verifier.drawings import Drawings
from verifier.intake import NotTakenError
from verifier.offline import BrowserBundle
from verifier.origin import ELSEWHERE, is_ours
from verifier.page import DISPLAY_COOKIE
from verifier.scans import Scan, Scans
from verifier.sighting_view import view

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import FastAPI
    from starlette.datastructures import FormData

    from verifier.intake import Intake, Sighting
    from verifier.services import Services

FRAMES: Final = "/frames"
MAX_FRAME: Final = 1024 * 1024
"""The most bytes of one frame of a camera."""

_STATIC: Final = Path(__file__).parent / "static"
_PAGE: Final = re.compile(r"/(?:public|(?:matters|cases|acceptances|statistics)(?:/[A-Za-z0-9_-]{1,128}){0,2})")
"""Where the size of the text is changed, besides the scan page."""
_MAX_TYPED: Final = 64 * 1024
_NOTHING: Final = Wording(
    "没有收到要核验的内容", "Nothing came to be verified", "请扫描二维码或选择图片", "Scan a code or choose a picture"
)
_TELLING: Final = (Reason.CODE_USED, Reason.CODE_EXPIRED)
"""Refusals of which the clerk is told when and where."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a form came to: sightings, or a notice, what exactly it is about, and the HTTP status that goes with it."""

    sightings: tuple[Sighting, ...] = ()
    notice: Wording | None = None
    detail: str = ""
    status: int = 200
    refusal: str = ""
    """As what a code that was refused, or could not be asked about, is counted."""


def add_scanning(app: FastAPI, services: Services) -> None:
    """Add the pages to a window's application."""
    _Routes(services).add_to(app)


class _Routes:
    def __init__(self, services: Services) -> None:
        self._intake = services.intake
        self._public_intake = services.intake.without_redeemer()
        self._page = services.page
        self._clock = services.keeper.clock
        self._scans = Scans()
        self._drawings = Drawings()
        self._desk = services.desk
        self._bundle = BrowserBundle(services.keeper)

    def add_to(self, app: FastAPI) -> None:
        for path, method, answer in (
            ("/", "GET", self.show),
            ("/", "POST", self.check),
            ("/shell", "GET", self.shell),
            ("/lights", "GET", self.lights),
            ("/display", "POST", self.display),
            ("/drawings/{name}", "GET", self.drawing),
            (FRAMES, "POST", self.frame),
            ("/worker.js", "GET", self.worker),
            ("/offline/bundle.json", "GET", self.bundle),
            ("/public", "GET", self.show_public),
            ("/public", "POST", self.check_public),
        ):
            app.add_api_route(path, answer, methods=[method], include_in_schema=False, response_model=None)

    async def show(self, request: Request) -> Response:
        return self._respond(request)

    async def shell(self, request: Request) -> Response:
        """Return the page as a browser may keep it: with nothing on it that was scanned."""
        return HTMLResponse(self._page.scan(None, _display(request)))

    async def lights(self, _: Request) -> Response:
        return HTMLResponse(self._page.lights())

    async def check(self, request: Request) -> Response:
        seen = await _see(request, self._intake)
        for one in seen.sightings:
            self._scans.add(_scan(one, self._clock()))
        if seen.refusal and seen.notice is not None:
            self._scans.add(Scan(self._clock(), seen.refusal, "", "", "", seen.notice.zh))
        shown = [(one, self._picture(one)) for one in seen.sightings]
        return self._respond(request, seen.status, sightings=shown, notice=seen.notice, detail=seen.detail)

    def _respond(self, request: Request, status: int = 200, **content: Any) -> HTMLResponse:
        return HTMLResponse(self._page.scan(self._scans, _display(request), **content), status)

    def _picture(self, sighting: Sighting) -> str | None:
        file = sighting.file
        return None if file is None or file.package is None else self._drawings.keep(file.package)

    async def drawing(self, request: Request) -> Response:
        data = await asyncio.to_thread(self._drawings.draw, request.path_params["name"])
        if data is None:
            raise Problem(Code.NOT_FOUND)
        return Response(data, media_type="image/png")

    async def frame(self, request: Request) -> Response:
        """Return the text of the code in a frame of a camera; null where there is none."""
        try:
            read = await self._desk.read_picture(await request.body())
        except BusyError:
            raise Problem(Code.BUSY, headers={"Retry-After": "1"}) from None
        return JSONResponse({"text": read if isinstance(read, str) else None})

    async def worker(self, _: Request) -> Response:
        return FileResponse(_STATIC / "worker.js", media_type="text/javascript")

    async def bundle(self, request: Request) -> Response:
        """Return what a browser keeps, unless it has that already."""
        content, tag = await self._bundle.current()
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    async def display(self, request: Request) -> Response:
        """Turn to the elder mode, or back, and return to the page that it was asked from."""
        if not is_ours(request):
            return self._respond(request, 403, notice=ELSEWHERE)
        async with request.form(max_files=0, max_fields=2, max_part_size=_MAX_TYPED) as form:
            size, page = str(form.get("size")), str(form.get("page"))
        answer = RedirectResponse(page if _PAGE.fullmatch(page) else "/", 303)
        display = Display.read(size)
        if display.elder:
            answer.set_cookie(DISPLAY_COOKIE, display.name, max_age=365 * 86400, httponly=True, samesite="strict")
        else:
            answer.delete_cookie(DISPLAY_COOKIE)
        return answer

    async def show_public(self, request: Request) -> Response:
        return HTMLResponse(self._page.public(_display(request)))

    async def check_public(self, request: Request) -> Response:
        seen = await _see(request, self._public_intake)
        sighting = seen.sightings[0] if seen.sightings else None
        return HTMLResponse(self._page.public(_display(request), sighting=sighting, notice=seen.notice), seen.status)


def _display(request: Request) -> Display:
    return Display.read(request.cookies.get(DISPLAY_COOKIE))


async def _see(request: Request, intake: Intake) -> _Seen:
    """Return what a page's form comes to, or why it cannot be taken."""
    if not is_ours(request):
        return _Seen(notice=ELSEWHERE, status=403)
    try:
        async with request.form(max_files=1, max_fields=4, max_part_size=_MAX_TYPED) as form:
            return _Seen(await _take(form, intake))
    except (BusyError, NotTakenError, EcertError, HTTPException) as error:
        return _explained(error)


async def _take(form: FormData, intake: Intake) -> tuple[Sighting, ...]:
    picture, typed = form.get("picture"), form.get("text")
    if isinstance(picture, UploadFile) and picture.size:
        return await intake.see_file(await picture.read())
    if isinstance(typed, str) and typed.strip():
        return await intake.see_text(typed)
    raise NotTakenError(_NOTHING)


def _explained(error: Exception) -> _Seen:
    match error:
        case BusyError():
            return _Seen(notice=Problem(Code.BUSY).words, status=503)
        case NotTakenError():
            return _Seen(notice=error.words)
        case EcertError():
            detail = detail_of(error) if error.reason in _TELLING else ""
            refusal = "undetermined" if isinstance(error, UndeterminedError) else "unread"
            return _Seen(notice=words(error.reason), detail=detail, refusal=refusal)
        case HTTPException():
            problem = error if isinstance(error, Problem) else Problem(Code.REQUEST_INVALID)
            return _Seen(notice=problem.words, status=error.status_code)
        case _:
            raise error


def _scan(sighting: Sighting, now: datetime) -> Scan:
    """Return what of a sighting is told again: names as they were shown, masked."""
    shown = view(sighting)
    licence = shown["licence"]
    return Scan(
        at=now,
        kind=shown["kind"],
        title="" if licence is None else licence["type"]["name"] or licence["type"]["code"],
        holder="" if licence is None else licence["holder_name"] or "",
        region="" if licence is None else licence["issuer"]["region_name"],
        sentence=shown["words"].zh,
    )
