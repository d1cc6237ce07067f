"""`/console/licences`: find a licence, look at it, take its files."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.access.callers import names_of
from api.catalogue.book import TypeBook
from api.console.facts import facts, is_personal
from api.console.forms import Option
from api.console.site import ConsoleVisit
from api.console.views.frame import HOME, Link, Section
from api.console.views.licences import (
    Action,
    LicencePage,
    LicenceRow,
    LicenceState,
    LicenceVersion,
    Search,
    StatusEntry,
)
from api.ledger import SqlLedger
from api.licences.book import Licence, LicenceBook, Question, Ruling
from api.licences.files import FileName, hand_out, make_file, read_fields_of, read_sealed
from api.licences.shown import shown
from api.licences.standing import Standing
from api.lifecycle.actions import RULES, allowed
from api.lifecycle.proposals import ProposalBook
from api.lifecycle.subjects import Subject, find_subject
from api.office import Office
from ecert.errors import EcertError
from ecert.issuance import SealedLicence
from ecert.licence.application import HOLDER_CODE_TYPE
from ecert.licence.codes import Phrase
from ecert.revocation import State

HERE = f"{HOME}/licences"
_NAMES = ("type", "state", "number", "holder_code", "from", "to")
_DOWNLOADS = ((FileName.OFD, "OFD"), (FileName.RECORD, "记录"), (FileName.CODE, "二维码"), (FileName.PIXELS, "PNG"))
_PAGE = 50


def router(office: Office) -> APIRouter:
    """Return the pages."""
    routes, console = APIRouter(), office.console

    @routes.get(HERE)
    async def blank(
        visit: Annotated[ConsoleVisit, Depends(console.enter("findLicences"))], state: str = ""
    ) -> Response:
        values = {"state": state} if state in set(Standing) else {}
        view = await office.pool.ask(
            lambda ledger: _search(ledger, visit, office, values, asked=bool(values)), actor=visit.principal.id
        )
        return console.page(visit.frame(Section.LICENCES), view)

    @routes.post(HERE)
    async def search(visit: Annotated[ConsoleVisit, Depends(console.enter("findLicences"))]) -> Response:
        values = {name: visit.form[name].strip() for name in _NAMES if visit.form.get(name)}
        view = await office.pool.ask(
            lambda ledger: _search(ledger, visit, office, values, asked=True), actor=visit.principal.id
        )
        return console.page(visit.frame(Section.LICENCES), view)

    @routes.get(f"{HERE}/{{key}}")
    async def read(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readLicence"))]) -> Response:
        view = await office.pool.ask(lambda ledger: licence_page(ledger, visit, office, key))
        return console.page(visit.frame(Section.LICENCES), view)

    @routes.post(f"{HERE}/{{key}}/reveal")
    async def reveal(key: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readLicenceFile"))]) -> Response:
        view = await office.pool.ask(
            lambda ledger: licence_page(ledger, visit, office, key, revealed=True), actor=visit.principal.id
        )
        return console.page(visit.frame(Section.LICENCES), view)

    @routes.get(f"{HERE}/{{key}}/files/{{name}}")
    async def file(
        key: str, name: FileName, visit: Annotated[ConsoleVisit, Depends(console.enter("readLicenceFile"))]
    ) -> Response:
        sealed = await office.pool.ask(
            lambda ledger: _hand_out(ledger, visit, office, key, name), actor=visit.principal.id
        )
        made = await office.draw(lambda: make_file(sealed, name, office.settings.portal_host, office.fonts))
        return Response(made.data, media_type=made.media_type)

    return routes


def _hand_out(ledger: SqlLedger, visit: ConsoleVisit, office: Office, key: str, name: FileName) -> SealedLicence:
    book = LicenceBook(ledger, visit.scope, office.clock())
    if name is FileName.CODE:  # stands on every page of the licence
        return read_sealed(ledger, book.find(key))
    return hand_out(ledger, book, key, name)


def _search(
    ledger: SqlLedger, visit: ConsoleVisit, office: Office, values: Mapping[str, str], *, asked: bool
) -> Search:
    names = TypeBook(ledger.database).names()
    every = Option("", Phrase("All", "全部"))
    types = (every, *(Option(code, name) for code, name in names.items()))
    if not asked:
        return Search(types, values)
    book = LicenceBook(ledger, visit.scope, office.clock())
    try:
        found, following = book.look_up(_question(values), visit.form.get("cursor", ""), _PAGE)
    except (ValueError, EcertError):
        return Search(types, values, problem=Phrase("Days are written 2026-01-31", "日期写作 2026-01-31"))
    return Search(types, values, tuple(_row(one, names) for one in found), following)


def _question(values: Mapping[str, str]) -> Question:
    day = {name: date.fromisoformat(values[name]) if values.get(name) else None for name in ("from", "to")}
    return Question(
        number=values.get("number", ""),
        holder_code=values.get("holder_code", ""),
        type_code=values.get("type", ""),
        standing=Standing(values["state"]) if values.get("state") else None,
        issued_from=day["from"],
        issued_to=day["to"],
    )


def _row(licence: Licence, names: Mapping[str, Phrase]) -> LicenceRow:
    number, holder = shown(licence.summary)
    code = licence.identifier.type_code
    return LicenceRow(
        key=licence.key,
        type_name=names[code].zh if code in names else code,
        number=number,
        holder=holder,
        state=LicenceState[licence.standing.name],
        effective=licence.effective,
        expiring=licence.expiring,
        issued_at=licence.issued_at,
    )


def licence_page(
    ledger: SqlLedger, visit: ConsoleVisit, office: Office, key: str, *, revealed: bool = False
) -> LicencePage:
    """Return the page of a licence; that it was revealed is logged."""
    book = LicenceBook(ledger, visit.scope, office.clock())
    licence = book.find(key)
    sealed, fields, definition = read_fields_of(ledger, licence)
    personal = is_personal(str(fields[HOLDER_CODE_TYPE]))
    if revealed:
        book.note_use("licence.read", licence.identifier, file="page")
    said = facts(definition, fields, masked=not revealed)
    files = f"{HERE}/{licence.key}/files"
    drawn = sealed.file is not None and (revealed or not personal)
    subject = find_subject(ledger, visit.scope, key)
    pending = ProposalBook(ledger).waiting_about(subject.identifier.text, subject.etag)
    return LicencePage(
        key=licence.key,
        type_name=Phrase(definition.name_en, definition.name),
        identifier=licence.identifier.text,
        state=LicenceState[licence.standing.name],
        picture=f"{files}/{FileName.PICTURE}" if drawn else "",
        qr=f"{files}/{FileName.CODE}",
        facts=said,
        versions=tuple(_version(one) for one in book.versions(licence)),
        history=_history(ledger, book.rulings(licence)),
        downloads=links(files, sealed),
        actions=tuple(_offered(visit, subject, office.clock())),
        paper_serial=licence.paper_serial,
        may_reveal=any(one.masked for one in said),
        revealed=revealed,
        pending=None if pending is None else pending.key,
    )


def _offered(visit: ConsoleVisit, subject: Subject, now: datetime) -> Iterator[Action]:
    """Return what the operator may decide about a licence now."""
    for action in allowed(subject.meets(now, now)):
        if visit.may("changeLicence" if RULES[action].makes_version else "decideLicence"):
            yield Action[action.name]


def links(files: str, sealed: SealedLicence) -> tuple[Link, ...]:
    """Return the files of a licence to download."""
    kinds = _DOWNLOADS if sealed.file is not None else _DOWNLOADS[1:3]
    size = {FileName.OFD: f"{len(sealed.file or b'') // 1024} KB"}
    return tuple(Link(f"{files}/{name}", Phrase("", words), size.get(name, "")) for name, words in kinds)


def _version(licence: Licence) -> LicenceVersion:
    state = LicenceState[licence.standing.name]
    return LicenceVersion(licence.key, licence.identifier.version, state, licence.issued_at)


def _history(ledger: SqlLedger, rulings: list[Ruling]) -> tuple[StatusEntry, ...]:
    names = names_of(ledger.database, {who for one in rulings for who in (one.operator, one.reviewer)})
    return tuple(
        StatusEntry(
            state=LicenceState[State(one.decision.state).name],
            since=one.decision.since,
            until=one.decision.until,
            reason=one.decision.reason,
            legal_basis=one.decision.legal_basis,
            document=one.decision.document,
            operator=names.get(one.operator, one.operator),
            reviewer=names.get(one.reviewer, one.reviewer),
        )
        for one in reversed(rulings)
    )
