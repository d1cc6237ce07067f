"""`/api/v1/audit`: what was done, for those who look after it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access.guard import Visit
from api.audit_reading import Read, Wanted, read_entries
from api.office import Office

MOST = 200
"""The most entries on a page."""
_LAST = 1 << 53


class AuditQuery(BaseModel):
    """What is looked for; nothing in it is personal.

    Attributes:
        who: By the identifier of whoever did it.
        action: What was done.
        since: From when on.
        until: Until before when.
        cursor: `next` of the page before; 0 for the first.
        limit: The most entries on a page.
    """

    model_config = ConfigDict(extra="forbid")

    who: Annotated[str, Field(pattern=r"^[!-~]{0,256}$")] = ""
    action: Annotated[str, Field(pattern=r"^[a-z.-]{0,64}$")] = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    cursor: Annotated[int, Field(ge=0, lt=_LAST)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class EntryBody(BaseModel):
    """One thing that was done (`docs/audit.md`); `digest` is SM3 of the entry's bytes, which the next one names."""

    number: int
    at: datetime
    who: str
    action: Annotated[str, Field(examples=["licence.issue"])]
    object: str
    outcome: Annotated[str, Field(examples=["ok"])]
    details: dict[str, str | int]
    digest: str


class EntriesBody(BaseModel):
    """One page, the newest entry first; `next` is the cursor of the next page, 0 on the last."""

    entries: list[EntryBody]
    next: int


def router(office: Office) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["audit"])

    @routes.get("/api/v1/audit", operation_id="readAudit", summary="操作审计 The audit log")
    async def read(
        visit: Annotated[Visit, Depends(office.guard("readAudit"))], asked: Annotated[AuditQuery, Query()]
    ) -> EntriesBody:
        """Return what a department did and what was done to what is its own; to the region's auditors, everything."""
        wanted, limit = Wanted(asked.who, asked.action, asked.since, asked.until), asked.limit
        found = await office.pool.ask(
            lambda ledger: read_entries(ledger.database, visit.scope, wanted, before=asked.cursor, limit=limit + 1)
        )
        following = found[limit - 1].entry.number if len(found) > limit else 0
        return EntriesBody(entries=[_body(one) for one in found[:limit]], next=following)

    return routes


def _body(read: Read) -> EntryBody:
    one = read.entry
    return EntryBody(
        number=one.number,
        at=one.at,
        who=one.who,
        action=one.action,
        object=one.object,
        outcome=one.outcome,
        details=dict(one.details),
        digest=read.digest.hex(),
    )
