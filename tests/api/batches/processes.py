"""The issuing service as its operator runs it: processes of `python -m api serve`, which can be killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx2

from keys.vault_file import VaultKeys, write_vault_file
from tests.api.office import DEPARTMENT, SEAL, Region, Site

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PASSPHRASE = "a passphrase for trials"
ROOT = Path(__file__).parents[3]


def write_settings(region: Region, folder: Path, *, workers: int, files: bool = True) -> Path:
    """Write keys and settings of a region as an operator has them; return the settings' file."""
    key, passphrase = folder / "department.pem", folder / "passphrase"
    key.touch(0o600)
    key.write_bytes(region.provinces.country.keys[DEPARTMENT].to_pem())
    passphrase.write_text(PASSPHRASE)
    vault = ""
    if region.provinces.server:
        keys = VaultKeys(1, {1: b"v" * 16}, b"i" * 32)
        write_vault_file(folder / "vault", keys, PASSPHRASE.encode(), replacing=True)
        vault = f'vault = "file:{folder / "vault"}"\n'
    settings = region.settings()
    text = {name: getattr(settings, name) for name in ("ledger", "published", "region", "name", "name_en", "origin")}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in text.items()]
    seal = f'seal = "{SEAL}"\n' if files else ""
    department = f'[[departments]]\ncode = "{DEPARTMENT}"\nsigner = "file:{key}"\n{seal}alone_up_to = 10000000\n'
    path = folder / "office.toml"
    path.write_text("".join(lines) + f"workers = {workers}\n{vault}\n{department}", "utf-8")
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Service:
    """`python -m api serve` and its workers, in a group of processes of their own; use as a context manager."""

    region: Region
    settings: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        self.site.client.close()

    @cached_property
    def site(self) -> Site:
        client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)
        known = SimpleNamespace(settings=self.region.settings())
        return Site(self.region, client, known)  # type: ignore[arg-type]  # the office itself is in the process

    def start(self) -> None:
        """Start, and wait until requests are answered."""
        command = ["-m", "api", "serve", "--office", str(self.settings), "--port", str(self.port)]
        secret = ["--passphrase-file", str(self.settings.with_name("passphrase"))]
        self.process = subprocess.Popen(
            [sys.executable, *command, *secret],
            cwd=ROOT,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while True:
            with suppress(httpx2.TransportError):
                httpx2.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False)
                return
            assert self.process.poll() is None, "the service ended by itself"
            assert time.monotonic() < until, "the service does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the service and all its workers with SIGKILL, and wait until they are gone."""
        if self.process is not None:
            group = self.process.pid
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            self.process.wait()
            self.process = None
