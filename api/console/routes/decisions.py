"""`/console/licences/<key>/<action>`: the form of a decision, and what it was answered."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from api.catalogue.book import TypeBook
from api.console.decisions import (
    CONTROLS,
    DOCUMENT,
    EFFECTIVE_AT,
    LEGAL_BASIS,
    PAPER_SERIAL,
    REASON,
    REASON_CODE,
    TARGET_REGION,
    UNTIL,
    decision_form,
)
from api.console.forms import PORTRAIT, Form, licence_form
from api.console.posted import form_values, posted_application
from api.console.routes.licences import HERE
from api.console.site import ConsoleVisit
from api.console.views.frame import HOME, Entry, Section
from api.console.views.licences import Action as Shown
from api.console.views.licences import Decision
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.licences.book import LicenceBook
from api.licences.files import sealed_fields
from api.licences.shown import shown
from api.lifecycle.actions import RULES, Action, require_allowed
from api.lifecycle.desk import Decided, LifeCycleDesk, Outcome
from api.lifecycle.house import house_of
from api.lifecycle.motions import Motion, text_problems
from api.lifecycle.subjects import Subject, find_subject
from api.lifecycle.versions import application_of
from api.office import Office
from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.licence.application import MAX_PORTRAIT, read_application
from ecert.licence.codes import Phrase
from ecert.licence.validity import CHINA
from ecert.revocation import ReasonCode

_PROPOSALS = f"{HOME}/proposals"
_IN_THE_BODY = "/application"
_NO_TIME = Phrase("a day and a time, as 2026-01-31T09:30", "日期与时间，如 2026-01-31T09:30")
_NO_REASON = Phrase("one of the reasons of this action", "该决定适用的事由代码")


def router(office: Office) -> APIRouter:
    """Return the pages, one for each action."""
    routes = APIRouter()
    for action in Action:
        _add(routes, office, action)
    return routes


def _add(routes: APIRouter, office: Office, action: Action) -> None:
    console, desk = office.console, _Desk(office, action)
    enter = console.enter("changeLicence" if RULES[action].makes_version else "decideLicence")

    @routes.get(f"{HERE}/{{key}}/{action}")
    async def blank(key: str, visit: Annotated[ConsoleVisit, Depends(enter)]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.blank(ledger, visit, key), actor=visit.principal.id)
        return console.page(visit.frame(Section.LICENCES), view)

    @routes.post(f"{HERE}/{{key}}/{action}")
    async def decide(key: str, visit: Annotated[ConsoleVisit, Depends(enter)]) -> Response:
        file = visit.files.get(PORTRAIT)
        portrait = b"" if file is None else await file.read(MAX_PORTRAIT + 1)
        done = await office.pool.ask(lambda ledger: desk.decide(ledger, visit, key, portrait), actor=visit.principal.id)
        if isinstance(done, Decision):
            return console.page(visit.frame(Section.LICENCES), done, 422)
        return RedirectResponse(done.body.decode(), 303)


class _Desk:
    """What the pages of one action ask of the ledger."""

    def __init__(self, office: Office, action: Action) -> None:
        self._office, self._action = office, action
        self._house = house_of(office)

    def blank(self, ledger: SqlLedger, visit: ConsoleVisit, key: str) -> Decision:
        """Return the form: of a new version filled in as the licence is."""
        subject = find_subject(ledger, visit.scope, key)
        now = self._office.clock()
        require_allowed(self._action, subject.meets(now, now))
        rule, values = RULES[self._action], dict[str, str]()
        if rule.makes_version:
            values = form_values(application_of(sealed_fields(ledger, subject.identifier)))
            LicenceBook(ledger, visit.scope, now).note_use("licence.read", subject.identifier, file="form")
        if len(rule.reasons) == 1:
            values[REASON_CODE] = rule.reasons[0].value
        return self._form(ledger, visit, subject, values)

    def _form(
        self,
        ledger: SqlLedger,
        visit: ConsoleVisit,
        subject: Subject,
        values: Mapping[str, str],
        problems: Iterable[FieldProblem] = (),
    ) -> Decision:
        found = tuple(problems)
        return Decision(
            key=subject.key,
            action=Shown[self._action.name],
            summary=_summary(ledger, visit, self._office, subject),
            forms=tuple(self._forms(ledger, subject, values, found)),
            two_persons=self._takes_two(ledger, subject),
            idempotency_key=values.get("idempotency_key") or secrets.token_urlsafe(16),
            etag=values.get("etag") or subject.etag,
        )

    def _takes_two(self, ledger: SqlLedger, subject: Subject) -> bool:
        rule = RULES[self._action]
        if not rule.makes_version:
            return rule.takes_two
        return self._office.departments.issuer(ledger, subject.department).alone_up_to < 1

    def _forms(
        self, ledger: SqlLedger, subject: Subject, values: Mapping[str, str], problems: tuple[FieldProblem, ...]
    ) -> Iterable[Form]:
        mine = [one for one in problems if one.pointer in CONTROLS or not RULES[self._action].makes_version]
        yield decision_form(Shown[self._action.name], values, mine)
        if RULES[self._action].makes_version:
            kind = TypeBook(ledger.database).published(subject.identifier.type_code)
            rest = [one for one in problems if one.pointer not in CONTROLS]
            yield licence_form(kind.definition, values, rest, portrait=kind.layout.shows_portrait)

    def decide(self, ledger: SqlLedger, visit: ConsoleVisit, key: str, portrait: bytes) -> Answer | Decision:
        """Decide or propose, once; the answer's body is where to go then."""
        path = f"{HERE}/{key}/{self._action}"
        attempt = Attempt.of(visit.principal.id, visit.form.get("idempotency_key"), "POST", path, b"")
        try:
            return attempt.once(ledger, self._office.clock(), lambda: self._take(ledger, visit, key, portrait, attempt))
        except IssuanceError as error:
            if not error.problems:
                raise
            placed = (replace(one, pointer=one.pointer.removeprefix(_IN_THE_BODY)) for one in error.problems)
            return self._form(ledger, visit, find_subject(ledger, visit.scope, key), visit.form, placed)

    def _take(self, ledger: SqlLedger, visit: ConsoleVisit, key: str, portrait: bytes, attempt: Attempt) -> Answer:
        motion = self._motion(ledger, visit, key, portrait)
        answers: list[Answer] = []

        def keep(outcome: Outcome) -> None:
            answers.append(Answer(303, _address(outcome).encode()))
            attempt.finish(ledger, answers[0])

        LifeCycleDesk(self._house, ledger, visit).take(key, motion, keep, visit.form.get("etag"))
        return answers[0]

    def _motion(self, ledger: SqlLedger, visit: ConsoleVisit, key: str, portrait: bytes) -> Motion:
        """Read what was posted.

        Raises:
            IssuanceError: DECISION_INVALID, with pointers that are names of controls, of the new face too.
        """
        form = visit.form
        reason = " ".join(form.get(REASON, "").split())
        legal_basis, document = form.get(LEGAL_BASIS, "").strip(), form.get(DOCUMENT, "").strip()
        times = {name: _moment(form.get(name, "")) for name in (EFFECTIVE_AT, UNTIL)}
        code = form.get(REASON_CODE, "")
        application, problems = self._application(ledger, visit, key, portrait)
        problems += [_problem(name, _NO_TIME) for name, time in times.items() if time is None and form.get(name)]
        problems += [] if code in set(ReasonCode) else [_problem(REASON_CODE, _NO_REASON)]
        if problems:
            every = (*problems, *text_problems(reason, legal_basis, document))
            raise IssuanceError(Reason.DECISION_INVALID, f"{len(every)} problem(s) in the decision", every)
        return Motion(
            action=self._action,
            reason_code=ReasonCode(code),
            reason=reason,
            legal_basis=legal_basis,
            document=document,
            effective_at=times[EFFECTIVE_AT],
            until=times[UNTIL],
            target_region=form.get(TARGET_REGION, ""),
            paper_serial=form.get(PAPER_SERIAL, "").strip(),
            application=application,
        )

    def _application(
        self, ledger: SqlLedger, visit: ConsoleVisit, key: str, portrait: bytes
    ) -> tuple[Mapping[Any, Any] | None, list[FieldProblem]]:
        """Return what the new face says, and what is wrong with its shapes."""
        if not RULES[self._action].makes_version:
            return None, []
        subject = find_subject(ledger, visit.scope, key)
        kind = TypeBook(ledger.database).published(subject.identifier.type_code)
        posted = posted_application(kind.definition, visit.form, portrait)
        try:
            read_application(posted.application, posted.problems)
        except IssuanceError as error:
            return posted.application, list(error.problems)
        return posted.application, []


def _moment(text: str) -> datetime | None:
    """Return an instant that a control holds as a clock in China shows it; None for what is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=CHINA)
    except ValueError:
        return None


def _problem(name: str, expected: Phrase) -> FieldProblem:
    return FieldProblem(name, expected.en, expected.zh)


def _address(outcome: Outcome) -> str:
    """Return where the operator goes on: to the new version, the licence, or what waits for review."""
    if not isinstance(outcome, Decided):
        return f"{_PROPOSALS}/{outcome.key}"
    return f"{HERE}/{(outcome.version or outcome.subject).key}"


def _summary(ledger: SqlLedger, visit: ConsoleVisit, office: Office, subject: Subject) -> tuple[Entry, ...]:
    licence = LicenceBook(ledger, visit.scope, office.clock()).find(subject.key)
    names = TypeBook(ledger.database).names()
    number, holder = shown(licence.summary)
    hidden = licence.summary is None or (number, holder) != (licence.summary.number, licence.summary.holder)
    return (
        Entry(Phrase("Type", "证照类型"), names[subject.identifier.type_code].zh),
        Entry(Phrase("Holder", "持证主体"), holder, masked=hidden),
        Entry(Phrase("Licence number", "证照编号"), number, masked=hidden, code=True),
        Entry(Phrase("Identifier", "证照标识"), subject.identifier.text, code=True),
        Entry(Phrase("Serial of its paper", "纸质证照印制号"), subject.paper_serial or "无", code=True),
    )
