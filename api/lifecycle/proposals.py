"""Proposals: what one person wants done and another approves or rejects (双人复核)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select, true, update

from api.audit import AuditBook
from api.cursors import read_cursor, read_instant, write_cursor
from api.scoping import within
from api.service_schema import licences, proposals
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.sm2 import Place, sm3

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from api.access.permissions import Scope
    from api.ledger import SqlLedger

MOST: Final = 100
"""The most proposals of one page of the list."""
MAX_NOTE: Final = 500
"""The longest note of a reviewer in characters."""
_QUERY: Final = select(proposals, licences.c.key.label("licence")).outerjoin(
    licences, licences.c.identifier == proposals.c.identifier
)
_CURSOR: Final = re.compile(r"([01]) (\d{1,16}) ([\w-]{1,32})", re.ASCII)
"""Whether the last proposal of a page waits, when it was made (microseconds since 1970), its key."""


class ProposalState(StrEnum):
    """What has become of a proposal. Stored and put on the wire: append, never rename."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    """What it is about changed before anybody approved it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something proposed.

    Attributes:
        key: Names it in addresses.
        department: USCC of the department whose matter it is.
        subject: What is proposed: an `Action`, or `seal-use` for a batch.
        identifier: The licence that it is about; None for a batch.
        licence: Names that licence in addresses.
        batch: The batch that it is about; None for a licence.
        content: What was proposed, as JSON.
        about: What `identifier` or `batch` was like then, as a tag that changes with it.
        proposer: Who proposed it.
        at: When.
        state: What has become of it.
        decided_by: Who approved or rejected it; None where nobody did.
        decided_at: When.
        note: What they wrote.
    """

    key: str
    department: str
    subject: str
    identifier: str | None
    licence: str | None
    batch: str | None
    content: bytes
    about: str
    proposer: str
    at: datetime
    state: ProposalState
    decided_by: str | None
    decided_at: datetime | None
    note: str

    @property
    def etag(self) -> str:
        """The entity tag of the proposal itself."""
        return f'"{sm3(f"{self.key} {self.state} {self.about}".encode()).hex()[:32]}"'


@dataclass(frozen=True, slots=True)
class NewProposal:
    """Something to be proposed; see `Proposal`."""

    department: str
    subject: str
    content: bytes
    about: str
    proposer: str
    identifier: str | None = None
    batch: str | None = None


class ProposalBook:
    """The proposals of one ledger. What changes them is called in a transaction under way."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Read and write in `ledger`."""
        self._ledger, self._db = ledger, ledger.database

    def propose(self, new: NewProposal, now: datetime) -> Proposal:
        """Take in a proposal; one about the same thing that has lost its ground lapses.

        Raises:
            IssuanceError: PROPOSAL_PENDING; another one about the same thing waits.
        """
        same = proposals.c.identifier == new.identifier if new.identifier else proposals.c.batch == new.batch
        for row in self._db.run(_QUERY.where(same, proposals.c.state == ProposalState.OPEN)).all():
            waiting = self._proposal(row)
            if waiting.about == new.about:
                raise IssuanceError(
                    Reason.PROPOSAL_PENDING, f"the proposal {waiting.key} waits: approve or reject it first"
                )
            self.close(waiting, ProposalState.LAPSED, None, now)
        key = secrets.token_urlsafe(16)
        values = {
            "key": key,
            "department": new.department,
            "subject": new.subject,
            "identifier": new.identifier,
            "batch": new.batch,
            "content": self._ledger.at_rest.vault.encrypt(new.content, _place(key)),
            "etag": new.about,
            "proposer": new.proposer,
            "at": now,
            "state": ProposalState.OPEN.value,
            "note": "",
        }
        self._db.add(proposals, [values])
        self._audit("proposal.open", new.identifier or new.batch or "", key, new.subject, now)
        return self._one(proposals.c.key == key)

    def find(self, scope: Scope, key: str) -> Proposal:
        """Return a proposal.

        Raises:
            NotFoundError: PROPOSAL_NOT_FOUND; there is none, or it is another department's.
        """
        return self._one((proposals.c.key == key) & within(scope, proposals.c.department))

    def waiting_for(self, scope: Scope, reviewer: str) -> int:
        """Return how many wait for a reviewer: others' ones, within what they may approve."""
        waiting = (proposals.c.state == ProposalState.OPEN) & (proposals.c.proposer != reviewer)
        query = select(func.count()).select_from(proposals).where(waiting, within(scope, proposals.c.department))
        return self._db.number(query)

    def lapse(self, batch: str, now: datetime) -> None:
        """Let what waits about a batch lose its ground, in a transaction under way."""
        waiting = (proposals.c.batch == batch) & (proposals.c.state == ProposalState.OPEN)
        for row in self._db.run(_QUERY.where(waiting)).all():
            self.close(self._proposal(row), ProposalState.LAPSED, None, now)

    def waiting_about(self, identifier: str, about: str) -> Proposal | None:
        """Return what waits for approval about a licence that still is what `about` says."""
        which = (proposals.c.identifier == identifier) & (proposals.c.etag == about)
        row = self._db.row(_QUERY.where(which, proposals.c.state == ProposalState.OPEN))
        return None if row is None else self._proposal(row)

    def list(self, scope: Scope, state: ProposalState | None, cursor: str, limit: int) -> tuple[list[Proposal], str]:
        """Return a page of proposals, those that wait first, then the newest; and where the next begins, "" if none.

        Args:
            scope: Whose.
            state: Only those; None: all.
            cursor: As returned before; "" for the first page.
            limit: The most proposals, at most `MOST`.

        Raises:
            EcertError: USAGE; the cursor is none.
        """
        waits = proposals.c.state == ProposalState.OPEN
        asked = true() if state is None else proposals.c.state == state
        query = _QUERY.where(within(scope, proposals.c.department), asked)
        if cursor:
            query = query.where(_after(waits, *_read(cursor)))
        query = query.order_by(waits.desc(), proposals.c.at.desc(), proposals.c.key.desc())
        rows = self._db.run(query.limit(min(limit, MOST) + 1)).all()
        page = [self._proposal(row) for row in rows[: min(limit, MOST)]]
        return page, _write(page[-1]) if len(rows) > len(page) else ""

    def note_use(self, proposal: Proposal, now: datetime) -> None:
        """Write to the audit log that somebody looked at what is proposed."""
        with self._db.transaction():
            thing = proposal.identifier or proposal.batch or ""
            self._audit("proposal.read", thing, proposal.key, proposal.subject, now)

    def close(self, proposal: Proposal, state: ProposalState, by: str | None, now: datetime, note: str = "") -> None:
        """Write down what becomes of an open proposal.

        Raises:
            IssuanceError: PROPOSAL_DECIDED; it is open no more.
        """
        mine = (proposals.c.key == proposal.key) & (proposals.c.state == ProposalState.OPEN)
        values = {"state": state.value, "decided_by": by, "decided_at": now, "note": note}
        if not self._db.run(update(proposals).where(mine).values(**values)).rowcount:
            raise decided(self._one(proposals.c.key == proposal.key))
        action = {ProposalState.APPROVED: "approve", ProposalState.REJECTED: "reject"}.get(state, "lapse")
        thing = proposal.identifier or proposal.batch or ""
        self._audit(f"proposal.{action}", thing, proposal.key, proposal.subject, now)

    def _audit(self, action: str, thing: str, key: str, subject: str, now: datetime) -> None:
        AuditBook(self._db).record(action, thing, now, details={"proposal": key, "subject": subject})

    def _one(self, which: ColumnElement[bool]) -> Proposal:
        row = self._db.row(_QUERY.where(which))
        if row is None:
            raise NotFoundError(Reason.PROPOSAL_NOT_FOUND, "no proposal of yours has this key")
        return self._proposal(row)

    def _proposal(self, row: Row[Any]) -> Proposal:
        return Proposal(
            key=row.key,
            department=row.department,
            subject=row.subject,
            identifier=row.identifier,
            licence=row.licence,
            batch=row.batch,
            content=self._ledger.at_rest.vault.decrypt(row.content, _place(row.key)) if row.content else b"",
            about=row.etag,
            proposer=row.proposer,
            at=row.at,
            state=ProposalState(row.state),
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            note=row.note,
        )


def decided(proposal: Proposal) -> IssuanceError:
    """Return the error of a proposal that is open no more."""
    return IssuanceError(Reason.PROPOSAL_DECIDED, f"the proposal is {proposal.state.value}: decided before")


def _place(key: str) -> Place:
    return Place("proposals", key, "content")


def _after(waits: ColumnElement[bool], waited: bool, at: datetime, key: str) -> ColumnElement[bool]:  # noqa: FBT001
    """Return what holds of the proposals that come after one in the list."""
    older = or_(proposals.c.at < at, and_(proposals.c.at == at, proposals.c.key < key))
    return or_(and_(waits, older), ~waits) if waited else and_(~waits, older)


def _write(last: Proposal) -> str:
    return write_cursor(int(last.state is ProposalState.OPEN), last.at, last.key)


def _read(cursor: str) -> tuple[bool, datetime, str]:
    found = read_cursor(cursor, _CURSOR)
    return found[1] == "1", read_instant(found[2]), found[3]
