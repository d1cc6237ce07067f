"""The addresses of the pages. There is no session and no cookie: a case is known by an address that nobody can guess.

Another site cannot send these forms: what a browser says comes from elsewhere is refused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile

from ecert.cli.pixels import SIGNATURES
from ecert.errors import EcertError, MalformedError, NotFoundError, Reason
from ecert.matter import resolve
from ecert.presentation import Way
from ecert.wording import Wording, words
from verifier.desk import BusyError
from verifier.keystrokes import undo_keyboard
from verifier.matters.drafts import Presented
from verifier.matters.forms import FormError, declare, read_applicant, read_consent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.datastructures import FormData

    from verifier.desk import Desk
    from verifier.matters.drafts import Draft
    from verifier.matters.office import Office
    from verifier.matters.pages import MatterPages

_MAX_FIELDS: Final = 16
_MAX_PART: Final = 64 * 1024
_ELSEWHERE: Final = Wording(
    "请求来自其他网站，已拒绝", "Another site sent the form", "请在本窗口页面上操作", "Use the pages of this window"
)
_BUSY: Final = Wording("图片太多，请稍候再试", "Too many pictures wait", "几秒后重试", "Try again in a few seconds")


def add_matters(app: FastAPI, office: Office, pages: MatterPages, desk: Desk) -> None:
    """Add the pages to a window's application."""
    _Routes(office, pages, desk).add_to(app)


class _Routes:
    def __init__(self, office: Office, pages: MatterPages, desk: Desk) -> None:
        self._office = office
        self._pages = pages
        self._desk = desk

    def add_to(self, app: FastAPI) -> None:
        for path, method, answer in (
            ("/matters", "GET", self.matters),
            ("/matters/{item_code}", "GET", self.begin),
            ("/matters/{item_code}", "POST", self.open),
            ("/cases/{case_id}", "GET", self.case),
            ("/cases/{case_id}/licences", "POST", self.present),
            ("/cases/{case_id}/consent", "POST", self.consent),
            ("/cases/{case_id}/materials/{code}", "POST", self.declare),
            ("/cases/{case_id}/acceptance", "POST", self.accept),
            ("/acceptances/{number}", "GET", self.slip),
            ("/acceptances/{number}/receipt", "GET", self.receipt),
            ("/statistics", "GET", self.statistics),
        ):
            app.add_api_route(
                path, self._guarded(answer), methods=[method], include_in_schema=False, response_model=None
            )

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Answer every error of ours as a page; refuse forms of other sites."""

        async def guarded(request: Request) -> Response:
            if request.method == "POST" and not _is_ours(request):
                return HTMLResponse(self._pages.problem(_ELSEWHERE), 403)
            try:
                return await answer(request)
            except NotFoundError as error:
                return HTMLResponse(self._pages.problem(words(error.reason)), 404)
            except BusyError:
                return HTMLResponse(self._pages.problem(_BUSY), 503)
            except EcertError as error:
                return HTMLResponse(self._pages.problem(words(error.reason)), 409)

        return guarded

    async def matters(self, _: Request) -> Response:
        return HTMLResponse(self._pages.matters(self._office.matters()))

    async def begin(self, request: Request) -> Response:
        return HTMLResponse(self._pages.begin(self._office.taken(request.path_params["item_code"])))

    async def open(self, request: Request) -> Response:
        matter = self._office.taken(request.path_params["item_code"])
        async with _form(request) as form:
            try:
                operator, applicant, agent = read_applicant(form)
                draft = self._office.open(matter, operator, applicant, agent)
            except EcertError as error:
                return HTMLResponse(self._pages.begin(matter, words(error.reason), _what(error)), 400)
        return _see(f"/cases/{draft.id}")

    async def case(self, request: Request) -> Response:
        """Return a case; of one that was accepted, its slip: that is where the back button leads."""
        filed = await asyncio.to_thread(self._office.register.of_case, request.path_params["case_id"])
        if filed is not None:
            return _see(f"/acceptances/{filed.number}")
        return await self._page(self._draft(request))

    def _draft(self, request: Request) -> Draft:
        return self._office.drafts.find(request.path_params["case_id"], self._office.now())

    async def _page(self, draft: Draft, error: EcertError | None = None) -> Response:
        case = await self._office.case(draft)
        notice, detail = (None, "") if error is None else (words(error.reason), _what(error))
        page = self._pages.case(draft, case, resolve(case), notice, detail)
        return HTMLResponse(page, 200 if error is None else 400)

    async def _work(self, request: Request, change: Callable[[Draft, FormData], Awaitable[None]]) -> Response:
        """Change a case by a form; what is wrong with the form is said on the case's own page."""
        draft = self._draft(request)
        async with _form(request) as form:
            try:
                await change(draft, form)
            except NotFoundError:
                raise
            except EcertError as error:
                return await self._page(draft, error)
        return _see(f"/cases/{draft.id}")

    async def present(self, request: Request) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            await self._office.present(draft, await self._presented(form))

        return await self._work(request, change)

    async def _presented(self, form: FormData) -> Presented:
        file, typed = form.get("file"), form.get("text")
        if isinstance(file, UploadFile) and file.size:
            data = await file.read()
            if not data.startswith(SIGNATURES):
                return Presented(data, Way.FILE)
            read = await self._desk.read_picture(data)
            if isinstance(read, MalformedError):
                raise read
            return Presented(read, Way.PRINTED_CODE)
        if not isinstance(typed, str) or not typed.strip():
            raise FormError("证照文件或照面码 file or code")
        return Presented(undo_keyboard(typed), Way.PRINTED_CODE)

    async def consent(self, request: Request) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            at = self._office.now()
            self._office.drafts.change(draft, at, consent=await read_consent(form, at), grants={})

        return await self._work(request, change)

    async def declare(self, request: Request) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            code = request.path_params["code"]
            matter = self._office.settings.matters.find(draft.item_code)
            material = next((one for one in matter.materials if one.code == code), None)
            if material is None:
                raise NotFoundError(Reason.CASE_UNKNOWN, "the matter asks for no such material")
            at = self._office.now()
            self._office.drafts.change(draft, at, declared=await declare(draft.declared, material, form, at))

        return await self._work(request, change)

    async def accept(self, request: Request) -> Response:
        filed = await self._office.accept(request.path_params["case_id"])
        return _see(f"/acceptances/{filed.number}")

    async def slip(self, request: Request) -> Response:
        filed = await asyncio.to_thread(self._office.register.find, request.path_params["number"])
        return HTMLResponse(self._pages.slip(filed))

    async def receipt(self, request: Request) -> Response:
        filed = await asyncio.to_thread(self._office.register.find, request.path_params["number"])
        name = f"{filed.number}{'' if filed.signed else '-unsigned'}.receipt"
        headers = {"Content-Disposition": f'attachment; filename="{quote(name)}"'}
        return Response(filed.receipt, media_type="application/octet-stream", headers=headers)

    async def statistics(self, _: Request) -> Response:
        return HTMLResponse(self._pages.statistics(await asyncio.to_thread(self._office.register.counts)))


def _form(request: Request) -> Any:
    return request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_PART)


def _see(path: str) -> Response:
    return RedirectResponse(path, 303)


def _what(error: EcertError) -> str:
    return error.what if isinstance(error, FormError) else error.detail


def _is_ours(request: Request) -> bool:
    """Tell whether a form was sent by a page of this window, by what every browser of today says."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
