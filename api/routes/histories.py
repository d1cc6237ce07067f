"""`GET /api/v1/licences/{key}/decisions`: what became of a licence, and what may become of it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from api.access.guard import Visit
from api.ledger import SqlLedger
from api.licences.book import Licence, LicenceBook, Ruling
from api.licences.standing import Standing
from api.lifecycle.actions import Action, allowed
from api.lifecycle.proposals import ProposalBook
from api.lifecycle.subjects import find_subject
from api.office import Office
from api.routes.licences import PATH
from ecert.revocation import ReasonCode, State


class RulingBody(BaseModel):
    """A decision about a licence.

    Attributes:
        state: What it is from `since` on.
        since: When that takes effect.
        until: When it ends by itself.
        reason_code: 事由代码.
        reason: 事由.
        legal_basis: 法律依据.
        document: 文号.
        decided_at: When it was recorded.
        operator: Who proposed it; empty where it came from the command line, or from the law.
        reviewer: Who approved it; empty where one person decided.
    """

    state: str
    since: datetime
    until: datetime | None
    reason_code: ReasonCode
    reason: str
    legal_basis: str
    document: str
    decided_at: datetime
    operator: str
    reviewer: str


class VersionEntry(BaseModel):
    """One version of a licence."""

    key: str
    version: int
    state: Standing
    issued_at: datetime


class HistoryBody(BaseModel):
    """What became of a licence.

    Attributes:
        state: What it is now.
        actions: What may be done about it now.
        proposal: Names what waits for a second person; None where nothing does.
        decisions: Oldest first.
        versions: All of the same licence, the newest first.
    """

    state: Standing
    actions: list[Action]
    proposal: str | None
    decisions: list[RulingBody]
    versions: list[VersionEntry]


def router(office: Office) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["licences"])

    @routes.get(
        f"{PATH}/{{key}}/decisions",
        operation_id="listDecisions",
        summary="状态沿革 What became of a licence, and what may be done about it",
    )
    async def history(
        key: Annotated[str, Path(max_length=32)],
        response: Response,
        visit: Annotated[Visit, Depends(office.guard("listDecisions"))],
    ) -> HistoryBody:
        """Return it; the ETag is the licence's."""
        tag, body = await office.pool.ask(lambda ledger: _look(ledger, visit, key, office.clock()))
        response.headers["ETag"] = f'"{tag}"'
        return body

    return routes


def _look(ledger: SqlLedger, visit: Visit, key: str, now: datetime) -> tuple[str, HistoryBody]:
    subject = find_subject(ledger, visit.scope, key)
    book = LicenceBook(ledger, visit.scope, now)
    licence = book.find(key)
    pending = ProposalBook(ledger).waiting_about(subject.identifier.text, subject.etag)
    return subject.etag, HistoryBody(
        state=licence.standing,
        actions=list(allowed(subject.meets(now, now))),
        proposal=None if pending is None else pending.key,
        decisions=[_ruling(one) for one in book.rulings(licence)],
        versions=[_version(one) for one in book.versions(licence)],
    )


def _ruling(one: Ruling) -> RulingBody:
    decision = one.decision
    return RulingBody(
        state=State(decision.state).name.lower(),
        since=decision.since,
        until=decision.until,
        reason_code=ReasonCode(decision.reason_code),
        reason=decision.reason,
        legal_basis=decision.legal_basis,
        document=decision.document,
        decided_at=decision.decided_at,
        operator=one.operator,
        reviewer=one.reviewer,
    )


def _version(one: Licence) -> VersionEntry:
    return VersionEntry(key=one.key, version=one.identifier.version, state=one.standing, issued_at=one.issued_at)
