"""`/console/issue`: choose a type, fill in its form, look at the page, seal it."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.catalogue.book import PublishedType, TypeBook
from api.console.decisions import PAPER_SERIAL
from api.console.facts import facts
from api.console.forms import PORTRAIT, FormField, Group, licence_form
from api.console.posted import form_values, posted_application
from api.console.routes.licences import HERE as LICENCES
from api.console.routes.licences import links
from api.console.site import ConsoleVisit
from api.console.views.catalogue import HOLDERS
from api.console.views.frame import HOME, Section
from api.console.views.issuing import ChooseType, IssuableType, Issued, IssueForm, Preview
from api.departments import Issuer
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.licences.book import LicenceBook
from api.licences.drafts import DraftBook
from api.licences.files import FileName, read_fields_of
from api.licences.issuing import MAX_PAPER_SERIAL, Order, issue_one, require_alone, require_serial
from api.licences.previewing import prepare_one, preview
from api.office import Office
from api.service_schema import licences
from ecert.errors import FieldProblem, IssuanceError
from ecert.issuance import Prepared
from ecert.licence.application import (
    HOLDER_NAME,
    MAX_PORTRAIT,
    NUMBER,
    parse_application,
    read_application,
)
from ecert.licence.codes import Phrase
from ecert.ports import Completion

_HERE = f"{HOME}/issue"
_DRAFTS = f"{HOME}/drafts"


def router(office: Office) -> APIRouter:
    """Return the pages."""
    routes, console, desk = APIRouter(), office.console, _Desk(office)

    @routes.get(_HERE)
    async def choose(visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.choose(ledger, visit))
        return console.page(visit.frame(Section.ISSUE), view)

    @routes.get(f"{_HERE}/{{code}}")
    async def blank(
        code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))], draft: str = ""
    ) -> Response:
        view = await office.pool.ask(lambda ledger: desk.form(ledger, visit, code, draft))
        return console.page(visit.frame(Section.ISSUE), view)

    @routes.post(f"{_HERE}/{{code}}")
    async def fill_in(code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))]) -> Response:
        file = visit.files.get(PORTRAIT)
        portrait = b"" if file is None else await file.read(MAX_PORTRAIT + 1)
        kept = await office.pool.ask(
            lambda ledger: desk.fill_in(ledger, visit, code, portrait), actor=visit.principal.id
        )
        if isinstance(kept, IssueForm):
            return console.page(visit.frame(Section.ISSUE), kept, 422)
        return RedirectResponse(f"{_DRAFTS}/{kept}", 303)

    @routes.get(f"{_DRAFTS}/{{key}}")
    async def look(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.look(ledger, visit, key))
        return console.page(visit.frame(Section.ISSUE), view)

    @routes.get(f"{_DRAFTS}/{{key}}/face.svg")
    async def picture(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))]) -> Response:
        prepared, kind, _ = await office.pool.ask(lambda ledger: desk.prepare(ledger, visit, key))
        svg = await office.draw(lambda: preview(prepared, kind, office.fonts, office.settings.portal_host))
        return Response(svg, media_type="image/svg+xml")

    @routes.post(f"{_DRAFTS}/{{key}}/seal")
    async def seal(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))]) -> Response:
        done = await office.pool.ask(lambda ledger: desk.seal(ledger, visit, key), actor=visit.principal.id)
        return RedirectResponse(f"{LICENCES}/{done.body.decode()}/issued", 303)

    @routes.get(f"{LICENCES}/{{key}}/issued")
    async def issued(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("issueLicence"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.issued(ledger, visit, key))
        if view is None:
            return RedirectResponse(f"{LICENCES}/{key}", 303)
        return console.page(visit.frame(Section.ISSUE), view)

    return routes


class _Desk:
    """What the pages ask of the ledger."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def choose(self, ledger: SqlLedger, visit: ConsoleVisit) -> ChooseType:
        """Return the types that the department may issue today."""
        issuer = self._issuer(ledger, visit)
        granted = {grant.type_code for grant in issuer.key.member.grants}
        every = (one.definition for one in TypeBook(ledger.database).all_published())
        return ChooseType(
            tuple(
                IssuableType(one.code, Phrase(one.name_en, one.name), HOLDERS[one.holder_category], one.version)
                for one in every
                if one.code in granted
            )
        )

    def form(self, ledger: SqlLedger, visit: ConsoleVisit, code: str, draft: str) -> IssueForm:
        """Return the form of a type: empty, or as a draft was left."""
        kind = TypeBook(ledger.database).published(code)
        if not draft:
            return _form(kind, {})
        kept = DraftBook(ledger, visit.principal.id).find(draft)
        return _form(kind, form_values(kept.application) | {PAPER_SERIAL: kept.paper_serial})

    def fill_in(self, ledger: SqlLedger, visit: ConsoleVisit, code: str, portrait: bytes) -> str | IssueForm:
        """Keep what was filled in as a draft and return its key; or the form again, with what is to be mended."""
        kind = TypeBook(ledger.database).published(code)
        posted = posted_application(kind.definition, visit.form, portrait)
        serial = visit.form.get(PAPER_SERIAL, "").strip()
        try:
            require_serial(serial)
            application = read_application(posted.application, posted.problems)
            prepare_one(application, kind, self._issuer(ledger, visit), self._office.clock())
        except IssuanceError as error:
            problems = error.problems or (FieldProblem("", error.detail, error.detail),)
            return _form(kind, visit.form, problems)
        return DraftBook(ledger, visit.principal.id).keep(posted.application, serial, self._office.clock())

    def _issuer(self, ledger: SqlLedger, visit: ConsoleVisit) -> Issuer:
        return self._office.departments.issuer(ledger, visit.principal.department or "")

    def prepare(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> tuple[Prepared, PublishedType, Issuer]:
        """Return a draft as it would be sealed now, its type, and by whom."""
        order, issuer = self._order(ledger, visit, key), self._issuer(ledger, visit)
        return prepare_one(order.application, order.kind, issuer, self._office.clock()), order.kind, issuer

    def _order(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> Order:
        kept = DraftBook(ledger, visit.principal.id).find(key)
        kind = TypeBook(ledger.database).published(kept.type_code)
        return Order(parse_application(kept.application), kind, paper_serial=kept.paper_serial)

    def look(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> Preview:
        """Return a draft, to be read once more."""
        prepared, kind, issuer = self.prepare(ledger, visit, key)
        definition = kind.definition
        return Preview(
            draft=key,
            code=definition.code,
            name=Phrase(definition.name_en, definition.name),
            picture=f"{_DRAFTS}/{key}/face.svg",
            facts=facts(definition, prepared.fields, masked=False),
            seal="无印章，只签发记录" if issuer.files is None else issuer.files.seal.info.name,
            two_persons=False,
            idempotency_key=secrets.token_urlsafe(16),
        )

    def seal(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> Answer:
        """Issue a draft, once; the answer's body is the licence's key."""
        once = visit.form.get("idempotency_key")
        attempt = Attempt.of(visit.principal.id, once, "POST", f"{_DRAFTS}/{key}", b"")
        return attempt.once(ledger, self._office.clock(), lambda: self._seal(ledger, visit, key, attempt))

    def _seal(self, ledger: SqlLedger, visit: ConsoleVisit, key: str, attempt: Attempt) -> Answer:
        made: list[Answer] = []

        def keep(done: Completion) -> None:
            mine = select(licences.c.key).where(licences.c.identifier == done.identifier.text)
            made.append(Answer(201, str(ledger.database.run(mine).scalar_one()).encode()))
            attempt.finish(ledger, made[0])
            DraftBook(ledger, visit.principal.id).use_up(key)

        order, issuer = self._order(ledger, visit, key), self._issuer(ledger, visit)
        require_alone(issuer)
        issue_one(ledger, issuer, order, self._office.clock, also=keep)
        return made[0]

    def issued(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> Issued | None:
        """Return a licence that was just sealed, whole, to whoever issued it; None for all others."""
        licence = LicenceBook(ledger, visit.scope, self._office.clock()).find(key)
        if licence.operator != visit.principal.id:
            return None
        sealed, fields, definition = read_fields_of(ledger, licence)
        files = f"{LICENCES}/{licence.key}/files"
        return Issued(
            key=licence.key,
            code=definition.code,
            name=Phrase(definition.name_en, definition.name),
            identifier=licence.identifier.text,
            number=str(fields[NUMBER]),
            holder=str(fields[HOLDER_NAME]),
            issued_at=licence.issued_at,
            picture=f"{files}/{FileName.PICTURE}" if sealed.file is not None else "",
            qr=f"{files}/{FileName.CODE}",
            downloads=links(files, sealed),
        )


def _form(kind: PublishedType, values: Mapping[str, str], problems: tuple[FieldProblem, ...] = ()) -> IssueForm:
    definition = kind.definition
    form = licence_form(definition, values, problems, portrait=kind.layout.shows_portrait)
    form = replace(form, groups=(*form.groups, _paper(values.get(PAPER_SERIAL, ""))))
    return IssueForm(definition.code, Phrase(definition.name_en, definition.name), form)


def _paper(serial: str) -> Group:
    hint = Phrase("Empty: no paper is handed out", "不制发纸质证照则留空")
    label = Phrase("Serial of the paper", "纸质证照印制号")
    field = FormField(PAPER_SERIAL, label, required=False, max_length=MAX_PAPER_SERIAL, value=serial, hint=hint)
    return Group(Phrase("Paper", "纸质证照"), (field,))
