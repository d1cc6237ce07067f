"""Writing types: a draft is saved, a version moves through its life; what is published never changes again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import update

from api.audit import AuditBook
from api.catalogue.content import require_complete
from api.catalogue.finding import TypeVersion, unknown, version_of, versions
from api.catalogue.states import MOVES, TypeAction, TypeState
from api.preconditions import require_match, require_new
from api.service_schema import type_history, types
from ecert.errors import IssuanceError, Reason
from ecert.licence.codes import check_text
from ecert.web.problems import Code, FieldError, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from api.access.permissions import Scope
    from api.catalogue.content import TypeContent
    from api.database import Database
    from ecert.ofd.fonts import FontSet

MAX_NOTE: Final = 200
"""The longest reason in characters."""


@dataclass(frozen=True, slots=True)
class Condition:
    """From which state a change is made: the headers `If-Match` and `If-None-Match`."""

    if_match: str | None
    if_none_match: str | None = None


class TypeEditor:
    """Changes the types of one department, or of the whole region, in one ledger."""

    def __init__(self, database: Database, scope: Scope) -> None:
        """Write in `database` what lies in `scope`."""
        self._db, self._scope = database, scope
        self._audit = AuditBook(database)

    def save(self, code: str, content: TypeContent, condition: Condition, now: datetime) -> TypeVersion:
        """Save a draft: the one there is, or the first or the next version of the type.

        Raises:
            NotFoundError: TYPE_UNKNOWN; the code is not one of the department's.
            Problem: the type is in another state than the caller read.
            IssuanceError: TYPE_STATE_CONFLICT; it is in review.
            MalformedError: TYPE_MALFORMED; the content is not as it should be, and says where.
        """
        if self._scope.department is None or not code.startswith(self._scope.department):
            raise unknown(code)
        with self._db.transaction():
            newest = self._newest(code)
            version = self._version_to_write(newest, condition)
            content.read(code, version)
            row = self._row(content) | {"changed_at": now, "changed_by": self._db.actor}
            if newest is not None and newest.version == version:
                self._db.run(update(types).where(_is(newest)).values(row))
            else:
                key = {"code": code, "version": version, "state": TypeState.DRAFT, "department": code[:18]}
                self._db.add(types, [key | row])
            self._note(code, version, TypeState.DRAFT, now, "")
            self._audit.record("type.save", code, now, details={"version": version})
            return self._found(code)

    def move(
        self, code: str, action: TypeAction, condition: Condition, now: datetime, *, note: str = "", fonts: FontSet
    ) -> TypeVersion:
        """Move a version on, and return it.

        Args:
            code: Of its type.
            action: What to do: with the newest version that it can be done with. A type that is disabled is so in all
                its published versions.
            condition: Which state the caller read.
            now: When.
            note: Why; required for what must be explained.
            fonts: What pages are set in.

        Raises:
            NotFoundError: TYPE_UNKNOWN; there is no such type in the caller's reach.
            IssuanceError: TYPE_STATE_CONFLICT; no version is in the state for this.
            Problem: it changed meanwhile; or there is no reason, or too long a one.
            MalformedError: TYPE_MALFORMED; licences could not be issued of it.
        """
        move = MOVES[action]
        _require_note(note, required=move.explained)
        with self._db.transaction():
            subject = self._newest(code, move.before)
            if subject is None:
                raise self._impossible(code, action)
            require_match(condition.if_match, subject.etag)
            if move.complete:
                require_complete(subject.content, code, subject.version, self._db, fonts)
            for one in self._all(code, move.before):
                change = {"state": move.after, "changed_at": now, "changed_by": self._db.actor}
                self._db.run(update(types).where(_is(one)).values(change))
                self._note(code, one.version, move.after, now, note)
            self._audit.record(f"type.{action}", code, now, details={"version": subject.version})
            return self._found(code, subject.version)

    def _version_to_write(self, newest: TypeVersion | None, condition: Condition) -> int:
        """Return which version a draft is saved as."""
        if newest is None:
            require_new(condition.if_match, condition.if_none_match)
            return 1
        if condition.if_match is None and condition.if_none_match is not None:
            raise Problem(Code.PRECONDITION_FAILED, f"there is such a type, in version {newest.version}")
        require_match(condition.if_match, newest.etag)
        if newest.state is TypeState.REVIEW:
            raise IssuanceError(Reason.TYPE_STATE_CONFLICT, "it is in review: it is returned first, or published")
        return newest.version if newest.state is TypeState.DRAFT else newest.version + 1

    @staticmethod
    def _row(content: TypeContent) -> dict[str, Any]:
        sharing = content.sharing.model_dump_json()
        return {"definition": content.definition, "layout": content.layout, "sharing": sharing}

    def _note(self, code: str, version: int, state: TypeState, now: datetime, note: str) -> None:
        row = {"code": code, "version": version, "state": state, "at": now, "by": self._db.actor, "note": note}
        self._db.add(type_history, [row])

    def _all(self, code: str, state: TypeState | None = None, version: int | None = None) -> list[TypeVersion]:
        """Return versions of a type in the caller's reach, the newest first."""
        wanted = {types.c.code: code, types.c.state: state, types.c.version: version}
        wanted |= {types.c.department: self._scope.department}
        query = versions(*(column == value for column, value in wanted.items() if value is not None))
        return [version_of(row) for row in self._db.run(query.order_by(types.c.version.desc()))]

    def _newest(self, code: str, state: TypeState | None = None) -> TypeVersion | None:
        return next(iter(self._all(code, state)), None)

    def _found(self, code: str, version: int | None = None) -> TypeVersion:
        return self._all(code, version=version)[0]

    def _impossible(self, code: str, action: TypeAction) -> Exception:
        newest = self._newest(code)
        if newest is None:
            return unknown(code)
        before = MOVES[action].before
        return IssuanceError(
            Reason.TYPE_STATE_CONFLICT, f"{action} is for what is in the state {before}; this is {newest.state}"
        )


def _is(one: TypeVersion) -> Any:
    return (types.c.code == one.code) & (types.c.version == one.version)


def _require_note(note: str, *, required: bool) -> None:
    expected = check_text(note, MAX_NOTE) if note or required else None
    if expected:
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/note", expected.en)])
