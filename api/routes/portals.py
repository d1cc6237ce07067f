"""`/api/v1/holders`: what the portal of another region asks, for a holder whom it signed in.

The same operations as a holder's own (`api.routes.holder`). A registered portal answers for who its holders are.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.access.guard import Visit
from api.office import Office
from api.routes.bodies import json_body
from api.showing.bodies import (
    AnswerBody,
    ConsentBody,
    ConsentsBody,
    DisclosureBody,
    HolderBody,
    KeyBody,
    LicenceBody,
    LicencesBody,
    LookBody,
    Name,
    NamedBody,
    PageBody,
    PictureBody,
    Said,
    ShowBody,
    ShowingBody,
    UsesBody,
)
from api.showing.remote import PATH
from ecert.web.problems import read_json


class OfHolder(Said):
    """About a holder."""

    holder: HolderBody


class NamedOf(OfHolder, NamedBody):
    """One licence of a holder, by what names it in addresses."""


class DisclosureOf(OfHolder, DisclosureBody):
    """One licence of a holder."""


class PageOf(OfHolder, PageBody):
    """A page of a holder's list."""


class ShowOf(OfHolder, ShowBody):
    """Licences that a holder shows, in a session of the portal."""

    session: Name


class KeyOf(OfHolder, KeyBody):
    """A showing of a holder."""


class AnswerOf(OfHolder, AnswerBody):
    """A holder's answer."""


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["portals"])
    for add in (_add_licences, _add_showings, _add_record):
        add(routes, office)
    return routes


def _add_licences(routes: APIRouter, office: Office) -> None:
    local = office.portals.local

    @routes.post(
        f"{PATH}/licences",
        operation_id="portalLicences",
        summary="持证主体的证照 A holder's licences",
        openapi_extra=json_body(OfHolder),
    )
    async def licences(request: Request, _: Annotated[Visit, Depends(office.guard("portalLicences"))]) -> LicencesBody:
        """Return them, masked."""
        body = read_json(OfHolder, await request.body())
        return await local.licences(body.holder.holder())

    @routes.post(
        f"{PATH}/licences/find",
        operation_id="portalFind",
        summary="一张证照 One licence",
        openapi_extra=json_body(NamedOf),
    )
    async def find(request: Request, _: Annotated[Visit, Depends(office.guard("portalFind"))]) -> LicenceBody:
        """Return it, masked."""
        body = read_json(NamedOf, await request.body())
        return await local.find(body.holder.holder(), body)

    @routes.post(
        f"{PATH}/licences/reveal",
        operation_id="portalReveal",
        summary="查看未脱敏的项 Some of a licence unmasked",
        openapi_extra=json_body(DisclosureOf),
    )
    async def reveal(request: Request, _: Annotated[Visit, Depends(office.guard("portalReveal"))]) -> LicenceBody:
        """Return one licence; what was unmasked is logged."""
        body = read_json(DisclosureOf, await request.body())
        return await local.reveal(body.holder.holder(), body)

    @routes.post(
        f"{PATH}/licences/picture",
        operation_id="portalPicture",
        summary="证照版面 The page of a licence",
        openapi_extra=json_body(DisclosureOf),
    )
    async def picture(request: Request, _: Annotated[Visit, Depends(office.guard("portalPicture"))]) -> PictureBody:
        """Return its first page, masked but for what is disclosed."""
        body = read_json(DisclosureOf, await request.body())
        return await local.picture(body.holder.holder(), body)


def _add_showings(routes: APIRouter, office: Office) -> None:
    local = office.portals.local

    @routes.post(
        f"{PATH}/showings",
        operation_id="portalShow",
        summary="出示 Show licences",
        openapi_extra=json_body(ShowOf),
    )
    async def show(request: Request, _: Annotated[Visit, Depends(office.guard("portalShow"))]) -> ShowingBody:
        """Put them up under a new dynamic code."""
        body = read_json(ShowOf, await request.body())
        return await local.put_up(body.holder.holder(), body.session, body)

    @routes.post(
        f"{PATH}/showings/look",
        operation_id="portalLook",
        summary="出示的状态 How a showing stands",
        openapi_extra=json_body(KeyOf),
    )
    async def look(request: Request, _: Annotated[Visit, Depends(office.guard("portalLook"))]) -> LookBody:
        """Return it."""
        body = read_json(KeyOf, await request.body())
        return await local.look(body.holder.holder(), body)

    @routes.post(
        f"{PATH}/showings/drop",
        operation_id="portalDrop",
        summary="撤下出示 Take a showing down",
        openapi_extra=json_body(KeyOf),
        response_class=Response,
    )
    async def drop(request: Request, _: Annotated[Visit, Depends(office.guard("portalDrop"))]) -> Response:
        """Take it down, if no window has taken it."""
        body = read_json(KeyOf, await request.body())
        await local.drop(body.holder.holder(), body)
        return Response("{}", media_type="application/json")


def _add_record(routes: APIRouter, office: Office) -> None:
    local = office.portals.local

    @routes.post(
        f"{PATH}/consents",
        operation_id="portalConsents",
        summary="授权请求 Requests to a holder",
        openapi_extra=json_body(PageOf),
    )
    async def consents(request: Request, _: Annotated[Visit, Depends(office.guard("portalConsents"))]) -> ConsentsBody:
        """Return a page of them, the newest first."""
        body = read_json(PageOf, await request.body())
        return await local.consents(body.holder.holder(), body)

    @routes.post(
        f"{PATH}/consents/{{key}}/answer",
        operation_id="portalAnswer",
        summary="答复授权请求 Answer a request",
        openapi_extra=json_body(AnswerOf),
    )
    async def answer(
        key: str, request: Request, _: Annotated[Visit, Depends(office.guard("portalAnswer"))]
    ) -> ConsentBody:
        """Keep the answer."""
        body = read_json(AnswerOf, await request.body())
        return await local.answer(body.holder.holder(), key, body)

    @routes.post(
        f"{PATH}/uses",
        operation_id="portalUses",
        summary="用证记录 Uses of a holder's licences",
        openapi_extra=json_body(PageOf),
    )
    async def uses(request: Request, _: Annotated[Visit, Depends(office.guard("portalUses"))]) -> UsesBody:
        """Return a page of them, the newest first."""
        body = read_json(PageOf, await request.body())
        return await local.uses(body.holder.holder(), body)
