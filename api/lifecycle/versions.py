"""New versions of a licence: changed, renewed, issued again; the old one ends in the transaction that completes it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from api.audit import AuditBook
from api.catalogue.book import TypeBook
from api.licences.files import sealed_fields
from api.licences.issuing import Order, in_the_body, issue_one
from api.lifecycle.actions import Action
from api.lifecycle.deciding import People, decide
from api.lifecycle.subjects import Subject, reload
from api.schema import intents
from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.issuance import ASSOCIATED, EXTENSION, find_parents, prepare, record_fields
from ecert.licence.application import (
    EFFECTIVE,
    EXPIRING,
    FIELDS,
    HOLDER_CODE,
    KEYS,
    LONG_TERM,
    NUMBER,
    PARENTS,
    parse_application,
)
from ecert.licence.codes import Phrase
from ecert.licence.strict_json import pointer
from ecert.licence.validity import CHINA, china_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from api.catalogue.book import PublishedType
    from api.departments import Issuer
    from api.ledger import SqlLedger
    from api.lifecycle.motions import Motion
    from ecert.issuance import SealedLicence
    from ecert.licence.application import Application
    from ecert.licence.fields import FieldValue
    from ecert.licence.identifier import Identifier
    from ecert.ports import Completion, Decision, Parent

_OF_THE_SEALING: Final = frozenset(
    {
        "certificateName",
        "certificateTypeName",
        "certificateIdentifier",
        "certificateIssuedDate",
        "certificateIssuingAuthorityName",
    }
)
"""Fields of a record that no application has: they may differ though the licence says the same."""
_SAME: Final = Phrase("the same as before: what says something else is a change", "与原证照一致；内容有变请办理变更")
_LONGER: Final = Phrase("a last day after the one before", "晚于原有效期截止日期")
_GAP: Final = Phrase(
    "a day not after the new version takes effect: else neither would be in force",
    "不晚于新版本的生效日期，否则其间没有有效的版本",
)
_TWICE: Final = Phrase(
    "the day on which the new version takes effect: else both would be in force",
    "与新版本的生效日期一致，否则其间两个版本同时有效",
)


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version ready to be sealed.

    Attributes:
        replaces: The version before it.
        motion: What is to be decided, with the time at which it takes effect.
        application: What it says.
        kind: Its type.
        foreign: Licences of other ledgers that the one before depends on.
    """

    replaces: Subject
    motion: Motion
    application: Application
    kind: PublishedType
    foreign: Mapping[Identifier, Parent]


def application_of(fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    """Return the application that a licence of these fields was issued from, in JSON; no portrait is among them."""
    application: dict[str, Any] = {key: fields[key] for key in KEYS if key in fields}
    if application[EXPIRING] == LONG_TERM:
        application[EXPIRING] = None
    own = {name: value for name, value in fields.items() if name.startswith(EXTENSION)}
    application[FIELDS] = {name.removeprefix(EXTENSION): value for name, value in own.items()}
    if ASSOCIATED in fields:
        application[PARENTS] = str(fields[ASSOCIATED]).split("^")
    return application


def ready_version(ledger: SqlLedger, issuer: Issuer, subject: Subject, motion: Motion, now: datetime) -> NewVersion:
    """Look whether a new version can be sealed: nothing is recorded or signed.

    Raises:
        IssuanceError: it cannot; it says why, with pointers into the body of the request.
        NotFoundError: its type is published no more, or what it is to replace was erased.
    """
    with in_the_body():
        application = parse_application(motion.application)
        kind = TypeBook(ledger.database).published(subject.identifier.type_code)
        foreign = {one.identifier: one for one in ledger.issued(subject.identifier).parents}
        find_parents(application, ledger, foreign)
        prepare(
            application,
            kind.definition,
            issuer.key,
            sealed_at=now,
            entropy=secrets.token_bytes,
            files=issuer.files,
            replaces=subject.identifier,
        )
        if motion.effective_at is None:
            motion = replace(motion, effective_at=_first_instant(application, now))
        made = NewVersion(subject, motion, application, kind, foreign)
        problems = (*_content_problems(ledger, issuer, made, now), *_day_problems(made, now))
        if problems:
            raise IssuanceError(Reason.APPLICATION_INVALID, f"{len(problems)} problem(s) in the application", problems)
    return made


def _first_instant(application: Application, now: datetime) -> datetime:
    return max(now, datetime.combine(application.effective, time(), CHINA))


def _content_problems(ledger: SqlLedger, issuer: Issuer, made: NewVersion, now: datetime) -> Iterator[FieldProblem]:
    """Hold a version against the one before.

    Issued again it says the same, renewed it is of the same licence, changed it is of the same holder: nobody ends a
    licence alone by giving it to somebody else.
    """
    before = sealed_fields(ledger, made.replaces.identifier)
    after = record_fields(made.application, made.kind.definition, issuer.key, made.replaces.identifier, now)
    same = {HOLDER_CODE} if made.motion.action is Action.CHANGE else {HOLDER_CODE, NUMBER}
    if made.motion.action is Action.REISSUE:
        same = (before.keys() | after.keys()) - _OF_THE_SEALING
    for name in sorted(same):
        if before.get(name) != after.get(name):
            yield FieldProblem(pointer(*name.split(".", 1)), _SAME.en, _SAME.zh)
    last, new_last = made.replaces.expiring, made.application.expiring
    if made.motion.action is Action.RENEW and (last is None or (new_last is not None and new_last <= last)):
        yield FieldProblem(pointer(EXPIRING), _LONGER.en, _LONGER.zh)


def _day_problems(made: NewVersion, now: datetime) -> Iterator[FieldProblem]:
    """Look whether exactly one of the two versions is in force at any time."""
    first, day = made.application.effective, china_day(made.motion.since(now))
    if first > day:
        yield FieldProblem(pointer(EFFECTIVE), _GAP.en, _GAP.zh)
    elif day > china_day(now) and first < day:
        yield FieldProblem(pointer(EFFECTIVE), _TWICE.en, _TWICE.zh)


def seal_version(
    ledger: SqlLedger,
    issuer: Issuer,
    version: NewVersion,
    people: People,
    *,
    clock: Callable[[], datetime],
    also: Callable[[Decision, Subject], None],
) -> SealedLicence:
    """Seal a new version, and end the one before it.

    Args:
        ledger: Where both are.
        issuer: The department.
        version: What is sealed.
        people: Who decides.
        clock: Returns the time.
        also: What else is done in the transaction that completes it, told what was decided, and the new version.

    Raises:
        IssuanceError: ACTION_NOT_ALLOWED, or as `ecert.issuance.issue`; nothing was completed.
    """
    motion = version.motion

    def complete(done: Completion) -> None:
        before = version.replaces.again(ledger)
        decision = decide(ledger, before, motion, people, done.at)
        details = {"replaces": before.identifier.text} | ({"paper": motion.paper_serial} if motion.paper_serial else {})
        AuditBook(ledger.database).record(f"licence.{motion.action}", done.identifier.text, done.at, details=details)
        also(decision, reload(ledger, done.identifier.text))

    replaces = _last_intended(ledger, version.replaces.identifier)
    order = Order(version.application, version.kind, version.foreign, motion.paper_serial, replaces)
    return issue_one(ledger, issuer, order, clock, also=complete)


def _last_intended(ledger: SqlLedger, identifier: Identifier) -> Identifier:
    """Return the highest version that anybody ever set out to seal: an open intent keeps its number for ever."""
    following = replace(identifier, version=identifier.version + 1)
    while ledger.database.row(select(intents.c.identifier).where(intents.c.identifier == following.text)):
        identifier, following = following, replace(following, version=following.version + 1)
    return identifier
