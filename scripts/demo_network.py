"""The publisher and windows as processes of their own, as they run in a province: for the demonstration and the bench.

api serve                 the published folder over HTTP
api publish --watch       one for each region: signs what its ledger decides, at once
redis-server              the site's cache, where one is installed
verifier serve            two windows, each with a folder of its own
"""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo_country import REGIONS
from demo_processes import Processes, Running, StartError, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from demo_run import Demo

POLL_SECONDS = 0.01


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post JSON and return the answer's."""
    request = urllib.request.Request(  # noqa: S310  (a loopback address of ours)
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


@dataclass
class Network(Running):
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
    publisher: str = ""
    urls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin without any process."""
        self._processes = Processes(self.logs)

    def start(self) -> None:
        """Start everything, and wait until every window is ready."""
        redis = self._start_redis()
        publisher = self.publisher = f"http://127.0.0.1:{free_port()}"
        port = publisher.rpartition(":")[2]
        ledgers = [argument for ledger in self.ledgers.values() for argument in ("--ledger", ledger)]
        self._processes.python("publisher", "api", "serve", "--published", self.published, *ledgers, "--port", port)
        for region, ledger in self.ledgers.items():
            signing = ("--signer", self.signers[region], "--passphrase-file", self.passphrase)
            where = ("--ledger", ledger, "--bundle", self.published)
            self._processes.python(
                f"publish-{region}", "api", "publish", *signing, *where, "--watch", "0.05", "--every", "30"
            )
        self._processes.wait(f"{publisher}/healthz", "publisher")
        for number, folder in enumerate(self.windows, 1):
            port = str(free_port())
            self.urls.append(f"http://127.0.0.1:{port}")
            site = ("--redis", redis) if redis else ()
            self._processes.python(
                f"window-{number}",
                *("verifier", "serve", "--bundle", folder, "--publisher", publisher, *site),
                *("--port", port, "--window", f"样例窗口{number}"),
            )
        for number, url in enumerate(self.urls, 1):
            self._processes.wait(f"{url}/readyz", f"window-{number}")

    def _start_redis(self) -> str | None:
        server = shutil.which("redis-server")
        if server is None:
            return None
        port = free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._processes.spawn("redis", command)
        self.cache = "Redis"
        return f"redis://127.0.0.1:{port}/0"

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
        """End every process."""
        self._processes.stop()


def network_of(demo: Demo) -> Network:
    """Return the publisher and two windows of the demonstration, not started yet."""
    return Network(
        published=demo.published,
        ledgers={region: demo.ledger(region) for region in REGIONS},
        signers={region: demo.key(f"status-{region}") for region in REGIONS},
        passphrase=demo.passphrase,
        windows=[demo.bundle, demo.second],
        logs=demo.out / "logs",
    )


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
