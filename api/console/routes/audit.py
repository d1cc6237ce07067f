"""操作审计: the log, read by department, and whether it is whole."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.access.callers import CallerBook, names_of
from api.access.permissions import Scope
from api.audit import AuditBook
from api.audit_reading import Read, Wanted, count_entries, read_entries
from api.console.audit_words import ACTIONS, words_of
from api.console.forms import Option
from api.console.site import ConsoleVisit
from api.console.views.frame import Section
from api.console.views.oversight import AuditHead, AuditPage, AuditRow
from api.ledger import SqlLedger
from api.office import Office
from ecert.errors import EcertError
from ecert.licence.codes import Phrase
from ecert.licence.validity import CHINA

PAGE = 50
"""Entries on a page."""
_HEADS = 5
_SHOWN_DIGEST = 12
_ALL = Option("", Phrase("All", "全部"))
_Day = Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]


class AuditFilter(BaseModel):
    """What the form of the page sends."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    actor: Annotated[str, Field(pattern=r"^[!-~]{0,256}$")] = ""
    action: Annotated[str, Field(pattern=r"^[a-z.-]{0,64}$")] = ""
    first: Annotated[_Day, Field(alias="from")] = ""
    last: Annotated[_Day, Field(alias="to")] = ""
    cursor: Annotated[int, Field(ge=0, lt=1 << 53)] = 0

    def wanted(self) -> Wanted:
        """Return which entries that means; days are China's."""
        return Wanted(self.actor, self.action, _begin(self.first), _begin(self.last, 1))

    def values(self) -> dict[str, str]:
        """Return what the form holds."""
        held = {"actor": self.actor, "action": self.action, "from": self.first, "to": self.last}
        return {name: value for name, value in held.items() if value}


def router(office: Office) -> APIRouter:
    """Return the page."""
    routes = APIRouter()

    @routes.get(Section.AUDIT.path)
    async def audit(
        visit: Annotated[ConsoleVisit, Depends(office.console.enter("readAudit"))],
        asked: Annotated[AuditFilter, Query()],
    ) -> Response:
        view = await office.pool.ask(lambda ledger: _look(ledger, office, visit.scope, asked))
        return office.console.page(visit.frame(Section.AUDIT), view)

    return routes


def _begin(day: str, later: int = 0) -> datetime | None:
    """Return when a day in China begins, or one some days later; None for a day that there is not."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), CHINA) if day else None
    except (ValueError, OverflowError):
        return None


def _look(ledger: SqlLedger, office: Office, scope: Scope, asked: AuditFilter) -> AuditPage:
    found = read_entries(ledger.database, scope, asked.wanted(), before=asked.cursor, limit=PAGE + 1)
    rows = found[:PAGE]
    names = names_of(ledger.database, {one.entry.who for one in rows})
    walked = office.audit.last
    return AuditPage(
        actors=(_ALL, *_actors(ledger, scope)),
        actions=(_ALL, *(Option(code, words) for code, words in ACTIONS.items())),
        values=asked.values(),
        rows=tuple(_row(one, names) for one in rows),
        whole=walked.whole,
        verified_at=walked.at,
        entries=count_entries(ledger.database, scope),
        heads=_heads(ledger, office),
        next_cursor=str(rows[-1].entry.number) if len(found) > PAGE else "",
    )


def _actors(ledger: SqlLedger, scope: Scope) -> list[Option]:
    known = CallerBook(ledger.database, scope.region).all()
    ours = (one.principal for one in known if scope.department in (None, one.principal.department))
    return [Option(one.id, Phrase(one.id, one.name)) for one in ours]


def _row(read: Read, names: dict[str, str]) -> AuditRow:
    one = read.entry
    digest, done = read.digest.hex()[:_SHOWN_DIGEST], one.outcome == "ok"
    who = names.get(one.who, one.who)
    return AuditRow(one.number, one.at, who, words_of(one.action), one.action, one.object, done, digest)


def _heads(ledger: SqlLedger, office: Office) -> tuple[AuditHead, ...]:
    """Return the last signed heads; none where they cannot be read, which the walk through the log tells of."""
    try:
        signed = AuditBook(ledger.database).last_heads(office.registry.get(), _HEADS)
    except EcertError:
        return ()
    return tuple(AuditHead(head.number, head.digest.hex(), head.at, key.hex()) for head, key in signed)
