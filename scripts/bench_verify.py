"""Verification whole: in process, in two processes, over HTTP, of files; and issuance beside it.

Everything by processor time, since a machine has other work too: a rate is what one core does when it does nothing
else. Latency (`http_verify_p99_ms`) is by the clock and means something only where a core is free.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_figures import ROUNDS, figure, per_second, rate
from bench_ofd import OfdBench

from api.ledger import SqlLedger
from ecert.cli.bundle import BUNDLE
from ecert.errors import EcertError
from ecert.holdings import Holdings
from ecert.issuance import issue_all, prepare
from ecert.licence.types import find_type
from ecert.qr import encode_text
from ecert.verification import Outcome, assess, assess_many
from tests.verifier.province import Province, now
from tests.world import HOST, ISSUER, World, demo_application
from verifier.keeper import Keeper
from verifier.questions import VERIFY, VERIFY_BATCH
from verifier.update import update_from

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
BATCH = 256
CORES = 2
CONNECTIONS = 32
QR, QR_BATCH, HTTP, P99, OFD, RECORDS, OFD_ISSUED = 20_000.0, 60_000.0, 5_000.0, 20.0, 300.0, 2_000.0, 300.0
"""The goals: a second, and milliseconds."""


def measure_verify(seconds: float) -> list[dict[str, Any]]:
    """Measure everything, `seconds` for each figure."""
    return [*_in_process(seconds), *_over_http(seconds), *_files(seconds), _issuance(seconds)]


class Codes:
    """Codes of licences in force, and what a window holds about them."""

    def __init__(self) -> None:
        """Issue a few licences."""
        world = World()
        registry = world.registry()
        self._held: dict[str, Any] = {"registry": registry, "status": world.status(registry), "at": world.now}
        self._texts = [world.issue().text(HOST) for _ in range(8)] * (BATCH // 8)

    def one(self) -> None:
        """Verify one."""
        if assess(self._texts[0], **self._held).outcome is not Outcome.VALID:
            raise AssertionError

    def many(self) -> None:
        """Verify a batch."""
        if any(verdict.outcome is not Outcome.VALID for verdict in assess_many(self._texts, **self._held)):
            raise AssertionError

    def rate_of_many(self, seconds: float) -> float:
        """Return how many are verified in batches in a second of processor time."""
        self.many()
        return BATCH * rate(self.many, seconds)


def _in_process(seconds: float) -> Iterator[dict[str, Any]]:
    codes = Codes()
    gc.collect()
    gc.freeze()  # as a window's process does
    for _ in range(10):
        codes.many()  # until the key has its largest table
    yield figure("qr_verify", per_second(codes.one, seconds, 100), "1/s", "the goal", QR)
    one = statistics.median(codes.rate_of_many(seconds / ROUNDS) for _ in range(ROUNDS))
    yield figure("qr_verify_batch_one_core", one, "1/s", "half the goal", QR_BATCH / CORES)
    with get_context("fork").Pool(CORES) as pool:
        both = pool.map(codes.rate_of_many, [seconds] * CORES, chunksize=1)
    yield figure("qr_verify_batch", sum(both), "1/s", f"the goal, {CORES} processes", QR_BATCH)


def _over_http(seconds: float) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        province = Province(Path(folder) / "published")
        texts = [encode_text(province.issue(row).face, "zz.example") for row in range(2)]
        with window(province, Path(folder)) as (process, port):
            one = [_request(VERIFY, {"text": text}) for text in texts]
            many = [_request(VERIFY_BATCH, {"licences": [{"text": text} for text in texts] * (BATCH // 2)})]
            _load(port, one, 1)
            found = [_run(process, port, one, seconds) for _ in range(ROUNDS)]
            batches = _run(process, port, many, seconds)[0] * BATCH
    yield figure("http_verify", statistics.median(one[0] for one in found), "1/s", "the goal", HTTP)
    yield figure(
        "http_verify_p99_ms",
        statistics.median(one[1] for one in found),
        "ms",
        f"the goal, {CONNECTIONS} connections",
        P99,
    )
    yield figure("http_verify_wall", statistics.median(one[2] for one in found), "1/s", "the goal", HTTP)
    yield figure("http_verify_batch", batches, "1/s", "", None)


@contextmanager
def window(province: Province, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a window's process on one core, with all that the province published and no network."""
    keeper = Keeper(Holdings(province.root), now)
    update_from(keeper, str(province.folder))
    (folder / "root.json").write_bytes(province.root)
    (folder / BUNDLE).write_bytes(keeper.holdings.encode())
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "verifier", "serve", "--bundle", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.sched_setaffinity(process.pid, {0})
        _wait_for(port)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the window did not start")


def _request(path: str, question: object) -> bytes:
    body = json.dumps(question).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: window\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _run(process: subprocess.Popen[bytes], port: int, requests: list[bytes], seconds: float) -> tuple[float, ...]:
    """Return requests a second of the window's processor time, the 99th percentile in ms, and requests by the clock."""
    before = _processor_seconds(process.pid)
    with get_context("fork").Pool(1, os.sched_setaffinity, (0, {os.cpu_count() - 1})) as pool:  # type: ignore[operator]
        waited = sorted(pool.apply(_load, (port, requests, seconds)))
    spent = _processor_seconds(process.pid) - before
    return len(waited) / spent, waited[round(len(waited) * 0.99) - 1] * 1000, len(waited) / seconds


def _processor_seconds(process: int) -> float:
    stat = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
    fields = stat[stat.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _load(port: int, requests: list[bytes], seconds: float) -> list[float]:
    """Ask over so many connections, each one question at a time; return how long each answer took."""
    return asyncio.run(_ask(port, requests, seconds))


async def _ask(port: int, requests: list[bytes], seconds: float) -> list[float]:
    waited: list[float] = []
    until = time.monotonic() + seconds

    async def connection(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
        while (began := time.monotonic()) < until:
            writer.write(requests[number % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(head.decode("ascii", "replace"))
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            waited.append(time.monotonic() - began)
        writer.close()

    await asyncio.gather(*(connection(number) for number in range(CONNECTIONS)))
    return waited


def _files(seconds: float) -> Iterator[dict[str, Any]]:
    """Measure OFD files; nothing where no fonts are installed."""
    try:
        bench = OfdBench()
    except EcertError as error:
        print(f"OFD: {error.detail}", file=sys.stderr)
        return
    yield figure("ofd_verify", per_second(bench.verify, seconds), "1/s", "the goal", OFD)
    yield figure("issue_ofd", per_second(bench.issue, seconds), "1/s", "the goal", OFD_ISSUED)


def _issuance(seconds: float) -> dict[str, Any]:
    """Measure records issued in chunks, as a batch issues them, into a ledger on disk."""
    world = World()
    application = demo_application("business-licence")
    definition = find_type(application.type_code)
    issuer = world.registry().find(world.keys[ISSUER].public_key.key_id)
    if issuer is None:
        raise AssertionError
    with tempfile.TemporaryDirectory() as folder, SqlLedger(Path(folder) / "ledger.db") as ledger:

        def chunk() -> None:
            one = (application, definition, issuer)
            prepared = [prepare(*one, sealed_at=world.now, entropy=secrets.token_bytes) for _ in range(BATCH)]
            issue_all(
                [(each, ()) for each in prepared],
                signer=world.keys[ISSUER],
                ledger=ledger,
                now=world.clock,
                entropy=secrets.token_bytes,
            )

        return figure("issue_records", BATCH * per_second(chunk, seconds), "1/s", "the goal", RECORDS)
