"""The services of a region in `compose.yaml`, started on this machine by their own command lines and settings."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from ecert.cli.entry import execute
from ecert.licence.types import load_catalogue
from keys.cli import app as keys_app
from tests.api.test_commands import ENVIRONMENT
from tests.deploy.test_compose import DOCKERFILE, ROOT, SERVICES, office
from tests.verifier.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Server

REGION = "440000"
PATIENCE = 240.0
PLACES = re.compile(r"(?<![\w/.])/(keys|run/ecert|run/secrets|published|etc/ecert|registry-keys|metrics)\b")
DATABASE = re.compile(r"postgresql://(\w+)@[^\s\"]+")


@dataclass
class Machine:
    """What containers see at `/keys` lies in `folder/keys` here, and so on; every process runs as the same user."""

    folder: Path
    database: Server
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """Return a text with the paths and addresses of this machine."""
        found = DATABASE.sub(lambda match: self.database.address("deploy", match[1]), text)
        return PLACES.sub(lambda match: str(self.folder / match[1]), found)

    def keys(self, *arguments: object) -> str:
        """Hold a part of the ceremony."""
        out = io.StringIO()
        secret = ("--passphrase-file", self.folder / "run/secrets/agent-passphrase")
        with redirect_stdout(out), redirect_stderr(io.StringIO()):
            assert execute(keys_app, list(map(str, (*arguments, *secret)))) == 0, arguments
        return out.getvalue()

    def command(self, service: str, **replaced: str) -> list[str]:
        """Return the command line of a service of `compose.yaml`, as it is typed here."""
        words = [self.here(str(word)) for word in SERVICES[service]["command"]]
        if "--group" in words:  # this machine has no such group
            del words[words.index("--group") : words.index("--group") + 2]
        for option, value in replaced.items():
            words[words.index(f"--{option}") + 1] = value
        return [SERVICES[service]["build"]["target"], *words]

    def start(self, service: str, **replaced: str) -> None:
        program, *words = self.command(service, **replaced)
        with (self.folder / f"{service}.log").open("wb") as log:
            command = [sys.executable, "-m", program, *words]
            self.running[service] = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=log, stderr=log)

    def wait(self, service: str, command: list[str]) -> None:
        """Ask until a health command says that all is well."""
        until = time.monotonic() + PATIENCE
        while subprocess.run(command, check=False, capture_output=True).returncode:
            log = (self.folder / f"{service}.log").read_text("utf-8")
            assert self.running[service].poll() is None, log
            assert time.monotonic() < until, log
            time.sleep(0.2)


@contextmanager
def machine(folder: Path, database: Server) -> Iterator[Machine]:
    one = Machine(folder, database)
    try:
        yield one
    finally:
        for process in reversed(one.running.values()):
            process.kill()
            process.wait()


def hold_ceremony(one: Machine) -> None:
    """Make every key that the policy of the region names, and a registry that knows them."""
    home, out = ("--home", one.folder / "keys"), ("--out", one.folder / "published")
    one.keys("init-national", "--name", "国家电子证照样例根", *home)
    one.keys("registry", "init", *home, *out)
    one.keys("init-region", "--region", REGION, "--name", "广东省", "--name-en", "Guangdong", *home)
    one.keys("registry", "add-region", "--region", REGION, *home, *out)
    types = [word for code in load_catalogue() for word in ("--type", code)]
    for department in office(REGION).departments:
        body = ("--region", REGION, "--code", department.code)
        one.keys("issue-department", *body, "--name", "样例部门", "--name-en", "Sample Department", *types, *home)
        one.keys("registry", "add-issuer", *body, *home, *out)
    policy = (ROOT / "deploy" / REGION / "agent.toml").read_text("utf-8")
    tsa = re.search(r"tsa-(\w{18})", policy)
    assert tsa is not None
    body = ("--region", REGION, "--code", tsa[1])
    one.keys("issue-tsa", *body, "--name", "样例时间戳中心", "--name-en", "Sample Time Stamps", *home)
    one.keys("registry", "add-issuer", "--role", "tsa", *body, *home, *out)
    one.keys("registry", "sign", *home, *out)
    one.keys("new-key", one.folder / "keys/tokens.key.pem")
    one.keys("vault", "new", one.folder / "keys/ledger.vault")
    place_settings(one, policy, one.keys("new-key", one.folder / "keys/agent-audit.key.pem").strip())


def place_settings(one: Machine, policy: str, audit_key: str) -> None:
    """Put the region's settings and policy where they are mounted; here all processes are one user's."""
    policy = re.sub(r'public_key = "\w+"', f'public_key = "{audit_key}"', policy)
    policy = re.sub(r"\[clients\]\n(?:.+\n)+", f"[clients]\nall = [{os.getuid()}]\n", policy)
    policy = re.sub(r'clients = \["\w+"\]', 'clients = ["all"]', policy)
    settings = (ROOT / "deploy" / REGION / "office.toml").read_text("utf-8")
    for name, text in (("agent", policy), ("office", settings)):
        file = one.folder / "etc/ecert" / f"{name}.toml"
        file.write_text(one.here(text), "utf-8")
        file.chmod(0o644)


def health(target: str, port: int = 0) -> list[str]:
    """Return how the image of a service asks whether it is well."""
    stage = DOCKERFILE[DOCKERFILE.index(f" AS {target}\n") :]
    line = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", stage, re.MULTILINE)
    assert line is not None
    _, *words = json.loads(line[1])
    return [sys.executable, *(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", word) for word in words)]


def test_every_service_of_a_region_comes_up_and_is_well_by_its_own_check(tmp_path: Path, postgresql: Server) -> None:
    """Agent, migration, publisher, registry, service: each by its own line, until each is well by its own check."""
    for place in ("keys/audit", "run/ecert", "run/secrets", "etc/ecert", "published", "metrics"):
        (tmp_path / place).mkdir(parents=True)
    with psycopg.connect(postgresql.address("postgres"), autocommit=True) as connection:
        for role in (f"ecert_{REGION}_owner", f"ecert_{REGION}"):  # as deploy/postgres/init.sh makes them
            connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"CREATE DATABASE deploy OWNER ecert_{REGION}_owner TEMPLATE template0")
    for name in ("agent-passphrase", "registry-passphrase"):
        (tmp_path / "run/secrets" / name).write_text("样例口令一二三四五六七八\n", "utf-8")
    (tmp_path / "run/secrets/oidc").write_text(secrets.token_urlsafe(), "ascii")
    (tmp_path / "registry-keys").symlink_to(tmp_path / "keys")
    with machine(tmp_path, postgresql) as one:
        hold_ceremony(one)
        one.start(f"agent-{REGION}")
        one.wait(f"agent-{REGION}", [one.here(word) for word in health("keys")])
        one.start(f"migrate-{REGION}")
        assert one.running[f"migrate-{REGION}"].wait(PATIENCE) == 0
        one.start("registry")
        one.start(f"publisher-{REGION}")
        port = free_port()
        one.start(f"api-{REGION}", host="127.0.0.1", port=str(port))
        one.wait(f"api-{REGION}", health("api", port))
        until = time.monotonic() + PATIENCE
        wanted = [tmp_path / "published/status" / REGION / "types.bin", tmp_path / "metrics/registry.prom"]
        while not all(file.is_file() for file in wanted):
            assert time.monotonic() < until, [log.read_text("utf-8") for log in tmp_path.glob("*.log")]
            time.sleep(0.2)
        assert [name for name, process in one.running.items() if process.poll()] == []
