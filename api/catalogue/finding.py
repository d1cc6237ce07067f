"""Versions of types as callers see them: what is published is everybody's, what is not yet, its department's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, true

from api.catalogue.content import TypeContent
from api.catalogue.sharing import Sharing
from api.catalogue.states import EVERYBODYS, TypeState
from api.service_schema import callers, type_history, types
from ecert.errors import NotFoundError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select

    from api.database import Database


@dataclass(frozen=True, slots=True)
class TypeVersion:
    """One version of a type, as it is now.

    Attributes:
        code: 证照类型代码.
        version: 1, 2, ….
        state: Where it stands.
        department: USCC of the department that edits it.
        content: What it says.
        changed_at: When something last became of it.
        changed_by: Who did that, by identifier.
        event: The number of that in the history; it grows.
        author: Who did that, by name; their identifier where no caller did.
    """

    code: str
    version: int
    state: TypeState
    department: str
    content: TypeContent
    changed_at: datetime
    changed_by: str
    event: int
    author: str

    @property
    def etag(self) -> str:
        """Names this state of this version."""
        return f'"{self.version}-{self.state}-{self.event}"'


@dataclass(frozen=True, slots=True)
class TypeEvent:
    """What became of a version: the state it came to, when, by whom, and why."""

    version: int
    state: TypeState
    at: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: somebody of a department, or, where that is None, of the region itself."""

    department: str | None

    @property
    def may_see(self) -> ColumnElement[bool]:
        """What holds of versions that they may know of; they learn nothing of others."""
        if self.department is None:
            return true()
        return or_(types.c.state.in_(EVERYBODYS), types.c.department == self.department)


def versions(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Return the query for versions of types."""
    events = select(func.max(type_history.c.number)).where(
        type_history.c.code == types.c.code, type_history.c.version == types.c.version
    )
    columns = (types, events.scalar_subquery().label("event"), callers.c.name.label("author"))
    return select(*columns).outerjoin(callers, callers.c.id == types.c.changed_by).where(*conditions)


def version_of(row: Row[Any]) -> TypeVersion:
    """Return the version that a row of `versions` is."""
    return TypeVersion(
        code=row.code,
        version=row.version,
        state=TypeState(row.state),
        department=row.department,
        content=TypeContent(row.definition, row.layout, Sharing.model_validate_json(row.sharing)),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        event=row.event,
        author=row.author or row.changed_by,
    )


def find_version(database: Database, reader: Reader, code: str, version: int | None = None) -> TypeVersion:
    """Return a version of a type; by default the newest that the reader may see.

    Raises:
        NotFoundError: TYPE_UNKNOWN; there is none for them.
    """
    wanted = (types.c.code == code, true() if version is None else types.c.version == version, reader.may_see)
    row = database.row(versions(*wanted).order_by(types.c.version.desc()).limit(1))
    if row is None:
        raise unknown(code)
    return version_of(row)


def list_versions(database: Database, reader: Reader, code: str) -> list[TypeVersion]:
    """Return all versions of a type that the reader may see, the newest first."""
    query = versions(types.c.code == code, reader.may_see).order_by(types.c.version.desc())
    return [version_of(row) for row in database.run(query)]


def list_types(
    database: Database, reader: Reader, state: TypeState | None = None, *, after: str = "", limit: int | None = None
) -> list[TypeVersion]:
    """Return the newest version of each type that the reader may see, by code.

    Args:
        database: The ledger's.
        reader: Who looks.
        state: Only types whose newest version stands here.
        after: Only codes behind this one.
        limit: The most types.
    """
    newest = select(types.c.code, func.max(types.c.version).label("version")).where(reader.may_see)
    newest_of = newest.group_by(types.c.code).subquery()
    here = types.c.state == state if state else true()
    query = versions(types.c.code > after, here).join(
        newest_of, (newest_of.c.code == types.c.code) & (newest_of.c.version == types.c.version)
    )
    return [version_of(row) for row in database.run(query.order_by(types.c.code).limit(limit))]


def count_types(database: Database, reader: Reader) -> dict[TypeState, int]:
    """Return how many types stand where, by the newest version that the reader may see."""
    found = list_types(database, reader)
    return {state: sum(one.state is state for one in found) for state in TypeState}


def list_events(database: Database, seen: Iterable[TypeVersion]) -> list[TypeEvent]:
    """Return what became of versions of one type, the newest first."""
    seen = list(seen)
    mine = (type_history.c.code.in_({one.code for one in seen}), type_history.c.version.in_([o.version for o in seen]))
    rows = database.run(select(type_history).where(*mine).order_by(type_history.c.number.desc()))
    return [TypeEvent(row.version, TypeState(row.state), row.at, row.by, row.note) for row in rows]


def unknown(code: str) -> NotFoundError:
    """Return the error for a type that is not there, or not for whoever asks."""
    return NotFoundError(Reason.TYPE_UNKNOWN, f"there is no licence type {code}")
