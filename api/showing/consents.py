"""Requests to use a holder's licences, and the answers, as the ledger keeps them; who asks for what is encrypted."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, or_, select, update

from api.audit import AuditBook
from api.cursors import read_cursor, read_instant, write_cursor
from api.service_schema import consents
from api.showing.holders import Holder
from ecert.errors import NotFoundError, Reason
from ecert.presentation import Answer, Consent, Request, Requester, Use, Wanted
from ecert.report import timestamp
from ecert.sm2 import Place

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row

    from api.ledger import SqlLedger

PAGE: Final = 100
"""How many requests a page has."""
_CURSOR: Final = re.compile(r"([0-9]{1,18}) ([A-Za-z0-9_-]{1,32})")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a holder, and the answer so far."""

    holder: Holder
    consent: Consent


class ConsentBook:
    """The requests of one region."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Read and write in `ledger`."""
        self._db, self._vault = ledger.database, ledger.at_rest.vault
        self._audit = AuditBook(self._db)

    @staticmethod
    def name() -> str:
        """Return an identifier that nobody can guess."""
        return secrets.token_urlsafe(18)

    def ask(self, request: Request, holder: Holder) -> None:
        """Keep a request, whether its holder is known here or not."""
        row = {
            "id": request.id,
            "unit": request.requester.code,
            "holder_index": holder.index(self._vault),
            "content": self._vault.encrypt(_encode(request, holder), _place(request.id)),
            "answer": Answer.ASKED.value,
            "asked_at": request.asked_at,
        }
        with self._db.transaction():
            self._db.add(consents, [row])
            self._audit.record("consent.ask", request.id, request.asked_at)

    def of_unit(self, name: str, unit: str) -> Asked:
        """Return a request of a unit.

        Raises:
            NotFoundError: CONSENT_UNKNOWN; it made none like that.
        """
        return self._one((consents.c.id == name) & (consents.c.unit == unit))

    def of_holder(self, name: str, holder: Holder) -> Asked:
        """Return a request to a holder.

        Raises:
            NotFoundError: CONSENT_UNKNOWN; there is none like that.
        """
        return self._one((consents.c.id == name) & (consents.c.holder_index == holder.index(self._vault)))

    def all_of(self, holder: Holder, cursor: str = "") -> tuple[list[Asked], str]:
        """Return a page of the requests to a holder, the newest first, and the cursor of the next; empty on the last.

        Raises:
            EcertError: USAGE; the cursor is none.
        """
        mine = select(consents).where(consents.c.holder_index == holder.index(self._vault))
        if cursor:
            found = read_cursor(cursor, _CURSOR)
            at, name = read_instant(found[1]), found[2]
            mine = mine.where(or_(consents.c.asked_at < at, and_(consents.c.asked_at == at, consents.c.id > name)))
        newest = mine.order_by(consents.c.asked_at.desc(), consents.c.id).limit(PAGE + 1)
        rows = self._db.run(newest).all()
        following = write_cursor(rows[PAGE - 1].asked_at, rows[PAGE - 1].id) if len(rows) > PAGE else ""
        return [self._read(row) for row in rows[:PAGE]], following

    def answer(self, name: str, holder: Holder, answer: Answer, at: datetime) -> Asked:
        """Keep a holder's answer; the same answer again changes nothing.

        Raises:
            NotFoundError: CONSENT_UNKNOWN; there is no such request to them.
            RejectedError: CONSENT_LAPSED or CONSENT_ANSWERED, as `Consent.answered`.
        """
        with self._db.transaction():
            asked = self.of_holder(name, holder)
            answered = asked.consent.answered(answer, at)
            if answered is not asked.consent:
                change = {"answer": answer.value, "answered_at": answered.answered_at}
                self._db.run(update(consents).where(consents.c.id == name).values(**change))
                self._audit.record("consent.answer", name, at, details={"answer": answer.value})
        return Asked(asked.holder, answered)

    def _one(self, condition: ColumnElement[bool]) -> Asked:
        row = self._db.row(select(consents).where(condition))
        if row is None:
            raise NotFoundError(Reason.CONSENT_UNKNOWN, "there is no such request")
        return self._read(row)

    def _read(self, row: Row[Any]) -> Asked:
        said = json.loads(self._vault.decrypt(row.content, _place(row.id)))
        request = Request(
            id=row.id,
            requester=Requester(**said["requester"]),
            use=Use(**said["use"]),
            wanted=tuple(Wanted(code, tuple(fields)) for code, fields in said["wanted"]),
            asked_at=row.asked_at,
            answer_by=datetime.fromisoformat(said["answer_by"]),
            until=datetime.fromisoformat(said["until"]),
        )
        return Asked(Holder.read(said["holder"]), Consent(request, Answer(row.answer), row.answered_at))


def _place(name: str) -> Place:
    return Place("consents", name, "content")


def _encode(request: Request, holder: Holder) -> bytes:
    who, use = request.requester, request.use
    said = {
        "requester": {"code": who.code, "name": who.name, "operator": who.operator},
        "use": {
            "matter": use.matter,
            "item_code": use.item_code,
            "business_no": use.business_no,
            "purpose": use.purpose,
        },
        "wanted": [[one.type_code, list(one.fields)] for one in request.wanted],
        "holder": holder.json(),
        "answer_by": timestamp(request.answer_by),
        "until": timestamp(request.until),
    }
    return json.dumps(said, ensure_ascii=False).encode()
