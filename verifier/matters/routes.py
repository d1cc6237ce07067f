"""The addresses of the pages. A case is known by an address that nobody can guess, and is its clerk's alone."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import UploadFile

from ecert.cli.pixels import SIGNATURES
from ecert.errors import EcertError, MalformedError, NotFoundError, Reason
from ecert.licence.validity import china_day
from ecert.matter import AcceptanceNumber, resolve
from ecert.presentation import Way
from ecert.wording import Wording, words
from verifier.details import detail_of
from verifier.keystrokes import undo_keyboard
from verifier.matters.door import POLL, Door, see
from verifier.matters.drafts import Presented
from verifier.matters.forms import (
    FormError,
    declare,
    read_agent,
    read_applicant,
    read_consent,
    read_day,
    read_finding,
    text_of,
)

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
_MEANWHILE: Final = Wording(
    "刚才已登记了别的结果，这一次没有记下",
    "Something else was noted meanwhile; this was not recorded",
    "请核对下面的结果，仍需更正的再登记",
    "Look at what stands below, and correct it if need be",
)
_NO_NUMBER: Final = Wording(
    "这不是受理凭证号",
    "Not a number of an acceptance",
    "请核对凭证上的号码，末位是校验码",
    "Compare it with the slip; the last character checks the others",
)


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
            ("/cases/{case_id}/agent", "POST", self.agent),
            ("/cases/{case_id}/licences", "POST", self.present),
            ("/cases/{case_id}/licences/removal", "POST", self.remove),
            ("/cases/{case_id}/consent", "POST", self.consent),
            ("/cases/{case_id}/law", "POST", self.law),
            ("/cases/{case_id}/asks", "POST", self.ask),
            ("/cases/{case_id}/pulls", "POST", self.pull),
            ("/cases/{case_id}/look", "POST", self.look),
            ("/cases/{case_id}/materials/{code}", "POST", self.declare),
            ("/cases/{case_id}/acceptance", "POST", self.accept),
            ("/acceptances", "GET", self.acceptances),
            ("/acceptances/{number}", "GET", self.slip),
            ("/acceptances/{number}/dues/{material}", "POST", self.follow_up),
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
        drafts = self._office.drafts.of_clerk(clerk.id, self._office.now())
        return HTMLResponse(self._pages.matters(clerk, self._office.matters(), drafts))

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
                page = self._pages.begin(clerk, matter, _typed(form), words(error.reason), _what(error))
                return HTMLResponse(page, 400)
        return see(f"/cases/{draft.id}")

    async def case(self, request: Request, clerk: Account) -> Response:
        """Return a case; of one that was accepted, its slip: that is where the back button leads."""
        filed = await asyncio.to_thread(self._office.register.of_case, request.path_params["case_id"])
        if filed is not None:
            return see(f"/acceptances/{filed.number}")
        return await self._page(clerk, self._draft(request, clerk))

    def _draft(self, request: Request, clerk: Account) -> Draft:
        return self._office.drafts.find(request.path_params["case_id"], clerk.id, self._office.now())

    async def _page(
        self,
        clerk: Account,
        draft: Draft,
        error: EcertError | None = None,
        status: int = 200,
        typed: dict[str, str] | None = None,
    ) -> Response:
        case = await self._office.case(draft)
        notice, detail = (None, "") if error is None else (words(error.reason), _what(error))
        page = self._pages.case(clerk, draft, case, resolve(case), notice=notice, detail=detail, typed=typed)
        return HTMLResponse(page, status)

    async def _work(
        self, request: Request, clerk: Account, change: Callable[[Draft, FormData], Awaitable[Any]]
    ) -> Response:
        """Change a case by a form, in its turn; what is wrong with the form is said on the case's own page.

        Of one that was accepted meanwhile the slip is shown.
        """
        async with _form(request) as form, self._office.drafts.turn(request.path_params["case_id"]):
            try:
                draft = self._draft(request, clerk)
            except NotFoundError:
                return await self.case(request, clerk)
            try:
                await change(draft, form)
            except EcertError as error:
                if error.reason is Reason.CASE_UNKNOWN:
                    raise
                return await self._page(clerk, self._draft(request, clerk), error, 400, _typed(form))
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

    async def agent(self, request: Request, clerk: Account) -> Response:
        async def change(draft: Draft, form: FormData) -> None:
            agent = None if form.get("nobody") else read_agent(form, self._office.now())
            if agent is None and not form.get("nobody"):
                raise FormError("经办人 agent")
            self._office.name_agent(draft, agent)

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
        """Ask how requests stand; a script is told only whether a look would change anything."""

        async def change(draft: Draft, _: FormData) -> None:
            await self._office.look(draft)

        if request.headers.get("accept") != POLL:
            return await self._work(request, clerk, change)
        return JSONResponse({"changed": await self._office.reception.has_news(self._draft(request, clerk))})

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

    async def acceptances(self, request: Request, clerk: Account) -> Response:
        """Return what was accepted, newest first, and what follows; with a number, that acceptance."""
        number, before = (request.query_params.get(name, "").strip().upper() for name in ("number", "before"))
        notice = None
        if number:
            found = _number(number)
            if found is not None:
                return see(f"/acceptances/{found.text}")
            notice = _NO_NUMBER
        register, today = self._office.register, china_day(self._office.now())
        filed = await asyncio.to_thread(register.recent, _number(before))
        waiting = await asyncio.to_thread(register.follow_ups.waiting)
        overdue = await asyncio.to_thread(register.follow_ups.overdue, today)
        page = self._pages.acceptances(clerk, filed, waiting, today, overdue=overdue, notice=notice)
        return HTMLResponse(page, 400 if notice else 200)

    async def follow_up(self, request: Request, clerk: Account) -> Response:
        """Note that a material was handed in, or what the check of a promise found."""
        filed, note = await self._filed(request), self._office.register.follow_ups.note
        async with _form(request) as form:
            try:
                finding = read_finding(form, clerk.id, self._office.now())
            except FormError as error:
                notice = words(error.reason)
                return HTMLResponse(await self._slip(clerk, filed, notice, _what(error)), 400)
        if not await asyncio.to_thread(note, filed.number, request.path_params["material"], finding):
            return HTMLResponse(await self._slip(clerk, filed, _MEANWHILE), 409)
        return see(f"/acceptances/{filed.number}")

    async def slip(self, request: Request, clerk: Account) -> Response:
        filed = await self._filed(request)
        _log.info("clerk %s opens %s", clerk.id, filed.number)
        return HTMLResponse(await self._slip(clerk, filed))

    async def _slip(self, clerk: Account, filed: Filed, notice: Wording | None = None, detail: str = "") -> str:
        files = await asyncio.to_thread(self._office.register.listed, filed.number)
        following = await asyncio.to_thread(self._office.register.follow_ups.of, filed.number)
        today = china_day(self._office.now())
        return self._pages.slip(clerk, filed, files, following, today=today, notice=notice, detail=detail)

    async def evidence(self, request: Request, clerk: Account) -> Response:
        filed = await self._filed(request)
        _log.info("clerk %s opens the receipt of %s", clerk.id, filed.number)
        verdict = await asyncio.to_thread(self._office.assess, filed)
        return HTMLResponse(self._pages.evidence(clerk, filed, verdict))

    async def receipt(self, request: Request, clerk: Account) -> Response:
        filed = await self._filed(request)
        _log.info("clerk %s takes the receipt of %s", clerk.id, filed.number)
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

    async def statistics(self, request: Request, clerk: Account) -> Response:
        try:
            since, until = (read_day(request.query_params, name, "日期 date") for name in ("since", "until"))
        except FormError as error:
            return HTMLResponse(self._pages.statistics(clerk, [], notice=words(error.reason), detail=error.what), 400)
        counts = await asyncio.to_thread(self._office.register.counts, since, until)
        return HTMLResponse(self._pages.statistics(clerk, counts, since, until))


def _download(name: str, data: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _number(text: str) -> AcceptanceNumber | None:
    try:
        return AcceptanceNumber.parse(text)
    except MalformedError:
        return None


def _typed(form: FormData) -> dict[str, str]:
    """Return the texts of a form, to stand in it again; what is no Unicode is replaced."""
    return {name: value.encode("utf-8", "replace").decode() for name, value in form.items() if isinstance(value, str)}


def _form(request: Request) -> Any:
    return request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_PART)


def _what(error: EcertError) -> str:
    """Return what exactly was wrong."""
    if isinstance(error, FormError):
        return error.what
    if error.reason is Reason.MATTER_INCOMPLETE:
        return ""  # the page itself lists what is missing
    return detail_of(error)
