"""`/console/proposals`: what waits for a second person, and what became of it."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from api.access.callers import names_of
from api.catalogue.book import TypeBook
from api.console.decisions import REASONS
from api.console.facts import facts, is_personal
from api.console.pages import moment
from api.console.routes.licences import HERE as LICENCES
from api.console.site import ConsoleVisit
from api.console.views.frame import HOME, Entry, Section
from api.console.views.proposals import ProposalList, ProposalPage, ProposalRow, ProposalState, Subject
from api.ledger import SqlLedger
from api.licences.book import Licence, LicenceBook
from api.licences.files import FileName, read_fields_of
from api.licences.shown import shown
from api.lifecycle.desk import LifeCycleDesk
from api.lifecycle.house import house_of
from api.lifecycle.motions import Motion
from api.lifecycle.proposals import Proposal, ProposalBook
from api.office import Office
from ecert.issuance import EXTENSION
from ecert.licence.application import EXPIRING, FIELDS, LONG_TERM
from ecert.licence.codes import Phrase

_HERE = f"{HOME}/proposals"
_PAGE = 50
_SUBJECTS = {one.value: one for one in Subject}
_BATCH = {"licences": Phrase("Licences", "证照份数"), "files": Phrase("With OFD files", "制作 OFD 文件")}


def router(office: Office) -> APIRouter:
    """Return the pages."""
    routes, console, desk, house = APIRouter(), office.console, _Desk(office), house_of(office)

    @routes.get(_HERE)
    async def proposals(
        visit: Annotated[ConsoleVisit, Depends(console.enter("listProposals"))], cursor: str = ""
    ) -> Response:
        view = await office.pool.ask(lambda ledger: desk.list(ledger, visit, cursor))
        return console.page(visit.frame(Section.PROPOSALS), view)

    @routes.get(f"{_HERE}/{{key}}")
    async def read(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readProposal"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.read(ledger, visit, key), actor=visit.principal.id)
        return console.page(visit.frame(Section.PROPOSALS), view)

    @routes.post(f"{_HERE}/{{key}}/approve")
    async def approve(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("approveProposal"))]) -> Response:
        tag, note = _said(visit)
        await office.pool.ask(
            lambda ledger: LifeCycleDesk(house, ledger, visit).approve(key, tag, note, _nothing),
            actor=visit.principal.id,
        )
        return RedirectResponse(f"{_HERE}/{key}", 303)

    @routes.post(f"{_HERE}/{{key}}/reject")
    async def reject(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("rejectProposal"))]) -> Response:
        tag, note = _said(visit)
        await office.pool.ask(
            lambda ledger: LifeCycleDesk(house, ledger, visit).reject(key, tag, note, _nothing),
            actor=visit.principal.id,
        )
        return RedirectResponse(f"{_HERE}/{key}", 303)

    return routes


def _said(visit: ConsoleVisit) -> tuple[str, str]:
    """Return what the reviewer looked at, and what they write."""
    return visit.form.get("etag", ""), " ".join(visit.form.get("note", "").split())


def _nothing(_: Proposal) -> None:
    """Keep no answer: a form sent twice finds the proposal decided."""


class _Desk:
    """What the pages ask of the ledger."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def list(self, ledger: SqlLedger, visit: ConsoleVisit, cursor: str) -> ProposalList:
        """Return a page of proposals."""
        found, following = ProposalBook(ledger).list(visit.scope, None, cursor, _PAGE)
        names = names_of(ledger.database, {one.proposer for one in found})
        return ProposalList(tuple(self._row(ledger, visit, one, names) for one in found), following)

    def read(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> ProposalPage:
        """Return one proposal; that its content was shown is logged."""
        book = ProposalBook(ledger)
        one = book.find(visit.scope, key)
        book.note_use(one, self._office.clock())
        names = names_of(ledger.database, {one.proposer, one.decided_by or ""})
        licence = self._licence(ledger, visit, one)
        return ProposalPage(
            row=self._row(ledger, visit, one, names),
            facts=tuple(_content(ledger, one, licence)),
            about=tuple(_about(ledger, one, licence)),
            about_address=f"{LICENCES}/{one.licence}" if licence else f"{HOME}/batches/{one.batch}",
            picture=_picture(ledger, licence),
            may_decide=visit.may("approveProposal"),
            etag=one.etag,
            idempotency_key=secrets.token_urlsafe(16),
            decided_by=names.get(one.decided_by or "", one.decided_by or ""),
            decided_at=one.decided_at,
            note=one.note,
        )

    def _licence(self, ledger: SqlLedger, visit: ConsoleVisit, one: Proposal) -> Licence | None:
        if one.licence is None:
            return None
        return LicenceBook(ledger, visit.scope, self._office.clock()).find(one.licence)

    def _row(self, ledger: SqlLedger, visit: ConsoleVisit, one: Proposal, names: Mapping[str, str]) -> ProposalRow:
        licence = self._licence(ledger, visit, one)
        about = " · ".join((_type_name(ledger, licence), *shown(licence.summary))) if licence else str(one.batch)
        return ProposalRow(
            key=one.key,
            subject=_SUBJECTS[one.subject],
            about=about,
            proposer=names.get(one.proposer, one.proposer),
            proposed_at=one.at,
            state=ProposalState[one.state.name],
            own=one.proposer == visit.principal.id,
        )


def _type_name(ledger: SqlLedger, licence: Licence) -> str:
    return TypeBook(ledger.database).names()[licence.identifier.type_code].zh


def _about(ledger: SqlLedger, one: Proposal, licence: Licence | None) -> Iterator[Entry]:
    if licence is None:
        yield Entry(Phrase("Batch", "批次"), str(one.batch), code=True)
        return
    number, holder = shown(licence.summary)
    hidden = licence.summary is None or (number, holder) != (licence.summary.number, licence.summary.holder)
    yield Entry(Phrase("Type", "证照类型"), _type_name(ledger, licence))
    yield Entry(Phrase("Holder", "持证主体"), holder, masked=hidden)
    yield Entry(Phrase("Licence number", "证照编号"), number, masked=hidden, code=True)
    yield Entry(Phrase("Identifier", "证照标识"), licence.identifier.text, code=True)


def _picture(ledger: SqlLedger, licence: Licence | None) -> str:
    """Return where the picture of a licence is, unless it shows a person's data or there is none."""
    if licence is None or licence.summary is None or is_personal(licence.summary.holder_code_type):
        return ""
    return f"{LICENCES}/{licence.key}/files/{FileName.PICTURE}" if ledger.file(licence.identifier) else ""


def _content(ledger: SqlLedger, one: Proposal, licence: Licence | None) -> Iterator[Entry]:
    """Return what is proposed."""
    if licence is None:
        for name, value in json.loads(one.content or b"{}").items():
            yield Entry(_BATCH.get(name, Phrase(name, name)), _plain(value))
        return
    if not one.content:
        return
    motion = Motion.decode(one.content)
    yield Entry(Phrase("Reason", "事由"), REASONS[motion.reason_code].zh)
    yield Entry(Phrase("In one sentence", "事由说明"), motion.published_reason())
    yield Entry(Phrase("Legal basis", "法律依据"), motion.legal_basis)
    yield Entry(Phrase("Number of the decision", "决定文书文号"), motion.document)
    effective = "批准时生效" if motion.effective_at is None else moment(motion.effective_at)
    yield Entry(Phrase("Takes effect", "生效时间"), effective)
    if motion.paper_serial:
        yield Entry(Phrase("Serial of the paper", "纸质证照印制号"), motion.paper_serial, code=True)
    if motion.application is not None:
        yield from _changes(ledger, licence, motion.application)


def _plain(value: object) -> str:
    return ("是" if value else "否") if isinstance(value, bool) else str(value)


def _changes(ledger: SqlLedger, licence: Licence, application: Mapping[str, Any]) -> Iterator[Entry]:
    """Return what a new version says that the one before does not."""
    _, before, definition = read_fields_of(ledger, licence)
    after = {**before, **{key: value for key, value in application.items() if key in before}}
    after[EXPIRING] = LONG_TERM if application[EXPIRING] is None else application[EXPIRING]
    after = {name: value for name, value in after.items() if not name.startswith(EXTENSION)}
    after |= {EXTENSION + name: value for name, value in application[FIELDS].items()}
    old = {one.label: one for one in facts(definition, before, masked=False)}
    new = {one.label: one for one in facts(definition, after, masked=False)}
    for label in [*new, *(one for one in old if one not in new)]:
        was, becomes = (values[label].value if label in values else "无" for values in (old, new))
        if was != becomes:
            yield Entry(label, f"{was} → {becomes}")
