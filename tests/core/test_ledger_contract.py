from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api.ledger import SqlLedger
from ecert.errors import IssuanceError, MalformedError, NotFoundError, Reason
from ecert.licence.identifier import Identifier
from ecert.licence.reference import StatusRef
from ecert.ports import Completion, Decision, Intent, Parent
from ecert.revocation import ReasonCode, State
from ecert.revocation.allocation import spread
from ecert.sm2 import Vault
from tests.core.ledgers import MemoryLedger
from tests.core.sealed import KEY, face_of, record_of
from tests.world import ISSUER, START

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

VAULT = Vault({1: b"v" * 16}, 1, b"i" * 32)
Ledger = MemoryLedger | SqlLedger


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    location = tmp_path / "l.db" if request.param == "sqlite" else request.getfixturevalue("postgresql").new("contract")
    with SqlLedger(location, vault=VAULT) as ledger:
        yield ledger


def identifier(serial: str = "A") -> Identifier:
    return Identifier("11100000MB0341032Y001", ISSUER, serial, 1)


def complete(ledger: Ledger, serial: str = "A", file: bytes | None = None) -> None:
    one = completion(serial, file)
    ledger.complete(one.identifier, record=one.record, face=one.face, at=one.at, file=file)


def completion(serial: str, file: bytes | None = None) -> Completion:
    one = identifier(serial)
    return Completion(one, record_of(one), face_of(one), START, file)


def intent(ledger: Ledger, serial: str = "A") -> Intent:
    return Intent(identifier(serial), KEY, ledger.allocate(KEY), b"record tbs", b"face tbs", START)


def test_an_intent_is_open_until_it_is_completed(ledger: Ledger) -> None:
    made = intent(ledger)
    ledger.intend(made)
    assert list(ledger.open_intents()) == [made]
    assert ledger.find(made.identifier).record is None
    with pytest.raises(NotFoundError):
        ledger.issued(made.identifier)
    complete(ledger)
    assert list(ledger.open_intents()) == []
    entry = ledger.find(made.identifier)
    assert (entry.record, entry.face) == (record_of(made.identifier), face_of(made.identifier))
    assert entry.intent == ledger.issued(made.identifier) == made


def test_a_licences_file_is_kept_with_its_completion(ledger: Ledger) -> None:
    with_file, without = intent(ledger, "A"), intent(ledger, "B")
    for made in (with_file, without):
        ledger.intend(made)
        assert ledger.file(made.identifier) is None
    complete(ledger, "A", b"PK\x03\x04")
    complete(ledger, "B")
    assert ledger.file(with_file.identifier) == b"PK\x03\x04"
    assert ledger.file(without.identifier) is None
    with pytest.raises(IssuanceError):
        complete(ledger, "A", b"other")
    assert ledger.file(with_file.identifier) == b"PK\x03\x04"


def test_nothing_is_completed_without_an_intent_or_twice(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        complete(ledger)
    ledger.intend(intent(ledger))
    complete(ledger)
    other = record_of(identifier(), "样例字2号")
    with pytest.raises(IssuanceError):
        ledger.complete(identifier(), record=other, face=face_of(identifier()), at=START)
    assert ledger.find(identifier()).record == record_of(identifier())


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


def test_a_block_of_references_follows_those_given_out_one_by_one(ledger: Ledger) -> None:
    given = [ledger.allocate(KEY), *ledger.allocate_many(KEY, 250), ledger.allocate(KEY)]
    assert len(set(given)) == 252
    assert ledger.allocated(KEY) == 252


def many(ledger: Ledger, serials: Sequence[str]) -> list[Intent]:
    references = ledger.allocate_many(KEY, len(serials))
    parents = (Parent(identifier("P"), KEY, StatusRef(0, 7)),)
    return [
        Intent(identifier(serial), KEY, reference, b"r", b"f", START, parents)
        for serial, reference in zip(serials, references, strict=True)
    ]


def test_many_licences_are_intended_and_completed_at_once(ledger: Ledger) -> None:
    serials = [f"{number:04}" for number in range(1200)]
    made = many(ledger, serials)
    ledger.intend_many(made)
    assert list(ledger.open_intents()) == made
    ledger.complete_many([completion(serial, b"PK" if serial == "0007" else None) for serial in serials])
    assert list(ledger.open_intents()) == []
    for intent in made:
        entry = ledger.find(intent.identifier)
        assert (entry.intent, entry.record) == (intent, record_of(intent.identifier))
    assert [serial for serial in serials[:20] if ledger.file(identifier(serial))] == ["0007"]
    ledger.intend_many([])
    ledger.complete_many([])


def test_of_many_all_are_recorded_or_none(ledger: Ledger) -> None:
    made = many(ledger, "ABC")
    for wrong in ([*made, made[0]], [made[1], replace(made[2], status=made[1].status)]):
        with pytest.raises(IssuanceError):
            ledger.intend_many(wrong)
        assert list(ledger.open_intents()) == []
    ledger.intend_many(made)
    ledger.complete_many([completion("C")])
    for one, error in (("A", IssuanceError), ("C", IssuanceError), ("D", NotFoundError)):
        with pytest.raises(error):
            ledger.complete_many([completion("A"), completion("B"), completion(one)])
        assert list(ledger.open_intents()) == made[:2]


def issued(ledger: Ledger, serial: str = "A") -> Intent:
    made = intent(ledger, serial)
    ledger.intend(made)
    complete(ledger, serial)
    return made


def decision(state: State, *, serial: str = "A", hours: int = 0) -> Decision:
    return Decision(
        identifier=identifier(serial),
        state=state.value,
        since=START + timedelta(hours=hours),
        until=None if state.ends else START + timedelta(days=30),
        reason_code=ReasonCode.UNDER_INVESTIGATION.value,
        reason="样例",
        legal_basis="《样例条例》第一条",
        document="样例〔2026〕1号",
        decided_at=START + timedelta(hours=hours),
    )


def test_decisions_are_kept_whole_in_order_and_by_key(ledger: Ledger) -> None:
    first, second = decision(State.SUSPENDED), decision(State.VALID, hours=24)
    ledger.intend(intent(ledger))
    with pytest.raises(NotFoundError):
        ledger.decide(first)
    complete(ledger)
    other = issued(ledger, "B")
    between = decision(State.INACTIVE, serial="B", hours=1)
    for one in (first, between, second):
        ledger.decide(one)
    logged = list(ledger.decisions([KEY]))
    assert [one.decision for one in logged] == [first, between, second]
    assert [one.status for one in logged] == [ledger.find(one.decision.identifier).intent.status for one in logged]
    assert {one.key_id for one in logged} == {KEY}
    assert list(ledger.decisions([KEY], after=logged[0].number)) == logged[1:]
    assert list(ledger.decisions([KEY], after=logged[-1].number)) == []
    assert list(ledger.decisions([b"another."])) == []
    assert ledger.history(identifier()) == (first, second)
    assert ledger.history(other.identifier) == (between,)
    assert ledger.history(identifier("C")) == ()


def test_a_licence_that_ended_never_comes_back(ledger: Ledger) -> None:
    issued(ledger)
    ledger.decide(decision(State.REVOKED))
    with pytest.raises(IssuanceError) as caught:
        ledger.decide(decision(State.VALID, hours=1))
    assert caught.value.reason is Reason.LEDGER_CONFLICT
    assert ledger.history(identifier()) == (decision(State.REVOKED),)


def test_a_decision_is_never_dated_before_one_that_is_recorded(ledger: Ledger) -> None:
    issued(ledger)
    ledger.decide(decision(State.SUSPENDED, hours=2))
    with pytest.raises(IssuanceError):
        ledger.decide(decision(State.VALID, hours=1))
    ledger.decide(decision(State.VALID, hours=2))


def test_what_a_licence_depends_on_is_kept_with_its_intent(ledger: Ledger) -> None:
    parents = (
        Parent(identifier("P"), KEY, StatusRef(0, 7)),
        Parent(identifier("Q"), b"foreign.", StatusRef(3, 9)),
    )
    made = Intent(identifier(), KEY, ledger.allocate(KEY), b"", b"", START, parents)
    ledger.intend(made)
    assert ledger.find(identifier()).intent == made
    assert list(ledger.open_intents()) == [made]


def test_the_file_refuses_change_and_removal_and_survives_reopening(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with SqlLedger(path) as ledger:
        made = intent(ledger)
        ledger.intend(made)
        complete(ledger)
    assert path.stat().st_mode & 0o777 == 0o600
    raw = sqlite3.connect(path)
    for table, column in {"intents": "at", "completions": "at", "allocations": "position", "lists": "secret"}.items():
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):  # noqa: S608
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)
    raw.close()
    with SqlLedger(path) as ledger:
        assert ledger.find(made.identifier).record == record_of(made.identifier)
        assert ledger.allocate(KEY) != made.status


def test_a_ledger_of_another_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE intents (identifier TEXT PRIMARY KEY)")
    old.close()
    before = path.read_bytes()
    with pytest.raises(MalformedError, match=r"schema unknown.*writes schema 0003.*name a new one") as caught:
        SqlLedger(path)
    assert caught.value.reason is Reason.DATA_MALFORMED
    assert path.read_bytes() == before


def test_a_lists_indices_are_spread_over_all_of_it_and_lists_follow_each_other() -> None:
    secret = bytes(32)
    seen = {spread(position, secret) for position in range(5000)}
    assert len(seen) == 5000
    assert {reference.number for reference in seen} == {0}
    assert max(r.index for r in seen) > StatusRef.CAPACITY * 0.99
    assert spread(StatusRef.CAPACITY, secret).number == 1
    assert StatusRef.unpack(StatusRef(4095, 7).pack()) == StatusRef(4095, 7)
