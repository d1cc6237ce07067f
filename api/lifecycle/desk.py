"""What becomes of licences: decided at once, or proposed to a second person; all of it in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from api.ledger import SqlLedger
from api.lifecycle.actions import RULES, require_allowed
from api.lifecycle.deciding import People, decide
from api.lifecycle.motions import Motion, require_sound
from api.lifecycle.proposals import NewProposal, Proposal, ProposalBook, ProposalState, decided
from api.lifecycle.subjects import Subject, find_subject, reload
from api.lifecycle.versions import ready_version, seal_version
from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from api.access.guard import Visit
    from api.departments import Departments
    from ecert.ports import Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about a licence, and is recorded.

    Attributes:
        subject: The licence, as it was before.
        decision: What became of it.
        version: The one that takes its place; None where none does.
    """

    subject: Subject
    decision: Decision
    version: Subject | None = None


Outcome: TypeAlias = Decided | Proposal
Keep: TypeAlias = Callable[[Outcome], None]
"""Does something more in the transaction, told what came of it: so an answer is kept."""
CarryOut: TypeAlias = Callable[[SqlLedger, Proposal, People, datetime], None]
"""Does what an approved proposal says, in the transaction under way; of those that are about no licence."""


class LifeCycleDesk:
    """Takes motions about licences, and reviews of what was proposed."""

    def __init__(
        self,
        departments: Departments,
        region: str,
        clock: Callable[[], datetime],
        others: Mapping[str, CarryOut] = MappingProxyType({}),
    ) -> None:
        """Decide about the licences of a region.

        Args:
            departments: Who issues here.
            region: Six digits.
            clock: Returns the time.
            others: How what is proposed about other things than licences is carried out, by its subject.
        """
        self._departments, self._region, self._clock, self._others = departments, region, clock, others

    def take(
        self, ledger: SqlLedger, visit: Visit, key: str, motion: Motion, keep: Keep, about: str | None = None
    ) -> None:
        """Decide about a licence, or propose to, where that takes two.

        Args:
            ledger: Where it is.
            visit: Who moves it.
            key: Names the licence.
            motion: What is to be decided.
            keep: Is told what came of it.
            about: What the licence was like when they looked at it, `Subject.etag`; None: they do not say.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND.
            IssuanceError: DECISION_INVALID, ACTION_NOT_ALLOWED, PROPOSAL_PENDING, or as `ecert.issuance.issue`.
            Problem: PRECONDITION_FAILED.
        """
        if RULES[motion.action].makes_version:
            self._take_version(ledger, visit, key, motion, keep, about)
            return
        with ledger.database.transaction():
            now = self._clock()
            subject = self._look(ledger, visit, key, motion, about, now)
            if RULES[motion.action].takes_two:
                keep(_propose(ledger, visit, subject, motion, now))
            else:
                made = decide(ledger, subject, motion, People(visit.principal.id), now)
                keep(Decided(subject, made))

    def _look(
        self, ledger: SqlLedger, visit: Visit, key: str, motion: Motion, about: str | None, now: datetime
    ) -> Subject:
        subject = find_subject(ledger, visit.scope, key)
        if about not in (None, subject.etag):
            raise Problem(Code.PRECONDITION_FAILED)
        require_sound(motion, subject, self._region, now)
        require_allowed(motion.action, subject.meets(motion.since(now), now))
        return subject

    def _take_version(
        self, ledger: SqlLedger, visit: Visit, key: str, motion: Motion, keep: Keep, about: str | None
    ) -> None:
        now = self._clock()
        subject = self._look(ledger, visit, key, motion, about, now)
        issuer = self._departments.issuer(ledger, subject.department)
        version = ready_version(ledger, issuer, subject, motion, now)
        if issuer.alone_up_to < 1:
            with ledger.database.transaction():
                keep(_propose(ledger, visit, subject, motion, now))
            return
        seal_version(
            ledger,
            issuer,
            version,
            People(visit.principal.id),
            self._clock,
            lambda decision, made: keep(Decided(subject, decision, made)),
        )

    def approve(self, ledger: SqlLedger, visit: Visit, key: str, etag: str, note: str, keep: Keep) -> None:
        """Carry out what somebody else proposed.

        Args:
            ledger: Where it is.
            visit: Who approves.
            key: Names the proposal.
            etag: What the proposal was like when they looked at it.
            note: What they write.
            keep: Is told what came of it: the proposal as it is then.

        Raises:
            NotFoundError: PROPOSAL_NOT_FOUND.
            IssuanceError: SECOND_PERSON_NEEDED, PROPOSAL_DECIDED, PROPOSAL_STALE, or as `take`.
            Problem: PRECONDITION_FAILED.
        """
        proposal = _open(ledger, visit, key, etag)
        if proposal.proposer == visit.principal.id:
            raise IssuanceError(Reason.SECOND_PERSON_NEEDED, "who proposed it cannot approve it: somebody else must")
        people = People(proposal.proposer, visit.principal.id)

        def close(*_: object) -> None:
            book = ProposalBook(ledger)
            book.close(proposal, ProposalState.APPROVED, people.reviewer, self._clock(), note)
            keep(book.find(visit.scope, key))

        if proposal.identifier is None:
            with ledger.database.transaction():
                self._others[proposal.subject](ledger, proposal, people, self._clock())
                close()
        else:
            self._carry_out(ledger, proposal, _ground(ledger, proposal, self._clock()), people, close)

    def _carry_out(
        self, ledger: SqlLedger, proposal: Proposal, subject: Subject, people: People, close: Callable[..., None]
    ) -> None:
        motion = Motion.decode(proposal.content)
        if RULES[motion.action].makes_version:
            issuer = self._departments.issuer(ledger, subject.department)
            version = ready_version(ledger, issuer, subject, motion, self._clock())
            seal_version(ledger, issuer, version, people, self._clock, close)
            return
        with ledger.database.transaction():
            decide(ledger, subject.again(ledger), motion, people, self._clock())
            close()

    def reject(self, ledger: SqlLedger, visit: Visit, key: str, etag: str, note: str, keep: Keep) -> None:
        """Turn down what was proposed; the arguments are those of `approve`.

        Raises:
            NotFoundError: PROPOSAL_NOT_FOUND.
            IssuanceError: DECISION_INVALID, it needs a note; or PROPOSAL_DECIDED.
            Problem: PRECONDITION_FAILED.
        """
        if not note.strip():
            problem = FieldProblem("/note", "why it is turned down", "驳回的理由")
            raise IssuanceError(Reason.DECISION_INVALID, "a rejection says why", (problem,))
        book = ProposalBook(ledger)
        with ledger.database.transaction():
            proposal = _open(ledger, visit, key, etag)
            book.close(proposal, ProposalState.REJECTED, visit.principal.id, self._clock(), note)
            keep(book.find(visit.scope, key))


def _propose(ledger: SqlLedger, visit: Visit, subject: Subject, motion: Motion, now: datetime) -> Proposal:
    new = NewProposal(
        department=subject.department,
        subject=motion.action.value,
        content=motion.encode(),
        about=subject.etag,
        proposer=visit.principal.id,
        identifier=subject.identifier.text,
    )
    return ProposalBook(ledger).propose(new, now)


def _open(ledger: SqlLedger, visit: Visit, key: str, etag: str) -> Proposal:
    """Return a proposal that waits, and is as somebody looked at it."""
    proposal = ProposalBook(ledger).find(visit.scope, key)
    if proposal.state is not ProposalState.OPEN:
        raise decided(proposal)
    if proposal.etag != etag:
        raise Problem(Code.PRECONDITION_FAILED)
    return proposal


def _ground(ledger: SqlLedger, proposal: Proposal, now: datetime) -> Subject:
    """Return the licence that a proposal is about.

    Raises:
        IssuanceError: PROPOSAL_STALE; it is not what it was, and the proposal lapses.
    """
    subject = reload(ledger, proposal.identifier or "")
    if subject.etag != proposal.about:
        with ledger.database.transaction():
            ProposalBook(ledger).close(proposal, ProposalState.LAPSED, None, now)
        raise IssuanceError(
            Reason.PROPOSAL_STALE, "something was decided about the licence meanwhile: look at it, and propose anew"
        )
    return subject
