"""Worker processes of one service: started with it, started again when they end, ended with it however it ends.

Issuing is work for a processor: in processes of their own, workers use all of them, and requests are answered as fast
as before. A worker reads its standard input, which nobody writes to: when the service is gone, killed even, it is at
its end, and the worker finishes its chunk and ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.batches.worker import Worker

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from api.batches.workshop import Workshop

_PATIENCE: Final = 30
"""Seconds that workers have to finish what they began."""
_AGAIN: Final = 1.0
"""Seconds between two looks whether all are there."""
_POLITE: Final = 5
"""How much workers stand back for requests, see nice(2)."""
_ROOT: Final = Path(__file__).parents[2]

_log = logging.getLogger("ecert.batches")


def work(shop: Workshop, *, attached: bool) -> None:
    """Work until SIGTERM or SIGINT, or, where attached, until standard input ends."""
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    if attached:
        threading.Thread(target=_stop_at_end, args=(stop,), daemon=True).start()
    os.nice(_POLITE)
    Worker(shop).run(stop)


def _stop_at_end(stop: threading.Event) -> None:
    with contextlib.suppress(OSError):
        sys.stdin.buffer.read()
    stop.set()


class WorkerProcesses:
    """So many worker processes of one configuration; use as a context manager."""

    def __init__(self, office: Path, passphrase_file: Path | None, count: int) -> None:
        """Start `count`.

        Args:
            office: The settings.
            passphrase_file: Where keys have one; else it is in the environment.
            count: How many.
        """
        passphrase = [] if passphrase_file is None else ["--passphrase-file", str(passphrase_file.resolve())]
        self._command = [sys.executable, "-m", "api", "work", "--attached", "--office", str(office.resolve())]
        self._command += passphrase
        self._count, self._stop = count, threading.Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._watch = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._processes = [self._start() for _ in range(self._count)]
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._watch.join()
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, env=environment)  # noqa: S603  (our own command)

    def _run(self) -> None:
        while not self._stop.wait(_AGAIN):
            for at, process in enumerate(self._processes):
                if process.poll() is not None:
                    _log.warning("a worker ended with %s and is started again", process.returncode)
                    self._processes[at] = self._start()
