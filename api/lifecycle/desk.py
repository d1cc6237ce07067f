"""What becomes of licences: decided at once, or proposed to a second person; all of it in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

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
    from api.access.permissions import Scope
    from api.access.principals import Principal
    from api.departments import Departments
    from ecert.ports import Decision


class Party(Protocol):
    """A caller at work, over HTTP or in the console."""

    @property
    def principal(self) -> Principal:
        """Who it is."""

    @property
    def scope(self) -> Scope:
        """Whose licences they may touch."""


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
Closed: TypeAlias = Callable[[Proposal], None]
"""The same, told what became of a proposal."""
CarryOut: TypeAlias = Callable[[SqlLedger, Proposal, People, datetime], None]
"""Does what an approved proposal says, in the transaction under way; of those that are about no licence."""


@dataclass(frozen=True, slots=True)
class House:
    """Where licences are decided about.

    Attributes:
        departments: Who issues here.
        region: Six digits.
        clock: Returns the time.
        others: How what is proposed about other things than licences is carried out, by its subject.
    """

    departments: Departments
    region: str
    clock: Callable[[], datetime]
    others: Mapping[str, CarryOut] = field(default_factory=dict)


class LifeCycleDesk:
    """Takes motions about licences, and reviews of what was proposed, from one caller."""

    def __init__(self, house: House, ledger: SqlLedger, visit: Party) -> None:
        """Work for `visit`."""
        self._house, self._ledger, self._visit = house, ledger, visit
        self._me, self._db, self._book = visit.principal.id, ledger.database, ProposalBook(ledger)

    def take(self, key: str, motion: Motion, keep: Keep, about: str | None = None) -> None:
        """Decide about a licence, or propose to, where that takes two.

        Args:
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
            self._take_version(key, motion, keep, about)
            return
        with self._db.transaction():
            now = self._house.clock()
            subject = self._look(key, motion, about, now)
            if RULES[motion.action].takes_two:
                keep(self._propose(subject, motion, now))
            else:
                keep(Decided(subject, decide(self._ledger, subject, motion, People(self._me), now)))

    def _take_version(self, key: str, motion: Motion, keep: Keep, about: str | None) -> None:
        now = self._house.clock()
        subject = self._look(key, motion, about, now)
        issuer = self._house.departments.issuer(self._ledger, subject.department)
        version = ready_version(self._ledger, issuer, subject, motion, now)
        if issuer.alone_up_to < 1:
            with self._db.transaction():
                keep(self._propose(subject.again(self._ledger), motion, now))
            return
        seal_version(
            self._ledger,
            issuer,
            version,
            People(self._me),
            clock=self._house.clock,
            also=lambda decision, made: keep(Decided(subject, decision, made)),
        )

    def _look(self, key: str, motion: Motion, about: str | None, now: datetime) -> Subject:
        subject = find_subject(self._ledger, self._visit.scope, key)
        if about not in (None, subject.etag):
            raise Problem(Code.PRECONDITION_FAILED)
        require_sound(motion, subject, self._house.region, now)
        require_allowed(motion.action, subject.meets(motion.since(now), now))
        return subject

    def _propose(self, subject: Subject, motion: Motion, now: datetime) -> Proposal:
        new = NewProposal(
            department=subject.department,
            subject=motion.action.value,
            content=motion.encode(),
            about=subject.etag,
            proposer=self._me,
            identifier=subject.identifier.text,
        )
        return self._book.propose(new, now)

    def approve(self, key: str, etag: str, note: str, keep: Closed) -> None:
        """Carry out what somebody else proposed.

        Args:
            key: Names the proposal.
            etag: What the proposal was like when they looked at it, `Proposal.etag`.
            note: What they write.
            keep: Is told what became of the proposal.

        Raises:
            NotFoundError: PROPOSAL_NOT_FOUND.
            IssuanceError: SECOND_PERSON_NEEDED, PROPOSAL_DECIDED, PROPOSAL_STALE, or as `take`.
            Problem: PRECONDITION_FAILED.
        """
        proposal = self._open(key, etag)
        if proposal.proposer == self._me:
            raise IssuanceError(Reason.SECOND_PERSON_NEEDED, "who proposed it cannot approve it: somebody else must")
        people = People(proposal.proposer, self._me)

        def close(*_: object) -> None:
            self._close(proposal, ProposalState.APPROVED, note, keep)

        if proposal.identifier is None:
            with self._db.transaction():
                self._house.others[proposal.subject](self._ledger, proposal, people, self._house.clock())
                close()
        else:
            self._carry_out(Motion.decode(proposal.content), self._ground(proposal), people, close)

    def _carry_out(self, motion: Motion, subject: Subject, people: People, close: Callable[..., None]) -> None:
        ledger, clock = self._ledger, self._house.clock
        if RULES[motion.action].makes_version:
            issuer = self._house.departments.issuer(ledger, subject.department)
            version = ready_version(ledger, issuer, subject, motion, clock())
            seal_version(ledger, issuer, version, people, clock=clock, also=close)
            return
        with self._db.transaction():
            decide(ledger, subject.again(ledger), motion, people, clock())
            close()

    def reject(self, key: str, etag: str, note: str, keep: Closed) -> None:
        """Turn down what was proposed; the arguments are those of `approve`.

        Raises:
            NotFoundError: PROPOSAL_NOT_FOUND.
            IssuanceError: DECISION_INVALID, it needs a note; or PROPOSAL_DECIDED.
            Problem: PRECONDITION_FAILED.
        """
        with self._db.transaction():
            proposal = self._open(key, etag)
            if not note.strip():
                problem = FieldProblem("/note", "why it is turned down", "驳回的理由")
                raise IssuanceError(Reason.DECISION_INVALID, "a rejection says why", (problem,))
            self._close(proposal, ProposalState.REJECTED, note, keep)

    def _close(self, proposal: Proposal, state: ProposalState, note: str, keep: Closed) -> None:
        self._book.close(proposal, state, self._me, self._house.clock(), note)
        keep(self._book.find(self._visit.scope, proposal.key))

    def _open(self, key: str, etag: str) -> Proposal:
        """Return a proposal that waits, and is as they looked at it."""
        proposal = self._book.find(self._visit.scope, key)
        if proposal.state is not ProposalState.OPEN:
            raise decided(proposal)
        if proposal.etag != etag:
            raise Problem(Code.PRECONDITION_FAILED)
        return proposal

    def _ground(self, proposal: Proposal) -> Subject:
        """Return the licence that a proposal is about.

        Raises:
            IssuanceError: PROPOSAL_STALE; it is not what it was, and the proposal lapses.
        """
        subject = reload(self._ledger, proposal.identifier or "")
        if subject.etag != proposal.about:
            with self._db.transaction():
                self._book.close(proposal, ProposalState.LAPSED, None, self._house.clock())
            raise IssuanceError(
                Reason.PROPOSAL_STALE, "something was decided about the licence meanwhile: look at it, and propose anew"
            )
        return subject
