"""Processes of the product on this machine, each with a log of its own: started, waited for, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ROOT = Path(__file__).parents[1]
START_SECONDS = 90.0


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


class Running(ABC):
    """Processes that belong together, up for as long as it is entered; use as a context manager."""

    def __enter__(self) -> Self:
        """Start everything, and wait until it answers."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Stop everything."""
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start everything, and wait until it answers."""

    @abstractmethod
    def stop(self) -> None:
        """End everything, however far it has come."""


class Processes:
    """What runs beside the demonstration."""

    def __init__(self, logs: Path) -> None:
        """Keep what they print in a folder."""
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []
        logs.mkdir(exist_ok=True)

    def python(self, name: str, module: str, *arguments: object) -> None:
        """Start one of the product's programs."""
        self.spawn(name, [sys.executable, "-m", module, *map(str, arguments)])

    def spawn(self, name: str, command: list[str]) -> None:
        """Start a process."""
        log = (self._logs / f"{name}.log").open("wb")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ECERT_")}
        self._running.append(
            subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        )
        log.close()

    def wait(self, url: str, name: str) -> None:
        """Wait until an address answers.

        Raises:
            StartError: it does not, or a process ended.
        """
        self._until(lambda: _answers(url), f"{name} is not ready at {url}", name)

    def wait_for(self, file: Path, name: str) -> None:
        """Wait until a file is there.

        Raises:
            StartError: it does not come, or a process ended.
        """
        self._until(file.exists, f"{name} did not make {file}", name)

    def _until(self, done: Callable[[], bool], what: str, name: str) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if done():
                return
            if any(process.poll() is not None for process in self._running):
                break
            time.sleep(0.05)
        said = (self._logs / f"{name}.log").read_text("utf-8", "replace")[-2000:]
        raise StartError(f"{what}\n{said}")

    def stop(self) -> None:
        """End every process: first those that would complain about the others."""
        for process in reversed(self._running):
            process.terminate()
        for process in reversed(self._running):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
