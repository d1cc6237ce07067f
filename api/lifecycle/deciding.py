"""Decisions as they are recorded: with who proposed and who approved them, in the transaction under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from api.audit import AuditBook
from api.decisions import make_decision
from api.lifecycle.actions import RULES, Action, require_allowed
from api.schema import decisions
from api.service_schema import deciders, licences

if TYPE_CHECKING:
    from datetime import datetime

    from api.ledger import SqlLedger
    from api.lifecycle.motions import Motion
    from api.lifecycle.subjects import Subject
    from ecert.ports import Decision


@dataclass(frozen=True, slots=True)
class People:
    """Who decides.

    Attributes:
        operator: Who proposed it, by identifier.
        reviewer: Who approved it; empty where one person decides.
    """

    operator: str
    reviewer: str = ""


def decide(ledger: SqlLedger, subject: Subject, motion: Motion, people: People, now: datetime) -> Decision:
    """Record what becomes of a licence, in the transaction under way.

    Raises:
        IssuanceError: ACTION_NOT_ALLOWED; what the licence is does not allow it.
    """
    since = motion.since(now)
    require_allowed(motion.action, subject.meets(since, now))
    decision = make_decision(
        subject.identifier,
        RULES[motion.action].becomes,
        now=now,
        reason=motion.published_reason(),
        since=since,
        until=motion.until,
        reason_code=motion.reason_code,
        legal_basis=motion.legal_basis,
        document=motion.document,
    )
    record(ledger, decision, people)
    if motion.action is Action.MARK_LOST:
        _note_paper(ledger, subject, motion.paper_serial or subject.paper_serial, now)
    return decision


def record(ledger: SqlLedger, decision: Decision, people: People) -> None:
    """Record a decision, with who took it, in the transaction under way.

    Raises:
        IssuanceError: LEDGER_CONFLICT; none may follow what was decided before.
    """
    ledger.decide(decision)
    about = decisions.c.identifier == decision.identifier.text
    number = ledger.database.number(select(func.max(decisions.c.number)).where(about))
    ledger.database.add(deciders, [{"number": number, "operator": people.operator, "reviewer": people.reviewer}])


def _note_paper(ledger: SqlLedger, subject: Subject, serial: str, now: datetime) -> None:
    mine = licences.c.identifier == subject.identifier.text
    ledger.database.run(update(licences).where(mine).values(paper_serial=serial))
    AuditBook(ledger.database).record("licence.lost", subject.identifier.text, now, details={"paper": serial})
