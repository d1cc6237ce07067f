"""Several processes write one ledger at once: nothing is given out twice, and who follows by number misses nothing."""

from __future__ import annotations

from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from api import schema
from api.audit import AuditBook
from api.ledger import SqlLedger
from ecert.audit import AuditCheck
from ecert.licence.identifier import Identifier
from ecert.ports import Completion, Decision, Intent
from ecert.revocation import ReasonCode, State
from ecert.sm2 import Vault
from tests.core.sealed import KEY, face_of, record_of
from tests.world import ISSUER, START

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table


VAULT = Vault({1: b"v" * 16}, 1, b"i" * 32)
WRITERS, EACH, BLOCK = 4, 40, 3
ISSUED = WRITERS * EACH * (1 + BLOCK)


def write(location: str, writer: int) -> None:
    with SqlLedger(location, vault=VAULT) as ledger:
        for number in range(EACH):
            one, *others = (serial(f"{writer}{number:05}{place}") for place in range(1 + BLOCK))
            ledger.intend(Intent(one, KEY, ledger.allocate(KEY), b"record", b"face", START))
            ledger.complete(one, record=record_of(one), face=face_of(one), at=START)
            at = START + timedelta(seconds=number)
            other = ReasonCode.OTHER.value
            ledger.decide(Decision(one, State.SUSPENDED.value, at, None, other, "样例", "", "", at))
            references = ledger.allocate_many(KEY, BLOCK)
            block = zip(others, references, strict=True)
            ledger.intend_many([Intent(more, KEY, status, b"record", b"face", START) for more, status in block])
            ledger.complete_many([Completion(more, record_of(more), face_of(more), START) for more in others])


def serial(text: str) -> Identifier:
    return Identifier("11100000MB0341032Y001", ISSUER, text, 1)


class Follower:
    """Reads a table by number, and never looks back."""

    def __init__(self, ledger: SqlLedger, table: Table) -> None:
        self._database = ledger.database
        self._table = table
        self.seen: list[int] = []

    def look(self) -> None:
        later = select(self._table.c.number).where(self._table.c.number > max(self.seen, default=0))
        self.seen += self._database.run(later.order_by(self._table.c.number)).scalars()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_writers_take_turns_and_a_follower_sees_everything(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = str(tmp_path / "ledger.db")
    location = file if kind == "sqlite" else request.getfixturevalue("postgresql").new("concurrency")
    SqlLedger(location).database.close()
    spawn = get_context("spawn")
    writers = [spawn.Process(target=write, args=(location, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    with SqlLedger(location) as ledger:
        followers = [Follower(ledger, table) for table in (schema.decisions, schema.completions, schema.audit)]
        while any(writer.is_alive() for writer in writers):
            for follower in followers:
                follower.look()
        for follower in followers:
            follower.look()
        assert [writer.exitcode for writer in writers] == [0] * WRITERS
        decided = WRITERS * EACH
        assert [len(follower.seen) for follower in followers] == [decided, ISSUED, decided + ISSUED]
        statuses = ledger.database.run(select(schema.intents.c.status)).scalars().all()
        assert len(set(statuses)) == ISSUED == ledger.allocated(KEY)
        assert list(ledger.open_intents()) == []
        check = AuditCheck()
        for data in AuditBook(ledger.database).entries():
            check.take(data)
        assert check.number == decided + ISSUED
