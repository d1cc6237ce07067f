"""`/console/seals`: the seal register with pictures, and what is decided about each seal."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from api.console.site import ConsoleVisit
from api.console.views import oversight as views
from api.console.views.frame import Section
from api.console.views.oversight import SealRegister as SealPage
from api.ledger import SqlLedger
from api.office import Office
from api.routes.seals import picture_of
from api.seal_register import MEDIA_TYPES, RegisteredSeal, SealAction, SealRegister
from api.settings import DepartmentSettings
from ecert.licence.codes import Phrase
from ecert.licence.validity import china_day
from ecert.revocation.seal_list import SealState
from ecert.trust import Member

_HERE = Section.SEALS.path
_ACTIONS: Final = {one.name: one for one in views.SealAction}
_KINDS: Final = {
    1: Phrase("Seal of the legal name", "法定名称章"),
    2: Phrase("Seal for finance", "财务专用章"),
    3: Phrase("Seal for invoices", "发票专用章"),
    4: Phrase("Seal for contracts", "合同专用章"),
    5: Phrase("Seal of a person's name", "名章"),
}
_OTHER: Final = Phrase("Seal for one business", "业务专用章")


def router(office: Office) -> APIRouter:
    """Return the pages."""
    routes, console, desk = APIRouter(), office.console, _Desk(office)

    @routes.get(_HERE)
    async def list_(visit: Annotated[ConsoleVisit, Depends(console.enter("listSeals"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.page(ledger, visit))
        return console.page(visit.frame(Section.SEALS), view)

    @routes.get(f"{_HERE}/{{code}}/picture")
    async def picture(code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readSealPicture"))]) -> Response:
        now = office.clock()
        return picture_of(await office.pool.ask(lambda ledger: desk.register(ledger, visit).find(code, now)))

    @routes.post(f"{_HERE}/{{code}}/{{action}}")
    async def decide(
        code: str, action: SealAction, visit: Annotated[ConsoleVisit, Depends(console.enter("decideSeal"))]
    ) -> Response:
        reason, document = (visit.form.get(name, "").strip() for name in ("reason", "document"))
        now = office.clock()
        await office.pool.ask(
            lambda ledger: desk.register(ledger, visit).decide(code, action, reason, document, now),
            actor=visit.principal.id,
        )
        return RedirectResponse(_HERE, 303)

    return routes


class _Desk:
    """What the pages ask of the ledger."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._departments = {one.seal: one for one in office.settings.departments if one.seal}

    def register(self, ledger: SqlLedger, visit: ConsoleVisit) -> SealRegister:
        return SealRegister(ledger.database, self._office.registry.get(), visit.scope)

    def page(self, ledger: SqlLedger, visit: ConsoleVisit) -> SealPage:
        register, now = self.register(ledger, visit), self._office.clock()
        may_decide = visit.may("decideSeal")
        return SealPage(tuple(self._card(register, one, now, may_decide=may_decide) for one in register.all(now)))

    def _card(self, register: SealRegister, one: RegisteredSeal, now: datetime, *, may_decide: bool) -> views.SealCard:
        info, user = one.seal.info, self._departments.get(one.seal.info.code)
        return views.SealCard(
            key=info.code,
            name=info.name,
            code=info.code,
            kind=_KINDS.get(info.kind, _OTHER),
            department=_name(one.owner),
            maker=_name(one.maker),
            state=_state(one, now),
            picture=f"{_HERE}/{info.code}/picture" if info.picture.kind in MEDIA_TYPES else "",
            valid_from=china_day(info.not_before),
            valid_to=china_day(info.not_after),
            uses_today=_uses(register, user, now),
            alone_up_to=user.alone_up_to if user else 0,
            actions=tuple(_ACTIONS[action.name] for action in one.actions()) if may_decide else (),
            note=" ".join(filter(None, (one.history[-1].reason, one.history[-1].document))),
        )


def _name(member: Member | None) -> str:
    return "—" if member is None else member.name


def _uses(register: SealRegister, user: DepartmentSettings | None, now: datetime) -> int:
    return 0 if user is None else register.uses_today(user.code, now)


def _state(one: RegisteredSeal, now: datetime) -> views.SealState:
    """Return what a seal is: one whose time is over is that, unless it was ended before."""
    if one.state is SealState.ACTIVE and now > one.seal.info.not_after:
        return views.SealState.EXPIRED
    return views.SealState[one.state.name]
