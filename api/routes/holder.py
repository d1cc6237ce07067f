"""`/api/v1/holder`: what the phone pages do, for apps: a holder's session as a bearer token (`docs/presenting.md`)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from api.office import Office
from api.routes.bodies import json_body
from api.routes.holder_sessions import PATH, entering
from api.showing.bodies import (
    AnswerBody,
    ConsentBody,
    ConsentsBody,
    DisclosureBody,
    KeyBody,
    LicenceBody,
    LookBody,
    PageQuery,
    PhraseBody,
    PictureBody,
    Said,
    ShowBody,
    ShowingBody,
    Told,
    UsesBody,
)
from api.showing.desk import HolderDesk
from api.showing.sessions import HolderSession
from ecert.web.problems import read_json

_Region = Annotated[str, Field(pattern="^[0-9]{6}$")]


class OfRegion(Said):
    """In a region."""

    region: _Region


class DisclosureIn(OfRegion, DisclosureBody):
    """One licence of a region."""


class ShowIn(OfRegion, ShowBody):
    """Licences of a region to be shown."""


class RegionTold(Told):
    """What a region holds of a holder."""

    region: str
    name: PhraseBody


class LicencesTold(RegionTold):
    """Licences."""

    licences: list[LicenceBody]


class ConsentsTold(RegionTold, ConsentsBody):
    """Requests."""


class UsesTold(RegionTold, UsesBody):
    """Uses."""


class AllLicences(Told):
    """一人一档、一企一档: `silent` are the regions that did not answer, and whose licences are missing here."""

    regions: list[LicencesTold]
    silent: list[PhraseBody]


class AllConsents(Told):
    """Requests, a page of each region; `silent` as of licences."""

    regions: list[ConsentsTold]
    silent: list[PhraseBody]


class AllUses(Told):
    """Uses, a page of each region; `silent` as of licences."""

    regions: list[UsesTold]
    silent: list[PhraseBody]


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes, portals = APIRouter(tags=["holder"]), office.portals
    desk = HolderDesk(portals, office.pool, office.clock)
    enter = entering(office, desk)

    @routes.get(f"{PATH}/licences", operation_id="myLicences", summary="一人一档、一企一档 All licences")
    async def licences(session: Annotated[HolderSession, Depends(enter)]) -> AllLicences:
        """Return the licences of all connected regions, masked."""
        found = await portals.gather(lambda one: one.licences(session.account.holder))
        regions = [
            LicencesTold(region=one.region, name=PhraseBody.of(one.name), licences=said.licences)
            for one, said in found.found
        ]
        return AllLicences(regions=regions, silent=list(map(PhraseBody.of, found.silent)))

    @routes.post(
        f"{PATH}/licences/reveal",
        operation_id="revealMine",
        summary="查看未脱敏的项 Some of a licence unmasked",
        openapi_extra=json_body(DisclosureIn),
    )
    async def reveal(request: Request, session: Annotated[HolderSession, Depends(enter)]) -> LicenceBody:
        """Return one licence with some of it unmasked; that it was looked at is logged."""
        body = read_json(DisclosureIn, await request.body())
        return await portals.of(body.region).reveal(session.account.holder, _disclosure(body))

    @routes.post(
        f"{PATH}/licences/picture",
        operation_id="pictureMine",
        summary="证照版面 The page of a licence",
        openapi_extra=json_body(DisclosureIn),
    )
    async def picture(request: Request, session: Annotated[HolderSession, Depends(enter)]) -> PictureBody:
        """Return its first page, SVG, masked but for what is disclosed."""
        body = read_json(DisclosureIn, await request.body())
        return await portals.of(body.region).picture(session.account.holder, _disclosure(body))

    @routes.post(
        f"{PATH}/showings",
        status_code=201,
        operation_id="showMine",
        summary="出示 Show licences",
        openapi_extra=json_body(ShowIn),
    )
    async def show(request: Request, session: Annotated[HolderSession, Depends(enter)]) -> ShowingBody:
        """Put licences of one region up under a new code; the session's code before it is good no longer."""
        body = read_json(ShowIn, await request.body())
        asked = ShowBody(purpose=body.purpose, licences=body.licences)
        return (await desk.show(session, body.region, asked)).showing

    @routes.get(f"{PATH}/showings/{{region}}/{{key}}", operation_id="lookAtMine", summary="是否已用 Was it taken")
    async def look(
        region: _Region,
        key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
        session: Annotated[HolderSession, Depends(enter)],
    ) -> LookBody:
        """Return how a showing stands: up, taken (by which window, when), ended, or gone."""
        return await portals.of(region).look(session.account.holder, KeyBody(key=key))

    @routes.delete(
        f"{PATH}/showings/{{region}}/{{key}}", status_code=204, operation_id="dropMine", summary="撤下 Take it down"
    )
    async def drop(
        region: _Region,
        key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
        session: Annotated[HolderSession, Depends(enter)],
    ) -> None:
        """Take a showing down, if no window has taken it."""
        await portals.of(region).drop(session.account.holder, KeyBody(key=key))

    @routes.get(f"{PATH}/consents", operation_id="myConsents", summary="授权请求 What I was asked")
    async def consents(
        session: Annotated[HolderSession, Depends(enter)], asked: Annotated[PageQuery, Query()]
    ) -> AllConsents:
        """Return the newest requests of every connected region, or a later page of one of them."""
        found = await portals.gather(lambda one: one.consents(session.account.holder, asked.page), asked.region)
        regions = [
            ConsentsTold(region=one.region, name=PhraseBody.of(one.name), consents=said.consents, next=said.next)
            for one, said in found.found
        ]
        return AllConsents(regions=regions, silent=list(map(PhraseBody.of, found.silent)))

    @routes.post(
        f"{PATH}/consents/{{region}}/{{key}}/answer",
        operation_id="answerMine",
        summary="同意、拒绝、收回 Grant, refuse, withdraw",
        openapi_extra=json_body(AnswerBody),
    )
    async def answer(
        region: _Region,
        key: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,32}$")],
        request: Request,
        session: Annotated[HolderSession, Depends(enter)],
    ) -> ConsentBody:
        """Keep an answer; the same again changes nothing."""
        body = read_json(AnswerBody, await request.body())
        return await portals.of(region).answer(session.account.holder, key, body)

    @routes.get(f"{PATH}/uses", operation_id="myUses", summary="用证记录 Every use")
    async def uses(session: Annotated[HolderSession, Depends(enter)], asked: Annotated[PageQuery, Query()]) -> AllUses:
        """Return the newest uses of the holder's licences in every connected region, or a later page of one of them."""
        found = await portals.gather(lambda one: one.uses(session.account.holder, asked.page), asked.region)
        regions = [
            UsesTold(region=one.region, name=PhraseBody.of(one.name), uses=said.uses, next=said.next)
            for one, said in found.found
        ]
        return AllUses(regions=regions, silent=list(map(PhraseBody.of, found.silent)))

    return routes


def _disclosure(body: DisclosureIn) -> DisclosureBody:
    return DisclosureBody(identifier=body.identifier, fields=body.fields)
