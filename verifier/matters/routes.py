"""The addresses of the pages. A case is known by an address that nobody can guess, and is its clerk's alone."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import UploadFile

from ecert.cli.pixels import SIGNATURES
from ecert.errors import EcertError, MalformedError, NotFoundError, Reason
from ecert.matter import resolve
from ecert.presentation import Way
from ecert.report import local_time
from ecert.wording import words
from verifier.keystrokes import undo_keyboard
from verifier.matters.door import Door, see
from verifier.matters.drafts import Presented
from verifier.matters.forms import FormError, declare, read_agent, read_applicant, read_consent, text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.datastructures import FormData

    from ecert.matter import Material
    from verifier.desk import Desk
    from verifier.matters.clerks import Account
    from verifier.matters.drafts import Draft
    from verifier.matters.office import Office
    from verifier.matters.pages import MatterPages
    from verifier.matters.register import Filed

_log = logging.getLogger("ecert.verifier")
_MAX_FIELDS: Final = 20
_MAX_PART: Final = 64 * 1024
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_USED: Final = re.compile(r"it was used at (.+), at (.+)")
"""As `ecert.presentation.redeem` says it."""


def add_matters(app: FastAPI, office: Office, pages: MatterPages, desk: Desk) -> None:
    """Add the pages to a window's application."""
    door = Door(office, pages)
    door.add_to(app)
    _Routes(office, pages, desk).add_to(app, door)


class _Routes:
    def __init__(self, office: Office, pages: MatterPages, desk: Desk) -> None:
        self._office = office
        self._pages = pages
        self._desk = desk

    def add_to(self, app: FastAPI, door: Door) -> None:
        for path, method, answer in (
            ("/matters", "GET", self.matters),
            ("/matters/{item_code}", "GET", self.begin),
            ("/matters/{item_code}", "POST", self.open),
            ("/cases/{case_id}", "GET", self.case),
            ("/cases/{case_id}/licences", "POST", self.present),
            ("/cases/{case_id}/licences/removal", "POST", self.remove),
            ("/cases/{case_id}/consent", "POST", self.consent),
            ("/cases/{case_id}/law", "POST", self.law),
            ("/cases/{case_id}/asks", "POST", self.ask),
            ("/cases/{case_id}/pulls", "POST", self.pull),
            ("/cases/{case_id}/look", "POST", self.look),
            ("/cases/{case_id}/materials/{code}", "POST", self.declare),
            ("/cases/{case_id}/acceptance", "POST", self.accept),
            ("/acceptances/{number}", "GET", self.slip),
            ("/acceptances/{number}/evidence", "GET", self.evidence),
            ("/acceptances/{number}/receipt", "GET", self.receipt),
            ("/acceptances/{number}/case.zip", "GET", self.package),
            ("/acceptances/{number}/files/{position}", "GET", self.file),
            ("/statistics", "GET", self.statistics),
        ):
            app.add_api_route(
                path, door.guarded(answer), methods=[method], include_in_schema=False, response_model=None
            )

    async def matters(self, _: Request, clerk: Account) -> Response:
        return HTMLResponse(self._pages.matters(clerk, self._office.matters()))

    async def begin(self, request: Request, clerk: Account) -> Response:
        return HTMLResponse(self._pages.begin(clerk, self._office.taken(request.path_params["item_code"])))

    async def open(self, request: Request, clerk: Account) -> Response:
        matter, now = self._office.taken(request.path_params["item_code"]), self._office.now()
        async with _form(request) as form:
            try:
                text = form.get("scan")
                if isinstance(text, str) and text.strip():
                    agent = read_agent(form, now)
                    draft = await self._office.open_by_code(matter, clerk.id, undo_keyboard(text), agent)
                else:
                    draft = self._office.open(matter, clerk.id, *read_applicant(form, now))
            except EcertError as error:
                return HTMLResponse(self._pages.begin(clerk, matter, words(error.reason), _what(error)), 400)
        return see(f"/cases/{draft.id}")

    async def case(self, request: Request, clerk: Account) -> Response:
        """Return a case; of one that was accepted, its slip: that is where the back button leads."""
        filed = await asyncio.to_thread(self._office.register.of_case, request.path_params["case_id"])
        if filed is not None:
            return see(f"/acceptances/{filed.number}")
        return await self._page(clerk, self._draft(request, clerk))

    def _draft(self, request: Request, clerk: Account) -> Draft:
        return self._office.drafts.find(request.path_params["case_id"], clerk.id, self._office.now())

    async def _page(self, clerk: Account, draft: Draft, error: EcertError | None = None, status: int = 200) -> Response:
        case = await self._office.examiner.case(draft)
        notice, detail = (None, "") if error is None else (words(error.reason), _what(error))
        page = self._pages.case(clerk, draft, case, resolve(case), notice=notice, detail=detail)
        return HTMLResponse(page, status)

    async def _work(
        self, request: Request, clerk: Account, change: Callable[[Draft, FormData], Awaitable[Any]]
    ) -> Response:
        """Change a case by a form, in its turn; what is wrong with the form is said on the case's own page."""
        async with _form(request) as form, self._office.drafts.turn(request.path_params["case_id"]):
            draft = self._draft(request, clerk)
            try:
                await change(draft, form)
            except EcertError as error:
                if error.reason is Reason.CASE_UNKNOWN:
                    raise
                return await self._page(clerk, self._draft(request, clerk), error, 400)
        return see(f"/cases/{draft.id}")

    async def present(self, request: Request, clerk: Account) -> Response:
        return await self._work(request, clerk, self._present)

    async def _present(self, draft: Draft, form: FormData) -> None:
        file, typed = form.get("file"), form.get("text")
        if isinstance(file, UploadFile) and file.size:
            data = await file.read()
            if not data.startswith(SIGNATURES):
                await self._office.present(draft, (Presented(data, Way.FILE),))
                return
            text = await self._desk.read_picture(data)
            if isinstance(text, MalformedError):
                raise text
        elif isinstance(typed, str) and typed.strip():
            text = undo_keyboard(typed)
        else:
            raise FormError("证照文件或证照码 file or code")
        await self._office.scan(draft, text)

    async def remove(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            self._office.remove(draft, text_of(form, "licence", "哪张证照 which licence"))

        return await self._work(request, clerk, change)

    async def consent(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            at = self._office.now()
            consent, handwriting = await read_consent(form, at)
            self._office.drafts.change(draft, at, consent=consent, handwriting=handwriting, grants={})

        return await self._work(request, clerk, change)

    async def law(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, _: FormData) -> None:
            self._office.rely_on_law(draft)

        return await self._work(request, clerk, change)

    async def ask(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            region, whose = text_of(form, "region", "地区 region"), text_of(form, "whose", "向谁 whom")
            await self._office.ask(draft, region, whose)

        return await self._work(request, clerk, change)

    async def pull(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            region, whose = text_of(form, "region", "地区 region"), text_of(form, "whose", "向谁 whom")
            await self._office.pull(draft, region, whose)

        return await self._work(request, clerk, change)

    async def look(self, request: Request, clerk: Account) -> Response:
        """Ask how requests stand; a script is told only whether anything changed."""

        async def change(draft: Draft, _: FormData) -> None:
            await self._office.look(draft)

        if request.headers.get("accept") != "application/json":
            return await self._work(request, clerk, change)
        async with self._office.drafts.turn(request.path_params["case_id"]):
            draft = self._draft(request, clerk)
            changed = await self._office.look(draft)
            return JSONResponse({"changed": changed.asks != draft.asks or changed.presented != draft.presented})

    async def declare(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            material, at = self._material(draft, request.path_params["code"]), self._office.now()
            self._office.drafts.change(draft, at, declared=await declare(draft.declared, material, form, at))

        return await self._work(request, clerk, change)

    def _material(self, draft: Draft, code: str) -> Material:
        materials = self._office.settings.matters.find(draft.item_code).materials
        for one in materials:
            if one.code == code:
                return one
        raise NotFoundError(Reason.CASE_UNKNOWN, "")

    async def accept(self, request: Request, clerk: Account) -> Response:
        """Accept a case; where that cannot be, its own page says why."""
        async with self._office.drafts.turn(request.path_params["case_id"]):
            try:
                filed = await self._office.accept(request.path_params["case_id"], clerk.id)
            except NotFoundError:
                raise
            except EcertError as error:
                return await self._page(clerk, self._draft(request, clerk), error, 409)
        return see(f"/acceptances/{filed.number}")

    async def _filed(self, request: Request) -> Filed:
        return await asyncio.to_thread(self._office.register.find, request.path_params["number"])

    async def slip(self, request: Request, clerk: Account) -> Response:
        filed = await self._filed(request)
        files = await asyncio.to_thread(self._office.register.listed, filed.number)
        return HTMLResponse(self._pages.slip(clerk, filed, files))

    async def evidence(self, request: Request, clerk: Account) -> Response:
        filed = await self._filed(request)
        verdict = await asyncio.to_thread(self._office.assess, filed)
        return HTMLResponse(self._pages.evidence(clerk, filed, verdict))

    async def receipt(self, request: Request, _: Account) -> Response:
        filed = await self._filed(request)
        return _download(f"{filed.number}{'' if filed.signed else '-unsigned'}.receipt", filed.receipt)

    async def package(self, request: Request, clerk: Account) -> Response:
        filed = await self._filed(request)
        _log.info("clerk %s takes the package of %s", clerk.id, filed.number)
        return _download(f"{filed.number}.zip", await asyncio.to_thread(self._office.package, filed))

    async def file(self, request: Request, clerk: Account) -> Response:
        number, position = request.path_params["number"], request.path_params["position"]
        if not (position.isascii() and position.isdigit() and len(position) < 4):  # noqa: PLR2004  (no case has 1000)
            raise NotFoundError(Reason.CASE_UNKNOWN, "")
        listed, data = await asyncio.to_thread(self._office.register.open, number, int(position))
        _log.info("clerk %s takes %s of %s", clerk.id, listed.name, number)
        return _download(f"{number}-{listed.name.replace('/', '-')}", data)

    async def statistics(self, _: Request, clerk: Account) -> Response:
        return HTMLResponse(self._pages.statistics(clerk, await asyncio.to_thread(self._office.register.counts)))


def _download(name: str, data: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _form(request: Request) -> Any:
    return request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_PART)


def _locally(found: re.Match[str]) -> str:
    try:
        return local_time(datetime.fromisoformat(found[0]))
    except (ValueError, OverflowError):
        return found[0]  # what another service wrote is no instant


def _what(error: EcertError) -> str:
    """Return what exactly was wrong, as a clerk reads it: instants by the clocks of China."""
    if isinstance(error, FormError):
        return error.what
    if error.reason is Reason.MATTER_INCOMPLETE:
        return ""  # the page itself lists what is missing
    told = _INSTANT.sub(_locally, error.detail)
    return _USED.sub(r"使用时间 \1，使用窗口 \2", told)
