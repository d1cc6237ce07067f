"""A ledger put back from a backup, beside a published folder that has gone further."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.audit import AuditBook
from api.issued import IssuedBook
from api.ledger import SqlLedger
from ecert.audit import AuditEntry
from ecert.errors import Reason, RejectedError
from ecert.licence.reference import StatusRef
from ecert.report import timestamp
from ecert.revocation import State
from ecert.revocation.issued import load_head
from tests.api.province import GUANGDONG, VAULT
from tests.api.test_commands import api, at

if TYPE_CHECKING:
    from ecert.issuance import SealedLicence
    from ecert.licence.identifier import Identifier
    from ecert.ports import Intent
    from tests.api.province import Provinces

pytestmark = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)


def restored(provinces: Provinces, code: int) -> dict[str, object]:
    told: dict[str, object] = json.loads(api("restored", *at(provinces), "--json", code=code)[0])
    return told


def intent(provinces: Provinces, licence: SealedLicence) -> Intent:
    with SqlLedger(provinces.ledger()) as book:
        return book.issued(licence.identifier)


def lose_some(provinces: Provinces) -> tuple[Identifier, Intent]:
    """Back up with one licence; then issue another, revoke both, publish, and put the backup back."""
    early = provinces.issue()
    provinces.publish()
    provinces.back_up()
    late = provinces.issue()
    place = intent(provinces, late)
    provinces.decide(early, State.REVOKED)
    provinces.decide(late, State.REVOKED)
    provinces.publish()
    provinces.restore()
    return early.identifier, place


def test_what_is_missing_after_a_restore_is_said(provinces: Provinces) -> None:
    early, _ = lose_some(provinces)
    assert restored(provinces, 1) == {"licences": 1, "steps": 1, "undecided": [early.text], "unknown": 1}
    assert restored(provinces, 1) == {"licences": 1, "steps": 0, "undecided": [early.text], "unknown": 1}


def test_a_ledger_that_nothing_was_lost_of_says_so(provinces: Provinces) -> None:
    provinces.issue()
    provinces.publish()
    provinces.back_up()
    provinces.restore()
    assert restored(provinces, 0) == {"licences": 0, "steps": 0, "undecided": [], "unknown": 0}


def test_publishing_resumes_once_what_the_ledger_can_know_is_entered_again(provinces: Provinces) -> None:
    early, place = lose_some(provinces)
    held = provinces.window()
    with pytest.raises(RejectedError) as caught:
        provinces.publish()
    assert caught.value.reason is Reason.STATUS_INCOMPLETE
    since = timestamp(provinces.now)
    api("revoke", early.text, *at(provinces), "--reason", "样例：重新录入", "--since", since)
    for step in (1, 2):  # a publisher that starts again knows no less
        assert provinces.publish() == held.sequence + step
        assert State(provinces.window().mark(place.key_id, place.status).state) is State.REVOKED
    assert restored(provinces, 1) == {"licences": 1, "steps": 0, "undecided": [], "unknown": 1}


def test_a_licence_issued_after_a_restore_never_has_the_index_of_a_forgotten_one(provinces: Provinces) -> None:
    provinces.issue()
    provinces.publish()
    provinces.back_up()
    forgotten = [intent(provinces, provinces.issue()) for _ in range(20)]
    provinces.publish()
    provinces.restore()
    restored(provinces, 1)
    later = [intent(provinces, provinces.issue()) for _ in range(20)]
    assert not {one.status for one in forgotten} & {one.status for one in later}
    assert {one.status.number for one in forgotten} == {0}
    assert {one.status.number for one in later} <= {1, 2}
    provinces.publish()
    assert all(provinces.window().mark(one.key_id, one.status).state is State.VALID for one in later)


def test_a_publisher_that_meets_the_newer_folder_first_sets_indices_aside_too(provinces: Provinces) -> None:
    provinces.issue()
    provinces.publish()
    provinces.back_up()
    forgotten = intent(provinces, provinces.issue())
    provinces.publish()
    provinces.restore()
    provinces.publish()
    with SqlLedger(provinces.ledger()) as book:
        assert book.allocated(forgotten.key_id) > StatusRef.CAPACITY
        assert [entry for entry in _actions(book) if entry == "ledger.restored"] == ["ledger.restored"]


def test_the_issued_sets_heads_go_on_from_the_newest_that_was_published(provinces: Provinces) -> None:
    provinces.issue()
    provinces.publish()
    provinces.back_up()
    provinces.issue()
    provinces.publish()
    file = provinces.published / "status" / GUANGDONG / "issued"
    before = load_head((file / "head.bin").read_bytes(), provinces.registry, now=provinces.now)
    second = (file / "heads" / "2.bin").read_bytes()
    provinces.restore()
    restored(provinces, 1)
    licence = provinces.issue()
    provinces.publish()
    after = load_head((file / "head.bin").read_bytes(), provinces.registry, now=provinces.now)
    assert (before.number, after.number, after.size) == (2, 3, 2)
    assert (file / "heads" / "2.bin").read_bytes() == second
    with SqlLedger(provinces.ledger(), vault=VAULT if provinces.server else None) as book:
        assert IssuedBook(book.database).prove_licence(licence.identifier)


def test_a_ledger_that_never_published_has_nothing_to_go_on_from(provinces: Provinces) -> None:
    provinces.issue()
    _, err = api("restored", *at(provinces), code=2)
    assert "never published" in err


def _actions(book: SqlLedger) -> list[str]:
    return [AuditEntry.decode(data).action for data in AuditBook(book.database).entries()]
