"""`/api/v1/proposals`: what one person proposed and another approves or rejects (双人复核)."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.guard import Visit
from api.ledger import SqlLedger
from api.lifecycle.desk import Closed, LifeCycleDesk
from api.lifecycle.house import house_of
from api.lifecycle.proposals import MAX_NOTE, MOST, Proposal, ProposalBook, ProposalState
from api.office import Office
from api.routes.bodies import Body, json_body
from api.routes.decisions import PROPOSALS
from ecert.web.problems import Code, Problem, read_json

_Key = Annotated[str, Path(max_length=32)]
_Tag = Annotated[str | None, Header(description="The proposal's ETag when it was read")]


class ReviewBody(Body):
    """What the reviewer writes; a rejection says why.

    Attributes:
        note: 复核意见.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "事实清楚，适用法律正确，同意"}]})

    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class ProposalBody(BaseModel):
    """A proposal.

    Attributes:
        key: Names it in addresses.
        subject: What is proposed: what a licence's decisions are called, or `seal-use` for a batch.
        licence: Names the licence that it is about; None for a batch.
        identifier: 证照标识.
        batch: Names the batch that it is about; None for a licence.
        proposer: Who proposed it.
        own: Whether the caller did, and so cannot approve it.
        at: When.
        state: What has become of it.
        decided_by: Who approved or rejected it.
        decided_at: When.
        note: What they wrote.
    """

    key: str
    subject: str
    licence: str | None
    identifier: str | None
    batch: str | None
    proposer: str
    own: bool
    at: datetime
    state: ProposalState
    decided_by: str | None
    decided_at: datetime | None
    note: str


class WholeProposalBody(ProposalBody):
    """A proposal with what is proposed, as it was handed in."""

    content: dict[str, Any]


class ProposalsBody(BaseModel):
    """One page of proposals, those that wait first; `next` is the cursor of the next page, empty on the last."""

    proposals: list[ProposalBody]
    next: str


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["proposals"])
    house = house_of(office)

    @routes.get(PROPOSALS, operation_id="listProposals", summary="提议清单 Proposals, those that wait first")
    async def proposals(
        visit: Annotated[Visit, Depends(office.guard("listProposals"))],
        state: ProposalState | None = None,
        cursor: Annotated[str, Query(max_length=128)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    ) -> ProposalsBody:
        """Return those of the caller's department."""

        def look(ledger: SqlLedger) -> ProposalsBody:
            found, following = ProposalBook(ledger).list(visit.scope, state, cursor, limit)
            return ProposalsBody(proposals=[_body(visit, one) for one in found], next=following)

        return await office.pool.ask(look)

    @routes.get(f"{PROPOSALS}/{{key}}", operation_id="readProposal", summary="一项提议 One proposal")
    async def read(
        key: _Key, response: Response, visit: Annotated[Visit, Depends(office.guard("readProposal"))]
    ) -> WholeProposalBody:
        """Return it whole, with the ETag to approve or reject it by; that it was read is logged."""
        return await office.pool.ask(lambda ledger: look(ledger, visit, key, response), actor=visit.principal.id)

    def look(ledger: SqlLedger, visit: Visit, key: str, response: Response) -> WholeProposalBody:
        book = ProposalBook(ledger)
        found = book.find(visit.scope, key)
        book.note_use(found, office.clock())
        response.headers["ETag"] = found.etag
        return WholeProposalBody(
            **_body(visit, found).model_dump(), content=json.loads(found.content) if found.content else {}
        )

    @routes.post(
        f"{PROPOSALS}/{{key}}/approve",
        operation_id="approveProposal",
        summary="批准 Approve a proposal: it is carried out in the same step",
        openapi_extra=json_body(ReviewBody),
    )
    async def approve(
        request: Request,
        key: _Key,
        visit: Annotated[Visit, Depends(office.guard("approveProposal"))],
        if_match: _Tag = None,
    ) -> ProposalBody:
        """Approve what somebody else proposed."""
        tag, note = _required(if_match), read_json(ReviewBody, await request.body()).note
        return await review(visit, lambda desk, keep: desk.approve(key, tag, note, keep))

    @routes.post(
        f"{PROPOSALS}/{{key}}/reject",
        operation_id="rejectProposal",
        summary="驳回 Turn down a proposal",
        openapi_extra=json_body(ReviewBody),
    )
    async def reject(
        request: Request,
        key: _Key,
        visit: Annotated[Visit, Depends(office.guard("rejectProposal"))],
        if_match: _Tag = None,
    ) -> ProposalBody:
        """Turn it down, and say why."""
        tag, note = _required(if_match), read_json(ReviewBody, await request.body()).note
        return await review(visit, lambda desk, keep: desk.reject(key, tag, note, keep))

    async def review(visit: Visit, work: Callable[[LifeCycleDesk, Closed], None]) -> ProposalBody:
        def do(ledger: SqlLedger) -> ProposalBody:
            made: list[ProposalBody] = []
            desk = LifeCycleDesk(house, ledger, visit)
            work(desk, lambda outcome: made.append(_body(visit, outcome)))
            return made[0]

        return await office.pool.ask(do, actor=visit.principal.id)

    return routes


def _required(tag: str | None) -> str:
    if tag is None:
        raise Problem(Code.PRECONDITION_REQUIRED)
    return tag


def _body(visit: Visit, one: Proposal) -> ProposalBody:
    return ProposalBody(
        key=one.key,
        subject=one.subject,
        licence=one.licence,
        identifier=one.identifier,
        batch=one.batch,
        proposer=one.proposer,
        own=one.proposer == visit.principal.id,
        at=one.at,
        state=one.state,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        note=one.note,
    )
