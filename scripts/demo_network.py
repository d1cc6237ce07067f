"""The publisher and windows as processes of their own, as they run in a province: for the demonstration and the bench.

api serve                 the published folder over HTTP
api publish --watch       one for each region: signs what its ledger decides, at once
redis-server              the site's cache, where one is installed
verifier serve            two windows, each with a folder of its own
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

ROOT = Path(__file__).parents[1]
START_SECONDS = 30.0
POLL_SECONDS = 0.01


class StartError(Exception):
    """A process did not come up."""


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310  (a loopback address of ours)
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post JSON and return the answer's."""
    request = urllib.request.Request(  # noqa: S310  (a loopback address of ours)
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


@dataclass
class Network:
    """The processes; use as a context manager.

    Attributes:
        published: The published folder.
        ledgers: Region → its ledger.
        signers: Region → the signing URI of its status key.
        passphrase: File with the keys' passphrase.
        windows: The windows' folders, each pinned.
        logs: Folder for what the processes print.
    """

    published: Path
    ledgers: Mapping[str, Path]
    signers: Mapping[str, str]
    passphrase: Path
    windows: list[Path]
    logs: Path
    cache: str = "embedded"
    urls: list[str] = field(default_factory=list)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start everything, and wait until every window is ready."""
        self.logs.mkdir(exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Stop everything."""
        self.stop()

    def _start(self) -> None:
        redis = self._start_redis()
        publisher = f"http://127.0.0.1:{free_port()}"
        port = publisher.rpartition(":")[2]
        ledgers = [argument for ledger in self.ledgers.values() for argument in ("--ledger", ledger)]
        self._python("publisher", "api", "serve", "--published", self.published, *ledgers, "--port", port)
        for region, ledger in self.ledgers.items():
            signing = ("--signer", self.signers[region], "--passphrase-file", self.passphrase)
            where = ("--ledger", ledger, "--bundle", self.published)
            self._python(f"publish-{region}", "api", "publish", *signing, *where, "--watch", "0.05", "--every", "30")
        self._wait(f"{publisher}/healthz", "publisher")
        for number, folder in enumerate(self.windows, 1):
            port = str(free_port())
            self.urls.append(f"http://127.0.0.1:{port}")
            site = ("--redis", redis) if redis else ()
            self._python(
                f"window-{number}",
                *("verifier", "serve", "--bundle", folder, "--publisher", publisher, *site),
                *("--port", port, "--window", f"样例窗口{number}"),
            )
        for number, url in enumerate(self.urls, 1):
            self._wait(f"{url}/readyz", f"window-{number}")

    def _start_redis(self) -> str | None:
        server = shutil.which("redis-server")
        if server is None:
            return None
        port = free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._spawn("redis", command)
        self.cache = "Redis"
        return f"redis://127.0.0.1:{port}/0"

    def _python(self, name: str, module: str, *arguments: object) -> None:
        self._spawn(name, [sys.executable, "-m", module, *map(str, arguments)])

    def _spawn(self, name: str, command: list[str]) -> None:
        log = (self.logs / f"{name}.log").open("wb")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ECERT_")}
        self._processes.append(
            subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        )
        log.close()

    def _wait(self, url: str, name: str) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if _answers(url):
                return
            if any(process.poll() is not None for process in self._processes):
                break
            time.sleep(0.05)
        said = (self.logs / f"{name}.log").read_text("utf-8", "replace")[-2000:]
        raise StartError(f"{name} is not ready at {url}\n{said}")

    def verdict(self, window: int, text: str) -> dict[str, Any]:
        """Ask a window about a code's text."""
        return post(f"{self.urls[window]}/api/v1/verify", {"text": text})

    def seconds_until(self, text: str, reason: str, began: float, *, limit: float = 30.0) -> list[float]:
        """Return, for each window, the seconds from `began` until it gives a verdict for this reason.

        Raises:
            StartError: one does not within `limit` seconds.
        """
        return _until(
            [lambda n=n: self.verdict(n, text)["reason"] for n in range(len(self.urls))], reason, began, limit
        )

    def stop(self) -> None:
        """End every process: first those that would complain about the others."""
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()


def _until(asks: list[Callable[[], str]], reason: str, began: float, limit: float) -> list[float]:
    found: dict[int, float] = {}
    while len(found) < len(asks):
        for number, ask in enumerate(asks):
            if number not in found and ask() == reason:
                found[number] = time.monotonic() - began
        if time.monotonic() - began > limit:
            raise StartError(f"not every window said {reason} within {limit} s")
        time.sleep(POLL_SECONDS)
    return [found[number] for number in range(len(asks))]
