"""The issuing service under load: processes as an operator starts them, audit on, on SQLite and on PostgreSQL.

Rates are by the clock, and beside them `_by_processor`, as two cores with nothing else to do would have it: by the
processor time of the service, its workers and the database's server together. On a busy machine only the latter tell.

Batches are issued by the service's own workers; single licences are asked for at a rate that does not wait for answers
(open loop), so that a slow answer makes the next ones late and counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
from bench_figures import figure
from sqlalchemy import select

from api.access.principals import Role
from api.service_schema import batches
from ecert.web.message_signatures import sign
from ecert.web.signature_base import Message
from tests import postgres
from tests.api.batches.processes import Service, write_settings
from tests.api.batches.tables import CLERK, PATH, hand_in, table
from tests.api.office import ORIGIN, Region
from tests.api.province import Provinces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.ledger import SqlLedger

LICENCES = "/api/v1/licences"
RECORDS_GOAL, FILES_GOAL, P99_GOAL, GROWTH_GOAL = 1000.0, 150.0, 60.0, 50.0
ROWS = {"sqlite": 100_000, "postgresql": 20_000}
"""Memory is watched over the first."""
FILES = 1_500
WARM = 4_000
"""Licences before memory is looked at first."""
CORES = 2
OFFERED = 50
RATES = (25, OFFERED, 75, 100, 150, 200)
"""Requests a second, tried one after another until the knee is found."""
PATIENCE = 150.0
"""Seconds for one database: what was issued by then counts."""
_NUMBERS = re.compile(r"^(Pid|PPid|VmRSS):\s*([0-9]+)", re.MULTILINE)


def measure_service(seconds: float) -> list[dict[str, Any]]:
    """Measure both databases; `seconds` is how long each rate of single licences is offered."""
    figures = []
    for name in ROWS:
        with tempfile.TemporaryDirectory() as folder, _server(name) as server:
            region = Region(Provinces(Path(folder), server=server))
            region.add_system(CLERK, Role.ISSUER_CLERK, rate=1_000_000)
            with Service(region, write_settings(region, Path(folder), workers=2)) as service:
                figures += Bench(name, region, service).measure(seconds)
    return figures


def _server(name: str) -> Any:
    return postgres.serve() if name == "postgresql" else nullcontext()


@dataclass(frozen=True)
class Run:
    """So many licences in so many seconds, of processor time too; and how much the largest process grew, in MB."""

    licences: int
    seconds: float
    processor: float
    growth: float


@dataclass(frozen=True)
class Process:
    """One process: its resident memory in MB, and the seconds of processor time that it had."""

    megabytes: float
    seconds: float
    database: bool


@dataclass
class Bench:
    """One service on one database."""

    name: str
    region: Region
    service: Service
    until: float = field(default_factory=lambda: time.monotonic() + PATIENCE)

    @property
    def of(self) -> str:
        """What the names of its figures end in; those of the embedded default in nothing."""
        return "" if self.name == "sqlite" else f"_{self.name}"

    def measure(self, seconds: float) -> list[dict[str, Any]]:
        """Return all figures of it."""
        figures = list(self._single(seconds))
        with self.region.ledger() as ledger:
            files = self._batch(ledger, FILES, files=True)
            records = self._batch(ledger, ROWS[self.name], files=False)
        goals = (("batch_records_per_s", records, RECORDS_GOAL), ("batch_ofd_per_s", files, FILES_GOAL))
        for what, run, goal in goals:
            against = f"the goal, of {run.licences:,} licences"
            figures.append(figure(f"{what}{self.of}", run.licences / run.seconds, "1/s", against, goal))
            by_cores = CORES * run.licences / run.processor
            figures.append(figure(f"{what}_by_processor{self.of}", by_cores, "1/s", against, goal))
        about = f"the goal, over {records.licences:,} licences"
        figures.append(figure(f"rss_growth_mb{self.of}", records.growth, "MB", about, GROWTH_GOAL))
        return figures

    def _batch(self, ledger: SqlLedger, rows: int, *, files: bool) -> Run:
        """Issue a table; its first licences are not looked at."""
        site = self.service.site
        key = hand_in(site, table(rows), files=files).json()["key"]
        self._wait(ledger, key, "ready", rows)
        site.post(CLERK, f"{PATH}/{key}/start", {})
        self._wait(ledger, key, "done", min(WARM, rows // 4))
        first, processes, began = self._issued(ledger, key), self._processes(), time.monotonic()
        self._wait(ledger, key, "done", rows)
        spent, last, after = time.monotonic() - began, self._issued(ledger, key), self._processes()
        if last < rows:
            site.post(CLERK, f"{PATH}/{key}/cancel", {})
        same = after.keys() & processes.keys()
        mine = {process for process in same if not after[process].database}
        growth = max(after[process].megabytes - processes[process].megabytes for process in mine)
        processor = sum(after[process].seconds - processes[process].seconds for process in same)
        return Run(last - first, spent, processor, growth)

    def _wait(self, ledger: SqlLedger, key: str, state: str, issued: int) -> None:
        """Wait until a batch is in a state, or so many of its licences were issued, or time is up."""
        query = select(batches.c.state, batches.c.issued).where(batches.c.key == key)
        while time.monotonic() < self.until:
            row = ledger.database.run(query).one()
            if row.state == state or (row.issued and row.issued >= issued):
                return
            time.sleep(0.02)

    def _issued(self, ledger: SqlLedger, key: str) -> int:
        return ledger.database.number(select(batches.c.issued).where(batches.c.key == key))

    def _processes(self) -> dict[int, Process]:
        """Return the service, its workers and the database's server, by their numbers."""
        parent, server, found = self.service.process, self._server(), {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text("ascii", "replace")
                status = (folder / "status").read_text("ascii", "replace")
            except OSError:
                continue
            fields = stat[stat.rindex(")") + 2 :].split()
            numbers = {key: int(number) for key, number in _NUMBERS.findall(status)}
            family = (numbers.get("Pid"), numbers.get("PPid"))
            mine = parent is not None and parent.pid in family
            if mine or server in family:
                seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                found[int(folder.name)] = Process(numbers.get("VmRSS", 0) / 1024, seconds, database=not mine)
        return found

    def _server(self) -> int:
        """Return the number of the database's server; 0 where there is none."""
        server = self.region.provinces.server
        return int((server.folder / "postmaster.pid").read_text().split()[0]) if server else 0

    def _single(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Issue single licences at several rates."""
        self._offer(OFFERED, seconds / 2, file=True)
        p99: dict[int, float] = {}
        for rate in RATES:
            p99[rate] = self._offer(rate, seconds, file=True)
            if rate >= OFFERED and p99[rate] >= P99_GOAL:
                break
        knee = max((rate for rate in p99 if p99[rate] < P99_GOAL), default=0)
        against = f"the goal, on {self.name}, at {OFFERED} offered/s of record, OFD and code"
        yield figure(f"issue_p99_ms{self.of}", p99[OFFERED], "ms", against, P99_GOAL)
        yield figure(f"issue_knee_per_s{self.of}", knee, "1/s", "highest rate offered with p99 < 60 ms", None)
        alone = self._offer(OFFERED, seconds, file=False)
        yield figure(f"issue_record_p99_ms{self.of}", alone, "ms", f"records alone, {OFFERED} offered/s", P99_GOAL)

    def _offer(self, rate: int, seconds: float, *, file: bool) -> float:
        """Return the 99th percentile of milliseconds from when a request was due to its answer."""
        requests = [self._request(file=file) for _ in range(round(rate * seconds))]
        waited = sorted(asyncio.run(self._send(requests, rate)))
        return waited[min(len(waited) - 1, round(len(waited) * 0.99))] * 1000

    def _request(self, *, file: bool) -> tuple[dict[str, str], bytes]:
        body = json.dumps({"application": self.region.application(), "file": file}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_urlsafe(16)}
        message = Message("POST", ORIGIN + LICENCES, tuple(headers.items()), body)
        key = self.region.keys[CLERK]
        nonce, created = secrets.token_urlsafe(16), datetime.now(UTC)
        return headers | sign(message, key, keyid=key.public_key.key_id.hex(), created=created, nonce=nonce), body

    async def _send(self, requests: list[tuple[dict[str, str], bytes]], rate: int) -> list[float]:
        address = f"http://127.0.0.1:{self.service.port}{LICENCES}"
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
        async with httpx2.AsyncClient(timeout=60, trust_env=False, limits=limits) as client:
            began = time.monotonic() + 0.1

            async def one(number: int) -> float:
                due = began + number / rate
                await asyncio.sleep(due - time.monotonic())
                headers, body = requests[number]
                answer = await client.post(address, content=body, headers=headers)
                if answer.status_code != httpx2.codes.CREATED:
                    raise SystemExit(f"{answer.status_code}: {answer.text}")
                return time.monotonic() - due

            return list(await asyncio.gather(*(one(number) for number in range(len(requests)))))
