"""The demonstration's service window, as processes: it takes matters, and asks the services of both regions.

keys serve          signs the window's receipts and requests, and keeps the key of its case files
verifier serve      the window in Shanghai, with its matters and its register
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Final

from demo_commands import run
from demo_processes import ROOT, Processes, Running, free_port

from ecert.sm2 import PublicKey

if TYPE_CHECKING:
    from demo_office import Offices
    from demo_run import Demo

UNIT: Final = ("11310000DEMH70002Y", "上海样例政务服务中心", "Shanghai Sample Service Centre")
WINDOW: Final = "浦东3号窗口"
CLERK: Final = ("clerk-7", "孙示范")
MATTERS: Final = Path(__file__).parent / "demo-data" / "matters"


def register_unit(demo: Demo) -> None:
    """Put the window's unit into the registry, as one that relies on licences."""
    code, name, name_en = UNIT
    common = ("--home", demo.home, "--passphrase-file", demo.passphrase)
    body = ("--region", "310000", "--code", code)
    run("keys", "issue-relying-party", *body, "--name", name, "--name-en", name_en, *common)
    run("keys", "registry", "add-issuer", "--role", "relying-party", *body, "--out", demo.published, *common)
    run("keys", "registry", "sign", "--days", 7, "--out", demo.published, *common)
    run("verifier", "update", demo.published, "--bundle", demo.bundle)


class ServiceWindow(Running):
    """The window; use as a context manager.

    Attributes:
        url: Where it is.
        pin: What its clerk signs in with.
    """

    def __init__(self, demo: Demo, offices: Offices, publisher: str = "") -> None:
        """Connect it with the regions' services, which must be up; it follows a publisher, where one is given."""
        self._demo, self._offices, self._folder = demo, offices, demo.out / "matters"
        self._publisher = ("--publisher", publisher) if publisher else ()
        self._sockets = Path(tempfile.mkdtemp(prefix="ecert-"))
        self._processes = Processes(demo.out / "logs")
        self.url, self.pin = f"http://127.0.0.1:{free_port()}", f"{secrets.randbelow(10**8):08}"

    def stop(self) -> None:
        """Stop it."""
        self._processes.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        shutil.copytree(MATTERS, self._folder / "definitions")
        socket = self._sockets / "agent.sock"
        policy = self._folder / "agent.toml"
        policy.write_text(self._policy(), "utf-8")
        policy.chmod(0o600)
        self._processes.python("window-agent", "keys", "serve", "--socket", socket, "--policy", policy)
        self._processes.wait_for(socket, "window-agent")
        settings = self._folder / "office.json"
        settings.write_text(json.dumps(self._office(socket), ensure_ascii=False, indent=2), "utf-8")
        bundle = self._demo.out / "service-window"
        run("verifier", "pin", self._demo.root, "--bundle", bundle, show=False)
        run("verifier", "update", self._demo.published, "--bundle", bundle, show=False)
        window = ("--window", WINDOW, "--port", self.url.rpartition(":")[2], "--matters", settings, *self._publisher)
        self._processes.python("matters-window", "verifier", "serve", "--bundle", bundle, *window)
        self._processes.wait(f"{self.url}/readyz", "matters-window")

    def _office(self, socket: Path) -> dict[str, object]:
        services = [{"region": region, "service": one.origin} for region, one in self._offices.offices.items()]
        return {
            "unit": UNIT[0],
            "name": UNIT[1],
            "region": "310115",
            "matters": "definitions",
            "register": "register.db",
            "clerks": [self._clerk()],
            "signer": f"agent:{socket}#unit",
            "regions": services,
            "caller": f"agent:{socket}#caller",
            "vault": f"agent:{socket}#cases",
        }

    def _clerk(self) -> object:
        """Make the clerk's account."""
        command = [sys.executable, "-m", "verifier", "clerk", *CLERK]
        made = subprocess.run(command, input=self.pin, capture_output=True, text=True, check=True, cwd=ROOT)
        return json.loads(made.stdout)

    def _policy(self) -> str:
        """Make the window's keys; return its agent's policy: one signs receipts, another requests, and nothing else."""
        secret = self._folder / "passphrase.txt"
        secret.write_text(self._demo.passphrase.read_text("ascii"), "ascii")
        secret.chmod(0o600)
        common = ("--passphrase-file", secret)
        keys = {
            name: run("keys", "new-key", self._folder / f"{name}.key.pem", *common, show=False).out.strip()
            for name in ("audit", "caller")
        }
        run("keys", "vault", "new", self._folder / "cases.vault", *common, show=False)
        self._register(keys["caller"])
        return f"""[audit]
file = "agent.log"
key = "audit.key.pem"
passphrase_file = "passphrase.txt"
public_key = "{keys["audit"]}"

[clients]
window = [{os.geteuid()}]

[keys.unit]
file = "{self._demo.home}/relying-party-{UNIT[0]}.key.pem"
passphrase_file = "passphrase.txt"
clients = ["window"]
kinds = ["verification-receipt"]
per_minute = 600
per_day = 10000

[keys.caller]
file = "caller.key.pem"
passphrase_file = "passphrase.txt"
clients = ["window"]
kinds = ["request"]
per_minute = 6000
per_day = 100000

[vaults.cases]
file = "cases.vault"
passphrase_file = "passphrase.txt"
clients = ["window"]
per_day = 20000
"""

    def _register(self, point: str) -> None:
        """Register the window with every region's service."""
        key = self._folder / "caller.pem"
        key.write_text(public_pem(point), "ascii")
        for region in self._offices.offices:
            where = ("--ledger", self._demo.ledger(region), "--region", region)
            who = ("--key", key, "--role", "window", "--department", UNIT[0], "--rate", 6000)
            run("api", "callers", "add-system", UNIT[1], *who, *where, show=region == "440000")


def public_pem(point: str) -> str:
    """Return a public key, given in hexadecimal as `keys new-key` prints it, as PEM."""
    encoded = b64encode(PublicKey.from_point(bytes.fromhex(point)).spki).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{encoded[:64]}\n{encoded[64:]}\n-----END PUBLIC KEY-----\n"
