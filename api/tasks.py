"""Licences that depend on others: what became of the others, and the tasks that departments have from it.

Every change of a parent's state is recorded once for each child, also its return to valid; a change to anything
else is a task for the child's department, open until it says that it is done. As long as one is open, the status
chain flags the child 关联证照已变更.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, func, insert, select

from api.schema import completions, decisions, intents, parent_changes, relations, tasks_done
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Parent
from ecert.revocation import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from api.database import Database

_RELATIONS: Final = select(relations).join(completions, completions.c.identifier == relations.c.child)
_CHANGED: Final = parent_changes.c.state != State.VALID.value
_TASKS: Final = parent_changes.outerjoin(tasks_done, tasks_done.c.task == parent_changes.c.number)


@dataclass(frozen=True, slots=True)
class Relation:
    """An issued licence, and one that it depends on."""

    child: Identifier
    parent: Parent


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a department to look at.

    Attributes:
        number: Its number.
        child: The licence whose issuer has the task.
        parent: The licence that changed.
        state: What it became.
        at: When that was noticed, UTC.
        done_at: When the department said that it is done; None: it is open.
    """

    number: int
    child: Identifier
    parent: Identifier
    state: State
    at: datetime
    done_at: datetime | None


class TaskBook:
    """The tasks and relations of a ledger."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._db = database

    def relations(self, *, after: int = 0) -> Iterator[Relation]:
        """Return the relations of children whose completion is numbered higher than `after`."""
        return self._relations(completions.c.number > after)

    def relations_to(self, key_id: bytes, status: StatusRef) -> Iterator[Relation]:
        """Return the relations to one parent."""
        return self._relations(and_(relations.c.key_id == key_id, relations.c.status == status.pack()))

    def relations_to_decided(self) -> Iterator[Relation]:
        """Return the relations to parents about which this ledger has decisions."""
        return self._relations(relations.c.parent.in_(select(decisions.c.identifier)))

    def relations_abroad(self) -> Iterator[Relation]:
        """Return the relations to parents that this ledger did not issue."""
        return self._relations(relations.c.parent.not_in(select(intents.c.identifier)))

    def _relations(self, condition: ColumnElement[bool]) -> Iterator[Relation]:
        for row in self._db.run(_RELATIONS.where(condition)).all():
            parent = Parent(parse_identifier(row.parent), row.key_id, StatusRef.unpack(row.status))
            yield Relation(parse_identifier(row.child), parent)

    def completed(self) -> int:
        """Return the highest number of a completion."""
        return self._db.number(select(func.max(completions.c.number)))

    def noticed(self, relation: Relation) -> State:
        """Return the last state of the parent that was recorded for the child."""
        about = (
            parent_changes.c.child == relation.child.text,
            parent_changes.c.parent == relation.parent.identifier.text,
        )
        row = self._db.row(select(parent_changes).where(*about).order_by(parent_changes.c.number.desc()).limit(1))
        return State.VALID if row is None else State(row.state)

    def notice(self, relation: Relation, state: State, at: datetime) -> None:
        """Record what became of a parent; anything but valid is a task."""
        child, parent = relation.child.text, relation.parent.identifier.text
        with self._db.transaction():
            self._db.run(insert(parent_changes).values(child=child, parent=parent, state=state.value, at=at))

    def tasks(self, *, every: bool = False) -> Iterator[Task]:
        """Return the open tasks, oldest first; with `every`, those done as well."""
        query = select(parent_changes, tasks_done.c.at.label("done_at")).select_from(_TASKS).where(_CHANGED)
        if not every:
            query = query.where(tasks_done.c.task.is_(None))
        for row in self._db.run(query.order_by(parent_changes.c.number)):
            yield Task(
                number=row.number,
                child=parse_identifier(row.child),
                parent=parse_identifier(row.parent),
                state=State(row.state),
                at=row.at,
                done_at=row.done_at,
            )

    def finish(self, number: int, at: datetime) -> None:
        """Record that a task is done.

        Raises:
            NotFoundError: there is no such task.
            IssuanceError: it was done before.
        """
        with self._db.transaction():
            if self._db.row(select(parent_changes).where(parent_changes.c.number == number, _CHANGED)) is None:
                raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"there is no task {number}")
            if self._db.row(select(tasks_done).where(tasks_done.c.task == number)):
                raise IssuanceError(Reason.LEDGER_CONFLICT, f"task {number} was done before")
            self._db.run(insert(tasks_done).values(task=number, at=at))

    def version(self) -> tuple[int, int]:
        """Return numbers that change whenever a task is recorded or done."""
        changed = self._db.number(select(func.max(parent_changes.c.number)))
        return changed, self._db.number(select(func.max(tasks_done.c.number)))

    def flags(self) -> dict[tuple[bytes, StatusRef], bool]:
        """Return (key id, status reference) → whether a task is open, of every child that ever had one."""
        is_open = func.max(case((tasks_done.c.task.is_(None), 1), else_=0)).label("is_open")
        rows = self._db.run(
            select(intents.c.key_id, intents.c.status, is_open)
            .select_from(_TASKS.join(intents, intents.c.identifier == parent_changes.c.child))
            .where(_CHANGED)
            .group_by(intents.c.key_id, intents.c.status)
        )
        return {(row.key_id, StatusRef.unpack(row.status)): bool(row.is_open) for row in rows}
