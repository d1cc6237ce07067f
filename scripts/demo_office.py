"""The issuing services of the demonstration's regions, each a process: agent, identity provider, service.

keys serve                signs for the services by a policy; no other process opens a department's key
api development-provider  people to sign in as, operators and holders, one for each service
api serve --office        the issuing service, its console and its phone pages; a process of its own issues batches
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from demo_commands import run
from demo_country import DEPARTMENTS, HOST, REGIONS, TSAS
from demo_holders import APP, people
from demo_processes import Processes, Running, free_port
from demo_window import public_pem

from ecert.sm2 import PrivateKey
from ecert.web.message_signatures import sign
from ecert.web.signature_base import Message

if TYPE_CHECKING:
    from demo_run import Demo

ROLES: Final = {
    "wang": ("王示例", "issuer-clerk", "制证员 issuer clerk"),
    "li": ("李样张", "reviewer", "复核员 reviewer"),
    "chen": ("陈虚构", "catalogue-manager", "目录管理员 catalogue manager"),
    "zhou": ("周样品", "auditor", "审计员 auditor"),
    "zhao": ("赵演示", "region-operator", "地区管理员 region operator"),
}
"""Subject at the provider → name, role, and the role in words."""


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    data: bytes
    tag: str = ""

    @property
    def body(self) -> Any:
        """The same, as JSON."""
        return json.loads(self.data)


@dataclass
class Office:
    """One region's service, and the systems that call it.

    Attributes:
        region: Its code.
        origin: Where it is.
        settings: Its configuration.
        systems: Name → the key of a registered system.
    """

    region: str
    origin: str
    settings: Path
    systems: dict[str, PrivateKey] = field(default_factory=dict)

    def call(self, who: str, method: str, path: str, body: object = None, tag: str = "") -> Answer:
        """Send a request signed with SM2 (RFC 9421), as any system of a department does."""
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": secrets.token_hex(8), "Content-Type": "application/json"} if data else {}
        headers |= {"If-Match": tag} if tag else {}
        key = self.systems[who]
        message = Message(method, self.origin + path, tuple(headers.items()), data)
        name, nonce = key.public_key.key_id.hex(), secrets.token_urlsafe(16)
        headers |= sign(message, key, keyid=name, created=datetime.now(UTC), nonce=nonce)
        request = urllib.request.Request(self.origin + path, data or None, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  (a loopback address of ours)
                return Answer(answer.status, answer.read(), answer.headers.get("ETag", ""))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read())

    def approve(self, who: str, address: str, note: str) -> Answer:
        """Read a proposal, and approve it as it was read."""
        tag = self.call(who, "GET", address).tag
        return self.call(who, "POST", f"{address}/approve", {"note": note}, tag)


class Offices(Running):
    """The services of all regions; use as a context manager."""

    def __init__(self, demo: Demo) -> None:
        """Put everything below the demonstration's folder; sockets have short names elsewhere."""
        self._demo, self._folder = demo, demo.out / "offices"
        self._folder.mkdir(exist_ok=True)
        self._sockets = Path(tempfile.mkdtemp(prefix="ecert-"))
        self._processes = Processes(demo.out / "logs")
        self._origins = {region: f"http://127.0.0.1:{free_port()}" for region in REGIONS}
        self._keys: dict[str, str] = {}
        self.offices: dict[str, Office] = {}

    def start(self) -> None:
        """Start everything, and wait until it answers."""
        self._start_agent()
        for region in REGIONS:
            self.offices[region] = self._start_office(region)
        for region, office in self.offices.items():
            self._processes.wait(f"{office.origin}/readyz", f"office-{region}")

    def stop(self) -> None:
        """Stop everything."""
        self._processes.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def _socket(self) -> Path:
        return self._sockets / "agent.sock"

    def _start_agent(self) -> None:
        secret = ("--passphrase-file", self._demo.passphrase)
        for name in ("agent-audit", *(f"{what}-{region}" for what in ("tokens", "portal") for region in REGIONS)):
            key = self._folder / f"{name}.key.pem"
            self._keys[name] = run("keys", "new-key", key, *secret, show=False).out.strip()
        passphrase = self._demo.passphrase.read_text("ascii")
        place = self._folder / "passphrase.txt"
        place.write_text(passphrase, "ascii")
        place.chmod(0o600)
        policy = self._folder / "agent.toml"
        policy.write_text(self._policy(self._keys["agent-audit"]), "utf-8")
        policy.chmod(0o600)
        self._processes.python("agent", "keys", "serve", "--socket", self._socket, "--policy", policy)
        self._processes.wait_for(self._socket, "agent")

    def _policy(self, audit: str) -> str:
        head = f"""[audit]
file = "agent.log"
key = "agent-audit.key.pem"
passphrase_file = "passphrase.txt"
public_key = "{audit}"

[clients]
services = [{os.getuid()}]
"""
        sealing = ("record", "face", "sealing", "file")
        parts = [head, *(self._key(one.code, f"department-{one.code}", sealing) for one in DEPARTMENTS)]
        for region, (code, *_) in TSAS.items():
            parts.append(self._key(f"tsa-{region}", f"tsa-{code}", ("timestamp",)))
            for what, kind in (("tokens", "access-token"), ("portal", "request")):
                parts.append(self._key(f"{what}-{region}", f"{what}-{region}", (kind,), self._folder))
        return "\n".join(parts)

    def _key(self, name: str, file: str, kinds: tuple[str, ...], folder: Path | None = None) -> str:
        path = (folder or self._demo.home) / f"{file}.key.pem"
        return (
            f'[keys.{name.lower()}]\nfile = {json.dumps(str(path))}\npassphrase_file = "passphrase.txt"\n'
            f'clients = ["services"]\nkinds = {json.dumps(kinds)}\nper_minute = 60000\nper_day = 1000000\n'
        )

    def _start_office(self, region: str) -> Office:
        origin, provider = self._origins[region], free_port()
        port, issuer = origin.rpartition(":")[2], f"http://127.0.0.1:{provider}"
        secret = self._folder / "provider-secret.txt"
        if not secret.exists():
            secret.write_text(secrets.token_urlsafe(24), "ascii")
            secret.chmod(0o600)
        settings = self._folder / f"{region}.toml"
        settings.write_text(self._settings(region, origin, issuer, secret), "utf-8")
        office = Office(region, origin, settings)
        self._register(office, issuer)
        listed = [{"subject": who, "name": name, "about": role} for who, (name, _, role) in ROLES.items()]
        everybody = self._folder / f"people-{region}.json"
        everybody.write_text(json.dumps([*people(), *listed], ensure_ascii=False), "utf-8")
        self._processes.python(
            f"provider-{region}",
            *("api", "development-provider", "--people", everybody, "--client-secret-file", secret),
            *("--origin", origin, "--port", provider, "--development"),
        )
        self._processes.python(f"office-{region}", "api", "serve", "--office", settings, "--port", port)
        return office

    def _settings(self, region: str, origin: str, issuer: str, secret: Path) -> str:
        name, name_en = REGIONS[region]
        agent = f"agent:{self._socket}#"
        top = {
            "ledger": str(self._demo.ledger(region)),
            "published": str(self._demo.published),
            "region": region,
            "name": name,
            "name_en": name_en,
            "origin": origin,
            "portal_host": HOST,
            "token_key": f"{agent}tokens-{region}",
        }
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in top.items()]
        lines.append("rate = 6000\nworkers = 1\ndevelopment = true")
        for one in DEPARTMENTS:
            if one.region == region:
                mine = {"code": one.code, "signer": agent + one.code.lower(), "seal": one.seal}
                mine["tsa"] = f"{agent}tsa-{region}"
                lines.append("\n[[departments]]")
                lines += [f"{key} = {json.dumps(value)}" for key, value in mine.items()]
        where = {"issuer": issuer, "client_id": "ecert", "client_secret_file": str(secret)}
        provider = [f"{key} = {json.dumps(value)}" for key, value in where.items()]
        holders = ["\n[holders]", *provider, f"apps = [{json.dumps(APP)}]", *self._portals(region)]
        return "\n".join([*lines, "\n[oidc]", *provider, *holders, ""])

    def _portals(self, region: str) -> list[str]:
        """Return the other regions whose licences are shown too."""
        lines = []
        for other, (name, name_en) in REGIONS.items():
            if other != region:
                signer = f"agent:{self._socket}#portal-{region}"
                portal = {"region": other, "name": name, "name_en": name_en, "address": self._origins[other]}
                lines.append("\n[[holders.portals]]")
                lines += [f"{key} = {json.dumps(value)}" for key, value in {**portal, "signer": signer}.items()]
        return lines

    def _register(self, office: Office, issuer: str) -> None:
        department = next(one for one in DEPARTMENTS if one.region == office.region)
        where = ("--ledger", self._demo.ledger(office.region), "--region", office.region)
        for name, role in (("业务系统", "issuer-clerk"), ("复核系统", "reviewer")):
            key = office.systems[name] = PrivateKey.generate()
            who = ("--role", role, "--department", department.code)
            self._add_system(office.region, name, key.public_key.point.hex(), who)
        for other, (name, _) in REGIONS.items():
            if other != office.region:
                self._add_system(office.region, f"{name}亮证", self._keys[f"portal-{other}"], ("--role", "portal"))
        for subject, (name, role, _) in ROLES.items():
            own = () if role == "region-operator" else ("--department", department.code)
            who = ("--issuer", issuer, "--subject", subject, "--role", role)
            run("api", "callers", "add-operator", name, *who, *own, *where, show=False)

    def _add_system(self, region: str, name: str, point: str, who: tuple[str, ...]) -> None:
        key = self._folder / f"system-{region}-{name}.pem"
        key.write_text(public_pem(point), "ascii")
        where = ("--ledger", self._demo.ledger(region), "--region", region, "--rate", 6000)
        run("api", "callers", "add-system", name, "--key", key, *who, *where, show=region == "440000")
