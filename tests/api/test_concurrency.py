"""Several processes write one ledger at once: nothing is given out twice, and who follows by number misses nothing."""

from __future__ import annotations

import time
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
from ecert.ports import Decision, Intent
from ecert.revocation import ReasonCode, State
from tests.world import ISSUER, START

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"k" * 8
WRITERS, EACH = 4, 40


def write(location: str, writer: int) -> None:
    with SqlLedger(location) as ledger:
        for number in range(EACH):
            identifier = Identifier("11100000MB0341032Y001", ISSUER, f"{writer}{number:05}", 1)
            ledger.intend(Intent(identifier, KEY, ledger.allocate(KEY), b"record", b"face", START))
            ledger.complete(identifier, record=b"r", face=b"f", at=START)
            at = START + timedelta(seconds=number)
            other = ReasonCode.OTHER.value
            ledger.decide(Decision(identifier, State.SUSPENDED.value, at, None, other, "样例", "", "", at))


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
    followed: list[int] = []
    with SqlLedger(location) as ledger:
        deadline = time.monotonic() + 120
        while len(followed) < WRITERS * EACH and time.monotonic() < deadline:
            followed += [one.number for one in ledger.decisions([KEY], after=followed[-1] if followed else 0)]
            time.sleep(0.002)
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0] * WRITERS
        assert len(followed) == WRITERS * EACH
        statuses = ledger.database.run(select(schema.intents.c.status)).scalars().all()
        assert len(set(statuses)) == WRITERS * EACH
        assert list(ledger.open_intents()) == []
        check = AuditCheck()
        for data in AuditBook(ledger.database).entries():
            check.take(data)
        assert check.number == 2 * WRITERS * EACH


def test_a_database_without_tables_says_what_to_do(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgresql")
    server.copy("template1", "empty")
    with pytest.raises(Exception, match="python -m api migrate"):
        SqlLedger(server.address("empty"))
    with pytest.raises(Exception, match="cannot be reached"):
        SqlLedger(server.address("nowhere"))
