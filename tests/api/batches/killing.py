"""A batch during which the service is killed again and again, and what must hold of it afterwards."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from api.audit import AuditBook
from api.batches.states import RowState
from api.issued import IssuedBook
from api.schema import audit, completions, intents
from api.service_schema import batch_chunks, batch_rows, batches, licences
from ecert.audit import AuditEntry
from ecert.errors import EcertError
from ecert.licence.reference import StatusRef
from ecert.revocation import State
from tests.api.batches.processes import Service, write_settings
from tests.api.batches.tables import CLERK, PATH, hand_in, table
from tests.tables.tables import company

if TYPE_CHECKING:
    from pathlib import Path

    from api.ledger import SqlLedger
    from tests.api.office import Region

VALIDATING = 0.15
"""How many of the kills come while the table is validated."""
_LAST = 0.9
"""How far it has come at the last: a batch that is done cannot be killed any more."""


@dataclass(frozen=True)
class Outcome:
    """What came of a batch.

    Attributes:
        kills: How often everything was killed.
        rows: How many good rows the table has.
        issued: How many rows became a licence.
        licences: How many licences the ledger has.
        repeated: How many numbers stand in more than one licence.
        missing: How many rows' numbers stand in none.
        open_intents: What killed processes left, harmless.
        audit: How many entries of the audit log say that a licence was issued; -1: the log is broken.
        statuses: How many licences have a place of their own in the published status, where they are valid.
        seconds: How long it all took.
    """

    kills: int
    rows: int
    issued: int
    licences: int
    repeated: int
    missing: int
    open_intents: int
    audit: int
    statuses: int
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether every row was issued exactly once, and nothing is missing anywhere."""
        counts = {self.rows, self.issued, self.licences, self.audit, self.statuses}
        return len(counts) == 1 and self.repeated == self.missing == 0


def kill_again_and_again(region: Region, folder: Path, *, rows: int, kills: int, seed: int) -> Outcome:
    """Have a table issued while the service is killed at random points.

    Args:
        region: Whose service.
        folder: For its settings.
        rows: Of the table.
        kills: How often.
        seed: Of the points.
    """
    chance, began = random.Random(seed), time.monotonic()  # noqa: S311  (points in time, no secrets)
    service = Service(region, write_settings(region, folder, workers=2))
    points = sorted(_point(chance, rows) for _ in range(kills))
    with service, region.ledger() as ledger:
        key = hand_in(service.site, table(rows)).json()["key"]
        done = 0
        while not _ended(ledger, service, key):
            if done < kills and _progress(ledger, key) >= points[done]:
                time.sleep(chance.uniform(0, 0.5))
                service.kill()
                done += 1
                service.start()
            time.sleep(0.02)
        return _Aftermath(region, ledger, key).look(rows, done, time.monotonic() - began)


def _point(chance: random.Random, rows: int) -> float:
    """Return how many rows are validated and issued, together, when the service is killed."""
    if chance.random() < VALIDATING:
        return chance.uniform(0, rows)
    return chance.uniform(rows, 2 * rows * _LAST)


def _progress(ledger: SqlLedger, key: str) -> int:
    return ledger.database.number(select(batches.c.checked + batches.c.issued).where(batches.c.key == key))


def _ended(ledger: SqlLedger, service: Service, key: str) -> bool:
    """Tell whether the batch is done; start it when it is ready."""
    state = ledger.database.run(select(batches.c.state).where(batches.c.key == key)).scalar_one()
    if state == "ready":
        answer = service.site.post(CLERK, f"{PATH}/{key}/start", {})
        assert answer.status_code == 202, answer.text
    assert state in ("validating", "ready", "running", "done"), state
    return bool(state == "done")


@dataclass(frozen=True)
class _Aftermath:
    """Looks at a ledger after a batch."""

    region: Region
    ledger: SqlLedger
    key: str

    def look(self, rows: int, kills: int, seconds: float) -> Outcome:
        db, mine = self.ledger.database, batch_rows.c.batch == self.key
        indices = select(licences.c.number_index).where(licences.c.batch == self.key)
        found = [bytes(one) for one in db.run(indices).scalars()]
        wanted = {self.ledger.at_rest.number_index(company(number)["证照编号"]) for number in range(rows)}
        names = select(batch_rows.c.identifier).where(mine, batch_rows.c.state == RowState.ISSUED)
        assert db.number(select(func.count()).select_from(batch_chunks)) == 0
        return Outcome(
            kills=kills,
            rows=rows,
            issued=len(set(db.run(names).scalars())),
            licences=db.number(select(func.count()).select_from(completions)),
            repeated=len(found) - len(set(found)),
            missing=len(wanted - set(found)),
            open_intents=db.number(select(func.count()).select_from(intents)) - len(found),
            audit=self._audited(),
            statuses=self._published(),
            seconds=seconds,
        )

    def _audited(self) -> int:
        try:
            AuditBook(self.ledger.database).verify(self.region.provinces.registry)
        except EcertError:
            return -1
        entries = map(AuditEntry.decode, self.ledger.database.run(select(audit.c.entry)).scalars())
        return len({entry.object for entry in entries if entry.action == "licence.issue"})

    def _published(self) -> int:
        """Publish, and return how many licences of the batch stand there, each in a place of its own, and valid."""
        self.region.provinces.publish()
        joined = licences.join(intents, intents.c.identifier == licences.c.identifier)
        query = select(intents.c.key_id, intents.c.status).select_from(joined).where(licences.c.batch == self.key)
        rows = self.ledger.database.run(query).all()
        window = self.region.provinces.window()
        places = {(bytes(row.key_id), row.status) for row in rows}
        assert IssuedBook(self.ledger.database).take_in() == len(rows)
        return sum(window.mark(key_id, StatusRef.unpack(status)).state is State.VALID for key_id, status in places)
