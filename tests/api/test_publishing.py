"""A region's chain, from its ledger to the published folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from api import schema
from api.decisions import make_decision
from api.folder import StatusFolder, list_name
from api.issued import IssuedBook
from api.ledger import SqlLedger
from api.publishing import SNAPSHOT_EVERY
from api.seals import SealBook
from ecert import envelope
from ecert.errors import CustodyError, IssuanceError, Reason, RejectedError, UndeterminedError
from ecert.licence.record import MAX_RECORD
from ecert.revocation import PAGE_SIZE, State, load_page, load_snapshot
from ecert.revocation.issued import existed_by, load_head
from ecert.revocation.seal_list import SealEvent, SealState, load_seal_list
from ecert.revocation.token_list import TokenStatus, read_cwt, read_jwt
from ecert.sm2 import sm3
from tests.api.province import GUANGDONG, SHANGHAI, Provinces

if TYPE_CHECKING:
    from ecert.issuance import SealedLicence
    from ecert.ports import Intent

pytestmark = pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)


def intent_of(provinces: Provinces, licence: SealedLicence) -> Intent:
    with SqlLedger(provinces.ledger()) as book:
        return book.issued(licence.identifier)


def test_a_chain_begins_at_one_and_every_publication_is_its_next_step(provinces: Provinces) -> None:
    licence = provinces.issue()
    assert provinces.publish() == 1
    assert provinces.mark(licence).pack() == 0
    provinces.decide(licence, State.SUSPENDED)
    assert provinces.publish() == 2
    assert provinces.mark(licence).state is State.SUSPENDED
    provinces.decide(licence, State.VALID)
    assert provinces.publish() == 3
    assert (provinces.mark(licence).state, provinces.mark(licence).touched) == (State.VALID, True)
    assert provinces.chain() == provinces.window()
    head = json.loads((provinces.published / "status" / GUANGDONG / "head.json").read_text())
    assert head == {"sequence": 3, "snapshot": 3}


def test_every_list_of_every_issuing_key_of_the_region_is_covered(provinces: Provinces) -> None:
    provinces.publish()
    keys = {key_id for key_id, _ in provinces.window().directory}
    registry = provinces.registry
    assert keys == {provinces.country.key_id("11440000DEMG100223")}
    assert all(registry.find(key_id) is not None for key_id in keys)


def test_details_of_what_was_decided_lie_in_the_page_of_its_index(provinces: Provinces) -> None:
    licence = provinces.issue()
    until = provinces.now + timedelta(days=3)
    provinces.decide(licence, State.SUSPENDED, until=until)
    provinces.publish()
    intent = intent_of(provinces, licence)
    page_number = intent.status.index // PAGE_SIZE
    name = list_name((intent.key_id, intent.status.number))
    data = (provinces.published / "status" / GUANGDONG / "pages" / name / f"{page_number}.bin").read_bytes()
    page = load_page(data, provinces.registry, now=provinces.now)
    (event,) = page.events[intent.status.index]
    assert (event.state, event.until, event.reason) == (State.SUSPENDED, until, "样例")
    assert page.sequence == 1


def test_a_page_that_would_be_too_long_goes_out_without_words(provinces: Provinces) -> None:
    licence = provinces.issue()
    intent = intent_of(provinces, licence)
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        for number in range(3500):
            provinces.now += timedelta(seconds=1)
            decision = make_decision(
                licence.identifier,
                (State.SUSPENDED, State.VALID)[number % 2],
                now=provinces.now,
                reason="样" * 200,
                legal_basis="样" * 200,
                document="样" * 100,
            )
            row = {**asdict(decision), "identifier": decision.identifier.text}
            book.database.run(insert(schema.decisions).values(**row))
        publisher.publish(provinces.now)
    name = list_name((intent.key_id, intent.status.number))
    file = provinces.published / "status" / GUANGDONG / "pages" / name / f"{intent.status.index // PAGE_SIZE}.bin"
    events = load_page(file.read_bytes(), provinces.registry, now=provinces.now).events[intent.status.index]
    assert len(events) == 3500
    assert {event.reason for event in events} == {""}


def test_decisions_take_effect_and_end_by_themselves(provinces: Provinces) -> None:
    licence = provinces.issue()
    since = provinces.now + timedelta(hours=1)
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        publisher.publish(provinces.now)
        provinces.decide(licence, State.SUSPENDED, since=since, until=since + timedelta(hours=1))
        day = timedelta(days=1)
        steps = []
        for minutes in (0, 30, 59, 60, 61, 119, 120, 121):
            provinces.now = since + timedelta(minutes=minutes - 60)
            if publisher.publish(provinces.now, every=day):
                steps.append((minutes, provinces.mark(licence).state))
    assert steps == [(0, State.VALID), (60, State.SUSPENDED), (120, State.VALID)]


def test_freshness_is_renewed_without_news_and_only_when_it_is_time(provinces: Provinces) -> None:
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        minute = timedelta(minutes=1)
        assert publisher.publish(provinces.now, every=minute) is not None
        assert publisher.publish(provinces.now + minute / 2, every=minute) is None
        renewed = publisher.publish(provinces.now + minute, every=minute)
    assert renewed is not None
    assert (renewed.sequence, renewed.changed) == (2, 0)
    assert renewed.path.name == "2.bin"
    assert len(renewed.path.read_bytes()) < 200


def test_a_snapshot_follows_every_64_deltas_and_the_ledger_keeps_only_what_follows_it(provinces: Provinces) -> None:
    licence = provinces.issue()
    provinces.decide(licence, State.REVOKED)
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        snapshots = []
        for number in range(2 * SNAPSHOT_EVERY + 2):
            published = publisher.publish(provinces.now + timedelta(seconds=number))
            assert published is not None
            if published.path.name == "snapshot.bin":
                snapshots.append(published.sequence)
        kept = sorted(book.database.run(select(schema.chain.c.kind)).scalars())
    assert snapshots == [1, 65, 129]
    assert kept == ["delta", "snapshot"]
    provinces.now += timedelta(seconds=200)
    assert provinces.chain() == provinces.window()
    assert provinces.mark(licence).state is State.REVOKED


def test_token_status_lists_say_the_same_to_the_rest_of_the_world(provinces: Provinces) -> None:
    licence = provinces.issue()
    provinces.decide(licence, State.REVOKED)
    provinces.publish()
    intent = intent_of(provinces, licence)
    lists = provinces.published / "status" / GUANGDONG / "lists"
    name = list_name((intent.key_id, intent.status.number))
    public_key = provinces.status_key().public_key
    for suffix, read in (("jwt", read_jwt), ("cwt", read_cwt)):
        token = read((lists / f"{name}.{suffix}").read_bytes(), public_key)
        assert token.subject == f"urn:ecert:status:440000:{name}"
        assert token.status(intent.status.index) == TokenStatus.INVALID
        assert token.status((intent.status.index + 1) % (1 << 20)) == TokenStatus.VALID


def test_the_seal_register_is_published_when_it_changes(provinces: Provinces) -> None:
    def register(state: SealState) -> None:
        with SqlLedger(provinces.ledger()) as book:
            SealBook(book.database).decide(
                "44010600000001", SealEvent(state, provinces.now, provinces.now, "样例", "样例〔2026〕2号")
            )

    file = provinces.published / "status" / GUANGDONG / "seals.bin"
    provinces.publish()
    first = load_seal_list(file.read_bytes(), provinces.registry, now=provinces.now)
    assert first.entries == {}
    register(SealState.ACTIVE)
    register(SealState.CANCELLED)
    provinces.publish()
    second = load_seal_list(file.read_bytes(), provinces.registry, now=provinces.now, held=first)
    assert second.at("44010600000001", provinces.now) is SealState.CANCELLED
    before = file.read_bytes()
    provinces.publish()
    assert file.read_bytes() == before
    with pytest.raises(IssuanceError, match="cancelled for good"):
        register(SealState.ACTIVE)


def test_every_licence_is_in_the_issued_set_and_its_evidence_is_of_the_first_head(provinces: Provinces) -> None:
    first = provinces.issue()
    began = provinces.now
    provinces.publish()
    provinces.now += timedelta(hours=1)
    others = [provinces.issue() for _ in range(4)]
    provinces.publish()
    issued = provinces.published / "status" / GUANGDONG / "issued"
    assert load_head((issued / "head.bin").read_bytes(), provinces.registry, now=provinces.now).size == 5
    assert sorted(file.name for file in (issued / "heads").iterdir()) == ["1.bin", "2.bin"]
    with SqlLedger(provinces.ledger()) as book:
        for licence, known_by in [(first, began), *((other, provinces.now) for other in others)]:
            record = envelope.decode(licence.record, limit=MAX_RECORD)
            digest = sm3(record.payload)
            proof = IssuedBook(book.database).prove(digest)
            assert proof == IssuedBook(book.database).prove_licence(licence.identifier)
            existed = existed_by(proof, provinces.registry, key_id=record.key_id, record_digest=digest)
            assert existed == known_by


def test_a_lost_folder_is_put_out_again_with_the_same_bytes_and_the_chain_goes_on(provinces: Provinces) -> None:
    licence = provinces.issue()
    provinces.decide(licence, State.REVOKED)
    for _ in range(3):
        provinces.publish()
    status = provinces.published / "status" / GUANGDONG
    before = provinces.window()
    snapshot = (status / "snapshot.bin").read_bytes()
    shutil.rmtree(status)
    with SqlLedger(provinces.ledger()) as book:
        assert provinces.publisher(book).status == before
    assert (status / "snapshot.bin").read_bytes() == snapshot
    assert provinces.publish() == 4
    assert provinces.mark(licence).state is State.REVOKED
    assert list((status / "pages").rglob("*.bin"))
    assert sorted(file.name for file in (status / "issued" / "heads").iterdir()) == ["1.bin"]


def test_a_crash_between_ledger_and_folder_is_healed_with_the_bytes_that_were_kept(provinces: Provinces) -> None:
    licence = provinces.issue()
    provinces.publish()
    status = provinces.published / "status" / GUANGDONG
    shutil.copytree(status, provinces.folder / "before")
    provinces.decide(licence, State.REVOKED)
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        publisher.publish(provinces.now)
        publisher.publish(provinces.now + timedelta(seconds=1))
    deltas = {file.name: file.read_bytes() for file in (status / "deltas").iterdir()}
    shutil.rmtree(status)
    shutil.copytree(provinces.folder / "before", status)
    provinces.now += timedelta(seconds=2)
    assert provinces.publish() == 4
    kept = {file.name: file.read_bytes() for file in (status / "deltas").iterdir()}
    assert kept["3.bin"] == deltas["3.bin"]
    assert provinces.mark(licence).state is State.REVOKED
    assert list((status / "pages").rglob("*.bin"))


def test_a_ledger_that_knows_less_than_was_published_publishes_nothing(provinces: Provinces) -> None:
    licence = provinces.issue()
    provinces.publish()
    provinces.back_up()
    provinces.decide(licence, State.REVOKED)
    provinces.publish()
    held = provinces.window()
    provinces.restore()
    with pytest.raises(RejectedError) as caught:
        provinces.publish()
    assert caught.value.reason is Reason.STATUS_INCOMPLETE
    assert provinces.window() == held
    assert provinces.mark(licence).state is State.REVOKED
    provinces.decide(licence, State.REVOKED)
    assert provinces.publish() == held.sequence + 1


def test_a_new_ledger_beside_a_folder_that_does_not_verify_begins_no_second_history(provinces: Provinces) -> None:
    provinces.publish()
    provinces.lose()
    file = provinces.published / "status" / GUANGDONG / "snapshot.bin"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    with pytest.raises(RejectedError):
        provinces.publish()


def test_two_publishers_on_one_ledger_never_give_a_number_out_twice(provinces: Provinces) -> None:
    with SqlLedger(provinces.ledger()) as one, SqlLedger(provinces.ledger()) as other:
        first, second = provinces.publisher(one), provinces.publisher(other)
        first.publish(provinces.now)
        with pytest.raises(IssuanceError, match="another publisher"):
            second.publish(provinces.now + timedelta(seconds=5))
    assert provinces.chain().sequence == 1


def test_a_ledger_belongs_to_one_region_and_only_a_status_key_publishes(provinces: Provinces) -> None:
    provinces.publish()
    with SqlLedger(provinces.ledger()) as book:
        with pytest.raises(CustodyError, match="region 440000's"):
            provinces.publisher(book, SHANGHAI)
        provinces.country.keys["status-440000"] = provinces.country.keys["11440000DEMG100223"]
        with pytest.raises(CustodyError, match="not a region's status key"):
            provinces.publisher(book)


def test_a_clock_that_fell_behind_publishes_nothing(provinces: Provinces) -> None:
    provinces.publish()
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        with pytest.raises(UndeterminedError) as caught:
            publisher.publish(provinces.now - timedelta(minutes=6))
        assert caught.value.reason is Reason.CLOCK_BEHIND
        assert publisher.publish(provinces.now - timedelta(minutes=4)) is not None
    assert provinces.window().issued_at == provinces.now


def test_deltas_beyond_the_newest_are_removed_in_time(provinces: Provinces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.folder.KEPT_DELTAS", 3)
    with SqlLedger(provinces.ledger()) as book:
        publisher = provinces.publisher(book)
        for number in range(6):
            publisher.publish(provinces.now + timedelta(seconds=number))
    folder = StatusFolder(provinces.published, GUANGDONG)
    assert sorted(int(file.stem) for file in (folder.path / "deltas").iterdir()) == [4, 5, 6]
    assert load_snapshot(folder.snapshot.read_bytes(), provinces.registry, now=provinces.now).sequence == 1
