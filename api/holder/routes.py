"""The addresses of the phone pages; none is in the OpenAPI.

GET  /holder/sign-in, …/unified, /holder/signed-in     POST /holder/sign-out, /identity, /elder
GET  /holder/licences, /<region>/<key>, …/picture.svg  POST …/<key>/reveal
GET  …/<key>/show, /holder/showing, …/state            POST /holder/showing, …/renew, …/stop
GET  /holder/consents, /holder/uses                    POST /holder/consents/<region>/<key>
"""

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.access.providers import HOLDER_RETURN_PATH
from api.console.views.licences import LicenceState
from api.holder import views
from api.holder.coding import code_view
from api.holder.entrance import TO_PROVIDER, Entrance
from api.holder.reading import card_of, failure_of, find_card, latest_first, older, waiting_first
from api.holder.site import SIGN_IN
from api.holder.views import HOME
from api.showing.bodies import AnswerBody, DisclosureBody, PageBody, PageQuery, ShowBody
from ecert.presentation import COUNTER_PURPOSE, Answer
from ecert.presentation.reading import MAX_FIELDS, MAX_NAME, MAX_PURPOSE
from ecert.presentation.showing import MAX_LICENCES
from ecert.web.display import Display
from ecert.web.problems import Code, FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.holder.site import HolderVisit
    from api.office import Office
    from api.showing.bodies import LicenceBody

Text = Annotated[str, Query(max_length=2048)]
Region = Annotated[str, Path(pattern="^[0-9]{6}$")]
KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
Key = Annotated[str, Path(pattern=f"^{KEY.pattern}$")]
LICENCES: Final = f"{HOME}/licences"
SHOWING: Final = f"{HOME}/showing"
CONSENTS: Final = f"{HOME}/consents"
USES: Final = f"{HOME}/uses"
_ONE: Final = f"{LICENCES}/{{region}}/{{key}}"
_FIELD: Final = "field:"
_ALSO: Final = "also:"
_WHOLE: Final = "whole"
_PICTURE: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; img-src data:; sandbox",
    "cross-origin-resource-policy": "same-origin",
}
"""A picture is nothing but that, and for this service's own pages."""


def add_pages(routes: APIRouter, office: "Office") -> None:
    """Add all of them."""
    for add in (_add_entrance, _add_identity, _add_licences, _add_showing, _add_consents):
        add(routes, office)


def _add_entrance(routes: APIRouter, office: "Office") -> None:
    site, entrance = office.holder, Entrance(office)

    @routes.get(HOME)
    async def home() -> Response:
        return RedirectResponse(LICENCES, 303)

    @routes.get(SIGN_IN)
    async def sign_in(request: Request, target: Annotated[Text, Query(alias="next")] = "") -> Response:
        return entrance.page(request, target)

    @routes.get(TO_PROVIDER)
    async def to_provider(
        request: Request, target: Annotated[Text, Query(alias="next")] = "", app: Text = "", challenge: Text = ""
    ) -> Response:
        return await entrance.begin(request, target, app, challenge)

    @routes.get(HOLDER_RETURN_PATH)
    async def signed_in(request: Request, code: Text = "", state: Text = "") -> Response:
        return await entrance.finish(request, code, state)

    @routes.post(f"{HOME}/sign-out")
    async def sign_out(request: Request) -> Response:
        visit = await site.posted(request)
        await site.desk.sign_out(visit.session)
        answer = RedirectResponse(SIGN_IN, 303)
        site.session_cookie.drop(answer)
        return answer


def _add_identity(routes: APIRouter, office: "Office") -> None:
    site = office.holder

    @routes.post(f"{HOME}/elder")
    async def elder(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=2) as form:
            target, size = (str(form.get(name, "")) for name in ("next", "size"))
        return site.show_as(request, Display.read(size), target)

    @routes.post(f"{HOME}/identity")
    async def identity(request: Request) -> Response:
        visit = await site.posted(request)
        number = visit.form.get("number", "")
        if not (number.isascii() and number.isdecimal() and len(number) < len("1000")):
            raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/number", "the number of an identity")])
        await site.desk.act_as(visit.session, int(number))
        return RedirectResponse(LICENCES, 303)


def _add_licences(routes: APIRouter, office: "Office") -> None:
    site, portals = office.holder, office.portals

    @routes.get(LICENCES)
    async def licences(request: Request) -> Response:
        visit = await site.visit(request, "licences")
        found = await portals.gather(lambda one: one.licences(visit.holder))
        asked = await portals.gather(lambda one: one.consents(visit.holder, PageBody()))
        cards = tuple(card_of(one, portal.name) for portal, said in found.found for one in said.licences)
        cards = tuple(sorted(cards, key=lambda card: card.state is not LicenceState.VALID))
        waiting = sum(one.answer is Answer.ASKED for _, said in asked.found for one in said.consents)
        silent = found.silent or asked.silent
        return site.page(visit.frame, views.Licences(cards, silent, waiting))

    @routes.get(_ONE)
    async def licence(request: Request, region: Region, key: Key) -> Response:
        visit = await site.visit(request, "licences")
        card = await find_card(portals.of(region), visit.holder, key)
        return site.page(visit.frame, _licence(card, ()))

    @routes.post(f"{_ONE}/reveal")
    async def reveal(request: Request, region: Region, key: Key) -> Response:
        visit = await site.posted(request, "licences")
        portal = portals.of(region)
        card = await find_card(portal, visit.holder, key)
        shown = _names(visit.form.get("shown", ""))
        asked = DisclosureBody(identifier=card.licence.identifier, fields=list(shown))
        revealed = await portal.reveal(visit.holder, asked)
        return site.page(visit.frame, _licence(card_of(revealed, portal.name), shown))

    @routes.get(f"{_ONE}/picture.svg")
    async def picture(request: Request, region: Region, key: Key, shown: Text = "") -> Response:
        visit = await site.visit(request)
        portal = portals.of(region)
        card = await find_card(portal, visit.holder, key)
        asked = DisclosureBody(identifier=card.licence.identifier, fields=list(_names(shown)))
        drawn = await portal.picture(visit.holder, asked)
        return Response(drawn.svg, media_type="image/svg+xml", headers=_PICTURE)

    @routes.get(f"{_ONE}/show")
    async def choose(request: Request, region: Region, key: Key) -> Response:
        visit = await site.visit(request, "licences")
        portal = portals.of(region)
        said = await portal.licences(visit.holder)
        cards = tuple(card_of(one, portal.name) for one in said.licences)
        chosen = await find_card(portal, visit.holder, key)
        others = tuple(one for one in cards if one.licence.key != key and one.state is LicenceState.VALID)
        return site.page(visit.frame, views.Choose(chosen, others, COUNTER_PURPOSE))


def _add_showing(routes: APIRouter, office: "Office") -> None:
    site, desk = office.holder, office.holder.desk

    @routes.get(SHOWING)
    async def showing(request: Request) -> Response:
        visit = await site.visit(request, "licences")
        look = await desk.look(visit.session)
        shown = visit.session.account.shown
        if look is None or shown is None:
            return RedirectResponse(LICENCES, 303)
        said = await office.portals.of(shown.region).licences(visit.holder)
        return site.page(visit.frame, code_view(shown, look, said.licences, office.clock()))

    @routes.get(f"{SHOWING}/state")
    async def state(request: Request) -> Response:
        look = await desk.look((await site.visit(request)).session)
        return JSONResponse({"state": "gone" if look is None else look.state})

    @routes.post(SHOWING)
    async def show(request: Request) -> Response:
        visit = await site.posted(request)
        region = visit.form.get("region", "")
        portal = office.portals.of(region)
        card = await find_card(portal, visit.holder, _key(visit.form.get("key", "")))
        said = await portal.licences(visit.holder)
        await desk.show(visit.session, region, _asked(visit, card, said.licences))
        return RedirectResponse(SHOWING, 303)

    @routes.post(f"{SHOWING}/renew")
    async def renew(request: Request) -> Response:
        visit = await site.posted(request)
        if visit.session.account.shown is None:
            return RedirectResponse(LICENCES, 303)
        await desk.renew(visit.session)
        return RedirectResponse(SHOWING, 303)

    @routes.post(f"{SHOWING}/stop")
    async def stop(request: Request) -> Response:
        await desk.stop((await site.posted(request)).session)
        return RedirectResponse(LICENCES, 303)


def _add_consents(routes: APIRouter, office: "Office") -> None:
    site, portals = office.holder, office.portals

    @routes.get(CONSENTS)
    async def consents(request: Request, page: Annotated[PageQuery, Query()]) -> Response:
        visit = await site.visit(request, "consents")
        found = await portals.gather(lambda one: one.consents(visit.holder, page.page), page.region)
        asked = [
            views.Asked(one, portal.name, f"{CONSENTS}/{portal.region}/{one.id}")
            for portal, said in found.found
            for one in said.consents
        ]
        return site.page(visit.frame, views.Consents(waiting_first(asked), found.silent, older(CONSENTS, found)))

    @routes.post(f"{CONSENTS}/{{region}}/{{key}}")
    async def answer(request: Request, region: Region, key: Key) -> Response:
        visit = await site.posted(request)
        given = visit.form.get("answer", "")
        if given not in ("granted", "refused", "withdrawn"):
            raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/answer", "granted, refused or withdrawn")])
        said = AnswerBody(answer=cast("Literal['granted', 'refused', 'withdrawn']", given))
        await portals.of(region).answer(visit.holder, key, said)
        return RedirectResponse(CONSENTS, 303)

    @routes.get(USES)
    async def uses(request: Request, page: Annotated[PageQuery, Query()]) -> Response:
        visit = await site.visit(request, "uses")
        found = await portals.gather(lambda one: one.uses(visit.holder, page.page), page.region)
        used = [
            views.Used(one, portal.name, failure_of(one.outcome)) for portal, said in found.found for one in said.uses
        ]
        return site.page(visit.frame, views.Uses(latest_first(used), found.silent, older(USES, found)))


def _licence(card: views.Card, shown: tuple[str, ...]) -> views.Licence:
    return views.Licence(card, shown, card.state is LicenceState.VALID)


def _names(text: str) -> tuple[str, ...]:
    """Return the names of items that a form or an address has, parted by commas; those that are none mask nothing."""
    return tuple(sorted({one for one in text.split(",") if 0 < len(one) <= MAX_NAME}))[:MAX_FIELDS]


def _chosen(visit: "HolderVisit", card: views.Card) -> list[str]:
    """Return the items that a form discloses: all of them where it does not ask."""
    names = [item.name for item in card.licence.items]
    return names if _WHOLE in visit.form else [one for one in names if f"{_FIELD}{one}" in visit.form]


def _asked(visit: "HolderVisit", card: views.Card, licences: "Iterable[LicenceBody]") -> ShowBody:
    """Return what a form shows: a licence, and whichever others go along whole.

    Raises:
        Problem: REQUEST_INVALID; the purpose is too long.
    """
    others = [one for one in licences if f"{_ALSO}{one.key}" in visit.form and one.key != card.licence.key]
    chosen = [DisclosureBody(identifier=card.licence.identifier, fields=_chosen(visit, card))]
    chosen += [DisclosureBody(identifier=one.identifier, fields=[item.name for item in one.items]) for one in others]
    purpose = visit.form.get("purpose", "").strip() or COUNTER_PURPOSE
    if len(purpose) > MAX_PURPOSE or len(chosen) > MAX_LICENCES:
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/purpose", f"at most {MAX_PURPOSE} characters")])
    return ShowBody(purpose=purpose, licences=chosen)


def _key(text: str) -> str:
    """Return what a form says names a licence.

    Raises:
        Problem: NOT_FOUND; it names none.
    """
    if not KEY.fullmatch(text):
        raise Problem(Code.NOT_FOUND)
    return text
