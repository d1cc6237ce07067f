"""Licences that depend on others: flags, tasks, and what the law decides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from api.ledger import SqlLedger
from api.schema import relations
from api.tasks import Task, TaskBook
from ecert import envelope
from ecert.errors import IssuanceError, NotFoundError
from ecert.issuance import ASSOCIATED
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.ports import Parent
from ecert.revocation import Flag, ReasonCode, State
from tests.api.province import GUANGDONG, SHANGHAI, Provinces

if TYPE_CHECKING:
    from ecert.issuance import SealedLicence

pytestmark = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)


def tasks(provinces: Provinces, *, every: bool = False) -> list[Task]:
    with SqlLedger(provinces.ledger()) as book:
        return list(TaskBook(book.database).tasks(every=every))


def finish(provinces: Provinces, number: int) -> None:
    with SqlLedger(provinces.ledger()) as book:
        TaskBook(book.database).finish(number, provinces.now)


def child_of(provinces: Provinces, slug: str, parent: SealedLicence) -> SealedLicence:
    return provinces.issue(slug, parents=(parent.identifier,))


def foreign_parent(provinces: Provinces) -> tuple[SealedLicence, Parent]:
    licence = provinces.issue("business-licence", SHANGHAI)
    with SqlLedger(provinces.ledger(SHANGHAI)) as book:
        intent = book.issued(licence.identifier)
    return licence, Parent(licence.identifier, intent.key_id, intent.status)


def test_a_record_names_the_licences_it_depends_on(provinces: Provinces) -> None:
    parent = provinces.issue()
    child = child_of(provinces, "construction-permit", parent)
    signed = envelope.decode(child.record, limit=MAX_RECORD)
    fields = read_fields(signed.unprotected, decode_record(signed.payload).digests)
    assert fields[ASSOCIATED] == parent.identifier.text
    with pytest.raises(IssuanceError) as caught:
        provinces.issue("construction-permit", parents=(provinces.issue("business-licence", SHANGHAI).identifier,))
    assert [problem.pointer for problem in caught.value.problems] == ["/parentIdentifiers/0"]


def test_a_parent_that_changes_flags_the_child_until_its_department_is_done(provinces: Provinces) -> None:
    parent, other = provinces.issue(), provinces.issue()
    child = child_of(provinces, "construction-permit", parent)
    child_of(provinces, "construction-permit", other)
    provinces.publish()
    assert provinces.mark(child).pack() == 0
    provinces.decide(parent, State.SUSPENDED)
    provinces.publish()
    mark = provinces.mark(child)
    assert (mark.state, mark.flags) == (State.VALID, Flag.PARENT_CHANGED)
    (task,) = tasks(provinces)
    assert (task.child, task.parent, task.state) == (child.identifier, parent.identifier, State.SUSPENDED)
    finish(provinces, task.number)
    provinces.publish()
    assert provinces.mark(child).flags == Flag(0)
    assert tasks(provinces) == []
    assert [task.done_at for task in tasks(provinces, every=True)] == [provinces.now]


def test_every_further_change_is_a_new_task_and_its_return_to_valid_is_none(provinces: Provinces) -> None:
    parent = provinces.issue()
    child = child_of(provinces, "construction-permit", parent)
    for state in (State.SUSPENDED, State.VALID, State.SUSPENDED, State.REVOKED):
        provinces.now += timedelta(minutes=1)
        provinces.decide(parent, state)
        provinces.publish()
        provinces.publish()
    assert [task.state for task in tasks(provinces)] == [State.SUSPENDED, State.SUSPENDED, State.REVOKED]
    for task in tasks(provinces)[:2]:
        finish(provinces, task.number)
    provinces.publish()
    assert provinces.mark(child).flags == Flag.PARENT_CHANGED
    with pytest.raises(IssuanceError):
        finish(provinces, 1)
    with pytest.raises(NotFoundError):
        finish(provinces, 2)


def test_the_childs_state_is_its_departments_unless_its_type_cites_the_law(provinces: Provinces) -> None:
    parent = provinces.issue()
    permit, food = (child_of(provinces, slug, parent) for slug in ("construction-permit", "food-business-licence"))
    provinces.decide(parent, State.CANCELLED)
    provinces.publish()
    assert provinces.mark(permit).state is State.VALID
    assert provinces.mark(food).state is State.CANCELLED
    assert provinces.mark(food).flags == Flag.PARENT_CHANGED
    with SqlLedger(provinces.ledger()) as book:
        (decision,) = book.history(food.identifier)
        assert book.history(permit.identifier) == ()
    assert decision.reason_code == ReasonCode.PARENT_FELL
    assert decision.legal_basis == "《中华人民共和国行政许可法》第七十条第（三）项"
    assert {task.child for task in tasks(provinces)} == {permit.identifier, food.identifier}


def test_the_law_decides_only_in_the_states_it_names(provinces: Provinces) -> None:
    parent = provinces.issue()
    food = child_of(provinces, "food-business-licence", parent)
    provinces.decide(parent, State.REVOKED)
    provinces.publish()
    mark = provinces.mark(food)
    assert (mark.state, mark.flags) == (State.VALID, Flag.PARENT_CHANGED)


def test_a_parent_of_another_region_is_known_by_that_regions_status_list(provinces: Provinces) -> None:
    licence, parent = foreign_parent(provinces)
    child = provinces.issue(
        "food-business-licence", parents=(licence.identifier,), foreign={licence.identifier: parent}
    )
    provinces.publish()
    provinces.publish(SHANGHAI)
    provinces.publish()
    assert tasks(provinces) == []
    provinces.decide(licence, State.CANCELLED, SHANGHAI)
    provinces.publish()
    assert tasks(provinces) == []
    provinces.publish(SHANGHAI)
    provinces.publish()
    mark = provinces.mark(child)
    assert (mark.state, mark.flags) == (State.CANCELLED, Flag.PARENT_CHANGED)
    (task,) = tasks(provinces)
    assert task.parent == licence.identifier


def test_a_running_publisher_learns_of_both_kinds_of_parents(provinces: Provinces) -> None:
    here, (there, foreign) = provinces.issue(), foreign_parent(provinces)
    provinces.publish(SHANGHAI)
    day = timedelta(days=1)
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        publisher.publish(provinces.now)
        children = [
            child_of(provinces, "construction-permit", here),
            provinces.issue("construction-permit", parents=(there.identifier,), foreign={there.identifier: foreign}),
        ]
        assert publisher.publish(provinces.now, every=day) is None
        for licence, region in ((here, GUANGDONG), (there, SHANGHAI)):
            provinces.now += timedelta(seconds=1)
            provinces.decide(licence, State.REVOKED, region)
            if region == SHANGHAI:
                provinces.publish(SHANGHAI)
            assert publisher.publish(provinces.now, every=day) is not None
        late = child_of(provinces, "construction-permit", here)
        assert publisher.publish(provinces.now, every=day) is not None
    assert [provinces.mark(child).flags for child in (*children, late)] == [Flag.PARENT_CHANGED] * 3
    assert provinces.chain() == provinces.window()


def test_a_broken_list_of_another_region_is_left_and_stops_nothing(provinces: Provinces) -> None:
    licence, parent = foreign_parent(provinces)
    provinces.issue("construction-permit", parents=(licence.identifier,), foreign={licence.identifier: parent})
    provinces.decide(licence, State.REVOKED, SHANGHAI)
    provinces.publish(SHANGHAI)
    file = provinces.published / "status" / SHANGHAI / "snapshot.bin"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes((whole[-1] ^ 1,)))
    provinces.publish()
    assert tasks(provinces) == []
    file.write_bytes(whole)
    provinces.publish()
    assert len(tasks(provinces)) == 1


def test_a_licence_that_has_ended_gives_nobody_a_task(provinces: Provinces) -> None:
    parent = provinces.issue()
    child = child_of(provinces, "construction-permit", parent)
    provinces.decide(child, State.CANCELLED)
    provinces.decide(parent, State.REVOKED)
    provinces.publish()
    assert tasks(provinces) == []
    assert provinces.mark(child).flags == Flag(0)


def test_grandchildren_learn_of_it_in_the_same_publication(provinces: Provinces) -> None:
    """No type shipped depends on one that itself depends: the relation is written as the ledger keeps it."""
    parent = provinces.issue()
    food = child_of(provinces, "food-business-licence", parent)
    with SqlLedger(provinces.ledger()) as book:
        known = book.issued(food.identifier)
        grandchild = provinces.issue("construction-permit")
        row = {"child": grandchild.identifier.text, "parent": food.identifier.text, "place": 0}
        book.database.run(insert(relations).values(**row, key_id=known.key_id, status=known.status.pack()))
    provinces.publish()
    provinces.decide(parent, State.CANCELLED)
    provinces.publish()
    assert provinces.mark(grandchild).flags == Flag.PARENT_CHANGED
