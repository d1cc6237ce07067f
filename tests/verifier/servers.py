"""Real servers on loopback for the tests: a Redis, and whatever else a window talks to."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class RedisServer:
    """A redis-server of our own; it can be frozen, killed and started again."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_port(self.port)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None


class PublishingServer:
    """A published folder over real HTTP, with long polls and receipts as a publisher has them, and faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.faults: dict[str, Response] = {}
        self.delays: dict[str, float] = {}
        self.requests: list[str] = []
        self.statuses: dict[str, list[int]] = {}
        self.receipts: list[tuple[str, dict[str, Any]]] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        routes = [
            Route("/status/{region}/head.json", self._head),
            Route("/api/v1/receipts", self._receive, methods=["POST"]),
            Route("/{path:path}", self._file),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), port=self.port, log_config=None, timeout_graceful_shutdown=1, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_for_port(self.port)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join()
            self._server = None

    async def _head(self, request: Request) -> Response:
        after, wait = int(request.query_params["after"]), float(request.query_params["wait"])
        deadline = time.monotonic() + wait
        while True:
            answer = await self._file(request)
            if answer.status_code != 200 or time.monotonic() >= deadline:
                return answer
            if json.loads(bytes(answer.body))["sequence"] > after:
                return answer
            await asyncio.sleep(0.02)

    async def _file(self, request: Request) -> Response:
        path = request.url.path.lstrip("/")
        self.requests.append(path)
        answer = await self._answer(request, path)
        self.statuses.setdefault(path, []).append(answer.status_code)
        return answer

    async def _answer(self, request: Request, path: str) -> Response:
        for prefix, seconds in self.delays.items():
            if path.startswith(prefix):
                await asyncio.sleep(seconds)
        for prefix, fault in self.faults.items():
            if path.startswith(prefix):
                return fault
        file = self.folder / path
        if not file.is_file():
            return Response(status_code=404)
        data = file.read_bytes()
        tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(data, headers={"ETag": tag})

    async def _receive(self, request: Request) -> Response:
        self.receipts.append((request.headers.get("authorization", ""), await request.json()))
        return Response(status_code=204)


def endless() -> Response:
    """Return an answer that never ends."""

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


class WindowProcess:
    """`python -m verifier serve` as a process of its own; it can be killed and started again."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        self.environment = environment or {}
        self.log = folder.parent / f"{folder.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "verifier", "serve", "--bundle", str(self.folder), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options], cwd=ROOT, env=os.environ | self.environment, stdout=log, stderr=log
            )
        wait_for_port(self.port)

    def kill(self) -> None:
        """Kill it where it stands."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(timeout=20) == -signal.SIGTERM
        self.process = None

    def verify(self, **question: Any) -> dict[str, Any]:
        answer = httpx2.post(f"{self.url}/api/v1/verify", json=question, timeout=30)
        assert answer.status_code == 200, answer.text
        verdict: dict[str, Any] = answer.json()
        return verdict

    def health(self) -> dict[str, Any]:
        report: dict[str, Any] = httpx2.get(f"{self.url}/readyz", timeout=30).json()
        return report

    def reaches(self, sequence: int, seconds: float = 20) -> None:
        """Wait until it holds so much of the province's status."""
        deadline = time.monotonic() + seconds
        while (self.health()["status"].get("440000") or {"sequence": 0})["sequence"] < sequence:
            assert time.monotonic() < deadline, self.health()
            time.sleep(0.05)
