"""A signing agent in a process of its own, on a real socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecert.sm2 import PrivateKey
from ecert.web.agent_client import AgentSigner, AgentVault, open_agent_signer, open_agent_vault

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
ME = os.geteuid()
PASSPHRASE = "一个足够长的测试用的口令"


@dataclass
class Agency:
    """An agent's folder: its keys, its policy, its log; and its process, while one runs."""

    folder: Path
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        audit = self.make_key("audit")
        self.tables["audit"] = {"file": "log/agent.log", "key": "audit.pem", "public_key": audit.public_key.point.hex()}
        self.tables["clients"] = {"api": [ME], "nobody": [4_000_000]}

    @property
    def socket(self) -> Path:
        return self.folder / "agent.sock"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.toml"

    @property
    def log(self) -> Path:
        return self.folder / "log" / "agent.log"

    def make_key(self, name: str, key: PrivateKey | None = None) -> PrivateKey:
        self.keys[name] = key or PrivateKey.generate()
        file = self.folder / f"{name}.pem"
        file.write_bytes(self.keys[name].to_pem())
        file.chmod(0o600)
        return self.keys[name]

    def add(self, name: str, key: PrivateKey | None = None, **terms: Any) -> PrivateKey:
        """Give a key into the agent's keeping."""
        made = self.make_key(name, key)
        usual: dict[str, Any] = {"file": f"{name}.pem", "clients": ["api"], "kinds": ["record"]}
        usual |= {"per_minute": 10_000, "per_day": 10_000}
        self.tables[f"keys.{name}"] = usual | terms
        return made

    def uri(self, name: str) -> str:
        return f"agent:{self.socket}#{name}"

    def signer(self, name: str, patience: float = 15) -> AgentSigner:
        return open_agent_signer(self.uri(name), patience=patience)

    def vault(self, name: str = "ledger") -> AgentVault:
        return open_agent_vault(self.uri(name))

    def write_policy(self) -> None:
        lines = [
            line
            for name, table in self.tables.items()
            for line in (f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()))
        ]
        self.policy.write_text("\n".join(lines), "utf-8")
        self.policy.chmod(0o600)

    def start(self) -> None:
        self.write_policy()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keys", "serve", "--socket", self.socket, "--policy", self.policy],
            cwd=ROOT,
            env=environment(ECERT_PASSPHRASE=PASSPHRASE),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        assert "ready" in first, first + self.process.stderr.read()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process; return how it ended."""
        process = self.process
        if process is None:
            return 0
        process.send_signal(number)
        process.communicate(timeout=60)
        self.process = None
        return process.returncode

    def restart(self, number: int = signal.SIGTERM) -> None:
        self.stop(number)
        self.start()

    def command(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m keys`."""
        return subprocess.run(
            [sys.executable, "-m", "keys", *map(str, arguments)],
            cwd=ROOT,
            env=environment(ECERT_PASSPHRASE=PASSPHRASE, **variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def environment(**more: str) -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ECERT_")} | more


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def until(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
