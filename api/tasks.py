"""Licences that depend on others: what became of the others, and the tasks that departments have from it.

Every change of a parent's state is recorded once for each child, also its return to valid; a change to anything
else is a task for the child's department, open until it says that it is done. As long as one is open, the status
chain flags the child 关联证照已变更.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.database import instant
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Parent
from ecert.revocation import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from api.database import Database

_RELATION: Final = (
    "SELECT i.identifier, r.parent, r.key_id, r.status FROM relations r"
    " JOIN completions c ON c.identifier = r.child JOIN intents i ON i.identifier = r.child"
)


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
        return self._relations("c.number > ?", after)

    def relations_to(self, key_id: bytes, status: StatusRef) -> Iterator[Relation]:
        """Return the relations to one parent."""
        return self._relations("r.key_id = ? AND r.status = ?", key_id, status.pack())

    def relations_to_decided(self) -> Iterator[Relation]:
        """Return the relations to parents about which this ledger has decisions."""
        return self._relations("r.parent IN (SELECT identifier FROM decisions)")

    def relations_abroad(self) -> Iterator[Relation]:
        """Return the relations to parents that this ledger did not issue."""
        return self._relations("r.parent NOT IN (SELECT identifier FROM intents)")

    def _relations(self, condition: str, *arguments: object) -> Iterator[Relation]:
        rows = self._db.run(f"{_RELATION} WHERE {condition}", *arguments).fetchall()
        for child, parent, key_id, status in rows:
            yield Relation(parse_identifier(child), Parent(parse_identifier(parent), key_id, StatusRef.unpack(status)))

    def completed(self) -> int:
        """Return the highest number of a completion."""
        return int(self._db.row("SELECT COALESCE(MAX(number), 0) FROM completions")[0])

    def noticed(self, relation: Relation) -> State:
        """Return the last state of the parent that was recorded for the child."""
        row = self._db.row(
            "SELECT state FROM parent_changes WHERE child = ? AND parent = ? ORDER BY number DESC LIMIT 1",
            *(relation.child.text, relation.parent.identifier.text),
        )
        return State.VALID if row is None else State(row[0])

    def notice(self, relation: Relation, state: State, at: datetime) -> None:
        """Record what became of a parent; anything but valid is a task."""
        self._db.run(
            "INSERT INTO parent_changes (child, parent, state, at) VALUES (?, ?, ?, ?)",
            *(relation.child.text, relation.parent.identifier.text, state.value, at.isoformat()),
        )

    def tasks(self, *, every: bool = False) -> Iterator[Task]:
        """Return the open tasks, oldest first; with `every`, those done as well."""
        rows = self._db.run(
            "SELECT p.number, p.child, p.parent, p.state, p.at, d.at FROM parent_changes p"
            " LEFT JOIN tasks_done d ON d.task = p.number WHERE p.state != ? AND (? OR d.task IS NULL)"
            " ORDER BY p.number",
            *(State.VALID.value, every),
        )
        for number, child, parent, state, at, done in rows:
            yield Task(
                number=number,
                child=parse_identifier(child),
                parent=parse_identifier(parent),
                state=State(state),
                at=instant(at),
                done_at=None if done is None else instant(done),
            )

    def finish(self, number: int, at: datetime) -> None:
        """Record that a task is done.

        Raises:
            NotFoundError: there is no such task.
            IssuanceError: it was done before.
        """
        with self._db.transaction():
            query = "SELECT 1 FROM parent_changes WHERE number = ? AND state != ?"
            if self._db.row(query, number, State.VALID.value) is None:
                raise NotFoundError(Reason.LICENCE_NOT_FOUND, f"there is no task {number}")
            if self._db.row("SELECT 1 FROM tasks_done WHERE task = ?", number):
                raise IssuanceError(Reason.LEDGER_CONFLICT, f"task {number} was done before")
            self._db.run("INSERT INTO tasks_done (task, at) VALUES (?, ?)", number, at.isoformat())

    def version(self) -> tuple[int, int]:
        """Return numbers that change whenever a task is recorded or done."""
        row = self._db.row(
            "SELECT (SELECT COALESCE(MAX(number), 0) FROM parent_changes),"
            " (SELECT COALESCE(MAX(number), 0) FROM tasks_done)"
        )
        return int(row[0]), int(row[1])

    def flags(self) -> dict[tuple[bytes, StatusRef], bool]:
        """Return (key id, status reference) → whether a task is open, of every child that ever had one."""
        rows = self._db.run(
            "SELECT i.key_id, i.status, MAX(d.task IS NULL) FROM parent_changes p"
            " JOIN intents i ON i.identifier = p.child LEFT JOIN tasks_done d ON d.task = p.number"
            " WHERE p.state != ? GROUP BY p.child",
            State.VALID.value,
        )
        return {(key_id, StatusRef.unpack(status)): bool(is_open) for key_id, status, is_open in rows}
