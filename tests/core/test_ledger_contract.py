from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api.ledger import SqliteLedger
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.identifier import Identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Decision, Intent
from ecert.revocation import State
from ecert.revocation.allocation import spread
from tests.core.ledgers import MemoryLedger
from tests.world import ISSUER, START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = b"k" * 8
Ledger = MemoryLedger | SqliteLedger


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with ExitStack() as stack:
        yield MemoryLedger() if request.param == "memory" else stack.enter_context(SqliteLedger(tmp_path / "l.db"))


def identifier(serial: str = "A") -> Identifier:
    return Identifier("11100000MB0341032Y001", ISSUER, serial, 1)


def intent(ledger: Ledger, serial: str = "A") -> Intent:
    return Intent(identifier(serial), KEY, ledger.allocate(KEY), b"record tbs", b"face tbs", START)


def test_an_intent_is_open_until_it_is_completed(ledger: Ledger) -> None:
    made = intent(ledger)
    ledger.intend(made)
    assert list(ledger.open_intents()) == [made]
    assert ledger.find(made.identifier).record is None
    ledger.complete(made.identifier, record=b"r", face=b"f", at=START)
    assert list(ledger.open_intents()) == []
    entry = ledger.find(made.identifier)
    assert (entry.intent, entry.record, entry.face) == (made, b"r", b"f")


def test_nothing_is_completed_without_an_intent_or_twice(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        ledger.complete(identifier(), record=b"r", face=b"f", at=START)
    ledger.intend(intent(ledger))
    ledger.complete(identifier(), record=b"r", face=b"f", at=START)
    with pytest.raises(IssuanceError):
        ledger.complete(identifier(), record=b"other", face=b"f", at=START)
    assert ledger.find(identifier()).record == b"r"


def test_an_identifier_and_a_status_reference_are_intended_once(ledger: Ledger) -> None:
    first = intent(ledger)
    ledger.intend(first)
    with pytest.raises(IssuanceError):
        ledger.intend(intent(ledger))
    with pytest.raises(IssuanceError):
        ledger.intend(Intent(identifier("B"), KEY, first.status, b"", b"", START))


def test_references_are_never_given_out_twice(ledger: Ledger) -> None:
    given = [ledger.allocate(KEY) for _ in range(200)]
    assert len(set(given)) == 200
    assert ledger.allocated(KEY) == 200
    assert ledger.allocated(b"other...") == 0


def test_decisions_are_kept_in_order_and_by_key(ledger: Ledger) -> None:
    made = intent(ledger)
    ledger.intend(made)
    decision = Decision(made.identifier, State.SUSPENDED.value, START, "样例", START)
    with pytest.raises(NotFoundError):
        ledger.decide(decision)
    ledger.complete(made.identifier, record=b"r", face=b"f", at=START)
    back = Decision(made.identifier, State.VALID.value, START + timedelta(days=1), "样例", START)
    ledger.decide(decision)
    ledger.decide(back)
    assert list(ledger.decisions([KEY])) == [(KEY, made.status, decision), (KEY, made.status, back)]
    assert list(ledger.decisions([b"another."])) == []


def test_a_licence_that_ended_never_comes_back(ledger: Ledger) -> None:
    ledger.intend(intent(ledger))
    ledger.complete(identifier(), record=b"r", face=b"f", at=START)
    ledger.decide(Decision(identifier(), State.REVOKED.value, START, "样例", START))
    with pytest.raises(IssuanceError) as caught:
        ledger.decide(Decision(identifier(), State.VALID.value, START, "样例", START))
    assert caught.value.reason is Reason.LEDGER_CONFLICT


def test_the_file_refuses_change_and_removal_and_survives_reopening(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with SqliteLedger(path) as ledger:
        made = intent(ledger)
        ledger.intend(made)
        ledger.complete(made.identifier, record=b"r", face=b"f", at=START)
    assert path.stat().st_mode & 0o777 == 0o600
    raw = sqlite3.connect(path)
    for table in ("intents", "completions", "allocations", "lists"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid"):  # noqa: S608
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)
    raw.close()
    with SqliteLedger(path) as ledger:
        assert ledger.find(made.identifier).record == b"r"
        assert ledger.allocate(KEY) != made.status


def test_a_lists_indices_are_spread_over_all_of_it_and_lists_follow_each_other() -> None:
    secret = bytes(32)
    seen = {spread(position, secret) for position in range(5000)}
    assert len(seen) == 5000
    assert {reference.number for reference in seen} == {0}
    assert max(r.index for r in seen) > StatusRef.CAPACITY * 0.99
    assert spread(StatusRef.CAPACITY, secret).number == 1
    assert StatusRef.unpack(StatusRef(4095, 7).pack()) == StatusRef(4095, 7)
