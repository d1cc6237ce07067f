"""What becomes of licences when one that they depend on changes.

The parent may be of this ledger, or of another region: of those only the published status lists are known. The
child's own state changes by its department's decision, or where its type cites the law that decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.decisions import event_of, make_decision
from ecert.errors import UndeterminedError
from ecert.revocation import ReasonCode, State, state_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from api.projection import Place
    from api.tasks import Relation, TaskBook
    from ecert.licence.dependencies import Consequence
    from ecert.licence.identifier import Identifier
    from ecert.licence.types import TypeDefinition
    from ecert.ports import Decision, Parent, RevocationLog
    from ecert.revocation import RegionStatus


class ParentWatch:
    """Notices what changed about parents, records tasks, and decides where the law does."""

    def __init__(self, log: RevocationLog, tasks: TaskBook, definition: Callable[[str], TypeDefinition | None]) -> None:
        """Begin; the first look is at everything.

        Args:
            log: Decisions, read and made.
            tasks: What licences depend on.
            definition: Returns what the law says now of a type, by its code.
        """
        self._definition = definition
        self._log = log
        self._tasks = tasks
        self._completed = 0
        self._seen: dict[str, int] = {}

    def look(self, touched: Iterable[Place], abroad: Mapping[bytes, RegionStatus], at: datetime) -> bool:
        """Look at the relations that may be concerned; tell whether anything new was recorded.

        Args:
            touched: Licences of this ledger whose state may have changed since the last look.
            abroad: Issuing key id → the status of its region, for keys of other regions.
            at: Now.
        """
        recorded = False
        for relation in self._concerned(touched, abroad):
            state = self._state(relation.parent, abroad, at)
            if state is not None and state is not self._tasks.noticed(relation):
                recorded |= self._notice(relation, state, at)
        return recorded

    def _concerned(self, touched: Iterable[Place], abroad: Mapping[bytes, RegionStatus]) -> Iterator[Relation]:
        completed = self._tasks.completed()
        if not self._completed:
            yield from self._tasks.relations_to_decided()
        else:
            yield from (relation for place in touched for relation in self._tasks.relations_to(*place))
        if completed != self._completed:
            yield from self._tasks.relations(after=self._completed)
            self._completed = completed
        seen = {status.region: status.sequence for status in abroad.values()}
        if seen != self._seen:
            yield from self._tasks.relations_abroad()
            self._seen = seen

    def _state(self, parent: Parent, abroad: Mapping[bytes, RegionStatus], at: datetime) -> State | None:
        """Return the parent's state; None when nothing is known of it."""
        status = abroad.get(parent.key_id)
        if status is None:
            return state_at(list(map(event_of, self._log.history(parent.identifier))), at)[0]
        try:
            return status.mark(parent.key_id, parent.status).state
        except UndeterminedError:
            return None

    def _notice(self, relation: Relation, state: State, at: datetime) -> bool:
        """Decide first where the law does: cut off in between, it is noticed again, and decided only once."""
        history = self._log.history(relation.child)
        if any(State(decision.state).ends for decision in history):
            return False
        definition = self._definition(relation.child.type_code)
        consequence = _consequence(definition, relation.parent.identifier, state)
        if consequence is not None:
            becomes = State[consequence.child_state.name]
            if becomes is not state_at(list(map(event_of, history)), at)[0]:
                at_last = max(at, *(decision.decided_at for decision in history)) if history else at
                self._log.decide(_by_law(relation.child, becomes, consequence, at_last))
        self._tasks.notice(relation, state, at)
        return True


def _by_law(child: Identifier, state: State, consequence: Consequence, at: datetime) -> Decision:
    return make_decision(
        child,
        state,
        now=at,
        reason="所依赖的证照已失效，依法随之变更",
        reason_code=ReasonCode.PARENT_FELL,
        legal_basis=consequence.legal_basis,
    )


def _consequence(definition: TypeDefinition | None, parent: Identifier, state: State) -> Consequence | None:
    dependency = definition.dependency(parent.type_code) if definition else None
    consequence = dependency.consequence if dependency else None
    if consequence is None or state.name not in {one.name for one in consequence.parent_states}:
        return None
    return consequence
